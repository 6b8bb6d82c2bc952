"""Brings central up and lets agents in, the way an operator does, with the bench's wires between them."""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import yaml

from bench.faults.units import run, until
from bench.faults.world import Agent, Central

STORES = ("ginza", "shibuya", "umeda")
"""Of the sample chain; a fourth agent is the second of the first."""
OUTBOX_MB = 2
"""Small, so that a flood has to drop; without one it holds some minutes, for a central that was set back."""


async def found(central: Central, folder: Path) -> dict[str, int]:
    """A sample chain, and central on it; its ports. Raises OSError."""
    ports = {"http": _free(), "mqtt": _free()}
    section = {
        "folder": str(folder / "central"),
        "key": secrets.token_hex(32),
        "http": {"port": ports["http"]},
        "broker": {"kind": "embedded", "port": ports["mqtt"]},
        "names": ["127.0.0.1"],
    }
    _write(central.config, "central", section)
    await run(folder / "load-sample.log", "central", "load-sample", str(central.config))
    central.unit.start()
    if not await until(lambda: _answers(ports["http"]), 60):
        raise OSError(f"central does not come up: see {folder / 'central.log'}")
    return ports


async def join(
    central: Central, agent: Agent, number: int, ports: Mapping[str, int], folder: Path, *, screen: bool
) -> Callable[[], Sequence[str]] | None:
    """Make an agent of it that reaches central at these ports; the command of its player, where it has one."""
    agent.store = STORES[number % len(STORES)]
    screens = []
    player = None
    if screen:
        name, at = f"{agent.store}-{number}", folder / f"{agent.name}.sock"
        screens = [{"screen": name, "socket": str(at), "zones": ["shelf"]}]
        player = _player(name, at, folder)
    section = {
        "folder": str(agent.card.folder),
        "brokers": [{"host": "127.0.0.1", "port": ports["mqtt"]}],
        "assets": f"https://127.0.0.1:{ports['http']}/assets",
        "zones": [{"zone": "shelf"}],
        "sensors": [],
        "screens": screens,
        "outbox_mb": OUTBOX_MB,
    }
    _write(agent.config, "edge", section)
    log = folder / "enrol.log"
    told = msgspec.json.decode(await run(log, "central", "enrol", str(central.config), agent.store))
    agent.agent = told["agent"]
    await run(log, "edge", "enrol", told["code"], str(agent.config))
    return player


def clone(agent: Agent, to: Agent) -> None:
    """Write the configuration of a copied card: the same device, but that nobody has plugged a screen in."""
    section = yaml.safe_load(agent.config.read_text())["edge"]
    _write(to.config, "edge", section | {"folder": str(to.card.folder), "screens": []})


def _player(name: str, at: Path, folder: Path) -> Callable[[], Sequence[str]]:
    config = folder / f"player-{name}.yaml"
    section = {
        "screen": name,
        "socket": str(at),
        "folder": str(folder / f"player-{name}"),
        "display": {"mode": "headless", "width": 640, "height": 360},
    }
    _write(config, "signage", section)
    return lambda: [sys.executable, "-m", "signage", "run", str(config)]


def _write(file: Path, name: str, section: Mapping[str, object]) -> None:
    file.write_text(yaml.safe_dump({name: section}))


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
