"""A plain notice: a title and its text, set in the middle; also stands in for a layout that we do not know."""

from __future__ import annotations

from pygame import Rect

from signage.contract import Scene
from signage.layouts.sheet import HERO, INDIGO, INK, LARGE, NOTE, SOFT, Sheet


def draw(sheet: Sheet, scene: Scene) -> None:
    sheet.curtain()
    page = sheet.page
    width = min(page.width, sheet.px(1440))
    title = sheet.set(scene.title, width, HERO, LARGE, most=3, bold=True, even=True, leading=1.3)
    text = sheet.set(scene.text, width, LARGE, NOTE, most=6, even=True, leading=1.6)
    rule, above, below = sheet.px(6), sheet.px(56), sheet.px(56)
    height = title.height + (above + rule + below + text.height if scene.text else 0)
    y = page.y + (page.height - height) * 9 // 20  # The optical middle is above the middle.
    sheet.put(title, (page.x, y), INK, "centre", page.width)
    if scene.text:
        y += title.height + above
        line = Rect(0, y, sheet.px(120), rule)
        line.centerx = page.centerx
        sheet.fill(line, INDIGO)
        sheet.put(text, (page.x, y + rule + below), SOFT, "centre", page.width)
