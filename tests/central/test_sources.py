"""Keys of other systems: what each may do, and that neither a stranger nor one of them takes the others' room."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from edge_log import NOON
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import Engine
from uvicorn.server import ServerState

from central import api, sources
from central.agents import Desk, Reach
from central.api.calls import MOST_AT_ONCE, OF_ONE_SOURCE, OF_ONE_STRANGER, WRONG_AT_ONCE
from central.api.door import Door
from central.api.places import Full, Pace, Places, neighbourhood
from central.errors import Unknown
from central.keys import Keys
from central.sources import SCOPES
from central.storage.database import reading, writing

VIEW = {"userId": "c-1", "event": "Product Viewed", "properties": {"product_id": "tea"}}
BODY = {
    "track": ("POST", "/v1/track", VIEW),
    "consents": ("POST", "/v1/consents", {"customer": "c-1"}),
    "health": ("GET", "/health", None),
    "programme": ("GET", "/v1/programme", None),
    "codes": ("POST", "/v1/codes", {"userId": "c-1"}),
}


def key_of(engine: Engine, name: str, *scopes: str) -> str:
    with writing(engine) as connection:
        return sources.make_key(connection, name, scopes or SCOPES, NOON)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def application(engine: Engine, keys: Keys, clock: Clock, tmp_path: Path) -> FastAPI:
    desk = Desk(keys=keys, reach=Reach(brokers=(), assets="", ca=""), chain_key=bytes(32))
    return api.build(engine, tmp_path / "assets", dict, clock, lambda: None, desk)


def client_at(application: FastAPI, address: str) -> AsyncClient:
    transport = ASGITransport(app=application, client=(address, 1))
    return AsyncClient(transport=transport, base_url="http://central")


@pytest_asyncio.fixture
async def client(application: FastAPI) -> AsyncIterator[AsyncClient]:
    async with client_at(application, "192.0.2.1") as made:
        yield made


async def ask(client: AsyncClient, scope: str, key: str | None) -> Response:
    method, path, body = BODY[scope]
    return await client.request(method, path, json=body, auth=(key, "") if key else None)


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_does_what_it_was_made_for_and_nothing_else(
    client: AsyncClient, engine: Engine, scope: str
) -> None:
    only, rest = key_of(engine, "only", scope), key_of(engine, "rest", *(set(SCOPES) - {scope}))
    assert (await ask(client, scope, only)).status_code in (200, 404), "404: there is no such customer"
    refused = await ask(client, scope, rest)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope")
    assert refused.json()["message"] == f"the key of rest lacks the scope {scope}: ask for one that has it"


async def test_a_key_in_the_body_has_its_scopes_too(client: AsyncClient, engine: Engine) -> None:
    key = key_of(engine, "monitor", "health")
    assert (await client.post("/v1/track", json=VIEW | {"writeKey": key})).status_code == 403


async def test_a_key_that_is_made_again_has_the_new_scopes_only(client: AsyncClient, engine: Engine) -> None:
    first, second = key_of(engine, "shop", "track"), key_of(engine, "shop", "health")
    said = [(await ask(client, scope, key)).status_code for key in (first, second) for scope in ("track", "health")]
    assert said == [401, 401, 403, 200]


@pytest.mark.parametrize("scopes", [[], [""], ["everything"], ["track", "admin"]])
def test_there_is_no_key_for_nothing_or_for_what_is_not(engine: Engine, scopes: list[str]) -> None:
    with writing(engine) as connection, pytest.raises(Unknown, match="Choose from track, consents, health"):
        sources.make_key(connection, "shop", scopes, NOON)


def test_the_keys_of_before_may_do_what_they_did(engine: Engine) -> None:
    key = key_of(engine, "shop", "consents", "track")
    with reading(engine) as connection:
        found = sources.source_of(connection, key)
        assert found is not None
        assert (found.source, found.scopes) == ("shop", frozenset({"track", "consents"}))
        assert sources.source_of(connection, key + "x") is None


async def test_health_tells_a_stranger_only_that_central_works(client: AsyncClient, engine: Engine) -> None:
    assert (await client.get("/health")).json() == {"ok": True}
    wrong = await client.get("/health", auth=("wrong", ""))
    assert (wrong.status_code, "agents" in wrong.text) == (401, False)
    assert "agents" in (await ask(client, "health", key_of(engine, "monitor", "health"))).json()


async def test_health_tells_a_stranger_no_reason_when_the_database_is_away(client: AsyncClient, engine: Engine) -> None:
    key = key_of(engine, "monitor", "health")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE counter")
    stranger, monitor = await client.get("/health"), await ask(client, "health", key)
    assert (stranger.status_code, stranger.json()) == (503, {"ok": False})
    assert (monitor.status_code, monitor.json()["why"]) == (503, "no such table: counter")


class Slow:
    """Bodies that do not come until they are let go."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.go = asyncio.Event()
        self._body = json.dumps(body).encode()

    async def body(self) -> AsyncIterator[bytes]:
        await self.go.wait()
        yield self._body

    async def first_refused(self, calls: Sequence[Callable[[], Awaitable[Response]]]) -> tuple[Response, set[int]]:
        """Begin all; give the one that is refused while the others wait, and what became of those."""
        async with asyncio.TaskGroup() as group:
            sent = [group.create_task(_given(call)) for call in calls]
            (refused,), held = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
            self.go.set()
        return refused.result(), {task.result().status_code for task in held}


