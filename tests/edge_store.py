"""A small store on its real stores: a shelf and a till, with screens that write down what they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge_pages import take
from edge_wire import Wire, turn

from central.contract import events, feeds, member_code
from edge import beacons
from edge.asking import Asking
from edge.clock import Clock
from edge.config import EdgeConfig, ScreenConfig, SensorConfig, Zone
from edge.director import Director
from edge.floor import Floor
from edge.frequency import Frequency
from edge.identity import Identity
from edge.keyring import Keyring
from edge.model import Advert, Scan, ScreenId, ZoneId
from edge.outbox import Outbox
from edge.reading import Reading
from edge.replays import Replays
from edge.replica import Replica
from edge.report import MOST_WAITING, Report
from edge.seal import Seal
from edge.storage import Storage
from signage.contract import Show, ToPlayer

KEY = "ab" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")
UUID = "11111111-2222-3333-4444-555555555555"
Later = Callable[[float], Awaitable[None]]
SHELF, TILL = ZoneId("shelf"), ZoneId("till")
BEACON = beacons.ibeacon(UUID, 1, 2, -59)


class LoopClock(Clock):
    """Goes as the loop's clock goes, which a test moves."""

    ahead = timedelta()
    """Of the machine's wall clock."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        return super().wall() + self.ahead


class Wall:
    """A screen that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[ToPlayer] = []
        self.came = asyncio.Event()
        self.there = True
        self.asked_again = 0

    def send(self, message: ToPlayer) -> bool:
        if self.there:
            self.sent.append(message)
            self.came.set()
        return self.there

    def again(self) -> None:
        self.asked_again += 1

    async def next(self, kind: type[Any]) -> Any:
        """The next message of a kind; what came before it is gone."""
        while True:
            while self.sent:
                message = self.sent.pop(0)
                if isinstance(message, kind):
                    return message
            self.came.clear()
            await self.came.wait()


class Store:
    def __init__(
        self,
        floor: Floor,
        reading: Reading,
        replica: Replica,
        outbox: Outbox,
        walls: dict[ScreenId, Wall],
        clock: LoopClock,
        wire: Wire,
        asking: Asking,
        keyring: Keyring,
    ) -> None:
        self.floor = floor
        self.reading = reading
        self.wire = wire
        """To central; nobody is there until it is connected."""
        self.asking = asking
        self.keyring = keyring
        self.register: list[tuple[Scan, bool, str | None]] = []
        """What the register was told."""
        reading.register = lambda *said: self.register.append(said)
        self.clock = clock
        self.replica = replica
        self.outbox = outbox
        self.shelf = walls[ScreenId("s")]
        self.till = walls[ScreenId("t")]
        self.known = True
        self._upto: dict[str, int] = {}

    async def feed(self, feed: str, rows: dict[str, object | None], scope: str = "ginza") -> None:
        """Have a page applied, and the floor told."""
        applied = await take(self.replica, feed, rows, scope=scope)
        self.floor.feed_changed(applied.feed, applied.keys)

    async def viewed(self, *looks: tuple[str, float], points: int = 77, customer: str = "c1") -> None:
        """The member looked at these, so many hours ago."""
        now = datetime.now(UTC)
        interests = tuple(feeds.Interest(sku=sku, at=now - timedelta(hours=hours)) for sku, hours in looks)
        both = ("presence", "signage")
        profile = feeds.Profile(customer=customer, purposes=both, nickname="はな", points=points, viewed=interests)
        await self.feed("profiles", {customer: profile})

    async def member(self, *purposes: str, customer: str = "c1") -> None:
        profile = feeds.Profile(customer=customer, purposes=purposes, nickname="はな", points=77)
        key = bytes.fromhex(KEY)
        tokens: dict[str, object | None] = {
            member_code.token(key, "code", NUMBER): feeds.Token(customer=customer, means="code")
        }
        if "presence" in purposes:
            beacon = beacons.parse(BEACON)
            assert beacon is not None
            tokens[member_code.token(key, "beacon", beacon.id)] = feeds.Token(customer=customer, means="beacon")
        await self.feed("tokens", tokens)
        await self.feed("profiles", {customer: profile})

    def beacon(self, zone: ZoneId = SHELF, data: bytes = BEACON) -> None:
        now = asyncio.get_running_loop().time()
        for ago in (0.4, 0.2, 0.0):
            self.floor.deliver(Advert(at=now - ago, receiver=zone, zone=zone, address="AA", rssi=-55, data=data))

    def code(self, content: str | bytes, reader: str = "cam", zone: ZoneId = TILL, question: str = "") -> None:
        self.floor.deliver(
            Scan(
                at=asyncio.get_running_loop().time(),
                reader=reader,
                zone=zone,
                format="QRCode",
                content=content.encode() if isinstance(content, str) else content,
                question=question,
            )
        )

    async def shown(self, content: bytes, reader: str = "cam", zone: ZoneId = TILL) -> Show:
        """What the till says to a code."""
        self.till.sent.clear()
        self.code(content, reader, zone)
        show: Show = await self.till.next(Show)
        return show

    async def stay(self, seconds: int, later: Later) -> None:
        """Let so many seconds pass in which the beacon at the shelf is heard."""
        for _ in range(seconds):
            await later(1.0)
            now = asyncio.get_running_loop().time()
            self.floor.deliver(Advert(at=now, receiver=SHELF, zone=SHELF, address="AA", rssi=-55, data=BEACON))
            await turn()

    async def events(self, count: int) -> list[tuple[str, Any]]:
        """The first `count` events that were committed."""
        while self.outbox.state.last < count:
            self.outbox.arrived.clear()
            await self.outbox.arrived.wait()
        batch = self.outbox.batch()
        assert batch is not None
        read = [events.read(bytes(event)) for event in batch.events]
        return [(event.kind, body) for event, body in read]


