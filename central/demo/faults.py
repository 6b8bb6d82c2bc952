"""Breaks things and puts them together again, and measures how long everything took to be as before."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from central.demo.cast import Cast
from central.demo.disks import Disks
from central.demo.figures import figures
from central.demo.lines import Lines
from central.demo.processes import Process
from central.demo.watch import Watch
from central.judge.spans import EVER
from central.judge.troubles import Trouble, What
from central.storage.database import reading
from central.storage.tables import cursor

RESTART_S = 2.0
"""From a kill to the start of the next: what systemd's units here wait."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that was broken; times in seconds of the scenario."""

    fault: int
    what: What
    where: str
    """The part's or the store's name."""
    store: str
    """The one that it hits; nothing: all."""
    screen: str = ""
    begin: float
    end: float | None = None
    """When it was up again."""
    recovered: float | None = None
    """When, besides, all that the agents had made by then was at central."""
    restart: float | None = None
    """When its process is to be started again."""
    ended_wall: float = 0.0
    """The same as a time of day."""
    pid: int = 0
    """Of a broker, the one that was killed."""
    goals: dict[str, int] = field(default_factory=dict)
    """By store, what its agent had made when it was over: central is to hold that."""

    @property
    def took(self) -> float:
        """Seconds of recovery: from the kill, or from when a line was whole or a disk had room again."""
        assert self.recovered is not None
        over = self.begin if self.what in ("agent", "player", "broker", "central") else self.end
        return self.recovered - (over or self.begin)

    def trouble(self) -> Trouble:
        end = EVER if self.end is None else self.end
        return Trouble(what=self.what, store=self.store, screen=self.screen, begin=self.begin, end=end)


