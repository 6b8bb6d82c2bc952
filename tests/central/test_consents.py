"""Consent over HTTP: what a settings page says is done as the command does it, or refused with its field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from edge_log import NOON
from httpx import ASGITransport, AsyncClient, BasicAuth
from sqlalchemy import Engine, select

from central import api, consent, profiles, sources
from central.contract.feeds import PURPOSES, Interest
from central.profiles import Customer
from central.storage import tables
from central.storage.database import reading, writing

BEFORE = NOON - timedelta(days=1)


@pytest_asyncio.fixture
async def client(engine: Engine, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    with writing(engine) as connection:
        hana = Customer(customer="c-1", home="ginza", viewed=(Interest(sku="tea", at=BEFORE),))
        profiles.save(connection, [hana])
        consent.give(connection, "c-1", ["presence", "signage"], BEFORE)
        connection.execute(tables.dirty.delete())
        key = sources.make_key(connection, "shop", ["consents"], NOON)
    application = api.build(engine, tmp_path / "assets", dict, lambda: NOON, lambda: None)
    async with AsyncClient(transport=ASGITransport(app=application), base_url="http://central") as made:
        made.auth = BasicAuth(key, "")
        yield made


def agreed(engine: Engine) -> frozenset[str]:
    with reading(engine) as connection:
        return consent.given(connection, ["c-1"]).get("c-1", frozenset())


async def test_what_is_given_and_withdrawn_holds_at_once(client: AsyncClient, engine: Engine) -> None:
    change = {"customer": "c-1", "give": ["messages", "presence"], "withdraw": ["signage", "analysis"]}
    answer = await client.post("/v1/consents", json=change)
    assert (answer.status_code, answer.content) == (200, b'{"success":true}')
    assert agreed(engine) == {"presence", "messages"}
    with reading(engine) as connection:
        assert profiles.read(connection, ["c-1"])["c-1"].viewed == (), "what was kept by it is gone with it"
        assert {row.key for row in connection.execute(select(tables.dirty))} == {"c-1"}
        since = {purpose: consent.since(connection, ["c-1"], purpose) for purpose in ("presence", "messages")}
        assert since == {"presence": {"c-1": BEFORE}, "messages": {"c-1": NOON}}


async def test_nothing_changed_is_no_trouble(client: AsyncClient, engine: Engine) -> None:
    assert (await client.post("/v1/consents", json={"customer": "c-1"})).status_code == 200
    assert agreed(engine) == {"presence", "signage"}


async def test_somebody_unknown_is_said_to_be_so(client: AsyncClient) -> None:
    answer = await client.post("/v1/consents", json={"customer": "c-9", "give": ["signage"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_without_a_key_nothing_changes(client: AsyncClient, engine: Engine) -> None:
    change = {"customer": "c-1", "withdraw": list(PURPOSES)}
    assert (await client.post("/v1/consents", json=change, auth=("other", ""))).status_code == 401
    assert agreed(engine) == {"presence", "signage"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer": "c-1", "give": ["signage", "everything"]}, "give[1]"),
        ({"customer": "c-1", "give": "signage"}, "give"),
        ({"customer": "c-1", "withdrawn": ["signage"]}, "withdrawn"),
        ({"customer": "c-1", "give": ["signage"], "withdraw": ["signage"]}, "withdraw"),
        ({"customer": "C 1", "withdraw": ["signage"]}, "customer"),
        ({"customer": None}, "customer"),
        ({"give": ["signage"]}, "customer"),
    ],
)
async def test_what_can_never_be_right_names_its_field(
    client: AsyncClient, engine: Engine, change: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/consents", json=change)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert agreed(engine) == {"presence", "signage"}


async def test_a_body_too_large_is_not_read(client: AsyncClient) -> None:
    answer = await client.post("/v1/consents", json={"customer": "c-1", "give": ["signage"] * 1000})
    assert answer.status_code == 413
