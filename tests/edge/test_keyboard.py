"""A scanner that types, by the input events that it gives."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from edge_wire import turn
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import SensorError
from edge.keyboards import (
    ENTER,
    EV_KEY,
    EV_MSC,
    EV_SYN,
    LEFT_SHIFT,
    MSC_SCAN,
    PRESSED,
    RELEASED,
    REPEATED,
    SYN,
    SYN_DROPPED,
    Event,
    Layout,
    Typing,
)
from edge.model import Advert, Scan, ZoneId
from edge.sensors import keyboard, scanner
from edge.sensors.keyboard import Keyboard
from edge.sensors.scanner import LONG_PAUSE, MOST_WAITING, PAUSE, Framing, Read

Move = Callable[[float], Awaitable[None]]

EAN = "2900000000018"
USAGES = {**{1 + n: 0x7001D + n for n in range(1, 11)}, ENTER: 0x70028, LEFT_SHIFT: 0x700E1}
"""What hid-input says with the keys 1 to 0, Enter and shift: the HID usage."""


def hid(text: str, layout: Layout = "us", began: int = 1_764_000_000) -> bytes:
    """The events of a USB scanner that types it: a report each millisecond, with the usage before each key."""
    said, at = b"", 0
    for event in Typing(layout).events(text):
        seconds, micros = divmod(at, 1_000_000)
        if event.type == EV_KEY:
            usage = USAGES.get(event.code, 0x70004)
            said += Event(type=EV_MSC, code=MSC_SCAN, value=usage, seconds=began + seconds, micros=micros).pack()
        said += Event(
            type=event.type, code=event.code, value=event.value, seconds=began + seconds, micros=micros
        ).pack()
        at += 1000 if event.type == EV_SYN else 0
    return said


def key(code: int, value: int) -> bytes:
    return Event(type=EV_KEY, code=code, value=value).pack() + SYN.pack()


class Device:
    """A FIFO that stands for /dev/input/eventN; `grabs` are those that were asked of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self.fd: int | None = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.grabs = 0
        self.counts: Counter[str] = Counter()

    def grab(self, fd: int) -> None:
        assert os.fstat(fd).st_ino == self.path.stat().st_ino
        self.grabs += 1

    async def says(self, data: bytes) -> None:
        assert self.fd is not None
        while data:
            data = data[os.write(self.fd, data[:4096]) :]
            await turn()

    def unplug(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    @asynccontextmanager
    async def reads(self, layout: Layout = "us") -> AsyncIterator[AsyncGenerator[Read, None]]:
        async with aclosing(keyboard.reads(self.path, layout, counts=self.counts, grab=self.grab)) as found:
            yield found


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    device = Device(tmp_path / "event-kbd")
    yield device
    device.unplug()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wanted(found: AsyncGenerator[Read, None]) -> asyncio.Task[Read]:
    """The next code, once there is one."""
    return asyncio.ensure_future(anext(found))


async def test_a_code_is_read_and_its_events_are_kept_as_they_came(device: Device) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(hid(f"{EAN}\r"))
        assert await read == Read(raw=hid(f"{EAN}\r"), content=EAN.encode(), format="EAN13")
    assert device.grabs == 1


async def test_codes_follow_each_other(device: Device) -> None:
    async with device.reads("jp") as found:
        read = wanted(found)
        await turn()
        await device.says(hid("]C0M-0001\r", "jp") + hid("]Q1https://example.jp/?a=_\t", "jp"))
        first, second = await read, await anext(found)
    assert (first.content, first.format) == (b"M-0001", "Code128")
    assert (second.content, second.format) == (b"https://example.jp/?a=_", "QRCode")
    assert first.raw + second.raw == hid("]C0M-0001\r", "jp") + hid("]Q1https://example.jp/?a=_\t", "jp")


async def test_a_code_ends_when_enter_comes_up(device: Device, later: Move) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(key(2, PRESSED) + key(2, RELEASED) + key(ENTER, PRESSED))
        await later(2 * PAUSE)
        assert not read.done()
        await device.says(key(ENTER, RELEASED))
        assert (await read).raw == key(2, PRESSED) + key(2, RELEASED) + key(ENTER, PRESSED) + key(ENTER, RELEASED)


async def test_an_enter_that_stays_down_ends_it_by_and_by(device: Device, later: Move) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(key(2, PRESSED) + key(2, RELEASED) + key(ENTER, PRESSED))
        await later(1.1 * LONG_PAUSE)
        assert (await read).content == b"1"
        read = wanted(found)
        await device.says(key(ENTER, RELEASED))
        await later(1.1 * LONG_PAUSE)
        assert await read == Read(raw=key(ENTER, RELEASED), content=b"", format="text")


async def test_a_pause_ends_a_code(device: Device, still: Move) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(hid("29"))
        await still(0.9 * PAUSE)
        assert not read.done()
        await still(0.2 * PAUSE)
        assert (await read).content == b"29"


async def test_a_loop_that_was_busy_reads_before_it_takes_it_for_a_pause(device: Device, still: Move) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(hid("29"))
        assert device.fd is not None
        os.write(device.fd, hid("00"))
        await still(2 * PAUSE)
        assert not read.done()
        await still(2 * PAUSE)
        assert (await read).content == b"2900"


async def test_events_may_come_in_pieces(device: Device) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        said = hid("29\r")
        for at in range(0, len(said), 7):
            await device.says(said[at : at + 7])
        assert (await read).raw == said


async def test_a_key_that_repeats_counts_once_and_is_passed(device: Device) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        said = key(2, PRESSED) + key(2, REPEATED) + key(2, RELEASED) + hid("\r")
        await device.says(said)
        assert await read == Read(raw=said, content=b"1", format="text")


async def test_a_code_with_dropped_events_is_set_aside_and_the_next_one_read(device: Device) -> None:
    dropped = Event(type=EV_SYN, code=SYN_DROPPED, value=0).pack()
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        stale = Event(type=EV_KEY, code=4, value=PRESSED).pack() + key(LEFT_SHIFT, PRESSED)
        await device.says(hid("2900000") + key(3, PRESSED) + dropped + stale + hid("018\r") + hid(f"{EAN}\r"))
        assert await read == Read(raw=hid(f"{EAN}\r"), content=EAN.encode(), format="EAN13")
    assert device.counts == {"lines_incomplete": 1}


async def test_who_does_not_take_the_codes_loses_the_oldest_and_it_is_counted(device: Device) -> None:
    async with device.reads() as found:
        first = wanted(found)
        await turn()
        await device.says(hid("0\r"))
        await first
        for number in range(1, MOST_WAITING + 3):
            await device.says(hid(f"{number}\r"))
        got = [int((await anext(found)).content) for _ in range(MOST_WAITING)]
    assert got == list(range(3, MOST_WAITING + 3))
    assert device.counts == {"lines_untaken": 2}


async def test_a_scanner_that_is_unplugged_gives_what_it_read_and_is_gone(device: Device) -> None:
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        await device.says(hid("1\r"))
        assert (await read).content == b"1"
        device.unplug()
        with pytest.raises(SensorError, match="is gone"):
            await anext(found)


async def test_it_is_let_go_of(device: Device) -> None:
    opened = open_files()
    async with device.reads() as found:
        read = wanted(found)
        await turn()
        assert open_files() == opened + 1
        read.cancel()
        await turn()
    assert open_files() == opened


async def _refusal(path: Path, grab: Callable[[int], None] = keyboard.grab) -> str:
    with pytest.raises(SensorError) as raised:
        async with aclosing(keyboard.reads(path, "us", grab=grab)) as found:
            await anext(found)
    return str(raised.value)


async def test_a_missing_one_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "event-kbd"
    assert await _refusal(missing) == (
        f"There is no scanner {missing}. Plug it in, or name another: ls /dev/input/by-id/"
    )


async def test_what_is_no_input_device_is_said_by_the_kernel(device: Device) -> None:
    master, slave = os.openpty()
    try:
        for path in (Path(os.ttyname(slave)), device.path, Path(__file__), Path("/dev/null")):
            assert await _refusal(path) == (
                f"{path} is no input device. Name the scanner's: ls /dev/input/by-id/*-event-kbd"
            )
    finally:
        os.close(master)
        os.close(slave)


async def test_one_that_another_has_grabbed_is_said(device: Device) -> None:
    def taken(fd: int) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    opened = open_files()
    assert await _refusal(device.path, taken) == (
        f"Another program has the scanner {device.path}. See which one: fuser -v {device.path}"
    )
    assert open_files() == opened


async def test_the_sensor_says_what_is_wrong_and_stops(tmp_path: Path) -> None:
    sensor = Keyboard("till", "entrance", tmp_path / "gone", "jp")
    got: list[Advert | Scan] = []
    with pytest.raises(SensorError, match="There is no scanner"):
        await sensor.run(got.append)
    assert (got, sensor.trouble) == ([], "")


async def test_a_read_is_reported_as_a_scan(device: Device) -> None:
    got: list[Advert | Scan] = []
    async with device.reads() as found:
        telling = asyncio.ensure_future(
            scanner.report(found, got.append, name="till", zone=ZoneId("entrance"), clock=lambda: 7.0)
        )
        await turn()
        await device.says(hid(f"{EAN}\r{EAN}\r"))
        telling.cancel()
        await asyncio.wait([telling])
    assert got == [Scan(at=7.0, reader="till", zone=ZoneId("entrance"), format="EAN13", content=EAN.encode())]


def taker(layout: Layout = "us") -> tuple[Framing, Callable[[bytes, float], list[Read]]]:
    framing = Framing()
    return framing, keyboard._Events(framing, layout).take


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_random_bytes_are_taken_and_the_next_code_is_read(chunks: list[bytes]) -> None:
    framing, take = taker()
    for chunk in chunks:
        for read in take(chunk, 0.0):
            assert len(read.raw) % 24 == 0
    # Whatever was begun ends by Enter; keys that random bytes left down come up.
    rest = -sum(map(len, chunks)) % 24
    up = b"".join(key(code, RELEASED) for code in range(768))
    take(bytes(rest) + SYN.pack() + up + hid("\r"), 0.0)
    framing.paused()
    [read] = take(hid(f"{EAN}\r"), 0.0)
    assert read.content.lower() == EAN.encode()


def test_a_line_without_an_end_is_set_aside() -> None:
    framing, take = taker()
    code = hid("7" * 100)
    for _ in range(120):
        assert take(code, 0.0) == []
    assert take(hid("\r"), 0.0) == []
    assert [read.content for read in take(hid(f"{EAN}\r"), 0.0)] == [EAN.encode()]
    assert framing.counts == {"lines_too_long": 1}
