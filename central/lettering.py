"""Sets text for print in Noto Sans CJK: a size and breaks that fit, drawn in black and white."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from PIL import ImageDraw, ImageFont

from central.errors import CentralError
from ground import lines

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.local/share/fonts"))
_FILES = {False: "NotoSansCJK-Regular.ttc", True: "NotoSansCJK-Bold.ttc"}
_JAPANESE = 0
"""The face in each collection in which 骨 and 直 look right to Japanese readers."""
_ASCENT = 0.88
"""Where the baseline lies in the square of a Japanese letter, from its top."""
_MEASURED, _LOOKED_AT = 1000, 24
"""Sizes in which letters are measured, and are told from the sign that stands for none."""
_GETA = "〓"
"""What a Japanese compositor sets for a letter that the case lacks."""
_NOWHERE = "\U0010ffff"

Align = Literal["left", "centre"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Text that has been set."""

    lines: tuple[str, ...]
    size: int
    """Dots of the square of a Japanese letter."""
    bold: bool
    leading: float
    """From baseline to baseline, in em."""
    whole: bool = True
    """Nothing was cut off, and no word broken."""

    @property
    def height(self) -> int:
        return round(self.size * (1 + self.leading * (len(self.lines) - 1))) if self.lines else 0


class Lettering:
    """Opens the fonts of this machine. Raises CentralError where they are not here."""

    def __init__(self, folders: Sequence[Path] = FOLDERS) -> None:
        self._paths = {bold: _find(name, folders) for bold, name in _FILES.items()}
        self._measuring = {bold: _font(path, _MEASURED) for bold, path in self._paths.items()}
        self._looking = {bold: _font(path, _LOOKED_AT) for bold, path in self._paths.items()}
        self._width = lru_cache(4000)(self._em)
        self._has = lru_cache(4000)(self._seen)
        self._sized = lru_cache(40)(self._font)

    def set(self, text: str, width: int, sizes: Sequence[int], most: int, *, bold: bool = False) -> Block:
        """Set in the first of the sizes that needs at most `most` lines and cuts no word; else in the last, cut."""

        def measure(part: str) -> float:
            return self._measure(part, bold)

        clean, leading = self._clean(text, bold), 1.3 if bold else 1.5
        for size in sizes if clean else ():
            done = lines.balanced(clean, width / size, measure)
            if len(done) <= most and lines.whole(clean, width / size, measure) and not lines.lone(done, measure):
                return Block(lines=tuple(done), size=size, bold=bold, leading=leading)
        limit = width / sizes[-1]
        done = lines.broken(clean, limit, measure) if clean else []
        if len(done) > most:
            kept = done[: most - 1]
            done = [*kept, lines.shortened(lines.rest(clean, kept), limit, measure)]
        return Block(lines=tuple(done), size=sizes[-1], bold=bold, leading=leading, whole=not clean)

    def draw(self, page: ImageDraw.ImageDraw, block: Block, left: int, top: int, width: int, align: Align) -> None:
        font = self._sized(block.size, block.bold)
        for number, line in enumerate(block.lines):
            spare = width - self._measure(line, block.bold) * block.size
            x = left + (spare / 2 if align == "centre" else 0.0)
            baseline = top + round(block.size * (_ASCENT + block.leading * number))
            before = ""
            for letter in line:
                x += lines.gap(before, letter) * block.size if before else 0.0
                page.text((round(x), baseline), letter, fill=0, font=font, anchor="ls")
                x += self._width(letter, block.bold) * block.size
                before = letter

    def _measure(self, text: str, bold: bool) -> float:
        width = sum(self._width(letter, bold) for letter in text)
        return width + sum(lines.gap(before, after) for before, after in pairwise(text))

    def _em(self, letter: str, bold: bool) -> float:
        return self._measuring[bold].getlength(letter) / _MEASURED

    def _seen(self, letter: str, bold: bool) -> bool:
        font = self._looking[bold]
        return bytes(font.getmask(letter)) != bytes(font.getmask(_NOWHERE))

    def _font(self, size: int, bold: bool) -> ImageFont.FreeTypeFont:
        return _font(self._paths[bold], size)

    def _clean(self, text: str, bold: bool) -> str:
        """Compose accents, make white space one space, set 〓 for letters the font lacks and drop other such signs."""
        kept = []
        for letter in unicodedata.normalize("NFC", text):
            kind = unicodedata.category(letter)
            if letter.isspace():
                kept.append(" ")
            elif kind[0] == "C":
                continue
            elif self._has(letter, bold):
                kept.append(letter)
            elif kind[0] in "LN":
                kept.append(_GETA)
        return " ".join("".join(kept).split())


def _find(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        for path in sorted(folder.expanduser().rglob(name)):
            return path
    raise CentralError(
        f"The font {name} is not on this machine.", fix="Install the Japanese fonts: apt install fonts-noto-cjk"
    )


def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.FreeTypeFont(path, size, index=_JAPANESE, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise CentralError(
            f"The font {path} cannot be read: {error}.", fix="Install it anew: apt install --reinstall fonts-noto-cjk"
        ) from error
