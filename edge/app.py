"""Builds the agent from its configuration, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path

import msgspec

from central.contract import codec, commands, events, topics
from edge import health, ledger, mqtt
from edge.clock import Clock
from edge.config import Ble, Camera, EdgeConfig, Recorded, SensorConfig, SimulatedCamera, SimulatedRadio
from edge.downlink import Downlink
from edge.errors import EdgeError
from edge.floor import Floor
from edge.health import Health
from edge.model import ScreenId
from edge.mqtt import Mqtt
from edge.outbox import Outbox
from edge.ports import Sensor
from edge.replica import Replica
from edge.report import Report
from edge.scenes import playlist
from edge.screen import Player
from edge.storage import Storage
from edge.supervise import Supervisor
from edge.uplink import Uplink
from ground import VERSION, memory
from signage.contract import Hello, Played

log = logging.getLogger(__name__)

DATABASE = "edge.sqlite"
BOARD = Path("/sys/firmware/devicetree/base/serial-number")
"""A Raspberry Pi's serial number: another board with this card is a copy."""
PARTING = 3.0
"""Seconds that an ending agent gives its last events to be committed and sent."""


class App:
    """One agent: stores at the bottom, flows on them, the floor, and the adapters around it."""

    def __init__(self, config: EdgeConfig, storage: Storage, outbox: Outbox, replica: Replica) -> None:
        self.config = config
        self.storage = storage
        self.outbox = outbox
        self.replica = replica
        self.clock = Clock(storage.last_wall())
        self.supervisor = Supervisor()
        self.mqtt = Mqtt(
            config.broker,
            client_id=f"noren-{config.agent}",
            will_topic=self._topic("status"),
            will_payload=codec.encode(self._status({}, online=False)),
            subscriptions={},
        )
        self.uplink = Uplink(outbox, self.mqtt, self.clock, config.store, config.agent)
        self.downlink = Downlink(
            replica,
            self.mqtt,
            self.clock,
            config.store,
            config.agent,
            self._changed,
            confirm_hours=config.confirm_hours,
        )
        self.screens = {
            ScreenId(screen.screen): Player(
                ScreenId(screen.screen), str(screen.socket), hello=self._hello, played=self._played
            )
            for screen in config.screens
        }
        self.report = Report(outbox, self.clock)
        self.floor = Floor(
            config,
            replica=replica,
            report=self.report,
            clock=self.clock,
            screens=self.screens,
            confirmed=self.downlink.confirmed,
        )
        self.health = Health(config.folder, self.counts, self._status, self.mqtt, self._topic("status"))
        self.mqtt.subscriptions |= {
            self._topic("ack"): self.uplink.on_ack,
            self._topic("nack"): self.uplink.on_nack,
            self._topic("page"): self.downlink.on_page,
            self._topic("command"): self.downlink.on_command,
            topics.heads(config.store): self._hinted,
            topics.heads(topics.CHAIN): self._hinted,
        }
        well = partial(self.supervisor.well, "mqtt")
        self.mqtt.on_connected += [well, self.uplink.connected, self.downlink.connected, self.health.tell]

    async def run(self, stop: asyncio.Event) -> None:
        """Be the agent until `stop`, or until every sensor is a recording that has been played."""
        self.report.happened(events.AgentStarted(version=VERSION, epoch=self.outbox.state.epoch))
        async with asyncio.TaskGroup() as group:
            always = [
                group.create_task(work, name=name)
                for name, work in {
                    "floor": self.floor.run(),
                    "report": self.report.run(),
                    "clock": self.clock.run(self.storage.keep_wall),
                    "health": self.health.run(),
                    "uplink": self.uplink.run(),
                    "downlink": self.downlink.run(),
                    "mqtt": self.supervisor.keep("mqtt", self.mqtt.run, waits=mqtt.waits),
                    **{f"screen-{name}": player.run() for name, player in self.screens.items()},
                }.items()
            ]
            sensing = [
                group.create_task(self.supervisor.keep(sensor.name, partial(sensor.run, self.floor.deliver)))
                for sensor in map(self._sensor, self.config.sensors)
            ]
            stopping = group.create_task(stop.wait(), name="stop")
            always.append(group.create_task(self._announce(), name="announce"))
            health.notify("READY=1")
            await asyncio.wait([stopping, asyncio.ensure_future(_all(sensing))], return_when=asyncio.FIRST_COMPLETED)
            health.notify("STOPPING=1")
            for task in [*sensing, stopping]:
                task.cancel()
            self.floor.dark()
            await self._part()
            for task in always:
                task.cancel()

    def counts(self) -> dict[str, int]:
        """Every part's counts, by name."""
        parts: list[Mapping[str, int]] = [
            self.floor.counts,
            self.report.counts,
            self.outbox.counts,
            self.storage.counts,
            self.uplink.counts,
            self.downlink.counts,
            self.replica.counts,
            self.mqtt.counts,
            self.supervisor.counts,
        ]
        screens = {f"{name}-garbled": player.garbled for name, player in self.screens.items() if player.garbled}
        return {name: count for part in [*parts, screens] for name, count in part.items()}

    async def _announce(self) -> None:
        """Say on standard output, for who started us, that there is somebody to know and something to show."""
        # Polled: it waits for three feeds, once.
        while not (self.downlink.confirmed() and self.replica.products() and self.replica.stock()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        line = {"ready": True, "store": self.config.store, "agent": self.config.agent}
        print(msgspec.json.encode(line).decode(), flush=True)  # noqa: T201 - a command's answer.

    async def _part(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                # Polled: the disk and the link have no common event.
                while self.report.busy or (self.mqtt.connected and self.outbox.waiting):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    def _topic(self, leaf: str) -> str:
        return topics.of_agent(self.config.store, self.config.agent, leaf)

    def _status(self, counts: Mapping[str, int], *, online: bool = True) -> commands.Status:
        return commands.Status(
            online=online,
            version=VERSION,
            epoch=self.outbox.state.epoch,
            boot=self.clock.boot,
            counts=dict(counts),
            troubles=tuple(self.supervisor.troubles.values()) if online else (),
        )

    def _sensor(self, config: SensorConfig) -> Sensor:
        # Each adapter brings its own library: only what is configured is loaded.
        match config:
            case Ble():
                from edge.sensors import ble

                return ble.Radio(config.name, config.zone, config.adapter)
            case Camera():
                from edge.sensors import camera

                return camera.Camera(config.name, config.zone, camera.capture(config.device))
            case SimulatedRadio():
                from edge.sensors import simulated

                return simulated.SimulatedRadio(
                    config.name,
                    config.zone,
                    store=self.config.store,
                    scenario=config.scenario,
                    start=config.start,
                    live=config.live,
                )
            case SimulatedCamera():
                from edge.sensors import camera, simulated

                frames = simulated.frames(
                    config.name,
                    store=self.config.store,
                    scenario=config.scenario,
                    start=config.start,
                    live=config.live,
                    rate=config.frames_per_second,
                )
                return camera.Camera(config.name, config.zone, frames)
            case Recorded():
                from edge.sensors import recorded

                return recorded.Recorded(config.name, config.zone, config.file, speed=config.speed)

    async def _hinted(self, heads: bytes) -> None:
        self.uplink.hinted()
        await self.downlink.on_heads(heads)

    def _changed(self, feed: str, keys: frozenset[str]) -> None:
        self.floor.feed_changed(feed, keys)
        if feed in ("content", "products"):
            for screen in self.screens.values():
                self._relay(screen)

    def _relay(self, player: Player) -> None:
        contents = self.replica.content()
        if contents:
            player.send(playlist(contents, self.replica.products(), self.config.languages, self.config.assets))

    def _hello(self, screen: ScreenId, hello: Hello) -> None:
        if hello.screen != screen:
            log.warning("the player at the socket of %s calls itself %s", screen, hello.screen)
        self._relay(self.screens[screen])
        self.floor.screen_back(screen)

    def _played(self, screen: ScreenId, played: Played) -> None:
        self.floor.played(screen, played)


async def run(config: EdgeConfig) -> int:
    """Run an agent until SIGTERM or SIGINT; 0 when it ended as asked. Raises NorenError."""
    memory.give_back()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with opened(config) as app:
        await app.run(stop)
    return 0


@asynccontextmanager
async def opened(config: EdgeConfig) -> AsyncIterator[App]:
    """An agent on its opened database."""
    async with Storage.open(config.folder / DATABASE) as storage:
        outbox = Outbox(storage, config.outbox_mb << 20, board=_board())
        replica = Replica(storage)
        await outbox.open()
        await replica.open()
        yield App(config, storage, outbox, replica)


def status(config: EdgeConfig) -> dict[str, object]:
    """How an agent is, from what it has on disk, running or not. Raises EdgeError."""
    path = config.folder / DATABASE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            state = ledger.stands(db)
    except sqlite3.Error as error:
        raise EdgeError(f"The database {path} cannot be read: {error}.", fix="Has the agent run here once?") from error
    return {
        "agent": config.agent,
        "epoch": state.epoch,
        "made": state.last,
        "acked": state.acked,
        "waiting": state.last - state.acked,
        "bytes": sum(state.sizes),
        "dropped": state.dropped,
        "refused": state.refused,
        "counts": health.last(config.folder),
    }


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks) if tasks else await asyncio.Event().wait()


def _board() -> str:
    try:
        return BOARD.read_text().strip("\0\n ")
    except OSError:
        return ""
