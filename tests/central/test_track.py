"""What a web shop tells over HTTP: a view reaches the stores that may know it, once, and nothing hostile does harm."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from edge_log import NOON
from httpx import ASGITransport, AsyncClient, BasicAuth
from sqlalchemy import Engine, func, select

from central import api, catalogue, consent, profiles, sources
from central.api import segment
from central.api.track import REMEMBERED
from central.contract.feeds import Interest, Product, Profile, read
from central.feeds.projector import project
from central.profiles import VIEWS, Customer
from central.sources import SCOPES
from central.storage import tables
from central.storage.database import open_database, reading, writing
from ground.programme.records import Store

SUCCESS = b'{"success":true}'
SKUS = [f"tea-{number:03d}" for number in range(VIEWS + 5)]


class Clock:
    def __init__(self) -> None:
        self.now = NOON
        self.rang = 0

    def kept(self) -> None:
        self.rang += 1

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key(engine: Engine) -> str:
    """Of the source `shop`; c-1 has agreed to it all, c-2 to all but signage, since the day before."""
    with writing(engine) as connection:
        profiles.save(connection, [Customer(customer=f"c-{number}", home="ginza") for number in (1, 2)])
        for customer, purposes in (("c-1", ["presence", "signage"]), ("c-2", ["presence", "messages", "analysis"])):
            consent.give(connection, customer, purposes, NOON - timedelta(days=1))
        products = [Product(sku=sku, name={"ja": "煎茶"}, yen=800, category="tea") for sku in SKUS]
        catalogue.save_products(connection, products)
        project(connection, b"k" * 32, NOON)
        return sources.make_key(connection, "shop", SCOPES, NOON)


def client_of(engine: Engine, clock: Clock, tmp_path: Path) -> AsyncClient:
    application = api.build(engine, tmp_path / "assets", dict, clock, clock.kept)
    return AsyncClient(transport=ASGITransport(app=application), base_url="http://central")


@pytest_asyncio.fixture
async def client(engine: Engine, clock: Clock, key: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with client_of(engine, clock, tmp_path) as made:
        made.auth = BasicAuth(key, "")
        yield made


@pytest_asyncio.fixture
async def stranger(engine: Engine, clock: Clock, key: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """Who says no key by itself."""
    async with client_of(engine, clock, tmp_path) as made:
        yield made


def viewed(sku: str = SKUS[0], customer: str = "c-1", **more: Any) -> dict[str, Any]:
    return {"userId": customer, "event": "Product Viewed", "properties": {"product_id": sku}, **more}


def batch(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"batch": [{"type": "track", **event} for event in events], **more}


def views(engine: Engine, customer: str = "c-1") -> tuple[Interest, ...]:
    with reading(engine) as connection:
        return profiles.read(connection, [customer])[customer].viewed


def told(engine: Engine) -> dict[str, int]:
    ask = select(tables.counter.c.name, tables.counter.c.count).where(tables.counter.c.name.like("told.%"))
    with reading(engine) as connection:
        counts: dict[str, int] = {}
        for name, number in connection.execute(ask):
            counts[name.removeprefix("told.")] = counts.get(name.removeprefix("told."), 0) + number
        return counts


async def test_a_view_reaches_the_store_of_who_agreed(client: AsyncClient, engine: Engine) -> None:
    answer = await client.post("/v1/track", json=viewed(messageId="m-1"))
    assert (answer.status_code, answer.content) == (200, SUCCESS)
    assert answer.headers["content-type"] == "application/json"
    with writing(engine) as connection:
        assert project(connection, b"k" * 32, NOON) == frozenset({"ginza"})
        where = (tables.feed_row.c.feed == "profiles", tables.feed_row.c.key == "c-1")
        body = connection.scalars(select(tables.feed_row.c.body).where(*where)).one()
    profile = read("profiles", str(body).encode())
    assert isinstance(profile, Profile)
    assert profile.viewed == (Interest(sku=SKUS[0], at=NOON),)


async def test_what_is_kept_is_worked_off_at_once_and_what_is_refused_wakes_nobody(
    client: AsyncClient, clock: Clock
) -> None:
    await client.post("/v1/track", json={"event": 3})
    assert clock.rang == 0
    await client.post("/v1/track", json=viewed(messageId="m-1"))
    assert clock.rang == 1


async def test_newest_first_and_the_same_again_gets_the_newer_time(client: AsyncClient, engine: Engine) -> None:
    for minutes, sku in ((9, SKUS[0]), (5, SKUS[1]), (2, SKUS[0]), (7, SKUS[0])):
        at = (NOON - timedelta(minutes=minutes)).isoformat()
        await client.post("/v1/track", json=viewed(sku, timestamp=at))
    found = [(look.sku, NOON - look.at) for look in views(engine)]
    assert found == [(SKUS[0], timedelta(minutes=2)), (SKUS[1], timedelta(minutes=5))]


async def test_only_the_newest_stay(client: AsyncClient, engine: Engine) -> None:
    events = [viewed(sku, timestamp=(NOON - timedelta(minutes=n)).isoformat()) for n, sku in enumerate(SKUS)]
    await client.post("/v1/batch", json=batch(*events[3:]))
    await client.post("/v1/batch", json=batch(*events[:3]))
    assert [look.sku for look in views(engine)] == SKUS[:VIEWS]


async def test_without_the_purpose_nothing_is_stored(client: AsyncClient, engine: Engine) -> None:
    answer = await client.post("/v1/track", json=viewed(customer="c-2", messageId="m-1"))
    assert answer.content == SUCCESS, "who agreed to what is not told to who asks"
    with writing(engine) as connection:
        consent.give(connection, "c-2", ["signage"], NOON)
    earlier = (NOON - timedelta(seconds=1)).isoformat()
    await client.post(
        "/v1/batch", json=batch(viewed(customer="c-2", messageId="m-1"), viewed(SKUS[1], "c-2", timestamp=earlier))
    )
    assert views(engine, "c-2") == (), "what was before they agreed stays unknown"
    await client.post("/v1/track", json=viewed(SKUS[2], "c-2"))
    assert [look.sku for look in views(engine, "c-2")] == [SKUS[2]]
    assert told(engine) == {"not_agreed": 2, "again": 1, "viewed": 1}


async def test_who_or_what_is_not_ours_is_not_stored(client: AsyncClient, engine: Engine) -> None:
    strange = [viewed(customer="c-9"), viewed(customer="花子@example.com"), viewed("coffee"), viewed("", "c-1")]
    answer = await client.post("/v1/batch", json=batch(*strange))
    assert answer.content == SUCCESS
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.interest)) == 0
    assert told(engine) == {"unknown": 3, "refused": 1}


async def test_a_product_is_found_by_its_sku_where_its_id_is_the_shops_own(client: AsyncClient, engine: Engine) -> None:
    await client.post("/v1/track", json=viewed() | {"properties": {"product_id": 50712, "sku": SKUS[3]}})
    assert [look.sku for look in views(engine)] == [SKUS[3]]


async def test_other_events_are_counted_as_not_used_yet(client: AsyncClient, engine: Engine) -> None:
    identify = {"type": "identify", "userId": "c-1", "traits": {"email": "hana@example.com"}}
    events: list[dict[str, Any]] = [
        {"userId": "c-1", "event": "Order Completed"},
        identify,
        viewed() | {"userId": None, "anonymousId": "a"},
    ]
    assert (await client.post("/v1/batch", json=batch(*events))).content == SUCCESS
    assert told(engine) == {"unused": 3}


async def test_a_message_counts_once_however_often_it_comes(client: AsyncClient, engine: Engine, clock: Clock) -> None:
    event = viewed(messageId="m-1")
    for minutes in range(3):
        clock.now = NOON + timedelta(minutes=minutes)
        await client.post("/v1/track", json=event)
        await client.post("/v1/batch", json=batch(event, event, viewed(messageId=f"n-{minutes}")))
    assert [look.at for look in views(engine)] == [NOON + timedelta(minutes=2)]
    assert told(engine) == {"viewed": 4, "again": 8}


async def test_messages_of_another_source_are_others(client: AsyncClient, engine: Engine) -> None:
    with writing(engine) as connection:
        other = sources.make_key(connection, "app", SCOPES, NOON)
    await client.post("/v1/track", json=viewed(messageId="m-1"))
    await client.post("/v1/track", json=viewed(messageId="m-1"), auth=(other, ""))
    assert told(engine) == {"viewed": 2}


async def test_messages_are_forgotten_after_a_week(client: AsyncClient, engine: Engine, clock: Clock) -> None:
    await client.post("/v1/track", json=viewed(messageId="m-1"))
    clock.now += REMEMBERED + timedelta(seconds=1)
    await client.post("/v1/track", json=viewed(messageId="m-2"))
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.message)) == 1


async def test_64_at_once_are_one_view(engine: Engine, key: str, clock: Clock, tmp_path: Path) -> None:
    """Through two centrals on one database, as they would divide the work."""
    async with AsyncExitStack() as stack:
        engines = [open_database(str(engine.url)) for _ in range(2)]
        clients = [await stack.enter_async_context(client_of(each, clock, tmp_path)) for each in engines]
        sent = [
            clients[number % 2].post("/v1/track", json=viewed(messageId="m-1"), auth=(key, "")) for number in range(64)
        ]
        answers = await asyncio.gather(*sent)
        assert {answer.content for answer in answers} == {SUCCESS}
        assert told(engine) == {"viewed": 1, "again": 63}
        for each in engines:
            each.dispose()
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.dirty)) == 1


async def test_no_view_is_lost_when_many_come_at_once(client: AsyncClient, engine: Engine) -> None:
    sent = [client.post("/v1/track", json=viewed(sku, messageId=sku)) for sku in SKUS[:VIEWS]]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    assert {look.sku for look in views(engine)} == set(SKUS[:VIEWS])


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


async def test_the_key_comes_in_the_header_or_in_the_body(stranger: AsyncClient, key: str) -> None:
    for path, body in (("/v1/track", viewed()), ("/v1/batch", batch(viewed()))):
        assert (await stranger.post(path, json=body | {"writeKey": key})).status_code == 200
        assert (await stranger.post(path, json=body, headers=basic(f"{key}:"))).status_code == 200
        assert (
            await stranger.post(path, json=body, headers=basic(f"{key}:") | {"X-Retry-Count": "1"})
        ).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong:"),
        basic(":"),
        basic("\0:"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /////w=="},
        {"Authorization": "Bearer abc"},
    ],
)
async def test_without_a_known_key_nothing_is_taken(
    stranger: AsyncClient, key: str, headers: dict[str, str], engine: Engine
) -> None:
    body = viewed() | ({"writeKey": key} if headers else {"writeKey": "other"})
    answer = await stranger.post("/v1/track", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert told(engine) == {}


async def test_a_key_that_was_replaced_or_revoked_is_no_good(client: AsyncClient, engine: Engine, key: str) -> None:
    with writing(engine) as connection:
        newer = sources.make_key(connection, "shop", SCOPES, NOON)
    assert (await client.post("/v1/track", json=viewed(messageId="m"))).status_code == 401
    assert (await client.post("/v1/track", json=viewed(messageId="m"), auth=(newer, ""))).status_code == 200
    with writing(engine) as connection:
        sources.revoke_key(connection, "shop")
        assert connection.scalar(select(func.count()).select_from(tables.message)) == 0
    assert (await client.post("/v1/track", json=viewed(), auth=(newer, ""))).status_code == 401


async def test_gzip_is_taken(client: AsyncClient, engine: Engine) -> None:
    body = gzip.compress(json.dumps(batch(viewed())).encode())
    answer = await client.post("/v1/batch", content=body, headers={"Content-Encoding": "gzip"})
    assert answer.content == SUCCESS
    assert told(engine) == {"viewed": 1}


BOMB = gzip.compress(bytes(30 << 20), mtime=0)
GZIPPED = gzip.compress(json.dumps(viewed()).encode(), mtime=0)


HOSTILE: dict[str, tuple[str, bytes, str, int]] = {
    "an event too large": ("/v1/track", b" " * segment.MAX_EVENT + b"{}", "identity", 413),
    "a batch too large": ("/v1/batch", b" " * segment.MAX_BATCH + b"{}", "identity", 413),
    "a bomb": ("/v1/track", BOMB, "gzip", 413),
    "not gzip": ("/v1/track", b"not gzip", "gzip", 400),
    "gzip cut off": ("/v1/track", GZIPPED[:-9], "gzip", 400),
    "gzip with more behind": ("/v1/track", GZIPPED + GZIPPED, "gzip", 400),
    "zlib for gzip": ("/v1/track", zlib.compress(b"{}"), "gzip", 400),
    "another coding": ("/v1/track", b"{}", "br", 415),
    "nothing": ("/v1/track", b"", "identity", 400),
    "half": ("/v1/track", b"{", "identity", 400),
    "not UTF-8": ("/v1/track", b"\xff\xfe{}", "identity", 400),
    "a deep event": ("/v1/track", b"[" * 30_000, "identity", 400),
    "a deep batch": ("/v1/batch", b'{"batch":[' + b'{"a":' * 90_000, "identity", 400),
    "a giant integer": ("/v1/track", b'{"userId":' + b"9" * 30_000 + b"}", "identity", 400),
    "a NUL": ("/v1/track", json.dumps(viewed("\0")).encode(), "identity", 400),
    "half a letter": ("/v1/track", b'{"userId":"\\ud800","event":"Product Viewed"}', "identity", 400),
}


@pytest.mark.parametrize(("path", "body", "coding", "status"), HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_body_is_refused_without_harm(
    client: AsyncClient, path: str, body: bytes, coding: str, status: int
) -> None:
    answer = await client.post(path, content=body, headers={"Content-Encoding": coding})
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "field", "rule"}
    said = (await client.get("/health")).json()
    assert (said["told"], said["since_start"]) == ({}, {f"http_refused_{status}": 1})


async def test_a_bomb_is_unpacked_no_further_than_it_may(client: AsyncClient) -> None:
    tracemalloc.start()
    try:
        answer = await client.post("/v1/track", content=BOMB, headers={"Content-Encoding": "gzip"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 8 << 20, "the bomb holds 30 MiB"


async def test_a_body_without_an_end_is_read_no_further_than_it_may(client: AsyncClient) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while given < 100:
            given += 1
            yield b" " * 10_000

    assert (await client.post("/v1/track", content=endless())).status_code == 413
    assert given < 100


async def test_a_refusal_names_field_and_rule(client: AsyncClient) -> None:
    answer = await client.post("/v1/track", json=viewed() | {"userId": 5})
    rule = "Expected `str | null`, got `int`"
    assert (answer.status_code, answer.json()) == (
        400,
        {"code": "invalid", "message": f"userId: {rule}", "field": "userId", "rule": rule},
    )
    answer = await client.post("/v1/batch", json={"sentAt": NOON.isoformat()})
    assert (answer.json()["field"], answer.json()["rule"]) == ("batch", "Object missing required field")


async def test_a_bad_event_costs_no_other_and_nobody_is_named_in_the_log(
    client: AsyncClient, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "central")
    secret = "hana@example.com"
    events = [viewed(), viewed() | {"event": None, "userId": secret}, viewed(SKUS[1]) | {"type": secret}]
    assert (await client.post("/v1/batch", json=batch(*events))).content == SUCCESS
    assert [look.sku for look in views(engine)] == [SKUS[0]]
    assert told(engine) == {"viewed": 1, "refused": 2}
    assert "shop sent 2 events that are not right; the first: Give the name" in caplog.text
    assert secret not in caplog.text
    assert "c-1" not in caplog.text


async def test_when_the_database_is_away_the_source_is_asked_to_come_again(
    client: AsyncClient, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE interest RENAME TO gone")
    answer = await client.post("/v1/track", json=viewed(messageId="m-1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "interest" in caplog.text
    assert "c-1" not in caplog.text
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO interest")
    assert (await client.post("/v1/track", json=viewed(messageId="m-1"))).content == SUCCESS
    assert len(views(engine)) == 1, "nothing of the failed one was kept, not even that it was there"


@pytest.fixture
def hung(engine: Engine, key: str) -> Engine:
    """With two stores whose posters lead to the shop, and one of which none do."""
    with writing(engine) as connection:
        links = {"ginza": "https://shop.example/item", "kobe": "https://shop.example/item?lang=ja", "nara": ""}
        stores = [Store(store=store, name={"ja": store}, link=link) for store, link in links.items()]
        catalogue.save_stores(connection, stores)
    return engine


def posters_of(engine: Engine) -> list[tuple[str, str | None, str, str]]:
    columns = tables.poster_scan.c
    with reading(engine) as connection:
        asked = select(columns.store, columns.zone, columns.sku, columns.by).order_by(columns.id)
        return [tuple(row) for row in connection.execute(asked)]


GINZA = f"https://shop.example/item?store=ginza&zone=tea&sku={SKUS[0]}"


@pytest.mark.parametrize(
    "said",
    [
        {"properties": {"product_id": SKUS[0], "store": "ginza", "zone": "tea"}},
        {"properties": {"product_id": SKUS[0], "url": GINZA}},
        {"properties": {"product_id": SKUS[0]}, "context": {"page": {"url": GINZA}}},
        {"properties": {"product_id": SKUS[0], "store": "atlantis", "url": GINZA}},
        {
            "properties": {"product_id": SKUS[0], "url": "https://elsewhere.example/"},
            "context": {"page": {"url": GINZA}},
        },
        {"properties": {"product_id": SKUS[0], "store": 7, "zone": ["x"], "url": GINZA}},
    ],
)
async def test_a_page_that_a_poster_opened_is_a_scan_of_it_whoever_it_was(
    client: AsyncClient, hung: Engine, clock: Clock, said: dict[str, Any]
) -> None:
    people = ({"userId": "c-1"}, {"userId": "nobody"}, {"anonymousId": "a-1"})
    for number, who in enumerate((*people, *people)):
        event = {"event": "Product Viewed", "messageId": f"m-{number % 3}", **who, **said}
        assert (await client.post("/v1/track", json=event)).status_code == 200
    assert posters_of(hung) == [("ginza", "tea", SKUS[0], "phone")] * 3
    assert told(hung)["by_poster"] == 3
    with reading(hung) as connection:
        rows = connection.execute(select(tables.poster_scan)).mappings().all()
    # Nothing tells who it was: beside what c-1 looked at, the minute would.
    assert {(row["who"], row["read_store"], row["at"]) for row in rows} == {("shop", None, NOON.replace(hour=0))}


async def test_a_store_by_a_longer_link_and_a_zone_that_is_not_said(client: AsyncClient, hung: Engine) -> None:
    kobe = f"https://shop.example/item?lang=ja&store=kobe&zone=&sku={SKUS[1]}"
    several = batch(
        viewed(SKUS[1], properties={"product_id": "shop-77", "sku": SKUS[1], "url": kobe}),
        viewed(SKUS[2], properties={"product_id": SKUS[2], "store": "nara"}),
    )
    assert (await client.post("/v1/batch", json=several)).status_code == 200
    assert posters_of(hung) == [("kobe", None, SKUS[1], "phone"), ("nara", None, SKUS[2], "phone")]


@pytest.mark.parametrize(
    "said",
    [
        {"store": "atlantis", "zone": "tea"},
        {"store": None, "zone": None, "url": None},
        {"store": {"a": [1]}, "zone": 1e9, "url": 5},
        {"store": "GINZA"},
        {"url": GINZA.replace("https", "http")},
        {"url": GINZA + "&sku=" + SKUS[1]},
        {"url": GINZA.replace(SKUS[0], SKUS[1])},
        {"url": GINZA.replace("shop.example", "shop.example@evil.example")},
        {"url": GINZA.replace("ginza", "nara")},
        {"url": "https://[" + "x" * 5000},
        {"url": "https://shop.example/item?store=%FF%00&zone=%00"},
    ],
)
async def test_what_says_no_place_of_ours_counts_nothing_and_costs_no_view(
    client: AsyncClient, hung: Engine, said: dict[str, Any]
) -> None:
    contexts: tuple[Any, ...] = (None, 7, [], {"page": 1}, {"page": {"url": {}}}, {"page": {"url": "x" * 900}})
    for context in contexts:
        event = viewed(properties={"product_id": SKUS[0], **said}, context=context)
        assert (await client.post("/v1/track", json=event)).status_code == 200
    assert posters_of(hung) == []
    assert [view.sku for view in views(hung)] == [SKUS[0]]


async def test_a_product_that_is_none_of_ours_has_no_posters(client: AsyncClient, hung: Engine) -> None:
    event = viewed(properties={"product_id": "no-such", "store": "ginza", "zone": "tea"})
    assert (await client.post("/v1/track", json=event)).status_code == 200
    assert posters_of(hung) == []
