"""Lets devices in: the roots for anybody, and a certificate for who brings a one-time code."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.requests import ClientDisconnect

from central import agents
from central.agents import Desk
from central.api.places import Full, Pace, Places
from central.contract import codec, member_code
from central.contract.codec import Unreadable
from central.contract.enrolment import Enrol, Enrolled
from central.errors import BadRequest, CodeRefused
from central.storage.database import writing

log = logging.getLogger(__name__)

_MOST = 32 << 10
"""Bytes of a body: a request of a P-256 key has 500."""
_BODY_S = 5.0
_AT_ONCE = 8
_WRONG_A_MINUTE = 10
"""Wrong codes that are answered, of all callers together: at that pace 60 bits take 10^11 years."""


def router(engine: Engine, desk: Desk, counts: Counter[str], now: Callable[[], datetime]) -> APIRouter:
    """Count in `counts` what is refused."""
    routes = APIRouter()
    places = Places(most=_AT_ONCE, of_one=_AT_ONCE)
    wrong = Pace(a_second=_WRONG_A_MINUTE / 60, at_once=_WRONG_A_MINUTE, now=now)
    thread = CapacityLimiter(1)

    @routes.get("/v1/roots")
    def roots() -> Response:
        return Response(desk.keys.trusted(now()), media_type="application/x-pem-file")

    @routes.post("/v1/enrol")
    async def enrol(request: Request) -> Response:
        try:
            with places.taken(""):
                wrong.check("")
                body = await _body(request)
                # One at a time, and looked at again: whoever comes in a crowd is no faster.
                return await to_thread.run_sync(take, body, limiter=thread)
        except Full as full:
            return refused(429, "busy", "too many wrong codes, or calls: wait", {"Retry-After": str(full.wait_s)})
        except TimeoutError:
            return refused(408, "too_slow", f"the body did not come in within {_BODY_S:g} s")
        except ClientDisconnect:
            return refused(400, "cut_off", "the body did not come in whole")
        except Unreadable as error:
            return refused(400, "invalid", error.message)

    def take(body: bytes) -> Response:
        wrong.check("")
        try:
            asked = codec.decode(body, Enrol)
            at = now()
            with writing(engine) as connection:
                done = agents.enrol(connection, asked.code, asked.request, desk.keys, at)
        except CodeRefused as error:
            wrong.count("")
            return refused(403, "code", str(error))
        except (BadRequest, Unreadable) as error:
            return refused(400, "invalid", str(error))
        except DBAPIError as error:
            log.warning("an enrolment could not be stored now: %s", error.orig)
            return refused(503, "away", "it cannot be stored now", {"Retry-After": "1"})
        log.warning("agent %s of %s was enrolled", done.agent, done.store)
        answer = Enrolled(
            store=done.store,
            agent=done.agent,
            certificate=done.issued.pem,
            trust=desk.trust(at),
            brokers=desk.reach.brokers,
            assets=desk.reach.assets,
            token_key=member_code.store_key(desk.chain_key, done.store).hex(),
        )
        return Response(codec.encode(answer), media_type="application/json")

    def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
        counts[f"http_refused_{status}"] += 1
        said = {"code": code, "message": message, "field": "", "rule": message}
        headers = {"Connection": "close", **(headers or {})}
        return Response(msgspec.json.encode(said), status, headers, media_type="application/json")

    return routes


async def _body(request: Request) -> bytes:
    """Raises Unreadable, TimeoutError and ClientDisconnect."""
    data = bytearray()
    async with asyncio.timeout(_BODY_S):
        async for part in request.stream():
            data += part
            if len(data) > _MOST:
                raise Unreadable(f"more than {_MOST} bytes")
    return bytes(data)
