"""Pictures and films for tests, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **how: Any) -> bytes:
    """A picture with something in every corner, so that no part of it is left out."""
    made = Image.effect_noise(size, 90).convert(mode)
    out = io.BytesIO()
    made.save(out, kind, **how)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose head claims so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def film(
    file: Path,
    *,
    size: tuple[int, int] = (320, 180),
    fps: int = 30,
    frames: int = 45,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    container: str = "mp4",
    bright: Callable[[int], int] = lambda number: 40 + 4 * (number % 40),
    ratio: Fraction | None = None,
) -> Path:
    """Write a film whose frames are grey, as bright as said (16: black); what it is stands before its frames."""
    with av.open(str(file), "w", format=container, container_options={"movflags": "faststart"}) as out:
        stream = out.add_stream(codec, rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        if codec in ("libx264", "libx265"):
            stream.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        for number in range(frames):
            frame = av.VideoFrame(*size, pixels)
            for at, plane in enumerate(frame.planes):
                plane.update(bytes([bright(number) if at == 0 else 128]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file
