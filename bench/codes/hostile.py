"""Draws codes that nobody means well with: random bytes, split ones, the largest, control characters, addresses."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import segno
from zxingcpp import BarcodeFormat, create_barcode

from edge import codes
from edge.codes import Code, Gray

KINDS = ("random", "digits", "split", "largest", "control", "nul", "address", "bars", "damaged", "kanji")
_ADDRESS = (
    "http://{}.example/?q={}",
    "WIFI:T:WPA;S:{};P:{};;",
    "tel:{}{}",
    "BEGIN:VCARD\nN:{};{}\nEND:VCARD",
    "javascript:{}({})",
)


def drawn(count: int, seed: int = 1) -> Iterator[tuple[str, Gray, bytes | None]]:
    """Kind, picture, and the bytes that are in it (None where no reader needs to get them out)."""
    dice = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        yield kind, *MAKERS[kind](dice)


def _qr(content: bytes) -> Gray:
    return numpy.array(create_barcode(content, BarcodeFormat.QRCodeModel2).to_image(scale=3))


def _segno(made: segno.QRCode, scale: int = 3) -> Gray:
    modules = numpy.pad(numpy.array([list(row) for row in made.matrix], numpy.uint8) & 1, 4)
    return numpy.kron(255 - modules * 255, numpy.ones((scale, scale), numpy.uint8)).astype(numpy.uint8)


def _random(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = dice.randbytes(dice.randrange(1, 200))
    return _qr(content), content


def _digits(dice: random.Random) -> tuple[Gray, bytes | None]:
    """As long as a signed member code, and a digit more or less."""
    content = "".join(dice.choices("0123456789", k=dice.choice((185, 186, 187)))).encode()
    return _segno(segno.make(content.decode(), error="l", micro=False)), content


def _split(dice: random.Random) -> tuple[Gray, bytes | None]:
    parts = segno.make_sequence("".join(dice.choices("abcdef 012345", k=60)), symbol_count=dice.randrange(2, 6))
    return _segno(dice.choice(list(parts))), None


def _largest(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = "".join(dice.choices("0123456789", k=dice.randrange(6000, 7089)))
    return _segno(segno.make(content, version=40, error="l"), 2), content.encode()


def _control(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = bytes(dice.choices(range(32), k=dice.randrange(1, 60)))
    return _qr(content), content


def _nul(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = b"29" + bytes(dice.randrange(1, 50)) + b"0000000018"
    return _qr(content), content


def _address(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = dice.choice(_ADDRESS).format(dice.randrange(10**6), dice.randrange(10**9)).encode()
    return _qr(content), content


def _bars(dice: random.Random) -> tuple[Gray, bytes | None]:
    content = "".join(chr(dice.randrange(0, 128)) for _ in range(dice.randrange(1, 30)))
    return numpy.array(create_barcode(content, BarcodeFormat.Code128).to_image(scale=3)), None


def _damaged(dice: random.Random) -> tuple[Gray, bytes | None]:
    gray = _qr(dice.randbytes(40)).copy()
    for _ in range(dice.randrange(1, 12)):
        top, left = dice.randrange(gray.shape[0]), dice.randrange(gray.shape[1])
        gray[top : top + dice.randrange(1, 40), left : left + dice.randrange(1, 40)] = dice.choice((0, 128, 255))
    return gray[dice.randrange(3) :: dice.choice((1, 1, 2))], None


def _kanji(dice: random.Random) -> tuple[Gray, bytes | None]:
    text = "".join(dice.choices("会員山田暖簾東京おかえりなさいｱｲｳ", k=dice.randrange(1, 30)))
    content = text.encode(dice.choice(("utf-8", "shift_jis", "euc_jp")))
    return _qr(content), content


MAKERS: dict[str, Callable[[random.Random], tuple[Gray, bytes | None]]] = {
    "random": _random,
    "digits": _digits,
    "split": _split,
    "largest": _largest,
    "control": _control,
    "nul": _nul,
    "address": _address,
    "bars": _bars,
    "damaged": _damaged,
    "kanji": _kanji,
}


def read(count: int) -> dict[str, Any]:
    """Show them to every look: how many were read, and how often other bytes came out than went in."""
    readers = codes.readers()
    came: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    begin = time.thread_time()
    for kind, gray, content in drawn(count):
        found: list[Code] = [code for look in (readers.first, *readers.second) for code in look(gray)]
        came[kind] += bool(found)
        for code in found:
            if content is not None and code.content != content:
                changed[code.reader] += 1
    return {
        "codes": count,
        "read": came.total(),
        "by_kind": dict(came),
        "changed": dict(changed),
        "cpu_s": round(time.thread_time() - begin, 1),
    }
