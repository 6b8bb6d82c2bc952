"""Plays adverts from a file of JSON lines, in the time they were recorded in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from edge import beacons
from edge.errors import SensorError
from edge.model import Advert, ZoneId
from edge.ports import Deliver

log = logging.getLogger(__name__)

TOLD = 20
"""Unreadable lines that are logged one by one; all are counted."""
AT_A_TIME = 64
"""Adverts between two breaths for the rest of the process when going as fast as it goes."""
YEAR_2100 = 4_102_444_800


class _Line(msgspec.Struct):
    time: float | str
    address: Annotated[str, msgspec.Meta(max_length=64)]
    rssi: Annotated[int, msgspec.Meta(ge=-128, le=127)] | None
    data: str


class Recorded:
    """A recording; `speed` 1 is as recorded, 0 as fast as it goes. `unreadable` counts the lines set aside."""

    trouble = ""

    def __init__(
        self,
        name: str,
        zone: str,
        file: Path,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.file = file
        self.speed = speed
        self.unreadable = 0
        self._clock = clock
        self._sleep = sleep

    @property
    def counts(self) -> dict[str, int]:
        return {"recorded_unreadable": self.unreadable}

    async def run(self, deliver: Deliver) -> None:
        """Play the file once, then return. Raises SensorError when it cannot be read.

        An advert's `at` is the moment of its recording, counted from the start of the replay: at any speed the
        intervals between adverts are those that were heard.
        """
        self.unreadable = 0
        began = self._clock()
        first: float | None = None
        for count, (moment, line, data) in enumerate(self._lines()):
            first = moment if first is None else first
            since = max(0.0, moment - first)
            wait = began + since / self.speed - self._clock() if self.speed else 0.0
            if wait > 0 or count % AT_A_TIME == 0:
                await self._sleep(max(0.0, wait))
            deliver(
                Advert(
                    at=began + since,
                    receiver=self.name,
                    zone=self.zone,
                    address=line.address,
                    rssi=beacons.level(line.rssi),
                    data=data,
                )
            )
        if self.unreadable:
            log.warning("%s has %d unreadable lines, which were set aside", self.file, self.unreadable)

    def _lines(self) -> Iterator[tuple[float, _Line, bytes]]:
        decoder = msgspec.json.Decoder(_Line)
        try:
            with self.file.open("rb") as lines:
                for number, raw in enumerate(lines, 1):
                    if not raw.strip():
                        continue
                    try:
                        line = decoder.decode(raw)
                        read = _moment(line.time), line, bytes.fromhex(line.data)
                    except (ValueError, RecursionError) as error:
                        self._set_aside(number, error)
                    else:
                        yield read
        except OSError as error:
            raise SensorError(
                f"The recording {self.file} cannot be read: {error.strerror}.", fix="Check its path and its owner."
            ) from error

    def _set_aside(self, number: int, error: Exception) -> None:
        self.unreadable += 1
        if self.unreadable <= TOLD:
            log.warning("%s, line %d is no advertisement: %s", self.file, number, error)


def _moment(said: float | str) -> float:
    """Seconds since some fixed time. Raises ValueError."""
    if isinstance(said, str):
        moment = datetime.fromisoformat(said)
        said = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not 0 <= said < YEAR_2100:
        raise ValueError("its time is before 1970 or after 2100")
    return said
