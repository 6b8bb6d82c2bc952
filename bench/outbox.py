"""Measures the outbox: durable put, acknowledgement and deletion of events, beside plain SQLite in the same run."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from central.contract import events
from central.contract.batches import Ack
from edge.outbox import Outbox
from edge.storage import Storage
from ground import sqlite

TOGETHER = 2000
"""Events whose commit is waited for at one time."""
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
        outbox = Outbox(storage, BUDGET)
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


def main() -> int:
    """Alternate both, so that a busy machine slows both, and give the medians."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--events", type=int, default=80_000)
    wanted.add_argument("--rounds", type=int, default=5)
    wanted.add_argument("--folder", type=Path, default=None, help="on the disk to be measured")
    given = wanted.parse_args()
    plain, made = [], []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for turn in range(given.rounds):
            plain.append(raw(Path(folder) / f"raw-{turn}.sqlite", given.events))
            made.append(asyncio.run(ours(Path(folder) / f"outbox-{turn}.sqlite", given.events)))
            gc.collect()
    rss = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(
        json.dumps(
            {
                "events_per_s": round(statistics.median(made)),
                "raw_sqlite_events_per_s": round(statistics.median(plain)),
                "ratio_to_raw_sqlite": round(statistics.median(a / b for a, b in zip(made, plain, strict=True)), 2),
                "rss_mb": round(rss / 1e6, 1),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
