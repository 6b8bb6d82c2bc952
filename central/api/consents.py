"""Takes what customers agree to, or no longer, from the settings page of a web shop or an app."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from central import consent
from central.api.calls import Calls, not_found
from central.contract.codec import Id, Unreadable, decode
from central.errors import Unknown

_MAX = 8 << 10
_Purpose = Literal["presence", "signage", "messages", "analysis"]


class _Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that is not known is refused: a withdrawal must not be lost by a slip of the pen."""

    customer: Id
    give: frozenset[_Purpose] = frozenset()
    withdraw: frozenset[_Purpose] = frozenset()
    write_key: str | None = msgspec.field(name="writeKey", default=None)


def router(calls: Calls) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.post("/consents")
    async def consents(request: Request) -> Response:
        return await calls.take(request, "consents", _MAX, _read, _keep)

    return routes


def _read(data: bytes, _: datetime) -> _Change:
    change = decode(data, _Change)
    if change.give & change.withdraw:
        raise Unreadable("A purpose is given or withdrawn, not both - at `$.withdraw`")
    return change


def _keep(connection: Connection, _: str, change: _Change, at: datetime) -> None:
    try:
        consent.give(connection, change.customer, change.give, at)
        consent.withdraw(connection, change.customer, change.withdraw, at)
    except Unknown as error:
        raise not_found("there is no such customer") from error
