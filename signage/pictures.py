"""Decodes and scales pictures in a thread, and holds what the next frames need within a budget of bytes."""

from __future__ import annotations

import io
import logging
import queue
import struct
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

import pygame
from pygame import Rect, Surface

from signage.assets import Assets

log = logging.getLogger(__name__)

HIDDEN = "f" * 64
"""The hash of no file: what has it is meant to show its place holder."""
_BUDGET = 16 << 20
_MOST_PIXELS = 4096 * 3072
"""A phone's photograph; decoded it takes 36 MB for a moment. A bomb has more."""
_MOST_JOBS = 200
_MOST_BAD = 1000


class Wanted(NamedTuple):
    """A picture cut to fill a size, standing on a colour where it is transparent."""

    digest: str
    width: int
    height: int
    ground: tuple[int, int, int]


class Pictures:
    """`get` belongs to the thread that draws; `ready` is called in the other one after a picture was made."""

    def __init__(self, assets: Assets, ready: Callable[[], None], counts: Counter[str], budget: int = _BUDGET) -> None:
        self._assets = assets
        self._ready = ready
        self._counts = counts
        self._budget = budget
        self._lock = threading.Lock()
        self._made: OrderedDict[Wanted, Surface] = OrderedDict()
        self._asked: set[Wanted] = set()
        self._waiting: dict[str, set[Wanted]] = {}
        """What was asked for and has no file yet, by digest."""
        self._bad: set[str] = set()
        self._fresh: set[str] = set()
        self._bytes = 0
        self._jobs: queue.Queue[Wanted | None] = queue.Queue(_MOST_JOBS)
        self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)

    def __enter__(self) -> Pictures:
        self._assets.on_arrival(self.arrived)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._jobs.put(None)
        self._thread.join()

    def get(self, wanted: Wanted) -> Surface | None:
        """Give the picture if it is made; else have it made and give nothing."""
        with self._lock:
            made = self._made.get(wanted)
            if made is not None:
                self._made.move_to_end(wanted)
                return made
            if wanted in self._asked or wanted.digest in self._bad:
                return None
            self._asked.add(wanted)
        self._put(wanted)
        return None

    def fresh(self) -> set[str]:
        """Give the digests of pictures made since the last call."""
        with self._lock:
            fresh, self._fresh = self._fresh, set()
        return fresh

    def arrived(self, digest: str) -> None:
        """The file is there now: make what was waiting for it."""
        with self._lock:
            waiting = self._waiting.pop(digest, set())
        for wanted in waiting:
            self._put(wanted)

    def finish(self) -> None:
        """Wait until everything asked for is made, or known to be missing."""
        self._jobs.join()

    def _put(self, wanted: Wanted) -> None:
        try:
            self._jobs.put_nowait(wanted)
        except queue.Full:  # The next drawing asks again.
            self._counts["pictures_dropped"] += 1
            with self._lock:
                self._asked.discard(wanted)

    def _run(self) -> None:
        while (wanted := self._jobs.get()) is not None:
            with self._lock:
                self._waiting.setdefault(wanted.digest, set()).add(wanted)
            data = self._assets.read(wanted.digest)
            if data is not None:
                self._keep(wanted, self._make(wanted, data))
            self._jobs.task_done()
            if data is not None:
                self._ready()

    def _make(self, wanted: Wanted, data: bytes) -> Surface | None:
        try:
            kind, width, height = measured(data)
            if not 0 < width * height <= _MOST_PIXELS:
                raise ValueError(f"{width} × {height} pixels are too many to decode")
            return _cut(pygame.image.load(io.BytesIO(data), f"picture.{kind}"), wanted)
        except (pygame.error, ValueError, MemoryError) as error:
            self._counts["pictures_undecodable"] += 1
            fields = {"asset": wanted.digest, "why": str(error)}
            log.warning("a picture cannot be shown; its place holder stays", extra={"fields": fields})
            return None

    def _keep(self, wanted: Wanted, made: Surface | None) -> None:
        with self._lock:
            self._asked.discard(wanted)
            waiting = self._waiting.get(wanted.digest, set())
            waiting.discard(wanted)
            if not waiting:
                self._waiting.pop(wanted.digest, None)
            if made is None:
                if len(self._bad) >= _MOST_BAD:
                    self._bad.clear()
                self._bad.add(wanted.digest)
                return
            self._made[wanted] = made
            self._fresh.add(wanted.digest)
            self._bytes += _size(made)
            while self._bytes > self._budget and len(self._made) > 1:
                _, old = self._made.popitem(last=False)
                self._bytes -= _size(old)


def _size(picture: Surface) -> int:
    return picture.get_pitch() * picture.get_height()


def _cut(picture: Surface, wanted: Wanted) -> Surface:
    """Take the middle that has the wanted shape, scale it, stand it on its ground."""
    width, height = picture.get_size()
    scale = max(wanted.width / width, wanted.height / height)
    part = Rect(0, 0, min(width, round(wanted.width / scale) or 1), min(height, round(wanted.height / scale) or 1))
    part.center = (width // 2, height // 2)
    if picture.get_bitsize() < 24:  # smoothscale takes no palette.
        coloured = Surface(picture.get_size(), pygame.SRCALPHA)
        coloured.blit(picture, (0, 0))
        picture = coloured
    scaled = pygame.transform.smoothscale(picture.subsurface(part), (wanted.width, wanted.height))
    made = Surface((wanted.width, wanted.height))
    made.fill(wanted.ground)
    made.blit(scaled, (0, 0))
    return made


def measured(data: bytes) -> tuple[str, int, int]:
    """Read kind, width and height from the head of a PNG, JPEG or WebP file. Raises ValueError.

    Nothing is decoded: a bomb is known by its head. PNG: RFC 2083 §4.1.1; JPEG: ITU T.81 §B.2.2; WebP: RFC 9649.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) > 24:
        return ("png", *struct.unpack_from(">II", data, 16))
    if data.startswith(b"\xff\xd8"):
        return ("jpg", *_jpeg(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        return ("webp", *_webp(data))
    raise ValueError("it is neither PNG, JPEG nor WebP")


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # A frame header.
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("the JPEG has no frame header")


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    raise ValueError("the WebP has an unknown first part")
