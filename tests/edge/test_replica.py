"""The feeds at the edge are what central has, or what it had: never a mixture, never what has run out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_disk import disk
from edge_pages import take
from edge_wire import Feed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.contract.codec import encode
from central.contract.feeds import Product, Profile, Pull, Settings, Stock, Token
from edge.errors import Locked, Unwritable
from edge.replica import MOST_ASIDE, MOST_NEAR, SEALED, Applied, Replica
from edge.seal import Seal, about
from edge.storage import Storage
from ground.programme.records import Content

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SEAL = Seal(bytes(32))


@pytest.fixture
async def replica(storage: Storage) -> Replica:
    return await opened(storage)


async def opened(storage: Storage) -> Replica:
    replica = Replica(storage, SEAL, "ginza")
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
    """What is in use, opened."""
    sql = "SELECT key, version, body FROM row WHERE shadow = 0 AND scope = ? AND feed = ?"
    rows = storage.read(sql, (feed.scope, feed.feed))
    return {
        key: SEAL.open(body, about("row", "ginza", feed.feed, key, version)) if feed.feed in SEALED else body
        for key, version, body in rows
    }


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
    [(key, version, body, said)] = storage.read("SELECT key, version, body, said FROM row_aside")
    assert key == "c1"
    assert SEAL.open(body, about("row", "ginza", "profiles", key, version)) == b'{"customer": 7}'
    assert "str" in said


async def test_what_is_of_persons_is_sealed_and_what_is_nobodys_is_not(replica: Replica, storage: Storage) -> None:
    await take(replica, "profiles", {"c1": profile("c1", nickname="みなみ")})
    await take(replica, "tokens", {"t1": Token(customer="c1", means="code")})
    await take(replica, "products", {"p1": product("p1")})
    rows = storage.read("SELECT feed, body FROM row ORDER BY feed")
    assert [(feed, body[:1]) for feed, body in rows] == [("products", b"{"), ("profiles", b"\1"), ("tokens", b"\1")]
    assert "みなみ".encode() not in rows[1][1]


@pytest.mark.parametrize("how", ["changed", "cut", "moved", "older"])
async def test_a_row_that_is_not_as_we_left_it_makes_nobody_known_and_its_feed_come_anew(
    replica: Replica, storage: Storage, how: str
) -> None:
    told: list[tuple[str, str]] = []
    feed = Feed("ginza", "profiles")
    older = b""
    for points in (1, 2):
        feed.put("c1", profile("c1", points=points))
        feed.put("c2", profile("c2", points=points))
        await catch_up(replica, feed)
        if points == 1:
            [[older]] = storage.read("SELECT body FROM row WHERE key = 'c1'")
    [[body]] = storage.read("SELECT body FROM row WHERE key = 'c1'")
    [[other]] = storage.read("SELECT body FROM row WHERE key = 'c2'")
    new = {"changed": body[:-1] + bytes([body[-1] ^ 1]), "cut": body[:9], "moved": other, "older": older}[how]
    await storage.write(lambda db: db.execute("UPDATE row SET body = ? WHERE key = 'c1'", (new,)))
    replica = await opened(storage)
    replica.unreadable.append(lambda scope, feed: told.append((scope, feed)))
    assert [replica.profile("c1", NOON) for _ in range(3)] == [None] * 3
    assert replica.profile("c2", NOON) is not None
    assert told == [("ginza", "profiles")]
    assert replica.counts["rows_unreadable"] == 3
    await replica.restart("ginza", "profiles")
    await catch_up(replica, feed)
    found = replica.profile("c1", NOON)
    assert found is not None
    assert found.points == 2


async def test_without_a_key_nobody_is_known_and_nothing_is_taken(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        await take(await opened(storage), "profiles", {"c1": profile("c1")})
        seal = Seal()
        locked = Replica(storage, seal, "ginza")
        assert locked.profile("c1", NOON) is None
        assert locked.counts["rows_unreadable"] == 0
        with pytest.raises(Locked):
            await take(locked, "profiles", {"c2": profile("c2")})
        await take(locked, "stock", {"p1": Stock(sku="p1", on_hand=1, sold=0)})
        seal.unlock(bytes(32))
        assert locked.profile("c1", NOON) is not None


async def test_rows_from_before_they_were_sealed_are_pulled_anew(replica: Replica, storage: Storage) -> None:
    plain = encode(profile("c1"))
    await storage.write(
        lambda db: db.execute("INSERT INTO row VALUES (0, 'profiles', 'c1', 'ginza', 1, ?, NULL)", (plain,))
    )
    asked: list[tuple[str, str]] = []
    replica.unreadable.append(lambda scope, feed: asked.append((scope, feed)))
    assert replica.profile("c1", NOON) is None
    assert asked == [("ginza", "profiles")]


async def test_on_a_full_disk_consent_comes_first(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 4096) as card:
        async with Storage.open(card.path / "a.sqlite") as storage:
            replica = await opened(storage)
            card.fill()
            await take(replica, "profiles", {f"c{n}": profile(f"c{n}", nickname="x" * 40) for n in range(500)})
            assert storage.short
            with pytest.raises(Unwritable, match="products must wait"):
                await take(replica, "products", {"p1": product("p1")})
            await take(replica, "profiles", {"c1": None})
            assert replica.profile("c1", NOON) is None


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


async def test_what_has_run_out_is_given_by_no_feed_also_before_it_is_swept(replica: Replica) -> None:
    rows: dict[str, tuple[str, Any, Callable[[datetime], object]]] = {
        "tokens": ("f" * 64, Token(customer="c1", means="code"), lambda at: replica.token("f" * 64, at)),
        "products": ("a", product("a"), lambda at: replica.products(at).get("a")),
        "stock": ("a", Stock(sku="a", on_hand=1, sold=1), lambda at: replica.stock(at).get("a")),
        "content": ("k", Content(content="k", layout="campaign", title={"ja": "秋"}), replica.contents),
        "settings": ("agent", Settings(settings="one"), replica.settings),
    }
    for name, (key, record, ask) in rows.items():
        assert not ask(NOON)
        feed = Feed("ginza", name)
        feed.put(key, record, until=NOON + HOUR)
        await catch_up(replica, feed)
        for at in (NOON, NOON + HOUR, NOON):  # Also where the clock goes back: it is still there.
            assert bool(ask(at)) == (at < NOON + HOUR), name
        feed.put(key, record, until=NOON - HOUR)
        await catch_up(replica, feed)
        assert not ask(NOON), name
        feed.put(key, record)
        await catch_up(replica, feed)
        assert ask(NOON + 1000 * HOUR), name


async def test_behind_what_ran_out_for_the_store_is_what_the_chain_has(replica: Replica) -> None:
    chain, store = Feed("chain", "products"), Feed("ginza", "products")
    chain.put("a", product("a", 100))
    store.put("a", product("a", 80), until=NOON)
    for feed in (chain, store):
        await catch_up(replica, feed)
    assert replica.products(NOON - HOUR)["a"].yen == 80
    assert replica.products(NOON)["a"].yen == 100
    await replica.sweep(NOON)
    chain.put("b", product("b"))
    await catch_up(replica, chain)
    assert {sku: one.yen for sku, one in replica.products(NOON).items()} == {"a": 100, "b": 100}


async def test_a_first_page_of_thousands_comes_to_a_feed_that_is_in_use(replica: Replica, storage: Storage) -> None:
    assert not replica.products(NOON)
    feed = Feed("chain", "products")
    for n in range(3000):
        feed.put(f"p{n}", product(f"p{n}", n))
    reads: list[str] = []
    storage._reader.set_trace_callback(reads.append)
    assert len(await catch_up(replica, feed)) == 3000
    assert len(replica.products(NOON)) == 3000
    storage._reader.set_trace_callback(None)
    assert len(reads) < 50, "the loop asks for cursors, not for each product"


async def test_the_stores_rows_win_over_the_chains(replica: Replica) -> None:
    chain, store = Feed("chain", "products"), Feed("ginza", "products")
    chain.put("a", product("a", 100))
    chain.put("b", product("b", 100))
    store.put("a", product("a", 80))
    await catch_up(replica, store)
    assert {sku: one.yen for sku, one in replica.products(NOON).items()} == {"a": 80}
    await catch_up(replica, chain)
    assert {sku: one.yen for sku, one in replica.products(NOON).items()} == {"a": 80, "b": 100}
    chain.put("a", product("a", 110))
    await catch_up(replica, chain)
    assert replica.products(NOON)["a"].yen == 80
    store.delete("a")
    await catch_up(replica, store)
    assert replica.products(NOON)["a"].yen == 110
    chain.delete("a")
    await catch_up(replica, chain)
    assert set(replica.products(NOON)) == {"b"}


async def test_whole_feeds_are_read_decoded_and_follow_every_change(replica: Replica) -> None:
    tokens, stock, content = Feed("ginza", "tokens"), Feed("ginza", "stock"), Feed("chain", "content")
    assert not replica.contents(NOON)
    assert not replica.stock(NOON)
    tokens.put("f" * 64, Token(customer="c1", means="code"))
    stock.put("a", Stock(sku="a", on_hand=3, sold=9))
    for n in (1, 2, 3):
        content.put(f"k{n}", Content(content=f"k{n}", layout="campaign", title={"ja": "秋"}))
    for feed in (tokens, stock, content):
        await catch_up(replica, feed)
    assert replica.token("f" * 64, NOON) == Token(customer="c1", means="code")
    assert replica.token("0" * 64, NOON) is None
    assert replica.stock(NOON)["a"].on_hand == 3
    assert set(replica.contents(NOON)) == {"k1", "k2", "k3"}
    stock.put("a", Stock(sku="a", on_hand=2, sold=10))
    content.delete("k3")
    for feed in (stock, content):
        await catch_up(replica, feed)
    assert replica.stock(NOON)["a"].on_hand == 2
    assert set(replica.contents(NOON)) == {"k1", "k2"}


async def test_who_asks_for_all_while_a_page_is_taken_over_has_it_afterwards(replica: Replica) -> None:
    feed = Feed("ginza", "products")
    feed.put("tea", product("tea"))
    await pull(replica, feed)
    taking = asyncio.create_task(pull(replica, feed))
    await asyncio.sleep(0)  # It is with the writer.
    before = dict(replica.products(NOON))
    assert await taking == Applied(feed="products", keys=frozenset({"tea"}))
    assert (before, dict(replica.products(NOON))) == ({}, {"tea": product("tea")})


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
        assert (replica.confirmed, replica.confirmed_in("b1")) == (None, None)
        await replica.confirm(NOON, "b1", 12.5)
        await replica.confirm(None, "b1", 17.5)
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        replica = await opened(storage)
        assert (replica.confirmed, replica.confirmed_in("b1"), replica.confirmed_in("b2")) == (NOON, 17.5, None)


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
                replica.stock(NOON)
        await catch_up(replica, feed, 3)
        assert held(storage, feed) == feed.live()
        assert set(replica.stock(NOON)) == set(feed.live())


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
