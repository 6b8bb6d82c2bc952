"""Bounds how many customers a store comes to know in a day: who has its device must not come to have everybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine

from central.storage.database import put, writing
from central.storage.tables import newcomer

A_DAY = 1000
"""Far more than come to a store for the first time and agreed; whoever knows all numbers needs months for a chain."""


def one_more(connection: Connection, store: str, now: datetime) -> bool:
    """Count one for this store; False where today (UTC) has had enough. Restarts forget nothing."""
    day = _day(now)
    put(connection, newcomer, [{"store": store, "day": day, "number": 0}], replace=False)
    has_room = (newcomer.c.store == store, newcomer.c.day == day, newcomer.c.number < A_DAY)
    return bool(connection.execute(newcomer.update().where(*has_room).values(number=newcomer.c.number + 1)).rowcount)


def forget(engine: Engine, now: datetime) -> None:
    """Delete the days that are over."""
    with writing(engine) as connection:
        connection.execute(newcomer.delete().where(newcomer.c.day < _day(now)))


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
