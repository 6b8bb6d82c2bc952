"""The form of a scenario: what can be sensed of every shopper, and the truth about who they are and agreed to."""

from __future__ import annotations

from dataclasses import dataclass

from ground.programme.records import Language

ZONES = ("entrance", "shelf", "till")
READER = "till-camera"
"""The names that the demo gives to the zones of a store and to the camera at its till."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    data: str
    """Its raw AD structures, in hex."""
    address: str
    interval_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    zone: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A code held before a reader."""

    reader: str
    begin: float
    end: float
    format: str
    content: str
    own: bool = False
    """Whether it is a member's own, as they may know them by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """One visit of one person: what of them can be sensed."""

    shopper: str
    beacons: tuple[Beacon, ...] = ()
    stays: tuple[Stay, ...] = ()
    shows: tuple[Show, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    shoppers: tuple[Shopper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who a shopper is, and whether the beacon that we know them by is on the air."""

    role: str
    customer: str | None = None
    beacon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is true of a member of the chain; `purposes` at second 0."""

    number: str
    nickname: str
    language: Language
    stores: tuple[str, ...]
    """Where they are known: a store that they never visited has not heard of them."""
    purposes: tuple[str, ...]
    bought: tuple[str, ...] = ()
    """Products by their sku."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A consent given or withdrawn: it took effect at some moment from `at` to `done`."""

    at: float
    done: float
    customer: str
    purpose: str
    gives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    shoppers: dict[str, Bearer]
    members: dict[str, Known]
    changes: tuple[Change, ...] = ()
    sensitive: tuple[str, ...] = ()
    """Products that no screen may show to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Times are seconds from its beginning."""

    name: str
    seconds: float
    stores: dict[str, Store]
    truth: Truth
