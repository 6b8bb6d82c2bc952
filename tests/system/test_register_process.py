"""The register's process between real ends, with an agent that answers, hangs, is killed, and comes back."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import tty
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from edge import config
from edge.keyboards import EV_MSC, MSC_SCAN, SYN, Event, Typing
from edge.model import Advert, Scan
from edge.register import app
from edge.register.devices import Typed
from edge.register.outlets import Device
from edge.sensors import keyboard
from edge.sensors.scanner import Read
from edge.till import Till

TREE = Path(__file__).parents[2]

AGENT = """
import asyncio, os, signal, sys
from pathlib import Path
from edge import config
from edge.till import Till

register = config.Register(socket=Path(sys.argv[1]), passes=config.TypedTo(kind="keyboard"))
till = Till(register, {"till": "checkout"}, {"checkout"})

def deliver(scan):
    if scan.content == b"kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif scan.content != b"silence":
        ours = scan.content.startswith(b"29")
        till.answer(scan, ours, scan.content.decode() if ours else None)

async def main():
    running = asyncio.create_task(till.run(deliver))
    said = None
    while True:
        now = till.trouble if till.connected else "away"
        known = till._vitals is not None or not till.connected
        if known and now != said:
            said = now
            print(said, flush=True)
        await asyncio.sleep(0.02)

asyncio.run(main())
"""


class End:
    """A serial port: its `path` for the process, and the device at its other end."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self._pair: tuple[int, int] | None = None
        self.plug()

    @property
    def fd(self) -> int:
        assert self._pair
        return self._pair[0]

    def plug(self) -> None:
        self._pair = os.openpty()
        tty.setraw(self._pair[1])
        self.path.symlink_to(os.ttyname(self._pair[1]))

    def unplug(self) -> None:
        assert self._pair
        self.path.unlink()
        for fd in self._pair:
            os.close(fd)
        self._pair = None

    def says(self, data: bytes) -> None:
        os.write(self.fd, data)

    def got(self, size: int) -> bytes:
        """So many bytes, once they are there."""
        data = b""
        while len(data) < size:
            data += os.read(self.fd, size - len(data))
        return data

    def pending(self) -> bytes:
        return os.read(self.fd, 1 << 16) if select.select([self.fd], [], [], 0.2)[0] else b""


class Checkout:
    """A scanner, a register with two ports, and the process between them."""

    def __init__(self, folder: Path) -> None:
        self.scanner, self.register, self.members = (End(folder, name) for name in ("scanner", "register", "members"))
        self.socket = folder / "r.sock"
        self.file = folder / "noren.yaml"
        self.section: dict[str, object] = {
            "folder": str(folder / "edge"),
            "zones": [{"zone": "checkout"}],
            "sensors": [
                {"kind": "serial", "name": "till", "zone": "checkout", "device": str(self.scanner.path), "shared": True}
            ],
            "screens": [],
            "register": {
                "socket": str(self.socket),
                "passes": {"kind": "serial", "device": str(self.register.path)},
                "members": {"kind": "serial", "device": str(self.members.path)},
            },
        }
        self.file.write_text(yaml.safe_dump({"edge": self.section}))

    def settle(self) -> None:
        """Have codes pass: what is said to a port that nobody has opened yet is lost."""
        for number in range(10_000):
            probe = b"probe-%d\r" % number
            self.scanner.says(probe)
            if self.register.pending().endswith(probe):
                return

    def scan(self, code: bytes) -> None:
        self.scanner.says(code)

    def member(self, number: bytes) -> None:
        """Scan a member's code until the register is told of the member: a busy machine's agent answers late."""
        self.scan(number)
        while self.members.pending() != number:
            assert self.register.pending() in (number, b"")
            self.scan(number)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path)
    yield made
    for end in (made.scanner, made.register, made.members):
        end.unplug()


def command(file: Path) -> list[str]:
    return [sys.executable, "-m", "edge", "register", str(file)]


