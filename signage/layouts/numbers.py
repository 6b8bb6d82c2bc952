"""Numbers that are ready to be picked up, large, and those that are being prepared."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Color, Rect

from ground.programme.records import Language
from signage.contract import Scene
from signage.layouts.sheet import GIANT, GUTTER, HEAD, HERO, LARGE, NOTE, TEXT, TITLE, Sheet, tallest

_LEADING = 1.15
_READY: dict[Language, str] = {
    "ja": "お渡しできます",
    "en": "Ready",
    "zh-hans": "请取餐",
    "zh-hant": "請取餐",
    "ko": "준비 완료",
}
_COMING: dict[Language, str] = {
    "ja": "ご用意しています",
    "en": "Preparing",
    "zh-hans": "准备中",
    "zh-hant": "準備中",
    "ko": "준비 중",
}


def draw(sheet: Sheet, scene: Scene) -> None:
    sheet.curtain()
    area = _heading(sheet, scene)
    ready: dict[str, list[str]] = {}
    for figure in scene.figures:
        ready.setdefault(figure.label or _READY[scene.language], []).append(figure.value)
    if not ready:
        ready[_READY[scene.language]] = []
    coming = [item.title for item in scene.items]
    gutter = sheet.px(GUTTER)
    if not coming:
        first, second = area, Rect(0, 0, 0, 0)
    elif sheet.portrait:
        share = area.height * 3 // 5
        first = Rect(area.x, area.y, area.width, share)
        second = Rect(area.x, first.bottom + gutter, area.width, area.bottom - first.bottom - gutter)
    else:
        share = area.width * 60 // 100
        first = Rect(area.x, area.y, share, area.height)
        second = Rect(first.right + gutter, area.y, area.right - first.right - gutter, area.height)
    _groups(sheet, ready, first)
    if coming:
        _panel(sheet, _COMING[scene.language], coming, second, ready=False)


def _heading(sheet: Sheet, scene: Scene) -> Rect:
    page = sheet.page
    title = sheet.set(scene.title, page.width, LARGE, NOTE, most=2 if sheet.portrait else 1, bold=True, even=True)
    sheet.put(title, page.topleft)
    y = page.y + title.height
    if scene.text:
        text = sheet.set(scene.text, page.width, NOTE, NOTE, most=2, even=True)
        if len(title.lines) == len(text.lines) == 1 and title.width + text.width + sheet.px(GUTTER) <= page.width:
            sheet.put(text, (page.x, page.y + sheet.level(title, text)), sheet.soft, "right", page.width)
        else:
            sheet.put(text, (page.x, y + sheet.px(24)), sheet.soft)
            y += sheet.px(24) + text.height
    y += sheet.px(44)
    return Rect(page.x, y, page.width, page.bottom - y)


def _groups(sheet: Sheet, groups: dict[str, list[str]], area: Rect) -> None:
    """A panel for each label, under each other, as high as its numbers need."""
    gutter = sheet.px(GUTTER)
    room = area.height - gutter * (len(groups) - 1)
    total = sum(len(values) + 1 for values in groups.values())
    y = area.y
    for label, values in groups.items():
        height = room * (len(values) + 1) // total
        _panel(sheet, label, values, Rect(area.x, y, area.width, height), ready=True)
        y += height + gutter


def _panel(sheet: Sheet, label: str, values: Sequence[str], place: Rect, *, ready: bool) -> None:
    """A label on its band, numbers in a grid under it: all in one size, as large as they go."""
    ground, colour, on_band = (
        (sheet.accent, sheet.accent, sheet.paper) if ready else (sheet.shade, sheet.soft, sheet.soft)
    )
    pad = sheet.px(36)
    word = sheet.set(label, place.width - 2 * pad, TEXT, NOTE, bold=True)
    band = Rect(place.x, place.y, place.width, min(place.height, word.height + sheet.px(44)))
    sheet.over = sheet.over or place.height < band.height + pad + sheet.px(NOTE) * _LEADING
    sheet.fill(place, sheet.paper if ready else sheet.shade)
    sheet.fill(band, ground)
    sheet.put(word, (band.x + pad, band.centery - word.height // 2), on_band)
    if ready:
        edge = max(2, sheet.px(6))
        for side in (
            Rect(place.x, place.y, edge, place.height),
            Rect(place.right - edge, place.y, edge, place.height),
            Rect(place.x, place.bottom - edge, place.width, edge),
        ):
            sheet.fill(side, sheet.accent)
    inside = Rect(place.x + pad, band.bottom + pad // 2, place.width - 2 * pad, place.bottom - band.bottom - pad)
    _grid(sheet, values, inside, colour, (GIANT, HERO, TITLE, HEAD, LARGE, TEXT, NOTE)[0 if ready else 3 :])


def _grid(sheet: Sheet, values: Sequence[str], inside: Rect, colour: Color, steps: Sequence[int]) -> None:
    """The number of columns that leaves the largest size; what has no room is left out."""
    apart = sheet.px(48)
    for step in steps:
        for across in range(1, len(values) + 1):
            down = -(-len(values) // across)
            width = (inside.width - apart * (across - 1)) // across
            high = inside.height // down
            if high < sheet.px(step) * _LEADING or width < sheet.px(NOTE):
                continue
            blocks = [sheet.set(value, width, step, step, bold=True) for value in values]
            if all(block.whole for block in blocks) or step == steps[-1]:
                top = inside.y + (inside.height - high * down) // 2
                for index, block in enumerate(blocks):
                    x = inside.x + index % across * (width + apart)
                    y = top + index // across * high + (high - tallest(blocks)) // 2
                    sheet.put(block, (x, y), colour, "centre", width)
                return
    if len(values) > 1:
        _grid(sheet, values[: len(values) // 2], inside, colour, steps)
