"""One sighting to its frame and its event, through the real stores, with a screen that writes down what it is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from central.contract import events, feeds, member_code
from central.contract.codec import encode
from edge import beacons
from edge.clock import Clock
from edge.config import Broker, EdgeConfig, ScreenConfig, Zone
from edge.floor import Floor
from edge.model import Advert, Scan, ScreenId, ZoneId
from edge.outbox import Outbox
from edge.replica import Applied, Replica
from edge.report import Report
from edge.storage import Storage
from signage.contract import Clear, Noted, Played, Show, ToPlayer

KEY = "ab" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")
UUID = "11111111-2222-3333-4444-555555555555"
SHELF, TILL = ZoneId("shelf"), ZoneId("till")
BEACON = beacons.ibeacon(UUID, 1, 2, -59)


class Wall:
    """A screen that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[ToPlayer] = []
        self.came = asyncio.Event()
        self.there = True

    def send(self, message: ToPlayer) -> bool:
        if self.there:
            self.sent.append(message)
            self.came.set()
        return self.there

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
    def __init__(self, floor: Floor, replica: Replica, outbox: Outbox, walls: dict[ScreenId, Wall]) -> None:
        self.floor = floor
        self.replica = replica
        self.outbox = outbox
        self.shelf = walls[ScreenId("s")]
        self.till = walls[ScreenId("t")]
        self.known = True
        self._upto: dict[str, int] = {}

    async def feed(self, feed: str, rows: dict[str, object | None], scope: str = "ginza") -> None:
        """Apply a page, as if central had sent it; None is a tombstone."""
        after = self.replica.cursor(scope, feed).after
        upto = after + len(rows)
        made = tuple(
            feeds.Row(key=key, version=after + place + 1, body=None if body is None else msgspec.Raw(encode(body)))
            for place, (key, body) in enumerate(rows.items())
        )
        applied: Applied | None = None
        # A first page comes into use when central has continued it.
        for start, content in ((after, made), *([] if after else [(upto, ())])):
            page = feeds.Page(
                scope=scope,
                feed=feed,
                after=start,
                upto=upto,
                head=upto,
                generation="g",
                horizon=0,
                rows=content,
            )
            applied = await self.replica.apply(page)
        assert applied is not None
        self.floor.feed_changed(applied.feed, applied.keys)

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
        now = time.monotonic()
        for ago in (2.0, 1.0, 0.0):
            self.floor.deliver(Advert(at=now - ago, receiver=zone, zone=zone, address="AA", rssi=-55, data=data))

    def code(self, content: str) -> None:
        self.floor.deliver(
            Scan(at=time.monotonic(), reader="cam", zone=TILL, format="QRCode", content=content.encode())
        )

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
async def store(path: Path) -> AsyncIterator[Store]:
    config = EdgeConfig(
        store="ginza",
        agent="a",
        key=KEY,
        folder=path,
        broker=Broker(),
        zones=(Zone(zone="shelf"), Zone(zone="till")),
        sensors=(),
        screens=(
            ScreenConfig(screen="s", socket=path / "s", zones=("shelf",)),
            ScreenConfig(screen="t", socket=path / "t", zones=("till",), use="till"),
        ),
    )
    async with Storage.open(path / "edge.sqlite") as storage:
        outbox, replica = Outbox(storage, 1 << 20), Replica(storage)
        await outbox.open()
        await replica.open()
        walls = {ScreenId("s"): Wall(), ScreenId("t"): Wall()}
        made: list[Store] = []
        clock = Clock(synced=lambda: True)
        report = Report(outbox, clock)
        floor = Floor(
            config,
            replica=replica,
            report=report,
            clock=clock,
            screens=walls,
            confirmed=lambda: made[0].known,
        )
        made.append(Store(floor, replica, outbox, walls))
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


