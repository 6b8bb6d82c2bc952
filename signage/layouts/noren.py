"""The shop's curtain, large, with a word of welcome: what stands while nobody has sent anything to play."""

from __future__ import annotations

from pygame import Rect

from ground import lines
from signage.contract import Scene
from signage.layouts.sheet import GIANT, HERO, LARGE, NOTE, TITLE, Sheet

_MOST_PANELS = 5


def draw(sheet: Sheet, scene: Scene) -> None:
    width, height = sheet.surface.get_size()
    cloth = Rect(sheet.px(96), sheet.px(84), width - 2 * sheet.px(96), round(height * 0.54))
    rod = Rect(0, cloth.y - sheet.px(22), width, sheet.px(22))
    brand = sheet.theme.brand
    one_each = sheet.theme.logo is None and len(brand) <= _MOST_PANELS and all(lines.wide(letter) for letter in brand)
    panels = len(brand) if one_each and len(brand) > 1 else 4
    sheet.cloth(cloth, panels=panels, slit=0.3 if one_each else 0.66, rod=0)
    sheet.fill(rod, sheet.ink)
    if one_each:
        step = cloth.width // panels
        for index, letter in enumerate(brand):
            block = sheet.set_brand(letter, step, GIANT)
            top = cloth.y + (cloth.height - block.height) // 2
            sheet.put(block, (cloth.x + index * step, top), sheet.paper, "centre", step)
    else:
        wide = cloth.width * 3 // 4
        place = Rect(cloth.centerx - wide // 2, cloth.y, wide, round(cloth.height * 0.66))
        sheet.brand(place, HERO, "centre")
    title = sheet.set(scene.title, cloth.width, TITLE, NOTE, bold=True)
    text = sheet.set(scene.text, cloth.width, LARGE, NOTE)
    gap = sheet.px(44)
    left = height - cloth.bottom
    y = cloth.bottom + (left - title.height - gap - text.height) // 2
    sheet.put(title, (cloth.x, y), sheet.ink, "centre", cloth.width)
    sheet.put(text, (cloth.x, y + title.height + gap), sheet.soft, "centre", cloth.width)
