"""The replica becomes what central knows, and nobody is known by consent that may have been withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_disk import disk
from edge_wire import Feed, Wire, turn, until
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from central.contract.codec import encode, pack
from central.contract.commands import Command, Reply
from central.contract.feeds import FEEDS, Heads, Page, Profile, Pull, Stock, Token
from edge.clock import Clock
from edge.downlink import ANSWER, EVERY, MOST_COMMANDS, SOON, SWEEP, Downlink
from edge.replica import Replica
from edge.storage import Storage
from ground.errors import NorenError

Later = Callable[[float], Awaitable[None]]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KNOWN = [feed for feed, shape in FEEDS.items() if shape]
PARTS = [(scope, feed) for feed in KNOWN for scope in ("ginza", "chain")]


class Store:
    """A replica with its downlink on a wire, and central's feeds at the other end."""

    def __init__(self, storage: Storage, later: Later) -> None:
        self.later = later
        self.wire = Wire()
        self.feeds = {part: Feed(*part) for part in PARTS}
        self.feeds["ginza", "profiles"].put("c1", Profile(customer="c1", purposes=("signage",)))
        self.feeds["ginza", "tokens"].put("f" * 64, Token(customer="c1", means="code"))
        self.now = NOON
        self.synced = True
        self.changes: list[tuple[str, frozenset[str]]] = []
        self.replica = Replica(storage)
        self.clock = Clock(system=lambda: self.now.timestamp(), uptime=lambda: 1000.0, synced=lambda: self.synced)
        self.storage = storage
        self.downlink: Downlink

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.replica.open()
        self.downlink = Downlink(
            self.replica, self.wire, self.clock, "ginza", "pi-1", lambda *change: self.changes.append(change)
        )
        task = asyncio.create_task(self.downlink.run())
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def connect(self) -> None:
        self.wire.connected = True
        self.downlink.connected()

    async def pulled(self) -> Pull:
        """The next pull on the wire."""
        await until(lambda: self.wire.sent)
        [pull] = self.wire.take("pull", Pull)
        return pull

    async def answer(self, pull: Pull) -> None:
        await self.downlink.on_page(pack(self.feeds[pull.scope, pull.feed].page(pull)))

    async def catch_up(self) -> list[tuple[str, str]]:
        """Answer every pull until no more come; give what was asked for, in order."""
        asked = []
        await turn()
        while self.wire.sent or self.downlink._wanted:
            await until(lambda: self.wire.sent or not self.downlink._wanted)
            for pull in self.wire.take("pull", Pull):
                asked.append((pull.scope, pull.feed))
                await self.answer(pull)
        return asked

    async def command(self, name: str, *, command: str = "k1", body: object = None, late: bool = False) -> Reply:
        expires = self.now + (timedelta(seconds=-1) if late else timedelta(minutes=1))
        sent = Command(command=command, name=name, expires=expires, body=Raw(encode(body or {})))
        await self.downlink.on_command(pack(sent))
        [reply] = self.wire.take("reply", Reply)
        return reply


@pytest.fixture
def store(storage: Storage, later: Later) -> Store:
    return Store(storage, later)


async def test_at_a_connection_every_feed_is_pulled_and_consent_first(store: Store) -> None:
    async with store.running():
        await turn()
        assert not store.wire.sent
        store.connect()
        asked = await store.catch_up()
        assert set(asked) == set(PARTS)
        assert {feed for _, feed in asked[:8]} == {"profiles", "tokens"}
        assert store.replica.profile("c1", NOON) is not None
        assert ("profiles", frozenset({"c1"})) in store.changes


async def test_everybody_is_anonymous_from_a_connection_until_consent_has_caught_up(store: Store) -> None:
    async with store.running():
        assert not store.downlink.confirmed()
        store.connect()
        await store.catch_up()
        assert store.downlink.confirmed()
        store.connect()
        assert not store.downlink.confirmed()
        store.feeds["ginza", "profiles"].delete("c1")
        while not store.downlink.confirmed():
            await store.answer(await store.pulled())
            await turn()
        assert store.replica.profile("c1", NOON) is None


