"""Takes and gives what the screens show and when: the programme whole, one part of it, and emergencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy import Connection

from central import content, emergency, programme
from central.api.calls import Body, Calls, Keep, Read, not_found, refusal
from central.content import KINDS, Kind, shape_of
from central.contract.codec import Id, Time, Unreadable, decode, encode
from central.emergency import Call
from central.errors import CentralError, ProgrammeRefused, StillNamed, Unknown
from ground import document as documents
from ground import settings
from ground.document import Problem
from ground.programme import file
from ground.programme.file import SECTIONS, Programme
from ground.programme.records import Texts
from ground.settings import SettingsError

MOST = 1 << 20
"""Bytes of a programme: a thousand contents in five languages."""
_MOST_OF_ONE = 64 << 10
_MOST_PROBLEMS = 1000
"""What an answer names: a hostile body has hundreds of thousands."""
_YAML = "application/yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A body that was read; its key stands in the header only."""

    programme: Programme
    write_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing:
    write_key: str | None = None


class _Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: Texts
    until: Time
    text: Texts = {}
    stores: tuple[Id, ...] = ()
    write_key: str | None = msgspec.field(name="writeKey", default=None)


def router(calls: Calls) -> APIRouter:
    routes = APIRouter(prefix="/v1")
    _whole(routes, calls)
    _parts(routes, calls)
    _emergencies(routes, calls)
    return routes


def _whole(routes: APIRouter, calls: Calls) -> None:
    @routes.get("/programme")
    async def give(request: Request, store: str | None = None) -> Response:
        def found(connection: Connection) -> Response:
            return _written(programme.written(connection, store), request)

        return await _tell(calls, request, found)

    @routes.put("/programme")
    async def replace(request: Request) -> Response:
        """What it does not name is withdrawn."""
        return await _take(calls, request, MOST, _read, _keep_alone)

    @routes.patch("/programme")
    async def add(request: Request) -> Response:
        """What it does not name stays."""
        return await _take(calls, request, MOST, _read, _keep)


def _parts(routes: APIRouter, calls: Calls) -> None:
    @routes.get("/programme/{kind}/{name}")
    async def give(request: Request, kind: str, name: str) -> Response:
        def found(connection: Connection) -> Response:
            part = content.every(connection, _kind(kind)).get(name)
            if part is None:
                raise not_found(f"there is no {SECTIONS[kind]} {name}")
            return Response(encode(part), media_type="application/json")

        return await _tell(calls, request, found)

    @routes.put("/programme/{kind}/{name}")
    async def put(request: Request, kind: str, name: str) -> Response:
        def read(data: bytes, _: datetime) -> _Given:
            return _read_one(data, _kind(kind), name)

        return await _take(calls, request, _MOST_OF_ONE, read, _keep)

    @routes.delete("/programme/{kind}/{name}")
    async def withdraw(request: Request, kind: str, name: str) -> Response:
        def keep(connection: Connection, _: str, __: _Nothing, ___: datetime) -> None:
            programme.withdraw(connection, _kind(kind), name)

        return await _take(calls, request, 0, _read_nothing, keep)


def _emergencies(routes: APIRouter, calls: Calls) -> None:
    @routes.put("/emergency")
    async def begin(request: Request) -> Response:
        def keep(connection: Connection, _: str, call: _Call, at: datetime) -> None:
            wanted = Call(title=call.title, text=call.text, stores=call.stores, until=call.until)
            emergency.begin(connection, wanted, at)

        return await _take(calls, request, _MOST_OF_ONE, lambda data, _: decode(data, _Call), keep)

    @routes.delete("/emergency")
    async def end(request: Request) -> Response:
        def keep(connection: Connection, _: str, __: _Nothing, ___: datetime) -> None:
            emergency.end(connection)

        return await _take(calls, request, 0, _read_nothing, keep)


async def _take(calls: Calls, request: Request, most: int, read: Read[Body], keep: Keep[Body]) -> Response:
    """Take a change from who shows a key in the header: no stranger's YAML is read."""

    def kept(connection: Connection, by: str, body: Body, at: datetime) -> None:
        with _said():
            keep(connection, by, body, at)

    return await calls.take(request, "programme", most, read, kept, keyed=True)


async def _tell(calls: Calls, request: Request, give: Callable[[Connection], Response]) -> Response:
    def told(connection: Connection) -> Response:
        with _said():
            return give(connection)

    return await calls.show(request, "programme", told)


@contextmanager
def _said() -> Iterator[None]:
    """Answer what is wrong with a call as such."""
    try:
        yield
    except ProgrammeRefused as error:
        raise _problems(error.problems) from error
    except Unknown as error:
        raise not_found(str(error)) from error
    except StillNamed as error:
        raise refusal(409, "still_named", str(error)) from error
    except CentralError as error:
        raise refusal(400, "invalid", str(error)) from error


def _problems(found: Sequence[Problem]) -> HTTPException:
    """So many at once; the first also where every refusal has its own."""
    refused = refusal(400, "invalid", found[0].text, field=found[0].path)
    listed = [{"field": one.path, "line": one.line, "rule": one.text} for one in found[:_MOST_PROBLEMS]]
    return HTTPException(400, {**cast(dict[str, object], refused.detail), "problems": listed})


def _kind(said: str) -> Kind:
    if said not in KINDS:
        raise not_found(f"there are no {said[:40]}: ask for {', '.join(KINDS)}")
    return said


def _keep(connection: Connection, _: str, given: _Given, at: datetime) -> None:
    programme.take(connection, given.programme, at)


def _keep_alone(connection: Connection, _: str, given: _Given, at: datetime) -> None:
    programme.take(connection, given.programme, at, alone=True)


def _read(data: bytes, _: datetime) -> _Given:
    try:
        return _Given(programme=file.parse(_text(data)))
    except SettingsError as error:
        raise _problems(error.problems) from error


def _read_one(data: bytes, kind: Kind, name: str) -> _Given:
    """One record; its id may be left out, for the address says it."""
    document = documents.parse(_text(data))
    named = SECTIONS[kind]
    if isinstance(document.value, dict) and document.value.setdefault(named, name) != name:
        document.wrong((named,), f"must be {name}, as in the address, or left out")
    part = settings.make(document, document.value, shape_of(kind), ())
    if document.problems:
        raise _problems(document.problems)
    return _Given(programme=programme.of([part]))


def _read_nothing(_: bytes, __: datetime) -> _Nothing:
    return _Nothing()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8") from error


def _written(said: Programme, request: Request) -> Response:
    """As YAML, the way it is kept in files, or as JSON for who asks for that."""
    if "application/json" not in request.headers.get("accept", ""):
        return Response(file.write(said), media_type=_YAML)
    sections = {section: getattr(said, section) for section in SECTIONS}
    return Response(encode(sections), media_type="application/json")
