"""The store's time and day in a part of the screen."""

from __future__ import annotations

from datetime import datetime

from pygame import Color, Rect, Surface

from ground.programme.records import Language
from signage.config import Theme, shade
from signage.text import ASCENT, Block, Typesetter

_DAYS: dict[Language, tuple[str, ...]] = {
    "ja": ("月", "火", "水", "木", "金", "土", "日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh-hans": ("一", "二", "三", "四", "五", "六", "日"),
    "zh-hant": ("一", "二", "三", "四", "五", "六", "日"),
    "ko": ("월", "화", "수", "목", "금", "토", "일"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AIR = 0.14
"""Of the shorter side, around the words."""
_FLAT = 0.45
"""Height of width; in a flatter part a day under the time would be too small for anybody to read."""


def said(at: datetime, language: Language) -> tuple[str, str]:
    """Give the time and the day as they are read in the language."""
    day = _DAYS[language][at.weekday()]
    dates: dict[Language, str] = {
        "ja": f"{at.month}月{at.day}日（{day}）",
        "en": f"{day} {at.day} {_MONTHS[at.month - 1]}",
        "zh-hans": f"{at.month}月{at.day}日 星期{day}",
        "zh-hant": f"{at.month}月{at.day}日 星期{day}",
        "ko": f"{at.month}월 {at.day}일 ({day})",
    }
    return f"{at.hour}:{at.minute:02}", dates[language]


def clock(surface: Surface, at: datetime, language: Language, typesetter: Typesetter, theme: Theme) -> None:
    """Draw over all of the surface; `at` is in the store's own zone. What is drawn changes with the minute."""
    width, height = surface.get_size()
    surface.fill(Color(shade(theme.paper, theme.ink)))
    air = round(min(width, height) * _AIR)
    room = Rect(air, air, width - 2 * air, height - 2 * air)
    time, date = said(at, language)
    # The size is of the widest time, or the figures would jump at ten o'clock.
    widest = "00:00"
    beside = width > 4 * height
    alone = not beside and height < _FLAT * width
    share = (room.width * 5 // 12, room.height) if beside else (room.width, round(room.height * (1 if alone else 0.62)))
    size = _fitting(typesetter, widest, share[0], share[1], language, bold=True)
    figures = typesetter.fit(time, width=share[0], sizes=(size,), bold=True, language=language)
    if alone:
        _put(surface, room, (figures, None), typesetter, theme, beside=False)
        return
    small = min(round(size * (0.62 if beside else 0.42)), room.height)
    rest = room.width - figures.width - air if beside else room.width
    small = min(small, _fitting(typesetter, date, rest, small, language, bold=False))
    words = typesetter.fit(date, width=rest, sizes=(small,), language=language)
    _put(surface, room, (figures, words), typesetter, theme, beside=beside)


def _put(
    surface: Surface,
    room: Rect,
    blocks: tuple[Block, Block | None],
    typesetter: Typesetter,
    theme: Theme,
    *,
    beside: bool,
) -> None:
    figures, words = blocks
    ink, soft = Color(theme.ink), Color(theme.soft)
    if words is None:
        typesetter.draw(surface, figures, (room.x, room.centery - figures.height // 2), ink, "centre", room.width)
        return
    if beside:
        y = room.centery - figures.height // 2
        typesetter.draw(surface, figures, (room.x, y), ink)
        lower = y + round((figures.size - words.size) * ASCENT)
        typesetter.draw(surface, words, (room.x, lower), soft, "right", room.width)
        return
    gap = figures.size // 5
    y = room.y + (room.height - figures.height - gap - words.height) // 2
    typesetter.draw(surface, figures, (room.x, y), ink, "centre", room.width)
    typesetter.draw(surface, words, (room.x, y + figures.height + gap), soft, "centre", room.width)


def _fitting(typesetter: Typesetter, text: str, width: int, largest: int, language: Language, *, bold: bool) -> int:
    """The largest size in which the text takes no more than the width: it grows with its size."""
    tried = typesetter.fit(text, width=100 * len(text) * 2, sizes=(100,), bold=bold, language=language)
    return max(8, min(largest, 100 * width // max(1, tried.width) - 1))
