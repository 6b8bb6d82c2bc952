"""The real things of one run: central with its broker, agents on their cards behind their wires, and players."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psutil
from sqlalchemy import select

from bench.faults import machine
from bench.faults.cards import Card
from bench.faults.check import OURS, Gap, Made, Moved, Stored, identity
from bench.faults.check import Central as Found
from bench.faults.units import Unit
from bench.faults.wires import Wire
from central import times
from central.contract.events import Born
from central.storage.database import open_database, reading
from central.storage.tables import events
from central.times import Happened
from edge import ledger

DATABASE = "edge.sqlite"

Journal = Callable[..., None]


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """What an agent says of itself, four times a second; `at` is CLOCK_MONOTONIC when it was heard."""

    epoch: str
    last: int
    acked: int
    connected: bool
    confirmed: bool
    at: float = 0.0


class Agent:
    """One agent: its card, its wire, the machine under it, its process, and all that it told of its commits."""

    def __init__(
        self,
        name: str,
        folder: Path,
        card: Card,
        wire: Wire,
        config: Path,
        rate: float,
        ended: Callable[[str, int], None],
    ) -> None:
        self.name = name
        """Of the process: a clone has another than the agent that it says it is."""
        self.agent = ""
        self.store = ""
        self.card = card
        self.wire = wire
        self.config = config
        self.made: list[Made] = []
        self.walls: dict[str, float] = {}
        """The true time of each event that the bench has made, by its id."""
        self.moves: set[Moved] = set()
        self.stands: Standing | None = None
        self.swapping = asyncio.Lock()
        """Held while the card or its process is exchanged."""
        self.one_history = asyncio.Lock()
        """Held while a copy of this card may go on beside it, or in its place."""
        self.fills = 0
        self._quiet = 0
        self._starts = 0
        self._rate = rate
        self._state = machine.State(boot=str(uuid.uuid4()))
        self._file = folder / f"{name}.machine.json"
        self._write()
        self.unit = Unit(
            name,
            self._command,
            folder / f"{name}.log",
            ended,
            hear=self._hear,
            begun=lambda: [msgspec.json.encode(("quiet", self._quiet > 0))],
        )

    @property
    def database(self) -> Path:
        return self.card.folder / DATABASE

    def be_quiet(self, more: int) -> None:
        """Have it make nothing; +1 and -1 again when it may."""
        self._quiet += more
        self.unit.say(msgspec.json.encode(("quiet", self._quiet > 0)))

    def flood(self, size: int) -> None:
        self.unit.say(msgspec.json.encode(("flood", size)))

    def boots(self, **clock: Any) -> None:
        """The machine was switched off and on."""
        self._state = replace(
            self._state, boot=str(uuid.uuid4()), booted=time.clock_gettime(time.CLOCK_BOOTTIME) - 1.0, **clock
        )
        self._write()

    def sets_clock(self, step: float, *, synced: bool) -> None:
        self._state = replace(self._state, step=step, synced=synced)
        self._write()
        self.unit.say(msgspec.json.encode(("machine", self._state)))

    def kept(self) -> tuple[str, int, int]:
        """Epoch, last seq and acknowledged seq as they are in its file. Raises sqlite3.Error."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            state = ledger.stands(db)
        return state.epoch, state.last, state.acked

    def _command(self) -> list[str]:
        self._starts += 1
        given = ["--machine", str(self._file), "--run", f"{self.name}-{self._starts}", "--rate", str(self._rate)]
        return [sys.executable, "-m", "bench.faults.agent", str(self.config), *given]

    def _write(self) -> None:
        self._file.write_bytes(msgspec.json.encode(self._state))

    def _hear(self, line: bytes) -> None:
        match msgspec.json.decode(line):
            case ["made", number, at, wall, new, name, epoch, seq]:
                order = (at, number) if new else None
                self.made.append(Made(agent=self.agent, id=name, epoch=epoch, seq=seq, order=order))
                if name.startswith(OURS):  # Others may be born long before they are put.
                    self.walls[name] = wall
            case ["moved", epoch, base, to]:
                self.moves.add(Moved(agent=self.agent, epoch=epoch, base=base, to=to))
            case ["stands", *values]:
                self.stands = msgspec.convert([*values, time.monotonic()], Standing)


