"""Draws what is on the screen once more, small and with place holders for all that is anybody's own, and sends it."""

from __future__ import annotations

import io
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pygame
from pygame import Color, Rect, Surface

from ground.programme.records import Language
from signage import layouts
from signage.config import Theme
from signage.contract import Id, Picture, Scene
from signage.masking import masked
from signage.pictures import Pictures
from signage.text import Typesetter

log = logging.getLogger(__name__)

_WIDEST = 640
_MOST_BYTES = 180 << 10
"""What goes well over the air with all that is around it."""
_MOST_ASKED = 4
_AGAIN = 0.1
_TRIES = 20
"""Two seconds for pictures of this size; then their place holders do."""


@dataclass(frozen=True, slots=True)
class View:
    """One part of what is on the screen, in thousandths of it."""

    at: tuple[int, int, int, int]
    scene: Scene
    personal: bool


@dataclass(frozen=True, slots=True)
class Face:
    """A clock; `time` is in the store's own zone."""

    at: tuple[int, int, int, int]
    time: datetime
    language: Language


@dataclass(frozen=True, slots=True)
class Band:
    """A band of running words, at its beginning."""

    at: tuple[int, int, int, int]
    texts: Sequence[str]
    language: Language


class Likeness:
    """`ask`, `step`, `patience` and `made` belong to the frame loop; a thread makes the PNG, which takes longer."""

    def __init__(
        self,
        pictures: Pictures,
        typesetter: Typesetter,
        theme: Theme,
        counts: Counter[str],
        wake: Callable[[], None],
    ) -> None:
        self._pictures = pictures
        self._typesetter = typesetter
        self._theme = theme
        self._counts = counts
        self._wake = wake
        self._asked: deque[Id] = deque()
        self._try_at = 0.0
        self._tries = 0
        self._thread: threading.Thread | None = None
        self._made: deque[Picture] = deque()

    def ask(self, snapshot: Id) -> None:
        """Have a picture made; of too many that are asked for at once the last are not."""
        if len(self._asked) < _MOST_ASKED:
            self._asked.append(snapshot)
        else:
            self._counts["snapshots_dropped"] += 1

    def patience(self, now: float) -> float | None:
        """Give the seconds until it has something to do; None where nobody asks."""
        return max(0.0, self._try_at - now) if self._asked and not self._busy else None

    def step(self, size: tuple[int, int], views: Sequence[View | Face | Band], now: float) -> None:
        """Draw what was asked for, if it is time."""
        if not self._asked or self._busy or now < self._try_at:
            return
        drawn, missing = self._drawn(size, views)
        self._tries += 1
        if missing and self._tries < _TRIES:
            self._try_at = now + _AGAIN
            return
        self._tries, self._try_at = 0, 0.0
        self._thread = threading.Thread(target=self._encode, args=(self._asked.popleft(), drawn), daemon=True)
        self._thread.start()

    def made(self) -> list[Picture]:
        """Give the pictures that are ready."""
        return [self._made.popleft() for _ in range(len(self._made))]

    def finish(self) -> None:
        if self._thread is not None:
            self._thread.join()

    @property
    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _drawn(self, size: tuple[int, int], views: Sequence[View | Face | Band]) -> tuple[Surface, bool]:
        scale = min(1.0, _WIDEST / max(size))
        whole = Surface((max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
        whole.fill(Color(self._theme.paper))
        missing = False
        for view in views:
            place = _place(view.at, whole.get_size())
            surface = Surface(place.size)
            match view:
                case View():
                    missing = (
                        self._draw(view, surface, None if place.size == whole.get_size() else whole.get_size())
                        or missing
                    )
                case Face():
                    layouts.clock(surface, view.time, view.language, self._typesetter, self._theme)
                case Band():
                    surface.fill(Color(self._theme.accent))
                    band = layouts.ticker(view.texts, place.height, view.language, self._typesetter, self._theme)
                    surface.blit(band, (0, 0))
            whole.blit(surface, place)
        return whole, missing

    def _draw(self, view: View, surface: Surface, screen: tuple[int, int] | None) -> bool:
        """Draw a scene, masked; tell whether pictures are missing that may still come."""
        scene = masked(view.scene, view.personal)
        try:
            sheet = layouts.draw(surface, scene, self._pictures, self._typesetter, self._theme, screen)
        except (ValueError, pygame.error) as error:
            log.warning("a scene cannot be drawn for a snapshot", extra={"fields": {"why": str(error)}})
            return False
        return bool(sheet.missing)

    def _encode(self, snapshot: Id, picture: Surface) -> None:
        png = _png(picture)
        while len(png) > _MOST_BYTES and picture.get_width() > 100:
            width, height = picture.get_size()
            picture = pygame.transform.smoothscale(picture, (width * 3 // 4, height * 3 // 4))
            png = _png(picture)
        self._made.append(Picture(snapshot=snapshot, png=png))
        self._wake()


def _place(at: tuple[int, int, int, int], size: tuple[int, int]) -> Rect:
    left, top = at[0] * size[0] // 1000, at[1] * size[1] // 1000
    right, bottom = (at[0] + at[2]) * size[0] // 1000, (at[1] + at[3]) * size[1] // 1000
    return Rect(left, top, max(1, right - left), max(1, bottom - top))


def _png(picture: Surface) -> bytes:
    file = io.BytesIO()
    pygame.image.save(picture, file, "picture.png")
    return file.getvalue()
