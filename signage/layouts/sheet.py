"""The sheet that every layout draws on: one grid, one scale of sizes, the chain's colours, the curtain at its top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pygame
from pygame import Color, Rect, Surface

from ground.programme.records import Language
from signage.config import Theme, shade
from signage.contract import Digest, Scene
from signage.layouts import code
from signage.layouts.logo import hung
from signage.pictures import HIDDEN, Pictures, Wanted
from signage.text import ASCENT, Align, Block, Typesetter

# One scale, a step being about 4 : 3. The least is read at 3 m on a 32-inch screen.
NOTE, TEXT, LARGE, HEAD, TITLE, HERO, GIANT = 36, 46, 60, 80, 104, 136, 200
STEPS = (GIANT, HERO, TITLE, HEAD, LARGE, TEXT, NOTE)

MARGIN = 96
GUTTER = 48
CURTAIN = 104
CODE = 224
"""A code for the phone without its quiet zone: 8 cm on a 32-inch screen, read from 80 cm."""
_PANEL = 240
_STEPS_ACROSS = 8
"""A picture is made up to an eighth of its width too high: in coarser steps small ones would lose their sides."""
_PART_MARGIN = 48
_LEAST_SIDE = 480
"""1080ths of the screen: where a part of it is narrower, its words get smaller too."""
_NARROW = 900
_FLAT = 300
_PORTRAIT = 1.4
_MOST_LINES = 3
"""Of a name: what has more ends with …."""


class _High(Protocol):
    @property
    def height(self) -> int: ...


class Colours:
    """A theme's colours, and what is mixed of them."""

    def __init__(self, theme: Theme) -> None:
        self.paper = Color(theme.paper)
        self.ink = Color(theme.ink)
        self.soft = Color(theme.soft)
        self.accent = Color(theme.accent)
        self.shade = Color(shade(theme.paper, theme.ink))
        self.deep = self.accent.lerp(Color("black"), 0.28)
        self.line = self.paper.lerp(self.soft, 0.5)


