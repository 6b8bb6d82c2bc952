"""The kinds of event that a store reports, and the times each was born with; never a name or a number of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw

from central.contract.asks import Code
from central.contract.batches import MAX_EVENT, DropClass
from central.contract.codec import Count, Id, Text, Time, Unreadable, Whole, Word, decode, encode

Customer = Id
Millis = Annotated[int, Meta(ge=0, le=10**12)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=100)]
Means = Literal["beacon", "code"]
DRIFT = 100e-6
"""Seconds a second by which a crystal may run wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """When an event happened, as its agent could know it; central corrects by `clock-offset`, never here."""

    wall: Time
    boot: Id
    """The kernel's boot id: the same until the machine starts anew."""
    up_ms: Millis
    """CLOCK_BOOTTIME in milliseconds: right also when the wall clock is not."""
    synced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The envelope: a kind of the table below, the times of birth, and that kind's body."""

    kind: Id
    born: Born
    body: Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStarted:
    version: Word
    epoch: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """The machine's own wall clock plus `offset_ms` was central's time when this was measured.

    `boot_at`, where given, says it for all events of this boot: central's time at CLOCK_BOOTTIME 0, right within
    `within_ms` whatever the wall clock did since. There may be several of one boot.
    """

    boot: Id
    offset_ms: Whole
    within_ms: Millis
    boot_at: Time | None = None
    at_ms: Millis = 0
    """CLOCK_BOOTTIME when it was measured: a crystal drifts (DRIFT), so it is less sure for events far from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLost:
    """The agent's database could not be used any more, was set aside, and a new epoch begun.

    Of the epoch before, `saved` events came over and are sent again with their origin; what was not acknowledged and
    could not be read is unknown where `last` is not.
    """

    epoch: Id | None
    acked: Count
    last: Count | None
    saved: Count
    reason: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitStarted:
    """A customer who agreed to presence came into a zone."""

    visit: Id
    customer: Customer
    zone: Id
    means: Means


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEnded:
    visit: Id
    customer: Customer
    zone: Id
    dwell_ms: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A code was read; the customer only where it is a member's who agreed.

    `expired`, `used` and `wrong` are signed codes: too old (or of the future), read at another reader before, signed by
    none of our keys. `product` is a product's or a poster's.
    """

    scan: Id
    reader: Id
    zone: Id
    outcome: Literal["member", "unknown", "expired", "used", "wrong", "product", "other"]
    customer: Customer | None = None
    how: Literal["card", "signed"] | None = None
    code: Code | None = None
    """Which signed code it was, where its signature is ours: found twice, somebody has shown a copy."""
    timed: bool = True
    """Whether the agent knew what time it was; without, a signed code's age is unknown."""
    sku: Word | None = None
    poster_store: Id | None = None
    poster_zone: Id | None = None
    """Where the poster or label hangs that was read, as it says itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Proof of play: one scene that was on a screen, from its first flipped frame to its last."""

    play: Id
    screen: Id
    scene: Id
    layout: Id
    cause: Literal["schedule", "beacon", "scan", "override"]
    level: Annotated[int, Meta(ge=0, le=2)]
    customers: Ids = ()
    shown: Annotated[tuple[Word, ...], Meta(max_length=50)] = ()
    """Products or contents on it, by their ids."""
    shown_ms: Millis
    ended: Literal["over", "cleared", "replaced", "withdrawn", "broken", "stopped", "lost"]
    content: Id | None = None
    campaign: Id | None = None
    names: Annotated[tuple[Text, ...], Meta(max_length=13)] = ()
    """Title of the content and names of the items as they were read; of a scene for a person without its title."""
    zones: Ids = ()
    """From which the screen is seen."""
    late: Count = 0
    """Frames that came later than they should have."""
    region: Id = "main"
    ago_ms: Millis = 0
    """From its last frame to when the agent was told: one that was away hears of plays later."""
    trigger_ms: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    """From the sighting or scan entering the agent to the first flipped frame."""
    decision_ms: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    """From the decision to the first flipped frame: without presence's own waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdCounted:
    """How many radios that are nobody's were heard in a zone; which, nobody keeps."""

    zone: Id
    radios: Count
    over_ms: Millis


KINDS: dict[str, tuple[type[Any], DropClass]] = {
    "agent-started": (AgentStarted, "vital"),
    "clock-offset": (ClockOffset, "vital"),
    "storage-lost": (StorageLost, "vital"),
    "visit-started": (VisitStarted, "visits"),
    "visit-ended": (VisitEnded, "visits"),
    "scanned": (Scanned, "visits"),
    "played": (Played, "plays"),
    "crowd-counted": (CrowdCounted, "counts"),
}
"""Every kind, its body, and what a full outbox may do with it. A new kind is a record and a line here."""

_NAMES = {shape: kind for kind, (shape, _) in KINDS.items()}


def make(body: Any, born: Born) -> bytes:
    """Encode an event once: what is stored is what is sent. Raises Unreadable where it is over 64 KiB."""
    data = encode(Event(kind=_NAMES[type(body)], born=born, body=Raw(encode(body))))
    if len(data) > MAX_EVENT:
        raise Unreadable(f"an event of {len(data)} bytes is over the {MAX_EVENT} that the outbox takes")
    return data


def read(data: bytes) -> tuple[Event, Any | None]:
    """Decode an event and its body; the body is None for a kind from a newer agent. Raises Unreadable."""
    event = decode(data, Event)
    known = KINDS.get(event.kind)
    return event, decode(bytes(event.body), known[0]) if known else None


def class_of(body: Any) -> DropClass:
    """How early a full outbox gives up an event with this body."""
    return KINDS[_NAMES[type(body)]][1]
