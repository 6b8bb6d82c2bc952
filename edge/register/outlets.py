"""The ways to the register: one line after another onto a device that may be away, stuck, or back again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from edge.errors import EdgeError
from edge.register.desk import Member, Passed

MOST_LINES = 64
"""Of more the oldest is dropped."""
OLDEST = 5.0
"""Seconds after which a code is dropped: at the register it would count for the next customer."""
AGAIN = 1.0
"""Seconds between two tries to open what is away."""
SLOW = 0.020
"""Seconds from reading to the register past which a code that was passed is counted."""


class Lost(EdgeError):
    """One line that does not get there, whatever is done; the next one may."""


class Device(Protocol):
    """A virtual keyboard, a serial port, or an address."""

    name: str
    """What it is, as the subject of a sentence."""

    def open(self) -> bool:
        """Whether it is known to work by that. Raises OSError where it is away."""

    def close(self) -> None:
        """Let go of it; also where it is not open."""

    async def write(self, line: Passed | Member) -> None:
        """Say one line whole. Raises Lost; or OSError where nothing of it was said, and it must be opened anew."""


class Outlet:
    """A queue before a device, so that nobody ever waits for it; `trouble` says in a sentence what is wrong."""

    def __init__(self, device: Device, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self.opened = asyncio.Event()
        """Set once it was open for the first time."""
        self._device = device
        self._clock = clock
        self._lines: deque[Passed | Member] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, line: Passed | Member) -> None:
        """Have it said as soon as it can be."""
        if len(self._lines) >= MOST_LINES:
            self._lines.popleft()
            self._drop("it does not take codes as fast as they come")
        self._lines.append(line)
        self._idle.clear()
        self._more.set()

    async def idle(self) -> None:
        """Wait until everything was said or dropped."""
        await self._idle.wait()

    async def run(self) -> None:
        """Say line after line until cancelled."""
        try:
            while True:
                try:
                    if self._device.open():
                        self.trouble = ""
                    self.opened.set()
                    await self._say_all()
                except OSError as error:
                    self.trouble = _sentence(self._device.name, error.strerror or str(error))
                    self._device.close()
                await asyncio.sleep(AGAIN)
                self._forget_old()
        finally:
            self._device.close()

    async def _say_all(self) -> None:
        while True:
            self._forget_old()
            if not self._lines:
                self._more.clear()
                await self._more.wait()
                continue
            line = self._lines.popleft()
            try:
                await self._device.write(line)
            except Lost as error:
                self._drop(str(error))
            except OSError:
                self._lines.appendleft(line)
                raise
            else:
                self.trouble = ""
                self.counts["said"] += 1
                self.counts["slow"] += isinstance(line, Passed) and self._clock() - line.at > SLOW

    def _forget_old(self) -> None:
        while self._lines and self._clock() - self._lines[0].at > OLDEST:
            self._lines.popleft()
            # What already is in its way says more.
            self._drop(f"it took nothing for {OLDEST:.0f} seconds", self.trouble)
        if not self._lines:
            self._idle.set()

    def _drop(self, why: str, trouble: str = "") -> None:
        self.counts["dropped"] += 1
        self.trouble = trouble or _sentence(self._device.name, f"{why.rstrip('.')}; a code was dropped")


def _sentence(name: str, why: str) -> str:
    return f"{name} does not work: {why.rstrip('.')}."
