"""Customers, consent, catalogue and content: what goes in comes out, twice is once, and each change is marked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from central import catalogue, consent, content, profiles
from central.contract.feeds import Coupon, Interest, Product, Stock
from central.errors import Unknown
from central.profiles import VIEWS, Customer
from central.storage import tables
from central.storage.database import reading, writing
from ground.programme.records import Content

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HANA = Customer(
    customer="c-1",
    home="ginza",
    visited=("ginza", "ueno"),
    nickname="はな",
    points=7,
    tokens=(("beacon", "ibeacon:a:1:2"), ("code", "2900000000016")),
    bought=(Interest(sku="tea", at=NOON), Interest(sku="cup", at=NOON - timedelta(days=1))),
    viewed=(Interest(sku="tea", at=NOON),),
    coupons=(Coupon(coupon="k-1", title={"ja": "百円引き"}),),
)


def marks(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as connection:
        return [(row.subject, row.key) for row in connection.execute(select(tables.dirty).order_by(tables.dirty.c.id))]


def test_a_customer_comes_back_as_saved_and_saving_again_replaces(engine: Engine) -> None:
    bare = Customer(customer="c-1", home=None, nickname="H")
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        profiles.save(connection, [HANA, Customer(customer="c-2", home="ueno")])
        assert profiles.read(connection, ["c-1"]) == {"c-1": HANA}
        assert profiles.read(connection, ["c-9"]) == {}
        profiles.save(connection, [bare])
        assert profiles.read(connection, ["c-1"]) == {"c-1": bare}
    assert HANA.stores == {"ginza", "ueno"}
    assert bare.stores == frozenset()
    assert marks(engine) == [("customer", key) for key in ("c-1", "c-1", "c-2", "c-1")]


def test_who_loses_a_token_to_another_is_marked_too(engine: Engine) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        profiles.save(connection, [Customer(customer="c-2", home="ueno", tokens=(("code", "2900000000016"),))])
        assert profiles.read(connection, ["c-1"])["c-1"].tokens == (("beacon", "ibeacon:a:1:2"),)
    assert marks(engine)[1:] == [("customer", "c-1"), ("customer", "c-2")]


def test_consent_is_by_purpose_and_the_last_word_counts(engine: Engine) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        assert consent.given(connection, ["c-1"]) == {}
        consent.give(connection, "c-1", ["presence", "signage"], NOON)
        consent.withdraw(connection, "c-1", ["signage", "messages"], NOON)
        assert consent.given(connection, ["c-1"]) == {"c-1": {"presence"}}
        consent.give(connection, "c-1", ["signage"], NOON)
        assert consent.given(connection, ["c-1"]) == {"c-1": {"presence", "signage"}}
    assert marks(engine) == [("customer", "c-1")] * 4


def test_consent_of_nobody_or_to_nothing_known_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        with pytest.raises(Unknown, match="no customer c-9"):
            consent.give(connection, "c-9", ["signage"], NOON)
        with pytest.raises(Unknown, match=r"everything is no purpose.*Use presence, signage"):
            consent.give(connection, "c-1", ["everything"], NOON)


def test_consent_given_again_is_as_old_as_it_is(engine: Engine) -> None:
    later = NOON + timedelta(days=1)
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        consent.give(connection, "c-1", ["presence"], NOON)
        consent.give(connection, "c-1", ["presence", "signage"], later)
        assert consent.since(connection, ["c-1", "c-9"], "presence") == {"c-1": NOON}
        assert consent.since(connection, ["c-1"], "signage") == {"c-1": later}
        consent.withdraw(connection, "c-1", ["presence"], later)
        assert consent.since(connection, ["c-1"], "presence") == {}


def test_what_was_looked_at_is_gone_with_the_purpose_and_nothing_else_is(engine: Engine) -> None:
    other = replace(HANA, customer="c-2", tokens=())
    with writing(engine) as connection:
        profiles.save(connection, [HANA, other])
        consent.withdraw(connection, "c-1", ["presence", "messages", "analysis"], NOON)
        assert profiles.read(connection, ["c-1"])["c-1"].viewed == HANA.viewed
        consent.withdraw(connection, "c-1", ["signage"], NOON)
        assert profiles.read(connection, ["c-1", "c-2"]) == {"c-1": replace(HANA, viewed=()), "c-2": other}


def test_looks_come_newest_first_and_only_what_changed_is_marked(engine: Engine) -> None:
    newer, older = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        assert profiles.lock(connection, ["c-1", "c-9"]) == {"c-1"}
        profiles.view(connection, {"c-1": {"tea": older}})
        profiles.view(connection, {})
    assert len(marks(engine)) == 1, "an older look changes nothing"
    with writing(engine) as connection:
        profiles.view(connection, {"c-1": {"cup": older, "tea": newer}})
        looked = profiles.read(connection, ["c-1"])["c-1"].viewed
    assert looked == (Interest(sku="tea", at=newer), Interest(sku="cup", at=older))
    assert marks(engine)[1:] == [("customer", "c-1")]


def test_of_too_many_looks_the_oldest_go(engine: Engine) -> None:
    looks = {f"t-{number:03d}": NOON - timedelta(minutes=number) for number in range(VIEWS + 3)}
    with writing(engine) as connection:
        profiles.save(connection, [HANA])
        profiles.view(connection, {"c-1": dict(list(looks.items())[3:])})
        profiles.view(connection, {"c-1": looks})
        looked = profiles.read(connection, ["c-1"])["c-1"]
    assert {look.sku for look in looked.viewed} <= {"tea", *list(looks)[:VIEWS]}
    assert len(looked.viewed) == VIEWS
    assert looked.bought == HANA.bought


def test_products_stock_and_content_come_back_as_saved(engine: Engine) -> None:
    tea = Product(
        sku="tea", name={"ja": "煎茶", "en": "Sencha"}, yen=800, category="tea", picture="a" * 64, sensitive=True
    )
    few, many = (Stock(sku="tea", on_hand=number, sold=1) for number in (1, 9))
    item = Content(content="autumn", layout="poster", title={"ja": "秋"}, text={"ja": "文"}, seconds=5, order=3)
    with writing(engine) as connection:
        for stock in (few, many):
            catalogue.save_products(connection, [tea])
            catalogue.save_stock(connection, "ginza", [stock])
            content.save(connection, [item])
        assert catalogue.products(connection, ["tea", "no"]) == {"tea": tea}
        assert catalogue.stocks(connection, [("ginza", "tea"), ("ueno", "tea")]) == {("ginza", "tea"): many}
        assert content.contents(connection, ["autumn", "no"]) == {"autumn": item}
    assert marks(engine)[:3] == [("product", "tea"), ("stock", "ginza/tea"), ("content", "autumn")]


def test_pictures_lie_under_their_hash_and_nothing_else_does(tmp_path: Path) -> None:
    picture = b"\x89PNG and so on"
    digest = hashlib.sha256(picture).hexdigest()
    for _ in range(2):
        catalogue.keep_picture(tmp_path / "assets", digest, picture)
    assert [file.name for file in (tmp_path / "assets").iterdir()] == [digest]
    assert (tmp_path / "assets" / digest).read_bytes() == picture
    with pytest.raises(ValueError, match="is not what its hash"):
        catalogue.keep_picture(tmp_path / "assets", "0" * 64, picture)