async def _given(call: Callable[[], Awaitable[Response]]) -> Response:
    return await call()


async def test_too_many_of_one_source_are_told_to_come_again(client: AsyncClient, engine: Engine) -> None:
    slow, key = Slow(VIEW), key_of(engine, "shop")
    calls = [lambda: client.post("/v1/track", content=slow.body(), auth=(key, ""))] * (OF_ONE_SOURCE + 1)
    refused, rest = await slow.first_refused(calls)
    assert (refused.status_code, refused.headers["retry-after"], rest) == (429, "1", {200})


async def test_too_many_of_all_are_told_to_come_again(client: AsyncClient, engine: Engine) -> None:
    slow, keys = Slow(VIEW), [key_of(engine, name) for name in ("shop", "app", "register")]

    def call(key: str) -> Callable[[], Awaitable[Response]]:
        return lambda: client.post("/v1/track", content=slow.body(), auth=(key, ""))

    calls = [call(keys[number % 3]) for number in range(MOST_AT_ONCE + 1)]
    refused, rest = await slow.first_refused(calls)
    assert (refused.status_code, rest) == (429, {200})


async def test_whoever_shows_no_key_holds_few_places_and_none_of_a_source(
    application: FastAPI, client: AsyncClient, engine: Engine
) -> None:
    slow, key = Slow(VIEW | {"writeKey": "wrong"}), key_of(engine, "shop")
    calls = [lambda: client.post("/v1/track", content=slow.body())] * (OF_ONE_STRANGER + 1)
    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(_given(call)) for call in calls]
        (refused,), held = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        known = [await client.post("/v1/track", json=VIEW, auth=(key, "")) for _ in range(3)]
        async with client_at(application, "192.0.2.2") as elsewhere:
            body_key = await elsewhere.post("/v1/track", json=VIEW | {"writeKey": key})
        slow.go.set()
    assert refused.result().status_code == 429
    assert {answer.status_code for answer in (*known, body_key)} == {200}
    assert {task.result().status_code for task in held} == {401}


async def test_a_wrong_key_costs_its_body_no_byte(client: AsyncClient) -> None:
    asked = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal asked
        asked = True
        yield json.dumps(VIEW).encode()

    answer = await client.post("/v1/track", content=body(), auth=("wrong", ""))
    assert (answer.status_code, answer.headers["connection"], asked) == (401, "close", False)


async def test_an_address_that_guesses_is_heard_no_more_for_a_while_and_others_are(
    application: FastAPI, client: AsyncClient, clock: Clock, engine: Engine
) -> None:
    key = key_of(engine, "shop")
    said = [(await ask(client, "track", f"wrong-{number}")).status_code for number in range(WRONG_AT_ONCE + 1)]
    assert said == [401] * WRONG_AT_ONCE + [429]
    assert (await ask(client, "health", None)).status_code == 429
    async with client_at(application, "192.0.2.2") as elsewhere:
        assert (await ask(elsewhere, "track", key)).status_code == 200
    clock.now += timedelta(seconds=2)
    assert (await ask(client, "track", key)).status_code == 200


