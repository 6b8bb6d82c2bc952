"""Finds and opens the fonts: the face of Noto Sans CJK that each language is read in, and a chain's own."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

import pygame
import pygame.font
import pygame.freetype

from ground.programme.records import Language
from signage.errors import NoFont

log = logging.getLogger(__name__)

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.local/share/fonts"))
_FILES = {False: "NotoSansCJK-Regular.ttc", True: "NotoSansCJK-Bold.ttc"}
FACES: dict[Language, int] = {"ja": 0, "en": 0, "ko": 1, "zh-hans": 2, "zh-hant": 3}
"""Of the collection: 骨 and 直 of one face look wrong to the readers of another."""
OWN = -1
"""In place of a face: the chain's own font."""
_FIX = "Install the Japanese fonts: apt install fonts-noto-cjk"
_METRIC_SIZE = 64
_LETTERS = 8000
_OPEN = 8
"""Sizes open at once, 2.3 MB each: one that stays open keeps its letters."""


class Cut(NamedTuple):
    """One face in one weight."""

    face: int
    bold: bool


class Fonts:
    """Belongs to the thread that draws."""

    def __init__(self, counts: Counter[str], folders: Sequence[Path], own: tuple[Path | None, Path | None]) -> None:
        self._counts = counts
        self._folders = folders
        self._own = own
        self._paths: dict[Cut, tuple[Path, int]] = {}
        """The file of a cut and the face in it."""
        self._sizes: OrderedDict[tuple[int, Cut], pygame.font.Font] = OrderedDict()
        self._measuring: dict[Cut, pygame.freetype.Font] = {}
        self._letters: dict[tuple[str, Cut], tuple[float, float, float] | None] = {}
        self._ascents: dict[tuple[int, Cut], int] = {}

    def open(self) -> None:
        """Open the fonts. Raises NoFont if no weight of the Japanese ones can be read; what else is broken is told."""
        pygame.font.init()
        pygame.freetype.init()
        found = {bold: _find(name, self._folders) for bold, name in _FILES.items()}
        broken = {bold: why for bold, path in found.items() if (why := _broken(path))}
        if len(broken) == len(found):
            raise NoFont(f"{broken[False]} Without it nothing could be read on the screen.", fix=_FIX)
        for bold in found:
            path = found[not bold] if bold in broken else found[bold]
            self._paths |= {Cut(face, bold): (path, face) for face in FACES.values()}
        for why in broken.values():
            self._tell(why, "the other weight stands in for it")
        self._open_own()

    def close(self) -> None:
        self._sizes.clear()
        self._measuring.clear()
        # pygame's font modules stay: they count no users, and another typesetter may be open.

    def cut(self, text: str, language: Language, bold: bool) -> Cut:
        """Choose the chain's own font if it has every letter, else the face of the language."""
        own = Cut(OWN, bold)
        if own in self._paths and all(self.letter(letter, own) for letter in text if not letter.isspace()):
            return own
        return Cut(FACES[language], bold)

    def letter(self, letter: str, cut: Cut) -> tuple[float, float, float] | None:
        """Give the em before a letter's ink, the em after it and the em it takes in all; None if the font lacks it."""
        key = (letter, cut)
        if key not in self._letters:
            if len(self._letters) >= _LETTERS:
                self._letters.clear()
            metrics = self._measure(cut).get_metrics(letter, size=_METRIC_SIZE)
            known = metrics[0] if metrics else None
            ink = (known[0], known[4] - known[1], known[4]) if known else None
            self._letters[key] = (ink[0] / _METRIC_SIZE, ink[1] / _METRIC_SIZE, ink[2] / _METRIC_SIZE) if ink else None
        return self._letters[key]

    def sized(self, size: int, cut: Cut) -> pygame.font.Font:
        font = self._sizes.get((size, cut))
        if font is None:
            path, face = self._paths[cut]
            font = self._sizes[size, cut] = _opened(path, face, size)
            if len(self._sizes) > _OPEN:
                self._sizes.popitem(last=False)
        self._sizes.move_to_end((size, cut))
        return font

    def ascent(self, size: int, cut: Cut) -> int:
        if (size, cut) not in self._ascents:
            self._ascents[size, cut] = self.sized(size, cut).get_ascent()
        return self._ascents[size, cut]

    def _open_own(self) -> None:
        regular, bold = self._own
        for is_bold, path in ((False, regular or bold), (True, bold or regular)):
            if path is None:
                continue
            if why := _broken(path):
                self._tell(why, "texts stay in Noto Sans CJK")
            else:
                self._paths[Cut(OWN, is_bold)] = path, 0

    def _tell(self, why: str, instead: str) -> None:
        self._counts["fonts_broken"] += 1
        log.error("%s Until it is replaced %s.", why, instead)

    def _measure(self, cut: Cut) -> pygame.freetype.Font:
        # SDL_ttf draws, with the kerning that freetype's binding lacks; freetype measures, because it alone tells a
        # missing letter.
        if cut not in self._measuring:
            path, face = self._paths[cut]
            self._measuring[cut] = pygame.freetype.Font(path, _METRIC_SIZE, font_index=face)
        return self._measuring[cut]


class _Face:
    """A font collection read as if another of its faces were the first: pygame.font opens the first one only.

    OpenType 1.9, "Font Collections": a tag, a version and a count of four bytes each, then an offset for each face.
    """

    _FIRST = 12

    def __init__(self, path: Path, face: int) -> None:
        self._file: BinaryIO = path.open("rb")
        self._file.seek(self._FIRST + 4 * face)
        self._offset = self._file.read(4)
        self._file.seek(0)

    def read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        data = self._file.read(size)
        if at >= self._FIRST + 4 or at + len(data) <= self._FIRST:
            return data
        before, after = max(0, self._FIRST - at), max(0, at - self._FIRST)
        swapped = data[:before] + self._offset[after:] + data[max(0, self._FIRST + 4 - at) :]
        return swapped[: len(data)]

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def _find(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        for path in sorted(folder.expanduser().rglob(name)):
            return path
    return Path(name)


def _opened(path: Path, face: int, size: int) -> pygame.font.Font:
    # What pygame reads from needs these few methods only.
    return pygame.font.Font(cast(IO[bytes], _Face(path, face)) if face else path, size)


def _broken(path: Path) -> str:
    """Give what is wrong with a font file, or nothing."""
    if not path.is_file():
        return f"The font {path} is not on this machine."
    try:
        pygame.freetype.Font(path, _METRIC_SIZE)
        pygame.font.Font(path, _METRIC_SIZE)
    except (pygame.error, OSError, RuntimeError) as error:
        return f"The font {path} cannot be read: {error}."
    return ""
