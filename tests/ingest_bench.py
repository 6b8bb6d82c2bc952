"""An ingest on a real database, and what it answered."""

from __future__ import annotations

from typing import Any

from edge_log import NOON
from sqlalchemy import Engine, func, select

from central.contract import codec
from central.contract.batches import Ack
from central.ingest.report import report
from central.ingest.worker import Ingest
from central.mqtt import Message
from central.storage import tables
from central.storage.database import reading


class Bench:
    """An ingest and what it answered."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOON
        self.sent: list[tuple[str, bytes]] = []
        self.ingest = Ingest(engine, lambda topic, payload: self.sent.append((topic, payload)), lambda: self.now)

    def take(self, *group: Message) -> None:
        self.ingest.take(group)

    def acks(self) -> list[int]:
        return [codec.unpack(payload, Ack).seq for topic, payload in self.sent if topic.endswith("/ack")]

    def stored(self) -> list[tuple[str, int, bytes]]:
        columns = (tables.events.c.epoch, tables.events.c.seq, tables.events.c.data)
        with reading(self.engine) as connection:
            return [(row.epoch, row.seq, row.data.encode()) for row in connection.execute(select(*columns))]

    def report(self) -> dict[str, Any]:
        with reading(self.engine) as connection:
            return report(connection)

    def counted(self, name: str) -> int:
        ask = select(func.sum(tables.counter.c.count)).where(tables.counter.c.name == name)
        with reading(self.engine) as connection:
            return connection.scalar(ask) or 0