def test_a_pace_gives_back_with_time_and_names_the_wait(clock: Clock) -> None:
    pace = Pace(a_second=0.5, at_once=2, now=clock)
    for _ in range(2):
        pace.check("a")
        pace.count("a")
    pace.check("b")
    with pytest.raises(Full) as full:
        pace.check("a")
    assert full.value.wait_s == 2
    clock.now -= timedelta(hours=1)
    with pytest.raises(Full):
        pace.check("a")
    clock.now += timedelta(hours=1, seconds=2)
    pace.check("a")


def test_a_pace_remembers_only_so_many(clock: Clock) -> None:
    pace = Pace(a_second=1, at_once=1, now=clock)
    for number in range(5000):
        pace.count(str(number))
    pace.check("0")
    with pytest.raises(Full):
        pace.check("4999")


def test_a_place_is_free_again_whatever_happened_in_it() -> None:
    places = Places(most=1, of_one=1)
    for _ in range(2):
        with places.taken("a"), pytest.raises(Full), places.taken("b"):
            pass
        with suppress(ValueError), places.taken("a"):
            raise ValueError


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_an_address_is_counted_with_what_one_caller_has(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


class Narrow(Door):
    most = 6
    of_one = 4
    head_s = 0.2


@pytest_asyncio.fixture
async def port(application: FastAPI) -> AsyncIterator[int]:
    """Where the real server of HTTP listens, behind a narrow door."""
    config = uvicorn.Config(application, http=Narrow, access_log=False, log_config=None, ws="none")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Narrow(config, state, {}), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for connection in tuple(state.connections):
        connection.transport.abort()
    await server.wait_closed()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def hears(reader: asyncio.StreamReader) -> bytes:
    """The first line, or nothing when the connection ends."""
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


ASK = b"GET /health HTTP/1.1\r\nHost: central\r\n"
OK, BAD = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 400 Bad Request\r\n"


async def answers(port: int) -> bool:
    async with connected(port) as (reader, writer):
        writer.write(ASK + b"\r\n")
        return await hears(reader) == OK


async def test_one_address_holds_only_its_part_of_the_connections(port: int, application: FastAPI) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(Narrow.of_one):
            reader, writer = await stack.enter_async_context(connected(port))
            writer.write(ASK + b"\r\n")
            assert await hears(reader) == OK
        assert not await answers(port)
        assert application.state.counts["http_turned_away"] == 1


@pytest.mark.parametrize(
    "sent", [b"", ASK, b"POST /v1/track HTTP/1.1\r\nX: "], ids=["nothing", "no end", "half a line"]
)
async def test_a_head_that_does_not_come_ends_the_connection(port: int, application: FastAPI, sent: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(sent)
        assert await hears(reader) == b""
    assert application.state.counts["http_too_slow"] == 1


async def test_a_second_head_has_to_come_as_soon_as_the_first(port: int, application: FastAPI) -> None:
    async with connected(port) as (reader, writer):
        writer.write(ASK + b"\r\n")
        await reader.readuntil(b'{"ok":true}')
        writer.write(ASK)
        assert await hears(reader) == b""
    assert application.state.counts["http_too_slow"] == 1


HEADS = {
    "a long header": ASK + b"X: " + b"x" * 70_000,
    "many headers": ASK + b"X: x\r\n" * 12_000,
    "a long path": b"GET /" + b"x" * 70_000,
    "a NUL": b"GET /health HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "two lengths": b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length below nothing": b"POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
}


@pytest.mark.parametrize("sent", HEADS.values(), ids=HEADS)
async def test_a_head_that_is_none_is_refused(port: int, sent: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(sent)
        assert await hears(reader) in (BAD, b""), "what it said may be cut off by what it did not read"
    assert await answers(port)


@pytest.mark.parametrize("says_so", [True, False], ids=["a length", "chunks"])
async def test_200_mb_are_refused_before_they_came(port: int, engine: Engine, says_so: bool) -> None:
    key = base64.b64encode(f"{key_of(engine, 'shop')}:".encode())
    head = b"POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: Basic " + key + b"\r\n"
    size, piece, given = 200 << 20, bytes(64 << 10), 0
    async with connected(port) as (_, writer):
        writer.write(
            head + (b"Content-Length: %d\r\n\r\n" % size if says_so else b"Transfer-Encoding: chunked\r\n\r\n")
        )
        with suppress(ConnectionError):
            while given < size:
                writer.write(piece if says_so else b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
                given += len(piece)
    assert given < 16 << 20, "what lies in the kernel's buffers was sent, and no more"
    assert await answers(port)
