"""Films made on the spot: each picture a grey of its own, or the upper left quarter white to tell how it is turned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import av

if TYPE_CHECKING:
    from av import VideoStream

_MATRIX = 44
"""Bytes from a track header's name to its matrix: ISO/IEC 14496-12 §8.3.2."""
_ONE, _UNIT = 1 << 16, 1 << 30


def film(
    path: Path,
    pictures: int = 30,
    size: tuple[int, int] = (64, 48),
    rate: int = 32,
    codec: str = "libx264",
    *,
    sound: bool = False,
    corner: bool = False,
) -> Path:
    """Write it: picture n is grey by n·5 (H.264's full scale), so that it can be told from the others."""
    with av.open(str(path), "w") as out:
        stream = cast("VideoStream", out.add_stream(codec, rate=rate))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "crf": "10"}
        audio = out.add_stream("aac", rate=48000) if sound else None
        if audio is not None:
            silence = av.AudioFrame("fltp", "stereo", 1024)
            silence.sample_rate = 48000
            for channel in silence.planes:
                channel.update(bytes(channel.buffer_size))
            out.mux(audio.encode(silence))
        for number in range(pictures):
            picture = av.VideoFrame(*size, "yuv420p")
            for index, plane in enumerate(picture.planes):
                grey = 16 + 5 * number % 220 if index == 0 else 128
                lines = [bytearray([grey]) * plane.line_size for _ in range(plane.height)]
                if corner and index == 0:
                    for line in lines[: plane.height // 2]:
                        line[: plane.width // 2] = bytes([235]) * (plane.width // 2)
                plane.update(b"".join(lines))
            picture.pts = number
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        if audio is not None:
            out.mux(audio.encode(None))
    return path


def held_upright(path: Path) -> Path:
    """Have an MP4 say, as a phone's does, that it is to be turned by 90° clockwise."""
    data = path.read_bytes()
    at = data.index(b"tkhd") + _MATRIX
    matrix = (0, _ONE, 0, -_ONE, 0, 0, 0, 0, _UNIT)
    turned = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data[:at] + turned + data[at + len(turned) :])
    return path
