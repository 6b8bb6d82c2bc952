"""Keeps what central sent down: each feed's rows with the cursor they brought, read by what decides."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract import feeds
from central.contract.codec import Unreadable
from central.contract.feeds import FEEDS, Content, Page, Product, Profile, Row, Stock, Token
from central.contract.topics import CHAIN
from edge.storage import Storage

MOST_ASIDE = 1000
MOST_NEAR = 256
"""Profiles kept decoded: of who is near, whose beacons are heard ten times a second (a full one takes some 50 kB)."""

migrations = Migrations("replica")


@migrations()
def tables(db: Database) -> None:
    """The rows in use, those of a snapshot that is not complete yet, a cursor for each, and rows nobody could read."""
    db.execute("""
        CREATE TABLE row (shadow INTEGER, feed TEXT, key TEXT, scope TEXT, version INTEGER NOT NULL,
                          body BLOB NOT NULL, until REAL, PRIMARY KEY (shadow, feed, key, scope)) WITHOUT ROWID
    """)
    db.execute("CREATE INDEX row_until ON row (until) WHERE until IS NOT NULL")
    db.execute("""
        CREATE TABLE cursor (scope TEXT, feed TEXT, shadow INTEGER, after INTEGER NOT NULL, generation TEXT NOT NULL,
                             head INTEGER NOT NULL, PRIMARY KEY (scope, feed, shadow)) WITHOUT ROWID
    """)
    db.execute("""
        CREATE TABLE row_aside (id INTEGER PRIMARY KEY, scope TEXT, feed TEXT, key TEXT, version INTEGER, body BLOB,
                                said TEXT)
    """)


_CURSORS = "SELECT shadow, after, generation, head FROM cursor WHERE scope = ? AND feed = ? ORDER BY shadow"
_READ = """
    SELECT body, until FROM row WHERE shadow = 0 AND feed = ? AND key = ? AND (until IS NULL OR until > ?)
    ORDER BY scope = ? LIMIT 1"""

_CHANGED = """
    WITH old AS (SELECT key, body, until FROM row WHERE shadow = 0 AND feed = ? AND scope = ?),
         new AS (SELECT key, body, until FROM row WHERE shadow = 1 AND feed = ? AND scope = ?)
    SELECT key FROM (SELECT * FROM old EXCEPT SELECT * FROM new)
    UNION SELECT key FROM (SELECT * FROM new EXCEPT SELECT * FROM old)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a feed of a scope has come, and what to ask for next."""

    after: int = 0
    generation: str = ""
    head: int = 0
    """Of the last page; of a snapshot: when it began."""
    snapshot: bool = False
    """The rows it brings are not in use yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a page changed for who reads."""

    feed: str
    keys: frozenset[str]


class Replica:
    """The feeds as of the last page that was applied whole. Rows of the store win over those of the chain."""

    def __init__(self, storage: Storage) -> None:
        self.counts: Counter[str] = Counter()
        self._storage = storage
        self._whole: dict[str, dict[str, Any]] = {}
        self._near: dict[str, tuple[Profile, float]] = {}
        """Profiles and when they run out; who was asked for last is last."""

    async def open(self) -> None:
        """Make the tables. Raises StorageError."""
        self._storage.migrate(migrations)

    def cursor(self, scope: str, feed: str) -> Cursor:
        """From where to pull next."""
        return _newest(self._storage.read(_CURSORS, (scope, feed)))

    async def apply(self, page: Page) -> Applied | None:
        """Take a page over in one transaction with its cursor; None where it does not continue ours.

        Another generation, or a cursor that central's memory of deletions does not reach back to, begins a snapshot:
        it replaces the rows in use once it is complete and central has continued it. A row that cannot be read is set
        aside and what was at its key deleted, for what consent it carried is unknown. Raises EdgeError where the disk
        fails.
        """
        if FEEDS.get(page.feed) is None or not page.after <= page.upto <= page.head:
            return None
        cursor = self.cursor(page.scope, page.feed)
        same = Cursor(after=page.upto, generation=page.generation, head=page.head)
        if cursor == same and page.after == page.upto:
            return Applied(feed=page.feed, keys=frozenset())  # Nothing new: not worth a write.
        done = await self._storage.write(lambda db: _apply(db, page))
        if done is None:
            return None
        keys, aside = done
        self.counts["rows_applied"] += len(page.rows)
        self.counts["rows_aside"] += aside
        self._refresh(page.feed, keys)
        return Applied(feed=page.feed, keys=frozenset(keys))

    async def restart(self, scope: str, feed: str) -> None:
        """Take the whole feed anew from the next pull on; what is there stays in use until then."""
        generation = self.cursor(scope, feed).generation
        await self._storage.write(lambda db: _begin_snapshot(db, scope, feed, generation))

    async def sweep(self, now: datetime) -> list[Applied]:
        """Delete what has run out; only call this with a clock that is safe."""
        if not self._storage.read("SELECT 1 FROM row WHERE until <= ? LIMIT 1", (now.timestamp(),)):
            return []
        gone: list[tuple[str, str]] = await self._storage.write(
            lambda db: db.execute("DELETE FROM row WHERE until <= ? RETURNING feed, key", (now.timestamp(),)).fetchall()
        )
        swept = [Applied(feed=feed, keys=frozenset(key for its, key in gone if its == feed)) for feed in dict(gone)]
        for one in swept:
            self._refresh(one.feed, one.keys)
        return swept

    @property
    def confirmed(self) -> datetime | None:
        """When consent was last known to be what central knows."""
        kept = self._storage.note("confirmed")
        return datetime.fromisoformat(kept) if kept else None

    async def confirm(self, at: datetime) -> None:
        """Consent is now what central knows; kept over a restart."""
        await self._storage.keep("confirmed", at.isoformat())

    def profile(self, customer: str, now: datetime) -> Profile | None:
        """What we may know of a customer; None for who did not agree, and once it has run out."""
        at = now.timestamp()
        near = self._near.pop(customer, None)
        if near is None or near[1] <= at:
            near = self._find("profiles", customer, at)
            if near is None:
                return None
            if len(self._near) >= MOST_NEAR:
                del self._near[next(iter(self._near))]
        self._near[customer] = near
        return near[0]

    def token(self, token: str) -> Token | None:
        """Whose beacon or code this is, by its keyed hash; the profile behind it says whether that still holds."""
        found: tuple[Token, float] | None = self._find("tokens", token, 0.0)
        return found and found[0]

    def products(self) -> Mapping[str, Product]:
        """All products by their sku; the mapping changes with the feed."""
        return MappingProxyType(self._all("products"))

    def stock(self) -> Mapping[str, Stock]:
        """This store's stock by sku; the mapping changes with the feed."""
        return MappingProxyType(self._all("stock"))

    def content(self) -> tuple[Content, ...]:
        """The anonymous loop, in its order."""
        items: Iterable[Content] = self._all("content").values()
        return tuple(sorted(items, key=lambda item: (item.order, item.content)))

    def _find(self, feed: str, key: str, now: float) -> tuple[Any, float] | None:
        """A record and when it runs out."""
        for body, until in self._storage.read(_READ, (feed, key, now, CHAIN)):
            record = self._decoded(feed, body)
            return record and (record, inf if until is None else until)
        return None

    def _all(self, feed: str) -> dict[str, Any]:
        if feed not in self._whole:
            # The store's rows come last, over the chain's.
            rows = self._storage.read(
                "SELECT key, body FROM row WHERE shadow = 0 AND feed = ? ORDER BY scope <> ?", (feed, CHAIN)
            )
            decoded = {key: self._decoded(feed, body) for key, body in rows}
            self._whole[feed] = {key: record for key, record in decoded.items() if record is not None}
        return self._whole[feed]

    def _refresh(self, feed: str, keys: Iterable[str]) -> None:
        if feed == "profiles":
            for key in keys:
                self._near.pop(key, None)
        whole = self._whole.get(feed)
        if whole is None:
            return
        for key in keys:
            found = self._find(feed, key, 0.0)
            if found is None:
                whole.pop(key, None)
            else:
                whole[key] = found[0]

    def _decoded(self, feed: str, body: bytes) -> Any | None:
        try:
            return feeds.read(feed, body)
        except Unreadable:  # Taken over by a program with other limits than this one.
            self.counts["rows_unreadable"] += 1
            return None


