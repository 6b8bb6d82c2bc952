"""Knows what time it is, and how far that may be trusted, on a machine whose clock has no battery."""

from __future__ import annotations

import asyncio
import ctypes
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from central.contract.events import DRIFT, Born, ClockOffset
from edge.errors import EdgeError

KEEP = 60.0
"""Seconds between two times written to disk."""
NEAR = 120.0
"""Seconds by which the wall clock may be wrong and still be safe."""
AGREE = 1.0
"""Seconds by which the machine's clock may differ from central's, beyond what is unsure, and still be used."""
TOLD = 2.0
"""A second offset of the same boot is told only when it is surer, or another, by more than these seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """Central's time, in seconds since 1970, at uptime 0: right within so many seconds, as measured at uptime `up`."""

    boot_at: float
    within: float
    up: float

    def wall(self, up: float) -> float:
        return self.boot_at + up

    def doubt(self, up: float) -> float:
        """Seconds by which `wall` of this uptime may be wrong."""
        return self.within + DRIFT * abs(up - self.up)


class Clock:
    """The wall clock, never below the last time that was safe and kept, unless central says that this was wrong.

    `last` is that kept time. Central's word counts more than the machine's own: a kernel that calls itself synchronised
    is believed as long as central does not contradict it. The callables are the machine's own clocks, in seconds, and
    whether the kernel calls its wall clock synchronised.
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
        self._heard: _Measure | None = None
        self._told: _Measure | None = None
        self._doubtful = False
        """Something was born since then whose wall time may be wrong."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def uptime(self) -> float:
        """Seconds of CLOCK_BOOTTIME: nobody sets it, and it goes on while the machine sleeps."""
        return self._uptime()

    def wall(self) -> datetime:
        """The time as well as it is known here."""
        return datetime.fromtimestamp(self._now(self._uptime())[0], UTC)

    def born(self) -> Born:
        """The times of an event that happens now."""
        up = self._uptime()
        wall, synced = self._now(up)
        self._doubtful |= not synced
        return Born(wall=datetime.fromtimestamp(wall, UTC), boot=self.boot, up_ms=int(up * 1000), synced=synced)

    def heard(self, central: datetime, asked: float) -> None:
        """Note central's time: it was that sometime between `asked` (of `uptime`) and now."""
        if not 2020 <= central.year <= 2200:
            return  # Central's own clock is not set.
        up = self._uptime()
        half = (up - asked) / 2
        new, old = _Measure(boot_at=central.timestamp() + half - up, within=half, up=up), self._heard
        contradicts = old is not None and abs(new.boot_at - old.boot_at) > new.within + old.doubt(up)
        if old is None or contradicts or new.within <= old.doubt(up):
            self._heard = new
        self._doubtful |= not self._now(up)[1]

    def central(self) -> datetime | None:
        """Central's time now, where it was heard since we started."""
        return datetime.fromtimestamp(self._heard.wall(self._uptime()), UTC) if self._heard else None

    def safe(self) -> bool:
        """Whether the wall clock may be trusted."""
        up = self._uptime()
        if self._heard is None:
            # A kept time of the future holds up also a kernel that is right.
            return self.synced() and self._now(up)[0] - self._system() <= NEAR
        return self._now(up)[1] or self._heard.doubt(up) <= NEAR

    def owed(self) -> ClockOffset | None:
        """What central must be told to correct this boot's events, until `told` says that it will be.

        Once in any case: an agent before us may have left events of this boot that were born without a clock.
        """
        heard, told, up = self._heard, self._told, self._uptime()
        if heard is None:
            return None
        if told is not None:
            # A clock that NTP slews, here or at central, runs five times as wrong as a crystal, for a while.
            moved = abs(heard.boot_at - told.boot_at) > told.doubt(up) + heard.doubt(up) + TOLD
            surer = self._doubtful and told.doubt(up) > heard.doubt(up) + TOLD
            if not (moved or surer):
                return None
        return ClockOffset(
            boot=self.boot,
            offset_ms=int((heard.wall(up) - self._own(up)) * 1000),
            within_ms=math.ceil(heard.within * 1000) + 1,  # Uptimes are cut to milliseconds.
            boot_at=datetime.fromtimestamp(heard.boot_at, UTC),
            at_ms=int(heard.up * 1000),
        )

    def told(self, offset: ClockOffset) -> None:
        """Know that this offset is stored and will go to central."""
        assert offset.boot_at is not None
        boot_at = offset.boot_at.timestamp()
        self._told = _Measure(boot_at=boot_at, within=offset.within_ms / 1000, up=offset.at_ms / 1000)
        self._doubtful = False

    async def run(self, keep: Callable[[datetime], Awaitable[object]], owe: Callable[[], Awaitable[object]]) -> None:
        """Keep the time each minute, as long as it is safe: a wrong one would hold the clock up. And `owe` what is."""
        while True:
            if self.safe():
                with suppress(EdgeError):  # A full disk: storage counts it, and a minute later there may be room.
                    await keep(self.wall())
            await owe()
            await asyncio.sleep(KEEP)

    def _now(self, up: float) -> tuple[float, bool]:
        """Give the wall clock at this uptime, and whether the kernel vouches for it and nobody contradicts."""
        system = self._system()
        if self._heard is None:
            own = self._own(up)
            return own, self.synced() and own - system <= AGREE
        if abs(system - self._heard.wall(up)) <= AGREE + self._heard.doubt(up):
            return system, self.synced()  # Also where nobody keeps it: it has no jumps.
        return self._heard.wall(up), False

    def _own(self, up: float) -> float:
        """The wall clock without central's help."""
        return max(self._system(), self._floor + up - self._started)


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
