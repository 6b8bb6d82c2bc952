"""The greeting at the till: a title, a word, points as large figures, coupons as tickets."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Rect

from signage.contract import Item, Scene
from signage.layouts.sheet import GIANT, LARGE, NOTE, TEXT, TITLE, Sheet, tallest
from signage.text import Block

_MOST_TICKETS = 3
_MOST_FIGURES = 3
_TICKET = 228
_GAP = 36
_PAD = 24


def draw(sheet: Sheet, scene: Scene) -> None:
    sheet.curtain()
    page = sheet.page
    tickets = scene.items[:_MOST_TICKETS]
    beside = bool(tickets) and not sheet.portrait
    words = _Words(sheet, scene, page.width * 61 // 100 if beside else page.width)
    if beside:
        left = page.x + words.width + sheet.px(48)
        drawn = _Tickets(sheet, tickets, page.right - left, page.height)
        drawn.draw(left, _centred(Rect(left, 0, 0, drawn.height), page).y)
        words.draw(_centred(Rect(page.x, 0, words.width, words.height), page))
        return
    gap = sheet.px(72) if tickets else 0
    below = _Tickets(sheet, tickets, page.width, page.height - words.height - gap) if tickets else None
    both = _centred(Rect(page.x, 0, page.width, words.height + gap + (below.height if below else 0)), page)
    words.draw(both)
    if below:
        below.draw(page.x, both.bottom - below.height)


def _centred(place: Rect, page: Rect) -> Rect:
    """Move to the optical middle of the page, which is above the middle."""
    place.y = page.y + max(0, page.height - place.height) * 9 // 20
    return place


class _Words:
    """Title, text and figures, set but not yet drawn."""

    def __init__(self, sheet: Sheet, scene: Scene, width: int) -> None:
        self._sheet = sheet
        self._gap = sheet.px(44)
        self._figures = scene.figures[:_MOST_FIGURES]
        self.width = width
        self._title = sheet.set(scene.title, width, TITLE, TEXT, most=3, bold=True, even=True, leading=1.3)
        self._text = sheet.set(scene.text, width, TEXT, NOTE, most=4, even=True, leading=1.6) if scene.text else None
        room = width // max(1, len(self._figures)) - sheet.px(72)
        largest = GIANT if len(self._figures) == 1 else TITLE
        self._labels = [sheet.set(figure.label, room, NOTE, bold=True) for figure in self._figures]
        self._values = (
            sheet.set_alike([figure.value for figure in self._figures], room, largest, bold=True)
            if self._figures
            else []
        )

    @property
    def height(self) -> int:
        height = self._title.height + (self._gap + self._text.height if self._text else 0)
        if self._figures:
            height += 2 * self._gap + tallest(self._labels) + self._sheet.px(20) + tallest(self._values)
        return height

    def draw(self, place: Rect) -> None:
        y = place.y
        self._sheet.put(self._title, (place.x, y))
        y += self._title.height
        if self._text:
            self._sheet.put(self._text, (place.x, y + self._gap), self._sheet.soft)
            y += self._gap + self._text.height
        y += 2 * self._gap
        for index, (label, value) in enumerate(zip(self._labels, self._values, strict=True)):
            x = place.x + index * self.width // len(self._figures)
            self._sheet.put(label, (x, y), self._sheet.soft)
            self._sheet.put(value, (x, y + label.height + self._sheet.px(20)), self._sheet.accent)


class _Ticket:
    """A coupon, set but not yet drawn."""

    def __init__(self, sheet: Sheet, item: Item, width: int, notes: int) -> None:
        self._sheet = sheet
        self._gap = sheet.px(18)
        self.name = sheet.set(item.title, width, NOTE, most=2, bold=True, even=True, leading=1.3)
        self.note = sheet.set(item.note, width, NOTE, most=notes, even=True, leading=1.3)

    @property
    def height(self) -> int:
        return self.name.height + (self._gap + self.note.height if self.note.said else 0)

    def draw(self, x: int, y: int) -> None:
        self._sheet.put(self.name, (x, y), self._sheet.ink)
        if self.note.said:
            self._sheet.put(self.note, (x, y + self.name.height + self._gap), self._sheet.soft)


class _Tickets:
    """Coupons under each other, as high as what they say needs: what each is worth, and what it is for."""

    def __init__(self, sheet: Sheet, items: Sequence[Item], width: int, most: int) -> None:
        self._sheet = sheet
        self._pad = sheet.px(_PAD)
        self._between = sheet.px(_GAP)
        self._stub = round(width * (0.4 if sheet.portrait else 0.33))
        self._width = width
        self._worths = sheet.set_alike(
            [item.price for item in items], self._stub - 2 * sheet.px(16), LARGE, most=2, bold=True
        )
        # The words of the last tries get less air; a coupon that still has no room is left out.
        for many, notes in [(len(items), 3), (len(items), 2), *((many, 1) for many in range(len(items), 0, -1))]:
            self._set = [_Ticket(sheet, item, width - self._stub - 2 * self._pad, notes) for item in items[:many]]
            air, least = (self._pad, 0) if notes == 1 else (2 * self._pad, sheet.px(_TICKET))
            pairs = zip(self._set, self._worths, strict=False)
            self._heights = [max(least, *(tallest(pair) + air for pair in pairs))] * many
            if self.height <= most:
                break

    @property
    def height(self) -> int:
        return sum(self._heights) + (len(self._heights) - 1) * self._between

    def draw(self, x: int, y: int) -> None:
        for ticket, worth, height in zip(self._set, self._worths, self._heights, strict=False):
            self._draw(ticket, worth, Rect(x, y, self._width, height))
            y += height + self._between

    def _draw(self, ticket: _Ticket, worth: Block, place: Rect) -> None:
        """What it is worth on a stub of the curtain's cloth, what it is for beside it, a perforation between them."""
        sheet = self._sheet
        stub = Rect(place.x, place.y, self._stub, place.height)
        sheet.fill(place, sheet.shade)
        sheet.fill(stub, sheet.accent)
        hole, step = sheet.px(7), max(1, sheet.px(20))
        for y in range(stub.y + step // 2, stub.bottom - hole, step):
            sheet.fill(Rect(stub.right - hole // 2, y, hole, hole), sheet.paper)
        sheet.put(worth, (stub.x, stub.centery - worth.height // 2), sheet.paper, "centre", stub.width)
        ticket.draw(stub.right + self._pad, place.centery - ticket.height // 2)
