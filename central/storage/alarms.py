"""Sums up what a person should look at: what was set aside, forks, copies, codes used twice, a restored database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from central.storage.tables import code_again, code_use, counter, fork, generation, quarantine

_FORKS = _CODES = 100
"""Told of those that happened last."""
_USES = 20
"""Told of one code: a device that lies may name any number of readers."""


def set_aside(connection: Connection) -> dict[str, Any]:
    """What could not be used: how often for which reason, how much of it is kept, and what had no room any more."""
    reasons = select(counter.c.name, func.sum(counter.c.count).label("total")).group_by(counter.c.name)
    like = counter.c.name.like("quarantine%")
    counts = {row.name: int(row.total) for row in connection.execute(reasons.where(like).order_by(counter.c.name))}
    size = func.coalesce(func.sum(func.length(quarantine.c.data)), 0).label("bytes")
    kept = (quarantine.c.agent, func.count(quarantine.c.seq).label("events"), func.count().label("rows"), size)
    rows = connection.execute(select(*kept).group_by(quarantine.c.agent).order_by(quarantine.c.agent))
    return {
        "count": counts.get("quarantined", 0),
        "reasons": {
            name.removeprefix("quarantined."): number
            for name, number in counts.items()
            if name.startswith("quarantined.")
        },
        "not_kept": counts.get("quarantine_full", 0),
        "kept": [
            {"agent": row.agent, "events": row.events, "messages": row.rows - row.events, "bytes": int(row.bytes)}
            for row in rows
        ],
    }


def forked(connection: Connection) -> list[dict[str, Any]]:
    """Agents of which there were two, or one set back: how many epochs it broke, how often, and when last."""
    last = func.max(fork.c.at).label("at")
    sums = (fork.c.agent, func.count().label("epochs"), func.sum(fork.c.count).label("times"), last)
    rows = connection.execute(select(*sums).group_by(fork.c.agent).order_by(last.desc()).limit(_FORKS))
    return [{"agent": row.agent, "epochs": row.epochs, "count": int(row.times), "at": row.at} for row in rows]


def copied(connection: Connection) -> dict[str, int]:
    """Agents that two devices were at once, and in how many quarters of an hour that was seen."""
    return _of_agents(connection, "rivals")


def guessing(connection: Connection) -> dict[str, int]:
    """Agents at which somebody tries numbers, and in how many stretches of ten minutes they did."""
    return _of_agents(connection, "guessing")


def codes_used_twice(connection: Connection) -> dict[str, Any]:
    """Signed member codes that were shown at two readers: how many, and of the last ones where and when.

    `at` is as the agent knew it, `noted` when central heard of it. Of one code the first uses are told.
    """
    newest = (func.max(code_again.c.noted).desc(), code_again.c.code)
    last = select(code_again.c.code).group_by(code_again.c.code).order_by(*newest).limit(_CODES)
    codes = list(connection.scalars(last))
    names = ("code", "store", "agent", "reader", "at", "noted")
    found: dict[str, list[dict[str, Any]]] = {code: [] for code in codes}
    for table in (code_use, code_again):
        order = (table.c.noted, table.c.agent, table.c.reader)
        nth = func.row_number().over(partition_by=table.c.code, order_by=order).label("nth")
        uses = select(*(table.c[name] for name in names), nth).where(table.c.code.in_(codes)).subquery()
        for row in connection.execute(select(uses).where(uses.c.nth < _USES).order_by(uses.c.nth)).mappings():
            found[row["code"]].append({name: row[name] for name in names[1:]})
    number = connection.scalar(select(func.count(code_again.c.code.distinct()))) or 0
    return {"count": number, "last": [{"code": code, "uses": uses} for code, uses in found.items()]}


def restored(connection: Connection) -> datetime | None:
    """When it was found last that this database had been restored from a backup; None: never."""
    return connection.scalar(select(generation.c.restored))


def _of_agents(connection: Connection, name: str) -> dict[str, int]:
    ask = select(counter.c.agent, counter.c.count.label("times")).where(counter.c.name == name)
    return {row.agent: row.times for row in connection.execute(ask.order_by(counter.c.agent))}
