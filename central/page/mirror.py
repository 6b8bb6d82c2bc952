"""Reads a player's mirror: the picture that is on its screen right now, copied whole or not at all."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"NORENMIR"
HEAD = struct.Struct("<8sIIQQI4xQ16x")
"""Magic, width, height, count, at_ns, pid, alive_ns; the pixels follow."""
_WIDEST = 640
_MOST_PIXELS = _WIDEST * 4 * _WIDEST
"""A screen may stand upright; a header that asks for more is none."""
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Which picture it is, and whose."""

    count: int
    """Higher at each new picture; of one that is being written, the one before."""
    at_ns: int
    """CLOCK_MONOTONIC of its flip."""
    pid: int
    """The player; whether it still runs is another question (`runs`)."""
    alive_ns: int = field(compare=False)
    """CLOCK_MONOTONIC of the last turn of its frame loop, 0 if unknown (an older player); it makes no other picture."""
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Head):
    rgb: bytes
    """Rows from top to bottom, three bytes a pixel."""


class Mirror:
    """The file of one screen. It is opened anew at each look: every start of the player makes another."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def glance(self) -> Head | None:
        """Tell which picture is there without reading it; None where there is none."""
        try:
            with self._path.open("rb", buffering=0) as file:
                return _head(file.fileno())
        except OSError:
            return None

    def look(self) -> Picture | None:
        """Copy the picture; None where there is none, or where it changes faster than it can be read."""
        try:
            with self._path.open("rb", buffering=0) as file:
                for _ in range(_TRIES):
                    picture = _copy(file.fileno())
                    if picture is not None:
                        return picture
        except OSError:
            return None
        return None


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended: one that nobody has waited for yet has (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return text.rpartition(b")")[2].split()[:1] not in ([b"Z"], [b"X"])


def _copy(file: int) -> Picture | None:
    head = _head(file)
    if head is None:
        return None
    size = head.width * head.height * 3
    rgb = os.pread(file, size, HEAD.size)
    # The count that `_head` gives is that of the last whole picture: only an even one stays the same as the raw one.
    if len(rgb) != size or _count(file) != head.count:
        return None
    return Picture(
        count=head.count,
        at_ns=head.at_ns,
        pid=head.pid,
        alive_ns=head.alive_ns,
        width=head.width,
        height=head.height,
        rgb=rgb,
    )


def _head(file: int) -> Head | None:
    data = os.pread(file, HEAD.size, 0)
    if len(data) != HEAD.size:
        return None
    magic, width, height, count, at_ns, pid, alive_ns = HEAD.unpack(data)
    if magic != MAGIC or not 0 < width <= _WIDEST or not 0 < width * height <= _MOST_PIXELS or count < 2:
        return None
    return Head(count=count & ~1, at_ns=at_ns, pid=pid, alive_ns=alive_ns, width=width, height=height)


def _count(file: int) -> int:
    data = os.pread(file, HEAD.size, 0)
    return int(HEAD.unpack(data)[3]) if len(data) == HEAD.size else -1
