"""Builds the agent from its configuration, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec

from central.contract import codec, commands, events, topics
from central.contract.feeds import Codes
from edge import board, keyring, manifests, mqtt, renewal, sensing, settings
from edge import enrolment as enrolments
from edge.asking import Asking
from edge.clock import Clock
from edge.commands import Commands
from edge.config import EdgeConfig
from edge.director import Director
from edge.downlink import Downlink
from edge.enrolment import Enrolment
from edge.errors import Corrupt
from edge.floor import Floor
from edge.frequency import Frequency
from edge.health import Health
from edge.identity import Identity
from edge.keyring import Keyring
from edge.model import ScreenId
from edge.mqtt import Mqtt
from edge.orders import Orders
from edge.outbox import Outbox
from edge.reading import Reading
from edge.relay import Relay
from edge.renewal import Renewal, Unlocking
from edge.replays import Replays
from edge.replica import Replica, Signed
from edge.report import Report
from edge.screen import Player
from edge.seal import Seal, sealing_key
from edge.settings import Kept, Trial
from edge.storage import DATABASE, Storage
from edge.supervise import WORKS, Supervisor, soon
from edge.till import Till, checkouts
from edge.upkeep import Upkeep
from edge.uplink import Uplink
from ground import VERSION, memory, systemd
from signage.contract import Hello, Picture, Played

log = logging.getLogger(__name__)

BOARD = Path("/sys/firmware/devicetree/base/serial-number")
"""A Raspberry Pi's serial number: another board with this card is a copy."""
PARTING = 3.0
"""Seconds that an ending agent gives its last events to be committed and sent."""
AGAIN = 1.0
"""Seconds before an agent whose database was found broken opens it anew."""


