"""The greeting at the till: a title, a word, points as large figures, coupons as tickets."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Rect

from signage.contract import Item, Scene
from signage.layouts.sheet import GIANT, INDIGO, INK, LARGE, NOTE, PAPER, SHADE, SOFT, TEXT, TITLE, Sheet, tallest
from signage.text import Block

_MOST_TICKETS = 3
_MOST_FIGURES = 3
_TICKET = 228
_GAP = 36
_PAD = 28


def draw(sheet: Sheet, scene: Scene) -> None:
    sheet.curtain()
    page = sheet.page
    tickets = scene.items[:_MOST_TICKETS]
    beside = bool(tickets) and not sheet.portrait
    words = _Words(sheet, scene, page.width * 61 // 100 if beside else page.width)
    if beside:
        left = page.x + words.width + sheet.px(64)
        _tickets(sheet, tickets, _centred(Rect(left, 0, page.right - left, _height(sheet, tickets, page.height)), page))
        words.draw(_centred(Rect(page.x, 0, words.width, words.height), page))
        return
    gap = sheet.px(72) if tickets else 0
    below = _height(sheet, tickets, page.height - words.height - gap) if tickets else 0
    both = _centred(Rect(page.x, 0, page.width, words.height + gap + below), page)
    words.draw(both)
    if tickets:
        _tickets(sheet, tickets, Rect(page.x, both.bottom - below, page.width, below))


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
        room = width // max(1, len(self._figures)) - sheet.px(24)
        largest = GIANT if len(self._figures) == 1 else TITLE
        self._labels = [sheet.set(figure.label, room, NOTE, bold=True) for figure in self._figures]
        self._values = [sheet.set(figure.value, room, largest, NOTE, bold=True) for figure in self._figures]

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
            self._sheet.put(self._text, (place.x, y + self._gap), SOFT)
            y += self._gap + self._text.height
        y += 2 * self._gap
        for index, (label, value) in enumerate(zip(self._labels, self._values, strict=True)):
            x = place.x + index * self.width // len(self._figures)
            self._sheet.put(label, (x, y), SOFT)
            self._sheet.put(value, (x, y + label.height + self._sheet.px(20)), INDIGO)


def _height(sheet: Sheet, tickets: Sequence[Item], most: int) -> int:
    """Give the height of all tickets with the gaps between them."""
    return min(most, len(tickets) * sheet.px(_TICKET) + (len(tickets) - 1) * sheet.px(_GAP))


def _tickets(sheet: Sheet, tickets: Sequence[Item], place: Rect) -> None:
    gap = sheet.px(_GAP)
    high = (place.height - gap * (len(tickets) - 1)) // len(tickets)
    stub = round(place.width * 0.36)
    worths = sheet.set_alike([ticket.price for ticket in tickets], stub - 2 * sheet.px(_PAD), LARGE, most=2, bold=True)
    for index, (ticket, worth) in enumerate(zip(tickets, worths, strict=True)):
        top = place.y + index * (high + gap)
        _ticket(
            sheet, ticket, worth, Rect(place.x, top, stub, high), Rect(place.x + stub, top, place.width - stub, high)
        )


def _ticket(sheet: Sheet, ticket: Item, worth: Block, stub: Rect, body: Rect) -> None:
    """What it is worth on an indigo stub, what it is for beside it, a perforation between them."""
    sheet.fill(body, SHADE)
    sheet.fill(stub, INDIGO)
    hole, step = sheet.px(7), sheet.px(20)
    for y in range(stub.y + step // 2, stub.bottom - hole, step):
        sheet.fill(Rect(stub.right - hole // 2, y, hole, hole), PAPER)
    pad = sheet.px(_PAD)
    sheet.put(worth, (stub.x, stub.centery - worth.height // 2), PAPER, "centre", stub.width)
    name = sheet.set(ticket.title, body.width - 2 * pad, NOTE, most=2, bold=True, even=True, leading=1.3)
    note = sheet.set(
        ticket.note, body.width - 2 * pad, NOTE, most=2 if len(name.lines) == 1 else 1, even=True, leading=1.3
    )
    gap = sheet.px(18)
    height = name.height + (gap + note.height if ticket.note else 0)
    y = body.centery - height // 2
    sheet.put(name, (body.x + pad, y), INK)
    if ticket.note:
        sheet.put(note, (body.x + pad, y + name.height + gap), SOFT)
