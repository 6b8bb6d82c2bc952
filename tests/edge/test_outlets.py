"""The ways to the register, for real: a virtual keyboard's bytes, serial ports that hang or go, moody servers."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import config, keyboards
from edge.keyboards import EV_KEY, EV_MSC, MSC_SCAN, SYN, Event, Typing
from edge.register.desk import Member, Passed
from edge.register.devices import BURST, Posted, Typed, Wired, _bursts, device
from edge.register.outlets import AGAIN, MOST_LINES, OLDEST, Device, Outlet
from edge.sensors.scanner import Read

Move = Callable[[float], Awaitable[None]]


def now() -> float:
    return asyncio.get_running_loop().time()


def serial(raw: bytes) -> Passed:
    return Passed(at=now(), read=Read(raw=raw, content=raw.strip(b"\r\n"), format="text"), typed=False)


def typed(raw: bytes, content: bytes) -> Passed:
    return Passed(at=now(), read=Read(raw=raw, content=content, format="text"), typed=True)


def member(number: str = "29001", reader: str = "till") -> Member:
    return Member(at=now(), number=number, reader=reader)


@asynccontextmanager
async def running(device: Device) -> AsyncIterator[Outlet]:
    outlet = Outlet(device, clock=now)
    task = asyncio.create_task(outlet.run())
    try:
        yield outlet
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110 - a device has no event of ours.
        await asyncio.sleep(0)


async def got(fd: int, size: int) -> bytes:
    """So many bytes that came out at the register's end."""
    data = b""
    while len(data) < size:
        with suppress(BlockingIOError):
            data += os.read(fd, size - len(data))
        await asyncio.sleep(0)
    return data


def empty(fd: int) -> bool:
    try:
        return not os.read(fd, 1)
    except BlockingIOError:
        return True


