"""Finds the drawing for a shape's name, and draws a look."""

from __future__ import annotations

from collections.abc import Callable

from central.sample.pictures import (
    bags,
    bath,
    bedding,
    fragrance,
    kitchen,
    knitwear,
    medicine,
    stationery,
    sweets,
    tableware,
    tea,
    toys,
)
from central.sample.pictures.backdrop import lying, standing
from central.sample.pictures.canvas import Canvas
from central.sample.pictures.look import Look

ROOMS = (tea, sweets, kitchen, tableware, stationery, bath, fragrance, knitwear, bags, toys, bedding, medicine)
SHAPES: dict[str, Callable[[Canvas, Look], None]] = {name: draw for room in ROOMS for name, draw in room.SHAPES.items()}
LYING: frozenset[str] = frozenset().union(*(room.LYING for room in ROOMS))
"""Shapes that are seen from above."""


def draw(look: Look) -> Canvas:
    """The picture of a product, 640 by 640."""
    canvas = (lying if look.shape in LYING else standing)(look)
    SHAPES[look.shape](canvas, look)
    return canvas
