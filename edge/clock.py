"""Knows what time it is, and how far that may be trusted, on a machine whose clock has no battery."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from central.contract.events import Born, ClockOffset
from edge.errors import EdgeError

KEEP = 60.0
"""Seconds between two times written to disk."""
NEAR = 120.0
"""Seconds by which the wall clock may differ from central's and still be safe."""
TOLD_MS = 2000
"""A second offset of the same boot is told only when it differs by more than this."""


class Clock:
    """The wall clock, never below the last time that was safe and kept; and what central's acks say of it.

    `last` is that kept time. The callables are the machine's own clocks, in seconds, and whether the kernel
    calls its wall clock synchronised.
    """

    def __init__(
        self,
        last: datetime | None = None,
        *,
        system: Callable[[], float] = time.time,
        uptime: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        synced: Callable[[], bool] = lambda: _kernel_synced(),
    ) -> None:
        self._system = system
        self._uptime = uptime
        self.synced = synced
        self.boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._floor = last.timestamp() if last else 0.0
        self._started = uptime()
        self._ahead: tuple[float, float] | None = None
        """Central's time minus the uptime when it was heard, and within how many seconds that is right."""
        self._doubtful: tuple[float, float] | None = None
        """Wall and uptime of the last birth while the clock was not synchronised."""
        self._told: int | None = None

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def wall(self) -> datetime:
        """The time as well as it is known here."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def born(self) -> Born:
        """The times of an event that happens now."""
        wall, up, synced = self._wall(), self._uptime(), self.synced()
        if not synced:
            self._doubtful = (wall, up)
        return Born(wall=datetime.fromtimestamp(wall, UTC), boot=self.boot, up_ms=int(up * 1000), synced=synced)

    def heard(self, central: datetime, within: float) -> None:
        """Note central's time as an ack brought it, `within` so many seconds of now."""
        self._ahead = (central.timestamp() - self._uptime(), within)

    def safe(self) -> bool:
        """Whether the wall clock may be trusted: synchronised, or near central's time as heard since we started."""
        if self.synced():
            return True
        return self._ahead is not None and abs(self._ahead[0] + self._uptime() - self._wall()) <= NEAR

    def owed(self) -> ClockOffset | None:
        """What central should be told to correct this boot's events that were born unsynchronised; once told, None."""
        if self._ahead is None or self._doubtful is None:
            return None
        wall, up = self._doubtful
        offset = int((self._ahead[0] + up - wall) * 1000)
        if self._told is not None and abs(offset - self._told) <= TOLD_MS:
            return None
        self._told = offset
        return ClockOffset(boot=self.boot, offset_ms=offset, within_ms=int(self._ahead[1] * 1000))

    async def run(self, keep: Callable[[datetime], Awaitable[object]]) -> None:
        """Keep the time each minute, as long as it is safe: a wrong one would hold the clock up for ever."""
        while True:
            if self.safe():
                with suppress(EdgeError):  # A full disk: storage counts it, and a minute later there may be room.
                    await keep(self.wall())
            await asyncio.sleep(KEEP)

    def _wall(self) -> float:
        return max(self._system(), self._floor + self._uptime() - self._started)


_STA_UNSYNC = 0x0040


def _kernel_synced() -> bool:
    # adjtimex(2): with modes 0 it only reads; STA_UNSYNC is set until NTP, PTP or a person has set the clock.
    state = _Timex()
    return _libc().adjtimex(ctypes.byref(state)) >= 0 and not state.status & _STA_UNSYNC


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


class _Timex(ctypes.Structure):
    """The head of <sys/timex.h>'s struct timex on 64-bit Linux, and room for what follows."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )
