"""Reads codes out of gray frames and photographs: zxing-cpp first, zbar where it sees nothing."""

from __future__ import annotations

import functools
import logging
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
from numpy.typing import NDArray

from edge.errors import SensorError

log = logging.getLogger(__name__)

Gray = NDArray[numpy.uint8]
"""A frame: rows of brightness."""
Format = Literal["QRCode", "EAN13", "Code128"]

MOST_PIXELS = 50_000_000
_PHOTOGRAPHS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code in view."""

    format: Format
    content: bytes
    """The exact bytes that were encoded."""
    reader: Literal["zxing", "zbar"]


_Look = Callable[[Gray], list[Code]]


def read(gray: Gray, *, again: bool = True) -> list[Code]:
    """Give every QR code, EAN-13 and Code 128 in view.

    `again` allows the second reader, several times dearer, where the first reads nothing.
    Raises SensorError where neither reader is installed.
    """
    for look in _looks()[: None if again else 1]:
        found = look(gray)
        if found:
            return found
    return []


def of_file(path: Path) -> list[Code]:
    """Give the codes in a photograph. Raises SensorError for what is no image, is damaged or is too large."""
    return read(photograph(path))


@functools.cache
def _looks() -> tuple[_Look, ...]:
    """The readers that this machine has, best first; what is missing is said once."""
    looks: list[_Look] = []
    for open_reader, name, fix in (
        (_zxing, "zxing-cpp", "pip install zxing-cpp"),
        (_zbar, "pyzbar or its library", "pip install pyzbar; apt install libzbar0"),
    ):
        try:
            looks.append(open_reader())
        except ImportError as error:
            log.warning("%s is missing, fewer codes will be read (%s): %s", name, fix, error)
    if not looks:
        raise SensorError("No code can be read: neither zxing-cpp nor zbar is here.", fix="pip install zxing-cpp")
    return tuple(looks)


def _zxing() -> _Look:
    from zxingcpp import BarcodeFormat, BarcodeFormats, TextMode, read_barcodes

    # Asked for QRCode, it looks for Micro QR as well and sees it in walls and shelves; whatever it was asked, it
    # calls what it found QRCode.
    wanted = BarcodeFormats([BarcodeFormat.QRCodeModel2, BarcodeFormat.EAN13, BarcodeFormat.Code128])
    names: dict[BarcodeFormat, Format] = {
        BarcodeFormat.QRCode: "QRCode",
        BarcodeFormat.EAN13: "EAN13",
        BarcodeFormat.Code128: "Code128",
    }

    def look(gray: Gray) -> list[Code]:
        found = read_barcodes(gray, formats=wanted, text_mode=TextMode.Plain)
        return [
            Code(format=names[code.format], content=code.bytes, reader="zxing")
            for code in found
            if code.format in names
        ]

    return look


def _zbar() -> _Look:
    from pyzbar.pyzbar import PyZbarError, ZBarSymbol, decode

    names: dict[str, Format] = {"QRCODE": "QRCode", "EAN13": "EAN13", "CODE128": "Code128"}
    wanted = [ZBarSymbol.QRCODE, ZBarSymbol.EAN13, ZBarSymbol.CODE128]

    def look(gray: Gray) -> list[Code]:
        try:
            found = decode(gray, wanted)
        except (PyZbarError, ValueError):  # ValueError: a part of a split QR code (its orientation is no number).
            return []
        # zbar guesses a QR code's encoding and writes it anew: what is not plain ASCII may have been changed.
        return [
            Code(format=names[code.type], content=code.data, reader="zbar") for code in found if code.data.isascii()
        ]

    return look


def photograph(path: Path) -> Gray:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_PHOTOGRAPHS) as image:  # Reads the header only.
                if image.width * image.height > MOST_PIXELS:
                    raise _too_large(path)
                if image.has_transparency_data:
                    paper = Image.new("RGBA", image.size, "white")
                    return numpy.asarray(Image.alpha_composite(paper, image.convert("RGBA")).convert("L"))
                return numpy.asarray(image.convert("L"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path) from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SensorError(f"{path} cannot be read as an image: {why}.", fix="Give a whole PNG or JPEG file.") from error


def _too_large(path: Path) -> SensorError:
    return SensorError(
        f"{path} has more than {MOST_PIXELS // 1_000_000} megapixels.", fix="Make it smaller; codes need far less."
    )
