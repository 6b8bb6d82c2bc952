"""Notices that another device is this agent too: they take the broker's connection from each other."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

WITHIN = 900.0
"""Seconds in which take-overs count together."""
MANY = 3
"""From so many on it is another device: once is what a revocation does, or a connection that we had given up."""
REST = 60.0
"""Seconds, about, that each then leaves to the other: both go on sending, slowly."""


class Rivals:
    """Counts take-overs; `now` gives seconds of a clock that nobody sets."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: deque[float] = deque(maxlen=MANY)
        self._resting = False

    def taken(self) -> None:
        """Know that the broker gave our connection to somebody else who is us."""
        self._taken.append(self._now())
        self._resting = self._many()

    @property
    def trouble(self) -> str | None:
        """What central and a person should know, as long as it goes on."""
        if not self._many():
            return None
        return (
            "another device uses this agent's certificate: a card was copied. "
            "Enrol both anew, each with a code of its own."
        )

    def rest(self) -> float:
        """Seconds to wait before the next connection, once after each take-over."""
        resting, self._resting = self._resting, False
        return random.uniform(0.5, 1.5) * REST if resting else 0.0  # noqa: S311 - nobody gains by guessing it.

    def _many(self) -> bool:
        return len(self._taken) == MANY and self._now() - self._taken[0] <= WITHIN