class Central:
    """Central and its broker, and what lies in its database."""

    def __init__(self, folder: Path, ended: Callable[[str, int], None]) -> None:
        self.config = folder / "central.yaml"
        self.database = folder / "central" / "central.db"
        self.unit = Unit(
            "central",
            lambda: [sys.executable, "-m", "central", "serve", str(self.config)],
            folder / "central.log",
            ended,
        )

    def kill_broker(self) -> bool:
        """False where there is none just now."""
        process = self.unit.process
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True) if process else ():
                if child.name() == "mosquitto":
                    child.send_signal(signal.SIGKILL)
                    return True
        return False

    def cursor(self, agent: str, epoch: str) -> int | None:
        """How far central holds an epoch; None where that cannot be read just now."""
        with suppress(sqlite3.Error), closing(self._open()) as db:
            row = db.execute("SELECT seq FROM cursor WHERE agent = ? AND epoch = ?", (agent, epoch)).fetchone()
            return row[0] if row else 0
        return None

    def copy(self, to: Path) -> None:
        """As a nightly backup does. Raises sqlite3.Error."""
        with closing(sqlite3.connect(self.database, timeout=10)) as here, closing(sqlite3.connect(to)) as there:
            here.backup(there)

    def put_back(self, taken: Path) -> None:
        """Restore a copy; central must be down."""
        for old in (self.database, *(self.database.with_name(self.database.name + end) for end in ("-wal", "-shm"))):
            old.unlink(missing_ok=True)
        shutil.move(taken, self.database)

    def found(self, agents: Iterable[str]) -> Found:
        """All that it holds of these agents, with places that hold nothing for a reason."""
        of = sorted(agents)
        marks = ",".join("?" * len(of))
        with closing(self._open()) as db:

            def rows(sql: str) -> Iterator[tuple[Any, ...]]:
                return iter(db.execute(f"{sql} WHERE agent IN ({marks})", of))

            stored = [
                Stored(agent=agent, epoch=epoch, seq=seq, id=identity(data.encode()))
                for agent, epoch, seq, data in rows("SELECT agent, epoch, seq, data FROM event")
            ]
            gaps = [
                Gap(agent=agent, epoch=epoch, first=first, last=last, cause=cause)
                for agent, epoch, first, last, cause in rows('SELECT agent, epoch, first, "last", cause FROM gap')
            ]
            explained = set(rows("SELECT agent, epoch, seq FROM held"))
            explained |= {place for place in rows("SELECT agent, epoch, seq FROM quarantine") if place[2]}
            cursors = list(rows("SELECT agent, epoch, seq FROM cursor"))
        return Found(stored=stored, gaps=gaps, cursors=cursors, explained=frozenset(explained))

    def times(self, agents: Iterable[str]) -> Iterator[tuple[str, Happened, bool]]:
        """When central says that each event happened, by its id, and whether anything was measured of its boot."""
        engine = open_database(f"sqlite:///{self.database}")
        try:
            with reading(engine) as connection:
                known = times.boots(connection)
                for row in connection.execute(select(events).where(events.c.agent.in_(sorted(agents)))):
                    born = Born(wall=row.born_wall, boot=row.boot, up_ms=row.up_ms, synced=row.synced)
                    measures = known.get((row.agent, row.boot), [])
                    yield identity(row.data.encode()), times.corrected(born, measures), bool(measures)
        finally:
            engine.dispose()

    def quarantined(self) -> list[tuple[Any, ...]]:
        with closing(self._open()) as db:
            return db.execute("SELECT agent, epoch, seq, reason FROM quarantine").fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
