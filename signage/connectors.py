"""Reads from the kernel which displays are plugged in, and in which shape they want their picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DRM = Path("/sys/class/drm")
_NAME = re.compile(r"^card([0-9]+)-(.+)\Z")
_LATER = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """A connector with a display on it."""

    card: int
    name: str
    """Such as HDMI-A-1."""
    mode: str
    """The size that it likes best, such as 1920x1080."""


def known(drm: Path = DRM) -> bool:
    """Tell whether this machine says anything about its displays."""
    return any(drm.glob("card*-*/status"))


def plugs(drm: Path = DRM) -> list[Plug]:
    """List what is plugged in, in the order in which SDL counts the displays of each card."""
    found = [
        (card, number, plug) for path in drm.glob("card*-*") if (made := _plug(path)) for card, number, plug in made
    ]
    return [plug for *_, plug in sorted(found, key=lambda one: (one[0], one[1], one[2].name))]


def chosen(output: str, drm: Path = DRM) -> Plug | None:
    """Find what is plugged in where `output` says: a connector's name, a number from 0, or nothing for the first."""
    found = plugs(drm)
    if output and not output.isdecimal():
        return next((plug for plug in found if plug.name == output), None)
    return next(iter(found[int(output or 0) :]), None)


def number(output: str, drm: Path = DRM) -> int:
    """Give SDL's number for the display that `output` names; 0 where nobody can tell."""
    if output.isdecimal():
        return int(output)
    plug = chosen(output, drm)
    beside = [other.name for other in plugs(drm) if plug is not None and other.card == plug.card]
    return beside.index(plug.name) if plug is not None else 0


def _plug(path: Path) -> list[tuple[int, int, Plug]]:
    """A display without modes cannot be driven: its EDID is still to be read, or it is asleep."""
    named = _NAME.match(path.name)
    modes = _read(path / "modes").split()
    if named is None or _read(path / "status").strip() != "connected" or not modes:
        return []
    at = _read(path / "connector_id").strip()
    card = int(named[1])
    return [(card, int(at) if at.isdecimal() else _LATER, Plug(card=card, name=named[2], mode=modes[0]))]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # It went while we looked.
        return ""
