"""Runs the demo from set-up to the last line: everything that is timed, in the order it happens."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central import config, sample
from central.demo.cast import Cast
from central.demo.casting import invite, make
from central.demo.chance import Chance
from central.demo.closing import first_frame, take_down
from central.demo.configs import HEADLESS, USES, WINDOW, Configs, Hardware, Screen
from central.demo.disks import Disks, go_inside
from central.demo.faults import Faults
from central.demo.guests import Guest, Guests
from central.demo.lines import Lines
from central.demo.opening import address, clean, enrol, set_up, start_central, start_edges, start_page, start_players
from central.demo.phones import Script
from central.demo.plan import opening
from central.demo.processes import Process, Troupe
from central.demo.report import Measured, Report, report, stored
from central.demo.shop import Shop
from central.demo.watch import Watch
from central.demo.webshop import WebShop
from central.demo.window import Window
from central.judge import carries
from central.judge.troubles import Trouble
from central.judge.verdict import Verdict, judge
from central.keys import Keys
from central.page.mirror import Mirror
from central.sample import Chain
from central.scenario import Scenario
from central.storage.database import open_database
from ground.errors import NorenError
from ground.sqlite import hold

ROOT = Path(__file__).parents[2]
LONGEST_S = 2 * 3600.0
"""Of a demo that nobody stops: the simulated senses hold all of it in memory."""
PAGE_PORT = 8711


def command(arguments: Sequence[str]) -> int:
    """Do what the command `demo` does: `main`, where disks can be filled if this machine has such a place."""
    if _options(arguments).page:
        go_inside([sys.executable, "-m", "central", "demo", *arguments])
    return main(arguments)


def main(arguments: Sequence[str]) -> int:
    """Play a shop. Exit code 0 only where nothing was lost, doubled, shown to the wrong person or left out."""
    options = _options(arguments)
    asked = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in asked]
    try:
        return Demo(options).play()
    except (NorenError, OSError, SQLAlchemyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("The demo was stopped before it had begun, or was not given the time to end.\n")
        return 130
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    if options.page is None:
        options.page = not options.json
    return options


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
    parser.add_argument("--faults", action="store_true", help="kill and cut off something every few seconds")
    parser.add_argument(
        "--page",
        action=argparse.BooleanOptionalAction,
        help="the store page, to watch and press (default: not with --json)",
    )
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
            lines = undo.enter_context(Lines())
            result = self._run(configs, troupe, lines, sockets)
        for failure in self._failures + result.failures():
            self._say(f"FAILED: {failure}")
        sys.stdout.write((result.line() if self._options.json else result.words()) + "\n")
        return 1 if self._failures or result.failures() else 0

    def _run(self, configs: Configs, troupe: Troupe, lines: Lines, sockets: Path) -> Report:
        chain = sample.chain(now=datetime.now(UTC), pictures=False)
        stores = [store.store for store in chain.stores]
        self._say("Loading the sample chain …")
        key = set_up(configs, troupe, self._pictures())
        was_set_up = time.monotonic()
        invited, plot = self._cast(chain, stores)
        central = start_central(configs, troupe, self._say)
        disks = Disks()
        if self._options.page:
            for store in stores:
                disks.give(store, configs.agent_folder(store))
        ports = {"mqtt": configs.mqtt_port, "http": configs.http_port}
        laid = {store: lines.lay(store, ports) for store in stores}
        screens = [configs.screen(store, zone, display=self._display) for store in stores for zone in USES]
        page = start_page(troupe, sockets / "page.sock", PAGE_PORT) if self._options.page else None
        players = start_players(troupe, screens)

        def config_of(store: str, start: float) -> Path:
            return configs.edge(
                store,
                [each for each in screens if each.place.store == store],
                scenario=self._folder / "scenario.json",
                live=self._live,
                start=start,
                ports=laid[store],
                sensors=self._hardware.sensors() if store == stores[0] else [],
            )

        enrol(configs, troupe, {store: config_of(store, 0.0) for store in stores})
        keys = Keys(config.read(configs.central_file).keys)
        script = Script(plot, self._folder / "scenario.json", self._database, keys)
        self._start, edges, edge_configs = start_edges(troupe, stores, config_of, script.write, sockets, self._say)
        guests = Guests(self._live, invited, script.scenario)
        cast = Cast(
            central=central,
            players={screen.screen: player for screen, player in zip(screens, players, strict=True)},
            agents=dict(zip(stores, edges, strict=True)),
            configs=edge_configs,
            folders={store: configs.agent_folder(store) for store in stores},
            screens={screen.screen: screen for screen in screens},
        )
        first_frame_s = first_frame(cast)
        watch = Watch({name: (cast.players[name], Mirror(screen.mirror)) for name, screen in cast.screens.items()})
        with self._database() as engine:
            faults = Faults(cast, lines, disks, watch, engine, configs.mqtt_port)
            trust = keys.trust(datetime.now(UTC))
            webshop = WebShop(f"https://127.0.0.1:{configs.http_port}", key, trust)
            shop = Shop(
                script.scenario, guests, cast, faults, webshop=webshop, engine=engine, start=self._start, say=self._say
            )
            chance = Chance(self._options.seed, cast, faults, self._options.seconds) if self._options.faults else None
            plan = opening(chain, guests, cast, url=engine.url.render_as_string(), disks=disks.trouble)
            with Window(sockets / "page.sock", plan, shop.obey) as window:
                lasted = self._open(shop, troupe, window, page, chance)
            self._failures += shop.failures
            if self._options.faults and not faults.all:
                self._failures.append("--faults broke nothing: give it at least 60 seconds")
            self._say("Waiting until central holds everything …")
            statuses, failures = take_down(troupe, cast, healthy=not self._failures)
            self._failures += failures
            scenario = shop.played()
            troubles = [fault.trouble() for fault in faults.all]
            verdict = self._judge(scenario, screens, lasted, troubles, carries.keys(cast.folders))
            held = stored(engine)
        first = verdict.first_personal_s
        measured = Measured(
            seconds=lasted,
            shoppers=_came(scenario, lasted),
            seed=self._options.seed,
            first_frame_s=first_frame_s,
            first_personal_s=None if first is None else self._start + first - was_set_up,
            edge_rss=max(process.highest_rss for process in edges),
            signage_rss=max(process.highest_rss for process in players),
            faults=len(faults.all),
            black_s=max(watch.worst_s, verdict.worst_frozen_s),
            black_after_kill_s=watch.worst_killed_s,
            recovery_s=faults.worst_recovery_s,
        )
        return report(verdict, statuses, held, measured)

    @property
    def _live(self) -> Path:
        return self._folder / "live.jsonl"

    def _cast(self, chain: Chain, stores: Sequence[str]) -> tuple[list[Guest], Scenario]:
        """Deal out the parts."""
        invited = invite(chain.members, stores, seed=self._options.seed) if self._options.page else []
        scenario = make(
            chain.members,
            stores,
            seconds=self._options.seconds,
            seed=self._options.seed,
            sensitive=[product.sku for product in chain.products if product.sensitive],
            # Where buttons are there is also a store for them, with nobody else in it.
            quiet=stores[-1:] if self._options.page else (),
            guests=invited,
        )
        return invited, scenario

    def _open(self, shop: Shop, troupe: Troupe, window: Window, page: Process | None, chance: Chance | None) -> float:
        """Let it run; give the second at which it closed."""
        if page is not None:
            self._say(f"The store page is at {address(troupe, page)}")
        self._say("The shop is open." if self._options.seconds < LONGEST_S else "The shop is open; Ctrl-C closes it.")
        lasted = shop.run(window, troupe, chance)
        shop.heal(window, troupe)
        if page is not None:
            troupe.stop([page])
        return lasted

    def _pictures(self) -> Path:
        """Where the sample's pictures are kept for the next start."""
        own = ROOT / "var"
        return (own if os.access(own if own.exists() else ROOT, os.W_OK) else self._folder) / "pictures"

    def _is_headless(self) -> bool:
        if self._options.headless:
            return True
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            return False
        self._say("There is no display here: the screens run without windows.")
        return True

    def _judge(
        self,
        scenario: Scenario,
        screens: Sequence[Screen],
        lasted: float,
        troubles: Sequence[Trouble],
        keys: Mapping[str, bytes],
    ) -> Verdict:
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
            troubles=troubles,
            keys=keys,
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


def _came(scenario: Scenario, lasted: float) -> int:
    """How many came in until then."""
    every = [shopper for store in scenario.stores.values() for shopper in store.shoppers]
    return sum(bool(shopper.stays) and shopper.stays[0].begin < lasted for shopper in every)
