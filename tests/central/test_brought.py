"""Over HTTP: files brought in, pictures of screens, proof of play; each for a key that may."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from central_media import bomb, film, picture
from edge_log import NOON, EdgeLog
from httpx import ASGITransport, AsyncClient
from plays_told import played
from sqlalchemy import Engine

from central import api, catalogue, screens, sources
from central.contract import codec
from central.contract.commands import ScreenPicture
from central.ingest.worker import Ingest
from central.storage.database import reading, writing

PNG = picture(size=(160, 90))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "assets"


@pytest_asyncio.fixture
async def client(enrolled: Engine, folder: Path) -> AsyncIterator[AsyncClient]:
    application = api.build(enrolled, folder, dict, lambda: NOON, lambda: None)
    with writing(enrolled) as connection:
        key = sources.make_key(connection, "office", ["programme"], NOON)
    transport = ASGITransport(app=application)
    async with AsyncClient(transport=transport, base_url="http://central", auth=(key, "")) as made:
        yield made


def left(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*"))


def pictured(engine: Engine, *said: ScreenPicture, agent: str = "pi-1") -> Ingest:
    ingest = Ingest(engine, lambda *_: None, lambda: NOON)
    ingest.take([EdgeLog(agent=agent).said("picture", codec.pack(one)) for one in said])
    return ingest


async def test_a_picture_is_brought_in_noted_and_served(client: AsyncClient, enrolled: Engine) -> None:
    data = picture("JPEG")
    said = (await client.post("/v1/assets?name=spring.jpg", content=data)).json()
    digest = hashlib.sha256(data).hexdigest()
    assert (said["digest"], said["kind"], said["width"], said["height"]) == (digest, "jpg", 64, 48)
    with reading(enrolled) as connection:
        assert set(catalogue.assets(connection)) == {digest}
    assert (await client.get(f"/assets/{digest}")).content == data
    assert (await client.get("/v1/assets")).json() == {"assets": [said]}


async def test_a_film_is_brought_in_with_its_poster(client: AsyncClient, enrolled: Engine, tmp_path: Path) -> None:
    data = film(tmp_path / "f.mp4").read_bytes()
    said = (await client.post("/v1/assets?name=f.mp4", content=data)).json()
    assert (said["kind"], said["seconds"], said["size"]) == ("mp4", 1.5, len(data))
    with reading(enrolled) as connection:
        assert set(catalogue.assets(connection)) == {said["digest"], said["poster"]}
    assert (await client.get(f"/assets/{said['poster']}")).content.startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("data", "asked", "said"),
    [
        (bomb(60_000, 60_000), "name=b.png", "pixels"),
        (picture("JPEG"), "name=b.png", "is a JPEG by its content, not a PNG"),
        (picture("JPEG")[:-300], "", "cut off"),
        (b"", "", "empty"),
        (picture(), "device=pi9", "choose from any, pi3, pi4, pi5"),
    ],
)
async def test_what_is_not_fit_leaves_nothing(
    client: AsyncClient, enrolled: Engine, folder: Path, data: bytes, asked: str, said: str
) -> None:
    answer = await client.post(f"/v1/assets?{asked}", content=data)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    with reading(enrolled) as connection:
        assert catalogue.assets(connection) == {}
    assert left(folder) == []


async def test_a_name_that_points_elsewhere_is_only_a_name(client: AsyncClient, folder: Path) -> None:
    said = (await client.post("/v1/assets?name=../../etc/passwd", content=picture())).json()
    assert (said["name"], left(folder)) == ("passwd", [said["digest"]])


async def test_a_body_that_says_it_is_too_large_is_not_read(client: AsyncClient) -> None:
    answer = await client.post("/v1/assets", content=b"x", headers={"Content-Length": str(10**10)})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path", ["/v1/assets", "/v1/screens", "/v1/screens/pi-1/s.png", "/v1/plays.csv", "/v1/preview/content/tea.png"]
)
async def test_strangers_and_other_keys_get_nothing(client: AsyncClient, enrolled: Engine, path: str) -> None:
    with writing(enrolled) as connection:
        other = sources.make_key(connection, "shop", ["track"], NOON)
    ask = "POST" if path == "/v1/assets" else "GET"
    assert (await client.request(ask, path, auth=("nobody", ""))).status_code == 401
    assert (await client.request(ask, path, auth=(other, ""))).status_code == 403
    assert (await client.request(ask, path, auth=None)).status_code == 401


async def test_a_download_goes_on_only_with_the_same_file(client: AsyncClient) -> None:
    data = picture()
    digest = (await client.post("/v1/assets", content=data)).json()["digest"]
    same = await client.get(f"/assets/{digest}", headers={"Range": "bytes=10-19", "If-Range": f'"{digest}"'})
    assert (same.status_code, same.content) == (206, data[10:20])
    assert same.headers["content-range"] == f"bytes 10-19/{len(data)}"
    other = await client.get(f"/assets/{digest}", headers={"Range": "bytes=10-19", "If-Range": f'"{"0" * 64}"'})
    assert (other.status_code, other.content) == (200, data)


async def test_the_last_picture_of_a_screen_is_given(client: AsyncClient, enrolled: Engine) -> None:
    before = ScreenPicture(screen="shelf-1", at=NOON - timedelta(hours=1), png=picture(size=(320, 180)))
    now = ScreenPicture(screen="shelf-1", at=NOON + timedelta(hours=1), png=PNG)
    assert pictured(enrolled, before, now).counts["picture"] == 2
    (screen,) = (await client.get("/v1/screens")).json()["screens"]
    assert screen == {"store": "ginza", "agent": "pi-1", "screen": "shelf-1", "at": "2026-11-24T03:00:00Z"}
    answer = await client.get("/v1/screens/pi-1/shelf-1.png")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get("/v1/screens/pi-1/none.png")).status_code == 404


@pytest.mark.parametrize("png", [b"<html>", bomb(4097, 10), bomb(10, 0), PNG[:20]])
def test_what_is_no_picture_of_a_screen_is_set_aside(enrolled: Engine, png: bytes) -> None:
    assert pictured(enrolled, ScreenPicture(screen="s", at=NOON, png=png)).counts == {"unreadable": 1}
    with reading(enrolled) as connection:
        assert screens.every(connection) == []


def test_pictures_of_strangers_and_of_screens_without_end_are_not_kept(enrolled: Engine) -> None:
    small = picture(size=(8, 8))
    assert pictured(enrolled, ScreenPicture(screen="s", at=NOON, png=small), agent="pi-9").counts == {"refused": 1}
    many = [
        ScreenPicture(screen=f"s-{number}", at=NOON - timedelta(seconds=100 - number), png=small)
        for number in range(screens.MOST + 3)
    ]
    pictured(enrolled, *many)
    with reading(enrolled) as connection:
        kept = {one.screen for one in screens.every(connection)}
    assert kept == {f"s-{number}" for number in range(3, screens.MOST + 3)}


async def test_plays_are_given_as_csv(client: AsyncClient, enrolled: Engine) -> None:
    log = EdgeLog().add(played("p-1"), played("p-2", NOON + timedelta(days=1)))
    Ingest(enrolled, lambda *_: None, lambda: NOON).take([log.message(log.batch(1, 2))])
    answer = await client.get("/v1/plays.csv?from=2026-11-25&to=2026-11-25")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, row = answer.text.splitlines()
    assert head.startswith("play,store,agent,screen")
    assert row.startswith("p-2,ginza,pi-1,shelf-1,main,tea-ja,tea,autumn,秋の新茶,schedule,2026-11-25T")
    sums = (await client.get("/v1/plays.csv?ad=1")).text.splitlines()
    assert sums[1:] == ["autumn,ginza,2026-11-24,1,8.0,0,0", "autumn,ginza,2026-11-25,1,8.0,0,0"]
    refused = await client.get("/v1/plays.csv?from=yesterday")
    assert (refused.status_code, refused.json()["field"]) == (400, "from")


async def test_a_name_with_a_nul_is_refused(client: AsyncClient, folder: Path) -> None:
    answer = await client.post("/v1/assets?name=a%00.png", content=PNG)
    assert (answer.status_code, answer.json()["field"]) == (400, "name")
    assert left(folder) == []
