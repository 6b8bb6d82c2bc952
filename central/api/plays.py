"""Gives proof of play as CSV, made whole before it is sent: what breaks off half-way proves nothing."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask

from central import plays
from central.api.calls import Calls, away, refusal
from central.plays import Days
from central.sources import Source
from central.storage.database import reading


def router(calls: Calls, engine: Engine) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    one = CapacityLimiter(1)
    """At a time: it reads years of events where somebody asks for them."""

    @routes.get("/plays.csv")
    async def table(request: Request, ad: bool = False) -> Response:
        """`from` and `to` are days, both of them whole; `ad=1`: sums by campaign, store and day."""

        async def make(_: Source) -> Response:
            first, last = (_day(request.query_params.get(name), name) for name in ("from", "to"))
            try:
                file = await to_thread.run_sync(_written, engine, Days(first=first, last=last), ad, limiter=one)
            except SQLAlchemyError as error:
                raise away(error) from error
            name = "ad-plays.csv" if ad else "plays.csv"
            gone = BackgroundTask(file.unlink)
            return FileResponse(file, media_type="text/csv; charset=utf-8", filename=name, background=gone)

        return await calls.serve(request, "programme", make)

    return routes


def _written(engine: Engine, days: Days, ad: bool) -> Path:
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="", delete=False) as file:
        try:
            with reading(engine) as connection:
                (plays.write_ads if ad else plays.write)(connection, days, file)
        except BaseException:
            Path(file.name).unlink()
            raise
    return Path(file.name)


def _day(text: str | None, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refusal(400, "invalid", "write a day as 2026-11-24", field=field) from error
