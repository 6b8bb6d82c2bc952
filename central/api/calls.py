"""The way in for other systems: a key that may do it, a body within bounds, a thread for the work, a plain answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread
from fastapi import HTTPException, Request, Response
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.requests import ClientDisconnect

from central import sources
from central.api.places import Full, Pace, Places, neighbourhood
from central.contract.codec import Unreadable
from central.sources import Source
from central.storage.database import reading, writing

log = logging.getLogger(__name__)

MOST_AT_ONCE = 128
"""Calls of known sources that may be on their way; each holds a body of up to 500 KiB."""
OF_ONE_SOURCE = 64
_STRANGERS = 16
"""Calls without a key in the header, which only their bodies could name; they cost known sources no place."""
OF_ONE_STRANGER = 4
_THREADS = 4
"""That write at once: pictures and health have threads of their own, as has looking for a key."""
_BODY_S = 20.0
"""How long the body of a known source may take to come in."""
_STRANGERS_BODY_S = 5.0
_A_SECOND = 200.0
_AT_ONCE = 1000
"""How often a source may come: far more than a database on a small machine could store."""
_WRONG_A_SECOND = 1.0
WRONG_AT_ONCE = 60
"""How often an address may come with no key of ours before it is heard no more for a while."""
_AGAIN = {"Retry-After": "1"}
_CLOSE = {"Connection": "close"}
"""Or the server would go on reading the body that nobody wants."""
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
Answer = Callable[[], Response]
"""Made once it is committed, and in a thread."""
Keep = Callable[[Connection, str, Body, datetime], Answer | None]
"""Does what a source asked for in one transaction; HTTPException refuses it. Without an answer of its own: success."""


class Calls:
    """One for all routes: its bounds are those of the process."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], kept: Callable[[], None]) -> None:
        """`kept` is called after each commit, in any thread."""
        self._engine = engine
        self.kept = kept
        self._now = now
        self._writers, self._readers = CapacityLimiter(_THREADS), CapacityLimiter(_THREADS)
        self._sources = Places(most=MOST_AT_ONCE, of_one=OF_ONE_SOURCE)
        self._strangers = Places(most=_STRANGERS, of_one=OF_ONE_STRANGER)
        self._pace = Pace(a_second=_A_SECOND, at_once=_AT_ONCE, now=now)
        self._wrong = Pace(a_second=_WRONG_A_SECOND, at_once=WRONG_AT_ONCE, now=now)
        self.counts: Counter[str] = Counter()
        """Calls refused, by status, and connections turned away."""

    async def take(
        self, request: Request, scope: str, most: int, read: Read[Body], keep: Keep[Body], *, keyed: bool = False
    ) -> Response:
        """Answer one call of at most so many bytes: 200 is said once it is committed, and nothing else means that.

        With `keyed` only who shows a key in the header is read at all.
        """
        at = self._now()
        try:
            source = await self._admitted(request, scope)
            if source is None and keyed:
                raise stranger()
            places = self._strangers if source is None else self._sources
            with places.taken(_address(request) if source is None else source.source):
                data = await _body(request, most, _STRANGERS_BODY_S if source is None else _BODY_S)
                return await self._in_thread(self._do, request, scope, data, most, read, keep, at)
        except Full as full:
            return self._refused(request, _busy(full))
        except HTTPException as refusal:
            return self._refused(request, refusal)

    async def tell(self, request: Request, scope: str, make: Callable[[bool], Response]) -> Response:
        """Answer a question in a thread: `make` is told whether a key was shown that may know all."""
        try:
            source = await self._admitted(request, scope)
            return await to_thread.run_sync(make, source is not None, limiter=self._readers)
        except HTTPException as refusal:
            return self._refused(request, refusal)

    async def show(self, request: Request, scope: str, give: Callable[[Connection], Response]) -> Response:
        """Answer a source that may ask this from the database, in a thread; HTTPException refuses it."""

        def make(keyed: bool) -> Response:
            if not keyed:
                raise stranger()
            try:
                with reading(self._engine) as connection:
                    return give(connection)
            except SQLAlchemyError as error:
                raise away(error) from error

        return await self.tell(request, scope, make)

    async def serve(self, request: Request, scope: str, answer: Callable[[Source], Awaitable[Response]]) -> Response:
        """Answer a call of a source that may do this in the loop; HTTPException refuses it."""
        try:
            source = await self._admitted(request, scope)
            if source is None:
                raise stranger()
            with self._sources.taken(source.source):
                return await answer(source)
        except Full as full:
            return self._refused(request, _busy(full))
        except HTTPException as refused:
            return self._refused(request, refused)

    async def _admitted(self, request: Request, scope: str) -> Source | None:
        """Whose key the header shows; None where it shows none. Looked at before any body is."""
        address = _address(request)
        try:
            self._wrong.check(address)
            key = _key(request)
            if key is None:
                return None
            source = await to_thread.run_sync(self._source, key, scope, limiter=self._readers)
            self._pace.check(source.source)
        except Full as full:
            raise _busy(full) from full
        self._pace.count(source.source)
        return source

    async def _in_thread(self, do: Callable[..., Response], *given: object) -> Response:
        return await to_thread.run_sync(do, *given, limiter=self._writers)

    def _do(
        self, request: Request, scope: str, data: bytes, most: int, read: Read[Body], keep: Keep[Body], at: datetime
    ) -> Response:
        key = _key(request)
        try:
            body = read(_plain(request, data, most), at)
            # Once more where the header showed it: a slow body may have outlived its key.
            source = self._source(body.write_key or "" if key is None else key, scope)
            with writing(self._engine) as connection:
                answer = keep(connection, source.source, body, at)
            self.kept()
            return answer() if answer else Response(_SUCCESS, media_type="application/json")
        except Unreadable as error:
            raise _unreadable(str(error)) from error
        except SQLAlchemyError as error:
            raise away(error) from error

    def _source(self, key: str, scope: str) -> Source:
        try:
            with reading(self._engine) as connection:
                source = sources.source_of(connection, key)
        except SQLAlchemyError as error:
            raise away(error) from error
        if source is None:
            raise stranger()
        if scope not in source.scopes:
            raise refusal(403, "scope", f"the key of {source.source} lacks the scope {scope}: ask for one that has it")
        return source

    def _refused(self, request: Request, refusal: HTTPException) -> Response:
        self.counts[f"http_refused_{refusal.status_code}"] += 1
        if refusal.status_code == 401:
            self._wrong.count(_address(request))
        body = msgspec.json.encode(refusal.detail)
        headers = {**_CLOSE, **(refusal.headers or {})}
        return Response(body, refusal.status_code, headers, media_type="application/json")


