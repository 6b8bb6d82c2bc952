"""What central serves and takes over HTTP: one router a module, all of them in `build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from central import codes as member_codes
from central.agents import Desk
from central.api import assets, codes, consents, enrol, health, plays, preview, programme, screens, track
from central.api.calls import Calls


def build(
    engine: Engine,
    pictures: Path,
    live: Callable[[], Mapping[str, int]],
    now: Callable[[], datetime],
    kept: Callable[[], None],
    desk: Desk | None = None,
    good_for: timedelta = member_codes.GOOD_FOR,
) -> FastAPI:
    """Make the application.

    `live` gives what this process counted since it started, beside what is counted here; `kept` is called whenever
    something new about customers is committed, in any thread. Without a `desk` no device is let in, and no member
    code made; each of those is `good_for` so long.
    """
    app = FastAPI(title="Noren central", docs_url=None, redoc_url=None, openapi_url=None)
    calls = Calls(engine, now, kept)

    app.state.counts = calls.counts

    def counted() -> dict[str, int]:
        return {**live(), **calls.counts.copy()}

    for router in (
        assets.router(pictures, calls, engine, now),
        health.router(calls, engine, counted, now),
        track.router(calls),
        consents.router(calls),
        programme.router(calls),
        preview.router(pictures, calls, engine),
        screens.router(calls),
        plays.router(calls, engine),
    ):
        app.include_router(router)
    if desk is not None:
        app.include_router(enrol.router(engine, desk, calls.counts, now))
        app.include_router(codes.router(calls, desk.keys, good_for))
    return app
