"""Products chosen for whoever stands there: picture, name, price and why, one large or up to six in a grid."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Rect

from signage.contract import Item, Scene
from signage.layouts import code, notice, phone
from signage.layouts.sheet import CODE, GUTTER, HEAD, HERO, LARGE, NOTE, TEXT, Sheet, tallest
from signage.layouts.stack import Stack

_MOST = 6
_LEAST_ROW = 240
_SLIM = 400
_LOWEST = 0.5
"""Of its width: a picture lower than this shows little of what stands upright."""


def draw(sheet: Sheet, scene: Scene) -> None:
    items = scene.items[:_MOST]
    if not items:
        notice.draw(sheet, scene)
        return
    sheet.curtain()
    area = _heading(sheet, scene)
    if sheet.narrow:
        items = items[: max(1, area.height // sheet.px(_LEAST_ROW))]
    match len(items), sheet.portrait:
        case 1, _:
            _single(sheet, scene, items[0], area)
        case 3, False if not sheet.narrow:
            _columns(sheet, items, area, across=3)
        case many, _ if sheet.narrow or many <= 3:
            if area.height // many > area.width * 4 // 5:
                _columns(sheet, items, area, across=1)
            else:
                _rows(sheet, items, area, across=1, down=many)
        case 4, False:
            _rows(sheet, items, area, across=2, down=2)
        case _, False:
            _rows(sheet, items, area, across=3, down=2)
        case _:
            _list(sheet, items, area)


def _heading(sheet: Sheet, scene: Scene) -> Rect:
    """Draw title and text, beside each other where there is room; give what is left of the page."""
    page = sheet.page
    width = page.width
    across = code.side(scene.link, sheet.px(CODE * 3 // 4)) if len(scene.items) > 1 and not sheet.narrow else 0
    if across:
        sheet.code(scene.link, Rect(page.right - across, page.y, across, across))
        width -= across + sheet.px(GUTTER)
    title = sheet.set(
        scene.title, width, HEAD, TEXT, most=2 if sheet.portrait else 1, bold=True, even=True, leading=1.25
    )
    sheet.put(title, page.topleft)
    y = page.y + title.height
    beside = width - title.width - sheet.px(GUTTER)
    if scene.text:
        text = sheet.set(scene.text, width, NOTE, NOTE, most=2, even=True)
        if text.width <= beside and len(title.lines) == len(text.lines) == 1 and not across:
            sheet.put(text, (page.x, page.y + sheet.level(title, text)), sheet.soft, "right", width)
        else:
            sheet.put(text, (page.x, y + sheet.px(28)), sheet.soft)
            y += sheet.px(28) + text.height
    y = max(y, page.y + across) + sheet.px(52 if sheet.whole else 36)
    return Rect(page.x, y, page.width, page.bottom - y)


def _single(sheet: Sheet, scene: Scene, item: Item, area: Rect) -> None:
    gap = sheet.px(40)
    if sheet.portrait:
        picture = Rect(area.x, area.y, area.width, min(area.width, area.height // 2))
        words = Rect(area.x, picture.bottom + gap, area.width, area.bottom - picture.bottom - gap)
    else:
        picture = Rect(area.x, area.y, min(area.width // 2, round(area.height * 1.2)), area.height)
        words = Rect(picture.right + 2 * gap, area.y, area.right - picture.right - 2 * gap, area.height)
    sheet.picture(item.picture, picture)
    for largest, note, link in (
        (HEAD, 3, True),
        (LARGE, 2, True),
        (LARGE, 2, False),
        (TEXT, 1, False),
        (NOTE, 0, False),
    ):
        stack = Stack(sheet, words.width)
        smallest = min(largest, TEXT)
        stack.text(sheet.set(item.title, words.width, largest, smallest, most=3, bold=True, even=True, leading=1.3))
        if item.note and note:
            stack.text(sheet.set(item.note, words.width, TEXT, NOTE, most=note, even=True), sheet.soft, gap)
        price = sheet.set(item.price, words.width, HERO if largest == HEAD else HEAD, NOTE, bold=True)
        stack.text(price, sheet.accent, gap)
        if link:
            phone.add(sheet, stack, item.link or scene.link, scene.language, sheet.px(64))
        if stack.height <= words.height:
            break
    stack.draw_in(words, 0 if sheet.portrait else 0.45)


def _columns(sheet: Sheet, items: Sequence[Item], area: Rect, across: int) -> None:
    """Pictures over words; names, prices and notes each begin on one line across."""
    gutter = sheet.px(GUTTER)
    down = -(-len(items) // across)
    width = (area.width - gutter * (across - 1)) // across
    height = (area.height - gutter * (down - 1)) // down
    gap = sheet.px(24)
    codes = _Codes(sheet, items, width)
    room = width - codes.room
    name, price = (NOTE, TEXT) if room < sheet.px(_SLIM) else (TEXT, LARGE)
    rows = [(sheet.set_alike([item.title for item in items], room, name, most=2, bold=True), sheet.ink)]
    if any(item.price for item in items):
        rows.append((sheet.set_alike([item.price for item in items], room, price, bold=True), sheet.accent))
    words = max(sum(tallest(blocks) + gap for blocks, _ in rows), codes.across + gap if codes.across else 0)
    notes = sheet.set_alike([item.note for item in items], room, NOTE, most=2)
    noted = sum(tallest(blocks) + gap for blocks, _ in [*rows, (notes, sheet.soft)])
    if any(item.note for item in items) and all(note.whole for note in notes) and height - noted > width * _LOWEST:
        rows.append((notes, sheet.soft))
        words = max(words, noted)
    high = height - words
    for index, item in enumerate(items):
        x = area.x + index % across * (width + gutter)
        top = area.y + index // across * (height + gutter)
        sheet.picture(item.picture, Rect(x, top, width, high))
        y = top + high + gap
        codes.draw(index, x + width, y)
        for blocks, colour in rows:
            sheet.put(blocks[index], (x, y), colour)
            y += (tallest(blocks) if across > 1 else blocks[index].height) + gap


def _rows(sheet: Sheet, items: Sequence[Item], area: Rect, across: int, down: int) -> None:
    """Picture at the left and words at the right of it, `across` beside each other."""
    gutter = sheet.px(GUTTER)
    width = (area.width - gutter * (across - 1)) // across
    height = (area.height - gutter * (down - 1)) // down
    codes = _Codes(sheet, items, width) if across == 1 and not sheet.narrow else None
    aside = codes.room if codes else 0
    wide = min(round(height * 1.5), round((width - aside) * (0.36 if sheet.narrow else 0.46)))
    high = min(height, round(width * 0.62), wide)  # An upright frame cuts off both sides of a bowl.
    left = wide + sheet.px(28 if sheet.narrow else {1: 56, 2: 40, 3: 28}[across])
    words = _Words(sheet, items, width - aside - left, across, height)
    for index, item in enumerate(items):
        x, y = area.x + index % across * (width + gutter), area.y + index // across * (height + gutter)
        sheet.picture(item.picture, Rect(x, y + (height - high) // 2, wide, high))
        words.draw(index, Rect(x + left, y, width - aside - left, height))
        if codes:
            codes.draw(index, x + width, y + (height - codes.across) // 2)


def _list(sheet: Sheet, items: Sequence[Item], area: Rect) -> None:
    """A line for each: its picture, its name, and its price at the right edge."""
    gap = sheet.px(32)
    height = (area.height - gap * (len(items) - 1)) // len(items)
    wide = min(round(height * 1.2), area.width * 3 // 10)
    prices = sheet.set_alike([item.price for item in items], area.width * 3 // 10, LARGE, bold=True)
    left = wide + sheet.px(40)
    room = area.width - left - max(price.width for price in prices) - sheet.px(40)
    names = sheet.set_alike([item.title for item in items], room, TEXT, most=2, bold=True)
    for index, item in enumerate(items):
        y = area.y + index * (height + gap)
        sheet.picture(item.picture, Rect(area.x, y, wide, height))
        middle = y + height // 2
        name, price = names[index], prices[index]
        sheet.put(name, (area.x + left, middle - name.height // 2))
        sheet.put(price, (area.x, middle - price.height // 2), sheet.accent, "right", area.width)


class _Codes:
    """The codes of products that stand beside each other, all of one size, and the room they take from the words."""

    def __init__(self, sheet: Sheet, items: Sequence[Item], width: int) -> None:
        self._sheet = sheet
        self._links = [item.link for item in items]
        most = min(sheet.px(CODE * 3 // 4), width * 3 // 10)
        sides = [code.side(link, most) for link in self._links]
        self.across = max(sides)
        self.room = 0
        if self.across:
            quiet = max(code.quiet(link, side) for link, side in zip(self._links, sides, strict=True) if side)
            self.room = self.across + quiet + sheet.px(12)

    def draw(self, index: int, right: int, top: int) -> None:
        """Draw one with its upper right corner there."""
        side = code.side(self._links[index], self.across)
        if side:
            self._sheet.code(self._links[index], Rect(right - side, top, side, side))


class _Words:
    """The names, prices and notes of products that stand in rows, each kind in one size."""

    def __init__(self, sheet: Sheet, items: Sequence[Item], width: int, across: int, high: int) -> None:
        self._sheet = sheet
        self._across = across
        self._gap = sheet.px(24)
        name, price = {1: (LARGE, HEAD), 2: (TEXT, LARGE), 3: (NOTE, TEXT)}[across]
        if width < sheet.px(_SLIM):
            name, price = min(name, TEXT), min(price, LARGE)
        self._names = sheet.set_alike([item.title for item in items], width, name, most=3, bold=True)
        self._prices = sheet.set_alike([item.price for item in items], width, price, bold=True)
        self._notes = sheet.set_alike([item.note for item in items], width, NOTE, most=2)
        everything = zip(self._names, self._prices, self._notes, strict=True)
        self._noted = across < 3 and all(
            note.whole and name.height + price.height + note.height + 2 * self._gap <= high
            for name, price, note in everything
        )

    def draw(self, index: int, place: Rect) -> None:
        """Draw one product's words in the middle of the height, with its note if all notes fit.

        What stands beside each other has its names and its prices on the same lines.
        """
        row = slice(index - index % self._across, index - index % self._across + self._across)
        high = tallest(self._names[row])
        name, price, note = self._names[index], self._prices[index], self._notes[index]
        rows = [(name, self._sheet.ink, high)]
        if any(price.said for price in self._prices[row]):
            rows.append((price, self._sheet.accent, price.height))
        if note.said and self._noted:
            rows.append((note, self._sheet.soft, note.height))
        height = sum(height for _, _, height in rows) + self._gap * (len(rows) - 1)
        y = place.y + max(0, place.height - height) // 2
        for block, colour, height in rows:
            self._sheet.put(block, (place.x, y), colour)
            y += height + self._gap
