"""Runs the demo from set-up to the last line: everything that is timed, in the order it happens."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec import DecodeError, json
from sqlalchemy import Engine, func, select

from central import config, consent, sample
from central.demo.casting import make
from central.demo.configs import HEADLESS, USES, WINDOW, Configs, Enrolled, Hardware, Screen, place_of
from central.demo.processes import LOOK_S, DemoFailed, Process, Troupe
from central.demo.report import AgentStatus, Measured, Report, report, stored
from central.judge.verdict import Verdict, judge
from central.scenario import Change, Scenario
from central.storage.database import open_database, reading, writing
from central.storage.tables import events
from ground.errors import NorenError
from ground.sqlite import hold

ROOT = Path(__file__).parents[2]
MARK = ".noren-demo"
"""What tells the demo's folder, which may be wiped, from somebody's documents."""
READY_S = 60.0
LEADS_S = (6.0, 20.0, 60.0)
"""Seconds that the agents get to be ready before the scenario begins; when it was too short, the next is tried."""
DRAINS_S = 30.0
"""What may be needed after the scenario until central holds everything."""
SAYS_EVERY_S = 5.0
LONGEST_S = 4 * 3600.0
"""Of a demo that nobody stops."""
_SOCKET_PATH = 100
"""Bytes that a socket's path may have (the kernel's limit is 108)."""
_SOCKET_NAME = 40
"""Bytes that are kept for `/<store>-shelf.sock`."""
_CENTRAL, _EDGE, _SIGNAGE = ([sys.executable, "-m", name] for name in ("central", "edge", "signage"))


def main(arguments: Sequence[str]) -> int:
    """Play a shop. Exit code 0 only where nothing was lost, doubled, shown to the wrong person or left out."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return Demo(options).play()
    except NorenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("The demo was stopped before it had begun, or was not given the time to end.\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noren demo", description=main.__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=LONGEST_S, help="seconds (default: until Ctrl-C)")
    parser.add_argument("--headless", action="store_true", help="no windows")
    parser.add_argument("--json", action="store_true", help="nothing but one line of JSON on standard output")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another day")
    parser.add_argument(
        "--config", type=Path, default=ROOT / "config.example.yaml", help="the template of all settings"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "demo", help="wiped at the start")
    parser.add_argument("--camera", type=int, metavar="N", help="a real camera /dev/videoN at the first store's till")
    parser.add_argument("--radio", metavar="hciN", help="a real Bluetooth adapter at the first store's shelf")
    return parser


