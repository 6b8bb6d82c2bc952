"""The processes of an open shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from central.demo.configs import Screen
from central.demo.processes import Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """All of it by name: an agent's by its store, a player's by its screen."""

    central: Process
    agents: Mapping[str, Process]
    players: Mapping[str, Process]
    configs: Mapping[str, Path]
    folders: Mapping[str, Path]
    """The agents', by store."""
    screens: Mapping[str, Screen]
