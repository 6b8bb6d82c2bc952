"""What the demo and its store page say to each other over a Unix socket: one JSON line a message, no I/O here.

The demo listens, the page connects. Demo → page: Opening once, then State whenever something changed and at least every
two seconds, Answer to each order. Page → demo: Order. Times are seconds of the scenario unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import msgspec

from ground.programme.records import Texts

T = TypeVar("T")

MAX_LINE = 1 << 20
"""Bytes of one message; a longer line closes the connection."""

Kind = Literal["agent", "player", "broker", "central"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    screen: str
    zone: str
    journal: str
    """Path of the player's journal, one JSON line at each first frame and each end."""
    mirror: str
    """Path of the player's mirror, what is on the screen right now (docs/protocol.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A product that can be looked at in the web shop: in stock here, and nothing sensitive."""

    sku: str
    name: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    store: str
    name: Texts
    zones: tuple[str, ...]
    """In the order in which one walks through them; there is a receiver in each."""
    reader: str
    """The zone where member codes are read."""
    screens: tuple[Screen, ...]
    goods: tuple[Goods, ...]
    folder: str = ""
    """Of its agent, where the key lies that opens what the players' journals carry; nothing: they carry it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    shops: tuple[Shop, ...]
    url: str
    """Central's database, for reading."""
    disks: Texts = field(default_factory=dict)
    """Why no disk can be filled on this machine; empty where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a store, or a guest who can be called in."""

    person: str
    """The shopper's id; the same as long as they are in the store."""
    store: str
    zone: str
    """Where they stand; nothing: outside."""
    label: str
    """A member's nickname (made up, as everybody here); nothing for a stranger."""
    member: bool
    beacon: bool
    """Whether the store can know them by their beacon."""
    presence: bool
    signage: bool
    """What they agree to at this moment."""
    guest: bool
    """Whether the buttons may move them: the others follow the script."""
    code: bool
    """Whether they hold a member code to the reader right now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A process."""

    part: str
    """Its name, as in Order.part of a kill."""
    kind: Kind
    store: str
    """Nothing for what is central's."""
    up: bool
    """Whether it runs and is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    store: str
    connected: bool
    """Whether its network is whole."""
    disk_full: bool
    made: int
    """Events that its agent committed."""
    waiting: int
    """Of them, those that central has not acknowledged."""
    refused: int
    """Events that happened and could not be kept: lost, and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    fault: int
    what: str
    """agent, player, broker, central, network or disk."""
    where: str
    """The part's or the store's name."""
    at: float
    took: float | None
    """Seconds of recovery, from a kill, or from when a line was whole or a disk had room again; None while it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    now: float
    people: tuple[Person, ...]
    parts: tuple[Part, ...]
    stores: tuple[Store, ...]
    faults: tuple[Fault, ...]
    """The last few, newest first."""
    fault_count: int
    worst_black_s: float
    """The longest that any screen was without a picture since the shop opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A button: `what` is done; the other fields as that needs them.

    walk-in (store): a guest comes in and goes to the shelf. meet (store): two guests stand at the shelf together.
    code (store, person): they go to the till and show their code. view (person, sku): they look at a product in the web
    shop. give, withdraw (person, purpose). cut, join (store): the network. fill, free (store): the disk. kill (part).
    leave (person): they go.
    """

    order: int
    """Comes back in Answer."""
    what: Literal["walk-in", "meet", "code", "view", "give", "withdraw", "leave", "cut", "join", "fill", "free", "kill"]
    store: str = ""
    person: str = ""
    part: str = ""
    sku: str = ""
    purpose: Literal["", "presence", "signage"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    order: int
    refused: Texts = field(default_factory=dict)
    """Why nothing was done, in each language; empty when it was."""


ToPage: TypeAlias = Opening | State | Answer

_TO_PAGE: dict[str, type[ToPage]] = {"opening": Opening, "state": State, "answer": Answer}
_NAMES = {shape: kind for kind, shape in _TO_PAGE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    kind: str
    body: msgspec.Raw


def line(message: ToPage | Order) -> bytes:
    """Encode one message with its line end."""
    if isinstance(message, Order):
        return msgspec.json.encode(message) + b"\n"
    body = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.json.encode(_Line(kind=_NAMES[type(message)], body=body)) + b"\n"


def for_page(data: bytes) -> ToPage:
    """Read a line that the demo sent. Raises msgspec.DecodeError."""
    read = msgspec.json.decode(data, type=_Line)
    if read.kind not in _TO_PAGE:
        raise msgspec.DecodeError(f"there is no message of the kind {read.kind}")
    return msgspec.json.decode(read.body, type=_TO_PAGE[read.kind])


def for_demo(data: bytes) -> Order:
    """Read a line that the page sent. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Order)