class App:
    """One agent: stores at the bottom, flows on them, the floor, and the adapters around it."""

    def __init__(
        self,
        config: EdgeConfig,
        enrolment: Enrolment,
        seal: Seal,
        storage: Storage,
        outbox: Outbox,
        replica: Replica,
        kept: Kept,
        misfits: tuple[str, ...] = (),
    ) -> None:
        self.config = config
        self.enrolment = enrolment
        self._trust = enrolments.trusted(enrolment)
        self._misfits = misfits
        """What central's settings say that does not fit this device."""
        self.storage = storage
        self.outbox = outbox
        self.replica = replica
        self.clock = Clock(storage.last_wall())
        self.supervisor = Supervisor()
        self.mqtt = Mqtt(
            config.brokers or enrolment.brokers,
            tls=enrolments.context(enrolment),
            client_id=enrolment.agent,
            will_topic=self._topic("status"),
            will_payload=codec.encode(self._status({}, online=False)),
            subscriptions={},
            now=self.clock.central,
        )
        self.keyring = Keyring()
        self.replays = Replays(storage)
        self.identity = Identity(None, replica, self.keyring, self.replays)
        self.renewal = Renewal(enrolment, self.mqtt, self.clock.central, self._use)
        self.unlocking = Unlocking(
            enrolment,
            seal,
            self.identity,
            self.mqtt,
            boot=self.clock.boot,
            memory=renewal.memory(enrolment.agent) if config.sealing == "central" else None,
        )
        self.uplink = Uplink(outbox, self.mqtt, self.clock, enrolment.store, enrolment.agent)
        self.downlink = Downlink(
            replica,
            self.mqtt,
            self.clock,
            enrolment.store,
            enrolment.agent,
            self._changed,
            confirm_hours=config.confirm_hours,
        )
        replica.check = self._check
        self.downlink.on_caught_up.append(self._caught_up)
        self.replica.unreadable.append(self.downlink.repair)
        self.commands = Commands(storage, self.mqtt, self.clock, enrolment.store, enrolment.agent)
        self.commands.known |= {"resync": self.downlink.resync, "restart": self._restart, "renew": self.renewal.renew}
        self._again = asyncio.Event()
        self.trial = Trial(
            config.folder,
            kept,
            works=self._works,
            linked=lambda: self.mqtt.connected and not seal.locked and self.downlink.caught_up,
            again=self._again.set,
            told=lambda: self.health.tell(),
        )
        self.screens = {
            ScreenId(screen.screen): Player(
                ScreenId(screen.screen),
                str(screen.socket),
                seal=seal,
                store=enrolment.store,
                hello=self._hello,
                played=self._played,
                picture=self._picture,
            )
            for screen in config.screens
        }
        self._contents: set[str] = set()
        """Of which scopes (the store, the chain) content has caught up in this run."""
        self.relay = Relay(
            replica,
            self.clock,
            config.screens,
            self.screens,
            config.languages,
            terms=lambda: (self.config.assets or self.enrolment.assets, self._trust),
            complete=lambda: len(self._contents) == 2,
        )
        self.orders = Orders(self.screens, self.mqtt, self.clock, enrolment.store, enrolment.agent)
        self.commands.known |= self.orders.known
        self.frequency = Frequency(storage, seal, enrolment.store)
        self._board = board.look(config.folder)
        self._undervolted = 0
        self._build_floor()
        self.upkeep = Upkeep(storage, outbox, self.report, self.clock, self.floor.anybody)
        self.commands.known["vacuum"] = self.upkeep.vacuum
        self.health = Health(config.folder, self.counts, self._status, self.mqtt, self._topic("status"))
        self.mqtt.subscriptions |= {
            self._topic("ack"): self.uplink.on_ack,
            self._topic("nack"): self.uplink.on_nack,
            self._topic("page"): self.downlink.on_page,
            self._topic("told"): self.asking.on_told,
            self._topic("command"): self.commands.on_command,
            self._topic("renewed"): self.renewal.on_renewed,
            self._topic("unlocked"): self.unlocking.on_unlocked,
            topics.heads(enrolment.store): self._hinted,
            topics.heads(topics.CHAIN): self._hinted,
        }
        well = partial(self.supervisor.well, "mqtt")
        self.mqtt.on_connected += [well, self.renewal.connected, self.unlocking.connected, self.health.tell]
        self.mqtt.on_refused.append(self.renewal.refused)
        self.unlocking.opened += [self.uplink.connected, self.downlink.connected]
        self.uplink.on_set_back.append(self.downlink.anew)

    def _build_floor(self) -> None:
        """What leads from the senses to the screens."""
        self.report = Report(self.outbox, self.clock)
        self.asking = Asking(self.mqtt, self.clock, self.enrolment.store, self.enrolment.agent)
        self.sensors = tuple(sensing.of(self.config.sensors, self.enrolment.store))
        self.asking.coming = partial(self.downlink.soon, "tokens", "profiles")
        self.reading = Reading(
            Director.of(self.config),
            self.identity,
            self.asking,
            self.replica,
            self.report,
            self.clock,
            self.downlink.confirmed,
        )
        self.floor = Floor(
            self.config,
            reading=self.reading,
            replica=self.replica,
            report=self.report,
            clock=self.clock,
            screens=self.screens,
            frequency=self.frequency,
            confirmed=self.downlink.confirmed,
        )
        self.floor.troubled = self._blind
        self.till: Till | None = None
        if self.config.register is not None:
            zones = {one.name: one.zone for one in self.config.shared}
            self.till = Till(self.config.register, zones, checkouts(self.config))
            self.reading.register = self.till.answer

    async def run(self, stop: asyncio.Event) -> bool:
        """Be the agent until `stop`, or until every sensor is a recording that has been played.

        True where it is to be built anew: on command, or for other settings.
        """
        self.report.happened(events.AgentStarted(version=VERSION, epoch=self.outbox.state.epoch))
        self.upkeep.tell()
        async with asyncio.TaskGroup() as group:
            always = [
                group.create_task(work, name=name)
                for name, work in {
                    "floor": self.floor.run(),
                    "report": self.report.run(),
                    "clock": self.clock.run(self.storage.keep_wall, self.uplink.owe),
                    "health": self.health.run(),
                    "uplink": self.uplink.run(),
                    "downlink": self.downlink.run(),
                    "commands": self.commands.run(),
                    "renewal": self.renewal.run(),
                    "unlocking": self.unlocking.run(),
                    "trial": self.trial.run(),
                    "upkeep": self.upkeep.run(),
                    "relay": self.relay.run(),
                    "mqtt": self.supervisor.keep("mqtt", self.mqtt.run, waits=mqtt.waits),
                    **({"till": self.till.run(self.floor.deliver)} if self.till else {}),
                    **{f"screen-{name}": player.run() for name, player in self.screens.items()},
                }.items()
            ]
            senses = [
                group.create_task(
                    self.supervisor.keep(
                        sensor.name, partial(sensor.run, self.floor.deliver), waits=soon, settled=WORKS
                    )
                )
                for sensor in self.sensors
            ]
            stopping = group.create_task(stop.wait(), name="stop")
            ending = group.create_task(self._again.wait(), name="again")
            always.append(group.create_task(self._announce(), name="announce"))
            always.append(group.create_task(self._give_up(), name="give-up"))
            systemd.notify("READY=1")
            sensed = group.create_task(_all(senses), name="sensed")
            await asyncio.wait([stopping, ending, sensed], return_when=asyncio.FIRST_COMPLETED)
            again = ending.done() and not stop.is_set()
            systemd.notify("RELOADING=1" if again else "STOPPING=1")
            for task in [*senses, sensed, stopping, ending]:
                task.cancel()
            self.floor.dark()
            await self._part()
            for task in always:
                task.cancel()
        return again

    def counts(self) -> dict[str, int]:
        """Every part's counts, by name."""
        parts: list[Mapping[str, int]] = [
            self.floor.counts,
            self.reading.counts,
            self.report.counts,
            self.outbox.counts,
            self.storage.counts,
            self.uplink.counts,
            self.downlink.counts,
            self.asking.counts,
            self.commands.counts,
            self.renewal.counts,
            self.unlocking.counts,
            self.replica.counts,
            self.mqtt.counts,
            self.supervisor.counts,
            self.orders.counts,
        ]
        self._board = board.look(self.config.folder)
        self._undervolted += bool(self._board.undervoltage)
        parts += [self._board.counts, {"board_undervolted": self._undervolted}]
        parts.append(self.till.counts if self.till else {})
        sensed: Counter[str] = Counter()
        for sensor in self.sensors:
            sensed.update(sensor.counts)
        parts.append(sensed)
        parts += [player.counts for player in self.screens.values()]
        parts.append({"carries_broken": sum(player.carries_broken for player in self.screens.values())})
        return {name: count for part in parts for name, count in part.items()}

    async def _announce(self) -> None:
        """Say on standard output, for who started us, that there is somebody to know and something to show."""
        # Polled: it waits for three feeds, once.
        while not (self.downlink.confirmed() and self._has_goods()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        line = {"ready": True, "store": self.enrolment.store, "agent": self.enrolment.agent}
        print(msgspec.json.encode(line).decode(), flush=True)  # noqa: T201 - a command's answer.

    def _has_goods(self) -> bool:
        now = self.clock.wall()
        return bool(self.replica.products(now) and self.replica.stock(now))

    async def _give_up(self) -> None:
        """A database that is broken is set aside at the next beginning."""
        await self.storage.broken.wait()
        self._again.set()

    async def _part(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                # Polled: the disk and the link have no common event.
                while self._unsent():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    def _unsent(self) -> bool:
        left = self.report.busy or (self.mqtt.connected and self.outbox.waiting > 0)
        return left and not self.storage.broken.is_set()

    def _topic(self, leaf: str) -> str:
        return topics.of_agent(self.enrolment.store, self.enrolment.agent, leaf)

    def _status(self, counts: Mapping[str, int], *, online: bool = True) -> commands.Status:
        return commands.Status(
            online=online,
            version=VERSION,
            epoch=self.outbox.state.epoch,
            boot=self.clock.boot,
            counts=dict(counts),
            troubles=self._troubles() if online else (),
            settings=self.trial.good if online else None,
            settings_failed=self.trial.failed if online else None,
            sealing=self.config.sealing,
        )

    def _troubles(self) -> tuple[str, ...]:
        own = [said for said in (self.unlocking.trouble, self.renewal.trouble, self.mqtt.rivals.trouble) if said]
        screens = [said for player in self.screens.values() for said in player.troubles]
        names = {sensor.name for sensor in self.sensors}
        failing = (said for name, said in self.supervisor.troubles.items() if name not in names)
        senses = (f"{name}: {said}" for name, said in self._sensor_troubles().items())
        till = self.till.troubles.values() if self.till else ()
        here = (*self.upkeep.troubles, *self._board.troubles, *failing, *senses, *till, *self.reading.troubles)
        return (*own, *here, *self.relay.troubles, *screens, *self._misfits)[:50]

    def _sensor_troubles(self) -> dict[str, str]:
        """What is wrong with each sensor, by its name; nothing of those that work."""
        failing = self.supervisor.troubles
        said = {sensor.name: failing.get(sensor.name) or sensor.trouble for sensor in self.sensors}
        return {name: trouble for name, trouble in said.items() if trouble}

    def _blind(self) -> dict[str, str]:
        """As `_sensor_troubles`, and of the scanners that the register's process holds."""
        troubles = dict(self.till.troubles) if self.till else {}
        gone = troubles.get("register", "") if self.till and not self.till.connected else ""
        shared = {one.name: troubles.get(one.name, gone) for one in self.config.shared}
        return self._sensor_troubles() | {name: trouble for name, trouble in shared.items() if trouble}

    def _use(self, enrolment: Enrolment) -> None:
        """Be known by this identity from the next connection on."""
        self.enrolment = enrolment
        self.mqtt.brokers = self.config.brokers or enrolment.brokers
        self.mqtt.tls = enrolments.context(enrolment)
        self._trust = enrolments.trusted(enrolment)
        self.relay.relay()
        # What no root that was known then had signed may be central's all the same.
        self.downlink.repair(topics.CHAIN, "manifest")
        self.downlink.repair(topics.CHAIN, "codes")
        self.use_codes()

    def use_codes(self) -> None:
        """Know what member codes are, as the feed has it now."""
        self.keyring.use(self.replica.codes(self.clock.wall()), self._trust)

    async def _hinted(self, heads: bytes) -> None:
        self.uplink.hinted()
        await self.downlink.on_heads(heads)

    def _changed(self, feed: str, keys: frozenset[str]) -> None:
        if feed == "codes":
            self.use_codes()
        self.floor.feed_changed(feed, keys)
        self.relay.changed(feed)

    def _caught_up(self, scope: str, feed: str) -> None:
        if feed == "settings" and scope == self.enrolment.store:
            self.trial.ask(self.replica.settings(self.clock.wall()))
        elif feed == "content" and scope not in self._contents:
            self._contents.add(scope)
            self.relay.relay()

    async def _restart(self, _body: bytes) -> str:
        # A moment later: by then the reply is kept, and this command does nothing any more.
        asyncio.get_running_loop().call_later(PARTING, self._again.set)
        return "starts anew"

    def _works(self) -> frozenset[str]:
        """Which sensors and screens there is nothing wrong with."""
        sensors = {sensor.name for sensor in self.sensors} - set(self.supervisor.troubles)
        return frozenset(sensors | {f"screen-{name}" for name, player in self.screens.items() if player.connected})

    def _check(self, key: str, signed: Signed) -> None:
        # Called in the thread that writes: a signature is checked beside the loop.
        if isinstance(signed, Codes):
            return keyring.check(signed, self._trust)
        at = self.clock.wall() if self.clock.safe() else None
        return manifests.check(key, signed, self._trust, at)

    def _hello(self, screen: ScreenId, hello: Hello) -> None:
        if hello.screen != screen:
            log.warning("the player at the socket of %s calls itself %s", screen, hello.screen)
        self.relay.greeted(screen, hello)
        self.floor.screen_back(screen)

    def _played(self, screen: ScreenId, played: Played) -> None:
        self.floor.played(screen, played)

    def _picture(self, screen: ScreenId, picture: Picture) -> None:
        self.orders.picture(screen, picture)


async def run(config: EdgeConfig) -> int:
    """Run an agent until SIGTERM or SIGINT; 0 when it ended as asked. Raises NorenError."""
    memory.give_back()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    while await _run_once(config, stop):
        # The next one begins as a new process would, with what is kept of settings by then.
        pass
    return 0


async def _run_once(config: EdgeConfig, stop: asyncio.Event) -> bool:
    """True where it is to be built anew."""
    try:
        async with opened(config) as app:
            log.root.setLevel(app.config.log.upper())
            return await app.run(stop)
    except (Corrupt, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.split(Corrupt)[1] is not None:
            raise
        log.error("the agent begins anew: its database is broken")
    await asyncio.sleep(AGAIN)
    return not stop.is_set()


@asynccontextmanager
async def opened(config: EdgeConfig) -> AsyncIterator[App]:
    """An agent on its opened database. Raises EdgeError where the device is not enrolled or has no key."""
    enrolment = enrolments.load(config.folder)
    key = sealing_key(config.sealing, config.folder)
    if key is None:
        key = renewal.remembered(renewal.memory(enrolment.agent))
    seal = Seal(key)
    async with Storage.open(config.folder / DATABASE) as storage:
        # Under the lock of the database: a second agent that finds it taken counts as no start.
        kept = settings.begin(config.folder)
        config, misfits = settings.apply(config, kept.running)
        outbox = Outbox(storage, config.outbox_mb << 20, seal, enrolment.agent, board=_board())
        replica = Replica(storage, seal, enrolment.store)
        await outbox.open()
        await replica.open()
        app = App(config, enrolment, seal, storage, outbox, replica, kept, misfits)
        await app.commands.open()
        await app.frequency.open()
        await app.replays.open()
        app.use_codes()
        yield app


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks) if tasks else await asyncio.Event().wait()


def _board() -> str:
    try:
        return BOARD.read_text().strip("\0\n ")
    except OSError:
        return ""