class Port:
    """A serial port, and the register at its other end."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "port"
        self.register, self._end = os.openpty()
        tty.setraw(self._end)
        os.set_blocking(self.register, False)

    def plug(self) -> None:
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._end))

    def unplug(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.register)
        os.close(self._end)
        self.register, self._end = os.openpty()
        tty.setraw(self._end)
        os.set_blocking(self.register, False)

    def close(self) -> None:
        os.close(self.register)
        os.close(self._end)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    made = Port(tmp_path)
    made.plug()
    yield made
    made.close()


@pytest.fixture
def uinput(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "uinput"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, fd
    os.close(fd)


def keys(text: str, layout: keyboards.Layout = "us") -> bytes:
    return b"".join(event.pack() for event in Typing(layout).events(text))


def said(path: Path, layout: keyboards.Layout = "us") -> tuple[Typed, list[tuple[int, int | bytes]]]:
    asked: list[tuple[int, int | bytes]] = []
    return Typed(layout, path, lambda _, what, given: asked.append((what, given))), asked


async def test_the_virtual_keyboard_has_a_keyboards_keys_and_no_others(uinput: tuple[Path, int]) -> None:
    keyboard, asked = said(uinput[0])
    async with running(keyboard) as outlet:
        await outlet.opened.wait()
    # As linux/uinput.h of this machine's kernel names and numbers them.
    assert [given for what, given in asked if what == 0x40045564] == [0, 1, 4]
    assert [given for what, given in asked if what == 0x40045565] == list(range(1, 248))
    assert [given for what, given in asked if what == 0x40045568] == [MSC_SCAN]
    assert [what for what, _ in asked[-2:]] == [0x405C5503, 0x5501]
    set_up = asked[-2][1]
    assert isinstance(set_up, bytes)
    assert struct.unpack("@HHHH80sI", set_up) == (6, 0, 0, 1, b"Noren".ljust(80, b"\0"), 0)


async def test_a_keyboards_events_are_replayed_byte_for_byte(uinput: tuple[Path, int]) -> None:
    scan = Event(type=EV_MSC, code=MSC_SCAN, value=0x7001E, seconds=12, micros=34)
    raw = b"".join(
        scan.pack() + Event(type=EV_KEY, code=key, value=value, seconds=12, micros=34).pack() + SYN.pack()
        for key in [2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 28]
        for value in (1, 0)
    )
    async with running(said(uinput[0])[0]) as outlet:
        outlet.put(typed(raw, b"1234"))
        outlet.put(typed(keys("\t"), b""))
        assert await got(uinput[1], len(raw)) == raw
        assert await got(uinput[1], len(keys("\t"))) == keys("\t"), "also what is no code"
        await outlet.idle()
        assert outlet.counts["said"] == 2


@pytest.mark.parametrize("layout", ["us", "jp"])
async def test_everything_else_is_typed_by_the_registers_layout(
    layout: keyboards.Layout, uinput: tuple[Path, int]
) -> None:
    async with running(said(uinput[0], layout)[0]) as outlet:
        outlet.put(serial(b"https://a.jp/?x=(1)&y='\r\n"))
        outlet.put(member("29001"))
        said_by_the_scanner = Read(raw=b"]E04901\r\n", content=b"4901", format="EAN13")
        outlet.put(Passed(at=now(), read=said_by_the_scanner, typed=False))
        wanted = keys("https://a.jp/?x=(1)&y='\r29001\r]E04901\r", layout)
        assert await got(uinput[1], len(wanted)) == wanted


async def test_what_no_key_types_is_dropped_and_said_without_its_content(uinput: tuple[Path, int]) -> None:
    async with running(said(uinput[0])[0]) as outlet:
        for raw in ("山田\r".encode(), b"01049\x1d17\r", b"\xff\xfe\r"):
            outlet.put(serial(raw))
            await outlet.idle()
            assert "The register's virtual keyboard does not work: a code has" in outlet.trouble
            assert "山" not in outlet.trouble
        assert outlet.counts["dropped"] == 3
        outlet.put(serial(b"\r\n"))  # Nothing was read: nothing is typed.
        outlet.put(serial(b"1\r"))
        assert await got(uinput[1], len(keys("1\r"))) == keys("1\r")
        await outlet.idle()
        assert outlet.trouble == ""


async def test_a_keyboard_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with running(said(tmp_path / "none")[0]) as outlet:
        await until(lambda: outlet.trouble)
        assert not outlet.opened.is_set(), "no scanner may be taken yet"
        assert outlet.trouble.endswith(
            "No such file or directory; run sudo systemd/install register, or modprobe uinput."
        )


@given(st.lists(st.sampled_from([SYN, Event(type=EV_KEY, code=2, value=1)]), max_size=400))
def test_bursts_are_the_whole_and_end_between_reports(events: list[Event]) -> None:
    bursts = list(_bursts(events))
    assert b"".join(bursts) == b"".join(event.pack() for event in events)
    assert all(burst.endswith(SYN.pack()) for burst in bursts[:-1])
    assert all(len(burst) >= BURST * keyboards.SIZE for burst in bursts[:-1])


async def test_serial_bytes_pass_as_they_are_and_all_else_with_a_cr(port: Port) -> None:
    every = bytes(range(256)) * 3 + b"\r\n"
    async with running(Wired(port.path, 9600)) as outlet:
        outlet.put(serial(every))
        outlet.put(typed(keys("4901\r"), b"4901"))
        outlet.put(typed(keys("\t"), b""))
        outlet.put(member("29001"))
        wanted = every + b"4901\r29001\r"
        assert await got(port.register, len(wanted)) == wanted
        await outlet.idle()
        assert outlet.counts["said"] == 4


async def test_a_port_that_is_away_comes_back_and_what_is_fresh_comes_with_it(port: Port, later: Move) -> None:
    async with running(Wired(port.path, 9600)) as outlet:
        outlet.put(serial(b"1\r"))
        assert await got(port.register, 2) == b"1\r"
        port.unplug()
        outlet.put(serial(b"2\r"))
        await until(lambda: outlet.trouble)
        assert f"The register's serial port {port.path} does not work" in outlet.trouble
        await later(OLDEST - 1)
        outlet.put(serial(b"3\r"))
        await later(1.5)
        await until(lambda: outlet.counts["dropped"])
        assert outlet.trouble.endswith(" does not work: No such file or directory.")
        port.plug()
        await later(AGAIN)
        assert await got(port.register, 2) == b"3\r", "the other had waited for too long"
        assert (outlet.trouble, outlet.counts["dropped"]) == ("", 1)


async def test_a_port_that_is_taken_or_is_none_is_said(port: Port, tmp_path: Path, later: Move) -> None:
    async with running(Wired(port.path, 9600)) as first, running(Wired(port.path, 9600)) as second:
        await first.opened.wait()
        await until(lambda: second.trouble)
        assert second.trouble.endswith(" does not work: another program has it.")
    (tmp_path / "file").touch()
    async with running(Wired(tmp_path / "file", 9600)) as none:
        await until(lambda: none.trouble)
        assert none.trouble.endswith(" does not work: it is no serial port.")


async def test_a_register_that_does_not_read_costs_nobody_time_and_gets_nothing_old(port: Port, later: Move) -> None:
    async with running(Wired(port.path, 9600)) as outlet:
        outlet.put(serial(b"x" * 200_000 + b"\r"))
        await until(lambda: not outlet._lines)
        for number in range(MOST_LINES + 6):
            outlet.put(serial(b"%d\r" % number))
        assert outlet.counts["dropped"] == 6
        assert "it does not take codes as fast as they come" in outlet.trouble
        await later(OLDEST + 0.1)
        await until(lambda: outlet.counts["dropped"] == MOST_LINES + 7)
        assert "took nothing for 5 seconds: is it switched on?; a code was dropped" in outlet.trouble
        left = 0
        while not empty(port.register):
            left += 1
        assert left <= 4096, "more than the other end's own buffer (N_TTY_BUF_SIZE) was left of what is old"
        outlet.put(serial(b"new\r"))
        assert await got(port.register, 4) == b"new\r"
        await outlet.idle()
        assert outlet.trouble == ""


class Register:
    """An address that answers the next of these, and keeps what it was told; nothing: it hangs."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.told: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        self.told.append(head + await reader.readexactly(size))
        answer = self.answers.pop(0)
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Register]:
    register = Register(*answers)
    server = await asyncio.start_server(register.serve, "127.0.0.1", 0)
    async with server:
        register.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/member?till=1"
        yield register


