"""Follows a player's journal: what was shown last and why, and how long each scene took to come up."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from msgspec import DecodeError, json

from central.judge.carries import Carried, Carries, Carry, Sealed

log = logging.getLogger(__name__)

_HISTORY = 512 * 1024
"""Bytes before the end that are read at first: some minutes of one screen."""
_STEP = 512 * 1024
"""Bytes read at one look, at most."""
_LONGEST = 64 * 1024
_SAMPLES = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A scene's first frame."""

    at_ns: int
    """CLOCK_MONOTONIC."""
    scene: str
    layout: str
    cause: str
    level: int
    people: int
    """How many customers it is for."""
    items: tuple[str, ...]
    trigger_ms: float | None
    """From the sighting or scan entering the agent to this frame."""
    decision_ms: float | None
    """From the agent's decision to this frame: without presence's own waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    event: Literal["shown", "ended"]
    at_ns: int
    scene: str
    layout: str = ""
    cause: str = ""
    items: tuple[str, ...] = ()
    carry: Carry = field(default_factory=dict)
    trigger_ns: int = 0
    decided_ns: int = 0


class Tail:
    """One journal, read from where the last look ended."""

    def __init__(self, path: Path, store: str = "", carries: Carries | None = None) -> None:
        """`carries` opens what the store's agent has sealed."""
        self.last: Shown | None = None
        self.samples: deque[Shown] = deque(maxlen=_SAMPLES)
        """Scenes that somebody caused, oldest first: what the times are taken of."""
        self.unreadable = 0
        self._path = path
        self._store = store
        self._carries = carries or Carries({})
        self._at: int | None = None
        self._rest = b""

    def look(self) -> bool:
        """Read what was added; whether there was anything."""
        try:
            size = self._path.stat().st_size
            if self._at is None:
                self._at = max(0, size - _HISTORY)
                skips = self._at > 0
            else:
                skips = False
            if size < self._at:  # Another file of the same name.
                self._at, self._rest = 0, b""
            if size == self._at:
                return False
            with self._path.open("rb") as file:
                file.seek(self._at)
                added = file.read(_STEP)
        except OSError:
            return False
        self._at += len(added)
        lines = (self._rest + added).split(b"\n")
        self._rest = lines.pop()[-_LONGEST:]
        before = self.unreadable
        for text in lines[1:] if skips else lines:
            self._take(text)
        if self.unreadable > before:
            log.warning("%d lines of %s cannot be read so far", self.unreadable, self._path)
        return True

    def _take(self, text: bytes) -> None:
        try:
            line = json.decode(text, type=_Line)
            carried = self._carries.open(line.carry, self._store)
        except (DecodeError, RecursionError, Sealed):
            self.unreadable += 1
            return
        if line.event == "shown":
            self.last = _shown(line, carried)
            if self.last.cause != "schedule":
                self.samples.append(self.last)


def _shown(line: _Line, carried: Carried) -> Shown:
    return Shown(
        at_ns=line.at_ns,
        scene=line.scene,
        layout=line.layout,
        cause=line.cause,
        level=carried.level,
        people=len(carried.customers),
        items=line.items,
        trigger_ms=_ms(line.trigger_ns, line.at_ns),
        decision_ms=_ms(line.decided_ns, line.at_ns),
    )


def _ms(since_ns: int, at_ns: int) -> float | None:
    return (at_ns - since_ns) / 1e6 if 0 < since_ns <= at_ns else None
