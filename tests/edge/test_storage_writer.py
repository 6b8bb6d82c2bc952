"""The one file: what shares a commit, what fails alone, and what happens when the disk is full."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from edge_disk import disk
from edge_wire import turn, until

from edge.errors import EdgeError, Unwritable
from edge.storage import GROUP, MOST_WAITING, PAGES, RESERVE, Storage
from ground.errors import StorageError

Later = Callable[[float], Awaitable[None]]
Work = Callable[[sqlite3.Connection], object]


def insert(value: object) -> Work:
    return lambda db: db.execute("INSERT INTO thing VALUES (?)", (value,)) and value


def limit(pages: int) -> Work:
    """What a full disk is to SQLite: no further page."""
    return lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0]


def things(storage: Storage) -> list[object]:
    return [value for (value,) in storage.read("SELECT value FROM thing ORDER BY rowid")]


@pytest.fixture
async def commits(storage: Storage) -> list[int]:
    """A table of things, and a list that grows by one with every commit."""
    await storage.write(lambda db: db.execute("CREATE TABLE thing (value UNIQUE)"), now=True)
    counted: list[int] = []
    storage.committed.append(lambda: counted.append(1))
    return counted


async def test_an_answer_comes_after_its_commit(storage: Storage, commits: list[int]) -> None:
    assert await storage.write(insert("a"), now=True) == "a"
    assert things(storage) == ["a"]
    assert commits == [1]


async def test_writes_share_commits(storage: Storage, commits: list[int]) -> None:
    answers = await asyncio.gather(*(storage.write(insert(n)) for n in range(500)))
    assert answers == list(range(500)) == things(storage)
    assert len(commits) == 1


async def settled(storage: Storage) -> None:
    """Let all that was handed to the writer thread be done."""
    for _ in range(3):
        await turn()
        await asyncio.get_running_loop().run_in_executor(storage._thread, lambda: None)
    await turn()


async def test_a_write_waits_for_company_no_longer_than_the_group(
    storage: Storage, commits: list[int], still: Later
) -> None:
    await storage.write(insert("a"), now=True)
    waiting = storage.write(insert("b"))
    await still(GROUP * 0.9)
    await settled(storage)
    assert not waiting.done()
    await still(GROUP * 0.2)
    assert await waiting == "b"


async def test_what_must_be_safe_at_once_takes_the_waiting_along(
    storage: Storage, commits: list[int], still: Later
) -> None:
    await storage.write(insert("a"), now=True)
    waiting = storage.write(insert("b"))
    await storage.write(insert("c"), now=True)
    assert waiting.done()
    assert len(commits) == 2


async def test_after_a_pause_nothing_waits(storage: Storage, commits: list[int], still: Later) -> None:
    await storage.write(insert("a"), now=True)
    await still(GROUP)
    assert await storage.write(insert("b")) == "b"


async def test_a_mistake_in_a_hook_leaves_nobody_waiting(tmp_path: Path) -> None:
    def mistake() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        async with Storage.open(tmp_path / "a.sqlite") as storage:
            storage.committed.append(mistake)
            answers = [storage.write(lambda _: None, now=True) for _ in range(2)]
            await asyncio.gather(*answers)
            with pytest.raises(EdgeError):
                await storage.write(lambda _: None, now=True)

    with pytest.raises(ZeroDivisionError):
        await work()


async def test_a_bad_work_fails_alone(storage: Storage, commits: list[int]) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO thing VALUES ('half done')")
        raise ValueError("broken")

    def nonsense(db: sqlite3.Connection) -> None:
        db.execute("SELECT nothing FROM nowhere")

    works: list[Work] = [insert("a"), broken, insert("b"), insert("a"), nonsense, insert("c")]
    answers = await asyncio.gather(*(storage.write(work) for work in works), return_exceptions=True)
    assert things(storage) == ["a", "b", "c"]
    kinds = [type(answer) for answer in answers]
    assert kinds == [str, ValueError, str, sqlite3.IntegrityError, sqlite3.OperationalError, str]
    assert storage.counts["writes_failed"] == 3


async def test_what_is_remembered_beside_the_file_is_forgotten_with_a_failed_transaction(storage: Storage) -> None:
    forgotten: list[int] = []
    storage.rolled_back.append(lambda: forgotten.append(1))
    with pytest.raises(ZeroDivisionError):
        await storage.write(lambda _: 1 // 0)
    assert forgotten


async def test_an_error_among_the_answers_of_many_stops_nobody(storage: Storage, commits: list[int]) -> None:
    calls: list[int] = []

    def work(db: sqlite3.Connection, items: list[int]) -> list[int | EdgeError]:
        calls.append(len(items))
        db.executemany("INSERT INTO thing VALUES (?)", [(item,) for item in items if item != 3])
        return [EdgeError("three") if item == 3 else -item for item in items]

    answers = await asyncio.gather(*(storage.write_each(work, n) for n in range(5)), return_exceptions=True)
    assert [answer if isinstance(answer, int) else str(answer) for answer in answers] == [0, -1, -2, "three", -4]
    assert calls == [5]
    assert things(storage) == [0, 1, 2, 4]


async def test_a_full_disk_is_said_and_there_is_room_again(storage: Storage, commits: list[int]) -> None:
    await storage.write(limit(20))
    answers = await asyncio.gather(
        *(storage.write(insert(str(n) * 3000)) for n in range(10, 40)), return_exceptions=True
    )
    full = [answer for answer in answers if isinstance(answer, Unwritable)]
    assert full
    assert "full" in str(full[0])
    assert len(things(storage)) == len(answers) - len(full) > 0
    assert storage.counts["writes_failed"] == len(full)
    await storage.write(limit(10_000))
    assert await storage.write(insert("room")) == "room"


async def test_nothing_overtakes_what_a_full_disk_refused(storage: Storage, commits: list[int]) -> None:
    await storage.write(limit(20), now=True)
    values = ["a", "b", "c" * 100_000, "d", "e"]
    answers = await asyncio.gather(*(storage.write(insert(value)) for value in values), return_exceptions=True)
    assert answers[:2] == things(storage) == ["a", "b"]
    assert [type(answer) for answer in answers[2:]] == [Unwritable] * 3
    assert storage.counts["writes_failed"] == 3


async def test_what_is_stored_stays_readable_while_a_full_disk_lets_nothing_in(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 12 << 10) as card:
        async with Storage.open(card.path / "a.sqlite") as storage:
            await storage.write(lambda db: db.execute("CREATE TABLE thing (value)"), now=True)
            card.fill(6 << 20)  # The log grows past SQLite's 1000 pages, and then there is no room to empty it.
            stored: list[object] = []
            refused: Unwritable | None = None
            while refused is None:
                try:
                    stored.append(await storage.write(insert(f"{len(stored)} {'x' * 60_000}"), now=True))
                except Unwritable as error:
                    refused = error
            assert "full" in str(refused)
            size, log = (card.path.joinpath(name).stat().st_size for name in ("a.sqlite", "a.sqlite-wal"))
            assert log > 1000 * 4096 > size > 4096
            assert things(storage) == stored
            for _ in range(3):
                with pytest.raises(Unwritable):
                    await storage.write(insert("more" * 15_000), now=True)
            assert things(storage) == stored
            card.free()
            for _ in range(5):
                stored.append(await storage.write(insert("room" * 3000), now=True))
            assert things(storage) == stored
        async with Storage.open(card.path / "a.sqlite") as storage:
            assert things(storage) == stored
            assert storage.read("PRAGMA integrity_check") == [("ok",)]


async def test_a_file_that_cannot_be_written_is_said(storage: Storage, commits: list[int]) -> None:
    await storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
    answers = await asyncio.gather(*(storage.write(insert(n)) for n in range(3)), return_exceptions=True)
    assert [str(answer).startswith("The database") for answer in answers] == [True] * 3
    storage._writer.execute("PRAGMA query_only = 0")
    assert await storage.write(insert("again")) == "again"


async def test_who_stops_waiting_takes_nobody_down(storage: Storage, commits: list[int]) -> None:
    await storage.write(insert("a"), now=True)

    async def impatient() -> None:
        await storage.write(insert("b"))

    leaving = asyncio.create_task(impatient())
    others = storage.write(insert("c"))
    await turn()
    leaving.cancel()
    assert await others == "c"
    assert "c" in things(storage)
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_too_many_waiting_are_refused_and_counted(storage: Storage, commits: list[int]) -> None:
    waiting = [storage.write(lambda _: None) for _ in range(MOST_WAITING)]
    with pytest.raises(Unwritable, match="wait"):
        await storage.write(insert("one more"))
    assert storage.counts["writes_refused"] == 1
    await asyncio.gather(*waiting)
    assert await storage.write(insert("again")) == "again"


async def test_what_was_handed_over_is_committed_at_the_end(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        await storage.write(lambda db: db.execute("CREATE TABLE thing (value)"), now=True)
        answer = storage.write(insert("last"))
    assert answer.result() == "last"
    with pytest.raises(Unwritable):
        await storage.write(insert("too late"))
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        assert things(storage) == ["last"]


async def test_a_second_agent_on_the_file_is_told_so(storage: Storage) -> None:
    with pytest.raises(StorageError, match="Another agent already uses"):
        async with Storage.open(storage.path):
            pass


async def test_several_reads_are_of_one_moment(storage: Storage, commits: list[int]) -> None:
    await storage.write(insert("a"), now=True)
    with storage.reading() as db:
        assert db.execute("SELECT count(*) FROM thing").fetchone() == (1,)
        written = storage.write(insert("b"), now=True)
        await until(written.done)
        assert db.execute("SELECT count(*) FROM thing").fetchone() == (1,)
    assert things(storage) == ["a", "b"]


async def test_the_time_outlives_the_process(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        assert storage.last_wall() is None
        await storage.keep_wall(noon)
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        assert storage.last_wall() == noon


async def test_an_agent_begins_on_a_full_disk_in_the_room_that_it_has_kept_back(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 16 << 10) as card:
        async with Storage.open(card.path / "a.sqlite") as storage:
            await storage.write(lambda db: db.execute("CREATE TABLE thing (value)"), now=True)
        card.fill()  # And it was killed before it had written anything.
        async with Storage.open(card.path / "a.sqlite") as storage:
            assert (storage.short, storage.counts["disk_full"]) == (True, 1)
            await storage.write(insert("kept"), now=True)
            assert things(storage) == ["kept"]


async def test_room_is_kept_back_for_when_the_disk_is_full(tmp_path: Path, later: Later) -> None:
    with disk(tmp_path / "disk", 16 << 10) as card:
        async with Storage.open(card.path / "a.sqlite") as storage:
            await storage.write(lambda db: db.execute("CREATE TABLE thing (value)"), now=True)
            assert (storage.short, things(storage)) == (False, [])
            card.fill()
            for n in range(300):  # More than one page each.
                await storage.write(insert(f"{n} {'x' * 3000}"), now=True)
            assert [storage.short] == [True]
            assert storage.counts["disk_full"] == 1
            answers = [storage.write(insert(f"{n} {'x' * 3000}")) for n in range(300, 2000)]
            full = await asyncio.gather(*answers, return_exceptions=True)
            assert isinstance(full[-1], Unwritable)
            kept = things(storage)
            await later(RESERVE)
            assert [storage.short] == [True], "there is no room to be kept back"
            card.free()
            await later(RESERVE)
            await storage.write(insert("room"), now=True)
            await settled(storage)
            assert (storage.short, things(storage)) == (False, [*kept, "room"])
            assert storage.read("PRAGMA integrity_check") == [("ok",)]


def made(table: str, db: sqlite3.Connection) -> None:
    db.execute(f"CREATE TABLE {table} (value)")


async def test_what_a_full_disk_broke_off_leaves_nothing_half_done(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 4 << 10) as card:
        async with Storage.open(card.path / "a.sqlite") as storage:
            for table in ("thing", "other"):
                await storage.write(partial(made, table), now=True)
            card.fill()

            def both(db: sqlite3.Connection) -> int:
                db.execute("INSERT INTO thing VALUES (?)", ("x" * 20_000,))
                return db.execute("INSERT INTO other VALUES (?)", ("y" * 20_000,)).rowcount

            answers = await asyncio.gather(*(storage.write(both) for _ in range(300)), return_exceptions=True)
            done = answers.count(1)
            assert isinstance(answers[-1], Unwritable)
            assert storage.read("SELECT (SELECT count(*) FROM thing), (SELECT count(*) FROM other)") == [(done, done)]
            assert done > 5


async def test_pages_that_nothing_needs_go_back_to_the_disk_in_steps(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    async with Storage.open(file) as storage:
        await storage.write(lambda db: db.execute("CREATE TABLE thing (value)"), now=True)
        await asyncio.gather(*(storage.write(insert("x" * 3000)) for _ in range(1000)))
        await storage.write(lambda db: db.execute("DELETE FROM thing WHERE rowid % 10 > 0"), now=True)
        [[free]] = storage.read("PRAGMA freelist_count")
        assert free > 500
        steps = iter([True, True, False])
        assert await storage.vacuum(lambda: next(steps)) == 2 * PAGES
        assert storage.read("PRAGMA freelist_count") == [(free - 2 * PAGES,)]
        between = asyncio.create_task(storage.vacuum(lambda: True))
        await storage.write(insert("y"), now=True)
        assert not between.done(), "a write that comes in between does not wait for all of it"
        assert await between == free - 2 * PAGES - storage.read("PRAGMA freelist_count")[0][0]
        assert storage.read("PRAGMA freelist_count") == [(0,)]
        assert file.with_name("a.sqlite-wal").stat().st_size == 0
        assert file.stat().st_size < 1000 * 4096 / 2
        assert len(things(storage)) == 101