@contextmanager
def standing(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command(file), cwd=TREE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def agent(socket: Path) -> Iterator[subprocess.Popen[str]]:
    """One that is connected."""
    with subprocess.Popen(
        [sys.executable, "-c", AGENT, str(socket)], cwd=TREE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            hears(process, "\n")
            yield process
        finally:
            process.kill()


def hears(process: subprocess.Popen[str], said: str) -> None:
    """Wait until an agent has told of a trouble, or of none."""
    assert process.stdout
    for line in process.stdout:
        if line == said or (said != "\n" and said in line):
            return
    pytest.fail("the agent has ended")


def test_codes_pass_unchanged_whether_there_is_an_agent_or_not(counter: Checkout) -> None:
    codes = [b"4901234567894\r", b"\x02 AB\x1d17\x03\r\n", bytes(range(128, 256)) + b"\r", "山田\r".encode()]
    with standing(counter.file) as process:
        counter.settle()
        for code in codes:
            counter.scan(code)
            assert counter.register.got(len(code)) == code
        with agent(counter.socket):
            for code in codes:
                counter.scan(code)
                assert counter.register.got(len(code)) == code
            counter.member(b"2900000000001\r")
            counter.scan(b"silence\r")
            assert counter.register.got(8) == b"silence\r", "no word in time: and nothing of the member before it"
        process.terminate()
        assert process.wait() == 0
    assert not counter.socket.exists()


def test_with_the_agent_killed_everything_passes_from_that_moment(counter: Checkout) -> None:
    with standing(counter.file):
        counter.settle()
        with agent(counter.socket) as killed:
            counter.scan(b"kill\r2900000000001\r")
            assert counter.register.got(19) == b"kill\r2900000000001\r", "also what it was asked about"
            assert killed.wait() == -signal.SIGKILL
        with agent(counter.socket) as hangs:
            hangs.send_signal(signal.SIGSTOP)
            counter.scan(b"2900000000001\r4901\r")
            assert counter.register.got(19) == b"2900000000001\r4901\r"
            hangs.send_signal(signal.SIGCONT)
            counter.member(b"2900000000002\r")


def test_a_process_that_is_killed_comes_back_to_the_same_scanner_and_agent(counter: Checkout) -> None:
    with standing(counter.file) as killed:
        counter.settle()
        with agent(counter.socket) as told:
            killed.kill()
            hears(told, "away")
            with standing(counter.file):
                hears(told, "\n")
                counter.settle()
                counter.member(b"2900000000001\r")


def test_a_scanner_or_a_register_that_is_unplugged_is_said_and_used_again(counter: Checkout) -> None:
    with standing(counter.file):
        counter.settle()
        with agent(counter.socket) as told:
            counter.scanner.unplug()
            hears(told, f"There is no scanner {counter.scanner.path}.")
            counter.scanner.plug()
            counter.settle()
            hears(told, "\n")
            counter.register.unplug()
            counter.scan(b"1\r")
            hears(told, f"The register's serial port {counter.register.path} does not work: ")
            counter.register.plug()
            hears(told, "\n")
            counter.settle()


def test_a_register_that_does_not_read_keeps_nobody_from_members(counter: Checkout) -> None:
    with standing(counter.file):
        counter.settle()
        with agent(counter.socket) as told:
            for _ in range(30):
                counter.scan(b"4" * 6000 + b"\r")
            while counter.members.pending() != b"2900000000001\r":
                counter.scan(b"2900000000001\r")
            hears(told, "the register took nothing for 5 seconds: is it switched on?; a code was dropped.")
            while counter.register.pending():
                pass
            counter.settle()


def test_without_a_register_or_beside_another_process_it_does_not_start(counter: Checkout) -> None:
    with standing(counter.file):
        counter.settle()
        second = subprocess.run(command(counter.file), cwd=TREE, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert second.stderr == f"Another register's process already uses {counter.socket}. Stop it first.\n"
    counter.file.write_text(yaml.safe_dump({"edge": counter.section | {"register": None, "sensors": []}}))
    none = subprocess.run(command(counter.file), cwd=TREE, capture_output=True, text=True, check=False)
    assert none.returncode == 2
    assert "edge.register: say how it is reached" in none.stderr


def events(text: str) -> bytes:
    """As a scanner that is a keyboard types it, with what most of them say beside it."""
    return b"".join(
        (Event(type=EV_MSC, code=MSC_SCAN, value=event.code, seconds=9).pack() if event != SYN else b"") + event.pack()
        for event in Typing("us").events(text)
    )


async def got(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        with suppress(BlockingIOError):
            data += os.read(fd, size - len(data))
        await asyncio.sleep(0)
    return data


async def test_a_scanner_that_types_goes_on_typing_what_is_not_ours(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scanner")
    hand = os.open(tmp_path / "scanner", os.O_RDWR | os.O_NONBLOCK)
    scanner = config.Keyboard(kind="keyboard", name="till", zone="checkout", device=tmp_path / "scanner", shared=True)
    register = config.Register(socket=tmp_path / "s", passes=config.TypedTo(kind="keyboard"))
    settings = config.EdgeConfig(
        folder=tmp_path, zones=(config.Zone(zone="checkout"),), sensors=(scanner,), screens=(), register=register
    )
    grabbed = asyncio.Event()

    def reads(one: app.Scanner, counts: Counter[str]) -> AsyncGenerator[Read, None]:
        return keyboard.reads(one.device, "us", counts=counts, grab=lambda _: grabbed.set())

    def device(_: app.Way) -> Device:
        return Typed("us", tmp_path / "uinput", lambda *_: None)

    till = Till(register, {"till": "checkout"}, {"checkout"})

    def deliver(scan: Advert | Scan) -> None:
        assert isinstance(scan, Scan)
        till.answer(scan, scan.content.startswith(b"29"), "M-1")

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        process = app.App(settings, reads=reads, device=device)
        group.create_task(process.run(stop))
        while not process.vitals().troubles:  # noqa: ASYNC110 - there is no virtual keyboard yet.
            await asyncio.sleep(0)
        assert not grabbed.is_set(), "nobody's scanner is taken while nothing can be passed"
        os.mkfifo(tmp_path / "uinput")
        screen = os.open(tmp_path / "uinput", os.O_RDONLY | os.O_NONBLOCK)
        await grabbed.wait()
        agent = group.create_task(till.run(deliver))
        while not till.connected:  # noqa: ASYNC110 - it says so nowhere.
            await asyncio.sleep(0)
        for said, comes in [
            (events("4901234567894\r"), events("4901234567894\r")),
            (events("https://A.example/?a=B\r"), events("https://A.example/?a=B\r")),
            (events("2900000000001\r"), b"".join(event.pack() for event in Typing("us").events("M-1\r"))),
            (events("\t"), events("\t")),
        ]:
            os.write(hand, said)
            while comes != said and (first := await got(screen, 24)) == said[:24]:
                # A busy machine's agent answers late: then it passes.
                assert first + await got(screen, len(said) - 24) == said
                os.write(hand, said)
            rest = comes if comes == said else comes[24:]
            assert await got(screen, len(rest)) == rest
        agent.cancel()
        stop.set()
    os.close(hand)
    os.close(screen)
