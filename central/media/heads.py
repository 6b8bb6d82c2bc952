"""Says what a file is by its bytes, never by its name, and whether it is all there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from central.errors import Unfit

Kind = Literal["png", "jpg", "webp", "mp4"]
CALLED: dict[Kind, str] = {"png": "a PNG", "jpg": "a JPEG", "webp": "a WebP", "mp4": "an MP4"}
MOST: dict[Kind, int] = {"png": 32 << 20, "jpg": 32 << 20, "webp": 32 << 20, "mp4": 512 << 20}
"""Bytes of a file that a player takes (signage/assets.py)."""
_SUFFIXES: dict[str, Kind] = {
    ".png": "png",
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpg"),
    ".webp": "webp",
    **dict.fromkeys((".mp4", ".m4v"), "mp4"),
}
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x1aE\xdf\xa3", "a WebM or Matroska film"),
    (8, b"AVI ", "an AVI film"),
    (4, b"ftypheic", "an HEIC picture"),
    (4, b"ftypheix", "an HEIC picture"),
    (4, b"ftypmif1", "an HEIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypqt  ", "a QuickTime film"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML file"),
    (0, b"<", "a page of HTML"),
)
_PARTS = 100_000
"""At most, outermost, of an MP4: one in fragments has two for each; a chunk of a PNG or a box may have no bytes."""
_AS = "Save it as PNG, JPEG or WebP, or a film as MP4."
_WHOLE = "Copy or download it anew, and compare its size with that of the original."


def kind(file: Path, name: str) -> Kind:
    """Say what it is. Raises Unfit: nothing that screens show, another kind than its name says, too large, not whole.

    `name` may be empty, where nobody said one.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        found = _kind(opened.read(64))
    suffix = Path(name).suffix.lower()
    said = _SUFFIXES.get(suffix)
    if said is not None and said != found:
        right = next(suffix for suffix, its in _SUFFIXES.items() if its == found)
        raise Unfit(
            f"{name} is {CALLED[found]} by its content, not {CALLED[said]} as its name says.",
            fix=f"Name it {Path(name).with_suffix(right).name}, or save it anew as {CALLED[said][2:].strip()}.",
        )
    if suffix and said is None:
        raise Unfit(
            f"{name} is {CALLED[found]} by its content, but its name ends in {suffix}.",
            fix=f"Name it {Path(name).stem}.{found}.",
        )
    called = name or CALLED[found]
    if size > MOST[found]:
        raise Unfit(f"{called} has {size} bytes; players take {MOST[found]}.", fix="Save it smaller.")
    with file.open("rb") as opened:
        why = _missing(opened, found, size)
    if why:
        raise Unfit(f"{called} is cut off: {why}.", fix=_WHOLE)
    return found


def _kind(head: bytes) -> Kind:
    if not head:
        raise Unfit("The file is empty.", fix=_WHOLE)
    for at, begins, called in _OTHERS:
        if head[at:].startswith(begins):
            raise Unfit(f"It is {called}, which players do not show.", fix=_AS)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return "mp4"
    raise Unfit(f"It is none of {', '.join(get_args(Kind))} by its content.", fix=_AS)


def _missing(file: BinaryIO, found: Kind, size: int) -> str:
    """What of it is not there; nothing where it is whole, as far as its outermost parts say."""
    match found:
        case "png":  # RFC 2083 §4.1: chunks up to IEND.
            if any(name == b"IEND" and end <= size for name, end in _chunks(file, 8, size)):
                return ""
            return "its last part, IEND, is missing"
        case "webp":  # RFC 9649 §2.4.
            said = 8 + int.from_bytes(file.read(8)[4:], "little")
            return "" if said <= size else f"it should have {said} bytes and has {size}"
        case "jpg":
            return "" if b"\xff\xd9" in file.read() else "its end mark is missing"
        case "mp4":
            return _missing_boxes(file, size)


def _chunks(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int]]:
    for _ in range(_PARTS):
        if at + 12 > size:
            return
        file.seek(at)
        length, name = int.from_bytes(file.read(4), "big"), file.read(4)
        at += 12 + length
        yield name, at


def _missing_boxes(file: BinaryIO, size: int) -> str:
    """ISO/IEC 14496-12 §4.2: boxes up to the end of the file; a size of 1 stands in 8 bytes, 0 is all that is left."""
    at, parts, names = 0, 0, set[bytes]()
    while at + 8 <= size:
        file.seek(at, os.SEEK_SET)
        length, name = int.from_bytes(file.read(4), "big"), file.read(4)
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        elif length == 0:
            length = size - at
        if length < 8:
            return f"at byte {at} stands no part of an MP4"
        if name in (b"moov", b"mdat"):
            names.add(name)
        parts += 1
        if parts > _PARTS:
            return f"it stands in more than {_PARTS} parts"
        at += length
        if at > size:
            return f"its part {name.decode('latin-1')} should end at byte {at} and the file has {size}"
    wanted = [name for name in ("moov", "mdat") if name.encode() not in names]
    return f"its part {wanted[0]} is missing" if wanted else ""
