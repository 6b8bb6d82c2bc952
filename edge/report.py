"""Commits what happened to the outbox, in order, so that no screen ever waits for a disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from central.contract import events
from central.contract.batches import DropClass
from edge.clock import Clock
from edge.errors import OutboxFull, Unwritable
from edge.ledger import Cause
from edge.outbox import Outbox
from ground.errors import NorenError

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Events that may wait for the disk; past that the oldest play goes, and where there is none the oldest event."""
TOGETHER = 200
"""Events that share a commit."""
AGAIN = 1.0
"""Seconds between two tries to have the disk take what it refused."""


@dataclass(slots=True, kw_only=True)
class _Fact:
    body: Any
    born: events.Born
    key: str | None
    then: Callable[[], object] | None
    deferred: bool = False


class Report:
    """Takes what happened at once, with the times of that moment; it is a fact when its commit has returned.

    What a full or failing disk refuses waits in its order, and is tried until the disk takes it. What in the end
    nothing could keep is declared in its place, so that central knows how much it was.
    """

    def __init__(self, outbox: Outbox, clock: Clock, most: int = MOST_WAITING) -> None:
        self.counts: Counter[str] = Counter()
        self._outbox = outbox
        self._clock = clock
        self._most = most
        self._facts: deque[_Fact] = deque()
        self._committing: list[_Fact] = []
        self._keys: set[str] = set()
        """Of what waits and of what is being committed."""
        self._some = asyncio.Event()
        self._refused = False
        """The disk took nothing when it was last asked."""
        self._put_off = False
        self._owed: Counter[tuple[DropClass, Cause]] = Counter()
        """What nothing could keep, and is not declared yet."""

    @property
    def busy(self) -> bool:
        """Whether there is something left to commit."""
        return bool(self._facts or self._committing or self._owed)

    def happened(self, body: Any, *, key: str | None = None, then: Callable[[], object] | None = None) -> None:
        """Report a body of central.contract.events.KINDS; `key` again is stored once, `then` is called once it is."""
        if key is not None:
            if key in self._keys:
                return  # It waits already: a player tells its plays again at each connection.
            self._keys.add(key)
        self._facts.append(_Fact(body=body, born=self._clock.born(), key=key, then=then))
        self._trim()
        self._some.set()

    def made_room(self) -> bool:
        """Whether plays that had to go for want of room may be told again; said once."""
        said = self._put_off and not self.busy
        self._put_off = self._put_off and not said
        return said

    async def run(self) -> None:
        """Commit until cancelled; what the disk has not taken by then is lost, counted and said."""
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                while self._facts or self._owed:
                    if not await self._commit_some():
                        await asyncio.sleep(AGAIN)
        finally:
            # What the disk was just asked to take, the storage commits as it closes, unless the disk is full.
            self._leave([*(self._committing if self._refused else ()), *self._facts])

    async def _commit_some(self) -> bool:
        """Commit what has waited longest; False where the disk does not take it. One event tells whether it does."""
        if not await self._declare():
            self._refused = True
            return False
        count = min(1 if self._refused else TOGETHER, len(self._facts))
        self._committing = [self._facts.popleft() for _ in range(count)]
        errors = await asyncio.gather(*map(self._commit, self._committing))
        refused = [fact for fact, error in zip(self._committing, errors, strict=True) if error]
        self._committing = []
        self._facts.extendleft(reversed(refused))
        if refused and not self._refused:
            log.error("events wait until the disk takes them: %s", next(filter(None, errors)))
        elif self._refused and not refused:
            log.warning("the disk takes events again; %d wait for it", len(self._facts))
        self._refused = bool(refused)
        if refused:
            self._defer()
            self._trim()
        return not refused

    async def _declare(self) -> bool:
        """Say what is gone before what comes after it; False where the disk does not take even that."""
        owed = self._owed
        if not owed:
            return True
        self._owed = Counter()
        said = [self._outbox.declare(count, drop, cause) for (drop, cause), count in owed.items()]
        for answer, (what, count) in zip(said, owed.items(), strict=True):
            try:
                await answer
            except Unwritable:
                self._owed[what] += count
        return not self._owed

    async def _commit(self, fact: _Fact) -> Unwritable | None:
        try:
            event = events.make(fact.body, fact.born)
            await self._outbox.put(event, drop=events.class_of(fact.body), key=fact.key)
        except Unwritable as error:
            return error
        except NorenError as error:
            # No room in the outbox's budget, or an event that is none: the store goes on, the count says so.
            self.counts["events_unkept"] += 1
            if isinstance(error, OutboxFull):
                self._owed[events.class_of(fact.body), "outbox_full"] += 1
            log.error("an event could not be kept: %s", error)
        else:
            if fact.then:
                fact.then()
        self._keys.discard(fact.key or "")
        return None

    def _leave(self, facts: list[_Fact]) -> None:
        if not facts:
            return
        plays = sum(isinstance(fact.body, events.Played) for fact in facts)
        self.counts["plays_put_off"] += plays
        self.counts["events_lost"] += len(facts) - plays
        log.error(
            "%d events that the disk has not taken are lost with this agent; %d plays are told again by their players",
            len(facts) - plays,
            plays,
        )

    def _defer(self) -> None:
        for fact in self._facts:
            self.counts["events_deferred"] += not fact.deferred
            fact.deferred = True

    def _trim(self) -> None:
        while len(self._facts) > self._most:
            # A player keeps a play until it is noted, and tells it again; nobody else keeps a visit or a scan.
            plays = (place for place, fact in enumerate(self._facts) if isinstance(fact.body, events.Played))
            place = next(plays, 0)
            gone = self._facts[place]
            del self._facts[place]
            self._keys.discard(gone.key or "")
            if isinstance(gone.body, events.Played):
                self._put_off = True
                self.counts["plays_put_off"] += 1
            else:
                self.counts["events_overrun"] += 1
                self._owed[events.class_of(gone.body), "disk_full"] += 1