class Faults:
    """What is broken now and was before."""

    def __init__(self, cast: Cast, lines: Lines, disks: Disks, watch: Watch, engine: Engine, broker_port: int) -> None:
        self.all: list[Fault] = []
        self._cast = cast
        self._lines = lines
        self._disks = disks
        self._watch = watch
        self._engine = engine
        self._broker_port = broker_port
        self._processes: Mapping[str, Process] = {
            process.name: process for process in (cast.central, *cast.agents.values(), *cast.players.values())
        }

    @property
    def open(self) -> list[Fault]:
        return [fault for fault in self.all if fault.recovered is None]

    @property
    def worst_recovery_s(self) -> float | None:
        return max((fault.took for fault in self.all if fault.recovered is not None), default=None)

    @property
    def worst_black_s(self) -> float:
        return max(self._watch.worst_s, self._watch.worst_killed_s)

    def is_connected(self, store: str) -> bool:
        return self._lines.is_whole(store)

    def is_full(self, store: str) -> bool:
        return self._disks.is_full(store)

    def meant(self, process: Process) -> bool:
        """Whether we have killed it, and it is not yet to run again."""
        return any(fault.where == process.name and fault.restart is not None for fault in self.open)

    def is_broken(self, where: str) -> bool:
        return any(fault.where == where and fault.end is None for fault in self.open)

    def kill(self, part: str, now: float) -> bool:
        """Kill a part with -9; systemd, here we, start it again. False where it is none or is down."""
        if part == "broker":
            return self._kill_broker(now)
        process = self._processes.get(part)
        if process is None or process.dead is not None:
            return False
        process.kill()
        self._died(process, now)
        return True

    def _died(self, process: Process, now: float) -> None:
        part = process.name
        for store, agent in self._cast.agents.items():
            if agent is process:
                self._note("agent", part, store, now, restart=now + RESTART_S)
        for screen, player in self._cast.players.items():
            if player is process:
                self._watch.killed(screen, now)
                store = self._cast.screens[screen].place.store
                self._note("player", part, store, now, screen=screen, restart=now + RESTART_S)
        if process is self._cast.central:
            self._note("central", part, "", now, restart=now + RESTART_S)

    def closed(self, process: Process, now: float) -> bool:
        """Note a player that ended by itself, whose window somebody closed: systemd would start it again."""
        if process.dead != 0 or process not in self._cast.players.values():
            return False
        self._died(process, now)
        return True

    def would_lose(self, part: str) -> bool:
        """Whether a kill takes what could not be written yet: of what is in no disk nobody can count the loss.

        On a full disk an agent first uses up the room that it has kept back.
        """
        return any(
            agent.name == part and self.is_full(store) and self._puts_off(store)
            for store, agent in self._cast.agents.items()
        )

    def _puts_off(self, store: str) -> bool:
        said = figures(self._cast.folders[store])
        return said is None or said.counts.get("events_deferred", 0) > 0

    def cut(self, store: str, now: float) -> bool:
        if store not in self._cast.agents or not self._lines.is_whole(store):
            return False
        self._lines.cut(store)
        self._note("network", store, store, now)
        return True

    def join(self, store: str, now: float) -> bool:
        if store not in self._cast.agents or self._lines.is_whole(store):
            return False
        self._lines.join(store)
        self._over("network", store, now)
        return True

    def fill(self, store: str, now: float) -> bool:
        if store not in self._cast.agents or self._disks.trouble or self._disks.is_full(store):
            return False
        self._disks.fill(store)
        self._note("disk", store, store, now)
        return True

    def free(self, store: str, now: float) -> bool:
        if not self._disks.is_full(store):
            return False
        self._disks.free(store)
        self._over("disk", store, now)
        return True

    def mend(self, now: float) -> None:
        """Make whole what only we can."""
        for store in self._cast.agents:
            self.join(store, now)
            self.free(store, now)

    def step(self, now: float) -> list[Fault]:
        """Look at the screens, start what is to be started, and give what is as before since the last step."""
        self._watch.look(now)
        before = self.open
        for fault in before:
            if fault.restart is not None and now >= fault.restart:
                fault.restart = None
                self._processes[fault.where].start()
            elif fault.end is None and fault.restart is None and self._is_up(fault):
                self._ended(fault, now)
            if fault.end is not None and self._all_is_in(fault):
                fault.recovered = now
        return [fault for fault in before if fault.recovered is not None]

    def _kill_broker(self, now: float) -> bool:
        broker = self._broker()
        if broker is None:
            return False
        with contextlib.suppress(psutil.Error):
            broker.send_signal(signal.SIGKILL)
        self._note("broker", "broker", "", now)
        self.all[-1].pid = broker.pid
        return True

    def _broker_is_back(self, killed: int) -> bool:
        broker = self._broker()
        if broker is None or broker.pid == killed:
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._broker_port), timeout=0.2):
            return True
        return False

    def _broker(self) -> psutil.Process | None:
        if self._cast.central.dead is not None:
            return None
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self._cast.central.pid).children():
                if child.name() == "mosquitto" and child.status() != psutil.STATUS_ZOMBIE:
                    return child
        return None

    def _note(
        self, what: What, where: str, store: str, now: float, *, screen: str = "", restart: float | None = None
    ) -> None:
        fault = Fault(
            fault=len(self.all) + 1, what=what, where=where, store=store, screen=screen, begin=now, restart=restart
        )
        self.all.append(fault)

    def _over(self, what: What, where: str, now: float) -> None:
        for fault in self.open:
            if (fault.what, fault.where) == (what, where) and fault.end is None:
                self._ended(fault, now)

    def _ended(self, fault: Fault, now: float) -> None:
        fault.end = now
        fault.ended_wall = time.time()

    def _is_up(self, fault: Fault) -> bool:
        match fault.what:
            case "agent" | "central":
                return self._processes[fault.where].said("ready") is not None
            case "player":
                return self._watch.shows(fault.screen)
            case "broker":
                return self._broker_is_back(fault.pid)
            case _:
                return False  # A line is joined and a disk is freed by hand.

    def _all_is_in(self, fault: Fault) -> bool:
        """Whether central holds all that was made until the fault was over."""
        if fault.what == "player":
            return True
        stores = [fault.store] if fault.store else list(self._cast.agents)
        for store in stores:
            # A full disk also keeps the agent from saying how far it is.
            if store not in fault.goals and not (fault.what != "disk" and self.is_full(store)):
                said = figures(self._cast.folders[store])
                if said is None or said.at <= fault.ended_wall:
                    return False
                fault.goals[store] = said.made
        held = self._held()
        return all(held.get(f"{store}-1", 0) >= made for store, made in fault.goals.items())

    def _held(self) -> dict[str, int]:
        try:
            with reading(self._engine) as connection:
                rows = connection.execute(select(cursor.c.agent, func.sum(cursor.c.seq)).group_by(cursor.c.agent))
                return {agent: int(seq) for agent, seq in rows}
        except DBAPIError:
            return {}  # Locked just now: the next look will do.
