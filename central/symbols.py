"""Makes QR codes for print: how large they must be to be read from a distance, by phones and by our own cameras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import segno

QUIET = 4
"""Modules that stay empty around a code (ISO/IEC 18004, 6.3.8)."""
PHONE = 10
"""A phone reads a code from ten times its width: the rule of thumb of print, which no standard has."""
LEAST_PX = 2.25
"""Pixels that a module must have in a camera's picture for either of our readers to read it."""
CAMERA_PX = 1280
CAMERA_DEGREES = 70.0
"""How wide a 720p camera looks: the webcams of 78° from corner to corner. A narrower one reads from farther away."""

Correction = Literal["m", "q"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A QR code: rows of dark (1) and light (0) modules."""

    rows: tuple[bytes, ...]
    correction: str
    """L, M, Q or H."""

    @property
    def modules(self) -> int:
        return len(self.rows)


def symbol(address: str, correction: Correction) -> Symbol:
    """The smallest code that holds it, with that error correction or what more costs no module."""
    made = segno.make_qr(address, error=correction, boost_error=True)
    return Symbol(rows=tuple(bytes(row) for row in made.matrix), correction=str(made.error))


def module_mm(modules: int, metres: float) -> float:
    """The least width of a module in a code of so many, to be read from that distance."""
    phone = metres * 1000 / PHONE / modules
    return max(phone, LEAST_PX * _mm_a_pixel(metres))


def reach(modules: int, millimetres: float) -> float:
    """The inverse: metres from which a code of so many modules of that width is read."""
    return min(millimetres * modules * PHONE / 1000, millimetres / LEAST_PX / _mm_a_pixel(1.0))


def _mm_a_pixel(metres: float) -> float:
    return 2 * metres * 1000 * math.tan(math.radians(CAMERA_DEGREES / 2)) / CAMERA_PX
