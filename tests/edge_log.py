"""An agent's log as the edge keeps it: numbered, on a chain, cut into batches at will."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from central.contract import codec, events, topics
from central.contract.batches import GENESIS, Batch, Gap, Origin, link, raw
from central.contract.events import Born, CrowdCounted
from central.mqtt import Message

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def event(number: int) -> bytes:
    born = Born(wall=NOON, boot="boot-1", up_ms=number, synced=True)
    return events.make(CrowdCounted(zone="door", radios=number, over_ms=60_000), born)


@dataclass
class EdgeLog:
    """One epoch: `made[n]` is seq n + 1."""

    agent: str = "pi-1"
    store: str = "ginza"
    epoch: str = "e1"
    made: list[bytes] = field(default_factory=list)
    chain: list[str] = field(default_factory=lambda: [GENESIS])

    def add(self, *data: bytes) -> EdgeLog:
        for one in data:
            self.made.append(one)
            self.chain.append(link(self.chain[-1], one))
        return self

    def batch(
        self,
        first: int,
        last: int,
        *,
        oldest: int = 1,
        gaps: tuple[Gap, ...] = (),
        origins: tuple[Origin, ...] = (),
    ) -> Batch:
        missing = {seq for gap in gaps for seq in range(gap.first, gap.last + 1)}
        sent = tuple(raw(self.made[seq - 1]) for seq in range(first, last + 1) if seq not in missing)
        return Batch(
            epoch=self.epoch,
            first=first,
            last=last,
            oldest=oldest,
            prev=self.chain[first - 1],
            events=sent,
            gaps=gaps,
            origins=origins,
        )

    def gap(self, first: int, last: int) -> Gap:
        count = last - first + 1
        return Gap(first=first, last=last, drop="counts", count=count, cause="outbox_full", chain=self.chain[last])

    def message(self, batch: Batch) -> Message:
        return self.said("up", codec.pack(batch))

    def said(self, leaf: str, payload: bytes) -> Message:
        address = topics.read(topics.of_agent(self.store, self.agent, leaf))
        assert address is not None
        return Message(address=address, payload=payload)
