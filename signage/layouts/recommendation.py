"""Products chosen for whoever stands there: picture, name, price and why, one large or up to six in a grid."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Color, Rect

from signage.contract import Item, Scene
from signage.layouts import notice
from signage.layouts.sheet import GUTTER, HEAD, HERO, INDIGO, INK, LARGE, NOTE, SOFT, TEXT, Sheet, tallest
from signage.text import Block

_MOST = 6


def draw(sheet: Sheet, scene: Scene) -> None:
    items = scene.items[:_MOST]
    if not items:
        notice.draw(sheet, scene)
        return
    sheet.curtain()
    area = _heading(sheet, scene)
    match len(items), sheet.portrait:
        case 1, _:
            _single(sheet, items[0], area)
        case 3, False:
            _columns(sheet, items, area, across=3)
        case 2 | 3, _:
            _rows(sheet, items, area, across=1, down=len(items))
        case 4, False:
            _rows(sheet, items, area, across=2, down=2)
        case _, False:
            _rows(sheet, items, area, across=3, down=2)
        case _:
            _columns(sheet, items, area, across=2)


def _heading(sheet: Sheet, scene: Scene) -> Rect:
    """Draw title and text, beside each other where there is room; give what is left of the page."""
    page = sheet.page
    title = sheet.set(scene.title, page.width, HEAD, TEXT, most=2 if sheet.portrait else 1, bold=True, even=True)
    sheet.put(title, page.topleft)
    y = page.y + title.height
    beside = page.width - title.width - sheet.px(GUTTER)
    if scene.text:
        text = sheet.set(scene.text, page.width, NOTE, NOTE, most=2, even=True)
        if text.width <= beside and len(title.lines) == 1:
            # The two baselines are one.
            sheet.put(text, (page.x, page.y + round((title.size - text.size) * 0.88)), SOFT, "right", page.width)
        else:
            sheet.put(text, (page.x, y + sheet.px(28)), SOFT)
            y += sheet.px(28) + text.height
    y += sheet.px(52)
    return Rect(page.x, y, page.width, page.bottom - y)


def _single(sheet: Sheet, item: Item, area: Rect) -> None:
    gap = sheet.px(40)
    if sheet.portrait:
        picture = Rect(area.x, area.y, area.width, min(area.width, area.height * 3 // 5))
        words = Rect(area.x, picture.bottom + gap, area.width, area.bottom - picture.bottom - gap)
    else:
        picture = Rect(area.x, area.y, min(area.width // 2, round(area.height * 1.2)), area.height)
        words = Rect(picture.right + 2 * gap, area.y, area.right - picture.right - 2 * gap, area.height)
    sheet.picture(item.picture, picture)
    name = sheet.set(item.title, words.width, HEAD, TEXT, most=3, bold=True, even=True, leading=1.3)
    price = sheet.set(item.price, words.width, HERO, LARGE, bold=True)
    note = sheet.set(item.note, words.width, TEXT, NOTE, most=3, even=True)
    rows = [(name, INK), *([(note, SOFT)] if item.note else []), *([(price, INDIGO)] if item.price else [])]
    y = words.y if sheet.portrait else words.y + (words.height - _height(rows, gap)) * 9 // 20
    for block, colour in rows:
        sheet.put(block, (words.x, y), colour)
        y += block.height + gap


def _columns(sheet: Sheet, items: Sequence[Item], area: Rect, across: int) -> None:
    """Pictures over words; names, prices and notes each begin on one line across."""
    gutter = sheet.px(GUTTER)
    down = -(-len(items) // across)
    width = (area.width - gutter * (across - 1)) // across
    height = (area.height - gutter * (down - 1)) // down
    for start in range(0, len(items), across):
        top = area.y + start // across * (height + gutter)
        row = items[start : start + across]
        places = [Rect(area.x + index * (width + gutter), top, width, height) for index in range(len(row))]
        _row_of_columns(sheet, row, places, notes=down == 1)


def _row_of_columns(sheet: Sheet, items: Sequence[Item], places: Sequence[Rect], *, notes: bool) -> None:
    width = places[0].width
    gap = sheet.px(24)
    largest = TEXT if notes else NOTE
    rows = [(sheet.set_alike([item.title for item in items], width, largest, most=2, bold=True), INK)]
    if any(item.price for item in items):
        rows.append((sheet.set_alike([item.price for item in items], width, LARGE, bold=True), INDIGO))
    if notes and any(item.note for item in items):
        rows.append((sheet.set_alike([item.note for item in items], width, NOTE, most=2), SOFT))
    high = places[0].height - sum(tallest(blocks) + gap for blocks, _ in rows)
    for index, place in enumerate(places):
        sheet.picture(items[index].picture, Rect(place.x, place.y, width, high))
        y = place.y + high + gap
        for blocks, colour in rows:
            sheet.put(blocks[index], (place.x, y), colour)
            y += tallest(blocks) + gap


def _rows(sheet: Sheet, items: Sequence[Item], area: Rect, across: int, down: int) -> None:
    """Picture at the left and words at the right of it, `across` beside each other."""
    gutter = sheet.px(GUTTER)
    width = (area.width - gutter * (across - 1)) // across
    height = (area.height - gutter * (down - 1)) // down
    high = min(height, round(width * (0.58 if across == 3 else 0.62)))
    wide = min(round(high * 1.5), round(width * (0.42 if across == 3 else 0.46)))
    left = wide + sheet.px({1: 56, 2: 40, 3: 28}[across])
    words = _Words(sheet, items, width - left, across)
    for index, item in enumerate(items):
        x, y = area.x + index % across * (width + gutter), area.y + index // across * (height + gutter)
        sheet.picture(item.picture, Rect(x, y, wide, high))
        words.draw(index, Rect(x + left, y, width - left, high))


class _Words:
    """The names, prices and notes of products that stand in rows, each kind in one size."""

    def __init__(self, sheet: Sheet, items: Sequence[Item], width: int, across: int) -> None:
        self._sheet = sheet
        self._items = items
        name, price = {1: (LARGE, HEAD), 2: (TEXT, LARGE), 3: (NOTE, TEXT)}[across]
        self._names = sheet.set_alike([item.title for item in items], width, name, most=3, bold=True)
        self._prices = sheet.set_alike([item.price for item in items], width, price, bold=True)
        self._notes = sheet.set_alike([item.note for item in items], width, NOTE, most=2)

    def draw(self, index: int, place: Rect) -> None:
        """Draw one product's words in the middle of the height; the note goes if they do not fit."""
        item = self._items[index]
        gap = self._sheet.px(24)
        rows = [(self._names[index], INK)]
        if item.price:
            rows.append((self._prices[index], INDIGO))
        if item.note and _height([*rows, (self._notes[index], SOFT)], gap) <= place.height:
            rows.append((self._notes[index], SOFT))
        y = place.y + max(0, place.height - _height(rows, gap)) // 2
        for block, colour in rows:
            self._sheet.put(block, (place.x, y), colour)
            y += block.height + gap


def _height(rows: Sequence[tuple[Block, Color]], gap: int) -> int:
    return sum(block.height for block, _ in rows) + gap * (len(rows) - 1)
