"""What a player is told: its screen, its socket, its folder and how it is displayed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ground import settings
from ground.programme.records import When

_ID = re.compile(r"^[a-z0-9-]{1,64}\Z")
_SOCKET_PATH = 100
"""Bytes of a Unix socket's path that every Linux takes (the kernel's limit is 108 with the NUL)."""
_SIDES = range(320, 4097)
_OUTPUT = re.compile(r"^[A-Za-z0-9-]{0,32}\Z")
_COLOUR = re.compile(r"^#[0-9a-fA-F]{6}\Z")
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3."""
_SHADE = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayConfig:
    """How the picture gets out; `full` takes the size of the screen, the others the one given here."""

    mode: Literal["full", "window", "headless"] = "full"
    width: int = 1920
    height: int = 1080
    output: str = ""
    """Which of several displays: a connector's name such as HDMI-A-1, or a number from 0; nothing: the first."""
    rotate: Literal[0, 90, 180, 270] = 0
    """By how many degrees clockwise the picture is turned, for a screen that hangs on its side or its head."""

    def problems(self) -> Iterator[str]:
        if not _OUTPUT.match(self.output):
            yield "output: must be the name of a connector such as HDMI-A-1, or a number from 0"
        for name in ("width", "height"):
            if getattr(self, name) not in _SIDES:
                yield f"{name}: must be {_SIDES.start} to {_SIDES.stop - 1} pixels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What makes the screens a chain's own: its name, four colours, its mark and its letters.

    A fifth colour, the red of an emergency, is nobody's own and cannot be changed.
    """

    brand: str = "のれん"
    """The name on the curtain."""
    logo: Path | None = None
    """A PNG that hangs on the curtain in place of the name; best in one light colour on nothing."""
    paper: str = "#faf6ee"
    """The ground that everything stands on."""
    ink: str = "#211d18"
    """Titles and names."""
    soft: str = "#625a4f"
    """What is read after them."""
    accent: str = "#223f6b"
    """The curtain, prices and points."""
    regular: Path | None = None
    """A font file for texts whose letters it has; all others stay in Noto Sans CJK."""
    bold: Path | None = None

    def problems(self) -> Iterator[str]:
        if not 1 <= len(self.brand.strip()) <= 24:
            yield "brand: must be 1 to 24 letters"
        colours = {name: getattr(self, name) for name in ("paper", "ink", "soft", "accent")}
        wrong = [name for name, colour in colours.items() if not _COLOUR.match(colour)]
        yield from (f'{name}: must be a colour such as "#223f6b", in quotes' for name in wrong)
        for name in ("ink", "soft", "accent") if not wrong else ():
            ratio = contrast(colours[name], shade(self.paper, self.ink))
            if ratio < LEAST_CONTRAST:
                yield (
                    f"{name}: has a contrast of {math.floor(ratio * 10) / 10} : 1 to the paper and its shade; "
                    f"it must be {LEAST_CONTRAST} : 1 to be read across a shop"
                )
        for name in ("logo", "regular", "bold"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                yield f"{name}: there is no file {path}"


def shade(paper: str, ink: str) -> str:
    """The paper a little darker (on a dark one: lighter), for tickets and places without a picture."""
    mixed = (round(a + (b - a) * _SHADE) for a, b in zip(_parts(paper), _parts(ink), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, by WCAG 2.2."""
    dark, light = sorted(_luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    shares = [part / 255 for part in _parts(colour)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


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
    hours: tuple[When, ...] = ()
    """When the display is on, by the store's clock; always, if nothing is said."""
    volume: int = 0
    """Of the chimes when somebody's code was read, 0 to 100; 0: none."""
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
        if not 0 <= self.volume <= 100:
            yield "volume: must be 0 (no chimes) to 100"
        if any(part.begins == part.ends for when in self.hours for part in when.parts):
            yield "hours: a part is empty: end it later, or write 00:00 to 24:00 for the whole day"


def read(file: Path) -> SignageConfig:
    """Read the section `signage:`. Raises SettingsError with every problem."""
    return settings.read(file, "signage", SignageConfig)
