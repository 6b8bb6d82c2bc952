"""Stores events and gaps inside the cursor's transaction, and sets aside what cannot be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from central import posters, times, uses
from central.contract import events as contract
from central.contract.batches import MAX_EVENT, Gap, Link, Origin, digest
from central.contract.codec import Unreadable
from central.ingest.compare import Cursor
from central.posters import PosterScan
from central.storage.aside import Reason, set_aside
from central.storage.database import count, is_permanent, put
from central.storage.tables import cursor, events, fork, gap, held
from central.uses import Use

MOST_EPOCHS = 64
"""What one agent may begin in a day: each costs a row for ever. A new one comes with a new card or a fork."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """Whose epoch it is, and when it came."""

    agent: str
    store: str
    epoch: str
    at: datetime


def locked_cursor(connection: Connection, of: Of) -> Cursor | None:
    """Give the epoch's cursor and keep others from it until the transaction ends; None: one epoch too many."""
    mine = (cursor.c.agent == of.agent, cursor.c.epoch == of.epoch)
    ask = select(cursor.c.seq, cursor.c.chain).where(*mine).with_for_update()
    row = connection.execute(ask).first()
    if row is None:
        lately = (cursor.c.agent == of.agent, cursor.c.begun > of.at - timedelta(days=1))
        if (connection.scalar(select(func.count()).select_from(cursor).where(*lately)) or 0) >= MOST_EPOCHS:
            return None
        begun = Cursor()  # Two workers may begin an epoch at once: one row must be there to wait for.
        new = {"agent": of.agent, "epoch": of.epoch, "seq": begun.seq, "chain": begun.chain, "begun": of.at}
        put(connection, cursor, [new], replace=False)
        row = connection.execute(ask).one()
    return Cursor(seq=row.seq, chain=row.chain)


def keep(connection: Connection, of: Of, links: Sequence[Link], origins: Sequence[Origin]) -> Cursor:
    """Store each link as an event, a gap, or a row of the quarantine, and advance the cursor past them."""
    elsewhere = _held_elsewhere(connection, of, links, {origin.seq: origin for origin in origins})
    rows = []
    for link in links:
        if link.gap is not None:
            _keep_gap(connection, of, link.gap)
        elif link.event is not None and link.seq not in elsewhere:
            try:
                rows.append(row_of(of, link.seq, link.event))
            except Unreadable as error:
                _put_aside(connection, of, link.seq, link.event, "unreadable", str(error))
    note_stored(connection, of.agent, _insert(connection, of, rows))
    last = links[-1]
    mine = (cursor.c.agent == of.agent, cursor.c.epoch == of.epoch)
    connection.execute(cursor.update().where(*mine).values(seq=last.seq, chain=last.chain))
    return Cursor(seq=last.seq, chain=last.chain)


def row_of(of: Of, seq: int, event: bytes) -> dict[str, Any]:
    """Read an event for its table. Raises Unreadable."""
    if len(event) > MAX_EVENT:
        raise Unreadable(f"{len(event)} bytes are more than the {MAX_EVENT} that an event may have")
    made, _ = contract.read(event)
    try:
        text, wall = event.decode(), made.born.wall.astimezone(UTC)
    except (UnicodeDecodeError, OverflowError) as error:
        raise Unreadable(str(error)) from error
    return {
        "agent": of.agent,
        "epoch": of.epoch,
        "seq": seq,
        "kind": made.kind,
        "store": of.store,
        "born_wall": wall,
        "boot": made.born.boot,
        "up_ms": made.born.up_ms,
        "synced": made.born.synced,
        "data": text,
        "received": of.at,
    }


def note_stored(connection: Connection, agent: str, rows: Sequence[dict[str, Any]]) -> None:
    """Count what is in its table now, and learn from it: when boots were, which codes and posters were read."""
    count(connection, agent, Counter(_counted(row["kind"]) for row in rows))
    used: list[Use] = []
    hung: list[PosterScan] = []
    for row in rows:
        if row["kind"] == "clock-offset":
            _, said = contract.read(row["data"].encode())
            assert isinstance(said, contract.ClockOffset)
            times.keep(connection, agent, said)
        elif row["kind"] == "scanned":
            _, scan = contract.read(row["data"].encode())
            assert isinstance(scan, contract.Scanned)
            if scan.outcome == "product" and scan.sku and scan.poster_store:
                hung.append(_poster_scan(row, scan, scan.sku, scan.poster_store))
            if scan.code is not None:
                where = {"store": row["store"], "agent": agent, "reader": scan.reader}
                used.append(Use(code=scan.code, **where, scan=scan.scan, at=row["born_wall"]))
    if used:
        uses.note(connection, used, rows[0]["received"])
    posters.note(connection, hung)


