"""Draws a link as a QR code that a phone reads off the screen."""

from __future__ import annotations

from functools import lru_cache

import segno
from pygame import Color, Rect, Surface

QUIET = 4
"""Modules that stay empty around it (ISO/IEC 18004, 6.3.8)."""
_LEAST = 4
"""Pixels of a module that the camera of a phone tells apart."""


@lru_cache(64)
def _modules(link: str) -> tuple[bytes, ...]:
    """Rows of dark (1) and light (0) modules, with error correction M or better."""
    return tuple(bytes(row) for row in segno.make_qr(link, error="m").matrix)


def side(link: str, most: int) -> int:
    """Give the pixels across, without the quiet zone, of the largest code within `most`; 0: no phone could read it."""
    if not link:
        return 0
    modules = len(_modules(link))
    return most // modules * modules if most // modules >= _LEAST else 0


def quiet(link: str, across: int) -> int:
    """Give the pixels that stay empty around a code of `across` pixels."""
    return QUIET * across // len(_modules(link))


def draw(surface: Surface, link: str, place: Rect, paper: Color, ink: Color) -> None:
    """Draw in a square place whose side `side` gave; the quiet zone lies around it."""
    rows = _modules(link)
    module = place.width // len(rows)
    light, dark = sorted((paper, ink), key=lambda colour: -sum(tuple(colour)[:3]))
    surface.fill(light, place.inflate(2 * QUIET * module, 2 * QUIET * module))
    for down, row in enumerate(rows):
        for across, is_dark in enumerate(row):
            if is_dark:
                surface.fill(dark, (place.x + across * module, place.y + down * module, module, module))
