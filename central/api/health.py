"""Says how central is: what it stored, what it set aside, and what its agents last said of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from central.storage.database import reading
from central.storage.tables import agent, counter, dirty, fork


def router(engine: Engine, live: Callable[[], Mapping[str, int]]) -> APIRouter:
    routes = APIRouter()

    @routes.get("/health")
    def health() -> Response:
        try:
            with reading(engine) as connection:
                said = {"ok": True, **_stored(connection), "since_start": live()}
        except DBAPIError as error:
            said = {"ok": False, "why": str(error.orig), "since_start": live()}
        body = msgspec.json.encode(said)
        return Response(body, status_code=200 if said["ok"] else 503, media_type="application/json")

    return routes


def _stored(connection: Connection) -> dict[str, Any]:
    counts = select(counter.c.name, func.sum(counter.c.count).label("total")).group_by(counter.c.name)
    total = {row.name: int(row.total) for row in connection.execute(counts)}
    return {
        "events": _named("stored.", total),
        "told": _named("told.", total),
        "quarantined": total.get("quarantined", 0),
        "gaps": total.get("gaps", 0),
        "forks": connection.scalar(select(func.count()).select_from(fork)) or 0,
        "dirty": connection.scalar(select(func.count()).select_from(dirty)) or 0,
        "agents": [_agent(row) for row in connection.execute(select(agent).order_by(agent.c.agent))],
    }


def _named(prefix: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in counts.items() if name.startswith(prefix)}


def _agent(row: Any) -> dict[str, Any]:
    status = msgspec.Raw(row.status.encode()) if row.status else None
    return {"agent": row.agent, "store": row.store, "revoked": row.revoked, "status": status, "at": row.status_at}
