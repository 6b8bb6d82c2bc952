"""Parts of the screen that draw themselves: the clock that changes with the minute, and the words that run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pygame import Rect

from ground.programme.records import Language
from signage import layouts
from signage.layer import Layer, Part
from signage.pane import FRAME, Studio

_TILE = 2048
"""The widest that every Pi's graphics take."""
_HEIGHTS_A_SECOND = 1.6
"""So many of its own height a band runs: about four letters a second, which is read with ease."""
_MOST_STEP = 0.1
"""Seconds that a band runs on at once, however long nobody moved it."""


class Clock:
    """Shows the time of day that it is told."""

    def __init__(self, studio: Studio, place: Rect, language: Language) -> None:
        self._studio = studio
        self._place = place
        self._language = language
        self._layer = studio.display.layer(place.size, studio.paper)
        self._shown: datetime | None = None
        self._changes = float("inf")

    def step(self, now: float, at: datetime) -> bool:
        """Draw the minute, if it is another one; tell whether it is. `at` is in the store's own zone."""
        self._changes = now + 60 - at.second - at.microsecond / 1e6
        minute = at.replace(second=0, microsecond=0, tzinfo=None)
        if minute == self._shown:
            return False
        self._shown = minute
        studio = self._studio
        board = studio.board.subsurface(Rect((0, 0), self._place.size))
        layouts.clock(board, at, self._language, studio.typesetter, studio.theme)
        self._layer.put(board)
        return True

    def due(self) -> float:
        return self._changes

    def parts(self) -> list[Part]:
        return [Part(self._layer, self._place)]


class Ticker:
    """Runs a band of words without end; a band that fits stands still."""

    def __init__(self, studio: Studio, place: Rect, language: Language, texts: Sequence[str]) -> None:
        self._place = place
        # Whole pixels a frame: anything else is seen to tremble.
        self._every = FRAME if studio.display.gpu else 2 * FRAME
        self._speed = max(1, round(place.height * _HEIGHTS_A_SECOND * self._every)) / self._every
        self._run = 0.0
        self.late = 0
        """Steps that came late."""
        self._stepped: float | None = None
        """When it was moved last; None while it rests."""
        said = [text for text in texts if text.strip()]
        band = layouts.ticker(said, place.height, language, studio.typesetter, studio.theme)
        self._width = band.get_width()
        self.moving = self._width > place.width
        self._tiles: list[tuple[int, Layer]] = []
        for x in range(0, self._width, _TILE):
            tile = band.subsurface(Rect(x, 0, min(_TILE, self._width - x), place.height))
            layer = studio.display.layer(tile.get_size(), studio.paper)
            layer.put(tile)
            self._tiles.append((x, layer))
        self._ground = studio.display.layer(place.size, studio.accent)

    def step(self, now: float) -> bool:
        """Move on, if it is time; tell whether it moved."""
        if not self.moving or (self._stepped is not None and now < self.due()):
            return False
        if self._stepped is not None:
            self.late += now > self.due() + FRAME
            self._run = (self._run + min(now - self._stepped, _MOST_STEP) * self._speed) % self._width
        self._stepped = now
        return True

    @property
    def height(self) -> int:
        return self._place.height

    @property
    def at(self) -> int:
        """Which pixel of the band is leftmost."""
        return int(self._run)

    def rest(self) -> None:
        """Something hides it: it goes on where it was."""
        self._stepped = None

    def due(self) -> float:
        if not self.moving:
            return float("inf")
        return self._stepped + self._every if self._stepped is not None else 0.0

    def parts(self) -> list[Part]:
        if not self.moving:
            return [Part(self._ground, self._place), *self._at(0)]
        first = -int(self._run)
        return [part for x in range(first, self._place.width, self._width) for part in self._at(x)]

    def _at(self, x: int) -> list[Part]:
        """The tiles of the band that begins at `x` of the place, cut at its edges."""
        parts = []
        for at, layer in self._tiles:
            whole = Rect(self._place.x + x + at, self._place.y, *layer.size)
            seen = whole.clip(self._place)
            if seen.width:
                parts.append(Part(layer, seen, source=seen.move(-whole.x, -whole.y)))
        return parts
