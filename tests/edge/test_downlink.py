"""The replica becomes what central knows, and nobody is known by consent that may have been withdrawn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from edge_wire import Feed, Wire, turn, until
from hypothesis import given
from hypothesis import strategies as st

from central.contract.codec import pack
from central.contract.feeds import FEEDS, MAX_ROWS, Heads, Page, Profile, Pull, Stock, Token
from edge.clock import Clock
from edge.downlink import ANSWER, EVERY, SOON, SWEEP, Downlink
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage
from ground.errors import NorenError

Later = Callable[[float], Awaitable[None]]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KNOWN = [feed for feed, shape in FEEDS.items() if shape]
PARTS = [(scope, feed) for feed in KNOWN for scope in ("ginza", "chain")]


class Store:
    """A replica with its downlink on a wire, and central's feeds at the other end."""

    def __init__(self, storage: Storage, later: Later, *, another_boot: bool = False) -> None:
        self.later = later
        self.wire = Wire()
        self.feeds = {part: Feed(*part) for part in PARTS}
        self.feeds["ginza", "profiles"].put("c1", Profile(customer="c1", purposes=("signage",)))
        self.feeds["ginza", "tokens"].put("f" * 64, Token(customer="c1", means="code"))
        self.now = NOON
        self.synced = True
        self.changes: list[tuple[str, frozenset[str]]] = []
        self.replica = Replica(storage, Seal(bytes(32)), "ginza")
        self.set_by = timedelta(0)
        """By how much somebody has set the wall clock."""
        self.clock = Clock(
            system=lambda: (self.now + self.set_by).timestamp(),
            uptime=lambda: 1000.0 + (self.now - NOON).total_seconds(),
            synced=lambda: self.synced,
        )
        if another_boot:
            self.clock.boot = "another"
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

    def failed(self, pages: int) -> bool:
        return self.downlink.counts["pages_failed"] == pages

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