# What follows runs in the writer thread.


def _apply(db: sqlite3.Connection, page: Page) -> tuple[set[str], int] | None:
    own = _newest(db.execute(_CURSORS, (page.scope, page.feed)).fetchall())
    goes_on = page.after == own.after and page.generation == own.generation
    if goes_on and own.after and page.horizon > (own.head if own.snapshot else own.after):
        # Deletions that we have not heard of are forgotten: what we hold of them would stay for ever.
        _begin_snapshot(db, page.scope, page.feed, page.generation)
        return set(), 0
    if not goes_on:
        if page.after or (page.generation == own.generation and page.horizon <= own.after <= page.head):
            return None
        _begin_snapshot(db, page.scope, page.feed, page.generation)
    in_shadow = own.snapshot or not goes_on
    aside = sum([not _take(db, in_shadow, page, row) for row in page.rows])
    # Of a snapshot: when it began. Deletions that are forgotten after that would be missed.
    head = own.head if own.snapshot and own.after else page.head
    cursor = Cursor(after=page.upto, generation=page.generation, head=head, snapshot=in_shadow)
    # A first page may be an old one that comes late: never in use before central has continued it.
    if in_shadow and goes_on and page.upto == page.head:
        return _swap(db, page), aside
    _keep_cursor(db, page, cursor)
    return set() if in_shadow else {row.key for row in page.rows}, aside


