"""Players are told what they show when it has changed and not otherwise, and what time it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge_pages import take
from edge_wire import turn, until

from central.contract.feeds import Product, Stock
from edge.clock import Clock
from edge.config import ScreenConfig
from edge.model import ScreenId
from edge.relay import AGAIN, LOOK, SOME_TIME, SOON, Relay
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage
from ground.programme.records import Campaign, Content, Layout, Region, Store, When
from signage.contract import Hello, Now, Playlist, ToPlayer

Later = Callable[[float], Awaitable[None]]
S, T = ScreenId("s"), ScreenId("t")
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Wall:
    def __init__(self) -> None:
        self.sent: list[ToPlayer] = []

    def send(self, message: ToPlayer) -> bool:
        self.sent.append(message)
        return True

    def again(self) -> None:
        raise AssertionError

    def taken(self) -> list[ToPlayer]:
        sent, self.sent = self.sent, []
        return sent

    def playlists(self) -> list[list[str]]:
        return [[item.scene for item in one.items] for one in self.taken() if isinstance(one, Playlist)]


class Desk:
    def __init__(self, storage: Storage) -> None:
        self.walls = {S: Wall(), T: Wall()}
        self.replica = Replica(storage, Seal(bytes(32)), "ginza")
        self.now, self.complete = NOON, False
        started = asyncio.get_running_loop().time
        begin = started()
        self.clock = Clock(
            system=lambda: self.now.timestamp() + started() - begin,
            uptime=lambda: 1000.0 + started() - begin,
            synced=lambda: True,
        )
        configs = [ScreenConfig(screen=name, socket=Path("/x"), zones=("shelf",)) for name in self.walls]
        self.relay = Relay(
            self.replica,
            self.clock,
            configs,
            self.walls,
            ("ja",),
            terms=lambda: ("http://x", "pem"),
            complete=lambda: self.complete,
        )

    async def feed(self, feed: str, rows: dict[str, object | None], *, told: bool = True) -> None:
        await take(self.replica, feed, rows, scope="chain")
        if told:
            self.relay.changed(feed)

    def hello(self, screen: ScreenId = S, width: int = 1920, height: int = 1080) -> None:
        self.relay.greeted(screen, Hello(screen=screen, width=width, height=height, playlist="", layouts=()))


@asynccontextmanager
async def desk(storage: Storage, *, running: bool = False) -> AsyncIterator[Desk]:
    made = Desk(storage)
    await made.replica.open()
    task = asyncio.create_task(made.relay.run() if running else asyncio.sleep(0))
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def content(name: str, popular: int = 0, order: int | None = 0) -> Content:
    return Content(content=name, layout="campaign", title={"ja": name}, popular=popular, order=order)


async def test_a_player_that_comes_is_told_the_time_and_what_it_shows(storage: Storage) -> None:
    async with desk(storage) as here:
        await here.feed("content", {"a": content("a")})
        here.hello()
        now, loop = here.walls[S].taken()
        assert isinstance(now, Now)
        assert abs(now.wall - NOON.timestamp()) < 60
        assert isinstance(loop, Playlist)
        assert (loop.assets, loop.trust) == ("http://x", "pem")
        assert not here.walls[T].sent
        here.hello()
        assert len(here.walls[S].taken()) == 2, "it may have lost what it was told"


async def test_nothing_is_a_programme_only_once_central_has_said_so(storage: Storage) -> None:
    async with desk(storage) as here:
        here.hello()
        assert here.walls[S].playlists() == []
        here.complete = True
        here.relay.relay()
        assert here.walls[S].playlists() == [[]]


async def test_what_changes_together_is_told_once_and_soon(storage: Storage, later: Later) -> None:
    async with desk(storage) as here:
        here.hello()
        here.hello(T)
        here.walls[S].taken()
        here.walls[T].taken()
        await here.feed("content", {"a": content("a"), "b": content("b", order=None)}, told=False)
        await here.feed("campaigns", {"k": Campaign(campaign="k", name="k", contents=("b",))}, told=False)
        for feed in ("content", "campaigns"):
            here.relay.changed(feed)
        assert here.walls[S].playlists() == []
        await later(SOON)
        assert here.walls[S].playlists() == [["b-ja", "a-ja"]]
        assert here.walls[T].playlists() == [["b-ja", "a-ja"]]
        await here.feed("campaigns", {"k": None})
        await later(SOON)
        assert here.walls[S].playlists() == [["a-ja"]]


async def test_what_shows_nothing_else_is_not_told(storage: Storage, later: Later) -> None:
    async with desk(storage) as here:
        await here.feed("content", {"a": content("a")})
        here.hello()
        here.walls[S].taken()
        tea = Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea")
        await here.feed("products", {"tea": tea})
        await here.feed("stock", {"tea": Stock(sku="tea", on_hand=3, sold=9)})
        here.relay.changed("profiles")
        await later(SOME_TIME + SOON)
        assert here.walls[S].taken() == []


async def test_stock_is_told_by_and_by_where_what_sells_best_is_shown(storage: Storage, later: Later) -> None:
    async with desk(storage) as here:
        tea = Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea")
        await here.feed("products", {"tea": tea})
        await here.feed("content", {"a": content("a", popular=3)})
        await later(SOON)
        here.hello()
        here.walls[S].taken()
        await here.feed("stock", {"tea": Stock(sku="tea", on_hand=3, sold=9)})
        await later(SOON)
        assert here.walls[S].taken() == []
        await later(SOME_TIME)
        assert here.walls[S].playlists() == [["a-ja"]]
        await here.feed("stock", {"tea": Stock(sku="tea", on_hand=0, sold=10)})
        await here.feed("products", {"tea": None})
        await later(SOON)
        assert here.walls[S].playlists() == [[]], "what is due sooner does not wait for the stock"


async def test_the_clock_is_told_when_it_was_set(storage: Storage, later: Later) -> None:
    async with desk(storage, running=True) as here:
        here.hello()
        here.walls[S].taken()
        await later(LOOK)
        assert here.walls[S].taken() == []
        here.now += timedelta(hours=5)
        await later(LOOK)
        await until(lambda: here.walls[S].sent)
        [now] = here.walls[S].taken()
        assert isinstance(now, Now)
        assert abs(now.wall - here.now.timestamp()) < 60


async def test_what_begins_next_week_is_handed_over_without_a_word_of_central(storage: Storage, later: Later) -> None:
    async with desk(storage, running=True) as here:
        await here.feed("content", {"a": content("a"), "b": content("b", order=None)})
        when = (When(first=(NOON + timedelta(days=8)).date()),)
        await here.feed("campaigns", {"k": Campaign(campaign="k", name="k", contents=("b",), when=when)})
        here.hello()
        assert here.walls[S].playlists() == [["a-ja"]]
        for _ in range(2 * 24 * 4):
            await later(AGAIN)
        assert here.walls[S].playlists() == [["a-ja", "b-ja"]]


async def test_a_screen_that_stands_has_its_own_layout_and_troubles_are_said(storage: Storage, later: Later) -> None:
    async with desk(storage) as here:
        part = Region(region="main", at=(0, 0, 1000, 1000), shows="main")
        await here.feed("content", {"a": content("a")})
        await here.feed("layouts", {"x": Layout(layout="x", regions=(part,), portrait=True)})
        await here.feed("stores", {"ginza": Store(store="ginza", name={}, timezone="Mars/Olympus")})
        await later(SOON)
        here.hello(S)
        here.hello(T, 1080, 1920)
        await turn()
        regions = [[len(one.regions) for one in wall.sent if isinstance(one, Playlist)] for wall in here.walls.values()]
        assert regions == [[0], [1]]
        assert [said.split(":")[0] for said in here.relay.troubles] == ["screen-s", "screen-t"]
        assert "Mars/Olympus" in here.relay.troubles[0]
