"""Counts how often a campaign was shown to a member today and on a screen this hour, and keeps no names for it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
import sqlite3
from collections import defaultdict, deque
from datetime import date, timedelta
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from edge.audience import Offer
from edge.errors import EdgeError, Locked
from edge.model import ScreenId
from edge.seal import Seal, about
from edge.storage import Storage

log = logging.getLogger(__name__)

KEPT = timedelta(days=2)
"""How long a play counts at most: a day, by whatever clock."""
UNHEARD = 120.0
"""Seconds after which a scene of which no play was told was none."""
HOUR = 3600.0
_KEY = "member_play_key"

migrations = Migrations("frequency")


@migrations()
def plays(db: Database) -> None:
    """One row for a member and a play: whose of which campaign on which day is a keyed hash."""
    db.execute("""
        CREATE TABLE member_play (mark BLOB, play TEXT, day TEXT NOT NULL, PRIMARY KEY (mark, play)) WITHOUT ROWID
    """)
    db.execute("CREATE INDEX member_play_day ON member_play (day)")


class Frequency:
    """What was shown counts at once; that it was played is kept over a restart. Days are of the store's calendar."""

    def __init__(self, storage: Storage, seal: Seal, store: str) -> None:
        self._storage = storage
        self._seal = seal
        self._store = store
        self._key: bytes | None = None
        self._plays: dict[bytes, set[str]] = {}
        """Plays by mark, of those that were asked for today."""
        self._day = date.min
        self._shown: dict[str, tuple[float, tuple[bytes, ...]]] = {}
        """Scenes that were sent and of which no play was told yet: since when, and for which marks."""
        self._hours: defaultdict[tuple[ScreenId, str], deque[float]] = defaultdict(deque)

    async def open(self) -> None:
        """Make the table. Raises StorageError."""
        self._storage.migrate(migrations)

    def begin(self, day: date) -> None:
        """It is this day in the store, perhaps another than before: what has been counted long enough goes."""
        if day != self._day:
            self._day = day
            self._plays.clear()
            _unwaited(self._storage.write(lambda db: _purge(db, day)))

    def may(self, offer: Offer, people: tuple[str, ...], screen: ScreenId, now: float) -> bool:
        """Whether it may be shown to these members once more; `now` in seconds of CLOCK_MONOTONIC."""
        campaign = offer.campaign
        hour = self._hours[screen, campaign.campaign]
        while hour and hour[0] <= now - HOUR:
            hour.popleft()
        if campaign.per_hour is not None and len(hour) >= campaign.per_hour:
            return False
        if campaign.per_member is None:
            return True
        for scene in [scene for scene, (since, _) in self._shown.items() if since < now - UNHEARD]:
            del self._shown[scene]
        marks = self._marks(campaign.campaign, people, self._day)
        return all(self._count(mark) < campaign.per_member for mark in marks)

    def shown(self, offer: Offer, scene: str, people: tuple[str, ...], screen: ScreenId, now: float) -> None:
        """A screen was sent it."""
        self._hours[screen, offer.campaign.campaign].append(now)
        if offer.campaign.per_member is not None:
            self._shown[scene] = now, self._marks(offer.campaign.campaign, people, self._day)

    def played(self, campaign: str, scene: str, play: str, people: tuple[str, ...], day: date) -> None:
        """A scene of it was on a screen; the same play again counts once."""
        self._shown.pop(scene, None)
        try:
            marks = self._marks(campaign, people, day)
        except Locked:  # Nobody is known by now.
            return
        for mark in marks:
            self._known(mark).add(play)
        _unwaited(self._storage.write(lambda db: _keep(db, marks, play, day)))

    def _count(self, mark: bytes) -> int:
        return len(self._known(mark)) + sum(mark in marks for _, marks in self._shown.values())

    def _known(self, mark: bytes) -> set[str]:
        if mark not in self._plays:
            rows = self._storage.read("SELECT play FROM member_play WHERE mark = ?", (mark,))
            self._plays[mark] = {play for (play,) in rows}
        return self._plays[mark]

    def _marks(self, campaign: str, people: tuple[str, ...], day: date) -> tuple[bytes, ...]:
        key = self._secret()
        return tuple(
            hmac.digest(key, "\0".join((person, campaign, day.isoformat())).encode(), hashlib.sha256)[:16]
            for person in people
        )

    def _secret(self) -> bytes:
        if self._key is None:
            kept = self._storage.note(_KEY)
            its = about(_KEY, self._store)
            try:
                self._key = self._seal.open(base64.b64decode(kept), its) if kept else None
            except EdgeError as error:
                if isinstance(error, Locked):
                    raise
                # Sealed with another key: what was counted under it is nobody's any more.
                log.warning("what was shown to members is counted anew: %s", error)
            if self._key is None:
                self._key = secrets.token_bytes(32)
                sealed = base64.b64encode(self._seal.seal(self._key, its)).decode()
                _unwaited(
                    self._storage.write(
                        lambda db: db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (_KEY, sealed)), now=True
                    )
                )
        return self._key


def _unwaited(written: asyncio.Future[Any]) -> None:
    """Nobody waits for it: where a full disk refuses it, the storage counts that."""
    written.add_done_callback(lambda done: done.cancelled() or done.exception())


def _keep(db: sqlite3.Connection, marks: tuple[bytes, ...], play: str, day: date) -> None:
    rows = [(mark, play, day.isoformat()) for mark in marks]
    db.executemany("INSERT OR IGNORE INTO member_play VALUES (?, ?, ?)", rows)


def _purge(db: sqlite3.Connection, day: date) -> None:
    db.execute("DELETE FROM member_play WHERE day < ?", ((day - KEPT).isoformat(),))
