"""Stores events and gaps inside the cursor's transaction, and sets aside what cannot be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from central.contract import events as contract
from central.contract.batches import MAX_EVENT, Gap, Link, Origin, digest
from central.contract.codec import Unreadable
from central.ingest.compare import Cursor
from central.storage.database import count, is_permanent, put
from central.storage.tables import cursor, events, fork, gap, held, quarantine

QUARANTINE = 200
"""What is kept of one agent's unreadable messages and events: the first ones; of later ones only the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """Whose epoch it is, and when it came."""

    agent: str
    store: str
    epoch: str
    at: datetime


def locked_cursor(connection: Connection, agent: str, epoch: str) -> Cursor:
    """Give the epoch's cursor and keep others from it until the transaction ends."""
    ask = select(cursor.c.seq, cursor.c.chain).where(cursor.c.agent == agent, cursor.c.epoch == epoch).with_for_update()
    row = connection.execute(ask).first()
    if row is None:  # Two workers may begin an epoch at once: one row must be there to wait for.
        begun = Cursor()
        new = {"agent": agent, "epoch": epoch, "seq": begun.seq, "chain": begun.chain}
        put(connection, cursor, [new], replace=False)
        row = connection.execute(ask).one()
    return Cursor(seq=row.seq, chain=row.chain)


def keep(connection: Connection, of: Of, links: Sequence[Link], origins: Sequence[Origin]) -> Cursor:
    """Store each link as an event, a gap, or a row of the quarantine, and advance the cursor past them."""
    before = {origin.seq: origin for origin in origins}
    rows = []
    for link in links:
        if link.gap is not None:
            _keep_gap(connection, of, link.gap)
        elif link.event is not None and not _is_held(connection, of, link, before.get(link.seq)):
            row = _row(connection, of, link)
            rows += [row] if row else []
    kept = Counter(_counted(row["kind"]) for row in _insert(connection, of, rows))
    count(connection, of.agent, kept)
    last = links[-1]
    put(connection, cursor, [{"agent": of.agent, "epoch": of.epoch, "seq": last.seq, "chain": last.chain}])
    return Cursor(seq=last.seq, chain=last.chain)


def note_fork(connection: Connection, of: Of, seq: int) -> None:
    """Count that two devices, or a rolled-back one, write on from the same place."""
    where = (fork.c.agent == of.agent, fork.c.epoch == of.epoch)
    times = connection.scalar(select(fork.c.count).where(*where)) or 0
    put(
        connection,
        fork,
        [{"agent": of.agent, "epoch": of.epoch, "seq": seq, "count": times + 1, "at": of.at}],
    )


def set_aside(
    connection: Connection,
    agent: str,
    data: bytes,
    reason: str,
    at: datetime,
    *,
    epoch: str = "",
    seq: int | None = None,
) -> None:
    """Keep what cannot be used where a person can look at it, bounded for each agent, and count it."""
    count(connection, agent, {"quarantined": 1})
    rows = connection.scalar(select(func.count()).select_from(quarantine).where(quarantine.c.agent == agent)) or 0
    if rows < QUARANTINE:
        connection.execute(
            quarantine.insert().values(
                agent=agent, epoch=epoch, seq=seq, data=data[:MAX_EVENT], reason=reason[:500], at=at
            )
        )


def _row(connection: Connection, of: Of, link: Link) -> dict[str, Any] | None:
    event = link.event or b""
    try:
        if len(event) > MAX_EVENT:
            raise Unreadable(f"{len(event)} bytes are more than the {MAX_EVENT} that an event may have")
        made, _ = contract.read(event)
        text, wall = event.decode(), made.born.wall.astimezone(UTC)
    except (Unreadable, UnicodeDecodeError, OverflowError) as error:
        set_aside(connection, of.agent, event, str(error), of.at, epoch=of.epoch, seq=link.seq)
        return None
    return {
        "agent": of.agent,
        "epoch": of.epoch,
        "seq": link.seq,
        "kind": made.kind,
        "store": of.store,
        "born_wall": wall,
        "boot": made.born.boot,
        "up_ms": made.born.up_ms,
        "synced": made.born.synced,
        "data": text,
        "received": of.at,
    }


def _insert(connection: Connection, of: Of, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Halved down to the one that the database will not have; a passing trouble (a lock, a disk) is not its fault.
    if not rows:
        return []
    try:
        with connection.begin_nested():
            connection.execute(events.insert(), rows)
    except DBAPIError as error:
        if not is_permanent(error):
            raise
        if len(rows) > 1:
            half = len(rows) // 2
            return _insert(connection, of, rows[:half]) + _insert(connection, of, rows[half:])
        (row,) = rows
        set_aside(connection, of.agent, row["data"].encode(), str(error.orig), of.at, epoch=of.epoch, seq=row["seq"])
        return []
    return rows


def _keep_gap(connection: Connection, of: Of, missing: Gap) -> None:
    row = {"agent": of.agent, "epoch": of.epoch, "first": missing.first, "last": missing.last}
    row |= {"drop": missing.drop, "count": missing.count, "cause": missing.cause, "received": of.at}
    put(connection, gap, [row])
    count(connection, of.agent, {"gaps": 1})


def _is_held(connection: Connection, of: Of, link: Link, origin: Origin | None) -> bool:
    # After a fork the edge sends again what was not acknowledged. The place alone does not tell: a cloned card has
    # written another event there, so the bytes decide.
    if origin is None or link.event is None:
        return False
    sign = digest(link.event)
    place = (events.c.agent == of.agent, events.c.epoch == origin.epoch, events.c.seq == origin.was)
    stored = connection.scalar(select(events.c.data).where(*place))
    also = (held.c.agent == of.agent, held.c.epoch == origin.epoch, held.c.seq == origin.was, held.c.digest == sign)
    known = (stored is not None and stored.encode() == link.event) or (
        connection.scalar(select(held.c.seq).where(*also)) is not None
    )
    here = {"epoch": of.epoch, "seq": link.seq} if known else {"epoch": origin.epoch, "seq": origin.was}
    put(connection, held, [{"agent": of.agent, "digest": sign, **here}])
    return known


def _counted(kind: str) -> str:
    # A kind of a newer agent is kept as it is, but counted under one name: names must not fill a table.
    return f"stored.{kind if kind in contract.KINDS else 'unknown'}"
