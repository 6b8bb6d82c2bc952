"""Letting devices in over HTTP, and what they ask for afterwards over MQTT: certificates, and the key of their disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from chain_keys import request
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from edge_log import NOON, EdgeLog
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from central import agents, api
from central.agents import Desk, Reach
from central.contract import codec, member_code, topics
from central.contract.enrolment import Enrol, Enrolled, Renew, Renewed, Unlock, Unlocked, Where
from central.keys import Keys
from central.mqtt import Message
from central.renewals import Renewals, sealing_key
from central.storage import tables
from central.storage.database import reading, writing

CHAIN_KEY = bytes(range(32))


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> Any:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    brokers = (Where(host="one.example", port=8883), Where(host="::1", port=8884))
    told = Reach(brokers=brokers, assets="https://one.example:8710/assets", ca="another root\n")
    return Desk(keys=Keys.open(tmp_path / "keys", NOON), reach=told, chain_key=CHAIN_KEY)


@pytest_asyncio.fixture
async def client(engine: Engine, desk: Desk, clock: Clock, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    application = api.build(engine, tmp_path, dict, clock, lambda: None, desk)
    async with AsyncClient(transport=ASGITransport(app=application), base_url="https://central") as made:
        yield made


def code(engine: Engine, name: str | None = None) -> str:
    with writing(engine) as connection:
        return agents.make_code(connection, "ginza", name, NOON)[1]


def asked(secret: str, csr: str | None = None) -> bytes:
    return codec.encode(Enrol(code=secret, request=request() if csr is None else csr))


async def test_the_roots_are_told_to_anybody(client: AsyncClient, desk: Desk) -> None:
    answer = await client.get("/v1/roots")
    (root,) = x509.load_pem_x509_certificates(answer.content)
    assert root == desk.keys.root(NOON).certificate
    assert "PRIVATE" not in answer.text


async def test_a_code_is_answered_with_all_that_a_device_needs(engine: Engine, client: AsyncClient, desk: Desk) -> None:
    answer = await client.post("/v1/enrol", content=asked(code(engine)))
    told = codec.decode(answer.content, Enrolled)
    assert answer.status_code == 200
    assert (told.store, told.agent) == ("ginza", "ginza-1")
    own, signer = x509.load_pem_x509_certificates(told.certificate.encode())
    own.verify_directly_issued_by(signer)
    signer.verify_directly_issued_by(desk.keys.root(NOON).certificate)
    assert told.trust == desk.keys.trusted(NOON) + "another root\n"
    assert (told.brokers, told.assets) == (desk.reach.brokers, desk.reach.assets)
    assert told.token_key == member_code.store_key(CHAIN_KEY, "ginza").hex()


async def test_a_code_is_good_once_and_for_a_day(engine: Engine, client: AsyncClient, clock: Clock) -> None:
    secret = code(engine)
    said = [(await client.post("/v1/enrol", content=asked(secret))).status_code for _ in range(2)]
    late = code(engine)
    clock.at += timedelta(days=1)
    answer = await client.post("/v1/enrol", content=asked(late))
    assert [*said, answer.status_code] == [200, 403, 403]
    assert answer.json()["message"] == (
        "This code is unknown, used, or older than a day. Make another: noren central enrol"
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"junk", 400),
        (b"{}", 400),
        (b"[" * 20_000, 400),
        (b'{"code": "AAAA", "request": ""}', 400),
        (b'{"code": 7, "request": "x"}', 400),
        (b'{"code": "AAAA", "request": "\\u0000"}', 400),
        (b'{"code": "' + b"A" * 300 + b'", "request": "x"}', 400),
        (b'{"code": "AAAA", "request": "' + b"x" * 1_000_000 + b'"}', 400),
        (b"\xff\xfe{}", 400),
    ],
    ids=range(10),
)
async def test_what_is_no_enrolment_is_refused_with_a_sentence(
    engine: Engine, client: AsyncClient, body: bytes, status: int
) -> None:
    secret = code(engine)
    answer = await client.post("/v1/enrol", content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "field", "rule"}
    assert (await client.post("/v1/enrol", content=asked(secret))).status_code == 200, "nothing of it cost the code"


async def test_a_request_that_is_junk_leaves_the_code_good(engine: Engine, client: AsyncClient) -> None:
    secret = code(engine)
    for junk in ("junk", of_no_version()):
        answer = await client.post("/v1/enrol", content=asked(secret, junk))
        assert (answer.status_code, answer.json()["message"]) == (400, "That is no certificate request in PEM.")
    assert (await client.post("/v1/enrol", content=asked(secret))).status_code == 200


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200)
    | st.from_regex(r'\{"code":"[A-Z0-9]{0,20}","request":"[^"\\]{0,50}"\}').map(str.encode)
)
async def test_no_body_ever_breaks_it(engine: Engine, desk: Desk, tmp_path: Path, body: bytes) -> None:
    application = api.build(engine, tmp_path, dict, lambda: NOON, lambda: None, desk)
    async with AsyncClient(transport=ASGITransport(app=application), base_url="https://central") as made:
        assert (await made.post("/v1/enrol", content=body)).status_code in (400, 403)


async def test_guessing_is_slow_also_for_a_crowd(engine: Engine, client: AsyncClient, clock: Clock) -> None:
    secret = code(engine)
    said = [(await client.post("/v1/enrol", content=asked(f"{n:012}"))).status_code for n in range(12)]
    assert said == [403] * 10 + [429] * 2
    answer = await client.post("/v1/enrol", content=asked(secret))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "6"), "a right guess is not told either"
    clock.at += timedelta(seconds=6)
    said = [(await client.post("/v1/enrol", content=asked(f"{n:012}"))).status_code for n in range(2)]
    assert said == [403, 429]
    clock.at += timedelta(seconds=55)
    at_once = await asyncio.gather(*(client.post("/v1/enrol", content=asked(f"{n:012}")) for n in range(8)))
    again = await asyncio.gather(*(client.post("/v1/enrol", content=asked(f"{n:012}")) for n in range(8)))
    statuses = [answer.status_code for answer in (*at_once, *again)]
    assert (statuses.count(403), statuses.count(429)) == (9, 7)
    clock.at += timedelta(seconds=60)
    assert (await client.post("/v1/enrol", content=asked(secret))).status_code == 200


async def test_a_code_is_not_in_the_database_nor_is_the_token_key(
    engine: Engine, client: AsyncClient, tmp_path: Path
) -> None:
    secret = code(engine)
    answer = (await client.post("/v1/enrol", content=asked(secret))).json()
    written = on_disk(tmp_path)
    assert b"ginza-1" in written
    assert secret.encode() not in written
    assert answer["token_key"].encode() not in written


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("central.db*"))


def of_no_version() -> str:
    """A request whose version is 2: there is none but 0 (RFC 2986)."""
    whole = x509.load_pem_x509_csr(request().encode()).public_bytes(Encoding.DER)
    other = whole.replace(b"\x02\x01\x00", b"\x02\x01\x02", 1)
    return ssl.DER_cert_to_PEM_cert(other).replace(" CERTIFICATE-", " CERTIFICATE REQUEST-")


def message(leaf: str, record: Any, agent: str = "pi-1", store: str = "ginza") -> Message:
    payload = record if isinstance(record, bytes) else codec.pack(record)
    return EdgeLog(agent=agent, store=store).said(leaf, payload)


@pytest.fixture
def sent() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def renewals(enrolled: Engine, desk: Desk, clock: Clock, sent: list[tuple[str, bytes]]) -> Renewals:
    return Renewals(enrolled, desk, lambda topic, payload: sent.append((topic, payload)), clock)


def test_a_renewal_is_answered_with_a_certificate_and_what_may_have_changed(
    enrolled: Engine, renewals: Renewals, desk: Desk, sent: list[tuple[str, bytes]]
) -> None:
    renewals.take(message("renew", Renew(request=request())))
    ((topic, payload),) = sent
    told = codec.unpack(payload, Renewed)
    own, signer = x509.load_pem_x509_certificates(told.certificate.encode())
    own.verify_directly_issued_by(signer)
    assert topic == topics.of_agent("ginza", "pi-1", "renewed")
    assert own.subject.rfc4514_string() == "CN=pi-1,O=ginza"
    assert (told.trust, told.brokers, told.assets) == (desk.trust(NOON), desk.reach.brokers, desk.reach.assets)
    with reading(enrolled) as connection:
        row = connection.execute(select(tables.certificate)).one()
    assert (row.serial, row.agent, row.revoked) == (f"{own.serial_number:x}", "pi-1", None)


def test_the_sealing_key_is_the_agents_own_and_the_same_each_time(
    renewals: Renewals, sent: list[tuple[str, bytes]]
) -> None:
    for boot in ("boot-1", "boot-2"):
        renewals.take(message("unlock", Unlock(boot=boot)))
    keys = {codec.unpack(payload, Unlocked).sealing_key for _, payload in sent}
    assert keys == {sealing_key(CHAIN_KEY, "pi-1").hex()}
    assert {topic for topic, _ in sent} == {topics.of_agent("ginza", "pi-1", "unlocked")}
    assert sealing_key(CHAIN_KEY, "pi-2") != sealing_key(CHAIN_KEY, "pi-1")
    assert hashlib.sha256(CHAIN_KEY).digest() != sealing_key(CHAIN_KEY, "pi-1")


@pytest.mark.parametrize(
    "how", ["revoked", "another store", "unknown", "junk", "junk request", "request of no version", "too large"]
)
@pytest.mark.parametrize("leaf", ["renew", "unlock"])
def test_what_is_refused_gets_no_answer_and_is_counted(
    enrolled: Engine, renewals: Renewals, sent: list[tuple[str, bytes]], how: str, leaf: str
) -> None:
    record: Any = Renew(request=request()) if leaf == "renew" else Unlock(boot="b")
    given_to = {"another store": ("pi-1", "ueno"), "unknown": ("pi-9", "ginza")}.get(how, ("pi-1", "ginza"))
    if how == "revoked":
        with writing(enrolled) as connection:
            agents.revoke(connection, "pi-1", NOON)
    elif how == "junk":
        record = b"junk"
    elif how == "junk request":
        record = Renew(request="junk") if leaf == "renew" else b"{}"
    elif how == "request of no version":
        record = Renew(request=of_no_version()) if leaf == "renew" else b"{}"
    elif how == "too large":
        record = json.dumps({"request": "x" * 900_000, "boot": "x" * 900_000}).encode()
    renewals.take(message(leaf, record, *given_to))
    assert sent == []
    assert renewals.counts["refused"] == 1


def test_an_agent_that_renews_all_day_is_stopped(renewals: Renewals, sent: list[tuple[str, bytes]]) -> None:
    for _ in range(12):
        renewals.take(message("renew", Renew(request=request())))
    assert (len(sent), renewals.counts["refused"]) == (10, 2)


def test_an_answer_goes_by_the_broker_that_the_question_came_by(
    renewals: Renewals, sent: list[tuple[str, bytes]]
) -> None:
    said = message("unlock", Unlock(boot="b"))
    by: list[str] = []
    renewals.take(Message(address=said.address, payload=said.payload, answer=lambda topic, _: by.append(topic)))
    assert (by, sent) == ([topics.of_agent("ginza", "pi-1", "unlocked")], [])
