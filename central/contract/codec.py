"""Turns contract records into bytes and back, trusting no byte it is given."""

from __future__ import annotations

import re
import zlib
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from ground.errors import NorenError

T = TypeVar("T")

MAX_WIRE = 1 << 20
"""Bytes of one message on the wire; a broker's own limit should be the same."""
MAX_PLAIN = 8 << 20
"""Bytes of one message after decompression: what a compression bomb may grow to."""
MAX_DEPTH = 32
MAX_BRACKETS = 1 << 18
"""As many as the bytes of a batch's events."""
PAYS = 512
"""Bytes under which compression costs more than it saves (one event alone: 295 → 214 bytes)."""

Id = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}\\Z")]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=2000)]
Time = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]


class Unreadable(NorenError):
    """Bytes that are no record of the wanted kind; the message names the field and what it should be."""


def encode(record: Any) -> bytes:
    """Give the record's JSON, compact, always the same for the same record."""
    return msgspec.json.encode(record)


def decode(data: bytes, shape: type[T]) -> T:
    """Read JSON as a `shape`; fields it does not know are ignored. Raises Unreadable."""
    if len(data) > MAX_PLAIN:
        raise Unreadable(f"{len(data)} bytes are more than the {MAX_PLAIN} that one message may have")
    _check_depth(data)
    if b"\\u0000" in data:
        raise Unreadable("a text holds the character NUL, which no database keeps")
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from error


def pack(record: Any) -> bytes:
    """Encode for the wire: JSON, deflated where that pays."""
    plain = encode(record)
    if len(plain) < PAYS:
        return plain
    small = zlib.compress(plain, 6)
    return small if len(small) < len(plain) else plain


def unpack(data: bytes, shape: type[T]) -> T:
    """Undo `pack`. Raises Unreadable, also for what would grow past MAX_PLAIN."""
    if len(data) > MAX_WIRE:
        raise Unreadable(f"{len(data)} bytes are more than the {MAX_WIRE} that one message may have")
    if data[:1] == b"x":  # A zlib stream starts with 0x78; JSON never does.
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(data, MAX_PLAIN)
        except zlib.error as error:
            raise Unreadable(f"the compressed message is broken: {error}") from error
        if not inflater.eof or inflater.unused_data:
            raise Unreadable("the compressed message is cut off, too large, or has something behind it")
    return decode(data, shape)


_STRING = re.compile(rb'"[^"]*+(?:"|\Z)')
_NO_MARK = bytes(set(range(256)) - set(b'[]{}"'))


def _check_depth(data: bytes) -> None:
    # msgspec guards its own recursion, but what is kept raw is read by others later. Every step is one of C's, and the
    # last ones see only as many bytes as there are brackets: 8 kB can unpack to millions of them, or of strings.
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    if (count := sum(data.count(bracket) for bracket in (b"[", b"]", b"{", b"}"))) > MAX_BRACKETS:
        raise Unreadable(f"{count} brackets are more than the {MAX_BRACKETS} that one message may have")
    marks = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARK)
    # What stands between two strings is gone, too: here they become one, or none.
    brackets = _STRING.sub(b"", marks.replace(b'""', b""))
    for _ in range(MAX_DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise Unreadable(f"it is nested deeper than {MAX_DEPTH}, or a bracket has no partner")
