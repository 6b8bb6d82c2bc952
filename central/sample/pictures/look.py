"""Says how a product is drawn, in four words: `tin ai shiro seigaiha` is shape, colour, accent and pattern."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from central.sample.pictures.canvas import PLAIN
from central.sample.pictures.colours import COLOURS, GROUNDS, Colour, darker, distance, lightness, mix
from central.sample.pictures.wagara import WAGARA


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Products with the same look share one picture."""

    shape: str
    main: Colour
    accent: Colour
    pattern: str
    lot: int
    """Decides what the eye should not see a rule in: the backdrop and its place."""

    @property
    def ink(self) -> Colour:
        """The accent, or where it would vanish on the main colour, a shade of the main colour."""
        if distance(self.main, self.accent) > 60:
            return self.accent
        return darker(self.main, 0.22) if lightness(self.main) > 0.5 else mix(self.main, (255, 255, 255), 0.35)

    @property
    def ground(self) -> Colour:
        """A pale wall that the thing stands out from."""
        apart = sorted(GROUNDS, key=lambda ground: -distance(ground, self.main))
        return apart[self.lot % 5]


def read(words: str) -> Look:
    """Raises ValueError for words that are not four, or that name no colour or pattern."""
    parts = words.split()
    if len(parts) != 4:
        raise ValueError(f"look '{words}': give shape, colour, accent and pattern")
    shape, main, accent, pattern = parts
    if main not in COLOURS or accent not in COLOURS:
        raise ValueError(f"look '{words}': use two of the colours {', '.join(COLOURS)}")
    if pattern != PLAIN and pattern not in WAGARA:
        raise ValueError(f"look '{words}': use one of the patterns {PLAIN}, {', '.join(WAGARA)}")
    return Look(
        shape=shape, main=COLOURS[main], accent=COLOURS[accent], pattern=pattern, lot=zlib.crc32(words.encode())
    )