def not_found(message: str) -> HTTPException:
    return refusal(404, "not_found", message)


def stranger() -> HTTPException:
    headers = {"WWW-Authenticate": 'Basic realm="noren"'}
    return refusal(401, "unauthorized", "give the write key of a source", headers=headers)


async def _body(request: Request, most: int, seconds: float) -> bytes:
    too_large = refusal(413, "too_large", f"more than {most} bytes")
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or len(said) > 9 or int(said) > most:
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                data += part
                if len(data) > most:
                    raise too_large
    except TimeoutError as error:
        raise refusal(408, "too_slow", f"the body did not come in within {seconds:g} s") from error
    except ClientDisconnect as error:
        raise refusal(400, "cut_off", "the body did not come in whole") from error
    return bytes(data)


def _address(request: Request) -> str:
    return neighbourhood(request.client.host) if request.client else ""


def _plain(request: Request, data: bytes, most: int) -> bytes:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return data
    if coding != "gzip":
        raise refusal(415, "coding", "send it plain or as gzip", field="Content-Encoding")
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise Unreadable("the gzip is broken") from error
    if len(plain) > most:
        raise refusal(413, "too_large", f"more than {most} bytes, unpacked")
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


def _busy(full: Full) -> HTTPException:
    return refusal(429, "busy", "too many calls at once", headers={"Retry-After": str(full.wait_s)})


def away(error: SQLAlchemyError) -> HTTPException:
    # Only the first line: what comes after it names values.
    why = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
    log.warning("a call could not be stored now: %s", why)
    return refusal(503, "away", "it cannot be stored now", headers=_AGAIN)


def _unreadable(message: str) -> HTTPException:
    """Name the field and the rule where the message does."""
    found = _WHERE.fullmatch(message)
    if found is None:
        return refusal(400, "invalid", message)
    return refusal(400, "invalid", found["rule"] or found["object"], field=found["field"] or found["name"] or "")


def refusal(
    status: int, code: str, rule: str, *, field: str = "", headers: dict[str, str] | None = None
) -> HTTPException:
    detail = {"code": code, "message": f"{field}: {rule}" if field else rule, "field": field, "rule": rule}
    return HTTPException(status, detail, headers)
