"""Pulls: what changed after a cursor, a snapshot when the cursor is no good, and nothing to whom it is not for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from edge_log import EdgeLog
from sqlalchemy import Engine

from central import agents, catalogue, consent, profiles
from central.contract import codec, topics
from central.contract.feeds import Coupon, Page, Product, Pull
from central.feeds.pages import Pages, page
from central.feeds.projector import forget, project
from central.profiles import Customer
from central.storage import tables
from central.storage.database import reading, writing

KEY = bytes(range(32))
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SCOPES = ("chain", "ginza")


def products(engine: Engine, *names: str, yen: int = 1, at: datetime = NOON) -> None:
    with writing(engine) as connection:
        catalogue.save_products(
            connection, [Product(sku=name, name={"ja": name}, yen=yen, category="c") for name in names]
        )
        while project(connection, KEY, at) is not None:
            pass


def drop(engine: Engine, name: str, at: datetime = NOON) -> None:
    with writing(engine) as connection:
        connection.execute(tables.product.delete().where(tables.product.c.sku == name))
        connection.execute(tables.dirty.insert().values(subject="product", key=name))
        project(connection, KEY, at)


def ask(engine: Engine, pull: Pull) -> Page:
    with reading(engine) as connection:
        made = page(connection, pull, SCOPES)
    assert made is not None
    return codec.unpack(codec.pack(made), Page)


@dataclass
class Replica:
    """What a store does with pages, by the contract alone."""

    rows: dict[str, bytes] = field(default_factory=dict)
    cursor: int = 0
    generation: str = ""
    snapshots: int = 0

    def pull(self, limit: int = 500) -> Pull:
        return Pull(scope="chain", feed="products", after=self.cursor, generation=self.generation, limit=limit)

    def apply(self, page: Page) -> bool:
        """Apply it and say whether there is more."""
        if page.generation != self.generation or page.after != self.cursor:
            assert page.after == 0, "a snapshot begins at its beginning"
            self.rows, self.snapshots = {}, self.snapshots + 1
        for row in page.rows:
            assert page.after < row.version <= page.upto
            if row.body is None:
                self.rows.pop(row.key, None)
            else:
                self.rows[row.key] = bytes(row.body)
        self.cursor, self.generation = page.upto, page.generation
        return page.upto < page.head

    def catch_up(self, engine: Engine, limit: int = 500) -> None:
        for _ in range(100):
            if not self.apply(ask(engine, self.pull(limit))):
                return
        raise AssertionError("it never caught up")


def names(engine: Engine) -> Iterator[str]:
    with reading(engine) as connection:
        yield from connection.scalars(tables.product.select().with_only_columns(tables.product.c.sku))


def test_an_empty_feed_is_an_empty_page(engine: Engine) -> None:
    made = ask(engine, Replica().pull())
    assert (made.after, made.upto, made.head, made.horizon, made.rows) == (0, 0, 0, 0, ())


def test_a_store_catches_up_page_by_page_and_then_gets_what_changed(engine: Engine) -> None:
    products(engine, *(f"p{number}" for number in range(25)))
    store = Replica()
    store.catch_up(engine, limit=10)
    assert set(store.rows) == set(names(engine))
    assert store.snapshots == 1
    products(engine, "p3", "new", yen=2)
    drop(engine, "p4")
    change = ask(engine, store.pull())
    assert [(row.key, row.body is None) for row in change.rows] == [("new", False), ("p3", False), ("p4", True)]
    store.catch_up(engine)
    assert set(store.rows) == set(names(engine))
    assert store.snapshots == 1


@pytest.mark.parametrize("wrong", [{"generation": "0" * 16}, {"generation": ""}, {"after": 9_999}])
def test_a_cursor_of_another_world_gets_a_snapshot(engine: Engine, wrong: dict[str, str | int]) -> None:
    products(engine, "a", "b")
    store = Replica()
    store.catch_up(engine)
    made = ask(engine, replace(store.pull(), **wrong))  # type: ignore[arg-type]  # The cases name fields of a Pull.
    assert made.after == 0
    assert [row.key for row in made.rows] == ["a", "b"]


def test_a_cursor_below_the_horizon_gets_a_snapshot_that_ends(engine: Engine) -> None:
    later = NOON + timedelta(days=40)
    products(engine, *(f"p{number}" for number in range(30)))
    away, near = Replica(), Replica()
    away.catch_up(engine)
    drop(engine, "p7")
    products(engine, "x")
    near.catch_up(engine)
    with writing(engine) as connection:
        forget(connection, later)
    products(engine, "p8", yen=5, at=later)
    for store, snapshots in ((away, 2), (near, 1), (Replica(), 1)):
        store.catch_up(engine, limit=7)
        assert set(store.rows) == set(names(engine)), "p7's tombstone is forgotten, p7 must be too"
        assert store.snapshots == snapshots


def test_a_horizon_that_rises_during_a_snapshot_begins_it_anew(engine: Engine) -> None:
    products(engine, *(f"p{number}" for number in range(20)))
    drop(engine, "p9")
    with writing(engine) as connection:
        forget(connection, NOON + timedelta(days=1))
    store = Replica()
    store.apply(ask(engine, store.pull(limit=5)))
    drop(engine, "p0")
    with writing(engine) as connection:
        forget(connection, NOON + timedelta(days=1))
    store.catch_up(engine, limit=5)
    assert set(store.rows) == set(names(engine))
    assert store.snapshots == 2


def test_a_page_is_bounded_in_bytes_also(engine: Engine) -> None:
    title = {"ja": "あ" * 2000, "en": "a" * 2000}
    with writing(engine) as connection:
        for number in range(20):
            name = f"c-{number}"
            coupons = tuple(Coupon(coupon=f"k-{nth}", title=title) for nth in range(10))  # type: ignore[arg-type]  # mypy widens the literal keys.
            profiles.save(connection, [Customer(customer=name, home="ginza", coupons=coupons)])
            consent.give(connection, name, ["signage"], NOON)
        project(connection, KEY, NOON)
    pull = Pull(scope="ginza", feed="profiles", after=0, generation="")
    seen, pages = 0, 0
    while True:
        made = ask(engine, pull)
        assert len(codec.encode(made)) < codec.MAX_WIRE
        seen, pages = seen + len(made.rows), pages + 1
        if made.upto == made.head:
            break
        pull = replace(pull, after=made.upto, generation=made.generation)
    assert seen == 20
    assert pages > 1


@pytest.mark.parametrize(("scope", "feed"), [("shibuya", "profiles"), ("chain", "secrets")])
def test_another_stores_rows_and_unknown_feeds_are_refused(engine: Engine, scope: str, feed: str) -> None:
    with reading(engine) as connection:
        assert page(connection, Pull(scope=scope, feed=feed, after=0, generation=""), SCOPES) is None


def test_only_an_agent_of_its_own_store_is_answered(enrolled: Engine) -> None:
    products(enrolled, "a")
    sent: list[tuple[str, bytes]] = []
    pages = Pages(enrolled, lambda topic, payload: sent.append((topic, payload)))
    pull = codec.pack(Replica().pull())
    pages.answer(EdgeLog().said("pull", pull))
    ((topic, payload),) = sent
    assert topic == topics.of_agent("ginza", "pi-1", "page")
    assert [row.key for row in codec.unpack(payload, Page).rows] == ["a"]
    with writing(enrolled) as connection:
        agents.revoke(connection, "pi-1", NOON)
    for log, junk in (
        (EdgeLog(), pull),
        (EdgeLog(store="shibuya"), pull),
        (EdgeLog(agent="x"), pull),
        (EdgeLog(), b"["),
    ):
        pages.answer(log.said("pull", junk))
    assert len(sent) == 1
    assert pages.counts == {"pages": 1, "refused": 3, "unreadable": 1}
