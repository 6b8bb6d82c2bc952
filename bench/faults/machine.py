"""Stands in for the clocks of the machine that an agent of the bench runs on: they can be stepped, and start anew."""

from __future__ import annotations

import time
from dataclasses import dataclass

_WALL, _CLOCK = time.time, time.clock_gettime


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Of the machine; it outlives the agent, and a power cut makes a new one."""

    boot: str
    booted: float = 0.0
    """CLOCK_BOOTTIME of the real machine when this one was switched on."""
    step: float = 0.0
    """Seconds by which its wall clock is wrong."""
    synced: bool = True
    """Whether its kernel calls that clock synchronised."""


class Machine:
    """The clocks by a state that may change at any time."""

    def __init__(self, state: State) -> None:
        self.state = state

    def be(self) -> None:
        """Be the whole process's machine: to be called before anything remembers the real clocks."""
        vars(time).update(time=self.wall, clock_gettime=self._read)

    def wall(self) -> float:
        return _WALL() + self.state.step

    def synced(self) -> bool:
        return self.state.synced

    def _read(self, clock: int) -> float:
        now = _CLOCK(clock)
        return now - self.state.booted if clock == time.CLOCK_BOOTTIME else now


def true_wall() -> float:
    """The real time, whatever the machine's clock says."""
    return _WALL()
