"""Gives the server of an app, or of a LINE mini-app, the codes that its members show in stores."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta
from sqlalchemy import Connection

from central import codes
from central.api.calls import Answer, Calls, not_found, refusal
from central.codes import Issued
from central.contract.codec import Id, decode, encode
from central.errors import CentralError, Unknown
from central.keys import Keys

log = logging.getLogger(__name__)

_MAX = 1 << 10
_HEADERS = {"Cache-Control": "no-store"}


class _Who(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    user_id: Id = msgspec.field(name="userId")

    @property
    def write_key(self) -> None:
        """It stands in the header only."""


class _Wish(_Who, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=codes.MOST)] = 1
    symbol: Literal["svg"] | None = None


def router(calls: Calls, keys: Keys, good_for: timedelta) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.post("/codes")
    async def issue(request: Request) -> Response:
        def keep(connection: Connection, _: str, wish: _Wish, at: datetime) -> Answer:
            with _said():
                issued = codes.issue(connection, keys, wish.user_id, at, wish.count, good_for)
            # Drawn later: others wait for the transaction to end.
            return lambda: _answer(issued, drawn=wish.symbol == "svg")

        return await calls.take(request, "codes", _MAX, lambda data, _: decode(data, _Wish), keep, keyed=True)

    @routes.post("/codes/renew")
    async def renew(request: Request) -> Response:
        def keep(connection: Connection, _: str, who: _Who, __: datetime) -> None:
            with _said():
                codes.renew(connection, who.user_id)

        return await calls.take(request, "codes", _MAX, lambda data, _: decode(data, _Who), keep, keyed=True)

    return routes


def _answer(issued: tuple[Issued, ...], *, drawn: bool) -> Response:
    body = encode({"codes": [codes.told(one, drawn=drawn) for one in issued]})
    return Response(body, media_type="application/json", headers=_HEADERS)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except Unknown as error:
        raise not_found("there is no such customer") from error
    except CentralError as error:
        log.error("a member code could not be made: %s", error)
        raise refusal(503, "away", "no code can be made now", headers={"Retry-After": "1"}) from error
