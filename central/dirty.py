"""Marks a subject as changed, inside the transaction that changes it; the projector does the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import Connection

from central.storage.tables import dirty

Subject = Literal[
    "customer", "product", "stock", "settings", "content", "playlist", "campaign", "layout", "store", "asset", "codes"
]


def mark(connection: Connection, subject: Subject, keys: Iterable[str]) -> None:
    """Note that these changed. A mark is a row of its own, so that one made while the last is worked off stays."""
    rows = [{"subject": subject, "key": key} for key in keys]
    if rows:
        connection.execute(dirty.insert(), rows)
