"""Writes what is on the screen to a file that others may map into memory: docs/protocol.md describes it."""

from __future__ import annotations

import errno
import logging
import os
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pygame
from pygame import Surface

log = logging.getLogger(__name__)

WIDEST = 640
HEADER = struct.Struct("<8sIIQQI4xQ16x")
"""Magic, width, height, count, at_ns, pid, alive_ns."""
_ALIVE = struct.Struct("<Q")
_ALIVE_AT = 40
_MAGIC = b"NORENMIR"
_PAUSE_NS = 125_000_000
"""Between two pictures of a fade."""


class Mirror:
    """Belongs to the thread of the frame loop; without a path it does nothing.

    The file is written, not mapped: a write to a full disk is an error, where a mapping of it kills the process.
    """

    def __init__(self, path: Path | None, counts: Counter[str]) -> None:
        self._path = path
        self._counts = counts
        self._file: int | None = None
        self._count = 0
        self._at_ns = 0
        """The flip whose picture was written last."""
        self._alive_ns = 0
        """The last beat."""
        self._small = Surface((0, 0))
        self._data = bytearray()
        """The small picture once more, as the bytes of the file after the header."""

    def __enter__(self) -> Mirror:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    @property
    def wanted(self) -> bool:
        """Tell whether somebody may look, so that beats must come."""
        return self._path is not None

    def follow(self, read: Callable[[], Surface], at_ns: int, *, moving: bool) -> None:
        """Write what was flipped at `at_ns` of CLOCK_MONOTONIC; of a screen that is moving not each picture.

        `read` is called only if it is to be written: reading back what the graphics hold takes time.
        """
        if self._path is None or at_ns == self._at_ns or (moving and at_ns - self._at_ns < _PAUSE_NS):
            return
        self._at_ns = at_ns
        try:
            if self._file is None:
                self._make(self._path, read())
            else:
                self._write(self._file, read())
        except OSError as error:
            self._failed(error)

    def beat(self, now_ns: int) -> None:
        """Write that the frame loop turned at `now_ns` of CLOCK_MONOTONIC.

        These bytes are of no picture: they change without the count, and whoever copies one just then keeps it.
        """
        if self._file is None:
            return
        self._alive_ns = now_ns
        try:
            self._put(self._file, _ALIVE.pack(now_ns), _ALIVE_AT)
        except OSError as error:
            self._failed(error)

    def _make(self, path: Path, screen: Surface) -> None:
        """Make the file with its first picture, which takes all of its room: no reader finds it empty or with holes."""
        width, height = screen.get_size()
        wide = min(width, WIDEST)
        self._small = Surface((wide, round(height * wide / width)), 0, screen)
        self._data = bytearray(3 * wide * self._small.get_height())
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.unlink(missing_ok=True)
        file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            self._write(file, screen)
            part.replace(path)
        except OSError:
            os.close(file)
            part.unlink(missing_ok=True)
            raise
        self._file = file

    def _write(self, file: int, screen: Surface) -> None:
        size = self._small.get_size()
        pygame.transform.smoothscale(screen, size, self._small)
        pygame.image.frombuffer(self._data, size, "RGB").blit(self._small, (0, 0))
        self._put(file, self._header(self._count + 1), 0)
        self._put(file, self._data, HEADER.size)
        self._count += 2
        self._put(file, self._header(self._count), 0)

    def _header(self, count: int) -> bytes:
        return HEADER.pack(_MAGIC, *self._small.get_size(), count, self._at_ns, os.getpid(), self._alive_ns)

    @staticmethod
    def _put(file: int, data: bytes | bytearray, at: int) -> None:
        if os.pwrite(file, data, at) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _failed(self, error: OSError) -> None:
        self._close()
        if not self._counts["mirror_failed"]:
            log.error("the mirror cannot be written; playing goes on", extra={"fields": {"why": str(error)}})
        self._counts["mirror_failed"] += 1

    def _close(self) -> None:
        """Take the file away, if there is one of ours."""
        if self._path is not None and self._file is not None:
            os.close(self._file)
            self._file = None
            with suppress(OSError):
                self._path.unlink()
