"""The way down: who gets which row by consent, versions that no reader can skip, tombstones, hints."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from central import catalogue, consent, content, profiles
from central.contract import codec, feeds, member_code, topics
from central.contract.feeds import MAX_ROW, Coupon, Heads, Interest, Page, Product, Profile, Pull, Stock, Token
from central.feeds.pages import page
from central.feeds.projector import Projector, There, changes, forget, keep, project
from central.feeds.rows import Place, Wanted
from central.profiles import Customer
from central.storage import tables
from central.storage.database import reading, writing
from ground.programme.records import Content

KEY = bytes(range(32))
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HANA = Customer(
    customer="c-1",
    home="ginza",
    visited=("shibuya",),
    nickname="はな",
    points=120,
    tokens=(("code", "2900000000016"), ("beacon", "ibeacon:a:1:2")),
    bought=(Interest(sku="tea", at=NOON),),
    viewed=(Interest(sku="cup", at=NOON),),
    coupons=(Coupon(coupon="k-1", title={"ja": "百円引き"}),),
)
TEA = Product(sku="tea", name={"ja": "煎茶", "en": "Sencha"}, yen=800, category="tea")


def save(engine: Engine, customer: Customer, *purposes: str) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [customer])
        consent.give(connection, customer.customer, purposes, NOON)


def run(engine: Engine, at: datetime = NOON) -> frozenset[str] | None:
    with writing(engine) as connection:
        return project(connection, KEY, at)


def rows(engine: Engine, *, live: bool = True) -> dict[tuple[str, str], list[Any]]:
    """Bodies (or, `live` false, tombstones' keys) by scope and feed."""
    found: dict[tuple[str, str], list[Any]] = {}
    with reading(engine) as connection:
        for row in connection.execute(select(tables.feed_row).order_by(tables.feed_row.c.version)):
            if live and row.body is not None:
                found.setdefault((row.scope, row.feed), []).append(feeds.read(row.feed, row.body.encode()))
            elif not live and row.body is None:
                found.setdefault((row.scope, row.feed), []).append(row.key)
    return found


def head(engine: Engine, scope: str, feed: str) -> int | None:
    where = (tables.head.c.scope == scope, tables.head.c.feed == feed)
    with reading(engine) as connection:
        return connection.scalar(select(tables.head.c.head).where(*where))


CODE, BEACON = Token(customer="c-1", means="code"), Token(customer="c-1", means="beacon")


@pytest.mark.parametrize(
    ("purposes", "profile", "tokens"),
    [
        ((), False, []),
        (("messages", "analysis"), False, []),
        (("presence",), False, [BEACON]),
        (("signage",), True, [CODE]),
        (("presence", "signage"), True, [BEACON, CODE]),
    ],
)
def test_without_consent_there_is_no_row(
    engine: Engine, purposes: Iterable[str], profile: bool, tokens: list[Token]
) -> None:
    save(engine, HANA, *purposes)
    run(engine)
    found = rows(engine)
    for store in ("ginza", "shibuya"):
        assert len(found.get((store, "profiles"), [])) == profile
        assert sorted(found.get((store, "tokens"), []), key=lambda token: token.means) == tokens
    assert {scope for scope, _ in found} <= {"ginza", "shibuya"}, "other stores get nothing"


def test_a_profile_row_carries_what_a_greeting_needs_and_the_purposes_in_order(engine: Engine) -> None:
    save(engine, HANA, "signage", "presence")
    run(engine)
    assert rows(engine)["ginza", "profiles"] == [
        Profile(
            customer="c-1",
            purposes=("presence", "signage"),
            nickname="はな",
            points=120,
            bought=HANA.bought,
            viewed=HANA.viewed,
            coupons=HANA.coupons,
        )
    ]


def test_tokens_are_hashes_that_differ_by_store(engine: Engine) -> None:
    save(engine, HANA, "signage", "presence")
    run(engine)
    with reading(engine) as connection:
        keys = {(row.scope, row.key) for row in connection.execute(select(tables.feed_row)) if row.feed == "tokens"}
    assert keys == {
        (store, member_code.token(member_code.store_key(KEY, store), means, value))
        for store in ("ginza", "shibuya")
        for means, value in HANA.tokens
    }


def test_withdrawn_consent_leaves_tombstones_without_a_body(engine: Engine) -> None:
    save(engine, HANA, "signage", "presence")
    run(engine)
    with writing(engine) as connection:
        consent.withdraw(connection, "c-1", ["signage"], NOON)
    assert run(engine) == frozenset({"ginza", "shibuya"})
    assert rows(engine) == {("ginza", "tokens"): [BEACON], ("shibuya", "tokens"): [BEACON]}
    assert rows(engine, live=False)["ginza", "profiles"] == ["c-1"]
    with writing(engine) as connection:
        consent.withdraw(connection, "c-1", ["presence"], NOON)
        assert profiles.read(connection, ["c-1"]), "central itself still knows them"
    run(engine)
    assert rows(engine) == {}


def test_a_store_learns_that_a_customer_left_it(engine: Engine) -> None:
    save(engine, HANA, "signage")
    run(engine)
    save(engine, Customer(customer="c-1", home="ueno", tokens=HANA.tokens), "signage")
    assert run(engine) == frozenset({"ginza", "shibuya", "ueno"})
    assert {scope for scope, _ in rows(engine)} == {"ueno"}
    assert rows(engine, live=False)["shibuya", "profiles"] == ["c-1"]


def test_a_deleted_customer_leaves_every_store(engine: Engine) -> None:
    save(engine, HANA, "signage", "presence")
    run(engine)
    with writing(engine) as connection:
        connection.execute(tables.customer.delete())
        connection.execute(tables.dirty.insert().values(subject="customer", key="c-1"))
        assert connection.scalar(select(func.count()).select_from(tables.interest)) == 0
    run(engine)
    assert rows(engine) == {}


def test_a_card_that_changes_hands_is_the_new_customers(engine: Engine) -> None:
    save(engine, HANA, "signage")
    run(engine)
    save(engine, Customer(customer="c-2", home="ginza", tokens=(("code", "2900000000016"),)), "signage")
    run(engine)
    assert rows(engine)["ginza", "tokens"] == [Token(customer="c-2", means="code")]
    assert "tokens" not in {feed for scope, feed in rows(engine) if scope == "shibuya"}


def test_what_is_unchanged_makes_no_new_version(engine: Engine) -> None:
    save(engine, HANA, "signage")
    run(engine)
    before = head(engine, "ginza", "profiles"), head(engine, "ginza", "tokens")
    save(engine, HANA, "signage")
    assert run(engine) == frozenset()
    assert (head(engine, "ginza", "profiles"), head(engine, "ginza", "tokens")) == before


def test_products_and_content_are_the_chains_and_stock_is_the_stores(engine: Engine) -> None:
    loop = Content(content="autumn", layout="poster", title={"ja": "秋"}, order=2)
    with writing(engine) as connection:
        catalogue.save_products(connection, [TEA])
        catalogue.save_stock(connection, "ginza", [Stock(sku="tea", on_hand=3, sold=9)])
        content.save(connection, [loop])
    run(engine)
    assert rows(engine) == {
        ("chain", "products"): [TEA],
        ("chain", "content"): [loop],
        ("ginza", "stock"): [Stock(sku="tea", on_hand=3, sold=9)],
    }


def test_versions_are_one_by_one_and_the_head_is_the_last(engine: Engine) -> None:
    for number in range(3):
        with writing(engine) as connection:
            names = [f"p{nth}" for nth in range(number + 2)]
            catalogue.save_products(
                connection, [Product(sku=name, name={"ja": name}, yen=number, category="c") for name in names]
            )
        run(engine)
    with reading(engine) as connection:
        versions = sorted(connection.scalars(select(tables.feed_row.c.version)))
    assert head(engine, "chain", "products") == 2 + 3 + 4
    assert versions == [6, 7, 8, 9]


def test_a_mark_made_while_another_is_worked_off_stays(engine: Engine) -> None:
    with writing(engine) as connection:
        catalogue.save_products(connection, [TEA])
        catalogue.save_products(connection, [TEA])
    assert run(engine) == frozenset({"chain"})
    assert run(engine) is None


def test_old_tombstones_are_forgotten_and_the_horizon_rises(engine: Engine) -> None:
    save(engine, HANA, "signage")
    run(engine)
    with writing(engine) as connection:
        consent.withdraw(connection, "c-1", ["signage"], NOON)
    run(engine)
    for before, left in ((NOON, 4), (NOON + timedelta(seconds=1), 0)):
        with writing(engine) as connection:
            forget(connection, before)
        with reading(engine) as connection:
            assert connection.scalar(select(func.count()).select_from(tables.feed_row)) == left
    with reading(engine) as connection:
        assert {(row.head, row.horizon) for row in connection.execute(select(tables.head))} == {(2, 2)}


def test_the_projector_hints_what_changed_and_tells_all_again_when_asked(engine: Engine) -> None:
    told: list[tuple[str, bytes]] = []
    projector = Projector(engine, KEY, lambda topic, payload: told.append((topic, payload)), lambda: NOON)
    save(engine, HANA, "signage")
    projector.step()
    assert [topic for topic, _ in told] == [topics.heads("ginza"), topics.heads("shibuya")]
    heads = codec.unpack(told[0][1], Heads)
    assert (heads.scope, heads.heads) == ("ginza", {"profiles": 1, "tokens": 1})
    told.clear()
    with writing(engine) as connection:
        catalogue.save_products(connection, [TEA])
    projector.step()
    assert [topic for topic, _ in told] == [topics.heads("chain")]
    told.clear()
    projector.step()
    assert told == []
    projector.repair()
    projector.step()
    assert len(told) == 3


def test_a_store_that_asked_is_told_again_also_where_nothing_changed(engine: Engine) -> None:
    told: list[str] = []
    projector = Projector(engine, KEY, lambda topic, _: told.append(topic), lambda: NOON)
    save(engine, HANA, "signage")
    projector.tell("shibuya")
    projector.step()
    assert told == [topics.heads("ginza"), topics.heads("shibuya")]
    told.clear()
    for store in ("ginza", "ginza", "never-heard-of"):
        projector.tell(store)
    projector.step()
    projector.step()
    assert told == [topics.heads("ginza")]


def test_more_marks_than_one_step_takes_are_all_worked_off(engine: Engine) -> None:
    many = [Product(sku=f"p{number}", name={"ja": "品"}, yen=1, category="c") for number in range(1201)]
    with writing(engine) as connection:
        catalogue.save_products(connection, many)
    Projector(engine, KEY, lambda *_: None, lambda: NOON).step()
    assert head(engine, "chain", "products") == 1201


ROW = Wanted(place=Place(scope="ginza", feed="content", key="k"), owner="k", body=b"{}", until=NOON)


def test_a_row_that_runs_out_at_another_time_is_a_new_version() -> None:
    there = There(owner="k", body="{}", until=NOON)
    assert changes({ROW.place: ROW}, {ROW.place: there}) == []
    for other in (None, NOON + timedelta(hours=1)):
        [change] = changes({ROW.place: replace(ROW, until=other)}, {ROW.place: there})
        assert (change.body, change.until) == ("{}", other)
    [gone] = changes({}, {ROW.place: there})
    assert (gone.body, gone.until) == (None, None)
    assert changes({}, {ROW.place: replace(there, body=None, until=None)}) == []


def test_when_a_row_runs_out_comes_to_the_stores(engine: Engine) -> None:
    with writing(engine) as connection:
        keep(connection, changes({ROW.place: ROW}, {}), NOON)
        pull = Pull(scope="ginza", feed="content", after=0, generation="")
        made = page(connection, pull, ["ginza"])
        assert made is not None
        assert [(row.key, row.until) for row in codec.unpack(codec.pack(made), Page).rows] == [("k", NOON)]


def test_a_row_too_large_for_a_page_is_on_none_and_named(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with writing(engine) as connection:
        catalogue.save_products(connection, [TEA, replace(TEA, sku="cup")])
    save(engine, HANA, "signage")
    run(engine)
    title = "あ" * 2000
    huge = tuple(Coupon(coupon=f"k-{number}", title={"ja": title, "en": title}) for number in range(50))
    save(engine, replace(HANA, coupons=huge), "signage")
    with writing(engine) as connection:
        catalogue.save_products(connection, [replace(TEA, name={"ja": "あ" * MAX_ROW}), replace(TEA, sku="cup", yen=1)])
    run(engine)
    live = rows(engine)
    assert [one.sku for one in live["chain", "products"]] == ["cup"], "what was there before may be wrong now"
    assert ("ginza", "profiles") not in live
    assert len(live["ginza", "tokens"]) == 1
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert any(line.startswith("the row tea of products for chain has") for line in said)
    assert not any("c-1" in line or "はな" in line for line in said)
    save(engine, HANA, "signage")
    run(engine)
    assert rows(engine)["ginza", "profiles"]


def test_the_largest_row_that_is_taken_fits_on_the_wire(engine: Engine) -> None:
    noise = random.Random(1).randbytes(MAX_ROW).hex().encode()[: MAX_ROW - 100]
    largest = replace(ROW, body=b'{"a":"%s"}' % noise, until=None)
    with writing(engine) as connection:
        keep(connection, changes({ROW.place: largest}, {}), NOON)
        made = page(connection, Pull(scope="ginza", feed="content", after=0, generation=""), ["ginza"])
    assert made is not None
    assert len(codec.encode(made)) < codec.MAX_WIRE
