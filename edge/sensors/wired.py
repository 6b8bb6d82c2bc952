"""Reads a scanner on a serial port, also one that makes itself one on USB."""

from __future__ import annotations

import errno
import os
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path

from edge.errors import SensorError
from edge.model import ZoneId
from edge.ports import Deliver
from edge.sensors import scanner
from edge.sensors.scanner import PAUSE, Framing, Read

_GROUP, _WHERE = "dialout", "/dev/serial/by-id/"
_PIECES = re.compile(rb"\r\n|[\r\n\t]|[^\r\n\t]+")
_BITS = 10
"""Of one character on the line, with the two around it."""
_STILL = 5
"""Characters for whose time nothing came: then a code is over, also on a slow line."""
ODD = 3
"""Codes one after the other that are no text before it is said: at a wrong speed none is."""
_NO_TEXT = re.compile("[\x00-\x1b\x7f\ufffd]")
"""Control characters but the separators 1C to 1F, which GS1's codes have; or bytes that are no UTF-8."""


class Wired:
    """A scanner at one reader; `counts` has what it sent that was set aside."""

    def __init__(
        self, name: str, zone: str, device: Path, baud: int = 9600, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.device = device
        self.baud = baud
        self.counts: Counter[str] = Counter()
        self._clock = clock
        self._odd = 0

    @property
    def trouble(self) -> str:
        """Whether what comes is what a scanner sends at this speed."""
        if self._odd < ODD:
            return ""
        return f"What {self.device} sends is no text. Is its speed {self.baud}? Give the scanner's own as `baud`."

    async def run(self, deliver: Deliver) -> None:
        """Report what is read until cancelled. Raises SensorError when the port cannot be had, or goes."""
        async with aclosing(reads(self.device, self.baud, counts=self.counts)) as found:
            await scanner.report(self._seen(found), deliver, name=self.name, zone=self.zone, clock=self._clock)

    async def _seen(self, found: AsyncIterator[Read]) -> AsyncIterator[Read]:
        async for one in found:
            self._odd = self._odd + 1 if _NO_TEXT.search(one.content.decode(errors="replace")) else 0
            yield one


async def reads(device: Path, baud: int, *, counts: Counter[str] | None = None) -> AsyncGenerator[Read, None]:
    """What a scanner reads; `raw` is its bytes, with what ends them.

    Close it (contextlib.aclosing) to let go of the port. Raises SensorError where it cannot be had, or goes.
    """
    try:
        import serial
    except ImportError as error:
        raise SensorError(f"{device} cannot be read: pyserial is missing.", fix="pip install pyserial") from error
    try:
        port = serial.Serial(str(device), baud, timeout=0, exclusive=True)
    except OSError as error:
        raise _refused(device, error) from error
    with port:
        # FTDI's adapters give what came only every 16 ms otherwise; what needs no such word refuses it.
        with suppress(OSError, ValueError):
            port.set_low_latency_mode(True)
        framing = Framing(counts, pause=pause(baud))

        def take(data: bytes, at: float) -> list[Read]:
            return [one for piece in _PIECES.findall(data) for one in framing.take(piece, piece, at)]

        async with aclosing(scanner.arriving(port.fileno(), take, framing, lambda: scanner.gone(device))) as found:
            async for one in found:
                yield one


def usable(device: Path) -> None:
    """Raises SensorError for a scanner that is not there or that this user may not use; it is left alone."""
    scanner.usable(device, os.R_OK | os.W_OK, group=_GROUP, where=_WHERE)


def pause(baud: int) -> float:
    """Seconds of silence after which a code is over; at 9600 a character comes each millisecond."""
    return max(PAUSE, _STILL * _BITS / baud)


def _refused(device: Path, error: OSError) -> SensorError:
    # pyserial says it without a number where the device has no settings of a serial port.
    if error.errno in (None, errno.ENOTTY, errno.EINVAL):
        return SensorError(f"{device} is no serial port.", fix="Name the scanner's: ls /dev/serial/by-id/")
    return scanner.refused(device, error, group=_GROUP, where=_WHERE)
