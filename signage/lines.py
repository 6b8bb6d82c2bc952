"""Where a line may break and how close its letters stand, in each language: rules only, nothing is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

Measure = Callable[[str], float]
"""The width of a text in em."""
Gap = Callable[[str, str], float]
"""The em to add between two letters."""

OPENING = frozenset("「『（［｛〈《【〔“‘([{")
CLOSING = frozenset("」』）］｝〉》】〕”’)]}")
STOPS = frozenset("、。，．")
_ENDERS = STOPS | frozenset("！？!?・：；…‥ ")
# JLREQ 3.1.7: what must not begin a line, beside closing brackets and stops.
_NOT_AT_START = (
    CLOSING
    | _ENDERS
    | frozenset("ゝゞヽヾ々〻ー〜～―–ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％‰℃′″.,:;%")
    | frozenset("\u3000")
)
# JLREQ 3.1.8, with the signs that stand before a number.
_NOT_AT_END = OPENING | frozenset("¥$￥＄£€#＃")
_TOGETHER = frozenset("…‥―ー〜")
_HONORIFIC = frozenset("おご")
"""A word rarely ends with them and often begins: お客様, ご案内."""
_PARTICLES = frozenset("のをへ")
"""What stands before an honorific rarely belongs to its word: 以上の お買い物, 地図を ご覧."""
_REMEMBERED = 1000
_LONE = 1.7
"""Em; a last line shorter than this looks forgotten."""
_HALF = 0.5
_QUARTER = 0.16
"""Air between Japanese and Latin words; JLREQ's quarter em is too much at the size of a heading. Numbers get none."""


def wide(letter: str) -> bool:
    """Tell whether it is a letter or sign of Japanese, which fills a square."""
    return letter > "\u2e7f" and unicodedata.east_asian_width(letter) in "WF"


def _hangul(letter: str) -> bool:
    return "\uac00" <= letter <= "\ud7a3" or "\u1100" <= letter <= "\u11ff" or "\u3131" <= letter <= "\u318e"


def _unspaced(letter: str) -> bool:
    """Tell whether it is of a script without spaces between its words; Korean has them."""
    return wide(letter) and not _hangul(letter)


def _hiragana(letter: str) -> bool:
    return "\u3041" <= letter <= "\u309f"


def _katakana(letter: str) -> bool:
    return "\u30a1" <= letter <= "\u30ff"


