"""A scanner on a serial port: real terminals of the kernel, pyserial as it is."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import serial
from edge_wire import turn

from edge.errors import SensorError
from edge.model import Advert, Scan, ZoneId
from edge.sensors import wired
from edge.sensors.scanner import LONGEST, PAUSE, Read
from edge.sensors.wired import Wired

Move = Callable[[float], Awaitable[None]]

EAN = b"2900000000018"


class Port:
    """A pseudo-terminal: we are the scanner at its other end."""

    def __init__(self) -> None:
        self.fd, self.slave = os.openpty()
        self.path = Path(os.ttyname(self.slave))
        self.counts: Counter[str] = Counter()

    async def says(self, data: bytes) -> None:
        """All of it, however little the kernel holds for who reads."""
        os.set_blocking(self.fd, False)
        while data:
            with suppress(BlockingIOError):
                data = data[os.write(self.fd, data[:1024]) :]
            await turn()

    def unplug(self) -> None:
        for fd in {self.fd, self.slave} - {-1}:
            os.close(fd)
        self.fd = self.slave = -1

    @asynccontextmanager
    async def reads(self, baud: int = 9600) -> AsyncIterator[AsyncGenerator[Read, None]]:
        async with aclosing(wired.reads(self.path, baud, counts=self.counts)) as found:
            yield found


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    port.unplug()


def wanted(found: AsyncGenerator[Read, None]) -> asyncio.Task[Read]:
    return asyncio.ensure_future(anext(found))


@pytest.mark.parametrize("baud", [9600, 115200])
async def test_a_code_is_read_and_its_bytes_are_kept_as_they_came(port: Port, baud: int) -> None:
    async with port.reads(baud) as found:
        read = wanted(found)
        await turn()
        await port.says(b"\x02]E0" + EAN + b"\x03\r\n")
        assert await read == Read(raw=b"\x02]E0" + EAN + b"\x03\r\n", content=EAN, format="EAN13")


async def test_every_byte_comes_through(port: Port) -> None:
    content = bytes(byte for byte in range(256) if byte not in b"\r\n\t")
    async with port.reads() as found:
        read = wanted(found)
        await turn()
        await port.says(b"A" + content + b"Z\r")
        assert (await read).content == b"A" + content + b"Z"


@pytest.mark.parametrize(("baud", "pause"), [(115200, PAUSE), (9600, PAUSE), (1200, 5 * 10 / 1200)])
async def test_a_slow_line_is_waited_for_longer(port: Port, still: Move, baud: int, pause: float) -> None:
    loop = asyncio.get_running_loop()
    waits: asyncio.Queue[float] = asyncio.Queue()
    real = loop.call_at

    def call_at(when: float, *told: Any, **more: Any) -> asyncio.TimerHandle:
        waits.put_nowait(when - loop.time())
        return real(when, *told, **more)

    loop.call_at = call_at  # type: ignore[method-assign,assignment]  # The loop is the test's own.
    async with port.reads(baud) as found:
        read = wanted(found)
        await turn()
        await port.says(b"2")
        assert await waits.get() == pytest.approx(pause)
        await still(1.1 * pause)
        assert (await read).content == b"2"


async def test_a_pause_ends_a_code(port: Port, later: Move) -> None:
    async with port.reads() as found:
        read = wanted(found)
        await turn()
        await port.says(EAN)
        while not read.done():  # The kernel hands over when it likes.
            await later(PAUSE)
        assert await read == Read(raw=EAN, content=EAN, format="EAN13")


async def test_a_scanner_that_is_unplugged_is_gone(port: Port) -> None:
    async with port.reads() as found:
        read = wanted(found)
        await turn()
        port.unplug()
        with pytest.raises(SensorError, match="is gone"):
            await read


async def _refusal(path: Path) -> str:
    with pytest.raises(SensorError) as raised:
        async with aclosing(wired.reads(path, 9600)) as found:
            await anext(found)
    return str(raised.value)


async def test_a_missing_one_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "ttyACM0"
    assert await _refusal(missing) == (
        f"There is no scanner {missing}. Plug it in, or name another: ls /dev/serial/by-id/"
    )


async def test_one_that_another_has_is_said(port: Port) -> None:
    with serial.Serial(str(port.path), exclusive=True):
        assert await _refusal(port.path) == (
            f"Another program has the scanner {port.path}. See which one: fuser -v {port.path}"
        )


async def test_what_is_no_serial_port_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, Path("/dev/null"), tmp_path):
        assert str(path) in await _refusal(path)
    assert await _refusal(file) == f"{file} is no serial port. Name the scanner's: ls /dev/serial/by-id/"


class Scans:
    """What a sensor delivers, to be waited for."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[Advert | Scan] = asyncio.Queue()

    async def next(self) -> Scan:
        sensed = await self._came.get()
        assert isinstance(sensed, Scan)
        return sensed

    @asynccontextmanager
    async def of(self, sensor: Wired) -> AsyncIterator[None]:
        task = asyncio.ensure_future(sensor.run(self._came.put_nowait))
        await turn()
        yield
        task.cancel()
        await asyncio.wait([task])
        assert self._came.empty()


async def test_the_sensor_reports_scans(port: Port) -> None:
    sensor, scans, zone = Wired("till", "entrance", port.path, clock=lambda: 7.0), Scans(), ZoneId("entrance")
    async with scans.of(sensor):
        await port.says(EAN + b"\r" + EAN + b"\rM-0001\r")
        assert await scans.next() == Scan(at=7.0, reader="till", zone=zone, format="EAN13", content=EAN)
        assert await scans.next() == Scan(at=7.0, reader="till", zone=zone, format="text", content=b"M-0001")
    assert sensor.trouble == ""


async def test_a_wrong_speed_is_said_and_forgotten(port: Port) -> None:
    sensor, scans = Wired("till", "entrance", port.path, 19200), Scans()
    async with scans.of(sensor):
        for number in range(3):
            assert sensor.trouble == ""
            await port.says(b"\x80\xfe\x00\xf8" + bytes([65 + number]) + b"\r")
            await scans.next()
        assert sensor.trouble == (
            f"What {port.path} sends is no text. Is its speed 19200? Give the scanner's own as `baud`."
        )
        await port.says(EAN + b"\r")
        assert (await scans.next()).content == EAN
        assert sensor.trouble == ""


async def test_japanese_and_separators_are_text(port: Port) -> None:
    sensor, scans = Wired("till", "entrance", port.path), Scans()
    async with scans.of(sensor):
        for number in range(4):
            await port.says(f"会員{number}\x1dA\r".encode())
            assert (await scans.next()).content == f"会員{number}\x1dA".encode()
    assert sensor.trouble == ""


async def test_random_bytes_and_a_line_of_a_megabyte_are_taken(port: Port) -> None:
    chance = random.Random(7)
    longest = 0
    async with port.reads() as found:

        async def until(wanted: bytes) -> None:
            nonlocal longest
            async for read in found:
                longest = max(longest, len(read.content))
                if read.content == wanted:
                    return

        seen = asyncio.ensure_future(until(EAN))
        await turn()
        await port.says(chance.randbytes(20_000) + b"\r")
        await port.says(b"7" * 1_000_000 + b"\r")
        await port.says(bytes(3000) + b"\r" + EAN + b"\r")
        await seen
    assert longest <= LONGEST
    assert port.counts["lines_too_long"] == 1
