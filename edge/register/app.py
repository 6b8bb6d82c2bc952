"""Builds the process that stands between shared scanners and the register, runs it, and lets go of them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from functools import partial

from edge import config
from edge.register import Answer, ToRegister, Vitals
from edge.register.desk import Desk
from edge.register.devices import device
from edge.register.link import Link
from edge.register.outlets import Device, Outlet
from edge.sensors.scanner import Read
from edge.supervise import Supervisor, delays
from ground import systemd

log = logging.getLogger(__name__)

TELL = 1.0
"""Seconds between two words on how it is."""
PARTING = 1.0
"""Seconds that an ending process gives what is on its way to the register."""

Scanner = config.Keyboard | config.Serial
Way = config.TypedTo | config.WiredTo | config.PostedTo


def reads(scanner: Scanner, counts: Counter[str]) -> AsyncGenerator[Read, None]:
    """What a scanner reads, from the device that it is."""
    # Each adapter brings its own library: only what is configured is loaded.
    match scanner:
        case config.Keyboard():
            from edge.sensors import keyboard

            return keyboard.reads(scanner.device, scanner.layout, counts=counts)
        case config.Serial():
            from edge.sensors import wired

            return wired.reads(scanner.device, scanner.baud, counts=counts)


class App:
    """The scanners, the desk that they come to, the agent that is asked there, and the ways to the register."""

    def __init__(
        self,
        settings: config.EdgeConfig,
        *,
        reads: Callable[[Scanner, Counter[str]], AsyncGenerator[Read, None]] = reads,
        device: Callable[[Way], Device] = device,
    ) -> None:
        register = settings.register
        assert register is not None, "the command has looked"
        self._scanners = settings.shared
        ways = {to: Outlet(device(to)) for to in (register.passes, register.members) if to is not None}
        self._outlets = list(ways.values())
        self._passes = ways[register.passes] if register.passes else self._outlets[0]
        """Without shared scanners nothing goes that way."""
        members = ways[register.members] if register.members else self._passes
        self.link = Link(register.socket, hear=self._hear, came=self._tell, gone=lambda: self.desk.gone())
        self.desk = Desk(self.link.tell, self._passes.put, members.put)
        self.supervisor = Supervisor()
        self._counts: Counter[str] = Counter()
        self._reads = reads
        self._troubles: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Stand there until `stop`. Raises EdgeError where it cannot listen for the agent."""
        async with self.link.open(), asyncio.TaskGroup() as group:
            ways = [group.create_task(outlet.run()) for outlet in self._outlets]
            scanners = [
                group.create_task(self.supervisor.keep(one.name, partial(self._read, one), waits=_waits))
                for one in self._scanners
            ]
            vitals = group.create_task(self._vitals())
            systemd.notify("READY=1")
            await stop.wait()
            systemd.notify("STOPPING=1")
            for task in [*scanners, vitals]:
                task.cancel()
            # From here on a scanner that types does so by itself.
            await asyncio.wait([*scanners, vitals])
            self.desk.gone()
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING):
                    await asyncio.gather(*(outlet.idle() for outlet in self._outlets))
            for task in ways:
                task.cancel()

    def vitals(self) -> Vitals:
        """How it is now."""
        counts = self.desk.counts + self.link.counts + self._counts + self.supervisor.counts
        for outlet in self._outlets:
            counts += outlet.counts
        troubles = self.supervisor.troubles | {
            f"register-{number}": outlet.trouble for number, outlet in enumerate(self._outlets, 1) if outlet.trouble
        }
        return Vitals(counts=dict(counts), troubles={name: said[:400] for name, said in troubles.items()})

    async def _read(self, scanner: Scanner) -> None:
        # Not before the register can have what is read: until then a scanner that types does so by itself.
        await self._passes.opened.wait()
        async with aclosing(self._reads(scanner, self._counts)) as found:
            async for read in found:
                self.supervisor.well(scanner.name)
                self.desk.read(scanner.name, read, typed=isinstance(scanner, config.Keyboard))

    def _hear(self, message: ToRegister) -> None:
        if isinstance(message, Answer):
            self.desk.answer(message)
        else:
            self.desk.hand(message)

    async def _vitals(self) -> None:
        watchdog, told = systemd.Watchdog(), 0.0
        while True:
            now = time.monotonic()
            watchdog.turned(now)
            if now - told >= TELL:
                told = now
                self._tell()
            await asyncio.sleep(min(TELL, watchdog.every or TELL))

    def _tell(self) -> None:
        vitals = self.vitals()
        for name, said in vitals.troubles.items():
            if name.startswith("register-") and self._troubles.get(name) != said:
                log.error("%s", said)
        self._troubles = dict(vitals.troubles)
        self.link.tell(vitals)


def _waits() -> Iterator[float]:
    """A scanner that is plugged in again is waited for by somebody."""
    return delays(0.5, 1.0)


async def run(settings: config.EdgeConfig) -> int:
    """Stand between the scanners and the register until SIGTERM or SIGINT. Raises NorenError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(settings)
    try:
        await app.run(stop)
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return 0
