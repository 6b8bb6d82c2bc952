"""What central serves and takes over HTTP: one router a module, all of them in `build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from central.agents import Desk
from central.api import assets, consents, enrol, health, plays, preview, programme, screens, track
from central.api.calls import Calls


def build(
    engine: Engine,
    pictures: Path,
    live: Callable[[], Mapping[str, int]],
    now: Callable[[], datetime],
    kept: Callable[[], None],
    desk: Desk | None = None,
) -> FastAPI:
    """Make the application.

    `live` gives what this process counted since it started, beside what is counted here; `kept` is called whenever
    something new about customers is committed, in any thread. Without a `desk` no device is let in.
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
    return app
