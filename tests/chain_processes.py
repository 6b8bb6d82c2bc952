"""A central and an agent in each of three stores, all of them processes, enrolled the whole way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

TREE = Path(__file__).parents[1]
STORES = ("asakusa", "ginza", "ueno")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def command(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", program, *map(str, arguments)], cwd=TREE, capture_output=True, text=True, check=False
    )


class Chain:
    """A central and one agent in each store, all of them processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "central.yaml"
        section = {
            "folder": str(folder / "central"),
            "key": "0" * 63 + "1",
            "broker": {"kind": "embedded", "port": free_port()},
            "http": {"port": free_port()},
        }
        self.file.write_text(yaml.safe_dump({"central": section}))
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def central(self) -> None:
        process = self._start("central", "serve", self.file, stdout=subprocess.PIPE)
        self.processes["central"] = process
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"]

    def enrol(self) -> None:
        scenario = self.folder / "scenario.json"
        stores: dict[str, dict[str, list[object]]] = {store: {"shoppers": []} for store in STORES}
        scenario.write_text(json.dumps({"name": "empty", "seconds": 5, "stores": stores}))
        radio = {"kind": "simulated-radio", "name": "radio", "zone": "shelf", "scenario": str(scenario)}
        for store in STORES:
            code = json.loads(command("central", "enrol", self.file, store).stdout)["code"]
            section = {
                "folder": str(self.folder / store),
                "zones": [{"zone": "shelf"}],
                "sensors": [radio],
                "screens": [{"screen": "s", "socket": str(self.folder / f"{store}.sock"), "zones": ["shelf"]}],
            }
            self.of(store).write_text(yaml.safe_dump({"edge": section}))
            done = command("edge", "enrol", code, self.of(store))
            assert done.returncode == 0, done.stderr

    def of(self, store: str) -> Path:
        return self.folder / f"{store}.yaml"

    def agent(self, store: str) -> None:
        self.processes[store] = self._start("edge", "run", self.of(store), stdout=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def begin(self, *more: str, **chosen: object) -> str:
        file = self.folder / "settings.yaml"
        file.write_text(yaml.safe_dump({"settings": chosen}))
        done = command("central", "settings", self.file, file, *more)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["settings"][0]["settings"])

    def shown(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(command("central", "settings", self.file).stdout)
        return told

    def state(self) -> str:
        """Of the latest roll-out."""
        return str(self.shown()["settings"][0]["state"])

    def agents(self) -> dict[str, dict[str, Any]]:
        return {one["store"]: one for one in self.shown()["agents"]}

    def online(self) -> bool:
        return all(one["online"] for one in self.agents().values())

    def kept(self, store: str) -> dict[str, Any]:
        """What the agent keeps of its settings."""
        try:
            told: dict[str, Any] = json.loads((self.folder / store / "settings.json").read_bytes())
        except FileNotFoundError:
            return {"trial": None, "starts": 0, "failed": [], "good": {"settings": "own"}}
        return told

    def until(self, true: Callable[[], object], *, alive: tuple[str, ...] = ("central", *STORES)) -> None:
        """Look until it is so; each look is a process of its own, or reads a file again."""
        while not true():
            for name in alive:
                assert self.processes[name].poll() is None, f"{name} has ended"

    def _start(self, program: str, *arguments: object, stdout: int) -> subprocess.Popen[str]:
        log = (self.folder / f"{program}.log").open("a")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", program, *map(str, arguments)],
                cwd=TREE,
                stdout=stdout,
                stderr=log,
                text=True,
                start_new_session=True,
            )


@contextmanager
def running(folder: Path) -> Iterator[Chain]:
    """All of them run and are online while inside."""
    chain = Chain(folder)
    try:
        chain.central()
        chain.enrol()
        for store in STORES:
            chain.agent(store)
        chain.until(chain.online)
        yield chain
    finally:
        for name in list(chain.processes):
            chain.kill(name)
