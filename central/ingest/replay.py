"""Tries again what was set aside: a newer central may read what an older one could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from central import agents
from central.contract.batches import Batch, walk
from central.contract.codec import Unreadable, unpack
from central.ingest.keep import Of, note_stored, row_of
from central.storage.database import is_permanent, put, reading, writing
from central.storage.tables import events, gap, quarantine

Fate = Literal["stored", "there", "taken", "unreadable", "refused", "unplaced", "not replayed"]
"""Of one event or message: stored now; there already; another stands in its place; it can still not be read; the
database will still not have it; nothing says that it is missing there; or it is no event at all, or nobody's."""
_DONE = ("stored", "there")


def replay(engine: Engine, now: datetime, agent: str | None = None) -> dict[str, int]:
    """Try everything kept (of one agent), each in a transaction of its own, and count what became of it.

    Bytes are deleted only when all that they hold is stored.
    """
    mine = select(quarantine.c.id).order_by(quarantine.c.id)
    with reading(engine) as connection:
        ids = connection.scalars(mine if agent is None else mine.where(quarantine.c.agent == agent)).all()
    fates: Counter[str] = Counter(dict.fromkeys(("stored", "there", "left"), 0))
    for number in ids:
        with writing(engine) as connection:
            row = connection.execute(select(quarantine).where(quarantine.c.id == number).with_for_update()).first()
            if row is None:
                continue
            tried = _try(connection, row, now)
            fates.update(tried)
            if all(fate in _DONE for fate in tried):
                connection.execute(quarantine.delete().where(quarantine.c.id == number))
            else:
                fates["left"] += 1
    return dict(fates)


def _try(connection: Connection, row: Any, now: datetime) -> Sequence[Fate]:
    known = agents.find(connection, row.agent)
    if known is None or (row.seq is None and row.leaf not in (None, "up")):
        return ["not replayed"]
    if row.seq is not None:
        of = Of(agent=row.agent, store=known.store, epoch=row.epoch, at=now)
        return [_put_in(connection, of, row.seq, row.data, declared=False)]
    if known.revoked:
        return ["not replayed"]
    try:
        batch = unpack(row.data, Batch)
        links = list(walk(batch))
    except Unreadable:
        return ["unreadable"]
    of = Of(agent=row.agent, store=known.store, epoch=batch.epoch, at=now)
    return [_put_in(connection, of, link.seq, link.event, declared=True) for link in links if link.event is not None]


def _put_in(connection: Connection, of: Of, seq: int, event: bytes, *, declared: bool) -> Fate:
    """Store an event in its place; `declared`: only where a gap says that it could not be read."""
    place = (events.c.agent == of.agent, events.c.epoch == of.epoch, events.c.seq == seq)
    there = connection.scalar(select(events.c.data).where(*place))
    if there is not None:
        return "there" if there.encode() == event else "taken"
    over = (gap.c.agent == of.agent, gap.c.epoch == of.epoch, gap.c.first <= seq, gap.c.last >= seq)
    missing = (
        connection.execute(select(gap).where(*over, gap.c.cause == "unreadable").with_for_update()).mappings().first()
    )
    if declared and missing is None:
        return "unplaced"
    try:
        row = row_of(of, seq, event)
        with connection.begin_nested():
            connection.execute(events.insert(), [row])
    except Unreadable:
        return "unreadable"
    except DBAPIError as error:
        if not is_permanent(error):
            raise
        return "refused"
    note_stored(connection, of.agent, [row])
    if missing is not None:
        _shrink(connection, dict(missing), seq)
    return "stored"


def _shrink(connection: Connection, missing: Mapping[str, Any], seq: int) -> None:
    """Take one seq out of a gap: it ends before, and what is left behind becomes one of its own."""
    key = ("agent", "epoch", "first")
    connection.execute(gap.delete().where(*(gap.c[name] == missing[name] for name in key)))
    for first, last in ((missing["first"], seq - 1), (seq + 1, missing["last"])):
        if first <= last:
            put(connection, gap, [{**missing, "first": first, "last": last, "count": last - first + 1}])