def _kanji(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff" or letter == "々"


def _may_break(before: str, after: str) -> bool:
    """Tell whether the line may end between these two."""
    if after in _NOT_AT_START or before in _NOT_AT_END or (before == after and before in _TOGETHER):
        return False
    if before in " \u3000":
        return True
    if before in "-/%" and after.isalpha():
        return True  # 10%OFF
    if _hangul(before) or _hangul(after):
        return wide(before) and wide(after) and _hangul(before) != _hangul(after)
    if wide(before) or wide(after):
        return not (before.isdecimal() and wide(after))  # 1,280円 stays together.
    return False


def _likes_break(before: str, after: str) -> bool:
    """Tell whether a phrase ends here: after a stop or a space, before a bracket, where a word follows particles."""
    if before in CLOSING and _hiragana(after):
        return False  # 1月1日（金）は
    if before in _ENDERS or before in CLOSING or before in " \u3000-/%":
        return True
    if before in _PARTICLES and after in _HONORIFIC:
        return True
    if after in OPENING:
        return not (_kanji(before) and after in "（(")  # 4月30日（木）
    return _hiragana(before) and not _hiragana(after) and before not in _HONORIFIC


def _bears_break(before: str, after: str) -> bool:
    """Tell whether a long phrase may break here without being misread: 有機栽培 コーヒー豆 200g, 100円 引き."""
    if before in "円元" or after in OPENING:
        return True
    if before in "年月" and after.isdecimal():
        return False  # 12月24日
    return (_kanji(before) and _katakana(after)) or (wide(before) and after.isdecimal())


def _cut(text: str, ends: Callable[[str, str], bool]) -> Sequence[str]:
    parts: list[str] = []
    start = 0
    for at in range(1, len(text)):
        if ends(text[at - 1], text[at]):
            parts.append(text[start:at])
            start = at
    return [*parts, text[start:]]


@lru_cache(_REMEMBERED)
def phrases(text: str) -> Sequence[str]:
    """Cut into what reads best unbroken: English words, and Japanese words with the particles that follow them."""
    return _cut(text, lambda before, after: _may_break(before, after) and _likes_break(before, after))


@lru_cache(_REMEMBERED)
def words(text: str) -> Sequence[str]:
    """Cut a phrase into words, as far as the script of its letters tells them."""
    return _cut(text, lambda before, after: _may_break(before, after) and _bears_break(before, after))


def pieces(text: str) -> Sequence[str]:
    """Cut into what must not be broken at all."""
    return _cut(text, _may_break)


@lru_cache(_REMEMBERED)
def gap(before: str, after: str) -> float:
    """Give the em to add between two letters: brackets and stops close up, Japanese and Latin stand a little apart."""
    if after in OPENING and wide(after):
        return -_HALF if wide(before) and (before in CLOSING or before in STOPS or before in OPENING) else 0.0
    if before in CLOSING and wide(before):
        return -_HALF if wide(after) and (after in CLOSING or after in STOPS) else 0.0
    if before in STOPS and after in CLOSING and wide(after):
        return -_HALF
    if wide(before) != wide(after) and before.isalpha() and after.isalpha():
        return 0.0 if _hangul(before) or _hangul(after) else _QUARTER
    return 0.0


@lru_cache(_REMEMBERED)
def centred_gap(before: str, after: str) -> float:
    """As `gap`, for traditional Chinese: its stops stand in the middle of their squares and close up to no bracket."""
    return 0.0 if before in STOPS and after in CLOSING else gap(before, after)


def broken(text: str, limit: float, measure: Measure, gap: Gap = gap) -> list[str]:
    """Break into lines no wider than `limit` em: between phrases, or words, or where it must be, between letters."""
    done: list[str] = []
    for paragraph in text.split("\n"):
        line, width = "", 0.0
        for phrase in phrases(paragraph):
            for part in _parts(phrase, limit, measure):
                between = gap(line[-1], part[0]) if line and part else 0.0
                if line and width + between + measure(part.rstrip()) > limit:
                    done.append(line.rstrip())
                    line, width, between = "", 0.0, 0.0
                line += part
                width += between + measure(part)
        done.append(line.rstrip())
    return done


def _parts(phrase: str, limit: float, measure: Measure) -> list[str]:
    if measure(phrase.rstrip()) <= limit:
        return [phrase]
    parts = [phrase]
    for cut in (words, pieces, list):
        parts = [smaller for part in parts for smaller in ([part] if measure(part.rstrip()) <= limit else cut(part))]
    return parts


def balanced(text: str, limit: float, measure: Measure, gap: Gap = gap) -> list[str]:
    """Break like `broken` into as many lines, but as even ones as they go."""
    best = broken(text, limit, measure, gap)
    if len(best) == 1:
        return best
    widths = [width for phrase in phrases(text) if (width := measure(phrase.rstrip())) <= limit]
    low, high = max([limit / 2, *widths]), limit
    while high - low > _HALF:
        middle = (low + high) / 2
        lines = broken(text, middle, measure, gap)
        if len(lines) <= len(best):
            best, high = lines, middle
        else:
            low = middle
    return best


def whole(text: str, limit: float, measure: Measure) -> bool:
    """Tell whether no word has to be cut for lines of `limit` em."""
    parts = [word for part in text.split("\n") for phrase in phrases(part) for word in words(phrase)]
    return all(measure(part.rstrip()) <= limit for part in parts)


def lone(done: Sequence[str], measure: Measure) -> bool:
    """Tell whether the last line is a forgotten letter; a short word of English or Korean is none."""
    return len(done) > 1 and _unspaced(done[-1][-1:]) and measure(done[-1]) < _LONE


def joined(parts: Sequence[str]) -> str:
    """Put lines together again: with a space where the script has spaces."""
    text = ""
    for part in parts:
        apart = bool(text) and bool(part) and not _unspaced(text[-1]) and not _unspaced(part[0])
        text += f" {part}" if apart else part
    return text


def shortened(text: str, limit: float, measure: Measure, gap: Gap = gap) -> str:
    """Cut the text so that it ends with an ellipsis within `limit` em, between words where it has words."""
    if measure(text) <= limit:
        return text
    fitting, width = 0, max(measure("…"), measure("..."))
    for before, letter in pairwise(["", *text]):
        width += measure(letter) + (max(0.0, gap(before, letter)) if before else 0.0)
        if width > limit:
            break
        fitting += 1
    kept, following = text[:fitting], text[fitting : fitting + 1]
    if not _unspaced(following) and following != " " and " " in kept.strip():
        kept = kept[: kept.rindex(" ")]
    kept = kept.rstrip(" 、。，．,.・（「『(")
    # The font's … stands too high beside Latin letters.
    return kept + ("…" if not kept or _unspaced(kept[-1]) else "...")
