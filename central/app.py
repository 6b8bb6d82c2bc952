"""Builds central from its configuration, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from central import agents, api, catalogue, codes, commands
from central.agents import Desk
from central.api.door import Door, Listening
from central.asking import Asking
from central.broker import Broker
from central.config import CentralConfig, Embedded, Http
from central.contract.enrolment import Where
from central.errors import PortTaken
from central.feeds.pages import Pages
from central.feeds.projector import Projector
from central.gate import Gate, reach
from central.ingest.worker import Ingest
from central.keys import Keys
from central.mqtt import Inbox, Mqtt
from central.renewals import Renewals
from central.rollout import Rollout
from central.storage import incarnation
from central.storage.database import open_database, writing
from central.storage.incarnation import Incarnation
from ground import systemd
from ground.sqlite import hold

log = logging.getLogger(__name__)

Announce = Callable[[dict[str, int | bool]], None]
_CONNECTS_S = 10.0
_COMMANDS_S = 0.5
_SETTINGS_S = 2.0
"""How often one looks for commands to send, and for the next step of a roll-out."""
_FORGETS_S = 3600.0
"""How often used codes are forgotten that are too old: few at a time, so that nobody waits for it."""


async def serve(config: CentralConfig, announce: Announce) -> None:
    """Run until SIGTERM or SIGINT; `announce` is told the ports when all is up."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stack.enter_context(hold(config.folder / "central", "central"))
        engine = open_database(config.url)
        stack.callback(engine.dispose)
        listening = stack.enter_context(_listening(config.http))
        if not config.http.port:  # The commands beside us tell devices where we are.
            (config.folder / "http.port").write_text(str(listening.getsockname()[1]))
        with writing(engine) as connection:
            begun = agents.certified(connection)
            catalogue.adopt(connection, config.pictures, _now())
        keys = Keys.open(config.keys, _now(), begun=begun)
        gate = Gate(config, engine, keys, _now)
        own = None
        if isinstance(config.broker, Embedded):
            own = Broker(config.folder / "broker", config.broker.host, config.broker.port, gate.server)
            gate.admit(own)
            await stack.enter_async_context(own)
            mqtt = Mqtt([Where(host=own.here, port=own.port)], tls=gate.mqtt)
        else:
            there = config.broker
            places = [Where(host=place.host, port=place.port) for place in there.brokers]
            mqtt = Mqtt(places, tls=gate.mqtt, username=there.username, password=there.password)
        told = reach(config, listening.getsockname()[1], own.port if own else 0)
        desk = Desk(keys=keys, reach=told, chain_key=config.chain_key)
        central = Central(config, engine, listening, mqtt, own, gate, desk)
        await stack.enter_async_context(central.connected())
        await central.run(announce, stop)


