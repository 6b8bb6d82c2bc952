"""Remembers at which reader each signed code was shown, so that a copy of it is refused at another one."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract.signed_code import SignedCode
from edge.storage import Storage

MOST = 10_000
"""Codes remembered; past that the one that was used first is forgotten."""
KEPT = timedelta(minutes=10)
"""How much longer than a code is good it is remembered: clocks differ."""
ELSEWHERE = ""
"""The reader of a code that central knows from another agent."""

migrations = Migrations("replays")


@migrations()
def codes(db: Database) -> None:
    """One row for a code: its digest, which names nobody, and where it was used first."""
    db.execute("""
        CREATE TABLE code_used (code TEXT PRIMARY KEY, reader TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID
    """)


class Replays:
    """Memory answers, the disk follows: nobody at a checkout waits for it, and a restart forgets nothing."""

    def __init__(self, storage: Storage, most: int = MOST) -> None:
        self._storage = storage
        self._most = most
        self._used: dict[str, tuple[str, float]] = {}
        """Where, and until when it is remembered in seconds since 1970; the first used comes first."""

    async def open(self) -> None:
        """Make the table, and know what was used before. Raises StorageError."""
        self._storage.migrate(migrations)
        rows = self._storage.read("SELECT code, reader, until FROM code_used ORDER BY until")
        self._used = {code: (reader, until) for code, reader, until in rows[-self._most :]}

    def used(self, code: SignedCode, reader: str) -> bool:
        """Whether it was shown at another reader before; where not, it is used at this one from now on."""
        first = self._used.get(code.digest)
        if first is None:
            self._keep(code.digest, reader, code.until)
            return False
        return first[0] != reader

    def elsewhere(self, code: SignedCode) -> None:
        """It was shown at a reader of another agent before, as central says."""
        self._keep(code.digest, ELSEWHERE, code.until)

    def purge(self, now: datetime) -> None:
        """Forget what is over; only call this with a clock that is safe."""
        at = now.timestamp()
        over = [code for code, _ in takewhile(lambda one: one[1][1] <= at, self._used.items())]
        for code in over:
            del self._used[code]
        if over:
            _unwaited(self._storage.write(lambda db: db.execute("DELETE FROM code_used WHERE until <= ?", (at,))))

    def _keep(self, code: str, reader: str, until: datetime) -> None:
        row = reader, (until + KEPT).timestamp()
        self._used[code] = row
        gone = next(iter(self._used)) if len(self._used) > self._most else None
        if gone is not None:
            del self._used[gone]

        def keep(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO code_used VALUES (?, ?, ?)", (code, *row))
            if gone is not None:
                db.execute("DELETE FROM code_used WHERE code = ?", (gone,))

        _unwaited(self._storage.write(keep, now=True))


def _unwaited(written: asyncio.Future[Any]) -> None:
    """Nobody waits for it: where a full disk refuses it, the storage counts that."""
    written.add_done_callback(lambda done: done.cancelled() or done.exception())