async def test_what_somebody_waits_for_is_pulled_before_all_else(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        store.downlink._want([("ginza", "products"), ("ginza", "stock")])
        store.downlink.soon("tokens", "profiles")
        asked = await store.catch_up()
        assert asked[:2] == [("ginza", "tokens"), ("ginza", "profiles")]
        assert set(asked[2:]) == {("ginza", "products"), ("ginza", "stock")}


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
        store = Store(storage, later, another_boot=True)
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
        assert store.replica.stock(NOON)["a"].on_hand == 1


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


async def test_a_central_that_is_slow_is_not_asked_more_by_hints_than_it_bears(storage: Storage, still: Later) -> None:
    store = Store(storage, still)
    async with store.running():
        store.connect()
        await store.pulled()
        asked = []
        for _ in range(60):
            for _ in range(10):
                await store.downlink.on_heads(HINT)
                await store.later(0.1)
            asked.append(len(store.wire.take("pull", Pull)))
        assert 2 <= sum(asked[:3]) <= 6  # Every half second at the soonest.
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


async def test_a_page_that_a_slow_card_kept_too_late_answers_no_other_question(store: Store) -> None:
    profiles, stock = ("ginza", "profiles"), ("ginza", "stock")
    async with store.running():
        for points in range(5):
            store.feeds[profiles].put("c1", Profile(customer="c1", purposes=("signage",), points=points))
        store.connect()
        await store.catch_up()
        store.feeds[profiles].delete("c1")
        store.feeds[stock].put("a", Stock(sku="a", on_hand=1, sold=0))
        store.connect()
        while (pull := await store.pulled()) and (pull.scope, pull.feed) != stock:
            if (pull.scope, pull.feed) == profiles:
                await store.later(ANSWER * 2)
            else:
                await store.answer(pull)
        slow = threading.Event()
        card = store.storage.write(lambda _: slow.wait(20), now=True)
        answered = asyncio.create_task(store.answer(pull))
        await turn()
        asked: list[Pull] = []
        for _ in PARTS:
            if [(one.scope, one.feed) for one in asked] != [profiles]:
                await store.later(ANSWER * 20)
                asked = store.wire.take("pull", Pull)
        slow.set()
        await asyncio.gather(card, answered)
        assert [(one.scope, one.feed) for one in asked] == [profiles]
        await turn()
        assert store.replica.cursor(*stock).after == 1
        assert not store.downlink.confirmed(), "what was asked last is who withdrew"
        await store.answer(asked[0])
        await store.catch_up()
        assert store.downlink.confirmed()
        assert store.replica.profile("c1", NOON) is None


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
async def test_nobody_is_known_while_a_disk_cannot_keep_who_withdrew(tmp_path: Path, later: Later, feed: str) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        store = Store(storage, later)
        mine = store.feeds["ginza", feed]
        async with store.running():
            store.connect()
            await store.catch_up()
            assert store.downlink.confirmed()
            # A full disk takes deletions for long: they need no room that is not there. One that takes nothing at all:
            await storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
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
            storage._writer.execute("PRAGMA query_only = 0")
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


async def test_a_feed_is_pulled_anew_on_command(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.storage.write(lambda db: db.execute("DELETE FROM row"))  # What a fault may do.
        assert await store.downlink.resync(b'{"feed":"profiles"}') == "profiles is pulled anew"
        assert set(await store.catch_up()) == {("ginza", "profiles"), ("chain", "profiles")}
        assert store.replica.profile("c1", NOON) is not None
        for body in (b'{"feed":"nonsense"}', b"[]", b"{"):
            with pytest.raises(NorenError):
                await store.downlink.resync(body)


async def test_a_feed_that_is_not_as_we_left_it_is_taken_anew(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.storage.write(lambda db: db.execute("DELETE FROM row"))
        store.downlink.repair("ginza", "profiles")
        store.downlink.repair("ueno", "profiles")
        assert set(await store.catch_up()) == {("ginza", "profiles")}
        assert store.replica.profile("c1", NOON) is not None


async def test_a_central_that_was_set_back_is_taken_anew_and_nobody_known_until_then(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        # The same generation and the same heads, but other rows than before: what a backup can bring.
        store.feeds["ginza", "profiles"] = Feed("ginza", "profiles")
        store.feeds["ginza", "profiles"].put("c2", Profile(customer="c2", purposes=("signage",)))
        store.downlink.anew()
        assert not store.downlink.confirmed()
        while not store.downlink.confirmed():
            assert not store.downlink.caught_up
            await store.answer(await store.pulled())
            await turn()
        assert store.replica.profile("c1", NOON) is None
        assert store.replica.profile("c2", NOON) is not None
        await store.catch_up()
        assert store.downlink.caught_up
        store.connect()
        asked = await store.catch_up()
        assert len(asked) == len(PARTS), "once: a page each, and no snapshots any more"


async def test_a_full_disk_delays_the_snapshots_and_knows_nobody_meanwhile(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        await store.storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
        store.downlink.anew()
        for failed in range(1, 6):
            await until(partial(store.failed, failed))
            assert not store.downlink.confirmed()
            assert not store.wire.sent
            await store.later(ANSWER)
        store.storage._writer.execute("PRAGMA query_only = 0")
        await store.later(ANSWER)
        await store.catch_up()
        assert store.downlink.confirmed()


async def test_caught_up_is_the_head_of_when_the_pull_began_though_central_goes_on(store: Store) -> None:
    stock = store.feeds["ginza", "stock"]
    for n in range(MAX_ROWS + 100):
        stock.put(f"s{n}", Stock(sku=f"s{n}", on_hand=n, sold=0))
    async with store.running():
        before = store.downlink.caught_up
        assert not before, "there was no connection yet"
        store.connect()
        pages = 0
        while store.downlink._wanted:
            await until(lambda: store.wire.sent or not store.downlink._wanted)
            for pull in store.wire.take("pull", Pull):
                await store.answer(pull)
                if (pull.scope, pull.feed) == ("ginza", "stock"):
                    pages += 1
                    for n in range(MAX_ROWS):  # Faster than it is pulled.
                        stock.put(f"s{n}", Stock(sku=f"s{n}", on_hand=n, sold=pages))
        assert store.downlink.caught_up
        assert pages < 10
        assert store.replica.cursor("ginza", "stock").after >= MAX_ROWS + 100


async def test_whoever_wants_to_know_is_told_what_has_caught_up(store: Store) -> None:
    told: list[tuple[str, str]] = []
    async with store.running():
        store.downlink.on_caught_up.append(lambda scope, feed: told.append((scope, feed)))
        store.connect()
        await store.catch_up()
        assert sorted(told) == sorted(PARTS)


async def test_a_clock_that_is_set_neither_ends_nor_prolongs_a_confirmation_of_this_run(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.catch_up()
        store.synced = False
        for days in (365, -365):
            store.set_by = timedelta(days=days)
            assert store.downlink.confirmed()
        store.now += timedelta(hours=23, minutes=59)
        assert store.downlink.confirmed()
        store.now += timedelta(minutes=2)
        store.set_by = -timedelta(hours=5)
        assert not store.downlink.confirmed()


async def test_a_confirmation_of_an_earlier_boot_is_not_believed_by_an_unsafe_clock(
    tmp_path: Path, later: Later
) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later)
        async with store.running():
            store.connect()
            await store.catch_up()
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later, another_boot=True)
        async with store.running():
            store.synced = False
            assert not store.downlink.confirmed()
            store.synced = True
            assert store.downlink.confirmed()
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later)
        async with store.running():
            store.synced, store.set_by = False, timedelta(days=365)
            assert store.downlink.confirmed(), "of this boot it is known how long ago it was"
            store.now += timedelta(hours=25)
            assert not store.downlink.confirmed()


async def test_an_unsafe_clock_leaves_no_confirmation_on_disk(tmp_path: Path, later: Later) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        store = Store(storage, later)
        async with store.running():
            store.synced, store.set_by = False, timedelta(days=365)
            store.connect()
            await store.catch_up()
            assert store.downlink.confirmed()
            assert store.replica.confirmed is None
            store.synced, store.set_by = True, timedelta(0)
            store.now += timedelta(minutes=5)
            await store.later(1.3 * EVERY)
            await store.catch_up()
            assert store.replica.confirmed == store.now


@given(st.binary(max_size=200))
def test_whatever_comes_down_is_counted_and_survived(payload: bytes) -> None:
    class Nothing(Replica):
        def __init__(self) -> None:
            pass

        confirmed = None

        def confirmed_in(self, _boot: str) -> float | None:
            return None

    async def hear() -> Downlink:
        downlink = Downlink(Nothing(), Wire(), Clock(), "ginza", "pi-1", lambda *_: None)
        await downlink.on_page(payload)
        await downlink.on_heads(payload)
        return downlink

    counts = asyncio.run(hear()).counts
    assert counts["pages_unreadable"] == counts["heads_unreadable"] == 1
