"""Tells what lies in the database for each agent and epoch: the truth that a test or a demo counts by."""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from sqlalchemy import Connection, func, select

from central import posters as scans
from central import times
from central.contract import events as contract
from central.storage import alarms
from central.storage.tables import events, fork, gap, held, quarantine


def report(connection: Connection, *, plays: bool = False, posters: bool = False) -> dict[str, Any]:
    """Give counts by agent and epoch, gaps, forks, the quarantine; also every proof of play, and scans of posters.

    A play's `at` is when it was by central's time, right `within_s` (None: nobody knows); `born` is what was sent.
    """
    aside = select(quarantine.c.agent, quarantine.c.epoch, quarantine.c.seq, quarantine.c.reason, quarantine.c.at)
    found = {
        "events": _epochs(connection),
        "gaps": _rows(connection, select(gap).order_by(gap.c.agent, gap.c.epoch, gap.c.first)),
        "copied": alarms.copied(connection),
        "guessing": alarms.guessing(connection),
        "codes_used_twice": alarms.codes_used_twice(connection),
        "forks": _rows(connection, select(fork).order_by(fork.c.agent, fork.c.epoch)),
        "held": connection.scalar(select(func.count()).select_from(held)),
        "quarantine": _rows(connection, aside.order_by(quarantine.c.id)),
        "aside": alarms.set_aside(connection),
        "restored": alarms.restored(connection),
    }
    if posters:
        found["posters"] = scans.counts(connection)
    return found | {"plays": _plays(connection)} if plays else found


def _epochs(connection: Connection) -> list[dict[str, Any]]:
    by = (events.c.agent, events.c.store, events.c.epoch)
    sums = select(
        *by,
        func.count().label("count"),
        func.count(events.c.seq.distinct()).label("distinct"),
        func.max(events.c.seq).label("max_seq"),
    )
    kinds = select(*by, events.c.kind, func.count().label("count")).group_by(*by, events.c.kind)
    found = {
        (row["agent"], row["store"], row["epoch"]): row | {"kinds": {}}
        for row in _rows(connection, sums.group_by(*by).order_by(*by))
    }
    for row in connection.execute(kinds):
        found[row.agent, row.store, row.epoch]["kinds"][row.kind] = row.count
    return list(found.values())


def _plays(connection: Connection) -> list[dict[str, Any]]:
    columns = (events.c.agent, events.c.store, events.c.epoch, events.c.seq, events.c.data)
    ask = select(*columns).where(events.c.kind == "played").order_by(events.c.agent, events.c.epoch, events.c.seq)
    boots = times.boots(connection)
    plays = []
    for row in _rows(connection, ask):
        event, _ = contract.read(row.pop("data").encode())
        happened = times.corrected(event.born, boots.get((row["agent"], event.born.boot), ()))
        when = {"at": happened.at, "within_s": happened.within_s}
        plays.append(row | when | {"born": event.born, "body": Raw(bytes(event.body))})
    return plays


def _rows(connection: Connection, ask: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(ask).mappings()]
