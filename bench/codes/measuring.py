"""Reads pictures of which the content is known with Noren's looks, with plain pyzbar and with OpenCV's detector."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy
from pyzbar.pyzbar import ZBarSymbol, decode

from bench.codes import screens
from edge import codes
from edge.codes import Gray

ENCODINGS = ("utf-8", "shift_jis", "euc_jp", "gb18030", "latin-1")
"""A code holds bytes and its text file text: any of these encodings of the text is exact."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ALL = [ZBarSymbol.QRCODE, ZBarSymbol.EAN13, ZBarSymbol.CODE128]
SECOND_OF_A_BOOK = b"192"
"""A Japanese book has two bar codes, and its text file names one: reading the other one is no misread."""

Read = Callable[[Gray], list[bytes]]


def noren(gray: Gray) -> list[bytes]:
    return [code.content for code in codes.read(gray)]


def first_look(gray: Gray) -> list[bytes]:
    return [code.content for code in codes.readers().first(gray)]


def pyzbar(gray: Gray) -> list[bytes]:
    try:
        return [code.data for code in decode(gray, ALL)]
    except ValueError:
        return []


def opencv(gray: Gray) -> list[bytes]:
    try:
        text, _, _ = cv2.QRCodeDetector().detectAndDecode(gray)
    except (UnicodeDecodeError, cv2.error):
        return []
    return [text.encode()] if text else []


READERS: dict[str, Read] = {"noren": noren, "first_look": first_look, "pyzbar": pyzbar, "opencv": opencv}
OTHERS = ("pyzbar", "opencv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image and what is in it (nothing: no code), by set and condition."""

    kind: str
    how: str
    gray: Gray
    wanted: frozenset[bytes]


def phones(shown: screens.Symbol, levels: Iterable[screens.Level], frames: int) -> Iterator[Picture]:
    """So many frames of each condition; the same conditions and dice whatever is shown."""
    wanted = frozenset({shown.content} - {b""})
    for number, level in enumerate(levels):
        for frame in range(frames):
            gray = screens.seen(shown, level, numpy.random.default_rng([number, frame]))
            yield Picture(kind=level.name, how=level.how, gray=gray, wanted=wanted)


def photographs(folder: Path) -> Iterator[Picture]:
    """Images with a text of the same name beside them, upright and at the three other quarter turns."""
    for image in sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES):
        text = image.with_suffix(".txt")
        if not text.exists():
            continue
        raw = text.read_bytes()
        try:
            wanted = {raw} | {raw.decode().encode(encoding, "ignore") for encoding in ENCODINGS}
        except UnicodeDecodeError:
            wanted = {raw}
        gray = codes.photograph(image)
        for turns in range(4):
            turned = numpy.ascontiguousarray(numpy.rot90(gray, turns))
            yield Picture(kind=image.parent.name, how=f"{turns * 90}°", gray=turned, wanted=frozenset(wanted))


class Tally:
    """What one reader made of the pictures."""

    def __init__(self) -> None:
        self.images = 0
        self.exact: Counter[tuple[str, str]] = Counter()
        self.wrong = 0
        self.times: list[float] = []

    def add(self, picture: Picture, read: Read) -> None:
        begin = time.thread_time()
        found = set(read(picture.gray))
        self.times.append((time.thread_time() - begin) * 1000)
        exact = bool(found & picture.wanted) or not (found or picture.wanted)
        self.images += 1
        self.exact[picture.kind, picture.how] += exact
        self.wrong += not exact and any(not content.startswith(SECOND_OF_A_BOOK) for content in found)

    def line(self) -> dict[str, Any]:
        times = sorted(self.times)
        return {
            "images": self.images,
            "exact": self.exact.total(),
            "wrong": self.wrong,
            "cpu_ms_p50": round(statistics.median(times), 2),
            "cpu_ms_p95": round(times[int(len(times) * 0.95)], 2),
        }


def measure(pictures: Iterable[Picture], readers: dict[str, Read] = READERS, *, beside: int = 1) -> dict[str, Tally]:
    """Have every reader read every picture, the others' but every `beside`-th; each is drawn once and forgotten.

    `noren_beside` is ours of just these pictures.
    """
    tallies = {name: Tally() for name in readers}
    if beside > 1:
        tallies["noren_beside"] = Tally()
    for number, picture in enumerate(pictures):
        for name, read in readers.items():
            if name not in OTHERS or number % beside == 0:
                tallies[name].add(picture, read)
        if beside > 1 and number % beside == 0:
            tallies["noren_beside"].add(picture, readers["noren"])
    return tallies
