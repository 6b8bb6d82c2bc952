"""Turns what is dirty into rows with versions, for the stores that have it now and those that had it before."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from central.contract import codec, topics
from central.contract.feeds import CODES, MAX_ROW, Codes, Heads
from central.errors import KeysUnusable
from central.feeds.manifests import DIGITS, Sign
from central.feeds.rows import SUBJECTS, Hands, Place, Wanted
from central.storage.database import put, reading, writing
from central.storage.tables import dirty, feed_row, generation, head

log = logging.getLogger(__name__)

Publish = Callable[[str, bytes], None]
_STEP = 500
"""Marks worked off in one transaction: what a writer may have to wait for."""
_EVERY_S = 1.0
"""How often marks of other processes are looked for."""
_ASKED = 1000
"""Stores that wait to be told again; the oldest is dropped: its agents pull by themselves as well."""
PERSONAL = ("profiles", "tokens")
"""Feeds whose keys say who somebody is: no log has them."""
REMEMBERED = timedelta(days=30)
"""How long a tombstone is kept: a store that was away for longer takes everything anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a row becomes; without a body its tombstone."""

    place: Place
    owner: str
    body: str | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A row as it stands; without a body its tombstone."""

    owner: str
    body: str | None
    until: datetime | None = None


def project(
    connection: Connection,
    chain_key: bytes,
    at: datetime,
    sign: Sign | None = None,
    codes: Callable[[], Codes] | None = None,
) -> frozenset[str] | None:
    """Work off the oldest marks and give the scopes that changed; None when nothing was dirty."""
    hands = Hands(chain_key=chain_key, sign=sign, codes=codes)
    _alone(connection)
    marks = connection.execute(select(dirty).order_by(dirty.c.id).limit(_STEP)).all()
    if not marks:
        return None
    connection.execute(dirty.delete().where(dirty.c.id.in_([mark.id for mark in marks])))
    wanted: dict[Place, Wanted] = {}
    there: dict[Place, There] = {}
    for subject, (feeds, make) in SUBJECTS.items():
        keys = sorted({mark.key for mark in marks if mark.subject == subject})
        if keys:
            wanted |= {row.place: row for row in make(connection, keys, hands) if _fits(row)}
            there |= _rows_of(connection, feeds, keys)
    found = changes(wanted, there)
    keep(connection, found, at)
    return frozenset(change.place.scope for change in found)


def changes(wanted: Mapping[Place, Wanted], there: Mapping[Place, There]) -> list[Change]:
    """What must become a new version, in the order of places: rows that are new or other, tombstones for the rest."""
    new = [
        Change(place=place, owner=row.owner, body=row.body.decode(), until=row.until)
        for place, row in wanted.items()
        if place not in there or (there[place].body, there[place].until) != (row.body.decode(), row.until)
    ]
    gone = [
        Change(place=place, owner=row.owner, body=None)
        for place, row in there.items()
        if place not in wanted and row.body is not None
    ]
    return sorted(new + gone, key=lambda change: change.place)


def forget(connection: Connection, before: datetime) -> None:
    """Delete tombstones from before then; cursors below the new horizon begin anew."""
    _alone(connection)
    old = (feed_row.c.body.is_(None), feed_row.c.at < before)
    ask = select(feed_row.c.scope, feed_row.c.feed, func.max(feed_row.c.version).label("version")).where(*old)
    for row in connection.execute(ask.group_by(feed_row.c.scope, feed_row.c.feed).order_by("scope", "feed")).all():
        where = (head.c.scope == row.scope, head.c.feed == row.feed)
        connection.execute(head.update().where(*where, head.c.horizon < row.version).values(horizon=row.version))
    connection.execute(feed_row.delete().where(*old))


def heads(connection: Connection, scopes: Iterable[str] | None = None) -> list[Heads]:
    """Give the heads of these scopes, or of all."""
    now = connection.scalar(select(generation.c.generation)) or ""
    ask = select(head).order_by(head.c.scope, head.c.feed)
    if scopes is not None:
        ask = ask.where(head.c.scope.in_(list(scopes)))
    by_scope = groupby(connection.execute(ask).all(), key=lambda row: row.scope)
    return [Heads(scope=scope, generation=now, heads={row.feed: row.head for row in rows}) for scope, rows in by_scope]


