"""Opens the one screen through SDL, and puts finished pictures on it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pygame
from pygame import Surface

from signage.config import DisplayConfig
from signage.errors import NoScreen, SignageError

log = logging.getLogger(__name__)

_PRIVATE = 0o600

_FULL = ("kmsdrm", "wayland", "x11")
"""Drivers tried for the full screen: the bare console first, then what a desktop offers."""


class Display:
    """The screen while it is open; only the thread that opened it may use it."""

    def __init__(self, config: DisplayConfig) -> None:
        self._config = config
        self._surface: Surface | None = None
        self.flipped_ns = 0
        """The CLOCK_MONOTONIC nanosecond right after the last flip."""

    def __enter__(self) -> Display:
        """Open the screen. Raises NoScreen."""
        match self._config.mode:
            case "headless":
                self._surface = self._opened("dummy", 0)
            case "window":
                self._surface = self._opened("", 0)
            case "full":
                self._surface = self._first_full()
        pygame.display.set_caption("Noren")
        pygame.display.set_allow_screensaver(False)
        pygame.mouse.set_visible(False)
        size = self._surface.get_size()
        fields = {"driver": pygame.display.get_driver(), "width": size[0], "height": size[1]}
        log.info("the screen is open", extra={"fields": fields})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._surface = None
        pygame.display.quit()

    @property
    def size(self) -> tuple[int, int]:
        return self._open().get_size()

    @property
    def watched(self) -> bool:
        """Tell whether somebody can close or cover the window, so that its events must be read."""
        return self._config.mode != "headless"

    @property
    def screen(self) -> Surface:
        """What is on the screen, until the next picture is put there; to be read only."""
        return self._open()

    def frame(self) -> Surface:
        """Give a new picture of the screen's size and format, to be drawn on."""
        return Surface(self.size)

    def present(self, picture: Surface) -> int:
        """Put the picture on the screen and give the CLOCK_MONOTONIC nanosecond right after."""
        self._open().blit(picture, (0, 0))
        return self._flip()

    def blend(self, old: Surface, new: Surface, share: float) -> int:
        """Put a mix of two pictures on the screen, `share` of it the new one; the time like `present`."""
        screen = self._open()
        screen.blit(old, (0, 0))
        new.set_alpha(round(255 * share))
        screen.blit(new, (0, 0))
        new.set_alpha(None)
        return self._flip()

    def snapshot(self) -> Surface:
        """Copy what is on the screen."""
        return self._open().copy()

    def closed_by_hand(self) -> bool:
        """Read what the window system has to say; True if somebody closed the window."""
        return any(event.type == pygame.QUIT for event in pygame.event.get())

    def _flip(self) -> int:
        pygame.display.flip()
        self.flipped_ns = time.monotonic_ns()
        return self.flipped_ns

    def _open(self) -> Surface:
        if self._surface is None:
            raise RuntimeError("the display is used outside of its `with`")
        return self._surface

    def _first_full(self) -> Surface:
        said: list[str] = []
        chosen = os.environ.get("SDL_VIDEODRIVER")
        for driver in [chosen] if chosen else _FULL:
            try:
                return self._opened(driver, pygame.FULLSCREEN)
            except NoScreen as error:
                said.append(error.message)
                log.warning("a video driver gave no screen", extra={"fields": {"driver": driver, "why": error.message}})
        raise NoScreen(
            "No full screen could be opened: " + " ".join(said),
            fix="Connect a screen and add the user to the groups video and render, or set display.mode: headless.",
        )

    def _opened(self, driver: str, flags: int) -> Surface:
        try:
            # SDL would turn SIGTERM into an event of its own, and we would end without a last word.
            full = bool(flags & pygame.FULLSCREEN)
            # In a window our software frames need no renderer: without one a player takes 90 MB less.
            plain = "" if full else "0"
            with _environment(SDL_VIDEODRIVER=driver, SDL_NO_SIGNAL_HANDLERS="1", SDL_FRAMEBUFFER_ACCELERATION=plain):
                pygame.display.init()
                return pygame.display.set_mode((0, 0) if full else (self._config.width, self._config.height), flags)
        except pygame.error as error:
            pygame.display.quit()
            raise NoScreen(
                f"{driver or 'The desktop'} opens no screen ({error}).", fix="Set display.mode: headless."
            ) from error


@contextmanager
def _environment(**wanted: str) -> Iterator[None]:
    """Set what SDL reads while it begins, where it is not empty, and put back what was there."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def save(picture: Surface, path: Path) -> None:
    """Write the picture as a PNG that only its owner reads, never half of one. Raises SignageError."""
    part = path.with_suffix(".part")
    try:
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, _PRIVATE)) as file:
            pygame.image.save(picture, file, "picture.png")
        part.replace(path)
    except (OSError, pygame.error) as error:
        raise SignageError(f"The picture {path} cannot be written: {error}.", fix="Check its folder.") from error
