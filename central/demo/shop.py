"""An open shop: the loop in which the script runs, orders are obeyed, and things break and recover."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from central.demo.cast import Cast
from central.demo.chance import Chance
from central.demo.faults import Faults
from central.demo.guests import Guests
from central.demo.minds import Minds
from central.demo.orders import CLOSING, NOT_DONE, Orders
from central.demo.processes import LOOK_S, PAGE, Troupe
from central.demo.telling import Telling
from central.demo.webshop import WebShop
from central.demo.window import TELLS_S, Window
from central.page.contract import Order
from central.scenario import Scenario
from central.storage.database import reading
from central.storage.tables import events
from ground.programme.records import Texts

SAYS_EVERY_S = 5.0
SETTLED_S = 5.0
"""A page that ended sooner would do so again."""
HEALS_S = 60.0
"""What everything may take, after the end, to be as before."""


class Shop:
    """One day, from the scenario's second 0 (`start`, CLOCK_MONOTONIC) on."""

    def __init__(
        self,
        scenario: Scenario,
        guests: Guests,
        cast: Cast,
        faults: Faults,
        *,
        webshop: WebShop,
        engine: Engine,
        start: float,
        say: Callable[[str], None],
    ) -> None:
        self.failures: list[str] = []
        self._scenario = scenario
        self._guests = guests
        self._faults = faults
        self._engine = engine
        self._start = start
        self._say = say
        self._told = 0.0
        self._closing = False
        self._minds = Minds(scenario.truth, engine, self.now)
        self._orders = Orders(guests, self._minds, faults, webshop)
        self._telling = Telling(scenario, guests, self._minds, cast, faults)

    def now(self) -> float:
        return time.monotonic() - self._start

    def run(self, window: Window, troupe: Troupe, chance: Chance | None) -> float:
        """Be open until the scenario's end, Ctrl-C or an unexpected death; give the second it closed at."""
        said = 0.0
        try:
            while (now := self.now()) < self._scenario.seconds and not self.failures:
                self._minds.step(now)
                if chance is not None:
                    chance.step(now)
                self._tell(window)
                if now - said >= SAYS_EVERY_S:
                    said = now
                    self._say(f"{now:4.0f} s: {self._progress()}")
                self._look(window, troupe)
        except KeyboardInterrupt:
            self._say("Closing the shop …")
        return min(max(0.0, self.now()), self._scenario.seconds)

    def heal(self, window: Window, troupe: Troupe) -> None:
        """Mend what is still broken and wait until all is as before; nothing more is broken, or ordered."""
        self._closing = True
        self._faults.mend(self.now())
        end = self.now() + HEALS_S
        while self._faults.open and not self.failures:
            self._tell(window)
            if self.now() > end:
                broken = ", ".join(f"{fault.what} {fault.where}" for fault in self._faults.open)
                self.failures.append(f"{HEALS_S:g} s after the end these had not recovered: {broken}")
            self._look(window, troupe)

    def obey(self, order: Order) -> Texts:
        if self._closing:
            return CLOSING
        try:
            return self._orders.obey(order, self.now())
        except (OSError, SQLAlchemyError) as error:
            self._say(f"A button did not work: {error}")
            return NOT_DONE

    def played(self) -> Scenario:
        """The scenario as it came to be: with what guests did, and with when which consent changed."""
        scenario = self._guests.in_scenario()
        return replace(scenario, truth=replace(scenario.truth, changes=tuple(self._minds.changes)))

    def _tell(self, window: Window) -> None:
        now = self.now()
        if window.watched and now - self._told >= TELLS_S:
            self._told = now
            window.tell(self._telling.state(now))

    def _look(self, window: Window, troupe: Troupe) -> None:
        """Wait a little, then see how everything is."""
        window.wait(LOOK_S)
        for fault in self._faults.step(self.now()):
            broken = f"{fault.what} {fault.where}" if fault.what != fault.where else fault.what
            self._say(f"{fault.begin:4.0f} s: fault {fault.fault}, {broken}: as before after {fault.took:.1f} s")
        troupe.measure()
        for process in troupe.deaths():
            if process.name == PAGE and time.monotonic() - process.started > SETTLED_S:
                self._say(f"The store page has ended and is started again:\n{process.tail()}")
                process.start()
            elif not self._faults.meant(process) and not self._faults.closed(process, self.now()):
                self.failures.append(f"{process.name} ended with exit code {process.dead}:\n{process.tail()}")

    def _progress(self) -> str:
        """What central holds by now, in words."""
        try:
            with reading(self._engine) as connection:
                rows = connection.execute(select(events.c.kind, func.count()).group_by(events.c.kind)).all()
        except DBAPIError:
            return "central is busy"
        kinds: dict[str, int] = dict(row.tuple() for row in rows)
        words = (("visit-started", "visits"), ("scanned", "scans"), ("played", "scenes played"))
        said = ", ".join(f"{kinds.get(kind, 0)} {word}" for kind, word in words)
        broken = f", {len(self._faults.all)} faults" if self._faults.all else ""
        return f"central holds {said}, {len(self._minds.changes)} changes of consent{broken}"
