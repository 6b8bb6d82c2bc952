"""The shop's curtain, large, with a word of welcome: what stands while nobody has sent anything to play."""

from __future__ import annotations

from pygame import Rect

from signage import lines
from signage.contract import Scene
from signage.layouts.sheet import GIANT, HERO, INK, LARGE, NOTE, PAPER, SOFT, TITLE, Sheet

_MOST_PANELS = 5


def draw(sheet: Sheet, scene: Scene) -> None:
    width, height = sheet.surface.get_size()
    cloth = Rect(sheet.px(96), sheet.px(84), width - 2 * sheet.px(96), round(height * 0.54))
    rod = Rect(0, cloth.y - sheet.px(22), width, sheet.px(22))
    brand = sheet.theme.brand
    one_each = len(brand) <= _MOST_PANELS and all(lines.wide(letter) for letter in brand)
    panels = len(brand) if one_each and len(brand) > 1 else 4
    sheet.cloth(cloth, panels=panels, slit=0.3 if one_each else 0.66, rod=0)
    sheet.fill(rod, INK)
    if one_each:
        step = cloth.width // panels
        for index, letter in enumerate(brand):
            block = sheet.set(letter, step, GIANT, bold=True)
            top = cloth.y + (cloth.height - block.height) // 2
            sheet.put(block, (cloth.x + index * step, top), PAPER, "centre", step)
    else:
        name = sheet.set(brand, cloth.width * 3 // 4, HERO, LARGE, bold=True)
        sheet.put(
            name, (cloth.x, cloth.y + (round(cloth.height * 0.66) - name.height) // 2), PAPER, "centre", cloth.width
        )
    title = sheet.set(scene.title, cloth.width, TITLE, LARGE, bold=True)
    text = sheet.set(scene.text, cloth.width, LARGE, NOTE)
    gap = sheet.px(44)
    left = height - cloth.bottom
    y = cloth.bottom + (left - title.height - gap - text.height) // 2
    sheet.put(title, (cloth.x, y), INK, "centre", cloth.width)
    sheet.put(text, (cloth.x, y + title.height + gap), SOFT, "centre", cloth.width)