class Demo:
    """One run. Its processes are stopped when `play` ends, however it ends."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._folder: Path = options.folder.absolute()
        self._hardware = Hardware(camera=options.camera, radio=options.radio)
        self._display = HEADLESS if self._is_headless() else WINDOW
        self._failures: list[str] = []
        self._start = 0.0
        """CLOCK_MONOTONIC at the scenario's second 0."""

    def play(self) -> int:
        """Set up, run, take down, add up."""
        self._hardware.check()
        with ExitStack() as undo:
            undo.enter_context(hold(self._folder, "demo"))
            sockets = self._clean(undo)
            configs = Configs(self._options.config, self._folder, sockets)
            troupe = undo.enter_context(Troupe(self._folder / "logs", ROOT))
            result = self._run(configs, troupe)
        for failure in self._failures + result.failures():
            self._say(f"FAILED: {failure}")
        if self._options.json:
            sys.stdout.write(result.line() + "\n")
        else:
            self._say(result.line())
        return 1 if self._failures or result.failures() else 0

    def _run(self, configs: Configs, troupe: Troupe) -> Report:
        chain = sample.chain(now=datetime.now(UTC), pictures=False)
        stores = [store.store for store in chain.stores]
        scenario = make(chain.members, stores, seconds=self._options.seconds, seed=self._options.seed)
        file = self._folder / "scenario.json"
        file.write_bytes(json.encode(scenario))
        central_config, enrolled = self._set_up(configs, troupe, stores)
        set_up = time.monotonic()
        central = self._start_central(configs, troupe, central_config)
        screens = [configs.screen(store, zone, display=self._display) for store in stores for zone in USES]
        players = self._start_players(troupe, screens)

        def config_of(store: str) -> Path:
            own = [each for each in screens if each.place.store == store]
            sensors = self._hardware.sensors() if store == stores[0] else []
            return configs.edge(store, enrolled[store], own, scenario=file, start=self._start, sensors=sensors)

        edges, edge_configs = self._start_edges(troupe, stores, config_of)
        changes = self._watch(troupe, scenario)
        lasted = min(time.monotonic() - self._start, scenario.seconds)
        statuses = self._take_down(troupe, players, edges, central, edge_configs)
        verdict = self._judge(replace(scenario, truth=replace(scenario.truth, changes=changes)), screens, lasted)
        with self._database() as engine:
            held = stored(engine)
        came = sum(shopper.stays[0].begin < lasted for store in scenario.stores.values() for shopper in store.shoppers)
        first = verdict.first_personal_s
        measured = Measured(
            seconds=lasted,
            shoppers=came,
            seed=self._options.seed,
            first_frame_s=_first_frame(players, screens),
            first_personal_s=None if first is None else self._start + first - set_up,
            edge_rss=max(process.highest_rss for process in edges),
            signage_rss=max(process.highest_rss for process in players),
        )
        return report(verdict, statuses, held, measured)

    def _is_headless(self) -> bool:
        if self._options.headless:
            return True
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            return False
        self._say("There is no display here: the screens run without windows.")
        return True

    def _clean(self, undo: ExitStack) -> Path:
        """Make the folder new, and give the one for sockets. Raises DemoFailed where the folder is not a demo's."""
        folder = self._folder
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

    def _set_up(self, configs: Configs, troupe: Troupe, stores: Sequence[str]) -> tuple[Path, dict[str, Enrolled]]:
        self._say("Loading the sample chain …")
        config = configs.central()
        for command in ("migrate", "load-sample"):
            troupe.run(command, [*_CENTRAL, command, str(config)])
        enrolled = {}
        for store in stores:
            said = troupe.run("enrol", [*_CENTRAL, "enrol", str(config), store, f"{store}-1"])
            enrolled[store] = json.decode(said, type=Enrolled)
        return config, enrolled

    def _start_central(self, configs: Configs, troupe: Troupe, config: Path) -> Process:
        for what, wanted, port in (
            ("pages", configs.http_wanted, configs.http_port),
            ("broker", configs.mqtt_wanted, configs.mqtt_port),
        ):
            if port != wanted:
                self._say(f"Port {wanted} is taken: central's {what} will be at port {port}.")
        central = troupe.start("central", [*_CENTRAL, "serve", str(config)])
        troupe.await_ready({central: lambda: central.said("ready") is not None}, READY_S)
        self._say(f"Central is at http://127.0.0.1:{configs.http_port}")
        return central

    def _start_players(self, troupe: Troupe, screens: Sequence[Screen]) -> list[Process]:
        """A few at a time: each would be alone on its machine, and how soon it shows something is measured."""
        players: list[Process] = []
        for group in _groups(screens, os.cpu_count() or 1):
            started = {
                troupe.start(
                    f"signage-{screen.screen}", [*_SIGNAGE, "run", str(screen.config)], place_of(screens.index(screen))
                ): screen.socket.exists
                for screen in group
            }
            troupe.await_ready(started, READY_S)
            players += started
        return players

    def _start_edges(
        self, troupe: Troupe, stores: Sequence[str], config_of: Callable[[str], Path]
    ) -> tuple[list[Process], dict[str, Path]]:
        """Start the agents and be ready before the scenario begins; on a slow machine, begin later."""
        for lead in LEADS_S:
            self._start = time.monotonic() + lead
            configs = {store: config_of(store) for store in stores}
            edges = [troupe.start(f"edge-{store}", [*_EDGE, "run", str(configs[store])]) for store in stores]
            troupe.await_ready({edge: partial(_is_ready, edge) for edge in edges}, READY_S)
            if time.monotonic() < self._start:
                return edges, configs
            self._say(f"The agents were not ready within {lead:g} s: they are started again and get more.")
            troupe.stop(edges)
        raise DemoFailed("This machine is too slow for three agents.", fix="Stop what else runs on it.")

    def _watch(self, troupe: Troupe, scenario: Scenario) -> tuple[Change, ...]:
        """Let the scenario run to its end, or to Ctrl-C or a death; give the changes of consent as they were made."""
        due = list(scenario.truth.changes)
        made: list[Change] = []
        measured = said = 0.0
        self._say("The shop is open." if self._options.seconds < LONGEST_S else "The shop is open; Ctrl-C closes it.")
        try:
            with self._database() as engine:
                while (now := time.monotonic() - self._start) < scenario.seconds:
                    while due and due[0].at <= now:
                        made.append(self._agree(engine, due.pop(0)))
                    if now - measured >= 1:
                        measured = now
                        troupe.measure()
                        if self._deaths(troupe):
                            break
                    if now - said >= SAYS_EVERY_S:
                        said = now
                        self._say(f"{now:4.0f} s: {_progress(engine)}, {len(made)} changes of consent")
                    time.sleep(LOOK_S)
        except KeyboardInterrupt:
            self._say("Closing the shop …")
        return tuple(made)

    def _agree(self, engine: Engine, change: Change) -> Change:
        """Do what `central consent` does, at this second: another process would take as long as it takes to start."""
        begun = time.monotonic() - self._start
        act = consent.give if change.gives else consent.withdraw
        with writing(engine) as connection:
            act(connection, change.customer, [change.purpose], datetime.now(UTC))
        return replace(change, at=begun, done=time.monotonic() - self._start)

    def _deaths(self, troupe: Troupe) -> bool:
        for process in troupe.deaths():
            self._failures.append(f"{process.name} ended with exit code {process.dead}:\n{process.tail()}")
        return bool(self._failures)

    def _take_down(
        self, troupe: Troupe, players: list[Process], edges: list[Process], central: Process, configs: dict[str, Path]
    ) -> dict[str, AgentStatus]:
        """Stop in order, waiting until central holds what the agents have made."""
        self._say("Waiting until central holds everything …")
        bad = troupe.stop(players)
        if not self._failures:
            self._drain(troupe, configs)
        bad += troupe.stop(edges)
        statuses = self._statuses(troupe, configs)
        bad += troupe.stop([central])
        if not self._failures:
            self._failures += [
                f"{process.name} did not end well ({process.dead}):\n{process.tail()}" for process in bad
            ]
        return statuses

    def _drain(self, troupe: Troupe, configs: dict[str, Path]) -> None:
        until = time.monotonic() + DRAINS_S
        before: dict[str, int] = {}
        while time.monotonic() < until:
            statuses = self._statuses(troupe, configs)
            made = {agent: status.made for agent, status in statuses.items()}
            # Twice the same: a player's last words are also in.
            if made == before and not any(status.waiting for status in statuses.values()):
                return
            before = made
        waiting = {agent: status.waiting for agent, status in self._statuses(troupe, configs).items()}
        self._failures.append(f"After {DRAINS_S:g} s the agents still waited for central's answer: {waiting}")

    def _statuses(self, troupe: Troupe, configs: dict[str, Path]) -> dict[str, AgentStatus]:
        said = {
            f"{store}-1": troupe.run(f"status-{store}", [*_EDGE, "status", str(config), "--json"])
            for store, config in configs.items()
        }
        return {agent: json.decode(line, type=AgentStatus) for agent, line in said.items()}

    def _judge(self, scenario: Scenario, screens: Sequence[Screen], lasted: float) -> Verdict:
        judged = list(screens)
        if self._hardware.sensors():
            first = screens[0].place.store
            self._say(f"Who stands before the real hardware is not in the script: {first} is not judged.")
            judged = [screen for screen in screens if screen.place.store != first]
        verdict = judge(
            scenario,
            {screen.screen: screen.place for screen in judged},
            [screen.journal.read_bytes().splitlines() for screen in judged if screen.journal.exists()],
            start=self._start,
            seconds=lasted,
        )
        for finding in verdict.findings:
            self._say(f"{finding.at:6.1f} s {finding.screen}: {finding.what}: {finding.said}")
        return verdict

    @contextmanager
    def _database(self) -> Iterator[Engine]:
        engine = open_database(config.read(self._folder / "central.yaml").url)
        try:
            yield engine
        finally:
            engine.dispose()

    def _say(self, text: str) -> None:
        out = sys.stderr if self._options.json else sys.stdout
        out.write(text + "\n")
        out.flush()


def _is_ready(process: Process) -> bool:
    return process.said("ready") is not None


def _groups(screens: Sequence[Screen], size: int) -> list[Sequence[Screen]]:
    return [screens[at : at + size] for at in range(0, len(screens), size)]


def _progress(engine: Engine) -> str:
    """What central holds by now, in words."""
    with reading(engine) as connection:
        rows = connection.execute(select(events.c.kind, func.count()).group_by(events.c.kind)).all()
    kinds: dict[str, int] = dict(row.tuple() for row in rows)
    words = (("visit-started", "visits"), ("scanned", "scans"), ("played", "scenes played"))
    return "central holds " + ", ".join(f"{kinds.get(kind, 0)} {word}" for kind, word in words)


def _first_frame(players: Sequence[Process], screens: Sequence[Screen]) -> float | None:
    """Seconds from a player's start to the first line of its journal; of the slowest."""
    took = []
    for player, screen in zip(players, screens, strict=True):
        with suppress(DecodeError, OSError, IndexError, KeyError):
            first = json.decode(screen.journal.read_bytes().splitlines()[0])
            took.append(first["at_ns"] / 1e9 - player.started)
    return max(took, default=None)