class Projector:
    """The thread that keeps the feeds right and tells the stores how far they are."""

    def __init__(
        self,
        engine: Engine,
        chain_key: bytes,
        hint: Publish,
        now: Callable[[], datetime],
        sign: Sign | None = None,
        codes: Callable[[], Codes] | None = None,
    ) -> None:
        self._engine = engine
        self._sign = sign
        self._codes = codes
        self._known_codes: Codes | None = None
        self._chain_key = chain_key
        self._hint = hint
        self._now = now
        self._woken = threading.Event()
        self._closed = False
        self._repair = False
        self._changed: set[str] = set()
        """Scopes whose stores have not been told yet."""
        self._asked: deque[str] = deque(maxlen=_ASKED)
        self._forgot: datetime | None = None

    def repair(self) -> None:
        """Tell all heads again: a broker may have forgotten them."""
        self._repair = True
        self._woken.set()

    def wake(self) -> None:
        """Look at once for what is dirty, not at the next look; from any thread."""
        self._woken.set()

    def tell(self, store: str) -> None:
        """Look at once, and tell this store its heads again also where nothing changed; from any thread."""
        self._asked.append(store)
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    def run(self) -> None:
        """Work until closed."""
        while not self._closed:
            try:
                self.step()
            except DBAPIError as error:
                log.warning("the feeds could not be brought up to date now: %s", error.orig)
            except KeysUnusable as error:
                log.error("the feeds could not be brought up to date now: %s", error)
            self._woken.wait(_EVERY_S)
            self._woken.clear()

    def step(self) -> None:
        """Work off everything that is dirty, and publish the heads of what changed."""
        if self._forgot is None or self._now() - self._forgot > timedelta(days=1):
            self._daily(self._now())
        self._notice_codes()
        while self._is_dirty():
            with writing(self._engine) as connection:
                changed = project(connection, self._chain_key, self._now(), self._sign, self._codes) or frozenset()
            self._changed |= changed
        while self._asked:
            self._changed.add(self._asked.popleft())
        if self._changed or self._repair:
            # Taken only now: what failed above is told at the next step.
            all_of_them, self._repair = self._repair, False
            told, self._changed = self._changed, set()
            with reading(self._engine) as connection:
                for one in heads(connection, None if all_of_them else told):
                    self._hint(topics.heads(one.scope), codec.pack(one))

    def _daily(self, at: datetime) -> None:
        with writing(self._engine) as connection:
            forget(connection, at - REMEMBERED)
            # The key that signs may be another now.
            connection.execute(dirty.insert(), [{"subject": "asset", "key": digit} for digit in DIGITS])
        self._forgot = at

    def _notice_codes(self) -> None:
        """A command beside us makes a key, somebody takes one out, one ends; cards are others when central starts."""
        try:
            now = self._codes() if self._codes else None
        except KeysUnusable as error:
            log.error("what member codes are could not be read now: %s", error)
            return  # What is dirty is not to wait for it.
        if now != self._known_codes:
            with writing(self._engine) as connection:
                connection.execute(dirty.insert(), [{"subject": "codes", "key": CODES}])
            self._known_codes = now

    def _is_dirty(self) -> bool:
        # Asked without the writer's lock: most of the time nothing is.
        with reading(self._engine) as connection:
            return connection.scalar(select(dirty.c.id).limit(1)) is not None


def _alone(connection: Connection) -> None:
    # Two projectors at once could put an older state over a newer one.
    connection.execute(select(generation.c.generation).with_for_update())


def _fits(row: Wanted) -> bool:
    # One too large could be on no page, and would hold up all that comes after it. What was there before goes: it may
    # say that somebody agrees who no longer does.
    if len(row.body) <= MAX_ROW:
        return True
    place, size = row.place, len(row.body)
    name = hashlib.sha256(place.key.encode()).hexdigest()[:12] if place.feed in PERSONAL else place.key
    said = "the row %s of %s for %s has %d bytes, more than the %d that a page takes: no store has it now"
    log.error(said, name, place.feed, place.scope, size, MAX_ROW)
    return False


def _rows_of(connection: Connection, feeds: tuple[str, ...], owners: list[str]) -> dict[Place, There]:
    rows = connection.execute(select(feed_row).where(feed_row.c.owner.in_(owners), feed_row.c.feed.in_(feeds)))
    return {
        Place(scope=row.scope, feed=row.feed, key=row.key): There(owner=row.owner, body=row.body, until=row.until)
        for row in rows
    }


def keep(connection: Connection, found: list[Change], at: datetime) -> None:
    """Make each of these, in the order of places, the next version of its feed."""
    # Heads are taken in sorted order, and held until the commit: no reader can pass a version that comes later.
    for (scope, feed), group in groupby(found, key=lambda change: (change.place.scope, change.place.feed)):
        changed = list(group)
        put(connection, head, [{"scope": scope, "feed": feed, "head": 0, "horizon": 0}], replace=False)
        where = (head.c.scope == scope, head.c.feed == feed)
        connection.execute(head.update().where(*where).values(head=head.c.head + len(changed)))
        last = connection.scalar(select(head.c.head).where(*where)) or 0
        rows = [
            {"scope": scope, "feed": feed, "key": change.place.key, "owner": change.owner, "body": change.body}
            | {"version": last - len(changed) + nth, "until": change.until, "at": at}
            for nth, change in enumerate(changed, 1)
        ]
        put(connection, feed_row, rows)
