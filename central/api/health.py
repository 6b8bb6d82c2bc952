"""Says how central is: to anybody whether it works, to a key of scope `health` all that a person should look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from central.api.calls import Calls
from central.storage import alarms
from central.storage.database import reading
from central.storage.tables import agent, certificate, counter, dirty, fork, gap, generation, quarantine, settings

SOON = timedelta(days=30)
"""Before its end: agents renew a certificate eleven months earlier, so one that ends this soon is stuck."""


def router(
    calls: Calls, engine: Engine, live: Callable[[], Mapping[str, int]], now: Callable[[], datetime]
) -> APIRouter:
    routes = APIRouter()

    def tell(all_of_it: bool) -> Response:
        said: dict[str, Any] = {"ok": True}
        try:
            with reading(engine) as connection:
                if all_of_it:
                    said |= {**_stored(connection), **_people_should_look_at(connection, now())}
                else:
                    connection.execute(select(counter.c.count).limit(1))
        except DBAPIError as error:
            said = {"ok": False, "why": str(error.orig)} if all_of_it else {"ok": False}
        if all_of_it:
            said["since_start"] = live()
        body = msgspec.json.encode(said)
        return Response(body, status_code=200 if said["ok"] else 503, media_type="application/json")

    @routes.get("/health")
    async def health(request: Request) -> Response:
        return await calls.tell(request, "health", tell)

    return routes


def _stored(connection: Connection) -> dict[str, Any]:
    counts = select(counter.c.name, func.sum(counter.c.count).label("total")).group_by(counter.c.name)
    total = {row.name: int(row.total) for row in connection.execute(counts)}
    return {
        "events": _named("stored.", total),
        "told": _named("told.", total),
        "quarantined": total.get("quarantined", 0),
        "quarantined_as": _named("quarantined.", total),
        "quarantine_full": total.get("quarantine_full", 0),
        "gaps": total.get("gaps", 0),
        "forks": connection.scalar(select(func.count()).select_from(fork)) or 0,
        "dirty": connection.scalar(select(func.count()).select_from(dirty)) or 0,
    }


def _people_should_look_at(connection: Connection, now: datetime) -> dict[str, Any]:
    agents = [_agent(row, now) for row in connection.execute(select(agent).order_by(agent.c.agent))]
    sealed = select(agent.c.agent, agent.c.status).where(agent.c.revoked.is_(False)).order_by(agent.c.agent)
    return {
        "agents": agents,
        "quarantine": _quarantine(connection),
        "forked": alarms.forked(connection),
        "copied": alarms.copied(connection),
        "guessing": alarms.guessing(connection),
        "codes_used_twice": alarms.codes_used_twice(connection),
        "restored": connection.scalar(select(generation.c.restored)),
        "declared": _declared(connection),
        "unprotected": [row.agent for row in connection.execute(sealed) if _sealing(row.status) == "disk"],
        "settings": _settings(connection),
        "certificates": _certificates(connection, now),
    }


def _named(prefix: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in counts.items() if name.startswith(prefix)}


def _agent(row: Any, now: datetime) -> dict[str, Any]:
    status = msgspec.Raw(row.status.encode()) if row.status else None
    age = None if row.status_at is None else round((now - row.status_at).total_seconds(), 3)
    said = {"agent": row.agent, "store": row.store, "revoked": row.revoked, "status": status, "at": row.status_at}
    return {**said, "age_s": age}


def _sealing(status: str | None) -> str | None:
    return msgspec.json.decode(status).get("sealing") if status else None


def _quarantine(connection: Connection) -> dict[str, dict[str, int]]:
    """What is kept, by agent (nobody's under no name): in rows and in bytes."""
    size = func.sum(func.length(quarantine.c.data)).label("bytes")
    kept = select(quarantine.c.agent, func.count().label("rows"), size).group_by(quarantine.c.agent)
    return {row.agent: {"rows": row.rows, "bytes": int(row.bytes)} for row in connection.execute(kept)}


def _declared(connection: Connection) -> dict[str, dict[str, int]]:
    """Events that agents gave up, or that central lost, by cause and class."""
    # As a float: an agent may have claimed more than a sum of whole numbers can hold.
    lost = select(gap.c.cause, gap.c.drop, func.sum(gap.c.count * 1.0).label("events"))
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(lost.group_by(gap.c.cause, gap.c.drop).order_by(gap.c.cause, gap.c.drop)):
        found.setdefault(row.cause, {})[row.drop] = int(row.events)
    return found


def _settings(connection: Connection) -> dict[str, Any] | None:
    """The roll-out that was begun last."""
    shown = (settings.c.settings, settings.c.state, settings.c.stage, settings.c.staged, settings.c.said)
    row = connection.execute(select(*shown).order_by(settings.c.made.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)


def _certificates(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Agents whose newest certificate ends soon, or has ended."""
    until = func.max(certificate.c.until).label("until")
    ours = (certificate.c.agent == agent.c.agent) & agent.c.revoked.is_(False) & certificate.c.revoked.is_(None)
    newest = select(certificate.c.agent, until).join(agent, ours).group_by(certificate.c.agent)
    rows = connection.execute(newest.having(until < now + SOON).order_by(certificate.c.agent))
    return [{"agent": row.agent, "until": row.until} for row in rows]
