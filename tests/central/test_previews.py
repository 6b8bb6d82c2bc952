"""Previews over HTTP: the renderer is asked for the right thing, one at a time, and its troubles are said."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from edge_log import NOON
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Engine

from central import catalogue, content, sources
from central.api import preview
from central.api.calls import Calls
from central.storage.database import writing
from ground.programme import file
from ground.programme.records import Content, Store

TELLS = "import sys; open(sys.argv[-1], 'w').write('\\n'.join(sys.argv[1:-1])); sys.exit(0)"
GIVES = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[-1])"
REFUSES = "import sys; sys.exit('first\\nThere is no font. Install one.')"
SAYS_NOTHING = "import os; os.kill(os.getpid(), 9)"
MAKES_NOTHING = "pass"
HANGS = "import time; time.sleep(600)"

Made = Callable[..., AbstractAsyncContextManager[AsyncClient]]


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Made:
    with writing(engine) as connection:
        stores = [Store(store=name, name={"ja": name}) for name in ("ginza", "umeda")]
        catalogue.save_stores(connection, stores)
        content.save(connection, [Content(content="tea", layout="campaign", title={"ja": "秋の新茶"}, order=1)])
        key = sources.make_key(connection, "office", ["programme"], NOON)

    @asynccontextmanager
    async def made(program: str | None, seconds: float = 60.0) -> AsyncIterator[AsyncClient]:
        calls = Calls(engine, lambda: NOON, lambda: None)
        renderer = preview.RENDERER if program is None else (sys.executable, "-c", program)
        app = FastAPI()
        app.include_router(preview.router(tmp_path / "assets", calls, engine, renderer=renderer, seconds=seconds))
        async with AsyncClient(
            transport=ASGITransport(app=app), base_url="http://central", auth=(key, ""), timeout=60.0
        ) as client:
            yield client

    return made


async def test_a_content_is_asked_for_as_it_was_asked(client: Made, tmp_path: Path) -> None:
    asked = "language=en&width=540&height=960&store=ginza&zone=shelf"
    async with client(TELLS) as office:
        answer = await office.get(f"/v1/preview/content/tea.png?{asked}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    source, *rest = answer.text.split("\n")
    assert rest == [
        *("--content", "tea", "--language", "en", "--size", "540x960", "--store=ginza", "--zone=shelf"),
        *("--assets", str(tmp_path / "assets")),
    ]
    assert not Path(source).parent.exists(), "nothing is left"


async def test_a_day_is_asked_for_as_it_was_asked(client: Made) -> None:
    async with client(TELLS) as office:
        answer = await office.get("/v1/preview/day/2026-11-24.mp4?store=umeda")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.text.split("\n")[1:4] == ["--day", "2026-11-24", "--store=umeda"]


async def test_the_renderer_is_given_the_programme(client: Made) -> None:
    async with client(GIVES) as office:
        answer = await office.get("/v1/preview/content/tea.png?store=ginza")
    programme = file.parse(answer.text)
    assert [one.content for one in programme.contents] == ["tea"]
    assert [one.store for one in programme.stores] == ["ginza"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("content/coffee.png", 404, "no such content"),
        ("content/tea.png?language=fr", 400, "choose from ja"),
        ("content/tea.png?width=100000", 400, "from 64 to 3840 pixels"),
        ("content/tea.png?height=0", 400, "from 64 to 3840 pixels"),
        ("content/tea.png?store=paris", 404, "no store paris"),
        ("content/tea.png?zone=--help", 200, ""),
        ("content/tea.png?zone=a%20b", 400, "1 to 64"),
        ("day/tomorrow.png", 400, "2026-11-24"),
        ("day/2026-11-24.gif", 404, "png or mp4"),
    ],
)
async def test_what_cannot_be_drawn_is_said(client: Made, asked: str, status: int, said: str) -> None:
    async with client(TELLS) as office:
        answer = await office.get(f"/v1/preview/{asked}")
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (REFUSES, "There is no font. Install one."),
        (SAYS_NOTHING, "exit code -9"),
        (MAKES_NOTHING, "exit code 0"),
    ],
)
async def test_what_the_renderer_says_is_said(client: Made, program: str, said: str) -> None:
    async with client(program) as office:
        answer = await office.get("/v1/preview/content/tea.png")
    assert (answer.status_code, answer.json()["message"]) == (422, said)


async def test_a_renderer_that_hangs_is_ended(client: Made) -> None:
    async with client(HANGS, seconds=0.2) as office:
        answer = await office.get("/v1/preview/content/tea.png")
    assert (answer.status_code, answer.json()["code"]) == (503, "too_slow")


async def test_one_is_drawn_one_waits_and_the_third_is_told_to_come_again(client: Made) -> None:
    async with client(HANGS, seconds=0.5) as office:
        answers = await asyncio.gather(*(office.get("/v1/preview/content/tea.png") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [429, 503, 503]
    assert next(answer for answer in answers if answer.status_code == 429).headers["retry-after"]


@pytest.mark.parametrize("kind", ["content/tea.png?width=640&height=360", "day/2026-11-24.png?store=ginza"])
async def test_the_player_itself_draws(client: Made, kind: str) -> None:
    async with client(None) as office:
        answer = await office.get(f"/v1/preview/{kind}")
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\x89PNG")
    if "width" in kind:
        assert int.from_bytes(answer.content[16:20], "big") == 640