async def test_a_lost_connection_before_that_leaves_everybody_anonymous(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        store.connect()
        store.wire.connected = False
        await store.later(60)
        assert not store.downlink.confirmed()


async def test_consent_unconfirmed_for_a_day_counts_no_more(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        store.now += timedelta(hours=23, minutes=59)
        assert store.downlink.confirmed()
        store.now += timedelta(minutes=2)
        assert not store.downlink.confirmed()
        await store.later(1.3 * EVERY)
        await store.catch_up()
        assert store.downlink.confirmed()


async def test_a_confirmation_outlives_the_process_but_not_its_hours_nor_a_clock_set_back(
    tmp_path: Path, later: Later
) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later)
        async with store.running():
            store.connect()
            await store.catch_up()
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later)
        async with store.running():
            assert store.downlink.confirmed()
            for hours, still in ((23, True), (25, False), (-1, False), (0, True)):
                store.now = NOON + timedelta(hours=hours)
                assert store.downlink.confirmed() is still
            store.connect()
            assert not store.downlink.confirmed()


async def test_a_hint_pulls_what_is_behind_and_nothing_else(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        stock = store.feeds["ginza", "stock"]
        await store.downlink.on_heads(pack(Heads(scope="ginza", generation="g1", heads={"stock": 0, "profiles": 1})))
        assert await store.catch_up() == []
        stock.put("a", Stock(sku="a", on_hand=1, sold=0))
        hint = Heads(scope="ginza", generation="g1", heads={"stock": stock.head, "profiles": 1, "coupons": 9})
        await store.downlink.on_heads(pack(hint))
        await store.downlink.on_heads(pack(Heads(scope="ueno", generation="g1", heads={"stock": 7})))
        assert await store.catch_up() == [("ginza", "stock")]
        assert store.replica.stock()["a"].on_hand == 1


HINT = pack(Heads(scope="ginza", generation="g1", heads={"profiles": 1}))


async def test_a_hint_asks_again_whom_nobody_has_heard(store: Store) -> None:
    async with store.running():
        store.connect()
        lost = await store.pulled()
        await store.later(ANSWER * SOON)
        assert not store.wire.sent
        await store.downlink.on_heads(HINT)
        await store.later(0.0)
        assert await store.pulled() == lost
        await store.answer(lost)
        assert len(await store.catch_up()) > len(PARTS)
        assert store.downlink.confirmed()
        assert not store.downlink.counts["pages_missed"]
        await store.later(ANSWER)
        assert not store.wire.sent


async def test_hints_at_the_wrong_moment_ask_nothing_twice(store: Store) -> None:
    """As the retained ones do at every connection."""
    async with store.running():
        store.connect()
        asked = await store.pulled()
        for _ in range(3):
            await store.downlink.on_heads(HINT)
        assert not store.wire.sent
        await store.answer(asked)
        await store.catch_up()
        await store.downlink.on_heads(HINT)
        await store.later(ANSWER)
        assert not store.wire.sent
        assert store.downlink.counts == {"pages": store.downlink.counts["pages"]}


async def test_a_central_that_is_slow_is_not_asked_more_by_hints_than_it_bears(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.pulled()
        asked = []
        for _ in range(60):
            for _ in range(10):
                await store.downlink.on_heads(HINT)
                await store.later(0.1)
            asked.append(len(store.wire.take("pull", Pull)))
        assert sum(asked[:3]) in (2, 3, 4, 5)
        assert sum(asked[30:]) <= 10


async def test_two_answers_to_one_question_are_one(store: Store) -> None:
    async with store.running():
        store.connect()
        asked = await store.pulled()
        await store.answer(asked)
        await turn()
        await store.answer(asked)
        await store.catch_up()
        assert store.downlink.counts["pages_ignored"] == 1
        assert store.downlink.confirmed()


async def test_everything_is_pulled_again_every_five_minutes(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.later(0.7 * EVERY)
        assert await store.catch_up() == []
        await store.later(0.6 * EVERY)
        assert set(await store.catch_up()) == set(PARTS)


async def test_a_lost_page_is_asked_for_again_after_the_others(store: Store) -> None:
    async with store.running():
        store.connect()
        lost = await store.pulled()
        await store.later(ANSWER)
        asked = await store.catch_up()
        assert asked[0] != (lost.scope, lost.feed)
        assert (lost.scope, lost.feed) in asked
        assert store.downlink.confirmed()
        assert store.downlink.counts["pages_missed"] == 1


async def test_a_central_that_is_away_is_asked_less_and_less(store: Store) -> None:
    async with store.running():
        store.connect()
        asked = 0
        for _ in range(60):
            await store.later(ANSWER)
            asked += len(store.wire.take("pull", Pull))
        assert 5 <= asked <= 20


async def test_a_new_connection_does_not_wait_for_an_old_answer(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.pulled()
        store.connect()
        assert {feed for _, feed in (await store.catch_up())[:8]} == {"profiles", "tokens"}
        assert store.downlink.confirmed()


async def test_a_page_that_nobody_waits_for_changes_nothing(store: Store) -> None:
    async with store.running():
        store.connect()
        late = store.feeds["ginza", "profiles"].page(Pull(scope="ginza", feed="profiles", after=0, generation=""))
        await store.catch_up()
        before = store.replica.cursor("ginza", "profiles")
        await store.downlink.on_page(pack(late))
        assert store.replica.cursor("ginza", "profiles") == before
        assert store.downlink.counts["pages_ignored"] == 1


async def test_a_page_without_progress_is_no_reason_to_ask_at_once(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        stuck = Page(scope="ginza", feed="stock", after=0, upto=0, head=5, generation="g1", horizon=0, rows=())
        await store.downlink.on_heads(pack(Heads(scope="ginza", generation="g1", heads={"stock": 5})))
        asked = 0
        for _ in range(200):
            await turn()
            asked += len(pulls := store.wire.take("pull", Pull))
            if pulls:
                await store.downlink.on_page(pack(stuck))
        assert asked == 2  # The first brought the head that it has not come to.


async def test_a_restored_central_is_taken_over_whole(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        for part in PARTS:
            store.feeds[part] = Feed(*part, generation="g2")
        store.feeds["ginza", "profiles"].put("c2", Profile(customer="c2", purposes=("signage",)))
        store.connect()
        await store.catch_up()
        assert store.downlink.confirmed()
        assert store.replica.profile("c1", NOON) is None
        assert store.replica.profile("c2", NOON) is not None


async def test_a_full_disk_is_survived_and_the_page_asked_for_again(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
        await store.answer(await store.pulled())
        for failed in range(1, 6):
            assert store.downlink.counts["pages_failed"] == failed
            await store.later(ANSWER)  # No later than the first time.
            await store.answer(await store.pulled())
        store.storage._writer.execute("PRAGMA query_only = 0")
        await store.later(ANSWER)
        await store.catch_up()
        assert store.downlink.confirmed()


@pytest.mark.parametrize("feed", ["profiles", "tokens"])
async def test_nobody_is_known_while_a_full_disk_cannot_keep_who_withdrew(
    tmp_path: Path, later: Later, feed: str
) -> None:
    with disk(tmp_path / "disk", 1024) as card:
        async with Storage.open(card.path / "edge.sqlite") as storage:
            store = Store(storage, later)
            mine = store.feeds["ginza", feed]
            async with store.running():
                store.connect()
                await store.catch_up()
                assert store.downlink.confirmed()
                card.fill()
                [key] = mine.live()
                while not store.downlink.counts["pages_failed"]:  # There may still be room for the first.
                    mine.delete(key)
                    hint = Heads(scope="ginza", generation="g1", heads={feed: mine.head})
                    await store.downlink.on_heads(pack(hint))
                    await store.answer(await store.pulled())
                    await turn()
                assert not store.downlink.confirmed()
                # Nor by what else there is of consent, which needs no room.
                await store.downlink.on_heads(pack(Heads(scope="chain", generation="g1", heads={"tokens": 9})))
                asked: set[tuple[str, str]] = set()
                while asked != {("ginza", feed), ("chain", "tokens")} or store.downlink.counts["pages_failed"] < 4:
                    if not store.wire.sent:
                        await store.later(ANSWER)
                    for pull in store.wire.take("pull", Pull):
                        asked.add((pull.scope, pull.feed))
                        await store.answer(pull)
                    await turn()
                    assert not store.downlink.confirmed()
                store.connect()  # Nor by all that a connection brings while the disk is full.
                for _ in range(2 * len(PARTS)):
                    await store.answer(await store.pulled())
                    await store.later(ANSWER)
                assert not store.downlink.confirmed()
                card.free()
                await store.later(ANSWER)
                await store.catch_up()
                assert store.downlink.confirmed()
                assert store.replica.cursor("ginza", feed).after == mine.head


async def test_a_full_disk_that_cannot_keep_the_stock_makes_nobody_a_stranger(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
        stock = store.feeds["ginza", "stock"]
        stock.put("a", Stock(sku="a", on_hand=1, sold=0))
        await store.downlink.on_heads(pack(Heads(scope="ginza", generation="g1", heads={"stock": stock.head})))
        await store.answer(await store.pulled())
        assert store.downlink.counts["pages_failed"] == 1
        assert store.downlink.confirmed()
        store.storage._writer.execute("PRAGMA query_only = 0")


async def test_what_has_run_out_is_swept_only_by_a_safe_clock(store: Store) -> None:
    store.feeds["ginza", "profiles"].put(
        "c2", Profile(customer="c2", purposes=("signage",)), until=NOON + timedelta(hours=1)
    )
    async with store.running():
        store.connect()
        await store.catch_up()
        store.changes.clear()
        store.now += timedelta(hours=2)
        store.synced = False
        await store.later(SWEEP)
        await store.storage.write(lambda _: None, now=True)
        await turn()
        assert not store.changes
        store.synced = True
        await store.later(SWEEP)
        await until(lambda: store.changes)
        assert store.changes == [("profiles", frozenset({"c2"}))]


async def test_a_command_is_done_once_and_always_answered(store: Store) -> None:
    done: list[bytes] = []

    async def count(body: bytes) -> str:
        done.append(body)
        return f"{len(done)} times"

    async def refuse(body: bytes) -> str:
        raise NorenError("There is no such screen.", fix="Name another.")

    async with store.running():
        store.downlink.commands |= {"count": count, "refuse": refuse}
        store.connect()
        assert await store.command("count", body={"n": 1}) == Reply(command="k1", ok=True, said="1 times")
        assert await store.command("count", body={"n": 1}) == Reply(command="k1", ok=True, said="1 times")
        assert done == [b'{"n":1}']
        assert (await store.command("ping", command="k2")).ok
        assert await store.command("ping", command="k3", late=True) == Reply(
            command="k3", ok=False, said="it had expired when it came"
        )
        assert not (await store.command("dance", command="k4")).ok
        assert "no such screen" in (await store.command("refuse", command="k5")).said.lower()


async def test_replies_are_remembered_within_bounds(store: Store) -> None:
    async with store.running():
        store.connect()
        for n in range(MOST_COMMANDS + 5):
            await store.command("ping", command=f"k{n}")
        assert len(store.downlink._replied) == MOST_COMMANDS


async def test_a_feed_is_pulled_anew_on_command(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.storage.write(lambda db: db.execute("DELETE FROM row"))  # What a fault may do.
        assert (await store.command("resync", body={"feed": "profiles"})).ok
        assert set(await store.catch_up()) == {("ginza", "profiles"), ("chain", "profiles")}
        assert store.replica.profile("c1", NOON) is not None
        assert not (await store.command("resync", command="k2", body={"feed": "nonsense"})).ok
        assert not (await store.command("resync", command="k3", body=[])).ok


@given(st.binary(max_size=200))
def test_whatever_comes_down_is_counted_and_survived(payload: bytes) -> None:
    class Nothing(Replica):
        def __init__(self) -> None:
            pass

        confirmed = None

    async def hear() -> Downlink:
        downlink = Downlink(Nothing(), Wire(), Clock(), "ginza", "pi-1", lambda *_: None)
        await downlink.on_page(payload)
        await downlink.on_heads(payload)
        await downlink.on_command(payload)
        return downlink

    counts = asyncio.run(hear()).counts
    assert counts["pages_unreadable"] == counts["heads_unreadable"] == counts["commands_unreadable"] == 1
