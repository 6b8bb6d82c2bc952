"""The feeds at the edge are what central has, or what it had: never a mixture, never what has run out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_pages import take
from edge_wire import Feed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.contract.feeds import Content, Product, Profile, Pull, Stock, Token
from edge.replica import MOST_ASIDE, MOST_NEAR, Applied, Replica
from edge.storage import Storage

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def replica(storage: Storage) -> Replica:
    return await opened(storage)


async def opened(storage: Storage) -> Replica:
    replica = Replica(storage)
    await replica.open()
    return replica


def profile(customer: str, **more: object) -> Profile:
    return Profile(customer=customer, purposes=("signage",), **more)  # type: ignore[arg-type]


def product(sku: str, yen: int = 100) -> Product:
    return Product(sku=sku, name={"ja": "お茶", "en": "Tea"}, yen=yen, category="tea")


async def pull(replica: Replica, feed: Feed, limit: int = 500) -> Applied | None:
    """Take one page."""
    cursor = replica.cursor(feed.scope, feed.feed)
    asked = Pull(scope=feed.scope, feed=feed.feed, after=cursor.after, generation=cursor.generation, limit=limit)
    return await replica.apply(feed.page(asked))


async def catch_up(replica: Replica, feed: Feed, limit: int = 500) -> set[str]:
    """Take pages until it is what central has; give all keys that were said to have changed."""
    keys: set[str] = set()
    for _ in range(1000):
        applied = await pull(replica, feed, limit)
        assert applied is not None
        keys |= applied.keys
        cursor = replica.cursor(feed.scope, feed.feed)
        if not cursor.snapshot and cursor.after == feed.head:
            return keys
    raise AssertionError("it never catches up")


def held(storage: Storage, feed: Feed) -> dict[str, bytes]:
    sql = "SELECT key, body FROM row WHERE shadow = 0 AND scope = ? AND feed = ?"
    return dict(storage.read(sql, (feed.scope, feed.feed)))


async def test_the_first_pages_are_a_snapshot_in_use_only_when_whole(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(5):
        feed.put(f"c{n}", profile(f"c{n}"))
    assert await pull(replica, feed, 2) == Applied(feed="profiles", keys=frozenset())
    assert replica.cursor("ginza", "profiles").snapshot
    assert replica.profile("c0", NOON) is None
    assert await catch_up(replica, feed, 2) == {f"c{n}" for n in range(5)}
    assert replica.profile("c4", NOON) == profile("c4")
    assert held(storage, feed) == feed.live()


async def test_changes_and_deletions_follow(replica: Replica) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c1", profile("c1"))
    feed.put("c2", profile("c2"))
    await catch_up(replica, feed)
    feed.put("c1", profile("c1", points=7))
    feed.delete("c2")
    assert await catch_up(replica, feed, 1) == {"c1", "c2"}
    assert replica.profile("c1", NOON) == profile("c1", points=7)
    assert replica.profile("c2", NOON) is None


async def test_a_page_that_does_not_continue_ours_changes_nothing(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(4):
        feed.put(f"c{n}", profile(f"c{n}"))
    await catch_up(replica, feed)
    feed.put("c0", profile("c0", points=1))
    feed.put("c1", profile("c1", points=1))
    await catch_up(replica, feed)
    before = held(storage, feed)
    page = feed.page(Pull(scope="ginza", feed="profiles", after=4, generation="g1"))
    for strange in (
        page,
        replace(page, after=5),
        replace(page, after=7, upto=7),
        replace(page, after=6, upto=5),
        replace(page, after=6, upto=9, head=8),
        replace(page, generation="g2"),
        replace(page, feed="coupons"),
        replace(page, feed="nonsense"),
    ):
        assert await replica.apply(strange) is None
    assert held(storage, feed) == before
    assert not replica.cursor("ginza", "profiles").snapshot


@pytest.mark.parametrize("generation", ["g1", "g0"])
async def test_an_old_snapshot_that_comes_late_is_never_in_use(
    replica: Replica, storage: Storage, generation: str
) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c0", profile("c0"))
    old = feed.page(Pull(scope="ginza", feed="profiles", after=0, generation=""))
    feed.delete("c0")
    feed.put("c1", profile("c1"))
    await catch_up(replica, feed)
    await replica.apply(replace(old, generation=generation))
    assert replica.profile("c0", NOON) is None
    await catch_up(replica, feed)
    assert held(storage, feed) == feed.live()


async def test_another_generation_is_taken_whole_and_tells_who_went(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(4):
        feed.put(f"c{n}", profile(f"c{n}"))
    await catch_up(replica, feed)
    restored = Feed("ginza", "profiles", generation="g2")
    restored.put("c1", profile("c1"))
    restored.put("c2", profile("c2", points=5))
    restored.put("c9", profile("c9"))
    await pull(replica, restored, 1)
    assert replica.profile("c3", NOON) is not None
    assert await catch_up(replica, restored, 1) == {"c0", "c2", "c3", "c9"}
    assert held(storage, restored) == restored.live()


async def test_deletions_that_central_forgot_are_found_by_a_snapshot(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(4):
        feed.put(f"c{n}", profile(f"c{n}"))
    await catch_up(replica, feed)
    feed.delete("c0")
    feed.put("c5", profile("c5"))
    feed.forget()
    assert await catch_up(replica, feed, 2) == {"c0", "c5"}
    assert held(storage, feed) == feed.live()


async def test_a_page_from_beyond_the_horizon_is_not_taken_as_a_continuation(replica: Replica) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c0", profile("c0"))
    await catch_up(replica, feed)
    feed.put("c1", profile("c1"))
    page = feed.page(Pull(scope="ginza", feed="profiles", after=1, generation="g1"))
    assert await replica.apply(replace(page, horizon=2)) == Applied(feed="profiles", keys=frozenset())
    assert replica.profile("c1", NOON) is None
    cursor = replica.cursor("ginza", "profiles")
    assert (cursor.snapshot, cursor.after) == (True, 0)
    await catch_up(replica, feed)
    assert replica.profile("c1", NOON) is not None


async def test_a_snapshot_goes_on_after_a_restart(tmp_path: Path) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(6):
        feed.put(f"c{n}", profile(f"c{n}"))
    for _ in range(3):
        async with Storage.open(tmp_path / "a.sqlite") as storage:
            replica = await opened(storage)
            await pull(replica, feed, 2)
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        assert held(storage, feed) == feed.live()


async def test_a_row_nobody_can_read_is_set_aside_and_the_rest_applied(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c1", profile("c1"))
    feed.put("c2", profile("c2"))
    await catch_up(replica, feed)
    feed.put("c1", b'{"customer": 7}')
    feed.put("c3", profile("c3"))
    await catch_up(replica, feed)
    assert replica.profile("c1", NOON) is None  # What it had agreed to is unknown now.
    assert replica.profile("c3", NOON) is not None
    assert replica.counts["rows_aside"] == 1
    [(key, body, said)] = storage.read("SELECT key, body, said FROM row_aside")
    assert (key, body) == ("c1", b'{"customer": 7}')
    assert "str" in said


async def test_what_is_set_aside_is_bounded(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(MOST_ASIDE + 10):
        feed.put(f"c{n}", b"[]")
    await catch_up(replica, feed)
    assert storage.read("SELECT count(*) FROM row_aside") == [(MOST_ASIDE,)]


async def test_what_has_run_out_is_not_given_and_swept(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c1", profile("c1"), until=NOON)
    feed.put("c2", profile("c2"), until=NOON + HOUR)
    await catch_up(replica, feed)
    assert replica.profile("c1", NOON - HOUR) is not None
    assert replica.profile("c1", NOON) is None
    assert replica.profile("c2", NOON) is not None
    assert await replica.sweep(NOON) == [Applied(feed="profiles", keys=frozenset({"c1"}))]
    assert await replica.sweep(NOON) == []
    assert set(held(storage, feed)) == {"c2"}


async def test_the_stores_rows_win_over_the_chains(replica: Replica) -> None:
    chain, store = Feed("chain", "products"), Feed("ginza", "products")
    chain.put("a", product("a", 100))
    chain.put("b", product("b", 100))
    store.put("a", product("a", 80))
    await catch_up(replica, store)
    assert {sku: one.yen for sku, one in replica.products().items()} == {"a": 80}
    await catch_up(replica, chain)
    assert {sku: one.yen for sku, one in replica.products().items()} == {"a": 80, "b": 100}
    chain.put("a", product("a", 110))
    await catch_up(replica, chain)
    assert replica.products()["a"].yen == 80
    store.delete("a")
    await catch_up(replica, store)
    assert replica.products()["a"].yen == 110
    chain.delete("a")
    await catch_up(replica, chain)
    assert set(replica.products()) == {"b"}


async def test_whole_feeds_are_read_decoded_and_follow_every_change(replica: Replica) -> None:
    tokens, stock, content = Feed("ginza", "tokens"), Feed("ginza", "stock"), Feed("chain", "content")
    assert replica.content() == ()
    assert not replica.stock()
    tokens.put("f" * 64, Token(customer="c1", means="code"))
    stock.put("a", Stock(sku="a", on_hand=3, sold=9))
    for n, order in ((1, 2), (2, 1), (3, 1)):
        content.put(f"k{n}", Content(content=f"k{n}", layout="campaign", title={"ja": "秋"}, order=order))
    for feed in (tokens, stock, content):
        await catch_up(replica, feed)
    assert replica.token("f" * 64) == Token(customer="c1", means="code")
    assert replica.token("0" * 64) is None
    assert replica.stock()["a"].on_hand == 3
    assert [item.content for item in replica.content()] == ["k2", "k3", "k1"]
    stock.put("a", Stock(sku="a", on_hand=2, sold=10))
    content.delete("k3")
    for feed in (stock, content):
        await catch_up(replica, feed)
    assert replica.stock()["a"].on_hand == 2
    assert [item.content for item in replica.content()] == ["k2", "k1"]


async def test_nothing_new_is_not_worth_a_write(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c1", profile("c1"))
    await catch_up(replica, feed)
    commits: list[int] = []
    storage.committed.append(lambda: commits.append(1))
    assert await pull(replica, feed) == Applied(feed="profiles", keys=frozenset())
    assert not commits


async def test_a_feed_taken_anew_stays_in_use_until_it_is_whole(replica: Replica, storage: Storage) -> None:
    feed = Feed("ginza", "profiles")
    for n in range(4):
        feed.put(f"c{n}", profile(f"c{n}"))
    await catch_up(replica, feed)
    await storage.write(lambda db: db.execute("DELETE FROM row WHERE key = 'c1'"))  # What a fault may do.
    await replica.restart("ginza", "profiles")
    assert replica.profile("c2", NOON) is not None
    assert await catch_up(replica, feed, 2) == {"c1"}
    assert replica.profile("c1", NOON) is not None


async def test_a_horizon_stops_no_feed_taken_anew(replica: Replica) -> None:
    feed = Feed("ginza", "profiles")
    feed.put("c0", profile("c0"))
    await catch_up(replica, feed)
    await replica.restart("ginza", "profiles")
    page = feed.page(Pull(scope="ginza", feed="profiles", after=0, generation="g1"))
    assert await replica.apply(replace(page, horizon=1)) is not None
    assert not replica.cursor("ginza", "profiles").snapshot


async def test_the_confirmation_outlives_the_process(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        replica = await opened(storage)
        assert replica.confirmed is None
        await replica.confirm(NOON)
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        assert (await opened(storage)).confirmed == NOON


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
async def test_whatever_happens_the_replica_becomes_what_central_has(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    feed = Feed("ginza", "stock")
    pages = []
    async with Storage.open(tmp_path_factory.mktemp("replica") / "a.sqlite") as storage:
        replica = await opened(storage)
        for step in range(chance.randint(5, 40)):
            what = chance.choice(["put", "put", "put", "delete", "pull", "pull", "late", "forget", "restore"])
            if what == "put":
                sku = f"s{chance.randint(0, 15)}"
                feed.put(sku, Stock(sku=sku, on_hand=step, sold=0))
            elif what == "delete" and feed.live():
                feed.delete(chance.choice(sorted(feed.live())))
            elif what == "pull":
                cursor = replica.cursor("ginza", "stock")
                asked = Pull(
                    scope="ginza",
                    feed="stock",
                    after=cursor.after,
                    generation=cursor.generation,
                    limit=chance.randint(1, 6),
                )
                pages.append(feed.page(asked))
                if chance.random() < 0.8:
                    await replica.apply(pages[-1])
            elif what == "late" and pages:
                await replica.apply(chance.choice(pages))
            elif what == "forget":
                feed.forget()
            elif what == "restore" and chance.random() < 0.3:
                feed = Feed("ginza", "stock", generation=f"g{step}")
            if chance.random() < 0.3:
                replica.stock()
        await catch_up(replica, feed, 3)
        assert held(storage, feed) == feed.live()
        assert set(replica.stock()) == set(feed.live())


async def test_who_is_near_is_read_and_decoded_once(replica: Replica, storage: Storage) -> None:
    await take(replica, "profiles", {"c1": profile("c1")})
    first = replica.profile("c1", NOON)
    assert first is not None
    assert replica.profile("c1", NOON) is first
    await take(replica, "profiles", {"c1": profile("c1", points=7)})
    assert replica.profile("c1", NOON) == profile("c1", points=7)
    await take(replica, "profiles", {"c1": None})
    assert replica.profile("c1", NOON) is None


async def test_who_is_near_runs_out_too(replica: Replica) -> None:
    await take(replica, "profiles", {"c1": profile("c1", points=1)}, until=NOON)
    await take(replica, "profiles", {"c1": profile("c1")}, scope="chain", until=NOON + HOUR)
    assert replica.profile("c1", NOON - HOUR) == profile("c1", points=1)
    assert replica.profile("c1", NOON) == profile("c1")  # The store's row is over, the chain's is not.
    assert replica.profile("c1", NOON + HOUR) is None


async def test_what_is_swept_is_not_kept_for_who_is_near(replica: Replica) -> None:
    await take(replica, "profiles", {"c1": profile("c1")}, until=NOON)
    assert replica.profile("c1", NOON - HOUR) is not None
    await replica.sweep(NOON)
    assert replica.profile("c1", NOON - HOUR) is None


async def test_few_profiles_are_kept_decoded_those_asked_for_last(replica: Replica) -> None:
    await take(replica, "profiles", {f"c{n}": profile(f"c{n}") for n in range(MOST_NEAR + 1)})
    first = replica.profile("c0", NOON)
    second = replica.profile("c1", NOON)
    for n in range(2, MOST_NEAR):
        replica.profile(f"c{n}", NOON)
    assert replica.profile("c0", NOON) is first
    replica.profile(f"c{MOST_NEAR}", NOON)
    assert replica.profile("c0", NOON) is first
    assert replica.profile("c1", NOON) is not second


async def test_of_a_snapshot_nothing_is_seen_before_it_is_whole_and_nothing_old_after(replica: Replica) -> None:
    await take(replica, "profiles", {"c1": profile("c1"), "c2": profile("c2")})
    assert replica.profile("c1", NOON) is not None
    restored = Feed("ginza", "profiles", generation="g2")
    restored.put("c1", profile("c1", points=5))
    restored.put("c2", profile("c2"))
    await pull(replica, restored, 1)
    assert replica.profile("c1", NOON) == profile("c1")
    await catch_up(replica, restored, 1)
    assert replica.profile("c1", NOON) == profile("c1", points=5)
