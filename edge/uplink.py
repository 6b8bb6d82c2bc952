"""Sends the outbox to central, one batch at a time, and believes only central's own acknowledgement."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from central.contract import events, topics
from central.contract.batches import MAX_EVENTS, Ack, Batch, Nack, digest
from central.contract.codec import Unreadable, pack, unpack
from edge.clock import Clock
from edge.errors import EdgeError
from edge.outbox import Outbox
from edge.ports import Link
from edge.supervise import delays

log = logging.getLogger(__name__)

GATHER = 0.2
"""Seconds that few events wait for company."""
ANSWER = 5.0
"""Seconds within which central answers; then the batch is sent again, each time later."""
SOON = 0.2
"""The part of them after which a hint has us send again: it says that central is there, and may not have been before.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """The batch under way; `asked` is the uptime when anything that ends where it does was first sent."""

    batch: Batch
    digest: str
    asked: float


class Uplink:
    """The way up.

    Call `connected` at every connection and `hinted` at every word of central to all; `on_ack` and `on_nack` take those
    topics' payloads. `on_set_back` is called when central no longer has what it had acknowledged: it was restored.
    """

    def __init__(self, outbox: Outbox, link: Link, clock: Clock, store: str, agent: str) -> None:
        self.counts: Counter[str] = Counter()
        self.on_set_back: list[Callable[[], None]] = []
        self._outbox = outbox
        self._link = link
        self._clock = clock
        self._topic = topics.of_agent(store, agent, "up")
        self._limit = MAX_EVENTS
        self._connections = 0
        self._sent: _Sent | None = None
        self._answered = asyncio.Event()
        self._patience: asyncio.Timeout | None = None
        self._newest: datetime | None = None
        """Central's time in the newest acknowledgement."""
        self._soon = 0.0
        """When a hint may end our patience, of the loop's clock."""

    def connected(self) -> None:
        """Send at once: what was under way is lost or will be answered twice, and both are harmless."""
        self._connections += 1
        self._answered.set()
        self._outbox.arrived.set()

    def hinted(self) -> None:
        """Wait no longer than need be for an answer: central is there, and may not have been when we sent."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(max(self._soon, asyncio.get_running_loop().time()))

    async def run(self) -> None:
        """Send whatever waits whenever there is a connection, until cancelled."""
        waits = delays(ANSWER)
        while True:
            if not self._link.connected or not self._outbox.waiting:
                await self._outbox.arrived.wait()
                self._outbox.arrived.clear()
                continue
            if self._outbox.waiting < MAX_EVENTS:
                await asyncio.sleep(GATHER)
            before, unkept = self._progress(), self.counts["acks_failed"]
            await self._send()
            seconds = next(waits)
            try:
                async with asyncio.timeout(seconds) as self._patience:
                    self._soon = asyncio.get_running_loop().time() + SOON * seconds
                    # An answer that moves nothing is none: or two machines could turn at full speed.
                    while self._progress() == before:
                        self._answered.clear()
                        await self._answered.wait()
            except TimeoutError:
                self.counts["acks_missed"] += 1
                if self.counts["acks_failed"] > unkept:
                    waits = delays(ANSWER)  # It is our disk that is full: central need not be spared.
            else:
                waits = delays(ANSWER)
            finally:
                self._patience = None

    async def on_ack(self, payload: bytes) -> None:
        """Move on to where central is."""
        try:
            ack = unpack(payload, Ack)
        except Unreadable:
            self.counts["acks_unreadable"] += 1
            return
        before = self._outbox.state
        try:
            result = await self._outbox.acknowledged(ack)
            self.counts[f"acks_{result}"] += 1
            if result == "fork":
                await self._fork()
            elif result == "ok":
                if ack.seq < before.acked:
                    self._went_back(ack)
                await self._heard(ack)
        except EdgeError as error:  # A full disk: central is asked again.
            self.counts["acks_failed"] += 1
            log.warning("an acknowledgement could not be kept: %s", error)

    async def on_nack(self, payload: bytes) -> None:
        """Send less at a time; what cannot be read alone is set aside."""
        try:
            nack = unpack(payload, Nack)
        except Unreadable:
            self.counts["nacks_unreadable"] += 1
            return
        sent = self._sent
        if sent is None or nack.digest != sent.digest:
            self.counts["nacks_ignored"] += 1
            return
        self.counts["nacks"] += 1
        self._sent = None
        parts = len(sent.batch.events) + len(sent.batch.gaps)
        if parts > 1:
            self._limit = parts // 2
        elif sent.batch.events:
            log.error("central cannot read event %d of epoch %s: %s", sent.batch.first, sent.batch.epoch, nack.reason)
            try:
                await self._outbox.set_aside(sent.batch.first)
            except EdgeError as error:
                log.warning("an event could not be set aside: %s", error)
        self._answered.set()

    async def owe(self) -> None:
        """Report what central must know of this boot's clock; what the disk refuses stays owed."""
        offset = self._clock.owed()
        if offset is None:
            return
        try:
            await self._outbox.put(events.make(offset, self._clock.born()), drop=events.class_of(offset))
        except EdgeError as error:
            self.counts["offsets_failed"] += 1
            log.warning("what central must know of this clock could not be kept: %s", error)
        else:
            self._clock.told(offset)

    async def _send(self) -> None:
        batch = self._outbox.batch(self._limit)
        if batch is None:
            return
        # Deflating a full batch takes a small board some 40 ms: not on the loop.
        payload = await asyncio.to_thread(pack, batch)
        before, asked = self._sent, self._clock.uptime()
        if before is not None and (before.batch.epoch, before.batch.last) == (batch.epoch, batch.last):
            asked = before.asked  # An answer to the first one may come after the second was sent.
        self._sent = _Sent(batch=batch, digest=digest(payload), asked=asked)
        sent = self._link.publish(self._topic, payload)
        self.counts["batches_sent" if sent else "batches_unsent"] += 1

    async def _heard(self, ack: Ack) -> None:
        sent = self._sent
        self._newest = max(self._newest or ack.time, ack.time)
        self._limit = min(MAX_EVENTS, self._limit * 2)
        self._answered.set()
        if sent is None or (ack.epoch, ack.seq) != (sent.batch.epoch, sent.batch.last):
            return  # An answer to who knows which question says nothing of the time now.
        self._sent = None
        self._clock.heard(ack.time, sent.asked)
        await self.owe()

    def _went_back(self, ack: Ack) -> None:
        # An old acknowledgement that comes late goes back too, but it is older than what we have heard.
        if self._newest is not None and ack.time <= self._newest:
            return
        self.counts["acks_set_back"] += 1
        log.error("central has lost what it had acknowledged, from %d on: it was restored from a backup", ack.seq + 1)
        for told in self.on_set_back:
            told()

    async def _fork(self) -> None:
        log.error(
            "central has other events than ours in epoch %s: this card was copied or set back; a new epoch begins",
            self._outbox.state.epoch,
        )
        self._sent = None
        await self._outbox.fork()
        self._answered.set()

    def _progress(self) -> tuple[str | int, ...]:
        state = self._outbox.state
        return state.epoch, state.acked, state.aside, self._limit, self._connections
