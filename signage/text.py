"""Sets text in the font of its language: a size and breaks that fit, 〓 for what it lacks, lines drawn once."""

from __future__ import annotations

import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

import pygame
from pygame import Color, Surface

from ground import lines
from ground.programme.records import Language
from signage.fonts import FOLDERS, Cut, Fonts

Align = Literal["left", "centre", "right"]

ASCENT = 0.88
"""Where the baseline lies in the square of a Japanese letter, from its top."""
_CACHE_BYTES = 6 << 20
_CACHE_BLOCKS = 500
_BEYOND = 4
"""Letters beyond what fits that the choice of a cut looks at."""
_GETA = "〓"
"""What a Japanese compositor sets for a letter that the case lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Text that has been set: its lines, and how they are to be drawn."""

    lines: tuple[str, ...]
    size: int
    """Pixels of the square of a Japanese letter."""
    leading: float
    """From baseline to baseline, in em."""
    cut: Cut
    language: Language
    width: int
    """Pixels of the longest line."""
    whole: bool
    """Nothing was cut off."""

    @property
    def height(self) -> int:
        """Pixels from the top of the first line's square to the foot of the last one's."""
        return round(self.size * (1 + self.leading * (len(self.lines) - 1)))

    @property
    def said(self) -> str:
        """The text as it can be read off the screen."""
        return lines.joined(self.lines)


class _Asked(NamedTuple):
    text: str
    width: int
    sizes: tuple[int, ...]
    most: int
    bold: bool
    leading: float
    even: bool
    language: Language


