"""The player's side of a decoder: its process, and the memory that it fills with pictures."""

from __future__ import annotations

import fcntl
import math
import os
import socket
import subprocess
import sys
from collections import deque
from contextlib import ExitStack, suppress
from mmap import mmap
from pathlib import Path

import pygame
from pygame import Surface

from signage.decoder import FAILED, FRAME, OVER, PICTURE

_RING = 40 << 20
"""Bytes of pictures held ready for one film, but for a few where they are large."""
_FEWEST, _MOST_SLOTS = 4, 8
_PIXEL = 4
_ALIGNED = 64
_LONGEST = 1000


class Broken(Exception):
    """The decoder gave up, died or talks nonsense; the text says which."""


class Decoder:
    """The process of one film and the memory that it writes pictures to."""

    def __init__(self, path: Path, size: tuple[int, int], rotate: int) -> None:
        """Start it. Raises OSError."""
        width, height = size
        pitch = -(-width * _PIXEL // _ALIGNED) * _ALIGNED
        length = pitch * height
        self._ended = False
        self._slots = max(_FEWEST, min(_MOST_SLOTS, _RING // length))
        with ExitStack() as open_:
            ring = os.memfd_create("film", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            open_.callback(os.close, ring)
            os.ftruncate(ring, length * self._slots)
            # If it could be made shorter, reading what is gone would kill us.
            fcntl.fcntl(ring, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            memory = memoryview(mmap(ring, length * self._slots))
            slots = [memory[at : at + length] for at in range(0, len(memory), length)]
            self._pictures = [_picture(slot, size, pitch) for slot in slots]
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            open_.callback(theirs.close)
            failed = open_.enter_context(ExitStack())
            failed.callback(ours.close)
            ours.setblocking(False)
            numbers = (width, height, pitch, self._slots, rotate, ring, theirs.fileno(), os.getpid())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "signage.decoder", str(path), *map(str, numbers)],
                pass_fds=(ring, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            failed.pop_all()
        self._control = ours

    def listen(self, ready: deque[tuple[int, float]]) -> float:
        """Add pictures that are ready, as slot and seconds; give when the film ends if that was said. Raises Broken."""
        ends = math.inf
        while not self._ended:
            try:
                said = self._control.recv(_LONGEST)
            except BlockingIOError:
                break
            except ConnectionResetError:
                continue  # It ended before it read which slots are free; what it said before is still to be heard.
            if not said:
                raise Broken("its decoder ended before the film did")
            if said.startswith(FAILED):
                raise Broken(said[1:].decode(errors="replace"))
            kind, slot, seconds = FRAME.unpack(said) if len(said) == FRAME.size else (b"", 0, 0.0)
            last = ready[-1][1] if ready else 0.0
            if kind not in (PICTURE, OVER) or slot >= self._slots or not last <= seconds < math.inf:
                raise Broken("its decoder talks nonsense")
            if kind == OVER:
                ends, self._ended = seconds, True
            elif len(ready) < self._slots:
                ready.append((slot, seconds))
        return ends

    def picture(self, slot: int) -> Surface:
        return self._pictures[slot]

    def free(self, slot: int) -> None:
        """Let the decoder write over the picture."""
        with suppress(OSError):  # It has ended, or is about to be found dead.
            self._control.send(bytes([slot]))

    def kill(self) -> None:
        self._process.kill()

    def bury(self) -> None:
        """Wait for its end."""
        self._control.close()
        self._process.wait()


def _picture(memory: memoryview, size: tuple[int, int], pitch: int) -> Surface:
    made = pygame.image.frombuffer(memory, size, "BGRA", pitch)
    made.set_alpha(None)  # There is nothing to be seen through it: copying is faster than mixing.
    return made
