"""Makes a run's figures out of what was noted on the way and what lies in central's database at the end."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench.faults.breaking import Breaking
from bench.faults.check import Verdict, check
from bench.faults.world import Agent, Central

READ = 0.05
"""Seconds that a busy machine may put between an event's birth and our own look at the clock."""

Wrong = tuple[str, float, float]
"""An event that was at another time than central says, by more than it says: its id, seconds off, within."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """What is seen on the way."""

    by_kind: Counter[str] = field(default_factory=Counter)
    recovery: list[float] = field(default_factory=list)
    exits: Counter[str] = field(default_factory=Counter)
    """Processes that ended though nobody had killed them, with their exit codes."""
    rss: dict[str, int] = field(default_factory=dict)


def figures(
    begun: Mapping[str, object],
    notes: Notes,
    breaking: Breaking,
    central: Central,
    everyone: Sequence[Agent],
    folder: Path,
) -> tuple[dict[str, Any], bool]:
    """The figures, and whether nothing is other than it must be; what is lies in `wrong.json` for who looks into it."""
    agents = {agent.agent for agent in everyone}
    moves = set().union(*(agent.moves for agent in everyone))
    found = central.found(agents)
    verdict = check([one for agent in everyone for one in agent.made], found, moves)
    quarantined = central.quarantined()
    wrong, unmeasured = _times(central, agents, {name: at for agent in everyone for name, at in agent.walls.items()})
    _keep(folder, verdict, quarantined=quarantined, stuck=breaking.stuck, times=wrong, moves=list(moves))
    # Each fork makes one epoch more; one that nobody has forked is a false alarm.
    strange = len(found.cursors) - len(agents) - breaking.forks_made
    recovery = sorted(notes.recovery) or [0.0]
    told = {
        "faults": sum(notes.by_kind.values()),
        **begun,
        "by_kind": dict(sorted(notes.by_kind.items())),
        "events_made": verdict.made,
        "events_stored": verdict.stored,
        "stored_untold": verdict.untold,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "out_of_order": len(verdict.out_of_order),
        "unexplained_places": len(verdict.unexplained),
        "declared_gaps": len(found.gaps),
        "in_gaps": sum(verdict.in_gaps.values()),
        "in_gaps_by_cause": dict(verdict.in_gaps),
        "forks": breaking.forks_found,
        "forks_made": breaking.forks_made,
        "forks_found": breaking.forks_found,
        "forks_strange": strange,
        "quarantined": len(quarantined),
        "times_wrong": len(wrong),
        "times_unmeasured": unmeasured,
        "stuck": breaking.stuck,
        "exits": dict(notes.exits),
        "recovery_s_p50": round(statistics.median(recovery), 2),
        "recovery_s_p99": round(recovery[min(len(recovery) - 1, int(len(recovery) * 0.99))], 2),
        "rss_mb": {name: round(size / 1e6, 1) for name, size in sorted(notes.rss.items())},
    }
    good = verdict.good and not (breaking.stuck or quarantined or wrong or strange)
    return told, good and breaking.forks_made == breaking.forks_found


def _times(central: Central, agents: set[str], walls: Mapping[str, float]) -> tuple[list[Wrong], int]:
    """What central corrects wrongly; and how many events are of boots that were over before central was heard in them,
    so that it can only say what the kernel said."""
    wrong: list[Wrong] = []
    unmeasured = 0
    for name, said, measured in central.times(agents):
        if said.within_s is None or not measured:
            unmeasured += 1
        elif name in walls:
            off = said.at.timestamp() - walls[name]
            if abs(off) > said.within_s + READ:
                wrong.append((name, off, said.within_s))
    return wrong, unmeasured


def _keep(folder: Path, verdict: Verdict, **more: object) -> None:
    wrong = {
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "out_of_order": verdict.out_of_order,
        "unexplained": verdict.unexplained,
    }
    (folder / "wrong.json").write_bytes(msgspec.json.format(msgspec.json.encode(wrong | more)))
