"""What a picture of the screen that leaves the store may show: place holders for all that is anybody's own."""

from __future__ import annotations

from dataclasses import replace

from ground import lines
from signage.contract import Figure, Item, Scene
from signage.pictures import HIDDEN

_WIDE, _NARROW, _DIGIT = "〇", "x", "0"
_WORD = 4
_LENGTHS = (4, 8, 16, 32, 64, 128, 256)
_COUPONS = "greeting"
"""The layout whose items are coupons."""


def masked(scene: Scene, show: bool) -> Scene:
    """Give the scene to be drawn in place of this one; `show` tells that somebody's presence brought it.

    A Show keeps its layout and how much it says, and nothing else; what plays for everybody keeps all but a greeting's
    coupons and figures.
    """
    if not show:
        coupons = scene.layout == _COUPONS
        return replace(
            scene,
            items=tuple(_item(item) if coupons else item for item in scene.items),
            figures=tuple(_figure(figure) if coupons else figure for figure in scene.figures),
        )
    return Scene(
        scene="masked",
        layout=scene.layout,
        language=scene.language,
        title=hidden(scene.title),
        text=hidden(scene.text),
        items=tuple(_item(item) for item in scene.items),
        figures=tuple(_figure(figure) for figure in scene.figures),
        picture=HIDDEN if scene.picture or scene.film else None,
        hold_ms=scene.hold_ms,
    )


def hidden(text: str) -> str:
    """Give signs of the text's script, about as many as it has letters: not even its length is told."""
    if not text:
        return ""
    letters = [letter for letter in text if letter.isalnum()]
    sign = _DIGIT
    if not all(letter.isdecimal() for letter in letters):
        sign = _WIDE if sum(map(lines.wide, letters)) * 2 > len(letters) else _NARROW
    many = next(most for most in _LENGTHS if most >= min(len(text), _LENGTHS[-1]))
    return sign * many if sign == _WIDE else " ".join([sign * _WORD] * (many // _WORD))


def _item(item: Item) -> Item:
    return Item(
        id="masked",
        title=hidden(item.title),
        price=hidden(item.price),
        note=hidden(item.note),
        picture=HIDDEN if item.picture else None,
    )


def _figure(figure: Figure) -> Figure:
    return Figure(label=hidden(figure.label), value=hidden(figure.value))
