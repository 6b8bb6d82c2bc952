"""Decides what of a batch is new: pure, so that loss, doubling and disorder can be tried by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from central.contract.batches import GENESIS, Batch, Gap, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far central holds an agent's epoch."""

    seq: int = 0
    chain: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to store, in order; nothing where all is held, comes too early, or is on another chain (a fork)."""

    take: tuple[Link, ...] = ()
    fork: bool = False


def compare(cursor: Cursor, batch: Batch, links: Sequence[Link]) -> Verdict:
    """Hold a batch, walked into its links, against the cursor."""
    if batch.last <= cursor.seq:
        return Verdict(fork=batch.last == cursor.seq and links[-1].chain != cursor.chain)
    if batch.first > cursor.seq + 1:
        if batch.oldest <= cursor.seq + 1 or batch.first != batch.oldest:
            return Verdict()  # The edge still has what is missing, and goes back to it.
        return Verdict(take=(_lost(cursor, batch), *links))
    if batch.first == cursor.seq + 1:
        fork = batch.prev != cursor.chain
        return Verdict(fork=fork, take=() if fork else tuple(links))
    if any(link.seq == cursor.seq and link.chain != cursor.chain for link in links):
        return Verdict(fork=True)
    return Verdict(take=tuple(_after(cursor, link) for link in links if link.seq > cursor.seq))


def _lost(cursor: Cursor, batch: Batch) -> Link:
    # What was there is unknown, so it is counted as the worst that it can have been.
    first, last = cursor.seq + 1, batch.first - 1
    gap = Gap(first=first, last=last, drop="vital", count=last - first + 1, cause="central_lost", chain=batch.prev)
    return Link(seq=last, chain=batch.prev, event=None, gap=gap)


def _after(cursor: Cursor, link: Link) -> Link:
    # An edge may have dropped what central holds already: only the rest of its gap is missing here.
    gap = link.gap
    if gap is None or gap.first > cursor.seq:
        return link
    rest = gap.last - cursor.seq
    return replace(link, gap=replace(gap, first=cursor.seq + 1, count=min(gap.count, rest)))