OK = b"HTTP/1.1 204 No Content\r\n\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\n\r\n"


async def test_a_member_is_posted_with_the_key() -> None:
    async with serving(OK, OK) as register, running(Posted(register.url, "secret")) as outlet:
        outlet.put(member("29001", "till-scanner"))
        await outlet.idle()
        head, _, body = register.told[0].partition(b"\r\n\r\n")
        host = register.url.split("/")[2].encode()
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /member?till=1 HTTP/1.1"
        assert {b"Host: " + host, b"Content-Type: application/json", b"Authorization: Bearer secret"} <= set(lines)
        assert json.loads(body) == {"member": "29001", "reader": "till-scanner"}
        assert (outlet.trouble, outlet.counts["said"]) == ("", 1)
    async with serving(OK) as register, running(Posted(register.url, "")) as outlet:
        outlet.put(member())
        await outlet.idle()
        assert b"Authorization" not in register.told[0]


@pytest.mark.parametrize("first", [BUSY, b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 x\r\n", b"\r\n", b"x" * 100_000])
async def test_an_address_that_fails_is_asked_again(first: bytes, later: Move) -> None:
    async with serving(first, OK) as register, running(Posted(register.url, "k")) as outlet:
        outlet.put(member())
        await until(lambda: register.told)
        if not first:
            await later(1.1)
        await until(lambda: outlet.trouble)
        assert "The register's address 127.0.0.1 does not work: " in outlet.trouble
        assert "29001" not in outlet.trouble
        await later(AGAIN)
        await outlet.idle()
        assert len(register.told) == 2
        assert (outlet.trouble, outlet.counts["said"], outlet.counts["dropped"]) == ("", 1, 0)


@pytest.mark.parametrize("answer", [b"401 No", b"404 No", b"302 Found\r\nLocation: http://elsewhere.example/"])
async def test_an_address_that_refuses_is_not_asked_again_nor_another_one(answer: bytes) -> None:
    async with (
        serving(b"HTTP/1.1 " + answer + b"\r\n\r\n", OK) as register,
        running(Posted(register.url, "")) as outlet,
    ):
        outlet.put(member("1"))
        await outlet.idle()
        assert f"it answers {answer[:3].decode()}: look at `url` and `key`; a code was dropped" in outlet.trouble
        outlet.put(member("2"))
        await outlet.idle()
        assert b'"2"' in register.told[1]
        assert (outlet.trouble, dict(outlet.counts)) == ("", {"dropped": 1, "said": 1, "slow": 0})


async def test_a_member_that_nobody_takes_is_dropped(later: Move) -> None:
    async with serving() as register:
        pass  # Nobody listens there any more.
    async with running(Posted(register.url, "")) as outlet:
        outlet.put(member())
        for _ in range(7):
            await until(lambda: outlet.trouble)
            await later(AGAIN)
        await until(lambda: outlet.counts["dropped"])
        assert outlet.counts["said"] == 0


def test_the_configuration_chooses_the_device() -> None:
    assert isinstance(device(config.TypedTo(kind="keyboard")), Typed)
    assert isinstance(device(config.WiredTo(kind="serial", device=Path("/dev/null"))), Wired)
    assert isinstance(device(config.PostedTo(kind="http", url="https://register.example/")), Posted)
