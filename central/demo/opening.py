"""Brings the demo up to the moment at which the shop opens: folder, database, and every process ready."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from msgspec import json

from central.demo.configs import Configs, Screen, window
from central.demo.processes import CENTRAL, EDGE, PAGE, SIGNAGE, DemoFailed, Process, Troupe

Say = Callable[[str], None]
MARK = ".noren-demo"
"""What tells the demo's folder, which may be wiped, from somebody's documents."""
READY_S = 60.0
LEADS_S = (6.0, 20.0, 60.0)
"""Seconds that the agents get to be ready before the scenario begins; when it was too short, the next is tried."""
_SOCKET_PATH = 100
"""Bytes that a socket's path may have (the kernel's limit is 108)."""
_SOCKET_NAME = 40
"""Bytes that are kept for `/<store>-shelf.sock`."""


def clean(folder: Path, undo: ExitStack) -> Path:
    """Make the folder new, and give the one for sockets. Raises DemoFailed where the folder is not a demo's."""
    if folder.exists() and not (folder / MARK).exists() and any(folder.iterdir()):
        raise DemoFailed(
            f"The folder {folder} holds something that no demo has left.",
            fix="Name an empty folder with --folder: it is wiped at each start.",
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    (folder / MARK).touch()
    sockets = folder / "run"
    if len(str(sockets).encode()) + _SOCKET_NAME > _SOCKET_PATH:
        return Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="noren-")))
    sockets.mkdir()
    return sockets


def set_up(configs: Configs, troupe: Troupe, pictures: Path) -> str:
    """Make central's database, fill it with the sample chain, and give the web shop's key.

    The sample's pictures are kept in a folder for the next start.
    """
    config = str(configs.central())
    troupe.run("migrate", [*CENTRAL, "migrate", config])
    troupe.run("load-sample", [*CENTRAL, "load-sample", config, "--pictures", str(pictures)])
    key: str = json.decode(troupe.run("key", [*CENTRAL, "key", config, "web-shop", "--may", "track,consents,codes"]))[
        "key"
    ]
    return key


def enrol(configs: Configs, troupe: Troupe, edges: Mapping[str, Path]) -> None:
    """Have central make a code for each store's agent, and each device, known by its configuration, use its own."""
    config = str(configs.central_file)
    said = troupe.run_all({f"code-{store}": [*CENTRAL, "enrol", config, store, f"{store}-1"] for store in edges})
    codes = {store: json.decode(said[f"code-{store}"])["code"] for store in edges}
    troupe.run_all({f"enrol-{store}": [*EDGE, "enrol", codes[store], str(file)] for store, file in edges.items()})


def start_central(configs: Configs, troupe: Troupe, say: Say) -> Process:
    """Start central, wait until it serves, and say where it is. Raises DemoFailed."""
    wanted = {"http": configs.http_port, "broker": configs.mqtt_port}
    central = troupe.start("central", [*CENTRAL, "serve", str(configs.central())])
    try:
        troupe.await_ready({central: partial(_is_ready, central)}, READY_S)
    except DemoFailed:
        # Somebody else may have taken a port just now: with any other it must work.
        troupe.stop([central])
        configs.http_port = configs.mqtt_port = 0
        central = troupe.start("central", [*CENTRAL, "serve", str(configs.central())])
        troupe.await_ready({central: partial(_is_ready, central)}, READY_S)
    ports = central.said("ready") or {}
    for what, port in wanted.items():
        if port != ports[what]:
            say(f"Port {port} is taken: central's {what} is at port {ports[what]}.")
    configs.http_port, configs.mqtt_port = ports["http"], ports["broker"]
    configs.settle()
    say(f"Central is at https://127.0.0.1:{configs.http_port}")
    return central


def start_players(troupe: Troupe, screens: Sequence[Screen]) -> list[Process]:
    """A few at a time: each would be alone on its machine, and how soon it shows something is measured."""
    players: list[Process] = []
    for group in _groups(screens, os.cpu_count() or 1):
        started = {
            troupe.start(
                f"signage-{screen.screen}", [*SIGNAGE, "run", str(screen.config)], window(screens.index(screen))
            ): screen.socket.exists
            for screen in group
        }
        troupe.await_ready(started, READY_S)
        players += started
    return players


def start_edges(
    troupe: Troupe,
    stores: Sequence[str],
    config_of: Callable[[str, float], Path],
    written: Callable[[float], None],
    memory: Path,
    say: Say,
) -> tuple[float, list[Process], dict[str, Path]]:
    """Start the agents and give when the scenario begins (CLOCK_MONOTONIC): once all are ready.

    On a slow machine that is later. `written` writes the scenario for a beginning. `memory` is what systemd gives
    them as RuntimeDirectory=. Raises DemoFailed.
    """
    given = {"RUNTIME_DIRECTORY": str(memory)}
    for lead in LEADS_S:
        start = time.monotonic() + lead
        written(start)
        configs = {store: config_of(store, start) for store in stores}
        edges = [troupe.start(f"edge-{store}", [*EDGE, "run", str(configs[store])], given) for store in stores]
        troupe.await_ready({edge: partial(_is_ready, edge) for edge in edges}, READY_S)
        if time.monotonic() < start:
            return start, edges, configs
        say(f"The agents were not ready within {lead:g} s: they are started again and get more.")
        troupe.stop(edges)
    raise DemoFailed("This machine is too slow for three agents.", fix="Stop what else runs on it.")


def start_page(troupe: Troupe, socket: Path, port: int) -> Process:
    """Start the store page, which waits for the demo's window at `socket`."""
    return troupe.start(PAGE, [*CENTRAL, "page", "--socket", str(socket), "--port", str(port)])


def address(troupe: Troupe, page: Process) -> str:
    """Where the page is, once it serves. Raises DemoFailed."""
    troupe.await_ready({page: partial(_is_ready, page)}, READY_S)
    ready = page.said("ready") or {}
    return f"http://127.0.0.1:{ready['http']}"


def _is_ready(process: Process) -> bool:
    return process.said("ready") is not None


def _groups(screens: Sequence[Screen], size: int) -> list[Sequence[Screen]]:
    return [screens[at : at + size] for at in range(0, len(screens), size)]
