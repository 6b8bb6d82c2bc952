"""The way up: events in batches on a chain of hashes, gaps that are declared, and the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from central.contract.codec import Count, Digest, Id, Time, Unreadable, Word

GENESIS = "0" * 64
"""The chain before the first event of an epoch."""
MAX_EVENT = 64 << 10
MAX_EVENTS = 1000
MAX_BATCH = 256 << 10
"""Bytes of events in one batch, before compression."""

DropClass = Literal["vital", "plays", "visits", "counts"]
"""What a full outbox may give up, last to first; `vital` never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Seqs that are not there, and why: a bounded outbox dropped them, or central lost them."""

    first: Count
    last: Count
    drop: DropClass
    count: Count
    cause: Literal["outbox_full", "disk_full", "central_lost", "unreadable", "corrupt"]
    chain: Digest
    """The chain at `last`: what follows the gap continues from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an event stood before a fork: central skips it if it holds (epoch, was)."""

    seq: Count
    epoch: Id
    was: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The events first..last of an epoch, in order; each seq is an event or lies in a gap."""

    epoch: Id
    first: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    last: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    oldest: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    """The oldest seq that the edge still holds: what is before it is gone at the edge."""
    prev: Digest
    """The chain at first - 1."""
    events: Annotated[tuple[Raw, ...], Meta(max_length=MAX_EVENTS)]
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=MAX_EVENTS)] = ()
    origins: Annotated[tuple[Origin, ...], Meta(max_length=MAX_EVENTS)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What central holds of this agent's epoch: all up to `seq`, whose chain is `chain`."""

    epoch: Id
    seq: Count
    chain: Digest
    time: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Nack:
    """An answer to a batch that could not be read; the edge halves what it sends."""

    reason: Word
    digest: Digest
    """SHA-256 of the payload that is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One step along a batch: an event at `seq`, or a gap that ends there, and the chain after it."""

    seq: int
    chain: str
    event: bytes | None
    gap: Gap | None = None


def link(prev: str, event: bytes) -> str:
    """The chain after an event: SHA-256(previous chain ‖ the event's bytes), in hex."""
    return hashlib.sha256(bytes.fromhex(prev) + event).hexdigest()


def walk(batch: Batch) -> Iterator[Link]:
    """Give each seq of the batch in order with its chain. Raises Unreadable where they do not fill first..last."""
    seq, chain, events = batch.first, batch.prev, iter(batch.events)
    gaps = {gap.first: gap for gap in batch.gaps}
    if len(gaps) != len(batch.gaps) or batch.last < batch.first:
        raise Unreadable("gaps: two start at one seq, or last is before first")
    while seq <= batch.last:
        gap = gaps.pop(seq, None)
        if gap is not None:
            if not gap.first <= gap.last <= batch.last:
                raise Unreadable(f"gaps: {gap.first}..{gap.last} leaves the batch {batch.first}..{batch.last}")
            seq, chain = gap.last, gap.chain
            yield Link(seq=seq, chain=chain, event=None, gap=gap)
        else:
            event = next(events, None)
            if event is None:
                raise Unreadable(f"events: there is none for seq {seq} and no gap declares it")
            chain = link(chain, bytes(event))
            yield Link(seq=seq, chain=chain, event=bytes(event))
        seq += 1
    if gaps or next(events, None) is not None:
        raise Unreadable(f"events: more than first {batch.first} to last {batch.last} can hold")


def digest(payload: bytes) -> str:
    """How a nack names the payload it answers."""
    return hashlib.sha256(payload).hexdigest()


def raw(event: bytes) -> Raw:
    """Embed an event's own bytes unchanged in a batch."""
    return msgspec.Raw(event)
