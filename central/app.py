"""Builds central from its configuration, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from central import agents, api, broker
from central.broker import Account, Broker
from central.config import CentralConfig, Embedded, Http
from central.errors import PortTaken
from central.feeds.pages import Pages
from central.feeds.projector import Projector
from central.ingest.worker import Ingest
from central.mqtt import Inbox, Mqtt
from central.storage.database import open_database, reading
from ground.sqlite import hold

log = logging.getLogger(__name__)

Announce = Callable[[dict[str, int | bool]], None]
_CONNECTS_S = 10.0
_ENROLMENTS_S = 1.0
"""How often enrolments and revocations, made by a command of their own, are looked for."""


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
        own = None
        if isinstance(config.broker, Embedded):
            password = secrets.token_urlsafe(24)
            itself = broker.central(agents.hashed(password))
            own = Broker(config.folder / "broker", config.broker.host, config.broker.port, itself)
            own.admit(_accounts(engine))
            await stack.enter_async_context(own)
            mqtt = Mqtt(host=own.host, port=own.port, username=itself.username, password=password)
        else:
            there = config.broker
            mqtt = Mqtt(host=there.host, port=there.port, username=there.username, password=there.password)
        central = Central(config, engine, listening, mqtt, own)
        await stack.enter_async_context(central.connected())
        await central.run(announce, stop)


class Central:
    """The parts, and the threads and tasks that they run in."""

    def __init__(
        self, config: CentralConfig, engine: Engine, listening: socket.socket, mqtt: Mqtt, own: Broker | None
    ) -> None:
        self.engine = engine
        self.listening = listening
        self.mqtt = mqtt
        self.broker = own
        self.ups, self.pulls = Inbox(), Inbox()
        self.ingest = Ingest(engine, mqtt.publish, _now)
        self.pages = Pages(engine, mqtt.publish)
        self.projector = Projector(engine, config.chain_key, lambda *hint: mqtt.publish(*hint, retain=True), _now)
        self.http = _Server(
            uvicorn.Config(
                api.build(engine, config.pictures, self.live, _now, self.projector.wake),
                access_log=False,
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
        try:
            await asyncio.to_thread(self.mqtt.open, inboxes, self.projector.repair, _CONNECTS_S)
            yield
        finally:
            await asyncio.to_thread(self.mqtt.close)

    async def run(self, announce: Announce, stop: asyncio.Event) -> None:
        """Run all parts until `stop`; when one fails all end, and systemd starts central anew."""
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(_in_thread(lambda: self.ingest.run(self.ups), self.ups.close), name="ingest"),
                group.create_task(_in_thread(lambda: self.pages.run(self.pulls), self.pulls.close), name="pages"),
                group.create_task(_in_thread(self.projector.run, self.projector.close), name="projector"),
                group.create_task(self.http.run_on(self.listening), name="http"),
            ]
            if self.broker is not None:
                running.append(group.create_task(self.broker.watch(), name="broker"))
                running.append(group.create_task(_admit(self.broker, self.engine), name="enrolments"))
            await self.http.up.wait()
            announce({"ready": True, "http": self.listening.getsockname()[1], "broker": self.mqtt.port})
            await stop.wait()
            for task in running:
                task.cancel()

    def live(self) -> dict[str, int]:
        """What this process counted since it started."""
        counts = {"up_dropped": self.ups.dropped, "pull_dropped": self.pulls.dropped}
        counts["broker_restarts"] = self.broker.restarts if self.broker else 0
        for name, counted in (("ingest", self.ingest.counts), ("pages", self.pages.counts), ("mqtt", self.mqtt.counts)):
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
    work = asyncio.create_task(asyncio.to_thread(run))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        close()
        await work
        raise


async def _admit(own: Broker, engine: Engine) -> None:
    """Let new agents in and revoked ones out, also those of commands that run beside us."""
    known = 0
    while True:
        try:
            revision = await asyncio.to_thread(_revision, engine)
            if revision != known:
                own.admit(await asyncio.to_thread(_accounts, engine))
                known = revision
        except DBAPIError as error:
            log.warning("enrolments could not be read now: %s", error.orig)
        await asyncio.sleep(_ENROLMENTS_S)


def _revision(engine: Engine) -> int:
    with reading(engine) as connection:
        return agents.revision(connection)


def _accounts(engine: Engine) -> list[Account]:
    with reading(engine) as connection:
        return [broker.agent(one.agent, one.store, one.secret) for one in agents.enrolled(connection)]


@contextmanager
def _listening(http: Http) -> Iterator[socket.socket]:
    with socket.socket() as listening:
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
