"""What central serves and takes over HTTP: one router a module, all of them in `build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from central.api import assets, consents, health, track
from central.api.calls import Calls


def build(
    engine: Engine,
    pictures: Path,
    live: Callable[[], Mapping[str, int]],
    now: Callable[[], datetime],
    kept: Callable[[], None],
) -> FastAPI:
    """Make the application.

    `live` gives what this process counted since it started, beside what is counted here; `kept` is called whenever
    something new about customers is committed, in any thread.
    """
    app = FastAPI(title="Noren central", docs_url=None, redoc_url=None, openapi_url=None)
    calls = Calls(engine, now, kept)

    def counted() -> dict[str, int]:
        return {**live(), **{f"http_{what}": number for what, number in calls.counts.copy().items()}}

    for router in (
        assets.router(pictures),
        health.router(engine, counted),
        track.router(calls),
        consents.router(calls),
    ):
        app.include_router(router)
    return app
