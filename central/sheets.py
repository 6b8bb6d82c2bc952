"""Draws posters and sheets of labels with product codes, and writes them as a PDF for print."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw

from central import symbols
from central.errors import CentralError
from central.lettering import Align, Block, Lettering
from central.symbols import QUIET, Correction, Symbol

DPI = 600
MOST = 1000
"""Pages of one PDF: some minutes. Pillow reads all of them for each more, so 5,000 would be hours."""
_SCAN = ("スマートフォンで読み取ってください", "Scan with your phone")
_EDGE = 1.8
"""Millimetres that a label leaves free: where it is cut, and where printers are not exact."""
_WORDS = 31.0
"""Millimetres that the words need where the code beside them is smaller."""
_APART = 2.0
"""Millimetres between what a label says and what it asks for."""
_MARK, _MARK_AWAY, _HAIR = 5.0, 3.0, 4
"""Marks to cut along: millimetres long and from the edge, and dots wide."""
_NAMES = (*((em, 2) for em in (17, 15, 13, 11.5, 10)), *((em, 3) for em in (10, 9, 8, 7, 6, 5)))
"""A poster's name: millimetres on A4, and lines at most, what looks best first."""
PaperName = Literal["a3", "a4", "a5", "label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Lengths in millimetres."""

    page: tuple[float, float]
    panel: tuple[float, float]
    grid: tuple[int, int] = (1, 1)
    """Panels across and down, edge to edge in the middle of the page."""
    code: float
    """The widest code, with its quiet zone, that leaves room for what is to be read."""
    metres: float
    """From where it is usually read."""
    correction: Correction = "q"
    """A poster is touched and scratched more than a label, and has the room."""

    @property
    def is_sheet(self) -> bool:
        return self.grid != (1, 1)


PAPERS: dict[PaperName, Paper] = {
    # The usual sheet of ten labels, 86.4 x 50.8 mm; on plain paper it is cut along the marks.
    "label": Paper(page=(210, 297), panel=(86.4, 50.8), grid=(2, 5), code=46, metres=0.3, correction="m"),
    "a5": Paper(page=(148, 210), panel=(148, 210), code=130, metres=1.0),
    "a4": Paper(page=(210, 297), panel=(210, 297), code=188, metres=1.5),
    "a3": Paper(page=(297, 420), panel=(297, 420), code=270, metres=2.0),
}
"""The smallest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What one poster or label says."""

    address: str
    name: str
    second: str
    """The name in English, or nothing."""
    price: str
    small: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What was written; of the codes the smallest."""

    pages: int
    codes: int
    code_mm: float
    module_mm: float
    modules: int


def smallest(panels: Sequence[Panel], metres: float) -> Paper:
    """The smallest paper with room for codes that are read from there; the largest where none has."""
    for paper in PAPERS.values():
        made = [symbols.symbol(panel.address, paper.correction) for panel in panels]
        if _widest(made, _modules(made, metres))[0] <= _dots(paper.code):
            break
    return paper


def write(panels: Sequence[Panel], paper: Paper, metres: float, out: Path) -> Printed:
    """Write a PDF of pages of 600 dots an inch, without loss.

    Raises CentralError where a code is too large for the paper, and where there are too many pages.
    """
    if (wanted := math.ceil(len(panels) / math.prod(paper.grid))) > MOST:
        raise CentralError(
            f"These are {wanted} pages; one PDF has {MOST} at most.",
            fix="Print fewer at once: --category or --sku. Of labels (--paper label) there are ten on a page.",
        )
    made, dots = _laid_out(panels, paper, metres)
    pages = 0
    for page in drawn(panels, paper, metres):
        # CCITT Group 4 of a black and white picture: nothing is smeared.
        page.save(out, "PDF", resolution=DPI, append=pages > 0, title=out.stem)
        pages += 1
    least = min(range(len(made)), key=lambda number: dots[number])
    return Printed(
        pages=pages,
        codes=len(made),
        code_mm=round(_mm(dots[least] * made[least].modules), 1),
        module_mm=round(_mm(dots[least]), 2),
        modules=made[least].modules,
    )


def drawn(panels: Sequence[Panel], paper: Paper, metres: float) -> Iterator[Image.Image]:
    """The pages, black and white, of 600 dots an inch. Raises CentralError where a code is too large for the paper."""
    return _Sheet(paper, Lettering()).pages(zip(panels, *_laid_out(panels, paper, metres), strict=True))


def _laid_out(panels: Sequence[Panel], paper: Paper, metres: float) -> tuple[list[Symbol], list[int]]:
    """The code of each, and the dots of its modules."""
    made = [symbols.symbol(panel.address, paper.correction) for panel in panels]
    return made, _fitting(made, paper, metres)


def _modules(made: Sequence[Symbol], metres: float) -> list[int]:
    """How large the modules of each are to be, to be read from there: whole dots, so that all are alike."""
    return [math.ceil(symbols.module_mm(symbol.modules, metres) / 25.4 * DPI) for symbol in made]


def _fitting(made: Sequence[Symbol], paper: Paper, metres: float) -> list[int]:
    """The same for this paper. Raises CentralError where one has no room."""
    dots = _modules(made, metres)
    wide, modules = _widest(made, dots)
    if wide <= _dots(paper.code):
        return dots
    room = [(symbol.modules, _mm(_dots(paper.code) // _across(symbol))) for symbol in made]
    farthest = math.floor(min(symbols.reach(*each) for each in room) * 100) / 100
    larger = [name for name, other in PAPERS.items() if wide <= _dots(other.code)]
    raise CentralError(
        f"A code to be read from {metres:g} m is {_mm(wide) / 10:.1f} cm wide with its margin; "
        f"this paper has room for {paper.code / 10:.1f} cm.",
        fix=f"Have it read from {farthest:g} m (--distance {farthest:g}), "
        + (f"take larger paper (--paper {larger[0]}), " if larger else "")
        + f"or make the store's link shorter: its code has {modules} × {modules} modules.",
    )


def _widest(made: Sequence[Symbol], dots: Sequence[int]) -> tuple[int, int]:
    """The dots of the widest with its quiet zone, and its modules without."""
    return max((each * _across(symbol), symbol.modules) for each, symbol in zip(dots, made, strict=True))


def _across(symbol: Symbol) -> int:
    """Modules of a code with its quiet zone."""
    return symbol.modules + 2 * QUIET


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A text of a stack, and the millimetres above it."""

    block: Block
    above: float


class _Sheet:
    """Draws panels, as many on a page as the paper has."""

    def __init__(self, paper: Paper, letters: Lettering) -> None:
        self._paper = paper
        self._letters = letters

    def pages(self, panels: Iterator[tuple[Panel, Symbol, int]]) -> Iterator[Image.Image]:
        across, down = self._paper.grid
        wide, high = self._paper.panel
        left, top = (self._paper.page[0] - wide * across) / 2, (self._paper.page[1] - high * down) / 2
        while batch := list(islice(panels, across * down)):
            page = Image.new("1", (_dots(self._paper.page[0]), _dots(self._paper.page[1])), 1)
            draw = ImageDraw.Draw(page)
            for number, (panel, symbol, module) in enumerate(batch):
                row, column = divmod(number, across)
                if self._paper.is_sheet:
                    self._label(draw, panel, symbol, module, left + wide * column, top + high * row)
                else:
                    self._poster(draw, panel, symbol, module)
            if self._paper.is_sheet:
                self._marks(draw, left, top)
            yield page

    def _poster(self, draw: ImageDraw.ImageDraw, panel: Panel, symbol: Symbol, module: int) -> None:
        """One code in the middle, what it is above, what to do below."""
        page_wide, page_high = self._paper.page
        unit, margin = page_wide / 210, page_wide / 14
        wide, side = page_wide - 2 * margin, _mm(module * _across(symbol))
        foot = [
            self._line(_SCAN[0], wide, (7.6 * unit,), bold=True),
            self._line(_SCAN[1], wide, (4.6 * unit,), above=2.8 * unit),
            self._line(panel.small, wide, (2.6 * unit, 2.2 * unit), above=7 * unit),
        ]
        for em, most in _NAMES:
            size = em * unit
            head = [
                self._line(panel.name, wide, (size,), most=most, bold=True),
                self._line(panel.second, wide, (size * 0.48, size * 0.4), above=size * 0.35),
                self._line(panel.price, wide, _shrinking(size * 1.2), above=size * 0.5, bold=True),
            ]
            room = page_high - 2 * margin - _height(head) - _height(foot) - side
            if room >= 0 and head[0].block.whole:
                break
        foot_at = page_high - margin - _height(foot)
        self._stack(draw, head, margin, margin, wide, "centre")
        self._stack(draw, foot, margin, foot_at, wide, "centre")
        middle = (margin + _height(head) + foot_at) / 2
        _code(draw, symbol, module, _dots((page_wide - side) / 2), _dots(middle - side / 2))

    def _label(
        self, draw: ImageDraw.ImageDraw, panel: Panel, symbol: Symbol, module: int, left: float, top: float
    ) -> None:
        """The code on the left, and beside it, from its upper to its lower edge or farther, the words."""
        wide, high = self._paper.panel
        side, quiet = _mm(module * _across(symbol)), _mm(module * QUIET)
        _code(draw, symbol, module, _dots(left + _EDGE), _dots(top + (high - side) / 2))
        text_at = left + _EDGE + side + max(0.0, _APART - quiet)
        text_wide = left + wide - 2 * _EDGE - text_at
        foot = [
            self._line(_SCAN[0], text_wide, (2.3, 2.2, 2.1, 2.0, 1.9), bold=True),
            self._line(_SCAN[1], text_wide, (2.0,), above=0.7),
            self._line(panel.small, text_wide, (1.7, 1.5), most=2, above=1.2),
        ]
        words_high = max(side - 2 * quiet, _WORDS)
        upper, lower = top + (high - words_high) / 2, top + (high + words_high) / 2
        for em in (4.6, 4.2, 3.8, 3.4, 3.0, 2.7, 2.4):
            head = [
                self._line(panel.name, text_wide, (em,), most=3, bold=True),
                self._line(panel.second, text_wide, (2.3, 2.0), above=1.0),
                self._line(panel.price, text_wide, _shrinking(max(em * 1.25, 4.4)), above=em * 0.4, bold=True),
            ]
            if _height(head) + _height(foot) + _APART <= lower - upper and head[0].block.whole:
                break
        self._stack(draw, head, text_at, upper, text_wide, "left")
        self._stack(draw, foot, text_at, lower - _height(foot), text_wide, "left")

    def _line(
        self, text: str, wide: float, sizes: Sequence[float], *, most: int = 1, above: float = 0.0, bold: bool = False
    ) -> _Line:
        block = self._letters.set(text, _dots(wide), [_dots(size) for size in sizes], most, bold=bold)
        return _Line(block=block, above=above if block.lines else 0.0)

    def _stack(
        self, draw: ImageDraw.ImageDraw, lines: Sequence[_Line], left: float, top: float, wide: float, align: Align
    ) -> None:
        for line in lines:
            top += line.above
            self._letters.draw(draw, line.block, _dots(left), _dots(top), _dots(wide), align)
            top += _mm(line.block.height)

    def _marks(self, draw: ImageDraw.ImageDraw, left: float, top: float) -> None:
        """Marks to cut along, in the margins only: sheets of labels are cut already."""
        across, down = self._paper.grid
        wide, high = self._paper.panel
        right, foot = left + wide * across, top + high * down
        for column in range(across + 1):
            x = left + wide * column
            for begins in (top - _MARK_AWAY - _MARK, foot + _MARK_AWAY):
                draw.line((_dots(x), _dots(begins), _dots(x), _dots(begins + _MARK)), fill=0, width=_HAIR)
        for row in range(down + 1):
            y = top + high * row
            for begins in (left - _MARK_AWAY - _MARK, right + _MARK_AWAY):
                draw.line((_dots(begins), _dots(y), _dots(begins + _MARK), _dots(y)), fill=0, width=_HAIR)


def _shrinking(size: float) -> tuple[float, ...]:
    """Sizes of a price: of one that is cut nobody would see that."""
    return tuple(size * part for part in (1, 0.8, 0.6, 0.45, 0.35))


def _height(lines: Sequence[_Line]) -> float:
    return sum(line.above + _mm(line.block.height) for line in lines)


def _code(draw: ImageDraw.ImageDraw, symbol: Symbol, module: int, left: int, top: int) -> None:
    """Draw it with its quiet zone, whose upper left corner is given."""
    left, top = left + QUIET * module, top + QUIET * module
    for down, row in enumerate(symbol.rows):
        for across, is_dark in enumerate(row):
            if is_dark:
                x, y = left + across * module, top + down * module
                draw.rectangle((x, y, x + module - 1, y + module - 1), fill=0)


def _dots(millimetres: float) -> int:
    return round(millimetres / 25.4 * DPI)


def _mm(dots: int) -> float:
    return dots * 25.4 / DPI
