"""The time as well as it can be known without a battery."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_wire import turn

from central.contract.events import ClockOffset
from edge.clock import KEEP, NEAR, Clock
from edge.errors import Unwritable

Later = Callable[[float], Awaitable[None]]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Machine:
    """A machine's own clocks."""

    def __init__(self, wall: datetime, *, synced: bool = False) -> None:
        self.system = wall.timestamp()
        self.uptime = 1000.0
        self.synced = synced

    def clock(self, last: datetime | None = None) -> Clock:
        return Clock(last, system=lambda: self.system, uptime=lambda: self.uptime, synced=lambda: self.synced)

    def passes(self, seconds: float) -> None:
        self.system += seconds
        self.uptime += seconds


def test_the_wall_clock_never_runs_below_the_last_time_kept() -> None:
    machine = Machine(datetime(1970, 1, 1, tzinfo=UTC))
    clock = machine.clock(NOON)
    assert clock.wall() == NOON
    machine.passes(90)
    assert clock.wall() == NOON + timedelta(seconds=90)
    machine.system = (NOON + timedelta(days=1)).timestamp()
    assert clock.wall() == NOON + timedelta(days=1)


def test_an_event_is_born_with_all_times_that_are_known() -> None:
    machine = Machine(NOON)
    born = machine.clock().born()
    assert (born.wall, born.up_ms, born.synced) == (NOON, 1_000_000, False)
    assert born.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    machine.synced = True
    assert machine.clock().born().synced


def test_this_machines_own_clocks_are_read() -> None:
    clock = Clock()
    assert abs(clock.wall() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.monotonic() > 0
    assert clock.synced() in (True, False)
    assert clock.born().up_ms > 0


def test_the_clock_is_safe_when_synchronised_or_near_centrals() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    assert not clock.safe()
    clock.heard(NOON + timedelta(seconds=NEAR + 1), 0.1)
    assert not clock.safe()
    clock.heard(NOON - timedelta(seconds=NEAR - 1), 0.1)
    assert clock.safe()
    machine.passes(3600)
    assert clock.safe()
    machine.system += 2 * NEAR + 1  # Stepped.
    assert not clock.safe()
    machine.synced = True
    assert clock.safe()


def test_the_offset_of_a_boot_is_told_once_and_leads_to_the_right_time() -> None:
    machine = Machine(datetime(1970, 1, 1, tzinfo=UTC))
    clock = machine.clock()
    born = clock.born()
    assert clock.owed() is None
    machine.passes(600)
    machine.system, machine.synced = (NOON + timedelta(seconds=600)).timestamp(), True  # NTP came.
    clock.heard(NOON + timedelta(seconds=600), 0.25)
    owed = clock.owed()
    assert owed is not None
    assert (owed.boot, owed.within_ms) == (clock.boot, 250)
    assert born.wall + timedelta(milliseconds=owed.offset_ms) == NOON
    assert clock.owed() is None
    clock.heard(NOON + timedelta(seconds=601), 0.1)
    assert clock.owed() is None


def test_a_clock_that_was_always_synchronised_owes_nothing() -> None:
    clock = Machine(NOON, synced=True).clock()
    clock.born()
    clock.heard(NOON, 0.1)
    assert clock.owed() is None


def test_an_offset_that_moved_is_told_again() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    clock.born()
    clock.heard(NOON + timedelta(hours=1), 0.1)
    assert isinstance(clock.owed(), ClockOffset)
    machine.system += 60
    clock.born()
    assert isinstance(clock.owed(), ClockOffset)


async def test_only_a_safe_time_is_kept_each_minute(later: Later) -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    kept: list[datetime] = []

    async def keep(at: datetime) -> None:
        if len(kept) == 1:
            kept.append(at)
            raise Unwritable("The disk is full.")
        kept.append(at)

    running = asyncio.create_task(clock.run(keep))
    await turn()
    assert not kept
    machine.synced = True
    for _ in range(3):
        machine.passes(KEEP)
        await later(KEEP)
    assert kept == [NOON + timedelta(seconds=KEEP * n) for n in (1, 2, 3)]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
