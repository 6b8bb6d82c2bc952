"""A code for the phone with the word that says what it is for."""

from __future__ import annotations

from pygame import Rect

from ground.programme.records import Language
from signage.layouts import code
from signage.layouts.sheet import CODE, NOTE, Sheet
from signage.layouts.stack import Stack

_MORE: dict[Language, str] = {
    "ja": "スマートフォンで\nくわしく見る",
    "en": "Scan to\nsee more",
    "zh-hans": "扫码\n了解详情",
    "zh-hant": "掃碼\n了解詳情",
    "ko": "QR코드로\n자세히 보기",
}


def add(sheet: Sheet, stack: Stack, link: str, language: Language, gap: int, *, centred: bool = False) -> None:
    """Add the code at the foot of a column, its word beside it; nothing where no phone could read it."""
    across = code.side(link, min(sheet.px(CODE), stack.width))
    if not across:
        return
    apart = max(sheet.px(40), code.quiet(link, across) + sheet.px(8))
    word = sheet.set(_MORE[language], stack.width - across - apart, NOTE, most=2, leading=1.3)
    fits = stack.width - across - apart > sheet.px(200) and word.whole

    def draw(place: Rect) -> None:
        x = place.x
        if centred:
            x += (place.width - across - (apart + word.width if fits else 0)) // 2
        sheet.code(link, Rect(x, place.y, across, across))
        if fits:
            sheet.put(word, (x + across + apart, place.centery - word.height // 2), sheet.soft)

    stack.thing(across, draw, max(gap, code.quiet(link, across)))
