"""Measures a camera's frames for who aims it: light, sharpness, smear, and the code held before it."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import cv2
import numpy
import zxingcpp

from edge.codes import Format, Gray
from edge.sensors.picture import Light, judged

REMEMBERED = 3.0
"""Seconds of frames of which it is told how many were read."""
HELD = 1.0
"""Seconds for which a code is taken to be there still although it is not read."""
DIM = 70
"""White of a code that is read, and of a screen or paper that had better have more light."""
SMEARED = 1.8
"""How many times wider an edge is along one axis where the lens is not to blame."""

_STEP = 8
_EDGE = 40
"""Levels between an edge's two sides, of which noise alone makes none."""
_NEAR = 17
"""Pixels in which an edge rises from one level to the other, at most."""
_FEW = 40
_SOFTENED = 0.5 + 1 / 12
"""The variance, in pixels, that the softening against noise and the difference of neighbours add themselves."""

Corners: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A code that was read: where, and how large a module of it is in pixels."""

    format: Format
    corners: Corners
    pixels: float
    white: int
    """How bright its light parts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a camera sees of late."""

    light: Light
    blur: float | None
    """Pixels, standard deviation of what softens its edges; None where it sees none."""
    smear: Literal["", "across", "down"]
    """The way in which edges are wider than in the other, much."""
    held: Held | None
    read: int
    """Frames, of the last `of`, in which a code was read."""
    of: int


class Aim:
    """Frame by frame, what is to be said of a camera."""

    def __init__(self) -> None:
        self._formats = zxingcpp.BarcodeFormats(list(_FORMATS))
        self._frames: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._held: tuple[float, Held] | None = None

    def see(self, gray: Gray, at: float) -> Sight:
        """Take a frame."""
        held = self._read(gray)
        self._frames.append((at, held is not None))
        while self._frames[0][0] <= at - REMEMBERED:
            self._frames.popleft()
        if held is not None:
            self._held = at, held
        elif self._held and at - self._held[0] > HELD:
            self._held = None
        held = self._held[1] if self._held else None
        across, down = _blurs(_part(gray, held))
        smear: Literal["", "across", "down"] = ""
        if across and down and max(across, down) > SMEARED * max(min(across, down), 0.5):
            smear = "across" if across > down else "down"
        found = [blur for blur in (across, down) if blur is not None]
        return Sight(
            light=judged(gray[::_STEP, ::_STEP]),
            blur=max(found) if found else None,
            smear=smear,
            held=held,
            read=sum(read for _, read in self._frames),
            of=len(self._frames),
        )

    def _read(self, gray: Gray) -> Held | None:
        found = zxingcpp.read_barcodes(gray, formats=self._formats, text_mode=zxingcpp.TextMode.Plain)
        every = [_held(gray, code, _FORMATS[code.format]) for code in found if code.format in _FORMATS]
        return max(every, key=lambda one: _length(one.corners), default=None)


_FORMATS: dict[zxingcpp.BarcodeFormat, Format] = {
    zxingcpp.BarcodeFormat.QRCodeModel2: "QRCode",
    zxingcpp.BarcodeFormat.QRCode: "QRCode",
    zxingcpp.BarcodeFormat.EAN13: "EAN13",
    zxingcpp.BarcodeFormat.Code128: "Code128",
}


def _held(gray: Gray, code: zxingcpp.Barcode, kind: Format) -> Held:
    place = code.position
    corners = tuple((at.x, at.y) for at in (place.top_left, place.top_right, place.bottom_right, place.bottom_left))
    if kind == "QRCode":
        modules = 17 + 4 * int(cast("dict[str, str]", code.extra)["Version"])
        length = _length(corners) / 4
    else:
        # A bar code's place is where it was read along: its length is its first side.
        modules = 95 if kind == "EAN13" else _modules(code.text)
        length = math.dist(corners[0], corners[1])
    part = _box(gray, corners, 0)
    white = int(numpy.percentile(part, 95)) if part.size else 255
    return Held(format=kind, corners=corners, pixels=length / modules, white=white)


def _modules(text: str) -> int:
    """The width of a Code 128: begin, symbols, check and end; digits go in pairs where there are only digits."""
    symbols = len(text) // 2 if text.isdigit() and len(text) % 2 == 0 else len(text)
    return 11 * (symbols + 2) + 13


def _length(corners: Corners) -> float:
    return sum(math.dist(one, other) for one, other in zip(corners, (*corners[1:], corners[0]), strict=True))


def _part(gray: Gray, held: Held | None) -> Gray:
    """Where a code is, or else the middle, where one will be."""
    if held is not None:
        return _box(gray, held.corners, round(2 * held.pixels))
    height, width = gray.shape
    return gray[height // 5 : height * 4 // 5, width // 5 : width * 4 // 5]


def _box(gray: Gray, corners: Corners, margin: int) -> Gray:
    left, right = min(x for x, _ in corners) - margin, max(x for x, _ in corners) + margin + 1
    top, bottom = min(y for _, y in corners) - margin, max(y for _, y in corners) + margin + 1
    return gray[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]


def _blurs(part: Gray) -> tuple[float | None, float | None]:
    """How soft edges are across and down, in pixels; None where there are none, or the part is too small."""
    if min(part.shape) < 2 * _NEAR:
        return None, None
    soft = cv2.GaussianBlur(part, (3, 3), 0)
    return _blur(soft), _blur(numpy.ascontiguousarray(soft.T))


def _blur(soft: cv2.typing.MatLike) -> float | None:
    """The spread of the steepest edges along rows: one of height h and spread s rises by h / (s √2π) a pixel."""
    rise = cv2.absdiff(soft[:, 1:], soft[:, :-1])
    near = numpy.ones((1, _NEAR), numpy.uint8)
    height = cv2.subtract(cv2.dilate(soft, near), cv2.erode(soft, near))[:, 1:]
    edges = height >= _EDGE
    if numpy.count_nonzero(edges) < _FEW:
        return None
    steep = rise[edges].astype(numpy.float32) / height[edges]
    # Half of the steepest fiftieth is steeper: single pixels are noise.
    slope = float(numpy.percentile(steep, 99))
    spread = 1 / (max(slope, 1e-3) * math.sqrt(2 * math.pi))
    return math.sqrt(max(0.0, spread**2 - _SOFTENED))
