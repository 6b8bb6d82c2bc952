"""A camera's thread: what it looks at, what it reports, and that it lets go of the device."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterable

import numpy
import pytest
from zxingcpp import BarcodeFormat, create_barcode

from edge.codes import Gray
from edge.errors import SensorError
from edge.model import Advert, Scan, ZoneId
from edge.sensors import camera
from edge.sensors.camera import Camera

EAN = "2900000000018"


def frame(content: str = "", symbol: BarcodeFormat = BarcodeFormat.QRCodeModel2, *, beside: str = "") -> Gray:
    """An empty counter, or one with a code on it, or with two."""
    counter = numpy.full((480, 900), 90, numpy.uint8)
    for text, left in ((content, 20), (beside, 500)):
        if text:
            code = numpy.asarray(create_barcode(text, symbol).to_image(scale=3))
            counter[20 : 20 + code.shape[0], left : left + code.shape[1]] = code
    return counter


class Source:
    """Frames one tenth of a second apart, of a device that is open or not."""

    def __init__(self, frames: Iterable[Gray], *, then: str = "") -> None:
        self.pictures = frames
        self.then = then
        self.now = 100.0
        self.open = False
        self.given = threading.Event()

    def clock(self) -> float:
        return self.now

    def frames(self) -> Generator[Gray, None, None]:
        self.open = True
        try:
            for picture in self.pictures:
                self.now += 0.1
                self.given.set()
                yield picture
            if self.then:
                raise SensorError(self.then)
        finally:
            self.open = False


async def scans(source: Source) -> list[Scan]:
    got: list[Advert | Scan] = []
    await Camera("till-1", "till", source.frames, clock=source.clock).run(got.append)
    await asyncio.sleep(0)
    return [scan for scan in got if isinstance(scan, Scan)]


async def test_a_code_is_reported_once_while_it_stays_in_view() -> None:
    source = Source([frame()] * 3 + [frame("NOREN-29")] * 30 + [frame()] * 5)
    (scan,) = await scans(source)
    assert (scan.reader, scan.zone, scan.format, scan.content) == ("till-1", "till", "QRCode", b"NOREN-29")
    assert scan.at == pytest.approx(100.4), "the moment its first frame came"
    assert not source.open


async def test_a_code_is_reported_again_once_it_was_gone_for_a_moment() -> None:
    pictures = [frame("NOREN-29")] * 2 + [frame()] * 5 + [frame("NOREN-29")] * 2 + [frame()] * 12 + [frame("NOREN-29")]
    assert [round(scan.at - 100, 1) for scan in await scans(Source(pictures))] == [0.1, 2.2]


async def test_two_codes_in_view_are_two_scans() -> None:
    found = await scans(Source([frame("NOREN-29", beside="NOREN-30")] * 3))
    assert sorted(scan.content for scan in found) == [b"NOREN-29", b"NOREN-30"]


async def test_a_bar_code_counts_from_the_second_frame_that_agrees() -> None:
    bars = BarcodeFormat.EAN13
    (scan,) = await scans(Source([frame(EAN, bars)] * 3))
    assert (scan.format, scan.content) == ("EAN13", EAN.encode())
    assert scan.at == pytest.approx(100.2)
    assert await scans(Source([frame(EAN, bars), frame()])) == []


async def test_a_still_scene_is_looked_at_once_a_second_by_and_by() -> None:
    source = Source([frame()] * 92)
    watching = Camera("till-1", "till", source.frames, clock=source.clock)
    await watching.run(lambda _: None)
    assert watching.looks == 20 + 7, "at every frame while somebody may be holding a phone still"


async def test_what_lies_still_in_view_costs_no_looks_and_is_no_news() -> None:
    source = Source([frame("NOREN-29")] * 90)
    watching = Camera("till-1", "till", source.frames, clock=source.clock)
    got: list[Advert | Scan] = []
    await watching.run(got.append)
    await asyncio.sleep(0)
    assert (len(got), watching.looks) == (1, 9)


async def test_it_counts_which_look_read_what_was_reported() -> None:
    bars = numpy.asarray(create_barcode(EAN, BarcodeFormat.EAN13).to_image(scale=4))
    # Without the quiet zone that zxing-cpp insists on.
    dark = numpy.pad(bars[:200, 12:-28], 60, constant_values=30)
    source = Source([frame("NOREN-29")] * 5 + [frame()] + [numpy.roll(dark, step % 2 * 9, 1) for step in range(40)])
    watching = Camera("till-1", "till", source.frames, clock=source.clock)
    got: list[Advert | Scan] = []
    await watching.run(got.append)
    assert watching.reads == {"zxing": 1, "zbar": 1}


async def test_it_says_what_is_wrong_with_its_pictures() -> None:
    source = Source([numpy.zeros((480, 640), numpy.uint8)] * 90)
    said: list[str] = []
    own = ["The exposure could not be set."]

    def pictures() -> Generator[Gray, None, None]:
        for picture in source.frames():
            yield picture
            said.append(watching.trouble)
            if len(said) == 45:
                own[0] = ""

    watching = Camera("till-1", "till", pictures, said=lambda: own[0], clock=source.clock)
    await watching.run(lambda _: None)
    assert said[40] == "The exposure could not be set."
    assert "only black" in said[80]
    assert watching.trouble == "", "what has ended has another sentence"


async def test_a_source_that_fails_is_a_sensor_error_and_is_closed() -> None:
    source = Source([frame()], then="The camera was pulled out.")
    with pytest.raises(SensorError, match="pulled out"):
        await scans(source)
    assert not source.open


async def test_cancelling_frees_the_device_before_it_returns() -> None:
    def endless() -> Generator[Gray, None, None]:
        while True:
            yield frame()

    source = Source(endless())
    watching = asyncio.create_task(Camera("till-1", "till", source.frames, clock=source.clock).run(lambda _: None))
    await asyncio.to_thread(source.given.wait, 30)
    assert source.open
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert not source.open


def test_a_source_that_hangs_keeps_nobody_from_ending(caplog: pytest.LogCaptureFixture) -> None:
    opened, goes_on, freed = threading.Event(), threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hanging() -> Generator[Gray, None, None]:
        threads.append(threading.current_thread())
        opened.set()
        goes_on.wait()
        try:
            yield frame()
        finally:
            freed.set()

    async def watch() -> None:
        now = [100.0]
        watching = asyncio.create_task(Camera("till-1", "till", hanging, clock=lambda: now[0]).run(lambda _: None))
        await asyncio.to_thread(opened.wait, 30)
        now[0] += 1
        watching.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert watching.done(), "at once: nobody waits for a camera that gave nothing for long"
        with pytest.raises(asyncio.CancelledError):
            await watching

    asyncio.run(watch())
    assert threads[0].daemon, "or Python would wait for it at its end"
    assert "till-1 hangs" in caplog.text
    # It comes to itself when nobody is there any more.
    goes_on.set()
    threads[0].join(30)
    assert freed.is_set()


def test_a_loop_that_is_gone_is_no_fault() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    scan = Scan(at=1.0, reader="till-1", zone=ZoneId("till"), format="QRCode", content=b"NOREN-29")
    assert camera.hand_over(loop, lambda _: None, scan) is False
