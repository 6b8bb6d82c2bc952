"""Reads a USB scanner that types, as the input device that it is, and keeps it from every other program meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from edge import keyboards
from edge.errors import SensorError
from edge.keyboards import EV_SYN, SYN_DROPPED, SYN_REPORT, Layout, Typing
from edge.model import ZoneId
from edge.ports import Deliver
from edge.sensors import scanner
from edge.sensors.scanner import Framing, Read

_GROUP, _WHERE = "input", "/dev/input/by-id/"
_EVIOCGRAB = 0x40044590
"""linux/input.h: only we hear of this device, until it is closed."""


class Keyboard:
    """A scanner at one reader; `counts` has what it sent that was set aside."""

    trouble = ""

    def __init__(
        self,
        name: str,
        zone: str,
        device: Path,
        layout: Layout = "us",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.device = device
        self.layout: Layout = layout
        self.counts: Counter[str] = Counter()
        self._clock = clock

    async def run(self, deliver: Deliver) -> None:
        """Report what is read until cancelled. Raises SensorError when the scanner cannot be had, or goes."""
        async with aclosing(reads(self.device, self.layout, counts=self.counts)) as found:
            await scanner.report(found, deliver, name=self.name, zone=self.zone, clock=self._clock)


def usable(device: Path) -> None:
    """Raises SensorError for a scanner that is not there or that this user may not use; it is left alone."""
    scanner.usable(device, os.R_OK, group=_GROUP, where=_WHERE)


def grab(fd: int) -> None:
    """Keep a device to ourselves. OSError: ENOTTY where it is no input device, EBUSY where another has grabbed it."""
    fcntl.ioctl(fd, _EVIOCGRAB, 1)


async def reads(
    device: Path,
    layout: Layout,
    *,
    counts: Counter[str] | None = None,
    grab: Callable[[int], None] = grab,
) -> AsyncGenerator[Read, None]:
    """What a scanner reads; `raw` is its input events, up to the last release of what was pressed.

    Close it (contextlib.aclosing) to let go of the device. Raises SensorError where it cannot be had, or goes.
    """
    try:
        fd = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(device, error) from error
    try:
        try:
            grab(fd)
        except OSError as error:
            raise _refused(device, error) from error
        framing = Framing(counts)
        take = _Events(framing, layout).take
        async with aclosing(scanner.arriving(fd, take, framing, lambda: scanner.gone(device))) as found:
            async for one in found:
                yield one
    finally:
        os.close(fd)


class _Events:
    """Turns the bytes of an input device into what the framing takes."""

    def __init__(self, framing: Framing, layout: Layout) -> None:
        self._framing = framing
        self._typing = Typing(layout)
        self._rest = b""
        self._missed = False
        """The kernel dropped events: what comes before the next report is left over from a time that is over."""

    def take(self, data: bytes, at: float) -> list[Read]:
        """Take what was read, however it was cut."""
        data = self._rest + data
        whole = len(data) - len(data) % keyboards.SIZE
        self._rest = data[whole:]
        over = []
        for event in keyboards.unpack(data[:whole]):
            report = event.type == EV_SYN and event.code == SYN_REPORT
            if event.type == EV_SYN and event.code == SYN_DROPPED:
                self._missed = True
                self._typing.lost()
                self._framing.lose("lines_incomplete")
            elif self._missed:
                self._missed = not report
            else:
                text = self._typing.typed(event).encode()
                over += self._framing.take(event.pack(), text, at, whole=report and not self._typing.down)
        return over


def _refused(device: Path, error: OSError) -> SensorError:
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return SensorError(f"{device} is no input device.", fix="Name the scanner's: ls /dev/input/by-id/*-event-kbd")
    return scanner.refused(device, error, group=_GROUP, where=_WHERE)
