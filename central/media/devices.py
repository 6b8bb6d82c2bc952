"""What each class of device can show, and how to make a film that it can."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["any", "pi3", "pi4", "pi5"]
PIXELS = 4096 * 3072
"""Of a picture: what a player decodes (signage/pictures.py)."""
LONGEST = 900
"""Seconds of a film: it is decoded here to its end before anybody gets it."""
_SLACK = 1.02
"""A film of 30 frames a second is counted as 30.3 where its last frame is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Can:
    """What a player decodes without hardware in time; figures of `reference/signage.md` §4, not measured by us."""

    codecs: tuple[str, ...]
    width: int
    height: int
    fps: int = 30


CAN: dict[Device, Can] = {
    "any": Can(codecs=("h264",), width=1280, height=720),
    "pi3": Can(codecs=("h264",), width=1280, height=720),
    "pi4": Can(codecs=("h264",), width=1920, height=1080),
    "pi5": Can(codecs=("h264", "hevc"), width=1920, height=1080),
}
_CALLED = {"any": "every device", "pi3": "a Pi 3", "pi4": "a Pi 4", "pi5": "a Pi 5"}
_CODECS = {"h264": "H.264", "hevc": "HEVC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What a film says of itself, or turned out to be."""

    codec: str
    width: int
    height: int
    fps: float
    pixels: str
    """FFmpeg's name of its pixel format."""
    square: bool = True
    """Whether its pixels are as wide as they are high."""
    turned: bool = False
    interlaced: bool = False
    seconds: float = 0.0


def faults(film: Film, device: Device) -> Iterator[str]:
    """Say why this class of device could not play it; nothing where it can."""
    can, whose = CAN[device], _CALLED[device]
    if film.codec not in can.codecs:
        codecs = " or ".join(_CODECS[one] for one in can.codecs)
        yield f"it is coded as {_CODECS.get(film.codec, film.codec)}, and {whose} plays {codecs}"
    wide, high = max(film.width, film.height), min(film.width, film.height)  # A film for a screen that stands.
    if wide > can.width or high > can.height:
        yield f"it has {film.width} × {film.height} pixels, and {whose} plays up to {can.width} × {can.height}"
    if film.fps > can.fps * _SLACK:
        yield f"it has {film.fps:.4g} frames a second, and {whose} plays up to {can.fps}"
    if film.pixels not in ("yuv420p", "yuvj420p"):
        yield f"its pixels are {film.pixels}, and devices play yuv420p"
    if not film.square:
        yield "its pixels are not square, so that it would be shown distorted"
    if film.turned:
        yield "it is to be turned by its player, as telephones record it"
    if film.interlaced:
        yield "it is interlaced"
    if film.seconds > LONGEST:
        yield f"it lasts {film.seconds:.0f} s, and a film may last {LONGEST}"


def recipe(name: str, device: Device) -> str:
    """How to make a film from this one that the device plays; ffmpeg also turns it as its record says."""
    can = CAN[device]
    given, made = name or "film", f"{Path(name or 'film').stem}-noren.mp4"
    filters = (
        f"scale='if(gt(a,1),{can.width},{can.height})':'if(gt(a,1),{can.height},{can.width})'"
        f":force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,fps={can.fps},format=yuv420p"
    )
    how = f'-an -vf "{filters}" -c:v libx264 -movflags +faststart'
    return f"Make one with: ffmpeg -i {shlex.quote(given)} {how} {shlex.quote(made)}"
