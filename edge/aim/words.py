"""Says what a camera sees in an installer's words, Japanese or English, and what to change first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edge.aim.sight import DIM, Sight

Language = Literal["ja", "en"]
State = Literal["good", "fair", "bad", "none"]

SHARP, SOFT = 0.18, 0.26
"""Measured spread of edges by a module: what is softer than the second is hardly read any more."""
UNHELD = 4.0
"""Pixels a module taken where no code was read that would tell."""
LARGE, ENOUGH = 3.0, 2.25
"""Pixels a module: with a margin, and the least at which every reader reads."""
OFTEN, SOMETIMES = 0.9, 0.4
"""Share of the frames that were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is well or not, and what to do where it is not."""

    name: str
    state: State
    word: str
    detail: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """All of it; `first` is what to do first, or that it is well."""

    state: State
    first: str
    rows: tuple[Row, ...]


def said(sight: Sight, language: Language) -> Said:
    """What to tell of a sight."""
    text = TEXTS[language]
    rows = tuple(
        Row(name=text[kind], state=state, word=word, detail=detail, advice=text.get(f"{key}!", ""))
        for kind, (state, key, word, detail) in (
            ("light", _light(sight, text)),
            ("focus", _focus(sight, text)),
            ("size", _size(sight, text)),
            ("reading", _reading(sight, text)),
        )
    )
    if rows[0].state != "bad" and sight.held is None and not sight.read:
        # Of one that is out of focus nothing was read either.
        first = rows[1] if rows[1].state == "bad" else Row(name="", state="none", word="", advice=text["hold"])
    else:
        worst = min(rows, key=lambda row: ("bad", "fair", "none", "good").index(row.state))
        first = worst if worst.state != "good" else Row(name="", state="good", word="", advice=text["well"])
    return Said(state=first.state, first=first.advice, rows=rows)


def line(told: Said) -> str:
    """All but the first, for a terminal."""
    return " | ".join(map(_cell, told.rows))


def _cell(row: Row) -> str:
    return f"{row.name.lower()} {row.word}" + (f" ({row.detail})" if row.detail else "")


_Found: TypeAlias = tuple[State, str, str, str]
"""How it is, the key of its advice, its word, and its number."""


def _light(sight: Sight, text: Mapping[str, str]) -> _Found:
    # Where a code is read, it is a screen in the dark.
    light = "dark" if sight.light == "black" and sight.read else sight.light
    if light:
        return "bad", light, text[light], ""
    if sight.held and sight.held.white < DIM:
        return "fair", "dim", text["dim"], ""
    return "good", "", text["good"], ""


def _focus(sight: Sight, text: Mapping[str, str]) -> _Found:
    if sight.blur is None:
        return "none", "nothing", text["nothing"], ""
    share = sight.blur / (sight.held.pixels if sight.held else UNHELD)
    if share <= SHARP:
        return "good", "", text["sharp"], ""
    state: State = "fair" if share <= SOFT else "bad"
    if sight.smear:
        return state, "smear", text[sight.smear], ""
    key = "soft" if state == "fair" else "blurred"
    return state, key, text[key], ""


def _size(sight: Sight, text: Mapping[str, str]) -> _Found:
    if sight.held is None:
        return "none", "", text["nothing"], ""
    pixels = round(sight.held.pixels, 1)
    state: State = "good" if pixels >= LARGE else "fair" if pixels >= ENOUGH else "bad"
    key = {"good": "large", "fair": "enough", "bad": "small"}[state]
    return state, key, text[key], text["pixels"].format(pixels)


def _reading(sight: Sight, text: Mapping[str, str]) -> _Found:
    if not sight.read:
        return "none", "hold", text["unread"], ""
    share = sight.read / sight.of
    state: State = "good" if share >= OFTEN else "fair" if share >= SOMETIMES else "bad"
    kind = text.get(sight.held.format, sight.held.format) if sight.held else ""
    return state, "seldom", text["read"].format(sight.read, sight.of), kind


TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "light": "Light",
        "focus": "Focus",
        "size": "Size",
        "reading": "Reading",
        "hold": "Hold a code before the camera.",
        "well": "Good: codes are read here.",
        "good": "good",
        "dim": "a little dark",
        "dim!": "Add light, or turn up the brightness of what shows the code.",
        "dark": "too dark",
        "dark!": "Add light, or set a longer exposure_ms.",
        "black": "only black",
        "black!": "Take the cap off, and turn the light on.",
        "bright": "too bright",
        "bright!": "Less light, or a shorter exposure_ms.",
        "washed": "washed out",
        "washed!": "Less light, no lamp in view, or a shorter exposure_ms.",
        "even": "one even gray",
        "even!": "Something is right before the lens, or it is fogged: wipe it.",
        "sharp": "sharp",
        "soft": "a little soft",
        "soft!": "Turn the lens' ring a little, or change the distance.",
        "blurred": "blurred",
        "blurred!": "Turn the lens' ring until the picture is sharp, or change the distance.",
        "across": "smeared sideways",
        "down": "smeared up and down",
        "smear!": "Hold the code still. If it is often so, set a shorter exposure_ms (4 to 8) and add light.",
        "nothing": "–",
        "pixels": "{:.1f} px a module",
        "large": "large enough",
        "enough": "just enough",
        "enough!": "Hold the code nearer, or move the camera nearer: 3 px a module leave a margin.",
        "small": "too small",
        "small!": "Move the camera nearer, or set a larger width and height.",
        "unread": "no code yet",
        "QRCode": "QR code",
        "EAN13": "EAN-13",
        "read": "{} of {} frames",
        "seldom!": "Hold the code still, a little nearer, and not in a lamp's reflection.",
    },
    "ja": {
        "light": "明るさ",
        "focus": "ピント",
        "size": "大きさ",
        "reading": "読み取り",
        "hold": "コードをカメラにかざしてください。",
        "well": "この位置で読み取れます。",
        "good": "良好",
        "dim": "やや暗い",
        "dim!": "照明を足すか、コードを表示する画面を明るくしてください。",
        "dark": "暗すぎます",
        "dark!": "照明を足すか、exposure_ms（露光時間）を長くしてください。",
        "black": "真っ暗です",
        "black!": "レンズキャップを外し、照明をつけてください。",
        "bright": "明るすぎます",
        "bright!": "照明を弱めるか、exposure_ms（露光時間）を短くしてください。",
        "washed": "白飛びしています",
        "washed!": "照明を弱めるか、照明が写らない向きにするか、exposure_ms（露光時間）を短くしてください。",
        "even": "一面が灰色です",
        "even!": "レンズの前に物があるか、曇っています。レンズを拭いてください。",
        "sharp": "合っています",
        "soft": "やや甘い",
        "soft!": "ピントリングを少し回すか、距離を変えてください。",
        "blurred": "ぼけています",
        "blurred!": "はっきり見えるまでピントリングを回すか、距離を変えてください。",
        "across": "横にぶれています",
        "down": "縦にぶれています",
        "smear!": "コードを止めてください。よくぶれるときはexposure_msを4〜8にし、照明を足してください。",
        "nothing": "―",
        "pixels": "1セル {:.1f}画素",
        "large": "十分です",
        "enough": "ぎりぎりです",
        "enough!": "コードかカメラを近づけてください。1セル3画素あれば余裕があります。",
        "small": "小さすぎます",
        "small!": "カメラを近づけるか、widthとheight（解像度）を大きくしてください。",
        "unread": "まだ読めていません",
        "QRCode": "QRコード",
        "EAN13": "JANコード",
        "read": "{1}枚中{0}枚",
        "seldom!": "コードを動かさず、少し近づけ、照明の映り込みを避けてください。",
    },
}
