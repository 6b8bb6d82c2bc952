"""Keeps events from their commit until central has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from central.contract.batches import MAX_EVENT, MAX_EVENTS, Ack, Batch, DropClass
from edge import ledger
from edge.errors import EdgeError
from edge.ledger import CLASSES, Ledger, Put, State
from edge.storage import Storage


class Outbox:
    """One agent's events, each a fact once its `put` returns. `state` is as of the last commit.

    `budget` is in bytes of events and their rows; `wall` gives seconds since 1970. `board` is the serial number of
    the board that this runs on: when it is another than the file's, the card was copied, and a new epoch begins.
    """

    def __init__(
        self, storage: Storage, budget: int, *, wall: Callable[[], float] = time.time, board: str = ""
    ) -> None:
        self.state = State(epoch="none")
        self.arrived = asyncio.Event()
        """Set with every commit after which something waits; who waits for it clears it."""
        self._storage = storage
        self._ledger = Ledger(budget, wall)
        self._board = board
        self._too_large = 0

    async def open(self) -> None:
        """Make the tables, and an epoch where there is none. Raises StorageError."""
        self._storage.migrate(ledger.migrations)
        self._storage.rolled_back.append(self._rolled_back)
        self._storage.committed.append(self._committed)
        await self._storage.write(lambda db: self._ledger.begin(db, self._board), now=True)

    @property
    def waiting(self) -> int:
        """Seqs that central does not have."""
        return self.state.last - self.state.acked

    @property
    def counts(self) -> dict[str, int]:
        """For health."""
        return {
            "events_made": self.state.last,
            "outbox_waiting": self.waiting,
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

    def batch(self, limit: int = MAX_EVENTS) -> Batch | None:
        """What follows the last acknowledged seq, at most `limit` events and gaps; None when nothing waits."""
        with self._storage.reading() as db:
            return ledger.following(db, limit)

    def acknowledged(self, ack: Ack) -> asyncio.Future[Literal["ok", "ignored", "fork"]]:
        """Move the cursor to where central is, forward or back; what it has is kept for 72 h, as far as there is room.

        "ignored": of another epoch. "fork": its chain is not ours, so that somebody else sent under our name.
        An ack inside a gap, or before what we still hold, cannot be compared and is believed.
        """
        # At once: the next batch waits for it.
        return self._storage.write(lambda db: self._ledger.acknowledge(db, ack), now=True)

    def fork(self) -> asyncio.Future[None]:
        """Begin a new epoch with what is not acknowledged, on a new chain, saying of each event where it stood."""
        return self._storage.write(self._ledger.fork, now=True)

    def set_aside(self, seq: int) -> asyncio.Future[None]:
        """Declare an event that central cannot read a gap, and keep its bytes for a person to look at."""
        return self._storage.write(lambda db: self._ledger.set_aside(db, seq), now=True)

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
