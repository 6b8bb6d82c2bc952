"""Commits what happened to the outbox, in order, so that no screen ever waits for a disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from central.contract import events
from edge.clock import Clock
from edge.outbox import Outbox
from ground.errors import NorenError

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Events that may wait for the disk; past that the oldest goes, counted."""
TOGETHER = 200
"""Events that share a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    body: Any
    born: events.Born
    key: str | None
    then: Callable[[], object] | None


class Report:
    """Takes what happened at once, with the times of that moment; it is a fact when its commit has returned."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._outbox = outbox
        self._clock = clock
        self._facts: deque[_Fact] = deque(maxlen=MOST_WAITING)
        self._some = asyncio.Event()
        self._committing = 0

    @property
    def busy(self) -> bool:
        """Whether there is something left to commit."""
        return bool(self._facts) or self._committing > 0

    def happened(self, body: Any, *, key: str | None = None, then: Callable[[], object] | None = None) -> None:
        """Report a body of central.contract.events.KINDS; `key` again is stored once, `then` is called once it is."""
        if len(self._facts) == MOST_WAITING:
            self.counts["events_overrun"] += 1
        self._facts.append(_Fact(body=body, born=self._clock.born(), key=key, then=then))
        self._some.set()

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._facts:
                together = [self._facts.popleft() for _ in range(min(TOGETHER, len(self._facts)))]
                self._committing = len(together)
                await asyncio.gather(*(self._commit(fact) for fact in together))
                self._committing = 0

    async def _commit(self, fact: _Fact) -> None:
        try:
            event = events.make(fact.body, fact.born)
            await self._outbox.put(event, drop=events.class_of(fact.body), key=fact.key)
        except NorenError as error:
            # A full disk or outbox, or an event that is none: the store goes on, the count says so.
            self.counts["events_unkept"] += 1
            log.error("an event could not be kept: %s", error)
            return
        if fact.then:
            fact.then()
