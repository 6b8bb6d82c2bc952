"""Decides which frames of a camera are searched for codes, by which look and where, and which of the codes are news."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy

from edge.codes import Code, Gray, Look

Box = tuple[int, int, int, int]
"""A part of a frame: rows from and to, columns from and to."""

GONE = 1.0
"""Seconds out of view after which a code may be reported again."""
FORCED = 1.0
"""Seconds after which a scene without motion is looked at anyway."""
CURIOUS = 2.0
"""Seconds after the last motion for which what shows no code is looked at: whose code is not read holds still."""
RESTS = 3.0
"""Seconds without motion after which a code in view is the counter's own, such as one to pay with: beside it, what is
not read is looked at anew as if nothing were in view."""
SHARE = 0.2
"""Of one core: what second looks may take in the long run, so that the newest frame's first look never waits."""
SAVED = 0.05
"""Seconds of it that may be saved up while there was no need."""
LONGEST = 0.006
"""Seconds of one second look; who takes longer for all that moved gets a part of it, another one each time."""
PART = 0.6
"""Of a box' height and width: four such parts, one in each corner, cut no code that is smaller than a fifth of them."""
MOST_IN_VIEW = 64

_STEP = 8
_CHANGED = 30
_MOVED = 0.004
"""Motion: every 8th pixel of every 8th row; a share of them that changed by more than sensor noise does."""
_MARGIN = 48
"""Pixels around what moved: of a white phone on white paper only the code moves, and its quiet zone counts."""
_BOXES = 5


class Search:
    """One opened camera's frames, as time goes on: ask whether a frame is wanted, then look at it."""

    def __init__(
        self, first: Look, second: Sequence[Look] = (), *, spent: Callable[[], float] = time.thread_time
    ) -> None:
        self._first = first
        self._second = second
        self._spent = spent
        self._view = View()
        self._motion = Motion()
        self._budget = Budget()
        self._boxes: deque[Box | None] = deque(maxlen=_BOXES)
        self._moved = self._looked = -max(CURIOUS, FORCED)
        self._turn = 0
        self._cost = [0.0] * len(second)
        """Seconds a pixel that each second look took last."""

    def wants(self, gray: Gray, at: float) -> bool:
        """Whether there is anything in this frame that the last one looked at did not have."""
        if self._motion.in_frame(gray):
            self._moved = at
            self._boxes.append(self._motion.box)
            return True
        if at - self._looked >= FORCED or self._view.unsure(at):
            return True
        if self._view.empty() and at - self._moved < CURIOUS:
            return True
        self._view.still(at)
        return False

    def look(self, gray: Gray, at: float) -> list[Code]:
        """Search a frame; give the codes to report now."""
        self._looked = at
        self._motion.keep(gray)
        found = self._first(gray)
        if (
            self._second
            and self._view.has_only_resting(found)
            and (at - self._moved < CURIOUS or self._view.unsure(at))
        ):
            found = found + self._again(gray, at)
        return self._view.see(found, at)

    def _again(self, gray: Gray, at: float) -> list[Code]:
        """Take one of the second looks, if there is time for any; one that reads something has the next turn too."""
        if not self._budget.allows(at):
            return []
        corner, number = divmod(self._turn, len(self._second))
        box = around(self._boxes, gray)
        if self._cost[number] * _pixels(box) > LONGEST:
            box = _part(box, corner)
        top, bottom, left, right = box
        begin = self._spent()
        found = self._second[number](numpy.ascontiguousarray(gray[top:bottom, left:right]))
        took = self._spent() - begin
        self._budget.pay(took)
        self._cost[number] = took / max(1, _pixels(box))
        if not found:
            self._turn += 1
        return found


class Budget:
    """Processor time that comes in steadily and is spent in lumps: a dear look is paid off before the next one."""

    def __init__(self) -> None:
        self._has = SAVED
        self._at: float | None = None

    def allows(self, at: float) -> bool:
        """Whether anything is left."""
        if self._at is not None:
            self._has = min(SAVED, self._has + max(0.0, at - self._at) * SHARE)
        self._at = at
        return self._has > 0

    def pay(self, seconds: float) -> None:
        self._has -= seconds


