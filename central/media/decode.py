"""Decodes one picture or film to its end, in a process of its own that has little memory and time."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from central.errors import Unfit
from central.media.devices import CAN, PIXELS, Device, Film, faults, recipe

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL.Image import Image

MEMORY = 1536 << 20
"""Bytes of address space: what a 1080p film with two threads needs twice, libraries included."""
SECONDS = {"png": 60, "jpg": 60, "webp": 60, "mp4": 1200}
"""Of computing."""
_POSTER = 32 << 20
_BLACK = 12
"""The mean brightness, of 255, up to which a frame says nothing."""
_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
_DAMAGED = "Open it in a program for pictures or films and save it anew."


def main(argv: Sequence[str]) -> int:
    """Take file, kind, name, device and where a poster goes; print one line of JSON: what it is, or what is wrong."""
    file, kind, name, said, poster = argv
    device = next(one for one in get_args(Device) if one == said)
    _bind(SECONDS[kind])  # The file may be hostile.
    try:
        found = _film(Path(file), name, device, Path(poster)) if kind == "mp4" else _picture(Path(file), kind)
    except MemoryError:
        found = {"type": "unfit", "unfit": f"it takes more than {MEMORY >> 20} MB to decode", "fix": "Save it smaller."}
    except Unfit as error:
        found = {"type": "unfit", "unfit": error.message, "fix": error.fix}
    sys.stdout.write(json.dumps(found))
    return 0


def _bind(seconds: int) -> None:
    limits = {"AS": MEMORY, "CPU": seconds, "FSIZE": _POSTER, "CORE": 0, "NOFILE": 64}
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    os.nice(10)  # Stores are served meanwhile.


def _picture(file: Path, kind: str) -> dict[str, Any]:
    from PIL import Image as pillow

    pillow.MAX_IMAGE_PIXELS = None  # Ours is smaller, and told from the head as well.
    try:
        with pillow.open(file, formats=[_FORMATS[kind]]) as picture:
            width, height = picture.size
            for why, fix in _faults(picture):
                raise Unfit(why, fix=fix)
            picture.load()
        if kind == "png":  # Its own sums, which loading does not look at in every part.
            with pillow.open(file, formats=["PNG"]) as picture:
                picture.verify()
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's for what it cannot read.
        raise Unfit(f"it is damaged or cut off ({error})", fix=_DAMAGED) from error
    return {"type": "seen", "width": width, "height": height}


def _faults(picture: Image) -> Iterator[tuple[str, str]]:
    """Say what is wrong and what to do; its size first, for looking at the rest of a PNG decodes it."""
    width, height = picture.size
    if width * height > PIXELS:
        why = f"it has {width} × {height} pixels, and players decode up to {PIXELS / 1e6:.1f} million"
        yield why, "Save it in the size of the screen; 3840 pixels across are enough for any."
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:  # MPO: a JPEG with more behind it.
        yield "it moves, and players show pictures that do not", "Save one frame of it, or make it an MP4."
    if picture.mode in ("CMYK", "YCCK", "LAB"):
        yield f"its colours are for print ({picture.mode})", "Save it with RGB colours."
    if picture.getexif().get(0x0112, 1) != 1:  # EXIF: Orientation.
        yield "it is to be turned by who shows it, as telephones record it", "Turn it, and save it so."


def _film(file: Path, name: str, device: Device, poster: Path) -> dict[str, Any]:
    import av

    fix = recipe(name, device)
    try:
        with av.open(str(file), format="mp4", metadata_errors="ignore") as container:
            said = _head(container)
            for why in faults(said, device):
                raise Unfit(why, fix=fix)
            counted, frames = _decoded(container, said, device, poster, fix)
    except av.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise MemoryError from error
        raise Unfit(f"it is damaged or cut off ({error.strerror or error})", fix=_DAMAGED) from error
    if frames < counted:
        raise Unfit(f"it is cut off: {frames} of its {counted} frames are there", fix=_DAMAGED)
    return {"type": "seen", "width": said.width, "height": said.height, "seconds": round(said.seconds, 3)}


def _head(container: InputContainer) -> Film:
    stream = _stream(container)
    context = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate
    ratio = stream.sample_aspect_ratio
    seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    return Film(
        codec=context.name,
        width=context.width,
        height=context.height,
        fps=float(rate or 0),
        pixels=context.pix_fmt or "unknown",
        square=ratio is None or ratio in (0, 1),
        seconds=seconds,
    )


def _stream(container: InputContainer) -> VideoStream:
    streams = container.streams.video
    if not streams:
        raise Unfit("it holds no film", fix="Export it with its picture, as H.264.")
    return streams[0]


def _decoded(container: InputContainer, said: Film, device: Device, poster: Path, fix: str) -> tuple[int, int]:
    """Decode it all, and give how many frames it says it has and how many there are."""
    stream = _stream(container)
    context = stream.codec_context
    # What a stream says on its way counts as well: it may claim another size after its head.
    context.options = {"max_pixels": str(CAN[device].width * CAN[device].height * 2)}
    context.thread_count, context.thread_type = 2, "AUTO"
    frames, first, last, kept = 0, None, 0.0, False
    for frame in container.decode(stream):
        frames += 1
        last = frame.time or last
        first = last if first is None else first
        _check(frame, said, device, fix)
        if not kept and (frames == 1 or _bright(frame)):
            # The first one as well: of a film that is black to its end there must be something.
            picture: Image = frame.to_image()  # type: ignore[no-untyped-call] # PyAV says nothing of Pillow.
            picture.save(poster, "JPEG", quality=90)
            kept = _bright(frame)
    if frames == 0 or first is None:
        raise Unfit("it has no frame that can be decoded", fix=fix)
    if frames > 30 and last > first:
        for why in faults(replace(said, fps=(frames - 1) / (last - first)), device):
            raise Unfit(why, fix=fix)
    return stream.frames, frames


def _check(frame: VideoFrame, said: Film, device: Device, fix: str) -> None:
    found = replace(
        said,
        width=frame.width,
        height=frame.height,
        pixels=frame.format.name,
        turned=frame.rotation != 0,
        interlaced=frame.interlaced_frame,
        seconds=frame.time or 0.0,
    )
    for why in faults(found, device):
        raise Unfit(why, fix=fix)
    if (frame.width, frame.height) != (said.width, said.height):
        raise Unfit("it changes its size on its way", fix=fix)
    if frame.is_corrupt:
        raise Unfit(f"it is damaged at {frame.time or 0:.1f} s", fix=_DAMAGED)


def _bright(frame: VideoFrame) -> bool:
    small = bytes(frame.reformat(32, 18, "gray").planes[0])
    return sum(small) / len(small) > _BLACK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
