"""What happened is committed in its order, waits for a disk that is full, and is counted where it is lost."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from edge_disk import disk
from edge_wire import Central, until

from central.contract import events
from central.contract.events import CrowdCounted, Played, Scanned
from edge.clock import Clock
from edge.outbox import Outbox
from edge.report import AGAIN, Report
from edge.seal import Seal
from edge.storage import Storage

Later = Callable[[float], Awaitable[None]]
LARGE = 1 << 30


def crowd(number: int) -> CrowdCounted:
    return CrowdCounted(zone="door", radios=number, over_ms=60_000)


def play(number: int) -> Played:
    return Played(
        play=f"p{number}", screen="s", scene="x", layout="notice", cause="schedule", level=0, shown_ms=1, ended="over"
    )


@asynccontextmanager
async def reporting(storage: Storage, *, budget: int = LARGE, most: int = 1000) -> AsyncIterator[tuple[Report, Outbox]]:
    outbox = Outbox(storage, budget, Seal(bytes(32)), "pi-1")
    await outbox.open()
    report = Report(outbox, Clock(synced=lambda: True), most)
    running = asyncio.create_task(report.run())
    try:
        yield report, outbox
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def stuck(storage: Storage) -> None:
    """From now on the disk takes nothing, as a card that has become read-only."""
    await storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)


def mended(storage: Storage) -> None:
    storage._writer.execute("PRAGMA query_only = 0")


async def arrived(outbox: Outbox, declared: list[tuple[int, int, str]] | None = None) -> list[Any]:
    """All that a central gets that has nothing yet, in its order; gaps, where there are, as first, count and cause."""
    central = Central()
    while batch := outbox.batch():
        assert await outbox.acknowledged(central.take(batch)) == "ok"
    assert [(gap.first, gap.count, gap.cause) for _, gap in central.gaps] == (declared or [])
    return [events.read(data)[1] for _, data in sorted(central.events.items())]


async def test_what_happened_is_committed_in_its_order_and_said(storage: Storage) -> None:
    said: list[int] = []
    async with reporting(storage) as (report, outbox):
        for number in range(300):
            report.happened(crowd(number), then=partial(said.append, number))
        assert report.busy
        await until(lambda: not report.busy)
        assert said == list(range(300))
        assert await arrived(outbox) == [crowd(number) for number in range(300)]


async def test_what_the_disk_refuses_waits_and_comes_in_its_order(storage: Storage, later: Later) -> None:
    said: list[int] = []
    async with reporting(storage) as (report, outbox):
        report.happened(crowd(0))
        await until(lambda: not report.busy)
        await stuck(storage)
        for number in range(1, 400):
            report.happened(crowd(number), then=partial(said.append, number))
        await until(lambda: report.counts["events_deferred"])
        for number in range(400, 500):
            report.happened(crowd(number), key=f"k{number}")
        for _ in range(3):
            await later(AGAIN)
            await until(lambda: not report._committing)
        assert report.busy
        assert not said
        mended(storage)
        await later(AGAIN)
        await until(lambda: not report.busy)
        assert said == list(range(1, 400))
        assert report.counts == {"events_deferred": 499}
        assert await arrived(outbox) == [crowd(number) for number in range(500)]


async def test_a_disk_that_takes_nothing_is_asked_with_one_event_a_second(storage: Storage, later: Later) -> None:
    async with reporting(storage) as (report, _):
        await stuck(storage)
        for number in range(100):
            report.happened(crowd(number))
        await until(lambda: report.counts["events_deferred"])
        for failed in (101, 102, 103):
            await later(AGAIN * 0.9)
            assert storage.counts["writes_failed"] == failed - 1
            await later(AGAIN * 0.2)
            await until(lambda: not report._committing)
            assert storage.counts["writes_failed"] == failed


async def test_past_the_bound_the_oldest_play_goes_before_any_visit(storage: Storage, later: Later) -> None:
    async with reporting(storage, most=6) as (report, outbox):
        await stuck(storage)
        report.happened(crowd(0))
        await until(lambda: report.counts["events_deferred"])
        for number in (1, 2):
            report.happened(play(number), key=f"play-p{number}")
        for number in range(1, 6):
            report.happened(crowd(number))
        report.happened(play(3), key="play-p3")
        assert report.counts["plays_put_off"] == 3
        assert report.counts["events_overrun"] == 0
        report.happened(crowd(6))
        report.happened(play(4), key="play-p4")
        assert report.counts["events_overrun"] == 1
        assert not report.made_room()
        mended(storage)
        await later(AGAIN)
        await until(lambda: not report.busy)
        visits = [crowd(number) for number in range(1, 7)]
        assert await arrived(outbox, [(1, 1, "disk_full")]) == visits
        assert report.made_room()
        assert not report.made_room()
        report.happened(play(1), key="play-p1")  # Told again.
        await until(lambda: not report.busy)
        assert await arrived(outbox, [(1, 1, "disk_full")]) == [*visits, play(1)]


async def test_a_play_that_is_told_again_while_it_waits_waits_once(storage: Storage, later: Later) -> None:
    said: list[int] = []
    async with reporting(storage) as (report, outbox):
        await stuck(storage)
        for _ in range(3):
            report.happened(play(1), key="play-p1", then=lambda: said.append(1))
        await until(lambda: report.counts["events_deferred"])
        report.happened(play(1), key="play-p1")
        mended(storage)
        await later(AGAIN)
        await until(lambda: not report.busy)
        assert said == [1]
        report.happened(play(1), key="play-p1", then=lambda: said.append(2))
        await until(lambda: len(said) == 2)
        assert await arrived(outbox) == [play(1)]


async def test_what_is_no_event_or_has_no_room_in_the_budget_is_counted_and_gone(storage: Storage) -> None:
    async with reporting(storage, budget=2000) as (report, outbox):
        long = Scanned(scan="a", reader="x" * 70_000, zone="till", outcome="other")
        report.happened(long)
        report.happened(crowd(1))
        await until(lambda: not report.busy)
        assert report.counts == {"events_unkept": 1}
        for number in range(30):
            report.happened(Scanned(scan=f"s{number}", reader="cam", zone="till", outcome="other"))
        await until(lambda: not report.busy)
        report.happened(crowd(2))  # Worth less than all that is there.
        await until(lambda: not report.busy)
        assert report.counts == {"events_unkept": 2}
        assert outbox.counts["events_refused"] == 1


async def test_what_still_waits_at_the_end_is_lost_counted_and_said(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    async with reporting(storage) as (report, _):
        await stuck(storage)
        for number in range(7):
            report.happened(crowd(number))
        for number in range(3):
            report.happened(play(number), key=f"play-{number}")
        await until(lambda: report.counts["events_deferred"])
    assert (report.counts["events_lost"], report.counts["plays_put_off"]) == (7, 3)
    said = [record.levelno for record in caplog.records if "7 events" in record.message and "3 plays" in record.message]
    assert said == [logging.ERROR]


async def test_what_a_full_disk_is_being_asked_to_take_at_the_end_is_lost_too(storage: Storage, later: Later) -> None:
    gate = threading.Event()
    async with reporting(storage) as (report, _):
        await stuck(storage)
        for number in range(7):
            report.happened(crowd(number))
        await until(lambda: report.counts["events_deferred"])
        await until(lambda: not report._committing)
        storage._thread.submit(gate.wait)
        await later(AGAIN)
        assert len(report._committing) == 1
    gate.set()
    assert report.counts["events_lost"] == 7


async def test_at_the_end_of_a_good_day_nothing_is_lost(storage: Storage) -> None:
    async with reporting(storage) as (report, _):
        report.happened(crowd(1))
        await until(lambda: not report.busy)
    assert not report.counts


@pytest.mark.parametrize("leave", [0, 20_000, 100_000])
async def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path, later: Later, leave: int) -> None:
    with disk(tmp_path / "disk", 1024) as card:
        async with Storage.open(card.path / "edge.sqlite") as storage, reporting(storage) as (report, outbox):
            for number in range(50):
                report.happened(crowd(number))
            await until(lambda: not report.busy)
            assert len(await arrived(outbox)) == 50
            card.fill(leave)
            number = 50
            while not report.counts["events_deferred"]:
                for _ in range(50):
                    report.happened(crowd(number))
                    report.happened(play(number), key=f"play-{number}")
                    number += 1
                await later(0.1)
                await until(lambda: not report._committing)
            assert outbox.state.last < 50 + 2 * (number - 50)
            read = outbox.batch()
            assert read is None or read.first == 51
            for _ in range(3):
                await later(AGAIN)
                await until(lambda: not report._committing)
            assert report.busy
            card.free()
            await later(AGAIN)
            await until(lambda: not report.busy)
            since = [made for n in range(50, number) for made in (crowd(n), play(n))]
            assert await arrived(outbox) == [crowd(n) for n in range(50)] + since
            assert set(report.counts) == {"events_deferred"}


async def test_what_a_full_disk_costs_in_the_end_is_declared_in_its_place(tmp_path: Path, later: Later) -> None:
    with disk(tmp_path / "disk", 2048) as card:
        async with (
            Storage.open(card.path / "edge.sqlite") as storage,
            reporting(storage, most=100) as (report, outbox),
        ):
            card.fill()
            number = 0
            while report.counts["events_overrun"] < 30:
                for _ in range(20):
                    report.happened(crowd(number))
                    number += 1
                await later(0.1)
                await until(lambda: not report._committing)
            assert storage.short, "what was kept back went first"
            before = outbox.state.last
            lost = report.counts["events_overrun"]
            card.free()
            await later(AGAIN)
            await until(lambda: not report.busy)
            kept = [crowd(n) for n in range(number) if not before <= n < before + lost]
            assert await arrived(outbox, [(before + 1, lost, "disk_full")]) == kept
            assert outbox.state.last == number
