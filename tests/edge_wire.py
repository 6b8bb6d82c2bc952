"""What stands for central in tests of the edge's flows: a link that keeps what is sent, and a loop that can be turned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from central.contract.batches import Ack, Batch, Gap, walk
from central.contract.codec import pack, unpack
from central.ingest.compare import Cursor, compare

T = TypeVar("T")


class Wire:
    """A Link in memory: what is published lies in `sent`, as topic and payload."""

    def __init__(self) -> None:
        self.connected = False
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self.connected:
            self.sent.append((topic, payload))
        return self.connected

    def take(self, leaf: str, shape: type[T]) -> list[T]:
        """Everything sent on topics of this leaf since the last look."""
        taken = [unpack(payload, shape) for topic, payload in self.sent if topic.endswith(f"/{leaf}")]
        self.sent = [one for one in self.sent if not one[0].endswith(f"/{leaf}")]
        return taken


@dataclass
class Central:
    """Holds what agents send by central's own rules, in memory; a copy of it is a backup."""

    cursors: dict[str, Cursor] = field(default_factory=dict)
    events: dict[tuple[str, int], bytes] = field(default_factory=dict)
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    forks: int = 0

    def take(self, batch: Batch, time: datetime = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)) -> Ack:
        batch = unpack(pack(batch), Batch)
        cursor = self.cursors.get(batch.epoch, Cursor())
        verdict = compare(cursor, batch, tuple(walk(batch)))
        self.forks += verdict.fork
        origins = {origin.seq: (origin.epoch, origin.was) for origin in batch.origins}
        for link in verdict.take:
            if link.gap is not None:
                self.gaps.append((batch.epoch, link.gap))
            elif link.event is not None and self.events.get(origins.get(link.seq, ("", 0))) != link.event:
                self.events[batch.epoch, link.seq] = link.event
            cursor = Cursor(seq=link.seq, chain=link.chain)
        self.cursors[batch.epoch] = cursor
        return Ack(epoch=batch.epoch, seq=cursor.seq, chain=cursor.chain, time=time)


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until it is so; where it never is, the test ends here."""
    for _ in range(200_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def turn() -> None:
    """Let everything happen that can happen without the clock or the disk."""
    for _ in range(50):
        await asyncio.sleep(0)
