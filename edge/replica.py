"""Keeps what central sent down: each feed's rows with the cursor they brought, read by what decides."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract import feeds
from central.contract.codec import Unreadable, encode
from central.contract.feeds import (
    AGENT,
    CODES,
    FEEDS,
    Codes,
    Manifest,
    Page,
    Product,
    Profile,
    Row,
    Settings,
    Stock,
    Token,
)
from central.contract.topics import CHAIN
from edge.errors import Broken, EdgeError, Locked, Unwritable
from edge.seal import Seal, about
from edge.storage import Storage
from ground.programme.records import Campaign, Content, Layout, Playlist, Store

MOST_ASIDE = 1000
MOST_NEAR = 256
"""Profiles kept decoded: of who is near, whose beacons are heard ten times a second (a full one takes some 50 kB)."""
FEW = 8
"""Rows of one page: what changes of one person, not of many."""
SEALED = {"profiles", "tokens"}
"""Feeds of persons; all others are of nobody, and lie there as they came."""
FIRST = {"profiles", "tokens", "settings", "content", "campaigns", "codes"}
"""Feeds that are taken also while the disk is full, as long as what was kept back of it lasts: withdrawals, alarms."""
Signed = Manifest | Codes
Check = Callable[[str, Signed], object]
"""Sees to it, in the writer thread, that what the row with this key says is central's own; raises EdgeError."""

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
    SELECT scope, version, CAST(body AS BLOB), until FROM row
    WHERE shadow = 0 AND feed = ? AND key = ? AND (until IS NULL OR until > ?)
    ORDER BY scope = ? LIMIT 1"""
_WHOLE = """
    SELECT scope, feed, key, version, CAST(body AS BLOB), until FROM row
    WHERE shadow = 0 AND feed = ? ORDER BY scope <> ?"""
_KEYS = """
    SELECT scope, feed, key, version, CAST(body AS BLOB), until FROM row
    WHERE shadow = 0 AND feed = ? AND key IN (SELECT value FROM json_each(?)) ORDER BY scope <> ?"""
_BOTH = """
    SELECT new.key, new.version, CAST(new.body AS BLOB), new.until, old.version, CAST(old.body AS BLOB), old.until
    FROM row new LEFT JOIN row old ON old.shadow = 0 AND old.feed = new.feed AND old.key = new.key
                                      AND old.scope = new.scope
    WHERE new.shadow = 1 AND new.feed = ? AND new.scope = ?"""
_CARRY = """
    INSERT OR IGNORE INTO row
    SELECT ?, feed, key, scope, version, body, until FROM row
    WHERE shadow = 0 AND feed = ? AND key = ? AND scope = ?"""
_GONE = """
    SELECT key FROM row old WHERE shadow = 0 AND feed = ? AND scope = ? AND NOT EXISTS (
        SELECT 1 FROM row new WHERE new.shadow = 1 AND new.feed = old.feed AND new.key = old.key
                                    AND new.scope = old.scope)"""


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

    def __init__(self, storage: Storage, seal: Seal, store: str) -> None:
        self.counts: Counter[str] = Counter()
        self.check: Check = lambda *_: None
        """To be set before pages come."""
        self.unreadable: list[Callable[[str, str], object]] = []
        """Told the scope and feed of a row that is not as we left it, once until it comes anew: to be pulled anew."""
        self._storage = storage
        self._store = store
        self._rows = _Rows(seal, store, lambda key, signed: self.check(key, signed))
        self._told: set[tuple[str, str]] = set()
        self._whole: dict[str, dict[str, Any]] = {}
        """Feeds of which all is wanted, decoded: products, stock, content."""
        self._valid: dict[str, tuple[float, float]] = {}
        """From when until when each of them is right: a row runs out, or it had, and the clock goes back."""
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
        fails or is full, and Locked.
        """
        if FEEDS.get(page.feed) is None or not page.after <= page.upto <= page.head:
            return None
        cursor = self.cursor(page.scope, page.feed)
        same = Cursor(after=page.upto, generation=page.generation, head=page.head)
        if cursor == same and page.after == page.upto:
            return Applied(feed=page.feed, keys=frozenset())  # Nothing new: not worth a write.
        if self._storage.short and page.feed not in FIRST:
            raise Unwritable(f"The disk is full: {page.feed} must wait.", fix="Make room: it goes on by itself.")
        whole = page.feed in self._whole

        def take(db: sqlite3.Connection) -> tuple[set[str], int, list[tuple[Any, ...]]] | None:
            done = self._rows.apply(db, page)
            return done and (*done, _read_whole(db, page.feed, done[0]) if whole else [])

        # A snapshot is taken part by part: at the pace of group commits a first beginning would take seconds. And
        # somebody may stand at a checkout of whom these few rows are.
        soon = cursor.snapshot or cursor.generation != page.generation
        soon |= page.feed in SEALED and len(page.rows) <= FEW
        done = await self._storage.write(take, now=soon)
        if done is None:
            return None
        keys, aside, rows = done
        self.counts["rows_applied"] += len(page.rows)
        self.counts["rows_aside"] += aside
        if not self.cursor(page.scope, page.feed).snapshot:
            self._told.discard((page.scope, page.feed))
        if not whole:  # Who asked for all of it meanwhile was answered from before.
            self._whole.pop(page.feed, None)
            self._valid.pop(page.feed, None)
        self._refresh(page.feed, keys, rows)
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
            self._whole.pop(one.feed, None)  # Behind what ran out there may be the chain's own.
            self._valid.pop(one.feed, None)
            self._refresh(one.feed, one.keys, [])
        return swept

    @property
    def confirmed(self) -> datetime | None:
        """When consent was last known to be what central knows."""
        kept = self._storage.note("confirmed")
        return datetime.fromisoformat(kept) if kept else None

    def confirmed_in(self, boot: str) -> float | None:
        """As `confirmed`, in seconds of CLOCK_BOOTTIME, where it was in this boot of the machine."""
        kept, _, up = (self._storage.note("confirmed_up") or "").partition(" ")
        return float(up) if kept == boot else None

    async def confirm(self, at: datetime | None, boot: str, up: float) -> None:
        """Consent is now what central knows; kept over a restart. `at` None: nobody knows what time it is."""
        if at is not None:
            await self._storage.keep("confirmed", at.isoformat())
        await self._storage.keep("confirmed_up", f"{boot} {up}")

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

    def token(self, token: str, now: datetime) -> Token | None:
        """Whose beacon or code this is, by its keyed hash; the profile behind it says whether that still holds."""
        found: tuple[Token, float] | None = self._find("tokens", token, now.timestamp())
        return found and found[0]

    def products(self, now: datetime) -> Mapping[str, Product]:
        """All products by their sku; the mapping changes with the feed."""
        return MappingProxyType(self._all("products", now.timestamp()))

    def stock(self, now: datetime) -> Mapping[str, Stock]:
        """This store's stock by sku; the mapping changes with the feed."""
        return MappingProxyType(self._all("stock", now.timestamp()))

    def contents(self, now: datetime) -> Mapping[str, Content]:
        """All contents by their ids; the mapping changes with the feed, as those below do."""
        return MappingProxyType(self._all("content", now.timestamp()))

    def playlists(self, now: datetime) -> Mapping[str, Playlist]:
        return MappingProxyType(self._all("playlists", now.timestamp()))

    def campaigns(self, now: datetime) -> Mapping[str, Campaign]:
        return MappingProxyType(self._all("campaigns", now.timestamp()))

    def layouts(self, now: datetime) -> Mapping[str, Layout]:
        return MappingProxyType(self._all("layouts", now.timestamp()))

    def store(self, now: datetime) -> Store:
        """What central says of this store; where it has said nothing yet, a store without a link in Japan."""
        rows: Iterable[Store] = self._all("stores", now.timestamp()).values()
        return next((row for row in rows if row.store == self._store), Store(store=self._store, name={}))

    def manifest(self, now: datetime) -> Mapping[str, Manifest]:
        """The parts of the list of files, by their keys; each was checked as it came."""
        return MappingProxyType(self._all("manifest", now.timestamp()))

    def codes(self, now: datetime) -> Codes | None:
        """What member codes are in this chain; None where central has not said yet."""
        found: tuple[Codes, float] | None = self._find("codes", CODES, now.timestamp())
        return found and found[0]

    def settings(self, now: datetime) -> Settings | None:
        """What central has set of this store's agents; None where that is nothing."""
        found: tuple[Settings, float] | None = self._find("settings", AGENT, now.timestamp())
        return found and found[0]

    def _find(self, feed: str, key: str, now: float) -> tuple[Any, float] | None:
        """A record and when it runs out."""
        for scope, version, body, until in self._storage.read(_READ, (feed, key, now, CHAIN)):
            record = self._decoded(scope, feed, key, version, body)
            return record and (record, inf if until is None else until)
        return None

    def _all(self, feed: str, now: float) -> dict[str, Any]:
        begin, end = self._valid.get(feed, (inf, -inf))
        if not begin <= now < end:
            self._whole[feed] = {}
            over = [-inf]
            rows = []
            for *row, until in self._storage.read(_WHOLE, (feed, CHAIN)):
                if until is not None and until <= now:
                    over.append(until)
                else:
                    rows.append((*row[:4], self._decoded(*row), until))
            self._valid[feed] = max(over), inf
            self._put(feed, rows)
        return self._whole[feed]

    def _put(self, feed: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Take decoded rows over into what is held of a feed; the store's come last, over the chain's."""
        whole = self._whole[feed]
        for _, _, key, _, record, until in rows:
            if record is None:
                whole.pop(key, None)
            else:
                whole[key] = record
            begin, end = self._valid[feed]
            self._valid[feed] = begin, min(end, inf if until is None else until)

    def _refresh(self, feed: str, keys: Iterable[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if feed == "profiles":
            for key in keys:
                self._near.pop(key, None)
        whole = self._whole.get(feed)
        if whole is None:
            return
        for key in keys:
            whole.pop(key, None)
        # One that has run out is left to the next look, which reads all again.
        self._put(feed, rows)

    def _decoded(self, scope: str, feed: str, key: str, version: int, body: bytes) -> Any | None:
        try:
            return feeds.read(feed, self._rows.opened(feed, key, version, body))
        except Unreadable:  # Taken over by a program with other limits than this one, or a card that forgets.
            self.counts["rows_unreadable"] += 1
        except Broken:
            self.counts["rows_unreadable"] += 1
            if (scope, feed) not in self._told:
                self._told.add((scope, feed))
                for hook in self.unreadable:
                    hook(scope, feed)
        except Locked:
            pass  # Nobody is known before there is a key.
        return None


class _Rows:
    """Changes the rows, in the writer thread; what is of persons is sealed."""

    def __init__(self, seal: Seal, store: str, check: Check) -> None:
        self._seal = seal
        self._store = store
        self._check = check

    def opened(self, feed: str, key: str, version: int, body: bytes) -> bytes:
        """A row's body as central sent it. Raises Locked and Broken."""
        if feed not in SEALED:
            return body
        if body[:1] == b"{":
            raise Broken("It is of before rows were sealed, or not ours: it is pulled anew.")
        return self._seal.open(body, about("row", self._store, feed, key, version))

    def _sealed(self, feed: str, row: Row) -> bytes:
        body = bytes(row.body or b"")
        return self._seal.seal(body, about("row", self._store, feed, row.key, row.version)) if feed in SEALED else body

    def apply(self, db: sqlite3.Connection, page: Page) -> tuple[set[str], int] | None:
        """Take a page over; give the keys that changed and how many rows nobody could read, or None."""
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
        aside = sum([not self._take(db, in_shadow, page, row) for row in page.rows])
        # Of a snapshot: when it began. Deletions that are forgotten after that would be missed.
        head = own.head if own.snapshot and own.after else page.head
        cursor = Cursor(after=page.upto, generation=page.generation, head=head, snapshot=in_shadow)
        # A first page may be an old one that comes late: never in use before central has continued it.
        if in_shadow and goes_on and page.upto == page.head:
            return self._swap(db, page), aside
        _keep_cursor(db, page, cursor)
        return set() if in_shadow else {row.key for row in page.rows}, aside

    def _take(self, db: sqlite3.Connection, shadow: bool, page: Page, row: Row) -> bool:
        """Put a row in its place; False where it cannot be read, or is not central's."""
        if row.body is not None:
            try:
                record = feeds.read(page.feed, bytes(row.body))
                if isinstance(record, Signed):
                    self._check(row.key, record)
            except Unreadable as error:
                self._put_aside(db, page, row, str(error))
            except EdgeError as error:
                self._put_aside(db, page, row, str(error))
                # The last one that was central's goes on: also in a snapshot, which would end it.
                db.execute(_CARRY, (shadow, page.feed, row.key, page.scope))
                return False
            else:
                until = row.until.timestamp() if row.until else None
                values = (shadow, page.feed, row.key, page.scope, row.version, self._sealed(page.feed, row), until)
                db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                return True
        its = (shadow, page.feed, row.key, page.scope)
        db.execute("DELETE FROM row WHERE shadow = ? AND feed = ? AND key = ? AND scope = ?", its)
        return row.body is None

    def _put_aside(self, db: sqlite3.Connection, page: Page, row: Row, said: str) -> None:
        aside = (page.scope, page.feed, row.key, row.version, self._sealed(page.feed, row), said)
        db.execute("INSERT INTO row_aside (scope, feed, key, version, body, said) VALUES (?, ?, ?, ?, ?, ?)", aside)
        db.execute("DELETE FROM row_aside WHERE id <= (SELECT max(id) FROM row_aside) - ?", (MOST_ASIDE,))

    def _swap(self, db: sqlite3.Connection, page: Page) -> set[str]:
        """Put the complete snapshot in use; give the keys at which anything is other than before."""
        its = (page.feed, page.scope)
        keys = {key for (key,) in db.execute(_GONE, its)}
        for key, version, body, until, old_version, old_body, old_until in db.execute(_BOTH, its):
            new, old = (self._compared(page.feed, key, *row) for row in ((version, body), (old_version, old_body)))
            if new != old or until != old_until:
                keys.add(key)
        db.execute("DELETE FROM row WHERE shadow = 0 AND feed = ? AND scope = ?", its)
        db.execute("UPDATE row SET shadow = 0 WHERE shadow = 1 AND feed = ? AND scope = ?", its)
        db.execute("DELETE FROM cursor WHERE feed = ? AND scope = ?", its)
        _keep_cursor(db, page, Cursor(after=page.upto, generation=page.generation, head=page.head))
        return keys

    def _compared(self, feed: str, key: str, version: int, body: bytes | None) -> bytes | None:
        try:
            return body and self.opened(feed, key, version, body)
        except Broken:
            return None


def _read_whole(db: sqlite3.Connection, feed: str, keys: Iterable[str]) -> list[tuple[Any, ...]]:
    """Rows of a feed that is nobody's, decoded here and not on the loop: a first page may bring thousands."""
    rows = db.execute(_KEYS, (feed, encode(sorted(keys)).decode(), CHAIN)).fetchall()
    return [(*row[:4], _of_nobody(feed, row[4]), row[5]) for row in rows]


def _of_nobody(feed: str, body: bytes) -> Any | None:
    try:
        return feeds.read(feed, body)
    except Unreadable:
        return None


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
