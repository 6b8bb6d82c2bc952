"""Answers agents that ask, while somebody waits at a reader: who is this, and was this code used elsewhere?"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from central import agents, consent, newcomers, profiles, uses
from central.agents import Agent
from central.contract import codec, topics
from central.contract.asks import Ask, Told
from central.contract.codec import Unreadable
from central.mqtt import Inbox, Message
from central.storage.aside import set_aside
from central.storage.database import count, writing
from central.storage.tables import member_id, token
from central.uses import Use

log = logging.getLogger(__name__)

_GROUP = 32
"""Asks that share a commit when they lie there already; nobody waits for company."""
WITHIN = timedelta(minutes=10)
UNKNOWN, NEW = 120, 300
"""Values within that time that are nobody's, and members who were never in that store: more than that is guessing.

One agent has a few readers, and each sees a person every few seconds at most.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of an ask (counted by these names), and what its agent is told once that is committed."""

    names: tuple[str, ...]
    told: Told | None = None


@dataclass(slots=True)
class _Tries:
    """What one agent asked lately that its store did not know."""

    unknown: deque[datetime] = field(default_factory=lambda: deque(maxlen=UNKNOWN))
    new: deque[datetime] = field(default_factory=lambda: deque(maxlen=NEW))
    alarmed: datetime | None = None

    def too_many(self, now: datetime) -> bool:
        for tries in (self.unknown, self.new):
            while tries and now - tries[0] > WITHIN:  # Kept for thousands of agents they would be 100 MB.
                tries.popleft()
        return any(len(tries) == tries.maxlen for tries in (self.unknown, self.new))


class Asking:
    """A worker for one thread. `coming` is told a store for which rows are on their way, once that is committed.

    An ask is answered however late it comes: only its agent knows whether somebody still waits, and a code is used.
    """

    def __init__(
        self,
        engine: Engine,
        publish: Callable[[str, bytes], None],
        coming: Callable[[str], None],
        now: Callable[[], datetime],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._publish = publish
        self._coming = coming
        self._now = now
        self._tries: dict[str, _Tries] = {}
        """Of agents that are enrolled."""

    def run(self, inbox: Inbox) -> None:
        """Work until the inbox is closed."""
        while group := inbox.take(_GROUP):
            self.take(group)

    def take(self, group: Sequence[Message]) -> None:
        """Answer a group; what meets a passing trouble is not answered: by then nobody waits any more."""
        parcels = [(message, _read(message)) for message in group]
        if not self._settle(parcels) and len(parcels) > 1:
            for parcel in parcels:
                self._settle([parcel])

    def forget(self) -> None:
        """Delete what is too old to be asked about."""
        uses.forget(self._engine, self._now())
        newcomers.forget(self._engine, self._now())

    def _settle(self, parcels: Sequence[tuple[Message, Ask | Unreadable]]) -> bool:
        try:
            with writing(self._engine) as connection:
                outcomes = [self._answer(connection, *parcel) for parcel in parcels]
        except DBAPIError as error:
            self.counts["deferred"] += 1
            log.warning("a group of %d asks could not be answered now: %s", len(parcels), error.orig)
            return False
        coming = set()
        for (message, _), outcome in zip(parcels, outcomes, strict=True):
            self.counts.update(outcome.names)
            if outcome.told is not None:
                store, agent = message.address.store, message.address.agent
                (message.answer or self._publish)(topics.of_agent(store, agent, "told"), codec.pack(outcome.told))
                if outcome.told.who == "coming":
                    coming.add(store)
        for store in sorted(coming):
            self._coming(store)
        return True

    def _answer(self, connection: Connection, message: Message, ask: Ask | Unreadable) -> _Outcome:
        address, now = message.address, self._now()
        known = agents.find(connection, address.agent)
        if known is None or known.revoked or known.store != address.store:
            log.warning("refused an ask of %s in %s: no agent of ours, or revoked", address.agent, address.store)
            return _Outcome(names=("refused",))
        if isinstance(ask, Unreadable):
            # Without its bytes: somebody's number may be in them.
            set_aside(connection, known.agent, b"", "unreadable", str(ask), now, leaf=address.leaf)
            return _Outcome(names=("unreadable",))
        used = False
        if ask.code is not None:
            use = Use(code=ask.code, store=known.store, agent=known.agent, reader=ask.reader, scan=ask.ask, at=now)
            used = bool(uses.note(connection, [use], now))
        outcome = self._who(connection, known, ask, now)
        if not used or outcome.told is None:
            return outcome
        return _Outcome(names=(*outcome.names, "used"), told=replace(outcome.told, used=True))

    def _who(self, connection: Connection, known: Agent, ask: Ask, now: datetime) -> _Outcome:
        if ask.value is None:
            return _Outcome(names=("answered",), told=Told(ask=ask.ask))
        tries = self._tries.setdefault(known.agent, _Tries())
        if tries.too_many(now):
            tries.unknown.append(now)  # It has to calm down first.
            self._alarm(connection, known.agent, tries, now)
            return _Outcome(names=("guessing",), told=Told(ask=ask.ask) if ask.code is not None else None)
        customer = _customer(connection, ask)
        if customer is None:
            tries.unknown.append(now)
            return _Outcome(names=("answered", "unknown"), told=Told(ask=ask.ask, who="unknown"))
        who: Literal["coming", "unknown"] = "unknown"
        if profiles.lock(connection, [customer]) and _agrees(connection, customer):
            who = "coming" if self._comes(connection, known, customer, tries, now) else "unknown"
        number = _number(connection, customer) if ask.code is not None else ""
        return _Outcome(names=("answered", who), told=Told(ask=ask.ask, who=who, number=number))

    def _comes(self, connection: Connection, known: Agent, customer: str, tries: _Tries, now: datetime) -> bool:
        """Whether this store may know the customer (locked), who is one of its own from now on."""
        if profiles.is_of(connection, customer, known.store):
            return True
        if not newcomers.one_more(connection, known.store, now):
            self._alarm(connection, known.agent, tries, now)
            return False
        profiles.visit(connection, customer, known.store)
        tries.new.append(now)
        return True

    def _alarm(self, connection: Connection, agent: str, tries: _Tries, now: datetime) -> None:
        if tries.alarmed is None or now - tries.alarmed > WITHIN:
            tries.alarmed = now
            count(connection, agent, {"guessing": 1})
            log.error("somebody tries numbers at %s", agent)


def _read(message: Message) -> Ask | Unreadable:
    try:
        return codec.unpack(message.payload, Ask)
    except Unreadable as error:
        return error


def _customer(connection: Connection, ask: Ask) -> str | None:
    """Whose number this is or, with the code that said it, whose opaque id."""
    if ask.code is not None:
        return connection.scalar(select(member_id.c.customer).where(member_id.c.id == ask.value))
    return connection.scalar(select(token.c.customer).where(token.c.means == "code", token.c.value == ask.value))


def _agrees(connection: Connection, customer: str) -> bool:
    return consent.SIGNAGE in consent.given(connection, [customer]).get(customer, ())


def _number(connection: Connection, customer: str) -> str:
    """What the register knows them by."""
    mine = (token.c.customer == customer, token.c.means == "code")
    return profiles.number(connection.scalars(select(token.c.value).where(*mine).order_by(token.c.value)))
