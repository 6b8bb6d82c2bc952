"""What is broken is started again as systemd would, and is over when everything that was made is at central."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from central.demo.cast import Cast
from central.demo.configs import Screen
from central.demo.disks import Disks
from central.demo.faults import RESTART_S, Fault, Faults
from central.demo.lines import Lines
from central.demo.processes import Process, Troupe
from central.demo.watch import Watch
from central.judge.spans import EVER
from central.judge.truth import Place
from central.page.mirror import Mirror
from central.storage.database import open_database, put, writing
from central.storage.tables import cursor

READY = "import sys, time; print('{\"ready\": true}', flush=True); time.sleep(600)"


class Shop:
    """One store of stand-ins, and central's cursor."""

    def __init__(self, folder: Path, troupe: Troupe, engine: Engine, lines: Lines) -> None:
        self.folder = folder
        self.troupe = troupe
        self.engine = engine
        names = {"central": READY, "edge-ginza": READY, "signage-s": READY}
        self.processes = {name: troupe.start(name, [sys.executable, "-c", code]) for name, code in names.items()}
        self.await_ready(*self.processes)
        place = Place(store="ginza", zone="shelf", use="shelf")
        file = folder / "s"
        screen = Screen(screen="s", place=place, socket=file, journal=file, mirror=file, config=file)
        cast = Cast(
            central=self.processes["central"],
            agents={"ginza": self.processes["edge-ginza"]},
            players={"s": self.processes["signage-s"]},
            configs={"ginza": file},
            folders={"ginza": folder},
            screens={"s": screen},
        )
        lines.lay("ginza", {})
        watch = Watch({"s": (self.processes["signage-s"], Mirror(folder / "mirror"))})
        self.faults = Faults(cast, lines, Disks(), watch, engine, 1)

    def await_ready(self, *names: str) -> None:
        def ready(process: Process) -> Any:
            return lambda: process.said("ready") is not None

        self.troupe.await_ready({self.processes[name]: ready(self.processes[name]) for name in names}, 30)

    def made(self, count: int, *, later: bool = True) -> None:
        """The agent says how much it has made, after whatever has happened so far."""
        file = self.folder / "status.json"
        file.write_text(json.dumps({"events_made": count}))
        at = time.time_ns() + (10**9 if later else -(10**10))
        os.utime(file, ns=(at, at))

    def stored(self, seq: int) -> None:
        row = {"agent": "ginza-1", "epoch": "e", "seq": seq, "chain": "c"}
        with writing(self.engine) as connection:
            put(connection, cursor, [row])

    def step(self, now: float) -> list[Fault]:
        return self.faults.step(now)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    engine = open_database(f"sqlite:///{tmp_path / 'central.db'}")
    with Troupe(tmp_path / "logs", tmp_path) as troupe, Lines() as lines:
        yield Shop(tmp_path, troupe, engine, lines)
    engine.dispose()


def test_a_killed_agent_is_started_again_and_is_over_when_all_is_at_central(shop: Shop) -> None:
    agent = shop.processes["edge-ginza"]
    shop.made(5, later=False)
    assert shop.faults.kill("edge-ginza", 10.0)
    assert shop.faults.meant(agent)
    assert not shop.faults.kill("edge-ginza", 10.1)  # It is down already.
    assert shop.step(10 + RESTART_S - 0.1) == []
    assert agent.dead is not None
    shop.step(10 + RESTART_S)
    assert not shop.faults.meant(agent)
    shop.await_ready("edge-ginza")
    shop.step(13.0)
    (fault,) = shop.faults.all
    assert (fault.end, fault.recovered) == (13.0, None)
    shop.stored(7)
    assert shop.step(13.5) == []  # What it says is of before its end.
    shop.made(8)
    assert shop.step(14.0) == []
    shop.stored(8)
    assert shop.step(15.0) == [fault]
    assert fault.took == 5.0
    assert shop.faults.worst_recovery_s == 5.0
    trouble = fault.trouble()
    assert (trouble.what, trouble.store, trouble.screen, trouble.begin, trouble.end) == ("agent", "ginza", "", 10, 13)


def test_a_cut_line_counts_from_when_it_is_whole(shop: Shop) -> None:
    assert shop.faults.cut("ginza", 1.0)
    assert not shop.faults.cut("ginza", 1.5)
    assert not shop.faults.is_connected("ginza")
    (fault,) = shop.faults.all
    assert fault.trouble().end == EVER
    assert shop.faults.join("ginza", 21.0)
    assert not shop.faults.join("ginza", 21.5)
    shop.made(0)
    assert shop.step(23.0) == [fault]
    assert fault.took == 2.0


def test_closing_mends_what_only_a_button_would(shop: Shop) -> None:
    shop.faults.cut("ginza", 1.0)
    shop.faults.mend(5.0)
    shop.made(0)
    shop.step(6.0)
    assert shop.faults.open == []


def test_a_window_that_somebody_closed_is_opened_again_and_no_crash_is(shop: Shop) -> None:
    player = shop.processes["signage-s"]
    assert not shop.faults.closed(player, 1.0)  # It lives.
    player.kill()
    assert not shop.faults.closed(player, 1.0)  # It was killed, by whomever.
    player._arguments = [sys.executable, "-c", "pass"]
    player.start()
    assert player.await_end(time.monotonic() + 30)
    assert shop.faults.closed(player, 2.0)
    assert shop.faults.meant(player)
    assert [(fault.what, fault.screen) for fault in shop.faults.all] == [("player", "s")]


def test_orders_for_what_is_not_there_do_nothing(shop: Shop) -> None:
    assert not shop.faults.kill("edge-nowhere", 1.0)
    assert not shop.faults.kill("broker", 1.0)  # Central has none here.
    assert not shop.faults.cut("nowhere", 1.0)
    assert not shop.faults.join("nowhere", 1.0)
    assert not shop.faults.fill("nowhere", 1.0)
    assert not shop.faults.free("nowhere", 1.0)
    assert shop.faults.all == []
