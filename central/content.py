"""What the screens show when they show nobody anything: the items of the anonymous loop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import Connection, select

from central import dirty
from central.contract.feeds import Content
from central.storage.database import put
from central.storage.tables import content


def save(connection: Connection, items: Collection[Content]) -> None:
    put(connection, content, [asdict(one) for one in items])
    dirty.mark(connection, "content", [one.content for one in items])


def read(connection: Connection, ids: Collection[str]) -> dict[str, Content]:
    """Give these items; what is not there is left out."""
    rows = connection.execute(select(content).where(content.c.content.in_(ids))).mappings()
    return {row["content"]: Content(**row) for row in rows}