async def test_a_beacon_becomes_a_scene_without_a_name_and_a_visit(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        assert show.scene.layout == "recommendation"
        assert [item.title for item in show.scene.items] == ["お茶"]
        assert show.carry == {"customers": ["c1"], "level": 1}
        assert 0 < show.trigger_ns < show.decided_ns <= time.monotonic_ns()
        assert "はな" not in str(show)
        [(kind, visit)] = await here.events(1)
        assert (kind, visit.customer, visit.zone) == ("visit-started", "c1", "shelf")


async def test_a_code_greets_at_once_and_is_reported(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert show.scene.layout == "greeting"
        assert "はな" in show.scene.title
        [(kind, scan)] = await here.events(1)
        assert (kind, scan.outcome, scan.customer) == ("scanned", "member", "c1")
        assert not here.shelf.sent


async def test_without_consent_nobody_is_known(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        here.beacon()
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert (show.scene.layout, show.carry) == ("notice", {"customers": [], "level": 0})
        [(kind, scan)] = await here.events(1)
        assert (kind, scan.outcome, scan.customer) == ("scanned", "unknown", None)
        assert not here.shelf.sent
        assert here.floor.counts["adverts_unknown"] == 3


async def test_a_product_code_changes_no_screen(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        here.code("4901234567894")
        [(_, scan)] = await here.events(1)
        assert scan.outcome == "other"
        assert not here.till.sent


async def test_a_withdrawn_consent_clears_the_screen_at_once_and_leaves_no_event(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        await here.member("signage")
        assert (await here.shelf.next(Clear)).scene == show.scene.scene
        assert here.outbox.state.last == 1
        here.beacon()
        here.code("4901234567894")
        assert [kind for kind, _ in await here.events(2)] == ["visit-started", "scanned"]


async def test_an_erased_profile_clears_the_greeting(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        await here.feed("profiles", {"c1": None})
        assert (await here.till.next(Clear)).scene == show.scene.scene


async def test_unconfirmed_consent_makes_everyone_anonymous(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.known = False
        here.beacon()
        here.code(NUMBER)
        assert (await here.till.next(Show)).scene.layout == "notice"
        assert not here.shelf.sent


async def test_a_play_is_noted_after_its_commit_and_counts_once(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        played = Played(
            play="p1",
            scene="x",
            layout="notice",
            cause="scan",
            trigger_ns=1_000_000,
            decided_ns=2_000_000,
            first_frame_ns=5_000_000,
            ended_ns=9_000_000,
            carry={"customers": ["c1"], "level": 2},
        )
        for _ in range(2):
            here.floor.played(ScreenId("t"), played)
            assert (await here.till.next(Noted)).play == "p1"
        [(kind, play)] = await here.events(1)
        assert kind == "played"
        assert (play.trigger_ms, play.decision_ms, play.shown_ms) == (4, 3, 4)
        assert (play.customers, play.level) == (("c1",), 2)
        assert here.outbox.state.last == 1


async def test_a_carry_that_is_nonsense_is_still_a_play(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        carry: dict[str, str | int | list[str]] = {"customers": 3, "level": "x"}
        here.floor.played(ScreenId("t"), Played(play="p", scene="x", layout="notice", cause="scan", carry=carry))
        [(_, play)] = await here.events(1)
        assert (play.customers, play.level) == ((), 0)


async def test_a_player_that_comes_back_is_told_again(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.shelf.there = False
        here.beacon()
        await here.events(1)
        assert not here.shelf.sent
        here.shelf.there = True
        here.floor.screen_back(ScreenId("s"))
        assert (await here.shelf.next(Show)).carry["customers"] == ["c1"]


async def test_an_ending_agent_leaves_nothing_of_anybody(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        here.floor.dark()
        assert (await here.shelf.next(Clear)).scene == show.scene.scene
        here.beacon()
        here.code(NUMBER)
        await here.events(2)
        assert not here.till.sent


async def test_a_flood_of_adverts_drops_the_oldest_counts_and_lets_scans_through(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        for number in range(5000):
            data = beacons.ibeacon(UUID, 9, number % 60000, -59)
            here.floor.deliver(
                Advert(at=time.monotonic(), receiver="r", zone=SHELF, address=str(number), rssi=-55, data=data)
            )
        here.code(NUMBER)
        assert [kind for kind, _ in await here.events(1)] == ["scanned"]
        assert here.floor.counts["sensed_dropped"] == 5000 - 4096