def _poster_scan(row: Mapping[str, Any], scan: contract.Scanned, sku: str, store: str) -> PosterScan:
    return PosterScan(
        at=row["born_wall"] if row["synced"] else row["received"],
        by="camera",
        store=store,
        zone=scan.poster_zone,
        sku=sku,
        who=row["agent"],
        read_store=row["store"],
        read_zone=scan.zone,
    )


def note_fork(connection: Connection, of: Of, seq: int) -> None:
    """Count that two devices, or a rolled-back one, write on from the same place."""
    where = (fork.c.agent == of.agent, fork.c.epoch == of.epoch)
    times = connection.scalar(select(fork.c.count).where(*where)) or 0
    put(
        connection,
        fork,
        [{"agent": of.agent, "epoch": of.epoch, "seq": seq, "count": times + 1, "at": of.at}],
    )


def _put_aside(connection: Connection, of: Of, seq: int, event: bytes, reason: Reason, said: str) -> None:
    if set_aside(connection, of.agent, event, reason, said, of.at, place=(of.epoch, seq)):
        # After a fork it comes again, and must not lie there twice: later both might be stored.
        here = {"agent": of.agent, "epoch": of.epoch, "seq": seq, "digest": digest(event)}
        put(connection, held, [here], replace=False)
        return
    # Nothing is ever silently missing: where its bytes have no room, a gap says so, one for neighbours.
    mine = (gap.c.agent == of.agent, gap.c.epoch == of.epoch, gap.c.last == seq - 1, gap.c.cause == "unreadable")
    longer = gap.update().where(*mine).values(last=seq, count=gap.c.count + 1)
    if connection.execute(longer).rowcount == 0:
        row = {"agent": of.agent, "epoch": of.epoch, "first": seq, "last": seq, "drop": "vital", "count": 1}
        put(connection, gap, [row | {"cause": "unreadable", "received": of.at}])
        count(connection, of.agent, {"gaps": 1})


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
        _put_aside(connection, of, row["seq"], row["data"].encode(), "database", str(error.orig))
        return []
    return rows


def _keep_gap(connection: Connection, of: Of, missing: Gap) -> None:
    row = {"agent": of.agent, "epoch": of.epoch, "first": missing.first, "last": missing.last}
    row |= {"drop": missing.drop, "count": missing.count, "cause": missing.cause, "received": of.at}
    put(connection, gap, [row])
    count(connection, of.agent, {"gaps": 1})


def _held_elsewhere(
    connection: Connection, of: Of, links: Sequence[Link], before: Mapping[int, Origin]
) -> frozenset[int]:
    """The seqs of events that are held at another place, and a note of that for the next fork.

    After a fork an edge sends again what was not acknowledged, and a copied card may have sent as its own what comes
    now. The place alone does not tell: a copy has written another event there, so the bytes decide.
    """
    mine = (held.c.agent == of.agent, held.c.epoch == of.epoch, held.c.seq.between(links[0].seq, links[-1].seq))
    known = {(of.epoch, *row) for row in connection.execute(select(held.c.seq, held.c.digest).where(*mine))}
    if not (known or before):
        return frozenset()
    stood = {(origin.epoch, origin.was) for link in links if (origin := before.get(link.seq))}
    for epoch in {epoch for epoch, _ in stood}:
        seqs = [was for its, was in stood if its == epoch]
        there = (held.c.agent == of.agent, held.c.epoch == epoch, held.c.seq.in_(seqs))
        known |= {(epoch, *row) for row in connection.execute(select(held.c.seq, held.c.digest).where(*there))}
        there = (events.c.agent == of.agent, events.c.epoch == epoch, events.c.seq.in_(seqs))
        for seq, data in connection.execute(select(events.c.seq, events.c.data).where(*there)):
            known.add((epoch, seq, digest(data.encode())))
    found, notes = set(), []
    for link in links:
        if link.event is None:
            continue
        here, origin = (of.epoch, link.seq, digest(link.event)), before.get(link.seq)
        first = (origin.epoch, origin.was, here[2]) if origin else here
        if here in known or first in known:
            found.add(link.seq)
        if first != here:
            notes.append(here if first in known else first)
            known.add(first)
    names = ("epoch", "seq", "digest")
    put(connection, held, [{"agent": of.agent, **dict(zip(names, note, strict=True))} for note in notes], replace=False)
    return frozenset(found)


def _counted(kind: str) -> str:
    # A kind of a newer agent is kept as it is, but counted under one name: names must not fill a table.
    return f"stored.{kind if kind in contract.KINDS else 'unknown'}"
