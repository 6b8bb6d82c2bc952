"""The time of day as well as the player knows it: the agent's word, else the machine's clock, never before the past."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""No clock is right beyond it, and arithmetic on dates still works there."""


class Wall:
    """Belongs to the frame loop; `now` is seconds of CLOCK_MONOTONIC."""

    def __init__(self, kept: float = 0.0, machine: Callable[[], float] = time.time) -> None:
        """`kept` is the last time that an earlier player knew, in seconds since 1970."""
        self._kept = kept
        self._machine = machine
        self._began: float | None = None
        """When the machine's clock was first seen to be behind `kept`."""
        self._ahead: float | None = None
        """Seconds from CLOCK_MONOTONIC to the agent's time."""

    def tell(self, wall: float, at_ns: int) -> None:
        """The agent says that it was `wall` at this nanosecond of CLOCK_MONOTONIC."""
        self._ahead = wall - at_ns / 1e9

    def seconds(self, now: float) -> float:
        """Give the seconds since 1970."""
        if self._ahead is not None:
            return min(max(0.0, now + self._ahead), _LATEST)
        machine = self._machine()
        if machine >= self._kept:
            return min(machine, _LATEST)
        # A Pi without a clock battery begins where it was switched off, or in 1970: time at least goes on.
        if self._began is None:
            self._began = now
        return min(self._kept + max(0.0, now - self._began), _LATEST)

    def at(self, now: float) -> datetime:
        return datetime.fromtimestamp(self.seconds(now), UTC)
