"""Has the C library give freed pictures back to the system instead of keeping them for the next."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""malloc.h."""


def give_back() -> None:
    """Set glibc's allocator so; called once, by a process that handles pictures or frames.

    mallopt(3): the threshold above which a block is mapped by itself, and unmapped when freed, otherwise grows with
    each freed block, up to 32 MB; and each thread would get a heap of its own.
    """
    with suppress(AttributeError, OSError):  # Another C library has another way.
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 18)
        libc.mallopt(_M_ARENA_MAX, 2)
