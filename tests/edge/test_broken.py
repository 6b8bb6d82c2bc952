"""A database that is damaged is set aside, what can be read of it goes on, and what cannot is said to be lost."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from edge_wire import Central

import edge
from central.contract.events import StorageLost
from edge import broken
from edge.errors import Corrupt
from edge.outbox import Outbox
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage
from ground.errors import StorageError

KEY = bytes(32)
PAGE = 4096


@asynccontextmanager
async def running(file: Path, key: bytes | None = KEY, agent: str = "pi-1") -> AsyncIterator[tuple[Storage, Outbox]]:
    async with Storage.open(file) as storage:
        outbox = Outbox(storage, 1 << 26, Seal(key), agent)
        await outbox.open()
        yield storage, outbox


async def put(outbox: Outbox, first: int, last: int, size: int = 300) -> list[bytes]:
    made = [f'{{"n":{n},"x":"'.encode() + b"x" * size + b'"}' for n in range(first, last + 1)]
    await asyncio.gather(*(outbox.put(one, drop="visits", key=f"k{n}") for n, one in enumerate(made, first)))
    return made


async def drain(outbox: Outbox, central: Central) -> None:
    while batch := outbox.batch():
        if await outbox.acknowledged(central.take(batch)) == "fork":
            await outbox.fork()


def overwrite(file: Path, at: int, what: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(at)
        out.write(what)


async def change(storage: Storage, sql: str, *args: object) -> None:
    await storage.write(lambda db: db.execute(sql, args), now=True)


def aside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.name.startswith("edge.sqlite.broken"))


async def made(file: Path) -> list[bytes]:
    """A database of which central has a third, written to the file itself."""
    async with running(file) as (_, outbox):
        events = await put(outbox, 1, 300)
        batch = outbox.batch(100)
        assert batch is not None
        assert await outbox.acknowledged(Central().take(batch)) == "ok"
    return events


def leaf_pages(file: Path) -> list[int]:
    """The pages that hold events: where in the file each begins."""
    content = file.read_bytes()
    return [
        at for at in range(PAGE, len(content), PAGE) if content[at] == 13 and content.count(b"\1", at, at + PAGE) > 3
    ]


@pytest.mark.parametrize("damage", ["header", "short", "empty", "nothing"])
async def test_a_file_that_is_no_database_any_more(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "edge.sqlite"
    await made(file)
    if damage == "header":
        overwrite(file, 0, bytes(100))
    elif damage == "short":
        os.truncate(file, 7 * PAGE + 5)
    elif damage == "empty":
        os.truncate(file, 0)
    async with running(file) as (storage, outbox):
        if damage == "nothing":
            assert outbox.lost is None
            assert storage.lost is None
            assert aside(tmp_path) == []
            return
        assert storage.lost is not None
        assert aside(tmp_path) == ["edge.sqlite.broken-1"]
        assert outbox.lost is not None
        assert outbox.lost[0].reason == storage.lost.reason
        seq = await outbox.put(b'{"n":"new"}', drop="visits")
        assert seq == outbox.state.last
        assert storage.read("PRAGMA integrity_check") == [("ok",)]
    async with running(file) as (storage, outbox):
        assert storage.lost is None
        assert outbox.lost is not None, "for a day it is said to whoever asks"


async def test_what_can_be_read_is_sent_again_and_what_cannot_is_declared(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    async with running(file) as (_, outbox):
        events = await put(outbox, 1, 300)
        old, central = outbox.state.epoch, Central()
        batch = outbox.batch(100)
        assert batch is not None
        assert await outbox.acknowledged(central.take(batch)) == "ok"
    for page in leaf_pages(file)[::7]:
        overwrite(file, page, b"\xff" * PAGE)
    async with running(file) as (storage, outbox):
        with pytest.raises(Corrupt):
            outbox.batch()
    async with running(file) as (storage, outbox):
        assert outbox.lost is not None
        lost, _ = outbox.lost
        assert (lost.epoch, lost.acked, lost.last) == (old, 100, 300)
        assert 0 < lost.saved < 200
        assert outbox.state.epoch != old
        new = await put(outbox, 301, 310)
        await drain(outbox, central)
        arrived = [data for _, data in sorted(central.events.items(), key=lambda one: events_order(one[1]))]
        assert len(arrived) == len(set(arrived)) == 100 + lost.saved + 10
        assert set(arrived) <= set(events + new)
        assert sum(gap.count for _, gap in central.gaps) == 200 - lost.saved
        assert {gap.cause for _, gap in central.gaps} == {"corrupt"}
        assert central.forks == 0
        [again] = [seq for (seq,) in storage.read("SELECT seq FROM seen WHERE key = 'k310'")]
        assert await outbox.put(b'{"told":"again"}', drop="visits", key="k310") == again


def events_order(data: bytes) -> int:
    return int(data.split(b",")[0].split(b":")[1])


async def test_changed_bytes_of_an_event_are_found_by_its_seal_and_declared(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    async with running(file) as (storage, outbox):
        events = await put(outbox, 1, 20)
        for seq, how in ((3, "data"), (4, "data"), (9, "swap"), (20, "data")):
            sql = (
                "UPDATE event SET data = substr(data, 1, 40) || x'00' || substr(data, 42) WHERE seq = ?"
                if how == "data"
                else "UPDATE event SET data = (SELECT data FROM event WHERE seq = 10) WHERE seq = ?"
            )
            await change(storage, sql, seq)
        central = Central()
        for _ in range(5):  # What is set aside is declared in a next batch.
            await drain(outbox, central)
            await storage.write(lambda _: None, now=True)
        assert list(central.events.values()) == [events[n - 1] for n in range(1, 21) if n not in (3, 4, 9, 20)]
        gaps = [(gap.first, gap.last, gap.cause, gap.drop) for _, gap in central.gaps]
        assert gaps == [(n, m, "unreadable", "visits") for n, m in ((3, 4), (9, 9), (20, 20))]
        assert outbox.counts["events_aside"] == 4
        assert central.forks == 0


async def test_an_agent_that_meets_damage_while_it_runs_gives_the_database_up(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    events = await made(file)
    async with running(file) as (storage, outbox):
        replica = Replica(storage, Seal(KEY), "ginza")
        await replica.open()
        for page in range(PAGE, file.stat().st_size, PAGE):
            overwrite(file, page, os.urandom(PAGE))
        storage._reader.execute("PRAGMA shrink_memory")
        with pytest.raises(Corrupt):
            outbox.batch()
        await asyncio.wait_for(storage.broken.wait(), 10)
        with pytest.raises(Corrupt):
            await outbox.put(b'{"n":1}', drop="visits")
        assert storage.counts["databases_broken"] == 1
    async with running(file) as (storage, outbox):
        assert outbox.lost is not None
        assert await outbox.put(events[0], drop="visits") == outbox.state.last


@pytest.mark.parametrize("damage", ["a frame", "its head", "its end", "nothing"])
async def test_a_damaged_log_is_noticed_though_sqlite_ends_it_silently(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "edge.sqlite"
    said = killed(file, 40)
    log = tmp_path / "edge.sqlite-wal"
    size = log.stat().st_size
    assert size > 30 * (PAGE + 24)
    if damage == "a frame":
        overwrite(log, 32 + size // 2 // (PAGE + 24) * (PAGE + 24) + 1000, b"\xff" * 100)
    elif damage == "its head":
        overwrite(log, 0, bytes(32))
    elif damage == "its end":  # As a power cut leaves it.
        os.truncate(log, size - 100)
    async with running(file) as (storage, outbox):
        if damage in ("a frame", "its head"):
            assert storage.lost is not None
            assert "log is damaged" in storage.lost.reason
            assert outbox.lost is not None
        else:
            assert storage.lost is None
            assert outbox.state.last >= said - (damage == "its end")


async def test_damage_and_kills_at_any_moment_lose_nothing_that_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    await made(file)
    broken.spoiled(file, "for a test")
    first = broken.set_aside(file)
    assert first is not None
    # Killed here: the database is aside, and no new one was begun; then: begun, and nothing taken over.
    async with Storage.open(file) as storage:
        assert storage.lost is not None
        assert storage.lost.file == first.file
    async with running(file) as (storage, outbox):
        assert storage.lost is not None
        assert outbox.lost is not None
        assert outbox.lost[0].saved == 200
    async with running(file) as (storage, outbox):
        assert storage.lost is None
        assert outbox.state.last == 200
    assert aside(tmp_path) == ["edge.sqlite.broken-1"]


async def test_what_central_has_already_is_not_made_again_when_it_is_told_again(tmp_path: Path) -> None:
    file, central = tmp_path / "edge.sqlite", Central()
    async with running(file) as (storage, outbox):
        await put(outbox, 1, 3)
        await drain(outbox, central)
        storage.spoil("a test")
    async with running(file) as (_, outbox):
        made = await put(outbox, 3, 5)  # A player that never heard that its play was noted.
        await drain(outbox, central)
    assert [event for event in central.events.values() if event in made] == made
    assert len(central.events) == 5


async def test_the_newest_two_stay(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    for n in range(4):
        async with running(file) as (storage, outbox):
            await put(outbox, n, n)
            storage.spoil("for a test")
    assert aside(tmp_path) == ["edge.sqlite.broken", "edge.sqlite.broken-2", "edge.sqlite.broken-3"]
    async with running(file) as (_, outbox):
        assert outbox.state.last == 4, "one event went through four databases"
        central = Central()
        await drain(outbox, central)
        assert len(central.events) == 4
    assert broken.last(file) is not None


async def test_another_key_sets_the_database_aside(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    await made(file)
    other = bytes([1]) * 32
    with pytest.raises(Corrupt):
        async with running(file, other):
            pass
    async with running(file, other) as (_, outbox):
        assert outbox.lost is not None
        assert (outbox.lost[0].acked, outbox.lost[0].last, outbox.lost[0].saved) == (100, 300, 0)
        central = Central()
        await drain(outbox, central)
        assert [(gap.count, gap.cause) for _, gap in central.gaps] == [(200, "corrupt")]


async def test_another_agents_database_is_never_sent_as_ours(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    await made(file)
    with pytest.raises(Corrupt):
        async with running(file, agent="pi-2"):
            pass
    async with running(file, agent="pi-2") as (_, outbox):
        assert outbox.waiting == 0
        assert outbox.lost is not None
        assert outbox.lost[0] == StorageLost(epoch=None, acked=0, last=None, saved=0, reason=outbox.lost[0].reason)


async def test_what_is_saved_before_there_is_a_key_is_checked_when_it_comes(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    events = await made(file)
    async with running(file) as (storage, outbox):
        sql = "UPDATE event SET data = CAST(substr(data, 1, 40) || x'00' || substr(data, 42) AS BLOB) WHERE seq = ?"
        await change(storage, sql, 150)
        storage.spoil("for a test")
    async with Storage.open(file) as storage:
        seal = Seal()
        outbox = Outbox(storage, 1 << 26, seal, "pi-1")
        await outbox.open()
        assert (outbox.waiting, outbox.batch()) == (0, None)
        while_locked = await put(outbox, 301, 305)
        outbox.arrived.clear()
        seal.unlock(KEY)
        await outbox.arrived.wait()
        central = Central()
        await drain(outbox, central)
        assert list(central.events.values()) == [*events[100:149], *events[150:], *while_locked]
        assert [(gap.first, gap.count, gap.cause) for _, gap in central.gaps] == [(50, 1, "unreadable")]


async def test_a_key_that_comes_later_and_is_wrong_gives_the_database_up(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    await made(file)
    async with Storage.open(file) as storage:
        seal = Seal()
        outbox = Outbox(storage, 1 << 26, seal, "pi-1")
        await outbox.open()
        seal.unlock(bytes([1]) * 32)
        await asyncio.wait_for(storage.broken.wait(), 10)
        assert outbox.batch() is None or not storage.read("SELECT 1 FROM aside")


async def test_a_newer_programs_database_is_refused_and_not_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "edge.sqlite"
    async with Storage.open(file) as storage:
        newer = "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('storage', 'later', '')"
        await storage.write(lambda db: db.execute(newer), now=True)
    with pytest.raises(StorageError, match="newer program"):
        async with Storage.open(file):
            pass
    assert aside(tmp_path) == []


async def test_all_files_are_their_owners(tmp_path: Path) -> None:
    file = tmp_path / "agent" / "edge.sqlite"
    old = os.umask(0)
    try:
        async with running(file) as (_, outbox):
            await put(outbox, 1, 5)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {name: mode for name, mode in modes.items() if mode != 0o600} == {}
    assert {"edge.sqlite", "edge.sqlite-wal", "edge.sqlite-shm"} <= modes.keys()


CHILD = """
import asyncio, sys
from pathlib import Path
from edge.outbox import Outbox
from edge.seal import Seal
from edge.storage import Storage

async def main():
    async with Storage.open(Path(sys.argv[1])) as storage:
        outbox = Outbox(storage, 1 << 26, Seal(bytes(32)), "pi-1")
        await outbox.open()
        while True:
            print(await outbox.put(b'{"x":"%s"}' % (b"x" * 300), drop="visits", now=True), flush=True)

asyncio.run(main())
"""


def killed(file: Path, lines: int) -> int:
    """An agent's storage that was killed with -9 after so many commits of its own; the last seq that it said."""
    environment = os.environ | {"PYTHONPATH": str(Path(edge.__file__).parent.parent)}
    child = subprocess.Popen([sys.executable, "-c", CHILD, file], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    with child.stdout:
        said = [line for _, line in zip(range(lines), child.stdout, strict=False)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    child.wait()
    return int([line for line in said if line.endswith("\n")][-1])
