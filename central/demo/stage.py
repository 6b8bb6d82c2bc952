"""Runs the demo from set-up to the last line: everything that is timed, in the order it happens."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from msgspec import json
from sqlalchemy import Engine, func, select

from central import config, consent, sample
from central.demo.casting import make
from central.demo.closing import Cast, first_frame, take_down
from central.demo.configs import HEADLESS, USES, WINDOW, Configs, Hardware, Screen
from central.demo.opening import clean, set_up, start_central, start_edges, start_players
from central.demo.processes import LOOK_S, Troupe
from central.demo.report import Measured, Report, report, stored
from central.judge.verdict import Verdict, judge
from central.scenario import Change, Scenario
from central.storage.database import open_database, reading, writing
from central.storage.tables import events
from ground.errors import NorenError
from ground.sqlite import hold

ROOT = Path(__file__).parents[2]
SAYS_EVERY_S = 5.0
LONGEST_S = 2 * 3600.0
"""Of a demo that nobody stops: the simulated senses hold all of it in memory."""


def main(arguments: Sequence[str]) -> int:
    """Play a shop. Exit code 0 only where nothing was lost, doubled, shown to the wrong person or left out."""
    options = _parser().parse_args(arguments)
    asked = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in asked]
    try:
        return Demo(options).play()
    except NorenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("The demo was stopped before it had begun, or was not given the time to end.\n")
        return 130
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noren demo", description=main.__doc__)
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default=LONGEST_S,
        help="seconds (default: until Ctrl-C, two hours at most)",
    )
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


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"give 1 to {LONGEST_S:g} seconds")
    return seconds


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
            sockets = clean(self._folder, undo)
            configs = Configs(self._options.config, self._folder, sockets)
            troupe = undo.enter_context(Troupe(self._folder / "logs", ROOT))
            result = self._run(configs, troupe)
        for failure in self._failures + result.failures():
            self._say(f"FAILED: {failure}")
        sys.stdout.write((result.line() if self._options.json else result.words()) + "\n")
        return 1 if self._failures or result.failures() else 0

    def _run(self, configs: Configs, troupe: Troupe) -> Report:
        chain = sample.chain(now=datetime.now(UTC), pictures=False)
        stores = [store.store for store in chain.stores]
        scenario = make(chain.members, stores, seconds=self._options.seconds, seed=self._options.seed)
        file = self._folder / "scenario.json"
        file.write_bytes(json.encode(scenario))
        self._say("Loading the sample chain …")
        enrolled = set_up(configs, troupe, stores)
        was_set_up = time.monotonic()
        central = start_central(configs, troupe, self._say)
        screens = [configs.screen(store, zone, display=self._display) for store in stores for zone in USES]
        players = start_players(troupe, screens)

        def config_of(store: str, start: float) -> Path:
            own = [each for each in screens if each.place.store == store]
            sensors = self._hardware.sensors() if store == stores[0] else []
            return configs.edge(store, enrolled[store], own, scenario=file, start=start, sensors=sensors)

        self._start, edges, edge_configs = start_edges(troupe, stores, config_of, self._say)
        changes = self._watch(troupe, scenario)
        lasted = min(max(0.0, time.monotonic() - self._start), scenario.seconds)
        self._say("Waiting until central holds everything …")
        cast = Cast(central=central, players=players, edges=edges, configs=edge_configs)
        statuses, failures = take_down(troupe, cast, healthy=not self._failures)
        self._failures += failures
        verdict = self._judge(replace(scenario, truth=replace(scenario.truth, changes=changes)), screens, lasted)
        with self._database() as engine:
            held = stored(engine)
        came = sum(shopper.stays[0].begin < lasted for store in scenario.stores.values() for shopper in store.shoppers)
        first = verdict.first_personal_s
        measured = Measured(
            seconds=lasted,
            shoppers=came,
            seed=self._options.seed,
            first_frame_s=first_frame(players, screens),
            first_personal_s=None if first is None else self._start + first - was_set_up,
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


def _progress(engine: Engine) -> str:
    """What central holds by now, in words."""
    with reading(engine) as connection:
        rows = connection.execute(select(events.c.kind, func.count()).group_by(events.c.kind)).all()
    kinds: dict[str, int] = dict(row.tuple() for row in rows)
    words = (("visit-started", "visits"), ("scanned", "scans"), ("played", "scenes played"))
    return "central holds " + ", ".join(f"{kinds.get(kind, 0)} {word}" for kind, word in words)
