"""The band of words that runs along the edge of a screen."""

from __future__ import annotations

from collections.abc import Sequence

from pygame import Color, Rect, Surface

from ground.programme.records import Language
from signage.config import Theme
from signage.text import Typesetter

_SHARE = 0.44
"""Of the band's height that a letter takes."""
_MOST_WIDTH = 200
"""Heights of the band that one text may be long."""


def ticker(texts: Sequence[str], height: int, language: Language, typesetter: Typesetter, theme: Theme) -> Surface:
    """Set the texts after each other on cloth, a mark between them; as wide as they are; repeated it has no seam."""
    paper, accent = Color(theme.paper), Color(theme.accent)
    size = max(8, round(height * _SHARE))
    blocks = [
        typesetter.fit(" ".join(text.split()), width=height * _MOST_WIDTH, sizes=(size,), language=language)
        for text in texts
    ]
    blocks = [block for block in blocks if block.said]
    apart = size
    mark = Rect(0, 0, max(2, size // 8), size)
    band = Surface((max(1, sum(block.width + 2 * apart + mark.width for block in blocks)), height))
    band.fill(accent)
    x = 0
    for block in blocks:
        mark.midleft = (x, height // 2)
        band.fill(paper.lerp(accent, 0.45), mark)
        x += mark.width + apart
        typesetter.draw(band, block, (x, (height - block.height) // 2), paper)
        x += block.width + apart
    return band
