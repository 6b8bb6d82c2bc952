"""Notices two devices that are one agent: they speak in turn, and a boot that was over is there again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WITHIN = timedelta(minutes=15)
MANY = 3
"""Returns within that time: once may be what a broker had kept of before."""
_BOOTS = 4
"""Of one agent: with so many devices as one agent, at least two are seen."""


@dataclass(slots=True)
class _Agent:
    boots: deque[str] = field(default_factory=lambda: deque(maxlen=_BOOTS))
    returns: deque[datetime] = field(default_factory=lambda: deque(maxlen=MANY))
    told: datetime | None = None


class Rivals:
    """What agents said of their boots lately, in memory: one entry for each that is enrolled."""

    def __init__(self) -> None:
        self._agents: dict[str, _Agent] = {}

    def says(self, agent: str, boot: str, at: datetime) -> bool:
        """Take that an agent is there in this boot; True, once in a while, where it is more than one device."""
        known = self._agents.setdefault(agent, _Agent())
        if known.boots and known.boots[-1] == boot:
            return False
        if boot in known.boots:  # Of one device, a boot that is over never comes back.
            known.boots.remove(boot)
            known.returns.append(at)
        known.boots.append(boot)
        many = len(known.returns) == MANY and at - known.returns[0] <= WITHIN
        if not many or (known.told is not None and at - known.told < WITHIN):
            return False
        known.told = at
        return True