class Typesetter:
    """Knows the fonts; open it in the thread that draws."""

    def __init__(
        self,
        counts: Counter[str],
        folders: Sequence[Path] = FOLDERS,
        own: tuple[Path | None, Path | None] = (None, None),
    ) -> None:
        """`own`: a chain's regular and bold font, for texts of which it has every letter."""
        self._counts = counts
        self._fonts = Fonts(counts, folders, own)
        self._drawn: OrderedDict[tuple[str, int, Cut, Language, tuple[int, ...]], Surface] = OrderedDict()
        self._bytes = 0
        self._set: OrderedDict[_Asked, Block] = OrderedDict()

    def __enter__(self) -> Self:
        """Open the fonts. Raises NoFont."""
        self._fonts.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._fonts.close()
        self._drawn.clear()

    def fit(
        self,
        text: str,
        *,
        width: int,
        sizes: Sequence[int],
        most: int = 1,
        bold: bool = False,
        leading: float = 1.4,
        even: bool = False,
        language: Language = "ja",
    ) -> Block:
        """Set in the largest of `sizes` (largest first) that needs `most` lines or fewer of `width` pixels.

        What does not fit the smallest either ends with …; `even` makes the lines about as long as each other.
        """
        asked = _Asked(text, width, tuple(sizes), most, bold, leading, even, language)
        found = self._set.get(asked)
        if found is None:
            found = self._set[asked] = self._fit(asked)
            if len(self._set) > _CACHE_BLOCKS:
                self._set.popitem(last=False)
        return found

    def _fit(self, asked: _Asked) -> Block:
        width, sizes, most = asked.width, asked.sizes, asked.most
        spaced = _gap(asked.language)
        cut = self._fonts.cut(asked.text, asked.language, asked.bold)

        @cache
        def measure(part: str) -> float:
            return self._em(part, cut, spaced)

        clean = self._clean(asked.text, cut)
        # What can never be seen is not worth breaking: the time to set a text does not grow with its length.
        room = most * width / sizes[-1] + _BEYOND
        while measure(clean) > 2 * room:
            clean = clean[: len(clean) // 2]

        total = measure(clean)
        break_up = lines.balanced if asked.even else lines.broken
        chosen: tuple[int, list[str]] | None = None
        for size in sizes:
            if total > most * width / size:
                continue
            broken = break_up(clean, width / size, measure, spaced)
            if len(broken) <= most:
                chosen = chosen or (size, broken)
                # A smaller size with whole words and full lines reads better than a larger one without.
                if lines.whole(clean, width / size, measure) and not lines.lone(broken, measure):
                    chosen = (size, broken)
                    break
        size, broken = chosen or (sizes[-1], lines.broken(clean, width / sizes[-1], measure, spaced))
        whole = len(broken) <= most
        if not whole:
            last = lines.shortened(lines.rest(clean, broken[: most - 1]), width / size, measure, spaced)
            broken = [*broken[: most - 1], last]
        longest = max(measure(line) for line in broken)
        return Block(
            lines=tuple(broken),
            size=size,
            leading=asked.leading,
            cut=cut,
            language=asked.language,
            width=min(width, round(longest * size)),
            whole=whole,
        )

    def draw(
        self, surface: Surface, block: Block, at: tuple[int, int], colour: Color, align: Align = "left", room: int = 0
    ) -> None:
        """Draw with the top left of the first square at `at`; centred and right lines stand in `room` pixels."""
        x, y = at
        for index, line in enumerate(block.lines):
            drawn = self._line(line, block, colour)
            spare = room - drawn.get_width()
            # At the left the ink begins at `x`, not the square: a bracket or a large figure would look indented.
            # At the right a stop or bracket hangs out of its line by the empty half of its square, as in print.
            inset, outset = self._inset(line, block), self._outset(line, block)
            left = {"left": -inset, "centre": (spare + outset) / 2, "right": spare + outset}[align]
            baseline = y + block.size * (ASCENT + block.leading * index)
            surface.blit(drawn, (round(x + left), round(baseline) - self._fonts.ascent(block.size, block.cut)))

    def _line(self, line: str, block: Block, colour: Color) -> Surface:
        key = (line, block.size, block.cut, block.language, tuple(colour))
        found = self._drawn.get(key)
        if found is not None:
            self._drawn.move_to_end(key)
            return found
        made = self._render(line, block, colour)
        self._drawn[key] = made
        self._bytes += made.get_width() * made.get_height() * 4
        while self._bytes > _CACHE_BYTES and len(self._drawn) > 1:
            _, old = self._drawn.popitem(last=False)
            self._bytes -= old.get_width() * old.get_height() * 4
        return made

    def _render(self, line: str, block: Block, colour: Color) -> Surface:
        font = self._fonts.sized(block.size, block.cut)
        cut_up = _runs(line, _gap(block.language))
        runs = [(font.render(run, True, colour), round(before * block.size)) for run, before in cut_up]
        if len(runs) == 1:
            return runs[0][0]
        width = sum(run.get_width() + before for run, before in runs)
        whole = Surface((max(1, width), font.get_height()), pygame.SRCALPHA)
        # Where runs close up their empty edges overlap; the larger alpha is the ink's.
        whole.fill((*tuple(colour)[:3], 0))
        x = 0
        for run, before in runs:
            x += before
            whole.blit(run, (x, 0), special_flags=pygame.BLEND_RGBA_MAX)
            x += run.get_width()
        return whole

    def _em(self, text: str, cut: Cut, gap: lines.Gap) -> float:
        width = sum(known[2] for letter in text if (known := self._fonts.letter(letter, cut)))
        return width + sum(gap(before, after) for before, after in pairwise(text))

    def _inset(self, line: str, block: Block) -> float:
        """Give the pixels between the left edge of the line and its first ink."""
        known = self._fonts.letter(line[0], block.cut) if line else None
        # SDL_ttf itself moves a letter that begins before its square (A) to the edge.
        return max(0.0, known[0]) * block.size if known else 0.0

    def _outset(self, line: str, block: Block) -> float:
        """Give the pixels between the ink of a wide stop or bracket and the right edge of its line."""
        last = line[-1:]
        if not lines.wide(last) or (last not in lines.CLOSING and last not in lines.STOPS):
            return 0.0
        known = self._fonts.letter(last, block.cut)
        return known[1] * block.size if known else 0.0

    def _clean(self, text: str, cut: Cut) -> str:
        """Compose accents, make white space one space, set 〓 for letters the font lacks and drop other such signs."""
        kept: list[str] = []
        for letter in unicodedata.normalize("NFC", text):
            kind = unicodedata.category(letter)
            if letter == "\n" or (kind not in {"Cc", "Cf"} and self._fonts.letter(letter, cut) is not None):
                kept.append(letter)
            elif letter.isspace():
                kept.append(" ")
            elif kind[0] in "LN":
                kept.append(_GETA)
                self._counts["letters_missing"] += 1
            else:
                self._counts["signs_dropped"] += 1
        return "\n".join(" ".join(part.split()) for part in "".join(kept).strip().split("\n"))


def _gap(language: Language) -> lines.Gap:
    return lines.centred_gap if language == "zh-hant" else lines.gap


def _runs(line: str, gap: lines.Gap) -> list[tuple[str, float]]:
    """Cut where letters close up or stand apart; each run with the em before it."""
    runs = [("", 0.0)]
    previous = ""
    for letter in line:
        shift = gap(previous, letter) if previous else 0.0
        if shift:
            runs.append((letter, shift))
        else:
            runs[-1] = (runs[-1][0] + letter, runs[-1][1])
        previous = letter
    return runs
