"""Takes the demo down in order, so that what was made can be compared with what arrived."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import DecodeError, json

from central.demo.cast import Cast
from central.demo.processes import EDGE, Troupe
from central.demo.report import AgentStatus

DRAINS_S = 30.0
"""What may be needed after the scenario until central holds everything."""


def take_down(troupe: Troupe, cast: Cast, *, healthy: bool) -> tuple[dict[str, AgentStatus], list[str]]:
    """Stop in order, waiting until central holds what the agents have made; give what they made, and what failed.

    Where something has died before (not `healthy`), nothing is waited for, and only that death is a failure.
    """
    failures: list[str] = []
    bad = troupe.stop(list(cast.players.values()))
    if healthy:
        failures += _drain(troupe, cast.configs)
    bad += troupe.stop(list(cast.agents.values()))
    statuses = _statuses(troupe, cast.configs)
    bad += troupe.stop([cast.central])
    if healthy:
        failures += [f"{process.name} did not end well ({process.dead}):\n{process.tail()}" for process in bad]
    return statuses, failures


def _drain(troupe: Troupe, configs: Mapping[str, Path]) -> list[str]:
    until = time.monotonic() + DRAINS_S
    before: dict[str, int] = {}
    while time.monotonic() < until:
        statuses = _statuses(troupe, configs)
        made = {agent: status.made for agent, status in statuses.items()}
        # Twice the same: a player's last words are also in.
        if made == before and not any(status.waiting for status in statuses.values()):
            return []
        before = made
    waiting = {agent: status.waiting for agent, status in _statuses(troupe, configs).items()}
    return [f"After {DRAINS_S:g} s the agents still waited for central's answer: {waiting}"]


def _statuses(troupe: Troupe, configs: Mapping[str, Path]) -> dict[str, AgentStatus]:
    said = {
        f"{store}-1": troupe.run(f"status-{store}", [*EDGE, "status", str(config), "--json"])
        for store, config in configs.items()
    }
    return {agent: json.decode(line, type=AgentStatus) for agent, line in said.items()}


def first_frame(cast: Cast) -> float | None:
    """Seconds from a player's start to the first line of its journal; of the slowest."""
    took = []
    for name, screen in cast.screens.items():
        with suppress(DecodeError, OSError, IndexError, KeyError):
            first = json.decode(screen.journal.read_bytes().splitlines()[0])
            took.append(first["at_ns"] / 1e9 - cast.players[name].started)
    return max(took, default=None)
