"""The time as well as it can be known without a battery."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_wire import turn, until

from central.contract.events import DRIFT, ClockOffset
from edge.clock import KEEP, NEAR, Clock
from edge.errors import Unwritable
from edge.storage import Storage

Later = Callable[[float], Awaitable[None]]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


async def nothing() -> None:
    pass


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


def test_without_central_the_kernels_word_is_taken() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    assert not clock.safe()
    machine.synced = True
    assert clock.safe()
    assert clock.born().synced


def test_the_clock_is_centrals_while_ntp_is_blocked_for_days() -> None:
    machine = Machine(datetime(1970, 1, 1, tzinfo=UTC))
    clock = machine.clock(NOON - timedelta(days=3))
    clock.heard(NOON, machine.uptime - 0.5)
    assert abs(clock.wall() - NOON) <= timedelta(seconds=0.25)
    machine.passes(5 * 86400)
    assert abs(clock.wall() - NOON - timedelta(days=5)) <= timedelta(seconds=0.25)
    assert clock.safe()
    assert not clock.born().synced, "central corrects it by the boot, which is surer"
    machine.passes(NEAR / DRIFT)
    assert not clock.safe(), "a crystal may have drifted by as much as is near"
    clock.heard(NOON + timedelta(days=30), machine.uptime - 0.5)
    assert clock.safe()


def test_a_long_way_there_and_back_is_not_safe() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    clock.heard(NOON, machine.uptime - 2 * NEAR - 1)
    assert not clock.safe()


def test_a_year_wrong_and_called_synchronised_is_not_believed_once_central_is_heard() -> None:
    machine = Machine(NOON - timedelta(days=365), synced=True)
    clock = machine.clock()
    assert clock.born().synced
    assert clock.safe()
    clock.heard(NOON, machine.uptime - 0.1)
    assert abs(clock.wall() - NOON) < timedelta(seconds=1)
    assert not clock.born().synced
    owed = clock.owed()
    assert owed is not None
    assert abs(owed.offset_ms - 365 * 86_400_000) <= 50
    machine.system = NOON.timestamp()  # NTP is right again.
    assert clock.born().synced
    assert clock.wall() == NOON


def test_a_kept_time_of_the_future_holds_the_clock_up_until_central_says_so() -> None:
    machine = Machine(NOON, synced=True)
    clock = machine.clock(NOON + timedelta(days=40))
    assert clock.wall() == NOON + timedelta(days=40)
    assert not clock.safe(), "it would be kept for ever"
    assert not clock.born().synced
    clock.heard(NOON, machine.uptime - 0.1)
    assert clock.wall() == NOON
    assert clock.safe()


async def test_the_floor_on_the_disk_comes_back_with_central(storage: Storage) -> None:
    machine = Machine(NOON, synced=True)
    await storage.keep_wall(NOON + timedelta(days=40))
    clock = machine.clock(storage.last_wall())
    clock.heard(NOON, machine.uptime - 0.1)
    running = asyncio.create_task(clock.run(storage.keep_wall, nothing))
    await until(lambda: storage.last_wall() == NOON)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert machine.clock(storage.last_wall()).wall() == NOON


def test_a_central_without_a_clock_says_nothing() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    for nonsense in (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ):
        clock.heard(nonsense, machine.uptime)
        assert clock.wall() == NOON
        assert clock.owed() is None


def test_the_boot_is_told_and_leads_to_the_right_time() -> None:
    machine = Machine(datetime(1970, 1, 1, tzinfo=UTC))
    clock = machine.clock()
    born = clock.born()
    assert clock.owed() is None
    machine.passes(600)
    machine.system, machine.synced = (NOON + timedelta(seconds=600)).timestamp(), True  # NTP came.
    clock.heard(NOON + timedelta(seconds=600), machine.uptime - 0.25)
    owed = clock.owed()
    assert owed is not None
    assert owed.boot_at is not None
    assert (owed.boot, owed.at_ms) == (clock.boot, 1_600_000)
    assert 125 <= owed.within_ms <= 127
    happened = owed.boot_at + timedelta(milliseconds=born.up_ms)
    assert abs(happened - NOON) <= timedelta(milliseconds=owed.within_ms)


def test_a_boot_is_owed_until_it_is_told_and_then_no_more() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    clock.heard(NOON, machine.uptime - 0.1)
    owed = clock.owed()
    assert owed is not None
    assert clock.owed() == owed
    clock.told(owed)
    assert clock.owed() is None
    machine.passes(60)
    clock.born()
    clock.heard(NOON + timedelta(seconds=60), machine.uptime - 0.1)
    assert clock.owed() is None


def test_an_agent_started_anew_tells_its_boot_again() -> None:
    machine = Machine(NOON)
    machine.clock().born()  # By an agent that was killed before it heard central.
    machine.synced = True
    clock = machine.clock()
    clock.born()
    clock.heard(NOON, machine.uptime - 0.1)
    assert clock.owed() is not None


def test_what_drifted_or_became_surer_is_told_again() -> None:
    machine = Machine(NOON)
    clock = machine.clock()

    def told() -> ClockOffset:
        owed = clock.owed()
        assert owed is not None
        clock.told(owed)
        return owed

    clock.heard(NOON, machine.uptime - 30)
    assert told().within_ms in (15_001, 15_002)
    clock.born()
    clock.heard(NOON + timedelta(seconds=0.05), machine.uptime - 0.1)
    assert told().within_ms in (51, 52)
    day = 0.9 * DRIFT * 86400
    machine.passes(86400)
    clock.born()
    clock.heard(NOON + timedelta(days=1, seconds=day), machine.uptime - 0.1)
    assert told().at_ms == 87_400_000


def test_a_central_that_was_set_right_is_told_of_again_and_one_that_slews_is_not() -> None:
    machine = Machine(NOON, synced=True)
    clock = machine.clock()
    clock.heard(NOON, machine.uptime - 0.01)
    first = clock.owed()
    assert first is not None
    clock.told(first)
    for second in range(60):
        machine.passes(1)
        clock.heard(NOON + timedelta(seconds=(second + 1) * 1.0005), machine.uptime - 0.01)
        assert clock.owed() is None
    clock.heard(NOON + timedelta(hours=1), machine.uptime - 0.01)
    assert clock.owed() is not None


def test_a_clock_that_was_always_right_tells_its_boot_only_once() -> None:
    machine = Machine(NOON, synced=True)
    clock = machine.clock()
    for day in range(20):
        clock.born()
        clock.heard(NOON + timedelta(days=day), machine.uptime - 0.1)
        owed = clock.owed()
        assert (owed is not None) == (day == 0)
        if owed:
            clock.told(owed)
        machine.passes(86400)


def test_what_was_born_under_a_wrong_ntp_is_put_right_as_soon_as_central_is_heard() -> None:
    machine = Machine(NOON, synced=True)
    clock = machine.clock()
    clock.heard(NOON, machine.uptime - 0.1)
    first = clock.owed()
    assert first is not None
    clock.told(first)
    machine.passes(10 * 86400)
    machine.system += 60  # Too little to be sure of after ten days.
    assert clock.born().synced
    clock.heard(NOON + timedelta(days=10), machine.uptime - 0.1)
    assert clock.owed() is not None


def test_a_slow_answer_makes_nothing_less_sure() -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    clock.heard(NOON, machine.uptime - 0.1)
    machine.passes(60)
    clock.heard(NOON + timedelta(seconds=31), machine.uptime - 60)
    assert abs(clock.wall() - NOON - timedelta(seconds=60)) <= timedelta(seconds=0.05)


async def test_only_a_safe_time_is_kept_each_minute(later: Later) -> None:
    machine = Machine(NOON)
    clock = machine.clock()
    kept: list[datetime] = []

    async def keep(at: datetime) -> None:
        if len(kept) == 1:
            kept.append(at)
            raise Unwritable("The disk is full.")
        kept.append(at)

    running = asyncio.create_task(clock.run(keep, nothing))
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
