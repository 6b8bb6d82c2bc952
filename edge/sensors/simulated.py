"""Plays the shoppers of a scenario file to a radio and to a camera, as real advertisement bytes and real frames."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy

from edge import beacons
from edge.codes import Gray
from edge.errors import SensorError
from edge.model import Advert, ZoneId
from edge.ports import Deliver
from edge.sensors.shoppers import Beacon, Live, Shopper, Showing, Stay, read

log = logging.getLogger(__name__)

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
LOOK = 0.08
"""Seconds between a radio's looks at its live file, which costs it a system call; a camera looks at each frame."""

WIDTH, HEIGHT = 1280, 720
COUNTER, NOISE, NOISES = 70, 3.0, 4
"""Brightness of an empty counter, the sensor's noise on it, and how many frames of it there are."""
SCREEN = 235
MODULE = 4
"""Pixels a module of a code before the phone is tilted."""
TILT = 5.0
BLUR = 0.6


class SimulatedRadio:
    """A radio in a zone of a scenario's store; lines of a `live` file say what shoppers do instead."""

    trouble = ""
    counts: Mapping[str, int] = {}

    def __init__(
        self,
        name: str,
        zone: str,
        *,
        store: str,
        scenario: Path,
        start: float = 0.0,
        live: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.store = store
        self.scenario = scenario
        self.start = start
        self.live = live
        self._clock = clock
        self._sleep = sleep

    async def run(self, deliver: Deliver) -> None:
        """Sense until cancelled. Raises SensorError.

        The scenario's second 0 is at CLOCK_MONOTONIC `start`, or at the first run where that is 0: who is run again
        goes on at the right place.
        """
        scenario, store = read(self.scenario, self.store)
        start = self.start = self.start or self._clock()
        seed = f"{scenario.name}/{self.name}"
        air = Air()
        air.add(store.shoppers, random.Random(seed), self._clock() - start)  # noqa: S311 - the same every time.
        with closing(Live(self.live, self.store)) as live:
            # What was said so far counts before anything is heard.
            look = -math.inf if self.live else math.inf
            while True:
                due = start + air.due()
                wait = min(due, look) - self._clock()
                if wait == math.inf:
                    await asyncio.Event().wait()
                if wait > 0:
                    await self._sleep(wait)
                if due < look:
                    self._hear(air, deliver, late=wait < -LATE)
                else:
                    now = self._clock()
                    air.replace(live.news(), seed, now - start)
                    look = now + LOOK

    def _hear(self, air: Air, deliver: Deliver, *, late: bool) -> None:
        """Deliver the next advert, if the dice of its sender let it be heard."""
        sender, zone = air.first()
        if not late and sender.dice.random() >= LOSS:
            heard = sender.dice.gauss(NEAR if zone == self.zone else FAR, FADING)
            deliver(
                Advert(
                    at=self._clock(),
                    receiver=self.name,
                    zone=self.zone,
                    address=sender.beacon.address,
                    rssi=beacons.level(round(heard)),
                    data=bytes.fromhex(sender.beacon.data),
                )
            )
        air.go_on()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A shopper's beacon, its adverts to come (when, and the zone its bearer is in then), and what chance they obey."""

    shopper: str
    beacon: Beacon
    adverts: Iterator[tuple[float, str]]
    dice: random.Random


class Air:
    """The adverts to come of a store's shoppers, in order."""

    def __init__(self) -> None:
        self._next: list[tuple[float, int, str, Sender]] = []
        self._numbers = itertools.count()

    def add(self, shoppers: Iterable[Shopper], dice: random.Random, after: float) -> None:
        """Let these be heard from a second of the scenario on."""
        senders = [
            Sender(
                shopper=shopper.shopper,
                beacon=beacon,
                adverts=_sent(beacon, shopper.stays, dice.random() * beacon.interval_ms / 1000, dice, after),
                dice=dice,
            )
            for shopper in shoppers
            for beacon in shopper.beacons
        ]
        for sender in senders:
            for due, zone in itertools.islice(sender.adverts, 1):
                heapq.heappush(self._next, (due, next(self._numbers), zone, sender))

    def replace(self, shoppers: Mapping[str, Shopper], seed: str, after: float) -> None:
        """From a second on these do as is said here, and nothing else that was said of them before."""
        if shoppers:
            self._next = [coming for coming in self._next if coming[3].shopper not in shoppers]
            heapq.heapify(self._next)
        for name, shopper in shoppers.items():
            # With dice of their own, so that all others are heard as if these were not there.
            self.add([shopper], random.Random(f"{seed}/{name}"), after)  # noqa: S311

    def due(self) -> float:
        """The second of the next advert; infinity when there is none."""
        return self._next[0][0] if self._next else math.inf

    def first(self) -> tuple[Sender, str]:
        """Whose the next advert is, and in which zone they are then."""
        _, _, zone, sender = self._next[0]
        return sender, zone

    def go_on(self) -> None:
        """Be done with the next advert."""
        _, number, _, sender = self._next[0]
        following = next(sender.adverts, None)
        if following is None:
            heapq.heappop(self._next)
        else:
            heapq.heapreplace(self._next, (following[0], number, following[1], sender))


def _sent(
    beacon: Beacon, stays: Iterable[Stay], phase: float, dice: random.Random, after: float
) -> Iterator[tuple[float, str]]:
    interval = beacon.interval_ms / 1000
    for stay in sorted(stays, key=lambda stay: stay.begin):
        count = math.ceil((max(stay.begin, after) - phase) / interval)
        while (due := phase + count * interval) < stay.end:
            yield due + dice.uniform(-JITTER, JITTER), stay.zone
            count += 1


def frames(
    name: str,
    *,
    store: str,
    scenario: Path,
    start: float = 0.0,
    live: Path | None = None,
    rate: int = 15,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[], Generator[Gray, None, None]]:
    """What a camera named `name` sees of a scenario: `rate` frames a second, those left out that nobody waited for."""

    def opened() -> Generator[Gray, None, None]:
        nonlocal start
        script = read(scenario, store)[1].shoppers
        start = start or clock()
        reader = Reader(name, script)
        empty = counter(name)
        # Before the scenario begins there is the counter to be seen.
        count = math.floor((clock() - start) * rate) - 1
        with closing(Live(live, store)) as lines:
            while True:
                count = max(count + 1, math.floor((clock() - start) * rate))
                wait = start + count / rate - clock()
                if wait > 0:
                    sleep(wait)
                now = count / rate
                reader.replace(lines.news(), now)
                frame, shown = empty[count % NOISES], reader.phone(now)
                yield frame if shown is None else held(frame, shown, now)

    return opened


class Reader:
    """What is held before one reader, and how the phone of the moment looks."""

    def __init__(self, name: str, script: Iterable[Shopper]) -> None:
        self._name = name
        self._shows = [(shopper.shopper, show) for shopper in script for show in shopper.shows if show.reader == name]
        self._script = frozenset(show for _, show in self._shows)
        self._drawn: tuple[Showing, Gray | None] | None = None

    def replace(self, shoppers: Mapping[str, Shopper], now: float) -> None:
        """These show what is said here, and nothing else that was said of them before."""
        if not shoppers:
            return
        kept = [(name, show) for name, show in self._shows if name not in shoppers and show.end > now]
        new = [(name, show) for name, shopper in shoppers.items() for show in shopper.shows]
        self._shows = kept + [(name, show) for name, show in new if show.reader == self._name]

    def phone(self, now: float) -> Gray | None:
        """The phone that is in view; None for none. Raises SensorError for a code of the script that is none."""
        show = next((show for _, show in self._shows if show.begin <= now < show.end), None)
        if show is None:
            self._drawn = None
        elif self._drawn is None or self._drawn[0] != show:
            self._drawn = show, self._draw(show)
        return self._drawn[1] if self._drawn else None

    def _draw(self, show: Showing) -> Gray | None:
        try:
            return phone(show)
        except SensorError:
            if show in self._script:
                raise
            log.warning("a live shopper holds a code before %s that cannot be drawn: not shown", self._name)
            return None


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
