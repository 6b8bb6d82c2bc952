"""The anonymous loop: a picture to the edge of the screen, and beside or under it what there is to say."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Rect

from signage.contract import Item, Scene
from signage.layouts.sheet import HEAD, HERO, INDIGO, INK, LARGE, LINE, NOTE, SOFT, TEXT, TITLE, Sheet
from signage.text import Block


def draw(sheet: Sheet, scene: Scene) -> None:
    width, height = sheet.surface.get_size()
    page = sheet.page
    words = page
    if scene.picture is not None and sheet.portrait:
        picture = Rect(0, 0, width, height // 2)
        gap = sheet.px(88)
        words = Rect(page.x, picture.bottom + gap, page.width, page.bottom - picture.bottom - gap)
        sheet.picture(scene.picture, picture)
    elif scene.picture is not None:
        left = round(width * 0.48)
        words = Rect(page.x, page.y, left - page.x - sheet.px(72), page.height)
        sheet.picture(scene.picture, Rect(left, 0, width - left, height))
    sheet.curtain()
    largest = HERO if scene.picture is None else TITLE
    for step, text, items in ((largest, 5, 3), (HEAD, 5, 3), (LARGE, 4, 3), (LARGE, 3, 0)):
        if _words(sheet, scene, words, step, text, scene.items[:items]):
            break


def _words(sheet: Sheet, scene: Scene, place: Rect, largest: int, most: int, items: Sequence[Item]) -> bool:
    """Draw the title, the text in `most` lines and the prices if they fit the place; tell whether they do."""
    title = sheet.set(scene.title, place.width, largest, LARGE, most=4, bold=True, even=True, leading=1.3)
    text = sheet.set(
        scene.text, place.width, min(largest, TEXT if scene.picture else LARGE), NOTE, most=most, even=True, leading=1.6
    )
    rows = [_row(sheet, item, place.width) for item in items]
    rule, gap = sheet.px(6), sheet.px(44)
    heights = [title.height, *([rule, text.height] if scene.text else []), *([sum(map(_high, rows))] if rows else [])]
    height = sum(heights) + gap * (len(heights) - 1)
    if height > place.height:
        return False
    y = place.y if sheet.portrait and scene.picture else place.y + max(0, place.height - height) * 9 // 20
    sheet.put(title, (place.x, y))
    y += title.height + gap
    if scene.text:
        sheet.fill(Rect(place.x, y, sheet.px(120), rule), INDIGO)
        y += rule + gap
        sheet.put(text, (place.x, y), SOFT)
        y += text.height + gap
    for row in rows:
        _draw_row(sheet, row, Rect(place.x, y, place.width, _high(row)))
        y += _high(row)
    return True


def _row(sheet: Sheet, item: Item, width: int) -> tuple[Block, Block]:
    price = sheet.set(item.price, width // 2, TEXT, NOTE, bold=True)
    name = sheet.set(item.title, width - price.width - sheet.px(40), NOTE, NOTE, most=2, even=True, leading=1.25)
    return name, price


def _high(row: tuple[Block, Block]) -> int:
    name, price = row
    return max(name.height, price.height) + price.size


def _draw_row(sheet: Sheet, row: tuple[Block, Block], place: Rect) -> None:
    """A name at the left, its price at the right, under a hairline."""
    name, price = row
    sheet.fill(Rect(place.x, place.y, place.width, max(1, sheet.px(2))), LINE)
    sheet.put(name, (place.x, place.centery - name.height // 2), INK)
    sheet.put(price, (place.x, place.centery - price.height // 2), INDIGO, "right", place.width)
