"""Works the messages of agents off in groups: one transaction for a group, then the answers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from central import agents, commands, screens
from central.contract import codec, topics
from central.contract.batches import MAX_EVENT, Ack, Batch, Link, Nack, digest, walk
from central.contract.codec import Unreadable
from central.contract.commands import Reply, ScreenPicture, Status
from central.ingest.compare import compare
from central.ingest.keep import MOST_EPOCHS, Of, keep, locked_cursor, note_fork
from central.ingest.rivals import Rivals
from central.mqtt import Inbox, Message
from central.storage.aside import Reason, set_aside
from central.storage.database import count, writing

log = logging.getLogger(__name__)

Publish = Callable[[str, bytes], None]
_GROUP = 32
"""Messages that share a commit when they lie there already; nobody waits for company."""
_EVENTS = 2000
"""Events that do: about 50 ms, for which everybody else who writes has to wait."""
STRANGER = ""
"""Whose quarantine takes what comes from no agent of ours: one for all, so that names cannot fill it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """A message and what it holds, read before any lock is taken."""

    message: Message
    content: tuple[Batch, tuple[Link, ...]] | Status | Reply | ScreenPicture | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a parcel (counted by this name), and what its agent is told once that is committed."""

    name: str
    leaf: str = ""
    answer: Any = None


class Ingest:
    """The way up, for one worker thread; several may share a database."""

    def __init__(self, engine: Engine, publish: Publish, now: Callable[[], datetime]) -> None:
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._publish = publish
        self._now = now
        self._rivals = Rivals()

    def run(self, inbox: Inbox) -> None:
        """Work until the inbox is closed."""
        while group := inbox.take(_GROUP):
            self.take(group)

    def take(self, group: Sequence[Message]) -> None:
        """Store a group and answer it; what meets a passing trouble is not answered, and so is sent again."""
        # Cursors are locked in the agents' order, so that two workers cannot wait for each other.
        parcels = sorted(map(_read, group), key=lambda parcel: parcel.message.address.agent)
        for some in _portions(parcels):
            if not self._settle(some) and len(some) > 1:
                for parcel in some:
                    self._settle([parcel])

    def _settle(self, parcels: Sequence[_Parcel]) -> bool:
        try:
            with writing(self._engine) as connection:
                outcomes = [self._store(connection, parcel) for parcel in parcels]
        except DBAPIError as error:
            self.counts["deferred"] += 1
            log.warning("a group of %d messages could not be stored now: %s", len(parcels), error.orig)
            return False
        for parcel, outcome in zip(parcels, outcomes, strict=True):
            self.counts[outcome.name] += 1
            if outcome.answer is not None:
                address = parcel.message.address
                topic = topics.of_agent(address.store, address.agent, outcome.leaf)
                (parcel.message.answer or self._publish)(topic, codec.pack(outcome.answer))
        return True

    def _store(self, connection: Connection, parcel: _Parcel) -> _Outcome:
        address, payload, now = parcel.message.address, parcel.message.payload, self._now()
        known = agents.find(connection, address.agent)
        if known is None or known.revoked or known.store != address.store:
            why: Reason = "stranger" if known is None else "revoked" if known.revoked else "misplaced"
            whose = STRANGER if known is None else known.agent
            said = f"{address.leaf} of {address.agent} in {address.store}"
            set_aside(connection, whose, payload, why, said, now, leaf=address.leaf)
            return _Outcome(name="refused")
        if isinstance(parcel.content, Status):
            agents.say(connection, known.agent, parcel.content, now)
            if parcel.content.online and self._rivals.says(known.agent, parcel.content.boot, now):
                count(connection, known.agent, {"rivals": 1})
                log.error("two devices are the agent %s: a card was copied; enrol both anew", known.agent)
            return _Outcome(name="status")
        if isinstance(parcel.content, Reply):
            own = commands.replied(connection, known.agent, parcel.content, now)
            return _Outcome(name="reply" if own else "reply_strange")
        if isinstance(parcel.content, ScreenPicture):
            screens.keep(connection, known.agent, parcel.content, now)
            return _Outcome(name="picture")
        if isinstance(parcel.content, Unreadable):
            set_aside(connection, known.agent, payload, "unreadable", str(parcel.content), now, leaf=address.leaf)
            if address.leaf != "up":
                return _Outcome(name="unreadable")
            nack = Nack(reason=str(parcel.content)[:200], digest=digest(payload))
            return _Outcome(name="unreadable", leaf="nack", answer=nack)
        of = Of(agent=known.agent, store=known.store, epoch=parcel.content[0].epoch, at=now)
        outcome = self._take_batch(connection, of, *parcel.content)
        if outcome is None:
            said = f"epoch {of.epoch} after {MOST_EPOCHS} others within a day"
            set_aside(connection, of.agent, payload, "epochs", said, now, leaf=address.leaf)
            return _Outcome(name="refused")
        return outcome

    def _take_batch(self, connection: Connection, of: Of, batch: Batch, links: tuple[Link, ...]) -> _Outcome | None:
        cursor = locked_cursor(connection, of)
        if cursor is None:
            return None
        verdict = compare(cursor, batch, links)
        name = "taken" if verdict.take else "again" if batch.last <= cursor.seq else "early"
        if verdict.fork:
            note_fork(connection, of, cursor.seq)
            name = "forked"
            log.error("agent %s forked in epoch %s after seq %d", of.agent, of.epoch, cursor.seq)
        if verdict.take:
            lost = verdict.take[0].gap
            if lost is not None and lost.cause == "central_lost":
                log.error("agent %s: central lost %d to %d of %s", of.agent, lost.first, lost.last, of.epoch)
            cursor = keep(connection, of, verdict.take, batch.origins)
        ack = Ack(epoch=of.epoch, seq=cursor.seq, chain=cursor.chain, time=of.at)
        return _Outcome(name=name, leaf="ack", answer=ack)


def _portions(parcels: Sequence[_Parcel]) -> Iterator[list[_Parcel]]:
    portion: list[_Parcel] = []
    events = 0
    for parcel in parcels:
        size = len(parcel.content[1]) if isinstance(parcel.content, tuple) else 1
        if portion and events + size > _EVENTS:
            yield portion
            portion, events = [], 0
        portion.append(parcel)
        events += size
    yield portion


def _read(message: Message) -> _Parcel:
    content: tuple[Batch, tuple[Link, ...]] | Status | Reply | ScreenPicture | Unreadable
    try:
        if message.address.leaf == "up":
            batch = codec.unpack(message.payload, Batch)
            content = batch, tuple(walk(batch))
        elif message.address.leaf == "status":
            content = codec.unpack(message.payload, Status)
            if len(codec.encode(content)) > MAX_EVENT:
                raise Unreadable("a status of that size says too much")
        elif message.address.leaf == "picture":
            content = screens.read(message.payload)
        else:
            content = codec.unpack(message.payload, Reply)
    except Unreadable as error:
        content = error
    return _Parcel(message=message, content=content)
