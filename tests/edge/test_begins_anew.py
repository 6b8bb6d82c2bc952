"""A whole agent whose database is damaged while it runs: it sets it aside and begins anew, by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from edge_certificates import Authority
from edge_wire import until

from central.contract import events
from edge import app, ledger
from edge.config import Broker, EdgeConfig, Zone
from edge.health import EVERY, TELL
from edge.outbox import Outbox
from edge.seal import Seal, sealing_key
from edge.storage import DATABASE, Storage

Later = Callable[[float], Awaitable[None]]


def made(path: Path) -> int:
    """How many events the agent on this database has committed; 0 where it cannot be read now."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return ledger.stands(db).last
    except (sqlite3.Error, TypeError):
        return 0


def damage(path: Path) -> None:
    """Point the outbox's events at a page that is none; the agent sees it with what it reads next."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET rootpage = 99999 WHERE name = 'note'")
        [[version]] = db.execute("PRAGMA schema_version").fetchall()
        db.execute(f"PRAGMA schema_version = {version + 1}")


async def test_an_agent_that_meets_damage_begins_anew(tmp_path: Path, later: Later) -> None:
    folder = tmp_path / "edge"
    Authority().enrolled(folder, [Broker(host="127.0.0.1", port=1)])
    path = folder / DATABASE
    config = EdgeConfig(folder=folder, zones=(Zone(zone="door"),), sensors=(), screens=())
    running = asyncio.create_task(app.run(config))
    await until(lambda: made(path) == 1)
    damage(path)
    aside = path.with_name(f"{path.name}.broken-1")
    for _ in range(int(TELL / EVERY) + 1):
        await later(EVERY)
        if aside.exists():
            break
        assert not running.done(), running
    await until(lambda: aside.exists() and made(path) >= 2)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 0
    async with Storage.open(path) as storage:
        outbox = Outbox(storage, 1 << 24, Seal(sealing_key("disk", folder)), "ginza-1")
        await outbox.open()
        batch = outbox.batch()
        assert batch is not None
        kinds = [events.read(bytes(data))[0].kind for data in batch.events]
        assert sorted(kinds) == ["agent-started", "agent-started", "storage-lost"][-len(kinds) :]
