"""Where a line may break and how close its letters stand, in each language: rules only, nothing is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

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
_MORE_PARTICLES = frozenset("はがにでともや")
"""As these do, if a word written in kanji follows: まで お越し, but いちご大福."""
_STEMS = frozenset("いきぎしちびみりえけげせべめれ")
"""Alone between two kanji they join a verb to what follows: 引き換え, 焼き上がり, 買い物."""
_POLITE = ("ありがと", "ございま", "いただ", "くださ")
"""What the longest phrases of a shop end with begins so: ご利用 いただき ありがとう ございます."""
_ENCLITICS = frozenset("的了们們吗嗎呢吧")
"""Chinese particles belong to what is before them."""
_PAUSES = STOPS | frozenset("！？!?：；:;,.")
_BETWEEN = frozenset("のな")
_NO_PAUSE, _HALFWAY = 20.0, 30.0
"""Squared em of unevenness that it costs to end a line at no pause, or between の and what it belongs to."""
_REMEMBERED = 1000
_LONE = 1.7
"""Em; a line shorter than this looks forgotten."""
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
    if _kanji(before) and after in _ENCLITICS:
        return False
    if wide(before) or wide(after):
        return not (before.isdecimal() and wide(after))  # 1,280円 stays together.
    return False


def _likes_break(text: str, at: int) -> bool:
    """Tell whether a phrase ends here: after a stop or a space, before a bracket, where a word follows particles."""
    before, after = text[at - 1], text[at]
    if before in CLOSING and _hiragana(after):
        return False  # 1月1日（金）は
    if before in _ENDERS or before in CLOSING or before in " \u3000-/%":
        return True
    if after in _HONORIFIC and (before in _PARTICLES or (before in _MORE_PARTICLES and _kanji(text[at + 1 : at + 2]))):
        return True
    if after in OPENING:
        return not (_kanji(before) and after in "（(")  # 4月30日（木）
    if before in _STEMS and _kanji(after) and _kanji(text[max(0, at - 2) : at - 1]):
        return False
    return _hiragana(before) and not _hiragana(after) and before not in _HONORIFIC


def _bears_break(text: str, at: int) -> bool:
    """Tell whether a long phrase may break here without being misread: 有機栽培 コーヒー豆 200g, 100円 引き."""
    before, after = text[at - 1], text[at]
    if before in "円元" or after in OPENING or text.startswith(_POLITE, at):
        return True
    if before in "年月" and after.isdecimal():
        return False  # 12月24日
    if before == "的":
        return _kanji(after)  # 熟悉的 茶香
    return (_kanji(before) and _katakana(after)) or (wide(before) and after.isdecimal())


def _splits(text: str, at: int) -> bool:
    """Tell whether a word too long for a line may break here: words of kanji are mostly made of pairs."""
    before, after = text[at - 1], text[at]
    if (_katakana(before) and _katakana(after)) or (_hiragana(after) and not _hiragana(before)):
        return False
    if before in _HONORIFIC and _kanji(after):
        return False
    if _kanji(before) and _kanji(after):
        run = next((back for back in range(1, at + 1) if not _kanji(text[at - back])), at + 1) - 1
        return run % 2 == 0
    return True


def _cut(text: str, ends: Callable[[str, int], bool]) -> Sequence[str]:
    """Cut wherever a line may end at all and `ends` says so too."""
    parts: list[str] = []
    start = 0
    for at in range(1, len(text)):
        if _may_break(text[at - 1], text[at]) and ends(text, at):
            parts.append(text[start:at])
            start = at
    return [*parts, text[start:]]


@lru_cache(_REMEMBERED)
def phrases(text: str) -> Sequence[str]:
    """Cut into what reads best unbroken: English words, and Japanese words with the particles that follow them."""
    return _cut(text, _likes_break)


@lru_cache(_REMEMBERED)
def words(text: str) -> Sequence[str]:
    """Cut a phrase into words, as far as the script of its letters tells them."""
    return _cut(text, _bears_break)


def morsels(text: str) -> Sequence[str]:
    """Cut a word where it hurts least."""
    return _cut(text, _splits)


def pieces(text: str) -> Sequence[str]:
    """Cut into what must not be broken at all."""
    return _cut(text, lambda _text, _at: True)


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
    for cut in (words, morsels, pieces, list):
        parts = [smaller for part in parts for smaller in ([part] if measure(part.rstrip()) <= limit else cut(part))]
    return parts


def balanced(text: str, limit: float, measure: Measure, gap: Gap = gap) -> list[str]:
    """Break like `broken` into as many lines, but as even ones as they go, ending with a stop where one is near."""
    return [line for paragraph in text.split("\n") for line in _evened(paragraph, limit, measure, gap)]


def _evened(text: str, limit: float, measure: Measure, gap: Gap) -> list[str]:
    """The fewest lines, and of all ways to fill as many the one with the least squares of room left over."""
    parts = [part for phrase in phrases(text) for part in _parts(phrase, limit, measure)]
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    """For the first so many parts: the lines, what they cost, and, negative, the part that the last line begins with:
    of two ways as good the longer first line is taken."""
    for end in range(1, len(parts) + 1):
        last = parts[end - 1].rstrip()
        ending = 0.0 if end == len(parts) or last[-1:] in _PAUSES else _HALFWAY if last[-1:] in _BETWEEN else _NO_PAUSE
        width = measure(last)
        ways: list[tuple[int, float, int]] = []
        for start in range(end - 1, -1, -1):
            if start < end - 1:
                width += measure(parts[start]) + gap(parts[start][-1], parts[start + 1][0])
                if width > limit:
                    break
            count, cost, _ = best[start]
            ways.append((count + 1, round(cost + (limit - width) ** 2 + ending, 3), -start))
        best.append(min(ways))
    done: list[str] = []
    end = len(parts)
    while end:
        start = -best[end][2]
        done.append("".join(parts[start:end]).rstrip())
        end = start
    return done[::-1]


def whole(text: str, limit: float, measure: Measure) -> bool:
    """Tell whether no word has to be cut for lines of `limit` em."""
    parts = [word for part in text.split("\n") for phrase in phrases(part) for word in words(phrase)]
    return all(measure(part.rstrip()) <= limit for part in parts)


def lone(done: Sequence[str], measure: Measure) -> bool:
    """Tell whether a line is a forgotten letter; a short word of English or Korean is none."""
    return len(done) > 1 and any(_unspaced(line[-1:]) and measure(line) < _LONE for line in done)


def joined(parts: Sequence[str]) -> str:
    """Put lines together again: with a space where the script has spaces."""
    text = ""
    for part in parts:
        apart = bool(text) and bool(part) and not _unspaced(text[-1]) and not _unspaced(part[0])
        text += f" {part}" if apart else part
    return text


def rest(text: str, done: Sequence[str]) -> str:
    """Give what of the text comes after these lines, in one."""
    for line in done:
        text = text.lstrip()[len(line.lstrip()) :]
    return " ".join(text.split())


def shortened(text: str, limit: float, measure: Measure, gap: Gap = gap) -> str:
    """Cut the text so that it ends with an ellipsis within `limit` em, between words where it has words."""
    if measure(text) <= limit:
        return text
    room = limit - max(measure("…"), measure("..."))
    kept = _first(pieces(text), room, measure, gap) or _first(list(text), room, measure, gap)
    kept = kept.rstrip(" 、。，．,.・（「『(")
    # The font's … stands too high beside Latin letters.
    return kept + ("…" if not kept or _unspaced(kept[-1]) else "...")


def _first(parts: Sequence[str], room: float, measure: Measure, gap: Gap) -> str:
    """Join as many of the parts as have room."""
    kept, width = "", 0.0
    for part in parts:
        width += measure(part) + (max(0.0, gap(kept[-1], part[0])) if kept else 0.0)
        if width > room + (measure(part) - measure(part.rstrip())):
            break
        kept += part
    return kept
