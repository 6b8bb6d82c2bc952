"""Decides what of a batch is new: pure, so that loss, doubling and disorder can be tried by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from central.contract.batches import GENESIS, Batch, Gap, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far central holds an agent's epoch."""

    seq: int = 0
    chain: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to store, in order; nothing where all is held, comes too early, is on another chain (a fork), or may be."""

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
    held = [link for link in links if link.seq == cursor.seq]
    if not held:
        # A gap of the edge's lies over where we are: it has dropped what we hold, or somebody else wrote that under its
        # name. Only it can tell, from what it has sent: it is told where we are.
        return Verdict()
    if held[0].chain != cursor.chain:
        return Verdict(fork=True)
    return Verdict(take=tuple(link for link in links if link.seq > cursor.seq))


def _lost(cursor: Cursor, batch: Batch) -> Link:
    # What was there is unknown, so it is counted as the worst that it can have been.
    first, last = cursor.seq + 1, batch.first - 1
    gap = Gap(first=first, last=last, drop="vital", count=last - first + 1, cause="central_lost", chain=batch.prev)
    return Link(seq=last, chain=batch.prev, event=None, gap=gap)
