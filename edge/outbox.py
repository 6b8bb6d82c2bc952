"""Keeps events from their commit until central has them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Literal

import msgspec

from central.contract import batches
from central.contract.batches import MAX_BATCH, MAX_EVENT, MAX_EVENTS, Ack, Batch, DropClass, Gap, Origin
from central.contract.events import StorageLost
from edge import ledger, salvage
from edge.broken import Lost
from edge.errors import Broken, EdgeError
from edge.ledger import CLASSES, Cause, Ledger, Put, State
from edge.seal import Seal, about
from edge.storage import Storage

log = logging.getLogger(__name__)

_LOST = "lost"
"""The name of the note of what a broken database lost."""
SENT = 500
"""Batches whose ends are remembered, while this process runs."""


# A damaged row may call its bytes a text: cast, it is found by what it is sealed with.
_EVENTS = "SELECT seq, seq, CAST(data AS BLOB), class, NULL, origin, was FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
_GAPS = "SELECT max(first, ?), last, chain, class, cause, NULL, NULL FROM gap WHERE last > ? ORDER BY first LIMIT ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    lost: StorageLost
    at: float


class Outbox:
    """One agent's events, each a fact once its `put` returns. `state` is as of the last commit.

    `budget` is in bytes of events and their rows; `wall` gives seconds since 1970. `board` is the serial number of
    the board that this runs on: when it is another than the file's, the card was copied, and a new epoch begins.
    Without a key nothing waits to be sent, as nothing can be opened; what is put is kept.
    """

    def __init__(
        self,
        storage: Storage,
        budget: int,
        seal: Seal,
        agent: str,
        *,
        wall: Callable[[], float] = time.time,
        board: str = "",
    ) -> None:
        self.state = State(epoch="none")
        self.arrived = asyncio.Event()
        """Set with every commit after which something waits; who waits for it clears it."""
        self._storage = storage
        self._ledger = Ledger(budget, wall, seal)
        self._wall = wall
        self._seal = seal
        self._agent = agent
        self._board = board
        self._too_large = 0
        self._setting_aside = False
        self._sent: deque[tuple[str, int, str | None]] = deque(maxlen=SENT)
        """The epochs, ends and chains of our last batches: an event may be dropped while its answer is under way."""

    async def open(self) -> None:
        """Make the tables, and an epoch where there is none. Raises StorageError, Corrupt."""
        self._storage.migrate(ledger.migrations)
        self._storage.rolled_back.append(self._rolled_back)
        self._storage.committed.append(self._committed)
        try:
            await self._storage.write(lambda db: self._ledger.begin(db, self._board, self._agent), now=True)
        except Broken as error:
            raise self._storage.spoil(str(error)) from error
        if self._storage.lost is not None:
            await self._take_over(self._storage.lost)
        self._seal.on_unlock.append(self._unlocked)

    @property
    def lost(self) -> tuple[StorageLost, datetime] | None:
        """What this device's last broken database lost, and when that was found."""
        note = self._storage.note(_LOST)
        if note is None:
            return None
        kept = msgspec.json.decode(note, type=_Lost)
        return kept.lost, datetime.fromtimestamp(kept.at, UTC)

    @property
    def waiting(self) -> int:
        """Seqs that central does not have, and can be sent."""
        return self.state.last - self.state.acked if self.state.chain and not self._seal.locked else 0

    @property
    def counts(self) -> dict[str, int]:
        """For health."""
        return {
            "events_made": self.state.last,
            "outbox_waiting": self.state.last - self.state.acked,
            "outbox_bytes": sum(self.state.sizes),
            "events_dropped": self.state.dropped,
            "events_refused": self.state.refused + self._too_large,
            "events_aside": self.state.aside,
        }

    def put(self, event: bytes, *, drop: DropClass, key: str | None = None, now: bool = False) -> asyncio.Future[int]:
        """Keep an event (as events.make gave it). Awaited, gives its seq once that is committed: then it is a fact.

        The same key again gives the same seq and keeps nothing twice. Raises OutboxFull where only events that are
        worth more could make room, Unwritable where the disk does not take it now, EdgeError where it is too large.
        """
        # White space around it would not come through a batch, and break the chain there.
        event = event.strip()
        if len(event) > MAX_EVENT:
            self._too_large += 1
            said = f"An event of {len(event)} bytes is over the {MAX_EVENT} that the outbox takes."
            raise EdgeError(said, fix="This is a mistake of its maker.")
        return self._storage.write_each(self._ledger.insert, Put(event, CLASSES.index(drop), key), now)

    def declare(self, count: int, drop: DropClass, cause: Cause = "disk_full") -> asyncio.Future[None]:
        """Say in their place that so many events happened which nothing could keep; central will know."""
        rank = CLASSES.index(drop)
        return self._storage.write(lambda db: self._ledger.declare(db, count, rank, cause))

    def batch(self, limit: int = MAX_EVENTS) -> Batch | None:
        """What follows the last acknowledged seq, at most `limit` events and gaps; None when nothing waits.

        What is not as we left it is set aside, and its gap follows with the next batch.
        """
        if not self.waiting:
            return None
        with self._storage.reading() as db:
            batch, broken = _following(db, self._seal, limit)
            if batch is not None:
                end = batch.epoch, batch.last, ledger.chain_at(db, batch.last)
                if end not in self._sent:
                    self._sent.append(end)
        if broken and not self._setting_aside:
            self._setting_aside = True
            said = self._storage.write(lambda db: self._ledger.set_aside(db, broken), now=True)
            said.add_done_callback(self._set_aside)
        return batch

    def acknowledged(self, ack: Ack) -> asyncio.Future[Literal["ok", "ignored", "fork"]]:
        """Move the cursor to where central is, forward or back; what it has is kept for 72 h, as far as there is room.

        "ignored": of another epoch. "fork": its chain is not ours, so that somebody else sent under our name.
        Before what we still hold it cannot be compared, and is believed; not so inside a gap, where no batch of ours
        ended: it would pass over what central may never have had.
        """
        sent = next((chain for *its, chain in self._sent if its == [ack.epoch, ack.seq]), None)
        # At once: the next batch waits for it.
        return self._storage.write(lambda db: self._ledger.acknowledge(db, ack, sent), now=True)

    def fork(self) -> asyncio.Future[None]:
        """Begin a new epoch with what is not acknowledged, on a new chain, saying of each event where it stood."""
        return self._storage.write(self._ledger.fork, now=True)

    def set_aside(self, seq: int) -> asyncio.Future[None]:
        """Declare an event that central cannot read a gap, and keep its bytes for a person to look at."""
        return self._storage.write(lambda db: self._ledger.set_aside(db, [seq]), now=True)

    async def _take_over(self, lost: Lost) -> None:
        """Put what a broken database still holds before all that is new, and note what it lost."""

        def work(db: sqlite3.Connection, rows: bool) -> StorageLost:
            with salvage.opened(lost.file, self._seal, self._agent) as wreck:
                saved = self._ledger.adopt(db, wreck.rows(), wreck.known()) if rows else 0
            its, last = wreck.state, wreck.last
            told = StorageLost(
                epoch=its.epoch if its else None,
                acked=its.acked if its else 0,
                last=last if its else None,
                saved=saved,
                reason=lost.reason[:200],
            )
            note = msgspec.json.encode(_Lost(lost=told, at=self._wall())).decode()
            db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (_LOST, note))
            return told

        try:
            told = await self._storage.write(lambda db: work(db, True), now=True)
        except EdgeError as error:
            # The store goes on without: what can be read still lies in the file that was set aside.
            log.error("nothing could be taken over from %s: %s", lost.file.name, error)
            told = await self._storage.write(lambda db: work(db, False), now=True)
        log.error("of the broken database %d events are saved, of %s up to %s", told.saved, told.acked, told.last)
        lost.forget()

    def _set_aside(self, done: asyncio.Future[None]) -> None:
        self._setting_aside = False
        if done.cancelled() or done.exception() is None:
            return
        log.warning("an event that is not as we left it could not be set aside: %s", done.exception())

    def _unlocked(self) -> None:
        """Do what waited for the key; the hook of `Seal.unlock`, so on the loop."""
        self._storage.write(self._ledger.unlock, now=True).add_done_callback(self._checked)

    def _checked(self, done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Broken):
            self._storage.spoil(str(error))
        elif error is not None:
            log.warning("what waited for the key could not be done: %s", error)
        elif self.waiting:
            self.arrived.set()

    def _rolled_back(self) -> None:
        self._ledger.state = None

    def _committed(self) -> None:
        # On the loop, between two transactions: the writer thread rests.
        state = self._ledger.state
        if state is None or state is self.state:
            return
        self.state = state
        if self.waiting:
            self.arrived.set()


