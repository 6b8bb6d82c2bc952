"""Night work: when it is done, when it is not, and what is said of a database that was broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from edge_wire import Central, turn, until

from central.contract import events
from edge.clock import Clock
from edge.outbox import Outbox
from edge.report import Report
from edge.seal import Seal
from edge.storage import Storage
from edge.upkeep import LOOK, Upkeep

Later = Callable[[float], Awaitable[None]]
NIGHT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
"""Half past three in Tokyo."""


@pytest.fixture(autouse=True)
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Shop:
    def __init__(self, storage: Storage) -> None:
        self.now, self.safe, self.busy = NIGHT, True, False
        self.storage = storage
        self.outbox = Outbox(storage, 1 << 24, Seal(bytes(32)), "pi-1", wall=lambda: self.now.timestamp())
        clock = Clock(system=lambda: self.now.timestamp(), synced=lambda: self.safe)
        self.report = Report(self.outbox, clock)
        self.upkeep = Upkeep(storage, self.outbox, self.report, clock, lambda: self.busy)

    def free(self) -> int:
        [[pages]] = self.storage.read("PRAGMA freelist_count")
        return int(pages)

    async def clutter(self) -> None:
        await self.storage.write(lambda db: db.execute("CREATE TABLE IF NOT EXISTS thing (value)"), now=True)
        await self.storage.write(
            lambda db: db.executemany("INSERT INTO thing VALUES (?)", [("x" * 3000,)] * 100), now=True
        )
        await self.storage.write(lambda db: db.execute("DELETE FROM thing"), now=True)
        assert self.free() > 50


async def test_at_night_when_nobody_is_there_room_is_given_back_once(storage: Storage, later: Later) -> None:
    shop = Shop(storage)
    await shop.outbox.open()
    await shop.clutter()
    running = asyncio.create_task(shop.upkeep.run())
    await turn()
    for change in ({"now": NIGHT + timedelta(hours=2)}, {"busy": True}, {"safe": False}):
        before = vars(shop).copy()
        vars(shop).update(change)
        await later(LOOK + 1)
        await turn()
        assert shop.free() > 50, f"not with {change}"
        vars(shop).update(before)
    await later(LOOK + 1)
    await until(lambda: not shop.free())
    await until(lambda: shop.upkeep._done)
    await shop.clutter()
    await later(LOOK + 1)
    await turn()
    assert shop.free() > 50, "not twice in a night"
    shop.now += timedelta(days=1)
    await later(LOOK + 1)
    await until(lambda: not shop.free())
    running.cancel()


async def test_it_is_done_on_command(storage: Storage) -> None:
    shop = Shop(storage)
    await shop.outbox.open()
    await shop.clutter()
    pages = shop.free()
    assert await shop.upkeep.vacuum(b"{}") == f"{pages} pages given back"


def idle(report: Report) -> bool:
    return not report.busy


async def test_a_broken_database_is_told_once_and_is_a_trouble_for_a_day(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    file.write_bytes(b"this is no database at all" * 1000)
    central = Central()
    for start in range(3):
        async with Storage.open(file) as storage:
            shop = Shop(storage)
            shop.now += start * timedelta(hours=11)
            await shop.outbox.open()
            shop.upkeep.tell()
            running = asyncio.create_task(shop.report.run())
            await until(partial(idle, shop.report))
            assert [("broken" in said) for said in shop.upkeep.troubles] == ([True] if start < 3 else [])
            shop.now += timedelta(hours=24)
            assert (shop.upkeep.troubles == ()) == (start > 0 or shop.now - NIGHT >= timedelta(days=1))
            while batch := shop.outbox.batch():
                await shop.outbox.acknowledged(central.take(batch))
            running.cancel()
    told = [events.read(data)[1] for data in central.events.values()]
    assert told == [events.StorageLost(epoch=None, acked=0, last=None, saved=0, reason="file is not a database")]
    kept = file.with_name("edge.sqlite.broken-1").read_bytes()
    assert kept.startswith(b"this is no database"), "a person may look at it"
