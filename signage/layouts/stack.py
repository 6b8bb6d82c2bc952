"""Things under each other in one column, all measured before any is drawn."""

from __future__ import annotations

from collections.abc import Callable

from pygame import Color, Rect

from signage.layouts.sheet import Sheet
from signage.text import Align, Block


class Stack:
    """Add from top to bottom; `gap` is what lies above a thing that is not the first."""

    def __init__(self, sheet: Sheet, width: int, align: Align = "left") -> None:
        self._sheet = sheet
        self._align = align
        self._things: list[tuple[int, int, Callable[[Rect], None]]] = []
        self.width = width

    @property
    def height(self) -> int:
        return sum(gap + height for gap, height, _ in self._things)

    def thing(self, height: int, draw: Callable[[Rect], None], gap: int = 0) -> None:
        self._things.append((gap if self._things else 0, height, draw))

    def text(self, block: Block, colour: Color | None = None, gap: int = 0) -> None:
        """Nothing for an empty text."""

        def draw(place: Rect) -> None:
            self._sheet.put(block, place.topleft, colour, self._align, place.width)

        if block.said:
            self.thing(block.height, draw, gap)

    def rule(self, gap: int) -> None:
        """The short bar between a title and what it says."""

        def draw(place: Rect) -> None:
            bar = Rect(place.x, place.y, min(place.width, self._sheet.px(120)), place.height)
            if self._align == "centre":
                bar.centerx = place.centerx
            self._sheet.fill(bar, self._sheet.accent)

        self.thing(max(2, self._sheet.px(6)), draw, gap)

    def draw(self, x: int, y: int) -> None:
        for gap, height, draw in self._things:
            y += gap
            draw(Rect(x, y, self.width, height))
            y += height

    def draw_in(self, place: Rect, share: float = 0.45) -> None:
        """Draw with `share` of the room that is left above: the optical middle is above the middle."""
        self.draw(place.x, place.y + max(0, round((place.height - self.height) * share)))
