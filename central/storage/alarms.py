"""Sums up what a person should look at: what was set aside, who forked or was copied, a database that was restored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from central.storage.tables import counter, fork, generation, quarantine

_FORKS = 100
"""Told of those that happened last."""


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
    ask = select(counter.c.agent, counter.c.count.label("times")).where(counter.c.name == "rivals")
    return {row.agent: row.times for row in connection.execute(ask.order_by(counter.c.agent))}


def restored(connection: Connection) -> datetime | None:
    """When it was found last that this database had been restored from a backup; None: never."""
    return connection.scalar(select(generation.c.restored))
