"""What central serves over HTTP: one router a module, all of them in `build`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Engine

from central.api import assets, health


def build(engine: Engine, pictures: Path, live: Callable[[], Mapping[str, int]]) -> FastAPI:
    """Make the application; `live` gives what this process counted since it started."""
    app = FastAPI(title="Noren central", docs_url=None, redoc_url=None, openapi_url=None)
    for router in (assets.router(pictures), health.router(engine, live)):
        app.include_router(router)
    return app
