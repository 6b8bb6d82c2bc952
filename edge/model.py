"""The words of the shop floor: what is heard and read, and who is where. Times are seconds of CLOCK_MONOTONIC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

CustomerId = NewType("CustomerId", str)
ZoneId = NewType("ZoneId", str)
ScreenId = NewType("ScreenId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advert:
    """One advertisement as a radio heard it; `data` is its raw AD structures, the same from every radio."""

    at: float
    receiver: str
    zone: ZoneId
    address: str
    rssi: int | None
    """dBm; None where the radio did not say (0 and -127 mean the same)."""
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One code as it came into view of a reader; `at` is when its frame entered the process."""

    at: float
    reader: str
    zone: ZoneId
    format: str
    content: bytes
    """The code's exact bytes."""
    question: str = ""
    """Where the register waits for a word on it (a shared scanner): by which the answer is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A known customer's beacon, heard by one receiver."""

    at: float
    customer: CustomerId
    receiver: str
    zone: ZoneId
    rssi: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A customer came into a zone or left it."""

    what: Literal["arrived", "left"]
    customer: CustomerId
    zone: ZoneId
    at: float
    """When it was decided."""
    heard_at: float
    """When the sighting (arrived), or the last sighting there (left), entered the process."""
    since: float
    """When the customer was first heard in this zone: decided minus this is presence's own waiting, or the dwell."""
    visit: str
