"""Reads what shoppers do: from a scenario, and from the lines that a live file gains while the scenario plays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.errors import SensorError

log = logging.getLogger(__name__)

LONGEST = 1 << 20
"""Bytes of a live line; a longer one is set aside."""
AT_ONCE = 1 << 16
TOLD = 20
"""Unreadable lines that are logged one by one; all are counted."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e6)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    data: str
    address: Annotated[str, msgspec.Meta(max_length=64)]
    interval_ms: Annotated[int, msgspec.Meta(ge=20, le=60_000)]

    def __post_init__(self) -> None:
        bytes.fromhex(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A shopper in a zone, in seconds of the scenario."""

    zone: str
    begin: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """A shopper who holds a code before a reader."""

    reader: str
    begin: Seconds
    end: Seconds
    format: Literal["QRCode", "EAN13"]
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    shopper: str
    beacons: tuple[Beacon, ...] = ()
    stays: tuple[Stay, ...] = ()
    shows: tuple[Showing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    shoppers: tuple[Shopper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens; what is true of it is in the same file and not read here."""

    name: str
    seconds: Seconds
    stores: dict[str, Store]


def read(file: Path, store: str) -> tuple[Scenario, Store]:
    """Read a scenario and one of its stores. Raises SensorError."""
    fix = "Make it anew, or name another file."
    try:
        scenario = msgspec.json.decode(file.read_bytes(), type=Scenario)
    except OSError as error:
        raise SensorError(f"The scenario {file} cannot be read: {error.strerror}.", fix=fix) from error
    except (ValueError, RecursionError) as error:
        raise SensorError(f"The scenario {file} is none: {error}.", fix=fix) from error
    if store not in scenario.stores:
        known = ", ".join(sorted(scenario.stores)) or "none"
        raise SensorError(f"The scenario {file} has no store {store}.", fix=f"It has: {known}.")
    return scenario, scenario.stores[store]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    store: str
    shopper: Shopper


class Live:
    """The lines of a file that grows and may come later, or never. `unreadable` counts those set aside."""

    def __init__(self, file: Path | None, store: str) -> None:
        self.file = file
        self.store = store
        self.unreadable = 0
        self._decoder = msgspec.json.Decoder(_Line)
        self._opened: FileIO | None = None
        self._rest = b""
        self._number = 0

    def close(self) -> None:
        """Be done with the file."""
        if self._opened is not None:
            self._opened.close()

    def news(self) -> dict[str, Shopper]:
        """The last word on each of the store's shoppers since this was last asked. Raises SensorError."""
        said: dict[str, Shopper] = {}
        try:
            for raw in self._lines():
                self._number += 1
                line = self._read(raw)
                if line is not None and line.store == self.store:
                    said[line.shopper.shopper] = line.shopper
        except OSError as error:
            raise SensorError(
                f"The live shoppers {self.file} cannot be read: {error.strerror}.", fix="Check its path and its owner."
            ) from error
        return said

    def _lines(self) -> Iterator[bytes]:
        """What is whole by now; the rest is waited for."""
        if self.file is None:
            return
        if self._opened is None:
            try:
                self._opened = FileIO(self.file)
            except FileNotFoundError:
                return
        while more := self._opened.read(AT_ONCE):
            *lines, rest = (self._rest + more).split(b"\n")
            # What is too long is not kept, but still seen to be too long when its end comes.
            self._rest = rest[: LONGEST + 1]
            yield from lines

    def _read(self, raw: bytes) -> _Line | None:
        try:
            if len(raw) <= LONGEST:
                return self._decoder.decode(raw)
        except (ValueError, RecursionError):
            pass
        self.unreadable += 1
        if self.unreadable <= TOLD:
            # What the decoder says of it may hold a piece of it.
            log.warning("%s, line %d is no shopper in a store: set aside", self.file, self._number)
        return None
