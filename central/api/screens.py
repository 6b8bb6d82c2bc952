"""Gives the last picture of each screen, for a person far away."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from central import screens
from central.api.calls import Calls, not_found
from central.contract.codec import encode

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def router(calls: Calls) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/screens")
    async def every(request: Request) -> Response:
        return await calls.show(request, "programme", _listed)

    @routes.get("/screens/{agent}/{screen}.png")
    async def picture(request: Request, agent: str, screen: str) -> Response:
        def give(connection: Connection) -> Response:
            found = screens.picture(connection, agent, screen)
            if found is None:
                raise not_found("there is no picture of this screen: ask for one with `noren central snapshot`")
            at, png = found
            return Response(png, media_type="image/png", headers=_HEADERS | {"X-Taken-At": at.isoformat()})

        return await calls.show(request, "programme", give)

    return routes


def _listed(connection: Connection) -> Response:
    body = encode({"screens": screens.every(connection)})
    return Response(body, media_type="application/json", headers=_HEADERS)