@asynccontextmanager
async def store(
    path: Path, *, waiting: int = MOST_WAITING, sensors: tuple[SensorConfig, ...] = ()
) -> AsyncIterator[Store]:
    config = EdgeConfig(
        folder=path,
        zones=(Zone(zone="shelf"), Zone(zone="till")),
        sensors=sensors,
        screens=(
            ScreenConfig(screen="s", socket=path / "s", zones=("shelf",)),
            ScreenConfig(screen="t", socket=path / "t", zones=("till",), use="till"),
        ),
    )
    async with Storage.open(path / "edge.sqlite") as storage:
        outbox, replica = (
            Outbox(storage, 1 << 20, Seal(bytes(32)), "ginza-1"),
            Replica(storage, Seal(bytes(32)), "ginza"),
        )
        frequency = Frequency(storage, Seal(bytes(32)), "ginza")
        await outbox.open()
        await replica.open()
        await frequency.open()
        walls = {ScreenId("s"): Wall(), ScreenId("t"): Wall()}
        made: list[Store] = []
        clock = LoopClock(synced=lambda: True)
        report = Report(outbox, clock, waiting)
        replays = Replays(storage)
        await replays.open()
        wire, keyring = Wire(), Keyring()
        identity, asking = Identity(bytes.fromhex(KEY), replica, keyring, replays), Asking(wire, clock, "ginza", "pi-1")
        reading = Reading(
            Director.of(config), identity, asking, replica, report, clock, confirmed=lambda: made[0].known
        )
        floor = Floor(
            config,
            reading=reading,
            replica=replica,
            report=report,
            clock=clock,
            screens=walls,
            frequency=frequency,
            confirmed=lambda: made[0].known,
        )
        made.append(Store(floor, reading, replica, outbox, walls, clock, wire, asking, keyring))
        product = feeds.Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea")
        await made[0].feed("products", {"tea": product}, scope="chain")
        await made[0].feed("stock", {"tea": feeds.Stock(sku="tea", on_hand=3, sold=9)})
        running = [asyncio.create_task(floor.run()), asyncio.create_task(report.run())]
        try:
            yield made[0]
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
