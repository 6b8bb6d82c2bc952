"""Says when an event really happened, as well as what is known of its machine's boot allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from central.contract.events import DRIFT, Born, ClockOffset
from central.storage.database import put
from central.storage.tables import boot

SYNCED = 1.0
"""Seconds within which a clock is right that the kernel calls synchronised and nothing contradicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Central's time when a machine's CLOCK_BOOTTIME was 0, `within` so many seconds; measured at `at_ms` of it."""

    boot_at: datetime
    at_ms: int
    within: float

    def time(self, up_ms: int) -> datetime:
        return self.boot_at + timedelta(milliseconds=up_ms)

    def doubt(self, up_ms: int) -> float:
        """Seconds by which `time` may be wrong: a crystal drifts."""
        return self.within + DRIFT * abs(up_ms - self.at_ms) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """When something happened, `within_s` so many seconds; None: nobody knows how far that is right."""

    at: datetime
    within_s: float | None


Boots = dict[tuple[str, str], list[Measure]]
"""What is known of each boot of each agent."""


def corrected(born: Born, measures: Iterable[Measure]) -> Happened:
    """Say when that was, from what was measured of its boot (in any order, also long afterwards).

    A kernel that calls itself synchronised is believed unless a measure contradicts it.
    """
    best = min(measures, key=lambda measure: measure.doubt(born.up_ms), default=None)
    if best is None:
        return Happened(at=born.wall, within_s=SYNCED if born.synced else None)
    at, doubt = best.time(born.up_ms), best.doubt(born.up_ms)
    if born.synced and abs((at - born.wall).total_seconds()) <= doubt + SYNCED:
        return Happened(at=born.wall, within_s=SYNCED)
    return Happened(at=at, within_s=round(doubt, 3))


def keep(connection: Connection, agent: str, said: ClockOffset) -> None:
    """Keep what an agent measured of a boot; not what an older one says without `boot_at`, or what cannot be."""
    if said.boot_at is None or not 2000 <= said.boot_at.year <= 2200:
        return
    row = {"agent": agent, "boot": said.boot, "at_ms": said.at_ms, "boot_at": said.boot_at}
    put(connection, boot, [row | {"within_ms": said.within_ms, "wall_offset_ms": said.offset_ms}])


def boots(connection: Connection, agent: str | None = None) -> Boots:
    """Give what is known of the boots of an agent, or of all."""
    found: Boots = {}
    ask = select(boot) if agent is None else select(boot).where(boot.c.agent == agent)
    for row in connection.execute(ask):
        measure = Measure(boot_at=row.boot_at, at_ms=row.at_ms, within=row.within_ms / 1000)
        found.setdefault((row.agent, row.boot), []).append(measure)
    return found
