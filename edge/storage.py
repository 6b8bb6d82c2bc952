"""Owns the agent's SQLite file: one thread writes it in groups, the event loop reads it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge import broken
from edge.broken import BROKEN, Lost
from edge.disk import Reserve
from edge.errors import Corrupt, EdgeError, Unwritable
from ground import sqlite
from ground.errors import StorageError

log = logging.getLogger(__name__)

Item = TypeVar("Item")
T = TypeVar("T")

DATABASE = "edge.sqlite"
"""The file in an agent's folder."""
GROUP = 0.05
"""Seconds between two commits, unless something must be safe at once."""
MOST_WAITING = 20_000
"""Writes that may wait for the disk; past that they are refused, and counted."""
MOST_TOGETHER = 2_000
"""Writes in one transaction."""
RESERVE = 60.0
"""Seconds between two looks whether there is room to keep back again."""
_INCREMENTAL = 2
LOG, SHORT_LOG = 1000, 50
"""Pages of the log before it is emptied into the file; the first is SQLite's own choice."""
PAGES = 64
"""Pages given back in one go: so long as they take, all other writes wait."""

migrations = Migrations("storage")


@migrations()
def note(db: Database) -> None:
    """Single values by their name."""
    db.execute("CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")


_UNWRITABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""What a full disk is called, by where it was met: IOERR also at an fsync, or as the log's index wants to grow."""


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

    Room is kept back on the disk for when it is full: so what is small goes on for a while (see `short`). A database
    that is found to be broken sets `broken`: close it and open it anew, then it is set aside, and `lost` says so.
    """

    def __init__(
        self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection, thread: ThreadPoolExecutor
    ) -> None:
        self.path = path
        self.broken = asyncio.Event()
        self.lost: Lost | None = None
        """What was set aside at this opening."""
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
        self._given_up = False
        self._reserve = Reserve(path.parent)
        self._short = False
        self._look = 0.0
        """When to look again whether there is room to keep back, of the loop's clock."""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Storage]:
        """Hold the file while inside; all that was handed over is committed at the end. Raises StorageError, Corrupt.

        A broken file is set aside first, and a new one begun.
        """
        with ExitStack() as stack:
            stack.enter_context(sqlite.hold(path, "agent"))
            lost = _set_aside(path)
            short = Reserve(path.parent).give_to_open()
            writer, reader = (stack.enter_context(closing(sqlite.connect(path))) for _ in range(2))
            thread = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage"))
            storage = cls(path, writer, reader, thread)
            storage.lost = lost
            storage.migrate(migrations)
            storage._reserve.make()
            if short:  # Killed on a full disk, before it had met that.
                storage._run_short()
            pump = asyncio.create_task(storage._pump(), name="storage")
            try:
                yield storage
            finally:
                await storage._close(pump)

    def migrate(self, wanted: Migrations) -> None:
        """Bring a store's own tables up to date, before its first write. Raises StorageError, Corrupt."""
        try:
            sqlite.migrate(self._reader, wanted, self.path)
        except StorageError as error:
            if _code(error.__cause__) in BROKEN:
                raise self.spoil(str(error.__cause__)) from error
            raise

    def read(self, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Give rows as they were last committed; on the loop's thread only. Raises Corrupt."""
        try:
            return self._reader.execute(sql, args).fetchall()
        except sqlite3.DatabaseError as error:
            if _code(error) in BROKEN:
                raise self.spoil(str(error)) from error
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the reading connection for several reads of one moment; on the loop's thread only."""
        try:
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._reader.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if _code(error) in BROKEN:
                raise self.spoil(str(error)) from error
            raise

    @property
    def short(self) -> bool:
        """Whether the disk is full, and what is written now lives on what was kept back."""
        return self._short

    def spoil(self, reason: str) -> Corrupt:
        """Give this database up: its next opening sets it aside. Any thread may find it broken."""
        if not self.broken.is_set():
            log.error("the database %s cannot be used any more: %s", self.path, reason)
            self.counts["databases_broken"] += 1
        try:
            broken.spoiled(self.path, reason)
        except OSError as error:  # It is found broken again at the next opening, or where it was now.
            log.error("and that could not be written down: %s", error)
        self._given_up = True
        self._loop.call_soon_threadsafe(self.broken.set)
        return Corrupt(f"The database {self.path} is broken: {reason}.", fix="It is set aside, and a new one begins.")

    async def vacuum(self, go_on: Callable[[], bool]) -> int:
        """Give pages that nothing needs back to the disk, few at a time and while `go_on`; how many.

        Of a file that was made before this could be done, nothing. Raises EdgeError where the disk fails.
        """
        given = 0
        while go_on():
            left = await self.write(_give_back, now=True)
            given += PAGES
            if left <= 0:
                given += left
                break
            await asyncio.sleep(GROUP)
        self.counts["pages_given_back"] += given
        # What was written to the log is in the file now: begin it anew, at its smallest.
        await self._loop.run_in_executor(self._thread, self._empty_log)
        return given

    def _empty_log(self) -> None:
        with suppress(sqlite3.OperationalError):  # Somebody reads, or the disk is full: another night.
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

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
        if self._closing or self._given_up or len(self._jobs) >= MOST_WAITING:
            self.counts["writes_refused"] += 1
            if self._given_up:
                job.answer.set_exception(Corrupt(f"The database {self.path} is broken.", fix="It is set aside."))
                return job.answer
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
            if self._loop.time() >= self._look:
                self._look = self._loop.time() + RESERVE
                self._thread.submit(self._keep_back)
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
            code = _code(error)
            if code in BROKEN:
                raise self.spoil(str(error)) from error
            given = code in _NO_ROOM and self._reserve.give()
            self._short = self._short or given or code == sqlite3.SQLITE_FULL
            if given:
                self._run_short()
                return self._transaction(jobs)
            if code in _UNWRITABLE:
                said = f"The database {self.path} cannot be written: {error}."
                full = "Make room: what was stored is safe, and it goes on by itself."
                fix = full if code == sqlite3.SQLITE_FULL else "Check the card and the folder."
                raise Unwritable(said, fix=fix) from error
            raise
        return results

    def _run_short(self) -> None:
        """Live on what was kept back."""
        log.error("the disk of %s is full: what was kept back of it is in use", self.path)
        self._short = True
        self.counts["disk_full"] += 1
        self._log_pages(SHORT_LOG)

    def _keep_back(self) -> None:
        if self._reserve.make() and self._short:
            log.warning("there is room again on the disk of %s", self.path)
            self._short = False
            self._log_pages(LOG)

    def _log_pages(self, most: int) -> None:
        """Let the log grow to about so many pages before it is emptied; what is kept back should hold events."""
        with suppress(sqlite3.OperationalError):
            self._writer.execute(f"PRAGMA wal_autocheckpoint={most}")
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    async def _close(self, pump: asyncio.Task[None]) -> None:
        self._closing = True
        self._some.set()
        self._hurry.set()
        await pump


def _set_aside(path: Path) -> Lost | None:
    try:
        return broken.set_aside(path)
    except OSError as error:
        if Reserve(path.parent).give():
            return broken.set_aside(path)
        raise StorageError(
            f"The database {path} is broken, and cannot be set aside: {error}.", fix="Make room."
        ) from error


def _give_back(db: sqlite3.Connection) -> int:
    """Give up to PAGES free pages back; how many are left, below 0 as far as there were fewer."""
    [mode] = db.execute("PRAGMA auto_vacuum").fetchone()
    [free] = db.execute("PRAGMA freelist_count").fetchone()
    if mode != _INCREMENTAL:
        return -PAGES
    for _ in range(min(PAGES, free)):
        db.execute("PRAGMA incremental_vacuum(1)")  # It gives a row a page, of which Python's sqlite3 steps over one.
    return int(free) - PAGES


def _code(error: BaseException | None) -> int:
    """SQLite's code; the rest of its bits says more of the same kind."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
