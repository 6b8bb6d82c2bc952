"""Reads calls of the Segment tracking specification: what they tell that we use, and when it really was."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

from central.contract.codec import Count, Id, Time, Unreadable, Word, decode

MAX_EVENT = 32 << 10
MAX_BATCH = 500 << 10
"""Bytes, as the specification has them, after decompression."""
MAX_EVENTS = 2500
"""Of one batch, as the specification has it."""
_TYPES = ("identify", "track", "page", "screen", "group", "alias")
_VIEWED = "Product Viewed"
_Name = Annotated[str, Meta(min_length=1, max_length=256)]
"""Somebody's id, as the source calls them."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Somebody looked at a product; `goods` are the names it may have with us, the likelier first."""

    customer: str
    goods: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A product's page was opened, by whom it does not say, perhaps by a code in a store."""

    goods: tuple[str, ...]
    store: str | None
    zone: str | None
    addresses: tuple[str, ...]
    """Of the page, the likelier first: one may say where the code hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that follows the specification; without `view` and `opened` it tells nothing that we use yet."""

    digest: str | None
    """SHA-256 of its messageId; whoever gave none cannot be told from their own repetition."""
    view: View | None
    opened: Opened | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one call brought."""

    write_key: str | None
    messages: tuple[Message, ...]
    refused: tuple[str, ...] = ()
    """Why others of the same batch can never be right."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    type: str
    message_id: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    user_id: _Name | None = None
    anonymous_id: _Name | None = None
    event: Word | None = None
    timestamp: Time | None = None
    original_timestamp: Time | None = None
    sent_at: Time | None = None
    properties: Raw = Raw(b"null")
    context: Raw = Raw(b"null")


class _Track(_Message, frozen=True, kw_only=True, rename="camel"):
    type: str = "track"
    write_key: str | None = None


class _Batch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    batch: Annotated[tuple[Raw, ...], Meta(max_length=MAX_EVENTS)]
    write_key: str | None = None
    sent_at: Time | None = None


class _Product(msgspec.Struct, frozen=True, kw_only=True):
    product_id: Word | Count | None = None
    sku: Word | Count | None = None


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    """What may say where a code hangs. Raw: nothing of it is worth refusing an event for."""

    store: Raw = Raw(b"null")
    zone: Raw = Raw(b"null")
    url: Raw = Raw(b"null")
    page: Raw = Raw(b"null")


def track(data: bytes, received: datetime) -> Told:
    """Read the body of one event. Raises Unreadable."""
    read = decode(data, _Track)
    if read.type != "track":
        raise Unreadable("Expected track, or nothing - at `$.type`")
    return Told(write_key=read.write_key, messages=(_message(read, None, received),))


def batch(data: bytes, received: datetime) -> Told:
    """Read a batch; what is wrong with one event costs no other. Raises Unreadable."""
    try:
        # Without the codec's own checks, which one event would fail for all.
        read = msgspec.json.decode(data, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from error
    messages: list[Message] = []
    refused: list[str] = []
    for raw in read.batch:
        try:
            messages.append(_message(_of_batch(bytes(raw)), read.sent_at, received))
        except Unreadable as error:
            refused.append(str(error))
    return Told(write_key=read.write_key, messages=tuple(messages), refused=tuple(refused))


def moment(received: datetime, original: datetime | None, sent: datetime | None) -> datetime:
    """When it was by our clock: the specification's received - (sent - original), but never later than received.

    Raises OverflowError for what lies outside all calendars.
    """
    if original is None:
        return received
    return min(received, original.astimezone(UTC) if sent is None else received - (sent - original))


def _of_batch(data: bytes) -> _Message:
    if len(data) > MAX_EVENT:
        raise Unreadable(f"{len(data)} bytes are more than the {MAX_EVENT} that an event may have")
    return decode(data, _Message)


def _message(read: _Message, sent: datetime | None, received: datetime) -> Message:
    if read.type not in _TYPES:
        # Said without the value, which may be anything: what is wrong with an event of a batch is logged.
        raise Unreadable(f"Expected one of {', '.join(_TYPES)} - at `$.type`")
    if read.user_id is None and read.anonymous_id is None:
        raise Unreadable("Give it or anonymousId - at `$.userId`")
    if read.type == "track" and read.event is None:
        raise Unreadable("Give the name of what happened - at `$.event`")
    try:
        at = moment(received, read.original_timestamp or read.timestamp, read.sent_at or sent)
    except OverflowError as error:
        raise Unreadable("There is no such day - at `$.timestamp`") from error
    digest = None if read.message_id is None else hashlib.sha256(read.message_id.encode()).hexdigest()
    view = opened = None
    if read.type == "track" and read.event == _VIEWED:
        goods = _goods(bytes(read.properties))
        # Who has not signed in is nobody we know: there is no identity graph yet.
        view = View(customer=read.user_id, goods=goods, at=at) if read.user_id else None
        opened = _opened(goods, bytes(read.properties), bytes(read.context))
    return Message(digest=digest, view=view, opened=opened)


def _opened(goods: tuple[str, ...], properties: bytes, context: bytes) -> Opened | None:
    said, around = _perhaps(properties, _Where), _perhaps(context, _Where)
    page = _perhaps(bytes(around.page), _Where) if around else None
    store, zone = (_perhaps(bytes(said.store), Id), _perhaps(bytes(said.zone), Id)) if said else (None, None)
    addresses = tuple(url for where in (said, page) if where and (url := _perhaps(bytes(where.url), str)))
    return Opened(goods=goods, store=store, zone=zone, addresses=addresses) if store or addresses else None


def _perhaps(data: bytes, shape: type[_T]) -> _T | None:
    try:
        return decode(data, shape)
    except Unreadable:
        return None


def _goods(properties: bytes) -> tuple[str, ...]:
    try:
        read = decode(properties, _Product)
    except Unreadable as error:
        said = str(error)
        where = said.replace("`$", "`$.properties") if "`$" in said else f"{said} - at `$.properties`"
        raise Unreadable(where) from error
    given: Sequence[str | int | None] = (read.product_id, read.sku)
    goods = tuple(dict.fromkeys(str(name) for name in given if name is not None))
    if not goods:
        raise Unreadable("Give it or sku - at `$.properties.product_id`")
    return goods
