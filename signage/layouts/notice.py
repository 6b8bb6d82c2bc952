"""A plain notice: a title and its text, set in the middle; also stands in for a layout that we do not know."""

from __future__ import annotations

from signage.contract import Scene
from signage.layouts import campaign, phone
from signage.layouts.sheet import HERO, LARGE, NOTE, TEXT, Sheet
from signage.layouts.stack import Stack

_TRIES = ((HERO, 6), (HERO, 4), (LARGE, 3), (TEXT, 1))
"""The largest title and the most lines of text, until all of it fits."""


def draw(sheet: Sheet, scene: Scene) -> None:
    if scene.picture is not None or scene.film is not None:
        campaign.draw(sheet, scene)
        return
    sheet.curtain()
    page = sheet.page
    for largest, lines in _TRIES:
        for link in (scene.link,) if largest == HERO else (scene.link, ""):
            stack = _words(sheet, scene, page.width, largest, lines, link)
            if stack.height <= page.height:
                stack.draw_in(page)
                return
    sheet.over = True


def _words(sheet: Sheet, scene: Scene, room: int, largest: int, lines: int, link: str) -> Stack:
    stack = Stack(sheet, room, "centre")
    width = min(room, sheet.px(1440))
    gap = sheet.px(56 if sheet.whole else 40)
    smallest = min(largest, LARGE if sheet.whole else TEXT)
    stack.text(sheet.set(scene.title, width, largest, smallest, most=3, bold=True, even=True, leading=1.3))
    if scene.text:
        stack.rule(gap)
        text = sheet.set(scene.text, width, LARGE, NOTE, most=lines, even=True, leading=1.6)
        stack.text(text, sheet.soft, gap)
    phone.add(sheet, stack, link, scene.language, gap, centred=True)
    return stack
