"""Owns the agent's SQLite file: one thread writes it in groups, the event loop reads it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.errors import EdgeError, Unwritable
from ground import sqlite

Item = TypeVar("Item")
T = TypeVar("T")

GROUP = 0.05
"""Seconds between two commits, unless something must be safe at once."""
MOST_WAITING = 20_000
"""Writes that may wait for the disk; past that they are refused, and counted."""
MOST_TOGETHER = 2_000
"""Writes in one transaction."""

migrations = Migrations("storage")


@migrations()
def note(db: Database) -> None:
    """Single values by their name."""
    db.execute("CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")


_UNWRITABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection, list[Any]], list[Any]]
    item: Any
    answer: asyncio.Future[Any]

    def take(self, outcome: Any) -> None:
        """Give the answer, unless nobody waits for it any more."""
        if self.answer.done():
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Storage:
    """The file. `await storage.write(work)` runs `work` in the writer thread and answers once it is committed.

    A work may run twice, when a neighbour in its transaction fails: what it remembers outside the file it must forget
    again in `rolled_back` (called in the writer thread). `committed` is called on the loop, before who waits goes on.
    """

    def __init__(
        self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection, thread: ThreadPoolExecutor
    ) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.committed: list[Callable[[], None]] = []
        self.rolled_back: list[Callable[[], None]] = []
        self._writer = writer
        self._reader = reader
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[_Job] = deque()
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = False

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Storage]:
        """Hold the file while inside; all that was handed over is committed at the end. Raises StorageError."""
        with (
            sqlite.hold(path, "agent"),
            closing(sqlite.connect(path)) as writer,
            closing(sqlite.connect(path)) as reader,
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage") as thread,
        ):
            storage = cls(path, writer, reader, thread)
            storage.migrate(migrations)
            pump = asyncio.create_task(storage._pump(), name="storage")
            try:
                yield storage
            finally:
                await storage._close(pump)

    def migrate(self, wanted: Migrations) -> None:
        """Bring a store's own tables up to date, before its first write. Raises StorageError."""
        sqlite.migrate(self._reader, wanted, self.path)

    def read(self, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Give rows as they were last committed; on the loop's thread only."""
        return self._reader.execute(sql, args).fetchall()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the reading connection for several reads of one moment; on the loop's thread only."""
        self._reader.execute("BEGIN")
        try:
            yield self._reader
        finally:
            self._reader.execute("COMMIT")

    def write(self, work: Callable[[sqlite3.Connection], T], now: bool = False) -> asyncio.Future[T]:
        """Do `work` in a transaction shared with others, ≤ 50 ms from now or at once; the answer follows its commit.

        Raises Unwritable for a full disk, a file that cannot be written or too many waiting: then this and all that
        came after it in the same transaction is refused. Raises what `work` itself raises: then the others are stored.
        """
        return self.write_each(lambda db, _: [work(db)], None, now)

    def write_each(
        self, work: Callable[[sqlite3.Connection, list[Item]], list[T | EdgeError]], item: Item, now: bool = False
    ) -> asyncio.Future[T]:
        """As `write`, where many items wait for the same `work`: it gets all of a transaction and answers each.

        An EdgeError among its answers is raised to that item's caller; the transaction stands.
        """
        job = _Job(work, item, self._loop.create_future())
        if self._closing or len(self._jobs) >= MOST_WAITING:
            self.counts["writes_refused"] += 1
            said = f"{len(self._jobs)} writes wait for {self.path}, which is too slow or closed."
            job.answer.set_exception(Unwritable(said, fix="Exchange the card if this goes on."))
            return job.answer
        self._jobs.append(job)
        self._some.set()
        if now or len(self._jobs) >= MOST_TOGETHER:
            self._hurry.set()
        return job.answer

    def note(self, name: str) -> str | None:
        """A single value that was kept under this name."""
        kept = self.read("SELECT value FROM note WHERE name = ?", (name,))
        return kept[0][0] if kept else None

    async def keep(self, name: str, value: str) -> None:
        """Keep a single value over a restart."""
        await self.write(lambda db: db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value)))

    def last_wall(self) -> datetime | None:
        """The last time kept; for the clock."""
        kept = self.note("wall")
        return datetime.fromisoformat(kept) if kept else None

    async def keep_wall(self, at: datetime) -> None:
        """Keep this time; for the clock."""
        await self.keep("wall", at.isoformat())

    async def _pump(self) -> None:
        last = -GROUP
        try:
            while not self._closing or self._jobs:
                await self._some.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(last + GROUP):
                        await self._hurry.wait()
                jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), MOST_TOGETHER))]
                if not self._jobs and not self._closing:
                    self._some.clear()
                    self._hurry.clear()
                if jobs:
                    await self._store(jobs)
                last = self._loop.time()
        finally:  # In order nothing is left; after a mistake in a hook nobody must wait for ever.
            self._closing = True
            for job in self._jobs:
                job.take(Unwritable(f"The storage of {self.path} has ended.", fix="Start anew."))

    async def _store(self, jobs: list[_Job]) -> BaseException | None:
        # The one crossing into the writer thread: whatever a work raised comes back here and goes to its caller.
        crossing = self._loop.run_in_executor(self._thread, self._transaction, jobs)
        outcomes: Sequence[list[Any] | BaseException] = await asyncio.gather(crossing, return_exceptions=True)
        outcome = outcomes[0]
        if not isinstance(outcome, BaseException):
            for job, result in zip(jobs, outcome, strict=True):
                job.take(result)
            for hook in self.committed:
                hook()
            return None
        if len(jobs) == 1:
            self.counts["writes_failed"] += 1
            jobs[0].take(outcome)
            return outcome
        failed: BaseException | None = None
        for job in jobs:
            # After one that the disk did not take, none may overtake it.
            if isinstance(failed, Unwritable):
                self.counts["writes_failed"] += 1
                job.take(failed)
            else:
                failed = await self._store([job])
        return failed

    def _transaction(self, jobs: list[_Job]) -> list[Any]:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            results: list[Any] = []
            for work, same in groupby(jobs, key=attrgetter("work")):
                results += work(self._writer, [job.item for job in same])
            self._writer.execute("COMMIT")
        except BaseException as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            for forget in self.rolled_back:
                forget()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # The rest says more of the same kind.
            if code in _UNWRITABLE:
                said = f"The database {self.path} cannot be written: {error}."
                full = "Make room: what was stored is safe, and it goes on by itself."
                fix = full if code == sqlite3.SQLITE_FULL else "Check the card and the folder."
                raise Unwritable(said, fix=fix) from error
            raise
        return results

    async def _close(self, pump: asyncio.Task[None]) -> None:
        self._closing = True
        self._some.set()
        self._hurry.set()
        await pump
