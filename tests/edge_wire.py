"""What stands for central in tests of the edge's flows, and ways to let the event loop turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Raw

from central.contract.batches import Ack, Batch, Gap, walk
from central.contract.codec import encode, pack, unpack
from central.contract.feeds import Page, Pull, Row
from central.ingest.compare import Cursor, compare

T = TypeVar("T")


class Wire:
    """A Link in memory: what is published lies in `sent`, as topic and payload."""

    def __init__(self) -> None:
        self.connected = False
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:  # noqa: ARG002
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
    held: set[tuple[str, int, bytes]] = field(default_factory=set)
    """Each event at every place it ever stood."""
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
            elif link.event is not None:
                stood = [(batch.epoch, link.seq), *([origins[link.seq]] if link.seq in origins else [])]
                places = {(*place, link.event) for place in stood}
                if not places & self.held:
                    self.events[batch.epoch, link.seq] = link.event
                self.held |= places
            cursor = Cursor(seq=link.seq, chain=link.chain)
        self.cursors[batch.epoch] = cursor
        return Ack(epoch=batch.epoch, seq=cursor.seq, chain=cursor.chain, time=time)


@dataclass
class Feed:
    """One feed of one scope as central keeps it, by the rules of central.contract.feeds."""

    scope: str
    feed: str
    generation: str = "g1"
    head: int = 0
    horizon: int = 0
    rows: dict[str, Row] = field(default_factory=dict)

    def put(self, key: str, record: object, *, until: datetime | None = None) -> None:
        self.head += 1
        body = record if isinstance(record, bytes) else encode(record)
        self.rows[key] = Row(key=key, version=self.head, body=Raw(body), until=until)

    def delete(self, key: str) -> None:
        self.head += 1
        self.rows[key] = Row(key=key, version=self.head)

    def forget(self) -> None:
        """Forget deletions."""
        self.horizon = self.head
        self.rows = {key: row for key, row in self.rows.items() if row.body is not None}

    def live(self) -> dict[str, bytes]:
        return {key: bytes(row.body) for key, row in self.rows.items() if row.body is not None}

    def page(self, pull: Pull) -> Page:
        # As central does it, the horizon of a snapshot is part of its generation: so its later pages are told apart.
        began, _, at = pull.generation.partition("-")
        known = began == self.generation and pull.after <= self.head
        goes_on = known and (pull.after >= self.horizon or at == str(self.horizon))
        after = pull.after if goes_on else 0
        new = f"{self.generation}-{self.horizon}" if self.horizon else self.generation
        rows = sorted((row for row in self.rows.values() if row.version > after), key=lambda row: row.version)
        taken = tuple(rows[: pull.limit])
        return unpack(
            pack(
                Page(
                    scope=self.scope,
                    feed=self.feed,
                    after=after,
                    upto=self.head if len(taken) == len(rows) else taken[-1].version,
                    head=self.head,
                    generation=pull.generation if goes_on else new,
                    horizon=min(self.horizon, after) if goes_on else self.horizon,
                    rows=taken,
                )
            ),
            Page,
        )


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until it is so; where it never is, the test ends here."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


async def turn() -> None:
    """Let everything happen that can happen without the clock or the disk."""
    for _ in range(50):
        await asyncio.sleep(0)
