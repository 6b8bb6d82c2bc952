"""The programme over HTTP: whole or in parts, YAML or JSON, refused with field and reason, only for its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from edge_log import NOON
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine, delete

from central import api, content, programme, sources
from central.api.programme import MOST
from central.storage.database import reading, writing
from central.storage.tables import generation
from ground.programme.file import Programme

PART = {"layout": "campaign", "title": {"ja": "秋の新茶"}}
WHOLE = """
contents:
- content: autumn
  layout: campaign
  title: {ja: 秋の新茶, ko: 가을 햇차}
  order: 1
playlists:
- playlist: day
  contents: [autumn]
campaigns:
- campaign: dusk
  name: 夕方
  playlist: day
  stores: [ginza]
  when:
  - first: 2026-12-01
    parts: [{begins: 18:30, ends: "02:00"}]
  share: 30
stores:
- store: ginza
  name: {ja: 銀座}
"""
GONE = {"title": {"ja": "避難"}, "until": "2026-11-24T05:00:00Z"}


@pytest_asyncio.fixture
async def client(engine: Engine, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    with writing(engine) as connection:
        key = sources.make_key(connection, "office", ["programme"], NOON)
    application = api.build(engine, tmp_path / "assets", dict, lambda: NOON, lambda: None)
    transport = ASGITransport(app=application, client=("192.0.2.1", 1))
    async with AsyncClient(transport=transport, base_url="http://central", auth=(key, "")) as made:
        yield made


def there(engine: Engine) -> Programme:
    with reading(engine) as connection:
        return programme.whole(connection)


async def test_what_is_put_is_given_as_yaml_or_json_and_can_be_put_again(client: AsyncClient, engine: Engine) -> None:
    assert (await client.put("/v1/programme", content=WHOLE)).json() == {"success": True}
    first = there(engine)
    (campaign,) = first.campaigns
    assert campaign.when[0].parts[0].begins == "18:30", "no number to the base of sixty"
    said = await client.get("/v1/programme")
    assert said.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(said.text)["contents"][0]["title"]["ko"] == "가을 햇차"
    in_json = await client.get("/v1/programme", headers={"Accept": "application/json"})
    for body in (said.content, in_json.content):
        assert (await client.put("/v1/programme", content=body)).status_code == 200
        assert there(engine) == first


async def test_put_withdraws_what_it_does_not_name_and_patch_does_not(client: AsyncClient, engine: Engine) -> None:
    await client.put("/v1/programme", content=WHOLE)
    only = {"contents": [{"content": "new", **PART}]}
    assert (await client.patch("/v1/programme", json=only)).status_code == 200
    assert [one.content for one in there(engine).contents] == ["autumn", "new"]
    assert (await client.put("/v1/programme", json=only)).status_code == 200
    assert ([one.content for one in there(engine).contents], there(engine).campaigns) == (["new"], ())


async def test_a_store_asks_for_its_own(client: AsyncClient) -> None:
    await client.put(
        "/v1/programme", content=WHOLE.replace("stores:\n", "stores:\n- {store: ueno, name: {ja: 上野}}\n")
    )
    assert "campaigns" not in yaml.safe_load((await client.get("/v1/programme?store=ueno")).text)
    assert "campaigns" in yaml.safe_load((await client.get("/v1/programme?store=ginza")).text)
    unknown = await client.get("/v1/programme?store=kyoto")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_every_problem_is_told_with_field_line_and_rule(client: AsyncClient, engine: Engine) -> None:
    bad = WHOLE.replace("contents: [autumn]", "contents: [winter]").replace("layout: campaign", "layout: none")
    refused = await client.put("/v1/programme", content=bad)
    assert refused.status_code == 400
    said = refused.json()
    assert [(one["field"], one["line"]) for one in said["problems"]] == [
        ("contents[0].layout", 4),
        ("playlists[0].contents[0]", 9),
    ]
    assert said["field"] == "contents[0].layout"
    assert said["message"].startswith("contents[0].layout: 'none' is no layout")
    assert there(engine).contents == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"contents: [", "file"),
        (b"\xff\xfe", ""),
        (b"contents: {}", "contents"),
        (b"what: []", "what"),
        (b"- 1", ""),
        (b"contents: [{content: UPPER, layout: campaign, title: {ja: x}}]", "contents[0].content"),
        (b"contents: [{content: a, layout: campaign, title: {xx: x}}]", "contents[0].title.xx"),
        (
            b"contents: [{content: a, layout: campaign, title: {ja: x}, picture: ../../etc/passwd}]",
            "contents[0].picture",
        ),
        (
            b"contents: [{content: a, layout: campaign, title: {ja: x}, link: 'javascript:alert(1)'}]",
            "contents[0].link",
        ),
        (b"a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + b"contents: " + b"[" * 5000, "file"),
    ],
)
async def test_what_is_no_programme_is_refused(client: AsyncClient, engine: Engine, body: bytes, field: str) -> None:
    refused = await client.put("/v1/programme", content=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")
    assert refused.json()["field"] == field
    assert there(engine).contents == ()


async def test_one_too_large_is_not_read(client: AsyncClient) -> None:
    assert (await client.put("/v1/programme", content=b"#" * (MOST + 1))).status_code == 413


async def test_one_part_is_put_given_and_withdrawn_by_its_address(client: AsyncClient, engine: Engine) -> None:
    place = "/v1/programme/contents/autumn"
    assert (await client.put(place, json=PART)).status_code == 200
    assert (await client.get(place)).json()["title"] == {"ja": "秋の新茶"}
    assert (await client.put("/v1/programme/playlists/day", json={"contents": ["autumn"]})).status_code == 200
    still = await client.delete(place)
    assert (still.status_code, still.json()["code"]) == (409, "still_named")
    assert "still named by playlist day" in still.json()["message"]
    assert (await client.delete("/v1/programme/playlists/day")).status_code == 200
    assert (await client.delete(place)).status_code == 200
    assert [(await client.request(how, place)).status_code for how in ("GET", "DELETE")] == [404, 404]
    assert there(engine).contents == ()


@pytest.mark.parametrize(
    ("place", "body", "status", "field"),
    [
        ("contents/autumn", {"content": "winter", **PART}, 400, "content"),
        ("contents/autumn", {**PART, "layout": "none"}, 400, "contents[0].layout"),
        ("contents/autumn", {**PART, "seconds": 1}, 400, "seconds"),
        ("contents/autumn", {"title": {"ja": "x"}}, 400, "layout"),
        ("contents/autumn", [], 400, ""),
        ("contents/A_B", PART, 400, "content"),
        ("playlists/day", {"contents": []}, 400, "contents"),
        ("playlists/day", {"contents": ["winter"]}, 400, "playlists[0].contents[0]"),
        ("posters/a", PART, 404, ""),
    ],
)
async def test_a_part_that_is_wrong_is_refused(
    client: AsyncClient, engine: Engine, place: str, body: Any, status: int, field: str
) -> None:
    refused = await client.put(f"/v1/programme/{place}", json=body)
    assert (refused.status_code, refused.json()["field"]) == (status, field)
    assert (there(engine).contents, there(engine).playlists) == ((), ())


async def test_an_emergency_is_called_out_and_taken_back(client: AsyncClient, engine: Engine) -> None:
    await client.put("/v1/programme", content=WHOLE)
    assert (await client.put("/v1/emergency", json={**GONE, "stores": ["ginza"]})).status_code == 200
    assert [one.campaign for one in there(engine).campaigns if one.emergency] == ["emergency"]
    assert [(await client.delete("/v1/emergency")).status_code for _ in range(2)] == [200, 200]
    assert [one.campaign for one in there(engine).campaigns] == ["dusk"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"until": "2026-11-24T03:00:00Z"}, 400),
        ({"until": "2026-11-24T05:00:00"}, 400),
        ({"until": "9999-12-31T23:59:59Z"}, 400),
        ({"title": {"en": "Leave"}}, 400),
        ({"stores": ["kyoto"]}, 404),
        ({"store": "ginza"}, 400),
    ],
)
async def test_an_emergency_that_cannot_be_is_refused(
    client: AsyncClient, engine: Engine, change: dict[str, Any], status: int
) -> None:
    assert (await client.put("/v1/emergency", json=GONE | change)).status_code == status
    assert there(engine).campaigns == ()


async def test_nobody_without_its_key_reads_or_writes(client: AsyncClient, engine: Engine) -> None:
    with writing(engine) as connection:
        other = sources.make_key(connection, "shop", ["track"], NOON)
    for method, place in (
        ("GET", "/v1/programme"),
        ("PUT", "/v1/programme"),
        ("PATCH", "/v1/programme"),
        ("GET", "/v1/programme/contents/a"),
        ("PUT", "/v1/programme/contents/a"),
        ("DELETE", "/v1/programme/contents/a"),
        ("PUT", "/v1/emergency"),
        ("DELETE", "/v1/emergency"),
    ):
        assert (await client.request(method, place, auth=(other, ""), json=GONE)).status_code == 403
        assert (await client.request(method, place, auth=lambda asked: asked, json=GONE)).status_code == 401
    assert there(engine).contents == ()


async def test_a_database_that_is_away_is_said(client: AsyncClient, engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(delete(generation))
        connection.exec_driver_sql("DROP TABLE playlist")
    for answer in (await client.get("/v1/programme"), await client.put("/v1/programme", content=WHOLE)):
        assert (answer.status_code, answer.json()["code"]) == (503, "away")
    with reading(engine) as connection:
        assert content.contents(connection) == {}


async def test_a_hostile_body_gets_an_answer_of_a_size(client: AsyncClient) -> None:
    said = await client.put("/v1/programme", content="{" + ",".join(f"k{n}: 1" for n in range(5000)) + "}")
    assert said.status_code == 400
    assert len(said.json()["problems"]) == 1000