def _following(db: sqlite3.Connection, seal: Seal, limit: int) -> tuple[Batch | None, list[int]]:
    """What comes after the last acknowledged seq, at most `limit` events and gaps; call it in a read transaction.

    And what of it must be set aside first, as it is not as we left it: the batch ends before.
    """
    [kept] = db.execute("SELECT state FROM outbox").fetchone()
    state = msgspec.json.decode(kept, type=State)
    held = db.execute(_EVENTS, (state.acked, limit)).fetchall()
    held += db.execute(_GAPS, (state.acked + 1, state.acked, limit))
    seq, size = state.acked, 0
    taken: list[msgspec.Raw] = []
    gaps: list[Gap] = []
    origins: list[Origin] = []
    broken: list[int] = []
    place = about("event", state.epoch, "")
    for first, last, content, rank, cause, origin, was in sorted(held, key=itemgetter(0))[:limit]:
        if cause:
            drop, count = CLASSES[rank], last - first + 1
            gap = Gap(first=first, last=last, drop=drop, count=count, cause=cause, chain=content.hex())
            if not broken:
                gaps.append(gap)
                seq = last
            continue
        try:
            event = seal.open(content, about("event", origin, was) if origin else place + b"%d" % first)
        except Broken:
            broken.append(first)
            continue
        if (size := size + len(event)) > MAX_BATCH:
            break
        if not broken:
            taken.append(batches.raw(event))
            if origin:
                origins.append(Origin(seq=first, epoch=origin, was=was))
            seq = last
    if seq == state.acked:
        return None, broken
    batch = Batch(
        epoch=state.epoch,
        first=state.acked + 1,
        last=seq,
        oldest=state.floor + 1,
        prev=state.acked_chain,
        events=tuple(taken),
        gaps=tuple(gaps),
        origins=tuple(origins),
    )
    return batch, broken
