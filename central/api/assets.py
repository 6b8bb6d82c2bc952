"""Serves pictures and films by their hash, for what lies under a hash never changes, and takes new ones."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from central import catalogue
from central.api.calls import Calls, away, refusal
from central.api.places import Places
from central.catalogue import Kept
from central.contract.codec import encode
from central.errors import Unfit
from central.media.devices import Device
from central.media.intake import MOST, Incoming
from central.sources import Source
from central.storage.database import writing

log = logging.getLogger(__name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_AT_ONCE = 4
"""Files on their way in; each may be a film of half a gigabyte."""
_BODY_S = 1800.0
"""A film over a slow line."""


def router(pictures: Path, calls: Calls, engine: Engine, now: Callable[[], datetime]) -> APIRouter:
    routes = APIRouter()
    places = Places(most=_AT_ONCE, of_one=_AT_ONCE)
    decoding = CapacityLimiter(1)
    """One at a time: this machine serves stores."""

    @routes.api_route("/assets/{digest}", methods=["GET", "HEAD"])
    def asset(digest: str) -> FileResponse:
        file = pictures / digest
        if not _DIGEST.fullmatch(digest) or not file.is_file():
            raise HTTPException(404, "there is no such asset")
        headers = _HEADERS | {"ETag": f'"{digest}"'}
        return FileResponse(file, media_type="application/octet-stream", headers=headers)

    @routes.get("/v1/assets")
    async def every(request: Request) -> Response:
        return await calls.show(request, "programme", _listed)

    @routes.post("/v1/assets")
    async def bring(request: Request, name: str = "", device: str = "any") -> Response:
        """The body is the file itself; `name` is what it is called, and `device` the weakest that is to show it."""

        async def take(source: Source) -> Response:
            if device not in get_args(Device):
                raise refusal(400, "invalid", f"choose from {', '.join(get_args(Device))}", field="device")
            if "\0" in name:
                raise refusal(400, "invalid", "holds a NUL, which no file's name does", field="name")
            with places.taken(source.source), Incoming(pictures) as incoming:
                await _receive(request, incoming)
                kept = await to_thread.run_sync(
                    lambda: incoming.keep(Path(name).name, cast(Device, device), now()), limiter=decoding
                )
            await to_thread.run_sync(_note, engine, kept)
            calls.kept()
            return Response(encode(kept[0]), media_type="application/json")

        async def said(source: Source) -> Response:
            try:
                return await take(source)
            except Unfit as error:
                raise refusal(400, "unfit", str(error)) from error
            except SQLAlchemyError as error:
                raise away(error) from error
            except OSError as error:
                log.error("a file could not be laid down: %s", error.strerror)
                raise refusal(507, "full", f"it cannot be laid down: {error.strerror}") from error

        return await calls.serve(request, "programme", said)

    return routes


async def _receive(request: Request, incoming: Incoming) -> None:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12 or int(length) > MOST:
        raise refusal(413, "too_large", f"more than {MOST} bytes")
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                incoming.write(part)
    except TimeoutError as error:
        raise refusal(408, "too_slow", f"the body did not come in within {_BODY_S:g} s") from error
    except ClientDisconnect as error:
        raise refusal(400, "cut_off", "the body did not come in whole") from error


def _listed(connection: Connection) -> Response:
    found = list(catalogue.assets(connection).values())
    return Response(encode({"assets": found}), media_type="application/json")


def _note(engine: Engine, kept: list[Kept]) -> None:
    with writing(engine) as connection:
        catalogue.save_assets(connection, kept)
