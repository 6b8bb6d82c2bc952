"""Deals the faults of a run from its seed: which, to whom, how soon after the one before and how badly."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

OFTEN = (
    "agent_killed",
    "player_killed",
    "broker_killed",
    "central_killed",
    "power_cut",
    "network_cut",
    "network_slow",
    "network_stalled",
    "disk_filled",
    "clock_stepped",
    "clock_lost",
)
SELDOM = ("outbox_flooded", "card_cloned", "edge_rolled_back", "central_rolled_back")
"""What takes long, since somebody has to come and mend it."""
KINDS = OFTEN + SELDOM
PACE = 1.2
"""Seconds between two faults, on average: a fault lasts longer, so that several are there at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One of the plan; `seconds` is how long it lasts, `size` in 0..1 what its kind makes of it."""

    number: int
    kind: str
    agent: int
    after: float
    seconds: float
    size: float


def deal(seed: int, faults: int, agents: int, without: Collection[str] = ()) -> list[Fault]:
    """The same for the same seed; each kind (but those in `without`) once before any comes again."""
    rng = random.Random(seed)
    kinds = [kind for kind in KINDS if kind not in without]
    often = [kind for kind in OFTEN if kind not in without]
    cards: list[str] = []
    plan = []
    for number in range(faults):
        if not cards:
            cards = kinds + (often if number else [])
            rng.shuffle(cards)
        plan.append(
            Fault(
                number=number,
                kind=cards.pop(),
                agent=rng.randrange(agents),
                after=min(rng.expovariate(1 / PACE), 4 * PACE),
                seconds=rng.uniform(0.2, 4.0),
                size=rng.random(),
            )
        )
    return plan
