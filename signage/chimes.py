"""Lets somebody hear how the reading of their code went."""

from __future__ import annotations

import logging
import math
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import pygame

from signage.contract import Chime

log = logging.getLogger(__name__)

RATE = 44_100
_BUFFER = 256
"""Samples that are handed over at once: 6 ms, where SDL's own 512 and the driver's would be heard as lateness."""
_AGAIN = 30.0
"""Seconds until a device that was not there is looked for again."""
_FADE = 0.012
"""Seconds in which a note comes and goes, so that it does not click."""
_A5, _E5, _C5, _A4, _E4 = 880.0, 659.26, 523.25, 440.0, 329.63
_TUNES: dict[Chime, tuple[tuple[float, float], ...]] = {
    # Pairs of a pitch in Hz and seconds. Up: it was read. One: read, and nobody we know. Down: it will not do.
    "read": ((_E5, 0.07), (_A5, 0.13)),
    "unknown": ((_C5, 0.16),),
    "expired": ((_C5, 0.09), (0.0, 0.05), (_C5, 0.09)),
    "wrong": ((_A4, 0.11), (_E4, 0.2)),
}


class Chimes:
    """Silent at `volume` 0 (of 100), and where there is no sound device; the screen never waits for it."""

    def __init__(self, volume: int, counts: Counter[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.trouble = ""
        """A sentence where sound is wanted and cannot be had."""
        self._volume = volume / 100
        self._counts = counts
        self._clock = clock
        self._tried: float | None = None
        self._sounds: dict[Chime, pygame.mixer.Sound] = {}

    def __enter__(self) -> Self:
        if self._volume:
            self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._sounds:
            self._sounds.clear()
            pygame.mixer.quit()

    def play(self, chime: Chime) -> None:
        """Sound it now, in place of what sounds still."""
        if chime == "none" or not self._volume:
            return
        if not self._sounds and (self._tried is None or self._clock() - self._tried >= _AGAIN):
            self._open()
        if not self._sounds:
            self._counts["chimes_unheard"] += 1
            return
        try:
            pygame.mixer.stop()
            self._sounds[chime].play()
        except pygame.error as error:  # The device was pulled.
            self._fail(error)
        else:
            self._counts["chimes"] += 1

    def _open(self) -> None:
        self._tried = self._clock()
        try:
            pygame.mixer.init(RATE, -16, 1, _BUFFER, allowedchanges=0)
            self._sounds = {chime: pygame.mixer.Sound(buffer=samples(tune)) for chime, tune in _TUNES.items()}
            for sound in self._sounds.values():
                sound.set_volume(self._volume)
        except pygame.error as error:
            self._fail(error)
        else:
            self.trouble = ""

    def _fail(self, error: pygame.error) -> None:
        if not self.trouble:
            log.warning("there is no sound: %s", error)
        self.trouble = f"The player cannot sound its chimes: {error}. Plug in a speaker, or set volume to 0."
        self._sounds.clear()
        pygame.mixer.quit()


def samples(tune: Iterable[tuple[float, float]]) -> bytes:
    """A tune as 16-bit samples: each note a sine with a little of its octave, which small speakers carry better."""
    made = array("h")
    for pitch, seconds in tune:
        count = int(seconds * RATE)
        for at in range(count):
            turn = math.tau * pitch * at / RATE
            loud = min(1.0, at / (RATE * _FADE), (count - at) / (RATE * _FADE))
            made.append(round((math.sin(turn) * 0.75 + math.sin(2 * turn) * 0.2) * loud * 32_000))
    return made.tobytes()
