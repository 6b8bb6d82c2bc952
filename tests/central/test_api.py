"""HTTP: assets by hash, in parts and for ever; health in numbers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from edge_log import NOON, EdgeLog, event
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from central import api, catalogue, sources, uses
from central.contract import codec
from central.contract.commands import Status
from central.ingest.worker import Ingest
from central.storage import tables
from central.storage.database import count, writing
from central.uses import Use

PICTURE = bytes(range(256)) * 40
DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest_asyncio.fixture
async def client(enrolled: Engine, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    catalogue.keep_picture(tmp_path / "assets", DIGEST, PICTURE)
    (tmp_path / "assets" / "secret.txt").write_text("no")
    application = api.build(enrolled, tmp_path / "assets", lambda: {"up_dropped": 3}, lambda: NOON, lambda: None)
    with writing(enrolled) as connection:
        key = sources.make_key(connection, "monitor", ["health"], NOON)
    transport = ASGITransport(app=application)
    async with AsyncClient(transport=transport, base_url="http://central", auth=(key, "")) as made:
        yield made


async def test_an_asset_is_served_for_ever(client: AsyncClient) -> None:
    answer = await client.get(f"/assets/{DIGEST}")
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"] == f'"{DIGEST}"'
    assert (await client.head(f"/assets/{DIGEST}")).headers["content-length"] == str(len(PICTURE))


async def test_a_download_goes_on_where_it_was_cut(client: AsyncClient) -> None:
    answer = await client.get(f"/assets/{DIGEST}", headers={"Range": "bytes=10000-"})
    assert (answer.status_code, answer.content) == (206, PICTURE[10000:])
    answer = await client.get(f"/assets/{DIGEST}", headers={"Range": "bytes=99999-"})
    assert answer.status_code == 416


@pytest.mark.parametrize(
    "path", ["0" * 64, "secret.txt", "..%2fcentral.db", "%2e%2e/central.db", DIGEST.upper(), "a\x00"]
)
async def test_nothing_but_assets_is_served(client: AsyncClient, path: str) -> None:
    answer = await client.get(f"/assets/{path.replace(chr(0), '%00')}")
    assert answer.status_code == 404


async def test_health_counts_what_is_stored_and_what_agents_said(client: AsyncClient, enrolled: Engine) -> None:
    ingest = Ingest(enrolled, lambda *_: None, lambda: NOON)
    log = EdgeLog().add(*(event(number) for number in range(3)))
    status = Status(online=True, version="1", epoch="e1", boot="b", counts={"dropped": 4}, sealing="disk")
    ingest.take([log.message(log.batch(1, 3)), log.said("up", b"junk"), log.said("status", codec.pack(status))])
    said = (await client.get("/health")).json()
    (agent,) = said.pop("agents")
    assert {name: said[name] for name in ("ok", "events", "told", "quarantined", "gaps", "forks", "dirty")} == {
        "ok": True,
        "events": {"crowd-counted": 3},
        "told": {},
        "quarantined": 1,
        "gaps": 0,
        "forks": 0,
        "dirty": 0,
    }
    assert said["since_start"] == {"up_dropped": 3}
    assert (agent["agent"], agent["store"], agent["status"]["counts"]) == ("pi-1", "ginza", {"dropped": 4})
    assert agent["age_s"] == 0
    assert (said["quarantine"], said["quarantined_as"]) == ({"pi-1": {"rows": 1, "bytes": 4}}, {"unreadable": 1})
    assert (said["quarantine_full"], said["restored"]) == (0, None)
    assert said["unprotected"] == ["pi-1"]


async def test_health_names_what_a_person_should_look_at(client: AsyncClient, enrolled: Engine) -> None:
    def lost(first: int, drop: str, cause: str, count: int) -> dict[str, object]:
        where = {"agent": "pi-1", "epoch": "e1", "first": first, "last": first}
        return {**where, "drop": drop, "cause": cause, "count": count, "received": NOON}

    def given(serial: str, agent: str, days: int, *, revoked: bool = False) -> dict[str, object]:
        until, ended = NOON + timedelta(days=days), NOON if revoked else None
        return {"serial": serial, "issuer": "ca", "agent": agent, "made": NOON, "until": until, "revoked": ended}

    gaps = [
        lost(1, "counts", "outbox_full", 3),
        lost(2, "plays", "outbox_full", 2),
        lost(3, "counts", "outbox_full", 4),
    ]
    gaps += [lost(number, "vital", "central_lost", 2**63 - 1) for number in (8, 9)]
    settings = {"settings": "s-1", "body": "{}", "made": NOON, "state": "failed", "stage": 1, "staged": NOON}
    with writing(enrolled) as connection:
        connection.execute(tables.agent.delete())
        for agent, revoked in (("ends", False), ("ended", False), ("renewed", False), ("revoked", True)):
            row = {"agent": agent, "store": "ginza", "revoked": revoked, "revision": 1}
            connection.execute(tables.agent.insert().values(row))
        connection.execute(tables.gap.insert(), gaps)
        connection.execute(
            tables.settings.insert().values(
                **settings, said="pi-1 did not come back", first="ginza", hold_s=60, online=[]
            )
        )
        certificates = [given("1", "ends", 29), given("2", "ended", -1), given("3", "renewed", 5)]
        certificates += [given("4", "renewed", 300), given("5", "revoked", 3), given("6", "ends", 300, revoked=True)]
        connection.execute(tables.certificate.delete())
        connection.execute(tables.certificate.insert(), certificates)
    said = (await client.get("/health")).json()
    assert said["declared"] == {"central_lost": {"vital": 2**64}, "outbox_full": {"counts": 7, "plays": 2}}
    assert [row["agent"] for row in said["certificates"]] == ["ended", "ends"]
    assert (said["settings"]["state"], said["settings"]["said"]) == ("failed", "pi-1 did not come back")
    assert said["unprotected"] == [], "who said nothing of its seal is no device without one"


async def test_health_names_codes_that_were_shown_twice_and_who_tries_numbers(
    client: AsyncClient, enrolled: Engine
) -> None:
    said = (await client.get("/health")).json()
    assert (said["codes_used_twice"], said["guessing"]) == ({"count": 0, "last": []}, {})
    with writing(enrolled) as connection:
        for nth, (code, store) in enumerate([("a" * 32, "ginza"), ("b" * 32, "ginza"), ("a" * 32, "ueno")]):
            use = Use(code=code, store=store, agent=f"{store}-1", reader="till", scan="s-1", at=NOON)
            uses.note(connection, [use], NOON + timedelta(seconds=nth))
        count(connection, "pi-1", {"guessing": 2})
    said = (await client.get("/health")).json()
    assert said["guessing"] == {"pi-1": 2}
    assert said["codes_used_twice"]["count"] == 1
    [twice] = said["codes_used_twice"]["last"]
    assert twice["code"] == "a" * 32
    assert twice["uses"] == [
        {"store": "ginza", "agent": "ginza-1", "reader": "till", "at": text(0), "noted": text(0)},
        {"store": "ueno", "agent": "ueno-1", "reader": "till", "at": text(0), "noted": text(2)},
    ]


def text(seconds: int) -> str:
    return f"{NOON + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


async def test_health_says_when_the_database_is_away(client: AsyncClient, enrolled: Engine) -> None:
    with enrolled.begin() as connection:
        connection.exec_driver_sql("DROP TABLE counter")
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
