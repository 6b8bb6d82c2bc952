"""Sets text in the Japanese font: a size and breaks that fit, 〓 for what the font lacks, lines drawn once."""

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
import pygame.font
import pygame.freetype
from pygame import Color, Surface

from signage import lines
from signage.errors import NoFont

Align = Literal["left", "centre", "right"]

_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.local/share/fonts"))
_FILES = {False: "NotoSansCJK-Regular.ttc", True: "NotoSansCJK-Bold.ttc"}
_JAPANESE = 0
"""The face of the collection; 1 Korean, 2 and 3 Chinese, whose 骨 and 直 look wrong to a Japanese reader."""
_ASCENT = 0.88
"""Where the baseline lies in the square of a Japanese letter, from its top."""
_FIX = "Install the Japanese fonts: apt install fonts-noto-cjk"
_METRIC_SIZE = 64
_CACHE_BYTES = 6 << 20
_CACHE_LETTERS = 8000
_CACHE_BLOCKS = 500
_FONTS = 6
"""Sizes open at once, 2.3 MB each: one that stays open keeps its letters."""
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
    bold: bool
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


class Typesetter:
    """Knows the fonts; open it in the thread that draws."""

    def __init__(self, counts: Counter[str], folders: Sequence[Path] = _FOLDERS) -> None:
        self._counts = counts
        self._folders = folders
        self._paths: dict[bool, Path] = {}
        self._sizes: OrderedDict[tuple[int, bool], pygame.font.Font] = OrderedDict()
        self._measuring: dict[bool, pygame.freetype.Font] = {}
        self._letters: dict[tuple[str, bool], tuple[float, float] | None] = {}
        self._ascents: dict[tuple[int, bool], int] = {}
        self._drawn: OrderedDict[tuple[str, int, bool, tuple[int, ...]], Surface] = OrderedDict()
        self._bytes = 0
        self._set: OrderedDict[_Asked, Block] = OrderedDict()

    def __enter__(self) -> Self:
        """Open the fonts. Raises NoFont."""
        pygame.font.init()
        pygame.freetype.init()
        for bold, name in _FILES.items():
            path = _find(name, self._folders)
            try:
                # SDL_ttf draws, with the kerning that freetype's binding lacks; it can open the first face only,
                # which is the Japanese one. freetype measures, because it alone tells a missing letter.
                self._paths[bold] = path
                self._measuring[bold] = pygame.freetype.Font(path, _METRIC_SIZE, font_index=_JAPANESE)
            except (pygame.error, OSError, RuntimeError) as error:
                raise NoFont(f"The font {path} cannot be read: {error}.", fix=_FIX) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sizes.clear()
        self._measuring.clear()
        self._drawn.clear()
        # pygame's font modules stay: they count no users, and another typesetter may be open.

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
    ) -> Block:
        """Set in the largest of `sizes` (largest first) that needs `most` lines or fewer of `width` pixels.

        What does not fit the smallest either ends with …; `even` makes the lines about as long as each other.
        """
        asked = _Asked(text, width, tuple(sizes), most, bold, leading, even)
        found = self._set.get(asked)
        if found is None:
            found = self._set[asked] = self._fit(asked)
            if len(self._set) > _CACHE_BLOCKS:
                self._set.popitem(last=False)
        return found

    def _fit(self, asked: _Asked) -> Block:
        width, sizes, most = asked.width, asked.sizes, asked.most

        @cache
        def measure(part: str) -> float:
            return self._em(part, asked.bold)

        clean = self._clean(asked.text)
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
            broken = break_up(clean, width / size, measure)
            if len(broken) <= most:
                chosen = chosen or (size, broken)
                # A smaller size with whole words and full lines reads better than a larger one without.
                if lines.whole(clean, width / size, measure) and not lines.lone(broken, measure):
                    chosen = (size, broken)
                    break
        size, broken = chosen or (sizes[-1], lines.broken(clean, width / sizes[-1], measure))
        whole = len(broken) <= most
        if not whole:
            last = lines.shortened(lines.joined(broken[most - 1 :]), width / size, measure)
            broken = [*broken[: most - 1], last]
        longest = max(measure(line) for line in broken)
        return Block(
            lines=tuple(broken),
            size=size,
            leading=asked.leading,
            bold=asked.bold,
            width=min(width, round(longest * size)),
            whole=whole,
        )

    def draw(
        self, surface: Surface, block: Block, at: tuple[int, int], colour: Color, align: Align = "left", room: int = 0
    ) -> None:
        """Draw with the top left of the first square at `at`; centred and right lines stand in `room` pixels."""
        x, y = at
        for index, line in enumerate(block.lines):
            drawn = self._line(line, block.size, block.bold, colour)
            spare = room - drawn.get_width()
            # At the left the ink begins at `x`, not the square: a bracket or a large figure would look indented.
            left = {"left": -self._inset(line, block), "centre": spare / 2, "right": spare}[align]
            baseline = y + block.size * (_ASCENT + block.leading * index)
            surface.blit(drawn, (round(x + left), round(baseline) - self._ascent(block.size, block.bold)))

    def _line(self, line: str, size: int, bold: bool, colour: Color) -> Surface:
        key = (line, size, bold, tuple(colour))
        found = self._drawn.get(key)
        if found is not None:
            self._drawn.move_to_end(key)
            return found
        made = self._render(line, size, bold, colour)
        self._drawn[key] = made
        self._bytes += made.get_width() * made.get_height() * 4
        while self._bytes > _CACHE_BYTES and len(self._drawn) > 1:
            _, old = self._drawn.popitem(last=False)
            self._bytes -= old.get_width() * old.get_height() * 4
        return made

    def _render(self, line: str, size: int, bold: bool, colour: Color) -> Surface:
        font = self._sized(size, bold)
        runs = [(font.render(run, True, colour), round(before * size)) for run, before in _runs(line)]
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

    def _sized(self, size: int, bold: bool) -> pygame.font.Font:
        font = self._sizes.get((size, bold))
        if font is None:
            font = self._sizes[size, bold] = pygame.font.Font(self._paths[bold], size)
            if len(self._sizes) > _FONTS:
                self._sizes.popitem(last=False)
        self._sizes.move_to_end((size, bold))
        return font

    def _ascent(self, size: int, bold: bool) -> int:
        if (size, bold) not in self._ascents:
            self._ascents[size, bold] = self._sized(size, bold).get_ascent()
        return self._ascents[size, bold]

    def _em(self, text: str, bold: bool) -> float:
        width = sum(known[1] for letter in text if (known := self._metrics(letter, bold)))
        return width + sum(lines.gap(before, after) for before, after in pairwise(text))

    def _inset(self, line: str, block: Block) -> float:
        """Give the pixels between the left edge of the line and its first ink."""
        known = self._metrics(line[0], block.bold) if line else None
        return known[0] * block.size if known else 0.0

    def _metrics(self, letter: str, bold: bool) -> tuple[float, float] | None:
        """Give the em before a letter's ink and the em it takes in all; None if the font lacks it."""
        key = (letter, bold)
        if key not in self._letters:
            if len(self._letters) >= _CACHE_LETTERS:
                self._letters.clear()
            metrics = self._measuring[bold].get_metrics(letter, size=_METRIC_SIZE)
            known = metrics[0] if metrics else None
            self._letters[key] = (known[0] / _METRIC_SIZE, known[4] / _METRIC_SIZE) if known else None
        return self._letters[key]

    def _clean(self, text: str) -> str:
        """Compose accents, make white space one space, set 〓 for letters the font lacks and drop other such signs."""
        kept: list[str] = []
        for letter in unicodedata.normalize("NFC", text):
            kind = unicodedata.category(letter)
            if letter == "\n" or (kind not in {"Cc", "Cf"} and self._metrics(letter, False) is not None):
                kept.append(letter)
            elif letter.isspace():
                kept.append(" ")
            elif kind[0] in "LN":
                kept.append(_GETA)
                self._counts["letters_missing"] += 1
            else:
                self._counts["signs_dropped"] += 1
        return "\n".join(" ".join(part.split()) for part in "".join(kept).strip().split("\n"))


def _find(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        for path in sorted(folder.expanduser().rglob(name)):
            return path
    raise NoFont(f"The font {name} is not on this machine, so nothing could be read on the screen.", fix=_FIX)


def _runs(line: str) -> list[tuple[str, float]]:
    """Cut where letters close up or stand apart; each run with the em before it."""
    runs = [("", 0.0)]
    previous = ""
    for letter in line:
        shift = lines.gap(previous, letter) if previous else 0.0
        if shift:
            runs.append((letter, shift))
        else:
            runs[-1] = (runs[-1][0] + letter, runs[-1][1])
        previous = letter
    return runs
