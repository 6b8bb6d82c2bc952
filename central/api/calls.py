"""The way in for other systems: a body within bounds, a key that is known, a thread for the work, a plain answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread
from fastapi import HTTPException, Request, Response
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.requests import ClientDisconnect

from central import agents
from central.contract.codec import Unreadable
from central.storage.database import reading, writing

log = logging.getLogger(__name__)

MOST_AT_ONCE = 128
"""Calls that may be on their way; each holds a body of up to 500 KiB."""
_THREADS = 4
"""That write at once: pictures and health have threads of their own."""
_BODY_S = 20.0
"""How long a body may take to come in."""
_AGAIN = {"Retry-After": "1"}
_SUCCESS = b'{"success":true}'
_WHERE = re.compile(
    r"(?P<rule>.*) - at `\$\.?(?P<field>.*)`|(?P<object>.*(missing required|unknown) field) `(?P<name>.*)`"
)
"""How msgspec says what is wrong."""


class Keyed(Protocol):
    """What a body is read as; it may bring the key when no header does."""

    @property
    def write_key(self) -> str | None: ...


Body = TypeVar("Body", bound=Keyed)
Read = Callable[[bytes, datetime], Body]
Keep = Callable[[Connection, str, Body, datetime], None]
"""Does what a source asked for in one transaction; HTTPException refuses it."""


class Calls:
    """One for all routes: its bounds are those of the process."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], kept: Callable[[], None]) -> None:
        """`kept` is called after each commit, in any thread."""
        self._engine = engine
        self._kept = kept
        self._now = now
        self._threads = CapacityLimiter(_THREADS)
        self._inside = 0
        self.counts: Counter[str] = Counter()
        """Calls refused, by status."""

    async def take(self, request: Request, most: int, read: Read[Body], keep: Keep[Body]) -> Response:
        """Answer one call of at most so many bytes: 200 is said once it is committed, and nothing else means that."""
        at = self._now()
        if self._inside >= MOST_AT_ONCE:
            return self._refused(_refusal(429, "busy", "too many calls at once", headers=_AGAIN))
        self._inside += 1
        try:
            data = await _body(request, most)
            await to_thread.run_sync(self._do, request, data, most, read, keep, at, limiter=self._threads)
        except HTTPException as refusal:
            return self._refused(refusal)
        finally:
            self._inside -= 1
        return Response(_SUCCESS, media_type="application/json")

    def _do(self, request: Request, data: bytes, most: int, read: Read[Body], keep: Keep[Body], at: datetime) -> None:
        key = _key(request)
        try:
            source = None if key is None else self._source(key)
            body = read(_plain(request, data, most), at)
            source = source or self._source(body.write_key or "")
            with writing(self._engine) as connection:
                keep(connection, source, body, at)
            self._kept()
        except Unreadable as error:
            raise _unreadable(str(error)) from error
        except SQLAlchemyError as error:
            # Only the first line: what comes after it names values.
            why = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
            log.warning("a call could not be stored now: %s", why)
            raise _refusal(503, "away", "it cannot be stored now", headers=_AGAIN) from error

    def _source(self, key: str) -> str:
        with reading(self._engine) as connection:
            source = agents.source_of(connection, key)
        if source is None:
            raise stranger()
        return source

    def _refused(self, refusal: HTTPException) -> Response:
        self.counts[f"refused_{refusal.status_code}"] += 1
        body = msgspec.json.encode(refusal.detail)
        return Response(body, refusal.status_code, refusal.headers, media_type="application/json")


def not_found(message: str) -> HTTPException:
    return _refusal(404, "not_found", message)


def stranger() -> HTTPException:
    headers = {"WWW-Authenticate": 'Basic realm="noren"'}
    return _refusal(401, "unauthorized", "give the write key of a source", headers=headers)


async def _body(request: Request, most: int) -> bytes:
    too_large = _refusal(413, "too_large", f"more than {most} bytes")
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > 9 or int(said) > most:
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                data += part
                if len(data) > most:
                    raise too_large
    except TimeoutError as error:
        raise _refusal(408, "too_slow", f"the body did not come in within {_BODY_S:g} s") from error
    except ClientDisconnect as error:
        raise _refusal(400, "cut_off", "the body did not come in whole") from error
    return bytes(data)


def _plain(request: Request, data: bytes, most: int) -> bytes:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return data
    if coding != "gzip":
        raise _refusal(415, "coding", "send it plain or as gzip", field="Content-Encoding")
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise Unreadable("the gzip is broken") from error
    if len(plain) > most:
        raise _refusal(413, "too_large", f"more than {most} bytes, unpacked")
    if not inflater.eof or inflater.unused_data:
        raise Unreadable("the gzip is cut off, or has something behind it")
    return plain


def _key(request: Request) -> str | None:
    """The user name of Basic authentication; None where the header says nothing."""
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    try:
        name = base64.b64decode(said.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError) as error:
        raise stranger() from error
    if scheme.lower() != "basic":
        raise stranger()
    return name


def _unreadable(message: str) -> HTTPException:
    """Name the field and the rule where the message does."""
    found = _WHERE.fullmatch(message)
    if found is None:
        return _refusal(400, "invalid", message)
    return _refusal(400, "invalid", found["rule"] or found["object"], field=found["field"] or found["name"] or "")


def _refusal(
    status: int, code: str, rule: str, *, field: str = "", headers: dict[str, str] | None = None
) -> HTTPException:
    detail = {"code": code, "message": f"{field}: {rule}" if field else rule, "field": field, "rule": rule}
    return HTTPException(status, detail, headers)
