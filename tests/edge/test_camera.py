"""A camera's thread: what it looks at, what it reports, and that it lets go of the device."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Literal, cast

import cv2
import numpy
import pytest
from zxingcpp import BarcodeFormat, create_barcode

from edge.codes import Code, Format, Gray
from edge.errors import SensorError
from edge.model import Advert, Scan, ZoneId
from edge.sensors import camera
from edge.sensors.camera import GONE, Camera, Frames, Motion, View

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


async def test_a_still_scene_is_looked_at_once_a_second() -> None:
    source = Source([frame()] * 50)
    watching = Camera("till-1", "till", source.frames, clock=source.clock)
    await watching.run(lambda _: None)
    assert watching.looks == 5


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
    reading, goes_on = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hanging() -> Generator[Gray, None, None]:
        threads.append(threading.current_thread())
        reading.set()
        goes_on.wait()
        yield frame()

    async def watch() -> None:
        watching = asyncio.create_task(Camera("till-1", "till", hanging).run(lambda _: None))
        await asyncio.to_thread(reading.wait, 30)
        watching.cancel()
        async with asyncio.timeout(30):
            with pytest.raises(asyncio.CancelledError):
                await watching

    asyncio.run(watch())
    assert threads[0].daemon, "or Python would wait for it at its end"
    assert "till-1 hangs" in caplog.text
    # It comes to itself when nobody is there any more.
    goes_on.set()
    threads[0].join(30)
    assert not threads[0].is_alive()


def test_a_loop_that_is_gone_is_no_fault() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    scan = Scan(at=1.0, reader="till-1", zone=ZoneId("till"), format="QRCode", content=b"NOREN-29")
    assert camera.hand_over(loop, lambda _: None, scan) is False


def code(content: bytes = b"a", kind: Format = "QRCode", reader: Literal["zxing", "zbar"] = "zxing") -> Code:
    return Code(format=kind, content=content, reader=reader)


def test_the_view_tells_who_read_what_is_in_it_and_forgets() -> None:
    view = View()
    assert view.readers(0.0) == set()
    assert view.see([code(), code(b"b", "EAN13", "zbar")], 1.0) == [code()]
    assert view.readers(1.0 + GONE / 2) == {"zxing", "zbar"}
    assert view.readers(1.0 + GONE) == set()
    assert view.see([code()], 1.0 + GONE / 2) == []
    assert view.see([code()], 1.0 + GONE * 1.5) == [code()]


def test_the_same_bar_code_twice_in_one_frame_is_not_agreement() -> None:
    view = View()
    assert view.see([code(kind="EAN13"), code(kind="EAN13")], 1.0) == []
    assert view.see([code(kind="EAN13")], 1.1) == [code(kind="EAN13")]


def test_a_wall_of_codes_does_not_fill_the_memory() -> None:
    view = View()
    many = [code(str(number).encode()) for number in range(500)]
    assert view.see(many, 1.0) == many
    assert len(view.see(many, 1.1)) >= 500 - camera.MOST_IN_VIEW


def test_motion_is_more_than_noise_and_less_than_a_phone() -> None:
    dice = numpy.random.default_rng(1)

    def noisy(picture: Gray) -> Gray:
        return (picture + dice.normal(0, 5, picture.shape)).clip(0, 255).astype(numpy.uint8)

    motion = Motion()
    assert motion.in_frame(noisy(frame()))
    motion.keep(noisy(frame()))
    assert not any(motion.in_frame(noisy(frame())) for _ in range(20))
    assert motion.in_frame(noisy(frame("NOREN-29")))
    assert motion.in_frame(frame()[:200])


def test_a_camera_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(SensorError, match="There is no camera /dev/video97") as error:
        next(camera.capture(97)())
    assert error.value.fix


def film(path: Path, pictures: int) -> Frames:
    """The part of the real camera behind its device: OpenCV on a file."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (900, 480))
    assert writer.isOpened()
    for _ in range(pictures):
        writer.write(cv2.cvtColor(frame("NOREN-29"), cv2.COLOR_GRAY2BGR))
    writer.release()
    return lambda: camera.grays(cv2.VideoCapture(str(path)), path)


async def test_frames_that_opencv_gives_are_read_until_it_gives_none(tmp_path: Path) -> None:
    got: list[Advert | Scan] = []
    with pytest.raises(SensorError, match="stopped giving pictures"):
        await Camera("till-1", "till", film(tmp_path / "film.avi", 20)).run(got.append)
    await asyncio.sleep(0)
    assert [scan.content for scan in got if isinstance(scan, Scan)] == [b"NOREN-29"]


def test_a_device_that_does_not_open_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="busy, or is no camera"):
        next(camera.grays(cv2.VideoCapture(), tmp_path / "video0"))


class Damaged:
    """A device whose every picture is damaged. (A subclass of OpenCV's own makes Python's collector crash.)"""

    def isOpened(self) -> bool:  # OpenCV's name.
        return True

    def grab(self) -> bool:
        return True

    def retrieve(self) -> tuple[bool, Gray]:
        return False, frame()


def test_a_device_that_gives_only_damaged_pictures_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="damaged pictures only"):
        next(camera.grays(cast("cv2.VideoCapture", Damaged()), tmp_path / "video0"))
