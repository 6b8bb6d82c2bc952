"""Reads photographs of codes (folders given, a text beside each image) or drawn frames, and with pyzbar alone too."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pyzbar.pyzbar import ZBarSymbol, decode

from central.contract.member_code import check_digit
from edge import codes
from edge.codes import Gray
from edge.errors import SensorError
from edge.sensors import shoppers, simulated
from edge.sensors.camera import Motion

ENCODINGS = ("utf-8", "shift_jis", "euc_jp", "gb18030", "latin-1")
"""A code holds bytes and its text file text: any of these encodings of the text is exact."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ALL = [ZBarSymbol.QRCODE, ZBarSymbol.EAN13, ZBarSymbol.CODE128]

Read = Callable[[Gray], list[bytes]]
Picture = tuple[str, Gray, set[bytes]]
"""Which set it is of, the image, and what it holds (nothing: no code)."""


def noren(gray: Gray) -> list[bytes]:
    return [code.content for code in codes.read(gray)]


def first_reader(gray: Gray) -> list[bytes]:
    return [code.content for code in codes.read(gray, again=False)]


def pyzbar(gray: Gray) -> list[bytes]:
    try:
        return [code.data for code in decode(gray, ALL)]
    except ValueError:
        return []


def photographs(folders: Iterable[Path]) -> Iterator[Picture]:
    for folder in folders:
        for image in sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES):
            text = image.with_suffix(".txt")
            if not text.exists():
                continue
            raw = text.read_bytes()
            try:
                wanted = {raw} | {raw.decode().encode(encoding, "ignore") for encoding in ENCODINGS}
            except UnicodeDecodeError:
                wanted = {raw}
            yield image.parent.name, codes.photograph(image), wanted


def drawn(count: int) -> Iterator[Picture]:
    """Phones as the simulated camera sees them, and as many frames of the counter without one."""
    dice = random.Random(1)
    counter = simulated.counter("bench")
    for number in range(count):
        empty = counter[number % len(counter)]
        digits = f"29{dice.randrange(10**10):010d}"
        yield "empty", empty, set()
        shows: tuple[tuple[Literal["QRCode", "EAN13"], str], ...] = (
            ("QRCode", digits),
            ("EAN13", digits + check_digit(digits)),
        )
        for kind, content in shows:
            show = shoppers.Showing(reader="bench", begin=number, end=number + 1, format=kind, content=content)
            yield kind, simulated.held(empty, simulated.phone(show), float(number)), {content.encode()}


def measure(read: Read, pictures: list[Picture]) -> dict[str, Any]:
    """Exact and wrong reads and CPU milliseconds (50th and 95th of a hundred), over all and set by set."""
    sets: dict[str, list[tuple[bool, bool, float]]] = {}
    for name, gray, wanted in pictures:
        begin = time.thread_time()
        found = set(read(gray))
        took = (time.thread_time() - begin) * 1000
        exact = bool(found & wanted) or not (found or wanted)
        sets.setdefault(name, []).append((exact, bool(found) and not exact, took))
    return _line([each for one in sets.values() for each in one]) | {
        "sets": {name: _line(one) for name, one in sets.items()}
    }


def _line(results: list[tuple[bool, bool, float]]) -> dict[str, Any]:
    times = sorted(took for *_, took in results)
    return {
        "images": len(results),
        "exact": sum(exact for exact, *_ in results),
        "wrong": sum(wrong for _, wrong, _ in results),
        "cpu_ms_p50": round(statistics.median(times), 2),
        "cpu_ms_p95": round(times[int(len(times) * 0.95)], 2),
    }


def gate_us(gray: Gray) -> float:
    """What a frame costs in which nothing moved."""
    motion = Motion()
    motion.keep(gray)
    begin = time.thread_time()
    for _ in range(1000):
        motion.in_frame(gray)
    return round((time.thread_time() - begin) * 1000, 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="noren bench codes", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", help="photographs; without: frames drawn here")
    parser.add_argument("--frames", type=int, default=40, help="how many of each kind to draw (40)")
    options = parser.parse_args()
    try:
        pictures = list(photographs(options.folders) if options.folders else drawn(options.frames))
    except SensorError as error:
        print(error, file=sys.stderr)
        return 1
    if not pictures:
        print("There is no image with a text of the same name beside it: name other folders.", file=sys.stderr)
        return 1
    result = {
        "noren": measure(noren, pictures),
        "zxing_alone": measure(first_reader, pictures),
        "pyzbar_alone": measure(pyzbar, pictures),
        "idle_frame_us": gate_us(pictures[0][1]),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