class Sheet(Colours):
    """A surface and the words on it. Rectangles are in pixels; `px` makes them of 1080ths of the screen."""

    def __init__(
        self,
        surface: Surface,
        pictures: Pictures,
        typesetter: Typesetter,
        theme: Theme,
        *,
        language: Language = "ja",
        screen: tuple[int, int] | None = None,
        shrunk: float = 1,
    ) -> None:
        """`screen`: the size of the whole one, if the surface is a part of it."""
        super().__init__(theme)
        self._pictures = pictures
        self._typesetter = typesetter
        self._language = language
        self.whole = screen is None or screen == surface.get_size()
        self._unit = min(screen or surface.get_size()) / 1080
        if not self.whole:
            self._unit = shrunk * min(self._unit, surface.get_width() / _LEAST_SIDE)
        self.surface = surface
        self.theme = theme
        self.texts: list[str] = []
        """Every text drawn, as it can be read off the screen."""
        self.missing: set[Digest] = set()
        """The pictures whose place holder stands there."""
        self.over = False
        """Whether words were put over the edge, or left out for want of room."""
        self.film_place: Rect | None = None
        """Where the scene's film runs."""
        surface.fill(self.paper)

    @property
    def portrait(self) -> bool:
        """Tell whether words go under pictures: on a square they still go beside them."""
        width, height = self.surface.get_size()
        return height > _PORTRAIT * width or (not self.whole and width < self.px(_NARROW) and height > width // 2)

    @property
    def narrow(self) -> bool:
        """Tell whether things fit under each other only."""
        return self.surface.get_width() < self.px(_NARROW)

    @property
    def flat(self) -> bool:
        """Tell whether it is a strip of the screen that takes a line or two."""
        return not self.whole and self.surface.get_height() < self.px(_FLAT)

    def px(self, length: float) -> int:
        return round(length * self._unit)

    @property
    def page(self) -> Rect:
        """The part inside the margins, under the curtain."""
        width, height = self.surface.get_size()
        if not self.whole:
            margin = self.px(_PART_MARGIN)
            return Rect(margin, margin, width - 2 * margin, height - 2 * margin)
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
        return self._typesetter.fit(
            text,
            width=width,
            sizes=sizes,
            most=most,
            bold=bold,
            even=even,
            leading=leading,
            language=self._language,
        )

    def set_brand(self, letters: str, width: int, largest: int) -> Block:
        """Set a chain's name, or a letter of it, which keeps its shape whatever language is spoken under it."""
        sizes = [self.px(step) for step in STEPS if step <= largest]
        return self._typesetter.fit(letters, width=width, sizes=sizes, bold=True, language="ja")

    def set_alike(
        self, texts: Sequence[str], width: int, largest: int, smallest: int = NOTE, *, most: int = 1, bold: bool = False
    ) -> list[Block]:
        """Set texts that stand beside each other, all in the size of the one that needs the smallest."""
        blocks = [
            self.set(text, width, largest, smallest, most=most, bold=bold, even=True, leading=1.25) for text in texts
        ]
        if 1 < most < _MOST_LINES and not all(block.whole for block in blocks):
            return self.set_alike(texts, width, smallest, smallest, most=most + 1, bold=bold)
        least = min(block.size for block in blocks)
        step = next(step for step in STEPS if self.px(step) <= least)
        return [self.set(text, width, step, smallest, most=most, bold=bold, even=True, leading=1.25) for text in texts]

    def put(
        self, block: Block, at: tuple[int, int], colour: Color | None = None, align: Align = "left", room: int = 0
    ) -> None:
        """Draw text with the top left of its first letter's square at `at`; `room` is what it is aligned in."""
        self._typesetter.draw(self.surface, block, at, colour or self.ink, align, room)
        if block.said:
            self.texts.append(block.said)
            spare = {"left": 0, "centre": (room - block.width) // 2, "right": room - block.width}[align]
            place = Rect(at[0] + spare, at[1], block.width, block.height)
            self.over = self.over or not self.surface.get_rect().contains(place)

    def level(self, first: Block, other: Block) -> int:
        """Give how much lower `other` is put than `first` for their first lines to stand on one baseline."""
        return round((first.size - other.size) * ASCENT)

    def main_picture(self, scene: Scene, place: Rect) -> bool:
        """Draw the scene's picture; its film runs in the same place."""
        if scene.film is not None:
            self.film_place = Rect(place)
        return self.picture(scene.picture, place)

    def picture(self, digest: Digest | None, place: Rect) -> bool:
        """Draw the picture cut to fill the place, or the place holder while there is none; tell whether it is there."""
        if digest is not None and digest != HIDDEN:
            # Words of one line or two leave places of many heights: one picture in a few heights serves them all.
            step = max(1, place.width // _STEPS_ACROSS)
            high = -(-place.height // step) * step
            made = self._pictures.get(Wanted(digest, place.width, high, (self.shade.r, self.shade.g, self.shade.b)))
            if made is not None:
                self.surface.blit(made, place, Rect(0, (high - place.height) // 2, *place.size))
                return True
            self.missing.add(digest)
        self._place_holder(place)
        return False

    def code(self, link: str, place: Rect) -> None:
        """Draw a link's code in a square place whose side is of `code.side`, its quiet zone around it."""
        code.draw(self.surface, link, place, self.paper, self.ink)

    def fill(self, place: Rect, colour: Color) -> None:
        pygame.draw.rect(self.surface, colour, place)

    def curtain(self) -> None:
        """Hang the shop's curtain over the top edge, with its name or mark; a part of a screen has none."""
        if not self.whole:
            return
        width, foot = self.surface.get_width(), self.px(CURTAIN)
        rod, slit = self.px(10), round(foot * 0.66)
        self.cloth(Rect(0, 0, width, foot), panels=max(3, round(width / self.px(_PANEL))), slit=0.66, rod=rod)
        self.brand(Rect(self.page.x, rod, width // 2, slit - rod), NOTE, "left")

    def brand(self, place: Rect, largest: int, align: Align) -> None:
        """Put the chain's mark, else its name, on the cloth in the middle of the height."""
        mark = hung(self.theme.logo, place.width, place.height * 4 // 5) if self.theme.logo else None
        if mark is not None:
            left = place.x + (0 if align == "left" else (place.width - mark.get_width()) // 2)
            self.surface.blit(mark, (left, place.centery - mark.get_height() // 2))
            return
        name = self.set_brand(self.theme.brand, place.width, largest)
        self.put(name, (place.x, place.centery - name.height // 2), self.paper, align, place.width)

    def cloth(self, place: Rect, panels: int, slit: float, rod: int) -> None:
        """Draw a curtain of cloth that is slit from `slit` of its height down, on its rod."""
        self.fill(place, self.accent)
        self.fill(Rect(place.x, place.y, place.width, rod), self.deep)
        top = place.y + round(place.height * slit)
        gap = max(2, self.px(5))
        for panel in range(1, panels):
            x = place.x + round(place.width * panel / panels) - gap // 2
            self.fill(Rect(x, top, gap, place.bottom - top), self.paper)

    def _place_holder(self, place: Rect) -> None:
        """A quiet curtain on shaded paper: the place is kept, and nobody takes it for a fault."""
        self.fill(place, self.shade)
        side = min(place.size) // 3
        colour = self.paper.lerp(self.soft, 0.28)
        cloth = Rect(0, 0, side, side * 3 // 4)
        cloth.center = place.center
        self.fill(Rect(cloth.x - side // 8, cloth.y - side // 12, side + side // 4, max(2, side // 24)), colour)
        gap = max(2, side // 40)
        for panel in range(3):
            x = cloth.x + panel * side // 3
            self.fill(Rect(x, cloth.y, side // 3 - (gap if panel < 2 else 0), cloth.height), colour)


def tallest(things: Sequence[_High]) -> int:
    """Give the height of the highest, so that what follows stands on one line."""
    return max((thing.height for thing in things), default=0)
