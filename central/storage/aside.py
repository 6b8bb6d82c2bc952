"""Keeps what cannot be used where a person can look at it, bounded for each agent, and counts it by its reason."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, func, select

from central.contract.batches import MAX_EVENT
from central.storage.database import count
from central.storage.tables import quarantine

Reason = Literal["unreadable", "database", "stranger", "revoked", "misplaced", "epochs"]
"""No record of the contract; the database will not have it; of no agent of ours, of one that is none any more, of
another store than its enrolment's; of one epoch too many."""
MOST = MAX_EVENT + (4 << 10)
"""Bytes kept of one: an event that is alone in its batch is no more. Of more, only so many."""


class Room(NamedTuple):
    """What is kept of one agent, in rows and in bytes; when it is full the first ones stay, so nothing pushes them out.

    Events have room of their own: junk costs none of it.
    """

    rows: int
    size: int


EVENTS = Room(rows=1000, size=8 << 20)
MESSAGES = Room(rows=200, size=2 << 20)


def set_aside(
    connection: Connection,
    agent: str,
    data: bytes,
    reason: Reason,
    said: str,
    at: datetime,
    *,
    place: tuple[str, int] | None = None,
    leaf: str | None = None,
) -> bool:
    """Keep an event (with its epoch and seq) or a whole message (with its leaf), and count it.

    False: there is no room, and its bytes are gone.
    """
    kept, cut = data[:MOST], "" if len(data) <= MOST else f"cut, it had {len(data)} bytes: "
    has_room = _has_room(connection, agent, len(kept), event=place is not None)
    counts = {"quarantined": 1, f"quarantined.{reason}": 1}
    if not has_room:
        counts["quarantine_full"] = 1
    count(connection, agent, counts)
    if has_room:
        epoch, seq = place or ("", None)
        row = {"agent": agent, "epoch": epoch, "seq": seq, "data": kept, "leaf": leaf, "at": at}
        connection.execute(quarantine.insert().values(**row, reason=f"{reason}: {cut}{said}"[:500]))
    return has_room


def _has_room(connection: Connection, agent: str, size: int, *, event: bool) -> bool:
    rows, room = func.count().label("rows"), EVENTS if event else MESSAGES
    size_held = func.coalesce(func.sum(func.length(quarantine.c.data)), 0).label("size")
    of_its_kind = quarantine.c.seq.is_not(None) if event else quarantine.c.seq.is_(None)
    held = connection.execute(select(rows, size_held).where(quarantine.c.agent == agent, of_its_kind)).one()
    return held.rows < room.rows and int(held.size) + size <= room.size
