"""An agent of the bench: the product's own, on a machine whose clocks can be stepped, that tells each commit."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.faults.check import identity
from bench.faults.machine import Machine, State, true_wall
from central.contract import events
from central.contract.batches import DropClass

if TYPE_CHECKING:
    from edge.app import App
    from edge.ledger import State as LedgerState

Tell = Callable[..., None]
TOLD = 0.25
"""Seconds between two words on where the outbox stands."""
FILLER = tuple(f"{n:02}" + "x" * 150 for n in range(40))
"""What makes a play large."""


class Maker:
    """Makes events of every class, each with an id of its own, and tells of each commit before anything else."""

    def __init__(self, app: App, run: str, rate: float, tell: Tell) -> None:
        self.quiet = False
        self._app = app
        self._run = run
        self._rate = rate
        self._tell = tell
        self._number = 0
        self._told = 0
        self._put = app.outbox.put
        # The report's puts are told as well: each is made by its commit.
        app.outbox.put = self.put  # type: ignore[method-assign]  # On this one object, as a listener.

    def put(self, event: bytes, *, drop: DropClass, key: str | None = None, now: bool = False) -> asyncio.Future[int]:
        """As Outbox.put."""
        self._told += 1
        made = (self._told, time.monotonic(), true_wall())
        before = self._app.outbox.state
        answer = self._put(event, drop=drop, key=key, now=now)
        answer.add_done_callback(partial(self._committed, made, before, event))
        return answer

    def _committed(
        self, made: tuple[int, float, float], before: LedgerState, event: bytes, answer: asyncio.Future[int]
    ) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        epoch, seq = self._app.outbox.state.epoch, answer.result()
        # A play that is told again has its place already, from when it was told first.
        new = epoch == before.epoch and seq > before.last
        self._tell("made", *made, new, identity(event), epoch, seq)

    async def run(self) -> None:
        """Make events at a steady rate."""
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) / self._rate)
            if not self.quiet:
                self._make(self._number % 7)

    def flood(self, wanted: int) -> None:
        """Make so many bytes at once."""
        size = 0
        while size < wanted:
            size += self._make(self._number % 3, FILLER)

    def _make(self, which: int, shown: tuple[str, ...] = ()) -> int:
        self._number += 1
        name = f"bench-{self._run}-{self._number}"
        body: Any
        match which:
            case 0:
                body = events.CrowdCounted(zone=name, radios=3, over_ms=60_000)
            case 1 | 5:
                body = _play(name, shown)
            case 2 | 3:
                body = events.VisitEnded(visit=name, customer="nobody", zone="shelf", dwell_ms=1000)
            case 4:
                body = events.Scanned(scan=name, reader="reader", zone="shelf", outcome="other")
            case _:
                body = events.AgentStarted(version=name, epoch="bench")
        event = events.make(body, self._app.clock.born())
        # What the disk or the budget refuses is not made, and is nobody's.
        self.put(event, drop=events.class_of(body), now=which == 4).add_done_callback(asyncio.Future.exception)
        return len(event)


def _play(name: str, shown: tuple[str, ...]) -> events.Played:
    return events.Played(
        play=name,
        screen="none",
        scene="bench",
        layout="bench",
        cause="schedule",
        level=0,
        shown=shown,
        shown_ms=8000,
        ended="over",
    )


class Standing:
    """Tells where the outbox stands, and which events a fork has moved."""

    def __init__(self, app: App, tell: Tell) -> None:
        self._app = app
        self._tell = tell
        self._before = app.outbox.state
        self._moved()
        app.storage.committed.append(self._committed)

    async def run(self) -> None:
        while True:
            state = self._app.outbox.state
            self._tell(
                "stands", state.epoch, state.last, state.acked, self._app.mqtt.connected, self._app.downlink.confirmed()
            )
            await asyncio.sleep(TOLD)

    def _committed(self) -> None:
        before, self._before = self._before, self._app.outbox.state
        if before.epoch != self._before.epoch:
            self._tell("moved", before.epoch, before.acked, self._before.epoch)
            self._moved()

    def _moved(self) -> None:
        find = "SELECT DISTINCT origin, was - seq FROM event WHERE origin IS NOT NULL"
        for origin, base in self._app.storage.read(find):
            self._tell("moved", origin, base, self._app.outbox.state.epoch)


class Inside:
    """What the bench may tell this process, whichever of its agents is there just now."""

    def __init__(self, machine: Machine) -> None:
        self.stop = asyncio.Event()
        self.app: App | None = None
        self.maker: Maker | None = None
        self._machine = machine
        self._quiet = False

    def enter(self, app: App, maker: Maker) -> None:
        app.clock.boot, app.clock.synced = self._machine.state.boot, self._machine.synced
        maker.quiet = self._quiet
        self.app, self.maker = app, maker

    async def listen(self) -> None:
        """Do what comes on standard input; end with it."""
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            self._do(msgspec.json.decode(line))
        self.stop.set()

    def _do(self, words: object) -> None:
        match words:
            case ["quiet", bool(quiet)]:
                self._quiet = quiet
                if self.maker is not None:
                    self.maker.quiet = quiet
            case ["flood", int(size)] if self.maker is not None:
                self.maker.flood(size)
            case ["machine", state]:
                self._machine.state = msgspec.convert(state, State)
                if self.app is not None:
                    self.app.clock.boot = self._machine.state.boot


async def be(given: argparse.Namespace, machine: Machine) -> None:
    """As edge.app.run."""
    # Only now: the edge remembers which clocks there are when it is imported.
    from edge import app, config

    inside = Inside(machine)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, inside.stop.set)

    def tell(*words: object) -> None:
        os.write(given.tell, msgspec.json.encode(words) + b"\n")  # Below PIPE_BUF: whole, or not at all.

    listening = asyncio.create_task(inside.listen())
    for again in itertools.count():
        async with app.opened(config.read(given.config)) as it:
            maker = Maker(it, f"{given.run}-{again}", given.rate, tell)
            inside.enter(it, maker)
            beside = [asyncio.create_task(work) for work in (maker.run(), Standing(it, tell).run())]
            wanted = await it.run(inside.stop)
            for task in beside:
                task.cancel()
        if not wanted:
            break
    listening.cancel()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("config", type=Path)
    options.add_argument("--machine", type=Path, required=True)
    options.add_argument("--run", required=True)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--tell", type=int, required=True, help="a file descriptor")
    given = options.parse_args()
    machine = Machine(msgspec.json.decode(given.machine.read_bytes(), type=State))
    machine.be()
    asyncio.run(be(given, machine))


if __name__ == "__main__":
    main()
