"""Reads codes out of gray frames and photographs: zxing-cpp first, then other looks at what it could not read."""

from __future__ import annotations

import functools
import logging
import stat
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy
from numpy.typing import NDArray

from edge.errors import SensorError

if TYPE_CHECKING:
    from zxingcpp import Position

log = logging.getLogger(__name__)

Gray = NDArray[numpy.uint8]
"""A frame: rows of brightness."""
Format = Literal["QRCode", "EAN13", "Code128"]
Reader = Literal["zxing", "zxing2x", "zxingsharp", "zxingsoft", "zbar"]
"""zxing-cpp on the frame itself, on one enlarged, sharpened or softened; zbar on the frame itself."""

MOST_PIXELS = 50_000_000
MOST_BYTES = 256 << 20
"""Some formats are read whole before their first line is looked at."""
_PHOTOGRAPHS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
_ENLARGE = 3_000_000
"""Pixels of the largest picture that is enlarged: in a larger one a code is large enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code in view."""

    format: Format
    content: bytes
    """The exact bytes that were encoded."""
    reader: Reader


Look = Callable[[Gray], list[Code]]


class Readers:
    """The looks that this machine has; what is missing is said once. Raises SensorError where there is none."""

    def __init__(self) -> None:
        looks: list[Look] = []
        for opened, name, fix in (
            (_zxing, "zxing-cpp or OpenCV", "pip install zxing-cpp opencv-python-headless"),
            (_zbar, "pyzbar or its library", "pip install pyzbar; apt install libzbar0"),
        ):
            try:
                for look in opened():
                    looks.append(look)
            except ImportError as error:
                log.warning("%s is missing, fewer codes will be read (%s): %s", name, fix, error)
        if not looks:
            raise SensorError("No code can be read: neither zxing-cpp nor zbar is here.", fix="pip install zxing-cpp")
        self.first = looks[0]
        """The quickest and best, for every frame."""
        self.second = tuple(looks[1:])
        """For what the first does not read: dearer, and each reads some that the others do not."""

    def read(self, gray: Gray) -> list[Code]:
        """Give what the first look that reads anything reads in a picture of which there is no second one.

        Two frames of a camera do not misread alike. Here zbar's bar codes count where it reads them upside down too:
        alone it misread one of 556 photographs, with a right check digit; zxing-cpp misread none.
        """
        for look in (self.first, *self.second):
            found = look(gray)
            if any(code.reader == "zbar" and code.format != "QRCode" for code in found):
                turned = look(gray[::-1, ::-1])
                found = [code for code in found if code.format == "QRCode" or code in turned]
            if found:
                return found
        return []


@functools.cache
def readers() -> Readers:
    """Open the readers, once for all cameras."""
    return Readers()


def read(gray: Gray) -> list[Code]:
    """Give the QR codes, EAN-13 and Code 128 in a single picture. Raises SensorError where no reader is installed."""
    return readers().read(gray)


def of_file(path: Path) -> list[Code]:
    """Give the codes in a photograph. Raises SensorError for what is no image, is damaged or is too large."""
    return read(photograph(path))


def _zxing() -> Iterator[Look]:
    yield _search("zxing", bars=True)
    import cv2

    # A camera has one thread; OpenCV's own would take the cores from the rest of the store.
    cv2.setNumThreads(1)
    enlarged, sharpened = _search("zxing2x", bars=False), _search("zxingsharp", bars=False)
    softened = _search("zxingsoft", bars=True)

    def twice(gray: Gray) -> Gray:
        return numpy.asarray(cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), numpy.uint8)

    # Never for bar codes: enlarged, they are misread, with a right check digit.
    def small(gray: Gray) -> list[Code]:
        return enlarged(twice(gray)) if gray.size <= _ENLARGE else []

    def blurred(gray: Gray) -> list[Code]:
        if gray.size > _ENLARGE:
            return []
        sharp = cv2.addWeighted(gray, 5, cv2.GaussianBlur(gray, (0, 0), 1.5), -4, 0)
        return sharpened(twice(numpy.asarray(sharp, numpy.uint8)))

    def noisy(gray: Gray) -> list[Code]:
        return softened(numpy.asarray(cv2.GaussianBlur(gray, (3, 3), 0), numpy.uint8))

    yield from (small, blurred, noisy)


def _search(reader: Reader, *, bars: bool) -> Look:
    from zxingcpp import BarcodeFormat, BarcodeFormats, TextMode, read_barcodes

    # Asked for QRCode, it looks for Micro QR as well and sees it in walls and shelves; whatever it was asked, it
    # calls what it found QRCode.
    wanted = BarcodeFormats(
        [BarcodeFormat.QRCodeModel2, *([BarcodeFormat.EAN13, BarcodeFormat.Code128] if bars else [])]
    )
    names: dict[BarcodeFormat, Format] = {
        BarcodeFormat.QRCode: "QRCode",
        BarcodeFormat.EAN13: "EAN13",
        BarcodeFormat.Code128: "Code128",
    }

    def look(gray: Gray) -> list[Code]:
        found = [code for code in read_barcodes(gray, formats=wanted, text_mode=TextMode.Plain) if code.format in names]
        squares = [_bounds(code.position) for code in found if code.format == BarcodeFormat.QRCode]
        return [
            Code(format=names[code.format], content=code.bytes, reader=reader)
            for code in found
            if code.format == BarcodeFormat.QRCode or not any(_within(code.position, square) for square in squares)
        ]

    return look


def _bounds(position: Position) -> tuple[int, int, int, int]:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    return min(across), max(across), min(down), max(down)


def _within(position: Position, square: tuple[int, int, int, int]) -> bool:
    """Whether a bar code is seen in the middle of a QR code: two large ones in a thousand look as if they held one."""
    left, right, top, bottom = _bounds(position)
    return square[0] <= (left + right) / 2 <= square[1] and square[2] <= (top + bottom) / 2 <= square[3]


def _zbar() -> Iterator[Look]:
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

    yield look


def photograph(path: Path) -> Gray:
    from PIL import Image

    try:
        _regular(path)
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


def _regular(path: Path) -> None:
    """Raises SensorError for a pipe or a device, which would be waited for, and for a file of no camera's size."""
    about = path.stat()
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        raise SensorError(f"{path} is no file.", fix="Give a whole PNG or JPEG file.")
    if about.st_size > MOST_BYTES:
        raise SensorError(f"{path} has more than {MOST_BYTES >> 20} MB.", fix="Make it smaller; codes need far less.")


def _too_large(path: Path) -> SensorError:
    return SensorError(
        f"{path} has more than {MOST_PIXELS // 1_000_000} megapixels.", fix="Make it smaller; codes need far less."
    )