def _take(db: sqlite3.Connection, shadow: bool, page: Page, row: Row) -> bool:
    """Put a row in its place; False where it cannot be read."""
    if row.body is not None:
        try:
            feeds.read(page.feed, bytes(row.body))
        except Unreadable as error:
            aside = (page.scope, page.feed, row.key, row.version, bytes(row.body), str(error))
            db.execute("INSERT INTO row_aside (scope, feed, key, version, body, said) VALUES (?, ?, ?, ?, ?, ?)", aside)
            db.execute("DELETE FROM row_aside WHERE id <= (SELECT max(id) FROM row_aside) - ?", (MOST_ASIDE,))
        else:
            until = row.until.timestamp() if row.until else None
            values = (shadow, page.feed, row.key, page.scope, row.version, bytes(row.body), until)
            db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            return True
    its = (shadow, page.feed, row.key, page.scope)
    db.execute("DELETE FROM row WHERE shadow = ? AND feed = ? AND key = ? AND scope = ?", its)
    return row.body is None


def _swap(db: sqlite3.Connection, page: Page) -> set[str]:
    """Put the complete snapshot in use; give the keys at which anything is other than before."""
    its = (page.feed, page.scope)
    changed = db.execute(_CHANGED, its * 2)
    keys = {key for (key,) in changed.fetchall()}
    db.execute("DELETE FROM row WHERE shadow = 0 AND feed = ? AND scope = ?", its)
    db.execute("UPDATE row SET shadow = 0 WHERE shadow = 1 AND feed = ? AND scope = ?", its)
    db.execute("DELETE FROM cursor WHERE feed = ? AND scope = ?", its)
    _keep_cursor(db, page, Cursor(after=page.upto, generation=page.generation, head=page.head))
    return keys


def _begin_snapshot(db: sqlite3.Connection, scope: str, feed: str, generation: str) -> None:
    db.execute("DELETE FROM row WHERE shadow = 1 AND feed = ? AND scope = ?", (feed, scope))
    db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, 1, 0, ?, 0)", (scope, feed, generation))


def _keep_cursor(db: sqlite3.Connection, page: Page, cursor: Cursor) -> None:
    values = (page.scope, page.feed, int(cursor.snapshot), cursor.after, cursor.generation, cursor.head)
    db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?, ?, ?)", values)


def _newest(cursors: list[tuple[int, int, str, int]]) -> Cursor:
    """The cursor of a snapshot under way, or else that of the rows in use."""
    if not cursors:
        return Cursor()
    shadow, after, generation, head = cursors[-1]
    return Cursor(after=after, generation=generation, head=head, snapshot=bool(shadow))
