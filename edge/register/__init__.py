"""What the register's process and an agent say to each other over a Unix socket: one JSON line a message, no I/O here.

The process listens; the agent connects. Process → agent: Question, Vitals. Agent → process: Answer, Hand.
Times are seconds of CLOCK_MONOTONIC of the machine that both run on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from edge.errors import EdgeError

T = TypeVar("T")

MAX_LINE = 1 << 16
"""Bytes of one message; a longer line closes the connection, like one that is none of these."""
LONGEST = 1 << 14
"""Bytes of a code that anybody is asked about."""

Id = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}\\Z")]
NUMBER = r"^[ -~]{1,32}\Z"
Number = Annotated[str, Meta(pattern=NUMBER)]
"""How the register knows a member: characters that every keyboard types."""
Text = Annotated[str, Meta(max_length=400)]


class Garbled(EdgeError):
    """A line that is no message of ours; the text names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whose is this code? It is passed on unchanged unless an Answer comes in time."""

    question: Id
    reader: Id
    format: Annotated[str, Meta(max_length=32)]
    content: Annotated[bytes, Meta(max_length=LONGEST)]
    at: Annotated[float, Meta(ge=0)]
    """When it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the process is, at the beginning of a connection and every few seconds."""

    counts: Annotated[dict[Annotated[str, Meta(max_length=64)], int], Meta(max_length=200)]
    troubles: Annotated[dict[Annotated[str, Meta(max_length=64)], Text], Meta(max_length=50)] = field(
        default_factory=dict
    )
    """A sentence for each scanner, by its name, and for each way to the register that does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Ours: the register does not get what was read, but the number if there is one. Else it does."""

    question: Id
    ours: bool
    number: Number | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Tell the register a member whose code was read elsewhere, or who is known only now."""

    number: Number
    reader: Id


ToAgent: TypeAlias = Question | Vitals
ToRegister: TypeAlias = Answer | Hand

_TO_AGENT: dict[str, type[ToAgent]] = {"question": Question, "vitals": Vitals}
_TO_REGISTER: dict[str, type[ToRegister]] = {"answer": Answer, "hand": Hand}
_NAMES = {shape: kind for kind, shape in [*_TO_AGENT.items(), *_TO_REGISTER.items()]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    kind: str
    body: msgspec.Raw


def line(message: ToAgent | ToRegister) -> bytes:
    """Encode one message with its line end."""
    body = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.json.encode(_Line(kind=_NAMES[type(message)], body=body)) + b"\n"


def for_agent(data: bytes) -> ToAgent:
    """Read a line that the process sent. Raises Garbled."""
    return _read(data, _TO_AGENT)


def for_register(data: bytes) -> ToRegister:
    """Read a line that an agent sent. Raises Garbled."""
    return _read(data, _TO_REGISTER)


def _read(data: bytes, kinds: Mapping[str, type[T]]) -> T:
    try:
        read = msgspec.json.decode(data, type=_Line)
        return msgspec.json.decode(read.body, type=kinds[read.kind])
    except KeyError as error:
        raise Garbled(f"There is no message {error}.") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Garbled(str(error)) from error
