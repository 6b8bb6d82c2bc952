"""Breaks something every few seconds, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from central.demo.cast import Cast
from central.demo.faults import Faults

FIRST_S, GAPS_S = 4.0, (5.0, 12.0)
CUTS_S = (2.0, 10.0)
RESTS_S = 25.0
"""Before the end nothing is broken any more, so that what was broken last is also seen to recover."""


class Chance:
    """Draws what breaks next, until the shop is about to close."""

    def __init__(self, seed: int, cast: Cast, faults: Faults, seconds: float) -> None:
        self._dice = random.Random(f"faults-{seed}")  # noqa: S311 - a repeatable play, no secret.
        self._cast = cast
        self._faults = faults
        self._until = seconds - RESTS_S
        self._next = FIRST_S
        self._joins: dict[str, float] = {}

    def step(self, now: float) -> None:
        for store, at in list(self._joins.items()):
            if now >= at:
                del self._joins[store]
                self._faults.join(store, now)
        if self._next <= now < self._until:
            self._next = now + self._dice.uniform(*GAPS_S)
            self._break(now)

    def _break(self, now: float) -> None:
        what = self._dice.choice(("agent", "player", "broker", "central", "network"))
        cut = self._dice.uniform(*CUTS_S)
        match what:
            case "agent":
                self._faults.kill(self._one([process.name for process in self._cast.agents.values()]), now)
            case "player":
                self._faults.kill(self._one([process.name for process in self._cast.players.values()]), now)
            case "network":
                store = self._one(list(self._cast.agents))
                if self._faults.cut(store, now):
                    self._joins[store] = now + cut
            case _:
                self._faults.kill(what, now)

    def _one(self, names: Sequence[str]) -> str:
        return self._dice.choice(names)
