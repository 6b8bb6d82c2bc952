"""HTTP: assets by hash, in parts and for ever; health in numbers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from edge_log import NOON, EdgeLog, event
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from central import api, catalogue
from central.contract import codec
from central.contract.commands import Status
from central.ingest.worker import Ingest

PICTURE = bytes(range(256)) * 40
DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest_asyncio.fixture
async def client(enrolled: Engine, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    catalogue.keep_picture(tmp_path / "assets", DIGEST, PICTURE)
    (tmp_path / "assets" / "secret.txt").write_text("no")
    application = api.build(enrolled, tmp_path / "assets", lambda: {"up_dropped": 3}, lambda: NOON, lambda: None)
    async with AsyncClient(transport=ASGITransport(app=application), base_url="http://central") as made:
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
    status = Status(online=True, version="1", epoch="e1", boot="b", counts={"dropped": 4})
    ingest.take([log.message(log.batch(1, 3)), log.said("up", b"junk"), log.said("status", codec.pack(status))])
    said = (await client.get("/health")).json()
    (agent,) = said.pop("agents")
    assert said == {
        "ok": True,
        "events": {"crowd-counted": 3},
        "told": {},
        "quarantined": 1,
        "gaps": 0,
        "forks": 0,
        "dirty": 0,
        "since_start": {"up_dropped": 3},
    }
    assert (agent["agent"], agent["store"], agent["status"]["counts"]) == ("pi-1", "ginza", {"dropped": 4})


async def test_health_says_when_the_database_is_away(client: AsyncClient, enrolled: Engine) -> None:
    with enrolled.begin() as connection:
        connection.exec_driver_sql("DROP TABLE counter")
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
