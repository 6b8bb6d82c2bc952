"""Reads from central's database what has arrived: how much of each store, and a store's newest events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from central.contract import events as contract
from central.contract.codec import Unreadable
from central.storage.database import reading
from central.storage.tables import agent, counter, cursor, events

NEWEST = 24
"""Events that are kept of a store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """An event that central holds."""

    agent: str
    epoch: str
    seq: int
    kind: str
    received: datetime
    body: Any
    """The kind's record; None for a kind from a newer agent."""


@dataclass(slots=True)
class Totals:
    """Of one store."""

    stored: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class Newest:
    """A store's last events, newest first, and how far each epoch was read."""

    events: deque[Arrived] = field(default_factory=lambda: deque(maxlen=NEWEST))
    seen: dict[tuple[str, str], int] = field(default_factory=dict)


def totals(engine: Engine) -> dict[str, Totals]:
    """Count by store. The counters are written in the transaction that stores: they are exact, and few."""
    found: dict[str, Totals] = {}
    ask = select(agent.c.store, counter.c.name, func.sum(counter.c.count)).join(agent, agent.c.agent == counter.c.agent)
    with reading(engine) as connection:
        for store, name, count in connection.execute(ask.group_by(agent.c.store, counter.c.name)):
            total = found.setdefault(store, Totals())
            if name.startswith("stored."):
                total.stored += int(count)
            elif name == "quarantined":
                total.quarantined += int(count)
    return found


def read_newest(engine: Engine, store: str, newest: Newest) -> bool:
    """Add what came since the last time; whether anything did. Reads by the primary key only: it costs what is new."""
    ends = select(cursor.c.agent, cursor.c.epoch, cursor.c.seq).join(agent, agent.c.agent == cursor.c.agent)
    added: list[Arrived] = []
    with reading(engine) as connection:
        for name, epoch, seq in connection.execute(ends.where(agent.c.store == store)).all():
            after = newest.seen.get((name, epoch), 0)
            if seq > after:
                added += _events(connection, name, epoch, max(after, seq - NEWEST))
                newest.seen[name, epoch] = seq
    newest.events.extendleft(sorted(added, key=lambda each: (each.received, each.seq)))
    return bool(added)


def _events(connection: Connection, name: str, epoch: str, after: int) -> Iterable[Arrived]:
    ask = select(events.c.seq, events.c.kind, events.c.received, events.c.data)
    rows = connection.execute(ask.where(events.c.agent == name, events.c.epoch == epoch, events.c.seq > after))
    for seq, kind, received, data in rows.all():
        yield Arrived(agent=name, epoch=epoch, seq=seq, kind=kind, received=received, body=_body(data))


def _body(data: str) -> Any:
    try:
        return contract.read(data.encode())[1]
    except Unreadable:
        return None
