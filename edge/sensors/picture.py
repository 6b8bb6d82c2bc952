"""Judges what a camera gives: black, too dark, too bright, or the same picture for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy

from edge.codes import Gray
from edge.errors import SensorError

HOLDS = 3.0
"""Seconds for which a picture must be wrong until that is said: a hand before the lens is none of our business."""
OVER = 1.0
"""Seconds for which it must be right again."""
FROZEN = 10.0
"""Seconds of the very same picture. A sensor's noise makes any two differ."""
EVERY = 0.25
"""Seconds between two looks at the light."""

BLACK, DARK = 16, 45
"""What is brighter than all but a hundredth of the picture. White of 45 on black of 14 is still read, now and then."""
FULL, BRIGHT = 250, 200
"""Half of the picture is as bright as it gets; all but a twentieth of it is brighter than what a code's black should
be."""
EVEN = 6
"""Less difference than between the middle and the corners of any lens."""

Light = Literal["", "black", "dark", "washed", "bright", "even"]
SAYS: Mapping[Light, str] = {
    "": "",
    "black": "The camera sees only black: is its cap on, and is there light?",
    "dark": "The camera's picture is far too dark to read codes: give it more light, or a longer exposure.",
    "washed": "The camera's picture is washed out: give it less light, or a shorter exposure.",
    "bright": "The camera's picture is too bright for codes: give it less light, or a shorter exposure.",
    "even": "The camera sees one even gray: is something right before its lens, or is it fogged?",
}

_STEP = 8
_ROWS = 45
"""Of those rows looked at, every so many-th is compared first."""


class Picture:
    """One opened camera's pictures, as time goes on."""

    def __init__(self) -> None:
        self._same: Gray | None = None
        self._same_since = 0.0
        self._looked = -EVERY
        self._found: Light = ""
        self._found_since = 0.0
        self._said = ""

    def see(self, gray: Gray, at: float) -> str:
        """Take a frame; give the sentence that is true of the last seconds, or none.

        Raises SensorError where the picture has not changed at all for FROZEN seconds.
        """
        few = gray[::_STEP, ::_STEP]
        if not _alike(few, self._same):
            self._same, self._same_since = few.copy(), at
        elif at - self._same_since >= FROZEN and judged(few) not in ("black", "washed", "even"):
            # These have their own sentences, and nothing in them could move, a hot pixel under a cap neither.
            raise SensorError(
                f"The camera gives the very same picture for {FROZEN:.0f} seconds.",
                fix="It is opened anew; if that does not help, unplug it and plug it in again.",
            )
        if at - self._looked >= EVERY:
            self._looked = at
            self._note(judged(few), at)
        return self._said

    def _note(self, found: Light, at: float) -> None:
        if found != self._found:
            self._found, self._found_since = found, at
        if at - self._found_since >= (HOLDS if found else OVER):
            self._said = SAYS[found]


def judged(few: Gray) -> Light:
    """What is wrong with one picture's light."""
    count = numpy.bincount(few.ravel(), minlength=256).cumsum()
    parts = numpy.array([0.01, 0.05, 0.5, 0.99]) * few.size
    darkest, dark, middle, bright = numpy.searchsorted(count, parts).tolist()
    if bright <= BLACK:
        return "black"
    if bright < DARK:
        return "dark"
    if middle >= FULL:
        return "washed"
    if dark >= BRIGHT:
        return "bright"
    return "even" if bright - darkest < EVEN else ""


def _alike(few: Gray, last: Gray | None) -> bool:
    if last is None or last.shape != few.shape:
        return False
    # A few rows tell nearly always.
    return numpy.array_equal(few[::_ROWS], last[::_ROWS]) and numpy.array_equal(few, last)
