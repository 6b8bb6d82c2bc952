"""Times the camera's thread at 720p: a look, a frame that is idle, the way from a code in view to its scan, memory."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Generator, Iterable
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy

from bench.codes import screens
from edge import codes
from edge.codes import Gray
from edge.model import Advert, Scan
from edge.sensors.camera import Camera
from edge.sensors.looking import Search
from edge.sensors.picture import Picture

RATE = 15
CROWDED = screens.Level(name="usual", how="", crowded=True)
Jpeg = bytes


def waved(shown: screens.Symbol, count: int, *, seed: int = 1) -> list[Jpeg]:
    """A phone in somebody's hand over a full counter, as a camera sends it."""
    return [_jpeg(screens.seen(shown, CROWDED, numpy.random.default_rng([seed, frame]))) for frame in range(count)]


def _jpeg(gray: Gray) -> Jpeg:
    return cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def gray_of(jpeg: Jpeg) -> Gray:
    return numpy.asarray(cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_GRAYSCALE), numpy.uint8)


def looks(pictures: Iterable[Jpeg], count: int) -> dict[str, float]:
    """Milliseconds of processor time a frame in which everything moves: from JPEG to what the looks made of it.

    `first` is the first look alone; `all` what the budget allowed beside it as well.
    """
    readers = codes.readers()
    search, picture = Search(readers.first, readers.second), Picture()
    decoded, first, every = [], [], []
    for number, jpeg in enumerate(islice(cycle(pictures), count)):
        begin = time.thread_time()
        gray = gray_of(jpeg)
        decoded.append(time.thread_time() - begin)
        begin = time.thread_time()
        readers.first(gray)
        first.append(time.thread_time() - begin)
        begin = time.thread_time()
        picture.see(gray, number / RATE)
        if search.wants(gray, number / RATE):
            search.look(gray, number / RATE)
        every.append(time.thread_time() - begin)
    whole = [one + other for one, other in zip(decoded, every, strict=True)]
    return {
        "first_ms_p50": _part(first, 0.5),
        "first_ms_p95": _part(first, 0.95),
        "all_ms_p50": _part(every, 0.5),
        "all_ms_p95": _part(every, 0.95),
        "jpeg_ms_p50": _part(decoded, 0.5),
        "frames_per_s": round(len(whole) / sum(whole), 1),
    }


def idle(count: int) -> float:
    """The share of a core that a counter takes on which nothing moves."""
    dice = numpy.random.default_rng(1)
    empty = gray_of(waved(screens.words(), 1)[0]).astype(numpy.float32)
    still = [
        _jpeg((empty + dice.normal(0, screens.NOISE, empty.shape)).clip(0, 255).astype(numpy.uint8)) for _ in range(20)
    ]
    readers = codes.readers()
    search, picture = Search(readers.first, readers.second), Picture()
    settled, begin = 3 * RATE, 0.0
    for number, jpeg in enumerate(islice(cycle(still), settled + count)):
        if number == settled:
            begin = time.thread_time()
        gray = gray_of(jpeg)
        picture.see(gray, number / RATE)
        if search.wants(gray, number / RATE):
            search.look(gray, number / RATE)
    return round((time.thread_time() - begin) / (count / RATE), 4)


def in_view_to_scan(shown: Iterable[screens.Symbol]) -> dict[str, float]:
    """Wall milliseconds from the frame that first shows a code to its delivery on the loop, through the real thread."""
    empty, due = waved(screens.words(), 2), dict[bytes, float]()
    pictures: list[tuple[bytes, Jpeg]] = []
    for number, one in enumerate(shown):
        pictures += [(b"", jpeg) for jpeg in empty]
        pictures += [(one.content, jpeg) for jpeg in waved(one, 3, seed=number + 2)]

    def frames() -> Generator[Gray, None, None]:
        begin, number = time.monotonic(), 0
        while number < len(pictures):
            time.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            # Who was busy gets the newest; the others are over.
            newest = min(len(pictures) - 1, int((time.monotonic() - begin) * RATE + 1e-6))
            for passed in range(number, newest + 1):
                due.setdefault(pictures[passed][0], begin + passed / RATE)
            number = newest + 1
            yield gray_of(pictures[newest][1])

    took: dict[bytes, float] = {}

    def deliver(what: Advert | Scan) -> None:
        if isinstance(what, Scan):
            took.setdefault(what.content, time.monotonic() - due[what.content])

    async def watch() -> None:
        await Camera("bench", "bench", frames).run(deliver)
        await asyncio.sleep(0)

    asyncio.run(watch())
    times = list(took.values())
    return {
        "codes": len(due) - 1,
        "scanned": len(times),
        "ms_p50": _part(times, 0.5),
        "ms_p99": _part(times, 0.99),
        "ms_max": _part(times, 1.0),
    }


def memory(shown: screens.Symbol, count: int) -> dict[str, float]:
    """Resident megabytes after a tenth of so many frames, as quickly as they are looked at, and after all of them.

    A phone with a code comes, then one without, then there is none, as in a day's business.
    """
    # For less than what is taken for a frozen picture.
    nobody = waved(screens.words(), 1) * 120
    pictures = waved(shown, 8) + waved(screens.words(), 8) + nobody
    now, sizes = [0.0], list[float]()

    def frames() -> Generator[Gray, None, None]:
        for number, jpeg in enumerate(islice(cycle(pictures), count)):
            if number in (count // 10, count - 1):
                sizes.append(_resident())
            now[0] = number / RATE
            yield gray_of(jpeg)

    camera = Camera("bench", "bench", frames, clock=lambda: now[0])
    asyncio.run(camera.run(lambda _: None))
    return {
        "frames": count,
        "begin_mb": round(sizes[0], 1),
        "end_mb": round(sizes[1], 1),
        "most_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "looks": camera.looks,
    }


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _part(seconds: list[float], part: float) -> float:
    """Milliseconds."""
    if not seconds:
        return 0.0
    if part == 0.5:
        return round(statistics.median(seconds) * 1000, 2)
    return round(sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * part))] * 1000, 2)
