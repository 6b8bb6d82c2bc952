"""The sheet that every layout draws on: one grid, one scale of sizes, the colours, and the curtain at its top."""

from __future__ import annotations

from collections.abc import Sequence

import pygame
from pygame import Color, Rect, Surface

from signage.config import Theme
from signage.contract import Digest
from signage.pictures import Pictures, Wanted
from signage.text import Align, Block, Typesetter

PAPER = Color(250, 246, 238)
SHADE = Color(237, 230, 217)
INK = Color(33, 29, 24)
SOFT = Color(98, 90, 79)
INDIGO = Color(34, 63, 107)
DEEP = Color(24, 46, 81)
LINE = PAPER.lerp(SOFT, 0.5)

# One scale, a step being about 4 : 3. The least is read at 3 m on a 32-inch screen.
NOTE, TEXT, LARGE, HEAD, TITLE, HERO, GIANT = 36, 46, 60, 80, 104, 136, 200
STEPS = (GIANT, HERO, TITLE, HEAD, LARGE, TEXT, NOTE)

MARGIN = 96
GUTTER = 48
CURTAIN = 104
_PANEL = 240
_STEP = 120


class Sheet:
    """A surface and the words on it. Rectangles are in pixels; `px` makes them from 1080ths of the shorter side."""

    def __init__(self, surface: Surface, pictures: Pictures, typesetter: Typesetter, theme: Theme) -> None:
        self._pictures = pictures
        self._typesetter = typesetter
        self._unit = min(surface.get_size()) / 1080
        self.surface = surface
        self.theme = theme
        self.texts: list[str] = []
        """Every text drawn, as it can be read off the screen."""
        self.missing: set[Digest] = set()
        """The pictures whose place holder stands there."""
        surface.fill(PAPER)

    @property
    def portrait(self) -> bool:
        """Tell whether words go under pictures: on a square they still go beside them."""
        return self.surface.get_height() > 1.4 * self.surface.get_width()

    def px(self, length: float) -> int:
        return round(length * self._unit)

    @property
    def page(self) -> Rect:
        """The part inside the margins, under the curtain."""
        width, height = self.surface.get_size()
        margin = self.px(MARGIN * (0.75 if self.portrait else 1))
        top = self.px(CURTAIN + (88 if self.portrait else 56))
        return Rect(margin, top, width - 2 * margin, height - top - self.px(76))

    def set(
        self,
        text: str,
        width: int,
        largest: int,
        smallest: int = NOTE,
        *,
        most: int = 1,
        bold: bool = False,
        even: bool = False,
        leading: float = 1.4,
    ) -> Block:
        """Set in a size of the scale from `largest` to `smallest`, in at most `most` lines."""
        sizes = [self.px(step) for step in STEPS if smallest <= step <= largest]
        return self._typesetter.fit(text, width=width, sizes=sizes, most=most, bold=bold, even=even, leading=leading)

    def set_alike(
        self, texts: Sequence[str], width: int, largest: int, smallest: int = NOTE, *, most: int = 1, bold: bool = False
    ) -> list[Block]:
        """Set texts that stand beside each other, all in the size of the one that needs the smallest."""
        blocks = [
            self.set(text, width, largest, smallest, most=most, bold=bold, even=True, leading=1.25) for text in texts
        ]
        least = min(block.size for block in blocks)
        step = next(step for step in STEPS if self.px(step) <= least)
        return [self.set(text, width, step, smallest, most=most, bold=bold, even=True, leading=1.25) for text in texts]

    def put(self, block: Block, at: tuple[int, int], colour: Color = INK, align: Align = "left", room: int = 0) -> None:
        """Draw text with the top left of its first letter's square at `at`; `room` is what it is aligned in."""
        self._typesetter.draw(self.surface, block, at, colour, align, room)
        if block.said:
            self.texts.append(block.said)

    def picture(self, digest: Digest | None, place: Rect) -> None:
        """Draw the picture cut to fill the place, or the place holder while there is none."""
        if digest is not None:
            # Words of one line or two leave places of many heights: one picture in a few heights serves them all.
            step = self.px(_STEP)
            high = -(-place.height // step) * step
            made = self._pictures.get(Wanted(digest, place.width, high, (SHADE.r, SHADE.g, SHADE.b)))
            if made is not None:
                self.surface.blit(made, place, Rect(0, (high - place.height) // 2, *place.size))
                return
            self.missing.add(digest)
        self._place_holder(place)

    def fill(self, place: Rect, colour: Color) -> None:
        pygame.draw.rect(self.surface, colour, place)

    def curtain(self) -> None:
        """Hang the shop's curtain over the top edge, with its name."""
        width, foot = self.surface.get_width(), self.px(CURTAIN)
        self.cloth(Rect(0, 0, width, foot), panels=max(3, round(width / self.px(_PANEL))), slit=0.66, rod=self.px(10))
        brand = self.set(self.theme.brand, width // 2, NOTE, bold=True)
        self.put(brand, (self.page.x, (self.px(10) + round(foot * 0.66) - brand.height) // 2), PAPER)

    def cloth(self, place: Rect, panels: int, slit: float, rod: int) -> None:
        """Draw a curtain of cloth that is slit from `slit` of its height down, on its rod."""
        self.fill(place, INDIGO)
        self.fill(Rect(place.x, place.y, place.width, rod), DEEP)
        top = place.y + round(place.height * slit)
        gap = max(2, self.px(5))
        for panel in range(1, panels):
            x = place.x + round(place.width * panel / panels) - gap // 2
            self.fill(Rect(x, top, gap, place.bottom - top), PAPER)

    def _place_holder(self, place: Rect) -> None:
        """A quiet curtain on shaded paper: the place is kept, and nobody takes it for a fault."""
        self.fill(place, SHADE)
        side = min(place.size) // 3
        colour = PAPER.lerp(SOFT, 0.28)
        cloth = Rect(0, 0, side, side * 3 // 4)
        cloth.center = place.center
        self.fill(Rect(cloth.x - side // 8, cloth.y - side // 12, side + side // 4, max(2, side // 24)), colour)
        gap = max(2, side // 40)
        for panel in range(3):
            x = cloth.x + panel * side // 3
            self.fill(Rect(x, cloth.y, side // 3 - (gap if panel < 2 else 0), cloth.height), colour)


def tallest(blocks: Sequence[Block]) -> int:
    """Give the height of the highest block, so that what follows stands on one line."""
    return max((block.height for block in blocks), default=0)
