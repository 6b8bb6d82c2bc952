"""Gives what a screen would show, drawn by the player's own renderer in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask

from central import content, programme
from central.api.calls import Calls, away, not_found, refusal
from central.api.places import Places
from central.contract import topics
from central.errors import Unknown
from central.sources import Source
from central.storage.database import reading
from ground.programme import file
from ground.programme.records import Language

log = logging.getLogger(__name__)

RENDERER = (sys.executable, "-m", "signage", "preview")
_LONGEST_S = 120.0
"""A day as a film takes half a minute on a small machine."""
_TYPES = {"png": "image/png", "mp4": "video/mp4"}
_SIDES = range(64, 3841)


def router(
    pictures: Path,
    calls: Calls,
    engine: Engine,
    *,
    renderer: Sequence[str] = RENDERER,
    seconds: float = _LONGEST_S,
) -> APIRouter:
    """`renderer` is given the programme's file, what to draw and where to; it has so many seconds."""
    routes = APIRouter(prefix="/v1/preview")
    queue = _Queue()

    async def made(request: Request, wanted: Callable[[], Sequence[str]], kind: str, store: str | None) -> Response:
        async def make(_: Source) -> Response:
            arguments = await to_thread.run_sync(wanted)
            with queue.places.taken(""):
                async with queue.turn:
                    folder = Path(tempfile.mkdtemp(prefix="noren-preview-"))
                    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
                    try:
                        source, out = folder / "programme.yaml", folder / f"out.{kind}"
                        source.write_text(await to_thread.run_sync(_programme, engine, store))
                        command = [*renderer, str(source), *arguments, "--assets", str(pictures), str(out)]
                        await _run(command, out, seconds)
                    except BaseException:
                        shutil.rmtree(folder, ignore_errors=True)
                        raise
            return FileResponse(out, media_type=_TYPES[kind], headers={"Cache-Control": "no-store"}, background=gone)

        return await calls.serve(request, "programme", make)

    @routes.get("/content/{name}.png")
    async def one(
        request: Request,
        name: str,
        language: str = "ja",
        width: int = 1920,
        height: int = 1080,
        store: str | None = None,
        zone: str | None = None,
    ) -> Response:
        def wanted() -> list[str]:
            _check_content(engine, name)
            return ["--content", name, *_set(language, width, height), *_place(store, zone)]

        return await made(request, wanted, "png", store)

    @routes.get("/day/{day}.{kind}")
    async def whole(
        request: Request, day: str, kind: str, store: str | None = None, zone: str | None = None
    ) -> Response:
        def wanted() -> list[str]:
            if kind not in _TYPES:
                raise not_found(f"a day is given as {' or '.join(_TYPES)}")
            return ["--day", _day(day), *_place(store, zone)]

        return await made(request, wanted, kind, store)

    return routes


class _Queue:
    """One is drawn, and one waits; who comes then is told to come again."""

    def __init__(self) -> None:
        self.places = Places(most=2, of_one=2)
        self.turn = asyncio.Lock()


def _set(language: str, width: int, height: int) -> list[str]:
    if language not in get_args(Language):
        raise refusal(400, "invalid", f"choose from {', '.join(get_args(Language))}", field="language")
    for side, pixels in (("width", width), ("height", height)):
        if pixels not in _SIDES:
            raise refusal(400, "invalid", f"from {_SIDES.start} to {_SIDES.stop - 1} pixels", field=side)
    return ["--language", language, "--size", f"{width}x{height}"]


def _day(said: str) -> str:
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError as error:
        raise refusal(400, "invalid", "write a day as 2026-11-24", field="day") from error


def _place(store: str | None, zone: str | None) -> list[str]:
    found = []
    for name, said in (("store", store), ("zone", zone)):
        if said is not None:
            if not topics.is_id(said):
                raise refusal(400, "invalid", "1 to 64 of a-z, 0-9 and '-'", field=name)
            found.append(f"--{name}={said}")
    return found


def _check_content(engine: Engine, name: str) -> None:
    try:
        with reading(engine) as connection:
            if not content.contents(connection, [name]):
                raise not_found("there is no such content")
    except SQLAlchemyError as error:
        raise away(error) from error


def _programme(engine: Engine, store: str | None) -> str:
    try:
        with reading(engine) as connection:
            return file.write(programme.whole(connection, store))
    except Unknown as error:
        raise not_found(str(error)) from error
    except SQLAlchemyError as error:
        raise away(error) from error


async def _run(command: Sequence[str], out: Path, seconds: float) -> None:
    """Have the picture made; what the renderer says is wrong is what its caller hears."""
    if find_spec("pygame") is None:
        raise refusal(503, "no_player", "nothing can be drawn here: pip install 'noren[signage]' beside central")
    running = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            _, said = await running.communicate()
    except TimeoutError as error:
        raise refusal(503, "too_slow", f"it was not drawn within {seconds:g} s") from error
    finally:
        with suppress(ProcessLookupError):  # Its own children as well.
            os.killpg(running.pid, signal.SIGKILL)
        await running.wait()
    if running.returncode or not await to_thread.run_sync(out.is_file):
        why = said.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {running.returncode}"]
        log.warning("a preview could not be drawn: %s", why[0])
        raise refusal(422, "not_drawn", why[0][:500])