class Central:
    """The parts, and the threads and tasks that they run in."""

    def __init__(
        self,
        config: CentralConfig,
        engine: Engine,
        listening: Listening,
        mqtt: Mqtt,
        own: Broker | None,
        gate: Gate,
        desk: Desk,
    ) -> None:
        self.engine = engine
        self.gate = gate
        self.listening = listening
        self.mqtt = mqtt
        self.broker = own
        self.ups, self.pulls, self.renews, self.asks = Inbox(), Inbox(), Inbox(), Inbox()
        self.renewals = Renewals(engine, desk, mqtt.publish, _now)
        self.ingest = Ingest(engine, mqtt.publish, _now)
        self.pages = Pages(engine, mqtt.publish)
        self.projector = Projector(
            engine,
            config.chain_key,
            lambda *hint: mqtt.publish(*hint, retain=True),
            _now,
            lambda data: desk.keys.signed("manifests", data, _now()),
            lambda: codes.of_chain(desk.keys, config.cards, _now()),
        )
        self.asking = Asking(engine, mqtt.publish, self.projector.tell, _now)
        self.sender = commands.Sender(engine, mqtt.publish, _now)
        self.rollout = Rollout(engine, _now, self.projector.wake, lambda: mqtt.connected)
        self.incarnation = Incarnation(engine, config.folder / "incarnation", _now)
        self.http = _Server(
            uvicorn.Config(
                api.build(engine, config.pictures, self.live, _now, self.projector.wake, desk, config.codes.good_for),
                ssl_context_factory=lambda *_: gate.http,
                access_log=False,
                http=Door,
                lifespan="off",
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=2,
                ws="none",
            )
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Be subscribed while inside. Raises BrokerError."""
        inboxes = {"up": self.ups, "status": self.ups, "reply": self.ups, "pull": self.pulls}
        inboxes |= {"renew": self.renews, "unlock": self.renews, "picture": self.ups, "ask": self.asks}
        try:
            await asyncio.to_thread(self.mqtt.open, inboxes, self.projector.repair, _CONNECTS_S)
            yield
        finally:
            await asyncio.to_thread(self.mqtt.close)

    async def run(self, announce: Announce, stop: asyncio.Event) -> None:
        """Run all parts until `stop`; when one fails all end, and systemd starts central anew."""
        await asyncio.to_thread(self.incarnation.begin)  # Before anybody is answered.
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(_in_thread(lambda: self.ingest.run(self.ups), self.ups.close), name="ingest"),
                group.create_task(_in_thread(lambda: self.pages.run(self.pulls), self.pulls.close), name="pages"),
                group.create_task(
                    _in_thread(lambda: self.renewals.run(self.renews), self.renews.close), name="renewals"
                ),
                group.create_task(_in_thread(lambda: self.asking.run(self.asks), self.asks.close), name="asking"),
                group.create_task(_in_thread(self.projector.run, self.projector.close), name="projector"),
                group.create_task(self.http.run_on(self.listening), name="http"),
                group.create_task(self.gate.watch(self.broker, self._floods), name="gate"),
                group.create_task(_alive(), name="watchdog"),
                group.create_task(_often(self.sender.step, _COMMANDS_S), name="commands"),
                group.create_task(_often(self.rollout.step, _SETTINGS_S), name="settings"),
                group.create_task(_often(self.incarnation.renew, incarnation.EVERY), name="incarnation"),
                group.create_task(_often(self.asking.forget, _FORGETS_S), name="forgetting"),
            ]
            await self.http.up.wait()
            announce({"ready": True, "http": self.listening.getsockname()[1], "broker": self.mqtt.port})
            systemd.notify("READY=1")
            await stop.wait()
            systemd.notify("STOPPING=1")
            for task in running:
                task.cancel()
        with suppress(DBAPIError):  # Also a backup of a moment ago is known for one now.
            await asyncio.to_thread(self.incarnation.renew)

    def _floods(self) -> Counter[str]:
        return self.ups.floods() + self.pulls.floods() + self.renews.floods() + self.asks.floods()

    def live(self) -> dict[str, int]:
        """What this process counted since it started."""
        counts = {"up_dropped": self.ups.dropped, "pull_dropped": self.pulls.dropped}
        counts |= {"renew_dropped": self.renews.dropped, "ask_dropped": self.asks.dropped}
        counts["http_turned_away_early"] = self.listening.turned_away
        counts["broker_restarts"] = self.broker.restarts if self.broker else 0
        counts["broker_tls_errors"] = self.broker.tls_errors if self.broker else 0
        for name, counted in (
            *(("ingest", self.ingest.counts), ("pages", self.pages.counts), ("renewals", self.renewals.counts)),
            *(("mqtt", self.mqtt.counts), ("gate", self.gate.counts), ("asks", self.asking.counts)),
        ):
            counts |= {f"{name}_{what}": number for what, number in counted.copy().items()}
        return counts


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Signals are ours: the rest of central has to end too.

    async def run_on(self, listening: socket.socket) -> None:
        """Serve until cancelled, then let running answers end."""
        work = asyncio.create_task(self.serve([listening]))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.should_exit = True
            await work
            raise


async def _in_thread(run: Callable[[], None], close: Callable[[], None]) -> None:
    # Not in the pool that all share: what works until the end would leave nobody there for what is soon done.
    with ThreadPoolExecutor(1) as own:
        work = asyncio.get_running_loop().run_in_executor(own, run)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            close()
            await work
            raise


async def _alive() -> None:
    """Tell systemd that the loop turns."""
    watchdog = systemd.Watchdog()
    while watchdog.every is not None:
        watchdog.turned(time.monotonic())
        await asyncio.sleep(watchdog.every)


async def _often(step: Callable[[], None], seconds: float) -> None:
    """Do it again and again, each time in a thread; while the database is away, later."""
    while True:
        try:
            await asyncio.to_thread(step)
        except DBAPIError as error:
            log.warning("the database cannot be used now: %s", error.orig)
        await asyncio.sleep(seconds)


@contextmanager
def _listening(http: Http) -> Iterator[Listening]:
    with Listening() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((http.host, http.port))
        except OSError as error:
            raise PortTaken(
                f"Central cannot listen on {http.host}:{http.port}: {error.strerror}.",
                fix="Stop what listens there (another central?), or choose another central.http.port.",
            ) from error
        yield listening


def _now() -> datetime:
    return datetime.now(UTC)
