"""Measures the outbox: durable put, acknowledgement and deletion of events; and the screens while a card is slow."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import slowcard
from central.contract import events
from central.contract.batches import Ack
from edge import health
from edge.disk import Written
from edge.outbox import Outbox
from edge.seal import Seal
from edge.storage import Storage
from ground import sqlite

TOGETHER = 2000
"""Events whose commit is waited for at one time."""
IMMEDIATE = 500
"""Commits for the figure of what must be safe at once."""
PATIENCE = 60.0
"""Seconds that another product's storage gets to give all back."""
BUDGET = 8 << 20
"""Small, so that what is acknowledged is also deleted while we measure."""


def event() -> bytes:
    """One visit as an agent reports it, filled up to 300 bytes."""
    born = events.Born(wall=datetime.now(UTC), boot="b" * 36, up_ms=123456789, synced=True)
    body = events.VisitEnded(visit="v" * 16, customer="c" * 16, zone="shelf-1".ljust(61, "-"), dwell_ms=45000)
    return events.make(body, born)


def raw(file: Path, count: int) -> float:
    """Events a second into a plain table: WAL, FULL, 100 a transaction."""
    db = sqlite.connect(file)
    db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, chain BLOB, data BLOB, class INTEGER)")
    data, chain = event(), b"c" * 32
    began = time.perf_counter()
    for first in range(1, count + 1, 100):
        db.execute("BEGIN")
        db.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", [(first + i, chain, data, 1) for i in range(100)])
        db.execute("COMMIT")
    took = time.perf_counter() - began
    db.close()
    return count / took


async def ours(file: Path, count: int) -> float:
    """Events a second from put to acknowledged and deleted: each put returns after its commit."""
    data = event()
    async with Storage.open(file) as storage:
        outbox = Outbox(storage, BUDGET, Seal(bytes(32)), "bench-1")
        await outbox.open()

        async def put() -> None:
            for written in [outbox.put(data, drop="visits") for _ in range(TOGETHER)]:
                await written

        async def acknowledge() -> None:
            while batch := outbox.batch():
                [[chain]] = storage.read("SELECT chain FROM event WHERE seq = ?", (batch.last,))
                ack = Ack(epoch=batch.epoch, seq=batch.last, chain=chain.hex(), time=datetime.now(UTC))
                assert await outbox.acknowledged(ack) == "ok"

        began = time.perf_counter()
        for _ in range(0, count, TOGETHER):
            await asyncio.gather(put(), acknowledge())
        await acknowledge()
        took = time.perf_counter() - began
        assert outbox.state.acked == count
        assert outbox.state.floor > count // 2
    return count / took


async def immediate(file: Path, count: int) -> list[float]:
    """Milliseconds that each of `count` events takes which must be safe before anyone is told."""
    data, took = event(), []
    async with Storage.open(file) as storage:
        outbox = Outbox(storage, BUDGET, Seal(bytes(32)), "bench-1")
        await outbox.open()
        for _ in range(count):
            began = time.perf_counter()
            await outbox.put(data, drop="vital", now=True)
            took.append((time.perf_counter() - began) * 1000)
    return took


async def written(folder: Path) -> int:
    """Kilobytes that an hour costs the disk: 100 plays, each sent by itself, the time and the counts kept."""
    told: dict[str, int] = {f"count_{n}": n for n in range(60)}
    began = Written().total()
    async with Storage.open(folder / "edge.sqlite") as storage:
        outbox = Outbox(storage, BUDGET, Seal(bytes(32)), "bench-1")
        await outbox.open()
        for minute in range(60):
            await storage.keep_wall(datetime.now(UTC))
            for play in range(minute * 100 // 60, (minute + 1) * 100 // 60):
                await outbox.put(event(), drop="plays", key=f"play-{play}")
                batch = outbox.batch()
                assert batch is not None
                ack = Ack(epoch=batch.epoch, seq=batch.last, chain=outbox.state.chain, time=datetime.now(UTC))
                assert await outbox.acknowledged(ack) == "ok"
            for _ in range(round(60 / health.TELL)):
                (folder / "new").write_bytes(json.dumps(told).encode())
                (folder / "new").replace(folder / health.FILE)
    return (Written().total() - began) >> 10


def thingsboard(folder: Path, count: int) -> float | None:
    """Events a second through ThingsBoard gateway's SQLite storage, driven directly; None where it is not installed.

    Its put returns before anything is on a disk, so that this is no equal of ours.
    """
    try:
        from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage
    except ImportError:
        return None
    stop = threading.Event()
    settings = {"data_file_path": f"{folder}/", "max_read_records_count": 1000, "messages_ttl_in_days": 7}
    quiet = logging.getLogger("thingsboard")
    quiet.setLevel(logging.CRITICAL)
    setattr(quiet, "trace", quiet.debug)  # noqa: B010 - a level of its own, which its loggers have.
    storage = SQLiteEventStorage(settings, quiet, stop)
    text = event().decode()
    began, given = time.perf_counter(), 0
    for _ in range(count):
        storage.put(text)
    while given < count and time.perf_counter() - began < PATIENCE:
        given += len(storage.get_event_pack())
        storage.event_pack_processing_done()
    took = time.perf_counter() - began
    stop.set()
    storage.stop()
    return given / took


def main() -> int:
    """Alternate both, so that a busy machine slows both, and give the medians."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--events", type=int, default=80_000)
    wanted.add_argument("--rounds", type=int, default=5)
    wanted.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    given = wanted.parse_args()
    plain, made = [], []
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        for turn in range(given.rounds):
            plain.append(raw(folder / f"raw-{turn}.sqlite", given.events))
            made.append(asyncio.run(ours(folder / f"outbox-{turn}.sqlite", given.events)))
            gc.collect()
        at_once = asyncio.run(immediate(folder / "immediate.sqlite", IMMEDIATE))
        hour = asyncio.run(written(folder / "hour"))
        screens = slowcard.figures(folder)
        theirs = thingsboard(folder, given.events // 4)
    rss = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(
        json.dumps(
            {
                "events_per_s": round(statistics.median(made)),
                "raw_sqlite_events_per_s": round(statistics.median(plain)),
                "ratio_to_raw_sqlite": round(statistics.median(a / b for a, b in zip(made, plain, strict=True)), 2),
                "thingsboard_events_per_s": theirs and round(theirs),
                "immediate_ms_p50": round(statistics.median(at_once), 2),
                "immediate_ms_p99": round(statistics.quantiles(at_once, n=100)[98], 2),
                "written_kb_hour": hour,
                "rss_mb": round(rss / 1e6, 1),
            }
            | screens
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
