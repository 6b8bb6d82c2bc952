"""Names the colours of the drawings: the traditional ones of Japanese dyes, and the pale grounds behind them."""

from __future__ import annotations

import math
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]


def _rgb(digits: str) -> Colour:
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


COLOURS: dict[str, Colour] = {
    name: _rgb(digits)
    for name, digits in {
        "ai": "2f5a7e",  # 藍, indigo
        "kon": "24364f",  # 紺
        "asagi": "4a9ba3",  # 浅葱
        "mizu": "a9ced6",  # 水色
        "sora": "7fb2cf",  # 空色
        "matcha": "a3ad5c",  # 抹茶
        "uguisu": "7c7f3a",  # 鶯
        "wakatake": "7fb79a",  # 若竹
        "tokiwa": "2f6b4f",  # 常磐
        "shu": "d9583b",  # 朱
        "beni": "b93a4b",  # 紅
        "azuki": "8a4a48",  # 小豆
        "enji": "8e2f3c",  # 臙脂
        "sakura": "efc6c7",  # 桜
        "momo": "e58e96",  # 桃
        "kaki": "e0793f",  # 柿
        "yamabuki": "eeb13c",  # 山吹
        "karashi": "cda23f",  # 芥子
        "tamago": "f3d691",  # 玉子
        "fuji": "a99fc6",  # 藤
        "murasaki": "6f5387",  # 紫
        "kuri": "76503c",  # 栗
        "cha": "a06d45",  # 茶
        "kogecha": "4e382d",  # 焦茶
        "ki": "d3ad7a",  # 木地, bare wood
        "usuki": "e6cfa6",  # pale wood
        "kinari": "f4ecdc",  # 生成り, unbleached
        "shiro": "fbf9f3",  # 白
        "suna": "ddd0b8",  # 砂
        "nezu": "9aa09d",  # 鼠
        "rikyu": "878d7b",  # 利休鼠
        "sumi": "3d3c3b",  # 墨
        "gin": "c9cdcf",  # 銀
        "kin": "c5a35a",  # 金
    }.items()
}
GROUNDS: tuple[Colour, ...] = tuple(
    _rgb(digits) for digits in ("f3ebdb", "f5e4dc", "e2ebec", "e8ecd9", "e8e4ee", "f7e9c9", "e9e6df", "dfe8e1")
)
DARK: Colour = _rgb("2d2621")
"""Shadows are warm, never black."""
WHITE: Colour = (255, 255, 255)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.15) -> Colour:
    return mix(colour, DARK, share)


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    return mix(colour, WHITE, share)


def lightness(colour: Colour) -> float:
    """0 for black to 1 for white, as the eye weighs the channels (ITU-R BT.601)."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def distance(one: Colour, other: Colour) -> float:
    """How far apart in RGB, 0 to 442."""
    return math.dist(one, other)
