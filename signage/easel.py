"""Draws scenes off the screen, by the renderer of the screen, with all their pictures in place."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pygame
from pygame import Rect, Surface

from signage import layouts
from signage.assets import Assets
from signage.config import DisplayConfig, Theme
from signage.contract import Scene
from signage.decoder import Unplayable
from signage.decoder import pictures as film_pictures
from signage.display import Display
from signage.pictures import Pictures
from signage.text import Typesetter

_BUDGET = 256 << 20
_STILL = 1.0
"""Seconds into a film that has no picture to stand for it."""


class Easel:
    """Open it in the thread that draws; `missing` tells which pictures and films were not to be had."""

    def __init__(
        self, size: tuple[int, int], theme: Theme, files: Mapping[str, Path], folder: Path | None = None
    ) -> None:
        counts: Counter[str] = Counter()
        self.size = size
        self.theme = theme
        self.typesetter = Typesetter(counts, own=(theme.regular, theme.bold))
        self._display = Display(DisplayConfig(mode="headless", width=size[0], height=size[1]))
        self._shelf = _Shelf(files, folder, counts)
        self._pictures = Pictures(self._shelf, lambda: None, counts, _BUDGET)
        self._missing: set[str] = set()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises NoFont."""
        with ExitStack() as open_:
            open_.enter_context(self._display)
            open_.enter_context(self.typesetter)
            open_.enter_context(self._pictures)
            self._open = open_.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(sorted(self._missing))

    def scene(self, scene: Scene, size: tuple[int, int] | None = None) -> Surface:
        """Draw it; `size` is that of the part of the screen that it is for."""
        surface = Surface(size or self.size)
        screen = self.size if surface.get_size() != self.size else None
        for _ in range(2):  # First it asks for the pictures.
            sheet = layouts.draw(surface, scene, self._pictures, self.typesetter, self.theme, screen)
            self._pictures.finish()
        self._missing |= sheet.missing
        if scene.film is not None and scene.picture is None and sheet.film_place is not None:
            self._still(surface, scene.film, sheet.film_place)
        return surface

    def _still(self, surface: Surface, film: str, place: Rect) -> None:
        path = self._shelf.file(film)
        if path is None:
            self._missing.add(film)
            return
        try:
            with path.open("rb") as file:
                for seconds, picture in film_pictures(file, place.size, 0):
                    if picture is None:
                        return
                    plane = picture.planes[0]
                    made = pygame.image.frombuffer(bytes(plane), place.size, "BGRA", plane.line_size)
                    surface.blit(made, place)
                    if seconds >= _STILL:
                        return
        except (Unplayable, OSError):
            self._missing.add(film)


class _Shelf(Assets):
    """The files of a preview, which are somebody's own: read, never touched, and none is fetched."""

    def __init__(self, files: Mapping[str, Path], folder: Path | None, counts: Counter[str]) -> None:
        super().__init__(Path(), counts)
        self._files_by_digest = files
        self._own = folder

    def read(self, digest: str) -> bytes | None:
        path = self.file(digest)
        try:
            data = path.read_bytes() if path is not None else b""
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def file(self, digest: str) -> Path | None:
        known = self._files_by_digest.get(digest)
        if known is not None:
            return known
        kept = self._own / digest if self._own is not None else None
        return kept if kept is not None and kept.is_file() else None
