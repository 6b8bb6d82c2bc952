"""What a player is told: its screen, its socket, its folder and how it is displayed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ground import settings

_ID = re.compile(r"^[a-z0-9-]{1,64}\Z")
_SOCKET_PATH = 100
"""Bytes of a Unix socket's path that every Linux takes (the kernel's limit is 108 with the NUL)."""
_SIDES = range(320, 4097)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayConfig:
    """How the picture gets out; `full` takes the size of the screen, the others the one given here."""

    mode: Literal["full", "window", "headless"] = "full"
    width: int = 1920
    height: int = 1080

    def problems(self) -> Iterator[str]:
        for name in ("width", "height"):
            if getattr(self, name) not in _SIDES:
                yield f"{name}: must be {_SIDES.start} to {_SIDES.stop - 1} pixels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What makes the screens a chain's own."""

    brand: str = "のれん"
    """The name on the curtain."""

    def problems(self) -> Iterator[str]:
        if not 1 <= len(self.brand.strip()) <= 24:
            yield "brand: must be 1 to 24 letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignageConfig:
    """One player."""

    screen: str
    socket: Path
    """Where the player listens for the agent."""
    folder: Path
    """Its database, its pictures and `screen.png`."""
    display: DisplayConfig = field(default_factory=DisplayConfig)
    theme: Theme = field(default_factory=Theme)
    journal: Path | None = None
    """A file that gets every word shown, for tests and demonstrations; leave it out in a store."""
    mirror: Path | None = None
    """A file that holds the picture on the screen, for who shows it elsewhere; best on a disk in memory."""
    log: Literal["debug", "info", "warning", "error"] = "info"

    def problems(self) -> Iterator[str]:
        if not _ID.match(self.screen):
            yield "screen: must be 1 to 64 of a-z, 0-9 and -"
        if len(str(self.socket).encode()) > _SOCKET_PATH:
            yield f"socket: must be at most {_SOCKET_PATH} bytes long; choose a shorter path"


def read(file: Path) -> SignageConfig:
    """Read the section `signage:`. Raises SettingsError with every problem."""
    return settings.read(file, "signage", SignageConfig)
