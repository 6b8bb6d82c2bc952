"""Notes at which readers each signed member code was used, and finds those that were used at two."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, exists, select

from central.storage.database import put, writing
from central.storage.tables import code_again, code_use

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
"""How long a store may have been offline for a second use of a code to be found."""
_STEP = 1000
"""Rows forgotten in one transaction: what a writer may have to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One code that was shown to one reader, as an ask or an event tells it: both may tell the same."""

    code: str
    store: str
    agent: str
    reader: str
    scan: str
    at: datetime


def note(connection: Connection, uses: Sequence[Use], now: datetime) -> frozenset[str]:
    """Note these, and give the codes of which another reader was told first.

    Shown again to the same reader, or told again, it is the same use.
    """
    # Who comes second waits here for who came first; in the order of codes, so that two cannot wait for each other.
    rows = [_row(use, now) for use in sorted(uses, key=lambda use: use.code)]
    put(connection, code_use, rows, replace=False)
    ask = select(code_use.c.code, code_use.c.agent, code_use.c.reader)
    first = {
        (row.code, row.agent, row.reader)
        for row in connection.execute(ask.where(code_use.c.code.in_({use.code for use in uses})))
    }
    again = [row for row in rows if (row["code"], row["agent"], row["reader"]) not in first]
    put(connection, code_again, again, replace=False)
    for agent in sorted({row["agent"] for row in again}):
        log.warning("a signed code that was shown to a reader of %s had been shown elsewhere before", agent)
    return frozenset(row["code"] for row in again)


def forget(engine: Engine, now: datetime) -> None:
    """Delete what nobody can ask about any more."""
    before = now - KEPT
    lately = exists().where(code_again.c.code == code_use.c.code, code_again.c.noted >= before)
    old = select(code_use.c.code).where(code_use.c.noted < before, ~lately).limit(_STEP)
    gone = _STEP
    while gone == _STEP:
        with writing(engine) as connection:
            gone = connection.execute(code_use.delete().where(code_use.c.code.in_(old))).rowcount


def _row(use: Use, now: datetime) -> dict[str, Any]:
    where = {"store": use.store, "agent": use.agent, "reader": use.reader}
    return {"code": use.code, **where, "scan": use.scan, "at": use.at, "noted": now}
