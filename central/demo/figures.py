"""Reads what an agent says of itself in the file that it leaves for commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import DecodeError, json


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    at: float
    """Seconds since 1970 when the agent last looked at itself; it does every two seconds."""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def made(self) -> int:
        return self.counts.get("events_made", 0)

    @property
    def waiting(self) -> int:
        return self.counts.get("outbox_waiting", 0)

    @property
    def refused(self) -> int:
        return not_kept(self.counts)


def not_kept(counts: Mapping[str, int]) -> int:
    """How much happened that an agent could not keep, for whatever reason."""
    names = ("events_unkept", "events_refused", "events_overrun", "events_dropped", "events_lost")
    return sum(counts.get(name, 0) for name in names)


def figures(folder: Path) -> Figures | None:
    """What the agent in this folder last said (docs/operations.md); None where it has said nothing yet."""
    file = folder / "status.json"
    try:
        return Figures(at=file.stat().st_mtime, counts=json.decode(file.read_bytes(), type=dict[str, int]))
    except (OSError, DecodeError):
        return None
