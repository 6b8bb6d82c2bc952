"""What a chain has to say: a picture or film to the edge of the screen, and beside or under it the words."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Rect

from signage.contract import Item, Scene
from signage.layouts import phone
from signage.layouts.sheet import HEAD, HERO, LARGE, NOTE, TEXT, TITLE, Sheet
from signage.layouts.stack import Stack
from signage.text import Block

_TRIES = (
    (TITLE, LARGE, TEXT, 5, 3),
    (HEAD, LARGE, TEXT, 5, 3),
    (LARGE, TEXT, TEXT, 4, 3),
    (LARGE, NOTE, NOTE, 3, 2),
    (TEXT, NOTE, NOTE, 2, 1),
)
"""The largest and the smallest title, the largest text, its most lines and the most items, until all of it fits."""
_ALONE = (HERO, LARGE, LARGE, 5, 3)
"""What is tried first where no picture takes room."""


def draw(sheet: Sheet, scene: Scene) -> None:
    pictured = scene.picture is not None or scene.film is not None
    words = _beside(sheet, scene) if pictured else sheet.page
    sheet.curtain()
    # In half the width and over prices a large title would fill the column.
    tries = (_TRIES[1:] if scene.items and not sheet.portrait else _TRIES) if pictured else (_ALONE, *_TRIES)
    for largest, smallest, text, lines, most in tries:
        for link in (scene.link, "") if smallest == NOTE else (scene.link,):
            sizes = (largest, smallest, text)
            stack = _words(sheet, scene, words.width, sizes, lines, scene.items[:most], link)
            if stack.height <= words.height:
                stack.draw_in(words, 0 if sheet.portrait and pictured else 0.45)
                return
    rest = sheet.set(scene.title, words.width, TEXT, NOTE, most=2, bold=True, even=True, leading=1.3)
    sheet.over = True
    if rest.height <= words.height:
        sheet.put(rest, words.topleft)


def _beside(sheet: Sheet, scene: Scene) -> Rect:
    """Draw the picture; give the place that is left for the words."""
    width, height = sheet.surface.get_size()
    page = sheet.page
    if sheet.portrait:
        picture = Rect(0, 0, width, round(height * (0.42 if scene.items else 0.5)))
        gap = sheet.px(80 if sheet.whole else 40)
        sheet.main_picture(scene, picture)
        return Rect(page.x, picture.bottom + gap, page.width, page.bottom - picture.bottom - gap)
    left = round(width * 0.48)
    sheet.main_picture(scene, Rect(left, 0, width - left, height))
    return Rect(page.x, page.y, left - page.x - sheet.px(72 if sheet.whole else 48), page.height)


def _words(
    sheet: Sheet, scene: Scene, width: int, sizes: tuple[int, int, int], lines: int, items: Sequence[Item], link: str
) -> Stack:
    stack = Stack(sheet, width)
    gap = sheet.px(44 if sheet.whole else 32)
    largest, smallest, body = sizes
    stack.text(sheet.set(scene.title, width, largest, smallest, most=4, bold=True, even=True, leading=1.3))
    if scene.text:
        stack.rule(gap)
        stack.text(sheet.set(scene.text, width, body, NOTE, most=lines, even=True, leading=1.6), sheet.soft, gap)
    rows = [_row(sheet, item, width) for item in items]
    for index, row in enumerate(rows):
        _add_row(sheet, stack, row, 0 if index else gap)
    phone.add(sheet, stack, link, scene.language, gap if items else sheet.px(56))
    return stack


def _row(sheet: Sheet, item: Item, width: int) -> tuple[Block, Block]:
    price = sheet.set(item.price, width // 2, TEXT, NOTE, bold=True)
    name = sheet.set(item.title, width - price.width - sheet.px(40), NOTE, NOTE, most=2, even=True, leading=1.25)
    return name, price


def _add_row(sheet: Sheet, stack: Stack, row: tuple[Block, Block], gap: int) -> None:
    """A name at the left, its price at the right on the name's first baseline, under a hairline."""
    name, price = row

    def draw(place: Rect) -> None:
        sheet.fill(Rect(place.x, place.y, place.width, max(1, sheet.px(2))), sheet.line)
        y = place.centery - name.height // 2
        sheet.put(name, (place.x, y))
        sheet.put(price, (place.x, y + sheet.level(name, price)), sheet.accent, "right", place.width)

    stack.thing(max(name.height, price.height) + price.size, draw, gap)
