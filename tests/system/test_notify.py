"""What the programs tell systemd, as it starts them: that they are ready, that they still turn, and that they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from edge_certificates import Authority

from edge.config import Broker
from ground.systemd import Watchdog, notify

TREE = Path(__file__).parents[2]
WAIT_S = 60.0


def edge(folder: Path) -> dict[str, object]:
    Authority().enrolled(folder / "edge", [Broker(host="127.0.0.1", port=1)])
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps({"name": "empty", "seconds": 5, "stores": {"ginza": {"shoppers": []}}}))
    radio = {"kind": "simulated-radio", "name": "radio", "zone": "shelf", "scenario": str(scenario)}
    return {"folder": str(folder / "edge"), "zones": [{"zone": "shelf"}], "sensors": [radio], "screens": []}


def register(folder: Path) -> dict[str, object]:
    told = {"socket": str(folder / "r.sock"), "members": {"kind": "http", "url": "http://127.0.0.1:1/"}}
    return {"folder": str(folder / "edge"), "zones": [], "sensors": [], "screens": [], "register": told}


def signage(folder: Path) -> dict[str, object]:
    display = {"mode": "headless", "width": 320, "height": 320}
    return {"screen": "s", "socket": str(folder / "s.sock"), "folder": str(folder / "s"), "display": display}


def central(folder: Path) -> dict[str, object]:
    listens = {"http": {"port": 0}, "broker": {"kind": "embedded", "port": 0}}
    return {"folder": str(folder / "central"), "key": "ab" * 32, **listens}


@pytest.mark.parametrize(
    ("program", "command", "section"),
    [
        ("edge", "run", edge),
        ("edge", "register", register),
        ("signage", "run", signage),
        ("central", "serve", central),
    ],
)
def test_a_program_tells_how_it_is(
    program: str, command: str, section: Callable[[Path], dict[str, object]], tmp_path: Path
) -> None:
    file = tmp_path / "noren.yaml"
    file.write_text(yaml.safe_dump({program: section(tmp_path)}))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, (tmp_path / "log").open("wb") as log:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WAIT_S)
        given = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with subprocess.Popen(
            [sys.executable, "-m", program, command, str(file)],
            cwd=TREE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=os.environ | given,
        ) as process:
            try:
                said: list[bytes] = []
                while not (b"READY=1" in said and said.count(b"WATCHDOG=1") > 1):
                    said.append(systemd.recv(100))
                process.send_signal(signal.SIGTERM)
                while said[-1] != b"STOPPING=1":
                    said.append(systemd.recv(100))
                assert process.wait(WAIT_S) == 0, (tmp_path / "log").read_text()
            finally:
                process.kill()
    assert set(said) == {b"READY=1", b"WATCHDOG=1", b"STOPPING=1"}


def test_without_systemd_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notify("READY=1")
    assert Watchdog().every is None
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")
    monkeypatch.setenv("WATCHDOG_USEC", "soon")
    assert Watchdog().every is None


def test_the_watchdog_is_not_told_at_every_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    watchdog = Watchdog()
    assert watchdog.every == 10.0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        for now in (100.0, 101.0, 104.9, 105.0, 109.0, 115.0):
            watchdog.turned(now)
        assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        with pytest.raises(BlockingIOError):
            systemd.recv(100)