class Motion:
    """Tells a frame that differs from the last one looked at, for a thousandth of the price of looking."""

    def __init__(self) -> None:
        self.box: Box | None = None
        """Where the last motion was; None: anywhere."""
        self._last: Gray | None = None

    def in_frame(self, gray: Gray) -> bool:
        """Whether something has moved, or the frame has another size than before."""
        few = gray[::_STEP, ::_STEP]
        last = self._last
        if last is None or last.shape != few.shape:
            self.box = None
            return True
        changed = numpy.maximum(few, last) - numpy.minimum(few, last) > _CHANGED
        if numpy.count_nonzero(changed) <= few.size * _MOVED:
            return False
        # A single pixel in its row or column is noise.
        rows, columns = (numpy.flatnonzero(numpy.count_nonzero(changed, axis=axis) > 1) for axis in (1, 0))
        self.box = (
            (int(rows[0]) * _STEP, (int(rows[-1]) + 1) * _STEP, int(columns[0]) * _STEP, (int(columns[-1]) + 1) * _STEP)
            if rows.size and columns.size
            else None
        )
        return True

    def keep(self, gray: Gray) -> None:
        """Compare the next frames with this one."""
        self._last = gray[::_STEP, ::_STEP].copy()


def around(boxes: Iterable[Box | None], gray: Gray) -> Box:
    """The part of a frame that holds all of these and a margin; all of it where one of them is anywhere, or none is."""
    height, width = gray.shape
    known = list(boxes)
    if not known or None in known:
        return 0, height, 0, width
    top, bottom, left, right = zip(*(box for box in known if box is not None), strict=True)
    return (
        max(0, min(top) - _MARGIN),
        min(height, max(bottom) + _MARGIN),
        max(0, min(left) - _MARGIN),
        min(width, max(right) + _MARGIN),
    )


def _part(box: Box, corner: int) -> Box:
    top, bottom, left, right = box
    height, width = round((bottom - top) * PART), round((right - left) * PART)
    top, bottom = (top, top + height) if corner % 4 < 2 else (bottom - height, bottom)
    left, right = (left, left + width) if corner % 2 == 0 else (right - width, right)
    return top, bottom, left, right


def _pixels(box: Box) -> int:
    top, bottom, left, right = box
    return (bottom - top) * (right - left)


@dataclass(slots=True)
class _Seen:
    """A code in view: when last, in how many frames, and whether it was reported."""

    at: float = 0.0
    frames: int = 0
    reported: bool = False
    still: float = 0.0
    """Seconds in view while nothing moved."""


class View:
    """Which codes are in view of a reader, and which of them are new."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], _Seen] = {}
        self._at = 0.0

    def empty(self) -> bool:
        """Whether the last frame showed nothing but what rests there."""
        return not any(seen.at == self._at and seen.still < RESTS for seen in self._seen.values())

    def has_only_resting(self, found: Iterable[Code]) -> bool:
        """Whether these, if any, have all been there for long, whoever comes and goes."""
        seen = (self._seen.get((code.format, code.content)) for code in found)
        return all(one is not None and one.still >= RESTS for one in seen)

    def unsure(self, at: float) -> bool:
        """Whether a code was in view a moment ago and may still be, or needs a second frame to count."""
        return any(at - seen.at < GONE and (seen.at != self._at or not seen.reported) for seen in self._seen.values())

    def still(self, at: float) -> None:
        """Note that nothing has moved: what the last frame showed is still there."""
        for seen in self._seen.values():
            if seen.at == self._at:
                seen.still += at - seen.at
                seen.at = at
        self._at = at

    def see(self, found: Iterable[Code], at: float) -> list[Code]:
        """Take the codes of one frame; give those to report now."""
        self._at = at
        self._seen = {key: seen for key, seen in self._seen.items() if at - seen.at < GONE}
        news = []
        for key, code in {(code.format, code.content): code for code in found}.items():
            seen = self._seen.pop(key, None) or _Seen()
            seen.at, seen.frames = at, seen.frames + 1
            self._seen[key] = seen
            # A misread bar code can have a right check digit; two frames do not misread alike.
            if not seen.reported and seen.frames >= (1 if code.format == "QRCode" else 2):
                seen.reported = True
                news.append(code)
        while len(self._seen) > MOST_IN_VIEW:
            del self._seen[next(iter(self._seen))]
        return news
