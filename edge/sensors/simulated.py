"""Plays the shoppers of a scenario file to a radio and to a camera, as real advertisement bytes and real frames."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy

from edge import beacons
from edge.codes import Gray
from edge.errors import SensorError
from edge.model import Advert, ZoneId
from edge.ports import Deliver

NEAR, FAR = -58.0, -84.0
"""dBm at the receiver of the zone one stands in, and at the others."""
FADING = 4.0
"""dB, standard deviation from one advert to the next."""
LOSS = 0.15
"""The share of adverts that a receiver misses."""
JITTER = 0.01
"""Seconds by which a beacon is early or late, so that two of one interval do not collide for ever."""
LATE = 1.0
"""Seconds after which an advert that could not be delivered is not made up for."""

WIDTH, HEIGHT = 1280, 720
COUNTER, NOISE, NOISES = 70, 3.0, 4
"""Brightness of an empty counter, the sensor's noise on it, and how many frames of it there are."""
SCREEN = 235
MODULE = 4
"""Pixels a module of a code before the phone is tilted."""
TILT = 5.0
BLUR = 0.6

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


class SimulatedRadio:
    """A radio in a zone of a scenario's store."""

    def __init__(
        self,
        name: str,
        zone: str,
        *,
        store: str,
        scenario: Path,
        start: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.store = store
        self.scenario = scenario
        self.start = start
        self._clock = clock
        self._sleep = sleep

    async def run(self, deliver: Deliver) -> None:
        """Sense until the scenario is over, then stay silent until cancelled. Raises SensorError.

        The scenario's second 0 is at CLOCK_MONOTONIC `start`, or at the first run where that is 0: who is run again
        goes on at the right place.
        """
        scenario, store = read(self.scenario, self.store)
        start = self.start = self.start or self._clock()
        dice = random.Random(f"{scenario.name}/{self.name}")  # noqa: S311 - it has to be the same every time.
        for due, beacon, zone in on_air(store, dice, self._clock() - start):
            wait = start + due - self._clock()
            if wait > 0:
                await self._sleep(wait)
            if wait < -LATE or dice.random() < LOSS:
                continue
            heard = dice.gauss(NEAR if zone == self.zone else FAR, FADING)
            deliver(
                Advert(
                    at=self._clock(),
                    receiver=self.name,
                    zone=self.zone,
                    address=beacon.address,
                    rssi=beacons.level(round(heard)),
                    data=bytes.fromhex(beacon.data),
                )
            )
        await asyncio.Event().wait()


def on_air(store: Store, dice: random.Random, after: float) -> Iterator[tuple[float, Beacon, str]]:
    """Every advert from a second of the scenario on, in order: when, whose, and the zone its bearer is in then."""
    senders = [
        _sent(beacon, shopper.stays, dice.random() * beacon.interval_ms / 1000, dice, after)
        for shopper in store.shoppers
        for beacon in shopper.beacons
    ]
    return heapq.merge(*senders, key=lambda sent: sent[0])


def _sent(
    beacon: Beacon, stays: Iterable[Stay], phase: float, dice: random.Random, after: float
) -> Iterator[tuple[float, Beacon, str]]:
    interval = beacon.interval_ms / 1000
    for stay in sorted(stays, key=lambda stay: stay.begin):
        count = math.ceil((max(stay.begin, after) - phase) / interval)
        while (due := phase + count * interval) < stay.end:
            yield due + dice.uniform(-JITTER, JITTER), beacon, stay.zone
            count += 1


def frames(
    name: str,
    *,
    store: str,
    scenario: Path,
    start: float = 0.0,
    rate: int = 15,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[], Generator[Gray, None, None]]:
    """What a camera named `name` sees of a scenario: `rate` frames a second, those left out that nobody waited for."""

    def opened() -> Generator[Gray, None, None]:
        nonlocal start
        here = read(scenario, store)[1]
        shows = [show for shopper in here.shoppers for show in shopper.shows if show.reader == name]
        start = start or clock()
        empty = counter(name)
        phones: dict[Showing, Gray] = {}
        count = -1
        while True:
            count = max(count + 1, math.floor((clock() - start) * rate))
            wait = start + count / rate - clock()
            if wait > 0:
                sleep(wait)
            now = count / rate
            frame = empty[count % NOISES]
            show = next((show for show in shows if show.begin <= now < show.end), None)
            if show is None:
                phones.clear()
            else:
                if show not in phones:
                    phones[show] = phone(show)
                frame = held(frame, phones[show], now)
            yield frame

    return opened


def counter(seed: str) -> list[Gray]:
    """An empty counter in dim light, a few times with the sensor's noise."""
    dice = numpy.random.default_rng(list(seed.encode()))
    light = numpy.linspace(COUNTER - 10, COUNTER + 10, WIDTH, dtype=numpy.float32)
    noises = (dice.standard_normal((HEIGHT, WIDTH), dtype=numpy.float32) * NOISE for _ in range(NOISES))
    return [(light + noise).astype(numpy.uint8) for noise in noises]


def phone(show: Showing) -> Gray:
    """A phone that shows a code, a little turned, tilted and blurred, on a piece of the counter. Raises SensorError."""
    try:
        from PIL import Image, ImageFilter
        from zxingcpp import BarcodeFormat, create_barcode
    except ImportError as error:
        raise SensorError(f"Codes cannot be drawn: {error}.", fix="pip install zxing-cpp pillow") from error
    try:
        symbol = BarcodeFormat.EAN13 if show.format == "EAN13" else BarcodeFormat.QRCodeModel2
        # Of text that is not ASCII it would choose the encoding itself.
        content = show.content if show.content.isascii() else show.content.encode()
        code = numpy.asarray(create_barcode(content, symbol).to_image(scale=MODULE))
    except ValueError as error:
        raise SensorError(f"The scenario shows a code that is none: {error}.", fix="Correct its content.") from error
    screen = numpy.pad(code, ((70, 90), (24, 24)), constant_values=SCREEN)
    flat = Image.fromarray(numpy.pad(numpy.pad(screen, 14, constant_values=20), 50, constant_values=COUNTER))
    dice = random.Random(f"{show.reader}/{show.begin}")  # noqa: S311 - the same hand every time.
    width, height = flat.size
    turn = math.radians(dice.uniform(-TILT, TILT))
    held_at: list[float] = []
    for x, y in ((0, 0), (0, height), (width, height), (width, 0)):
        right, down = x - width / 2, y - height / 2
        held_at.append(width / 2 + right * math.cos(turn) - down * math.sin(turn) + dice.uniform(-0.02, 0.02) * width)
        held_at.append(height / 2 + right * math.sin(turn) + down * math.cos(turn) + dice.uniform(-0.02, 0.02) * width)
    seen = flat.transform(
        flat.size, Image.Transform.QUAD, held_at, resample=Image.Resampling.BILINEAR, fillcolor=COUNTER
    )
    return numpy.asarray(seen.filter(ImageFilter.GaussianBlur(BLUR)))[:HEIGHT, :WIDTH]


def held(empty: Gray, phone: Gray, now: float) -> Gray:
    """A frame with the phone in it, where a hand that is never still holds it."""
    height, width = phone.shape
    top = round((HEIGHT - height) / 2 * (1 + 0.05 * math.sin(4.4 * now)))
    left = round((WIDTH - width) / 2 * (1 + 0.03 * math.sin(3.1 * now)))
    frame = empty.copy()
    frame[top : top + height, left : left + width] = phone
    return frame
