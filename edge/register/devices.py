"""What the register is told by: a virtual keyboard, a serial port, or an address on the network."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import ssl
import struct
import termios
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge import config, keyboards
from edge.errors import EdgeError
from edge.keyboards import EV_KEY, EV_MSC, EV_SYN, MSC_SCAN, SYN_REPORT, Event, Typing
from edge.register.desk import Member, Passed
from edge.register.outlets import OLDEST, Device, Lost

if TYPE_CHECKING:
    from serial import Serial

# linux/uinput.h
_SET_EVBIT, _SET_KEYBIT, _SET_MSCBIT = 0x40045564, 0x40045565, 0x40045568
_DEV_SETUP, _DEV_CREATE = 0x405C5503, 0x5501
_SETUP = struct.Struct("@HHHH80sI")
"""struct uinput_setup: bus, vendor, product, version; a name; and no force feedback."""
_BUS_VIRTUAL = 6
_KEYS = range(1, 248)
"""Those of a keyboard (linux/input-event-codes.h): with a mouse's buttons it would be taken for a mouse."""
BURST, REST = 32, 0.001
"""Events said at once, and seconds after them: a program that listens has room for 64 (drivers/input/evdev.c)."""
ANSWER = 1.0
"""Seconds that an address has to answer in."""


def device(to: config.TypedTo | config.WiredTo | config.PostedTo) -> Device:
    """The device that the configuration names."""
    match to:
        case config.TypedTo():
            return Typed(to.layout)
        case config.WiredTo():
            return Wired(to.device, to.baud)
        case config.PostedTo():
            return Posted(to.url, to.key)


class Typed:
    """A virtual keyboard of this machine, made by the kernel's uinput; it is gone with the process."""

    def __init__(
        self,
        layout: keyboards.Layout,
        path: Path = Path("/dev/uinput"),
        ioctl: Callable[[int, int, int | bytes], object] = lambda fd, asked, given: fcntl.ioctl(fd, asked, given),
    ) -> None:
        self.name = "The register's virtual keyboard"
        self._typing = Typing(layout)
        self._path = path
        self._ioctl = ioctl
        self._fd: int | None = None

    def open(self) -> bool:
        """Make the keyboard."""
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            fix = "run sudo systemd/install register, or modprobe uinput"
            raise OSError(error.errno, f"{self._path}: {error.strerror}; {fix}") from error
        for kind in (EV_SYN, EV_KEY, EV_MSC):
            self._ioctl(self._fd, _SET_EVBIT, kind)
        for key in _KEYS:
            self._ioctl(self._fd, _SET_KEYBIT, key)
        self._ioctl(self._fd, _SET_MSCBIT, MSC_SCAN)
        self._ioctl(self._fd, _DEV_SETUP, _SETUP.pack(_BUS_VIRTUAL, 0, 0, 1, b"Noren", 0))
        self._ioctl(self._fd, _DEV_CREATE, 0)
        return True

    def close(self) -> None:
        """Unmake it; the kernel lets go of its keys."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    async def write(self, line: Passed | Member) -> None:
        """Type it: a keyboard's events as they came, all else as this layout has it, with Enter."""
        assert self._fd is not None
        said = 0
        for burst in _bursts(self._events(line)):
            await _write(self._fd, burst, begun=said > 0)
            said += len(burst)
            await asyncio.sleep(REST)

    def _events(self, line: Passed | Member) -> Iterable[Event]:
        if isinstance(line, Passed) and line.typed:
            return keyboards.unpack(line.read.raw)
        text = _text(line)
        try:
            return self._typing.events(text.decode() + "\r") if text else ()
        except UnicodeDecodeError as error:
            raise Lost("a code has bytes that are no characters.") from error
        except EdgeError as error:
            raise Lost("a code has a character that no key types; use a serial port") from error


def _bursts(events: Iterable[Event]) -> Iterable[bytes]:
    """Cut between two reports."""
    burst = bytearray()
    for event in events:
        burst += event.pack()
        if event.type == EV_SYN and event.code == SYN_REPORT and len(burst) >= BURST * keyboards.SIZE:
            yield bytes(burst)
            burst.clear()
    if burst:
        yield bytes(burst)


class Wired:
    """A serial port that the register listens on."""

    def __init__(self, path: Path, baud: int) -> None:
        self.name = f"The register's serial port {path}"
        self._path = path
        self._baud = baud
        self._port: Serial | None = None

    def open(self) -> bool:
        """Take the port for ourselves."""
        from serial import Serial

        try:
            self._port = Serial(str(self._path), self._baud, exclusive=True)
        except termios.error as error:
            raise OSError(errno.EIO, "it is no serial port") from error
        except OSError as error:
            # pyserial gives no number where the device has no settings of a serial port.
            said = os.strerror(error.errno) if error.errno else "it is no serial port"
            said = "another program has it" if error.errno in (errno.EAGAIN, errno.EBUSY) else said
            raise OSError(error.errno or errno.EIO, said) from error
        return True

    def close(self) -> None:
        """Let go of it."""
        if self._port is not None:
            self._port.close()
            self._port = None

    async def write(self, line: Passed | Member) -> None:
        """Send it: a serial scanner's bytes as they came, all else with a CR."""
        assert self._port is not None
        if isinstance(line, Passed) and not line.typed:
            data = line.read.raw
        else:
            text = _text(line)
            data = text + b"\r" if text else b""
        try:
            async with asyncio.timeout(OLDEST):
                await _write(self._port.fileno(), data)
        except TimeoutError:
            # What lies in the kernel's buffer is as old, and would be the next customer's.
            with suppress(OSError, termios.error):
                self._port.reset_output_buffer()
            raise Lost(f"the register took nothing for {OLDEST:.0f} seconds: is it switched on?") from None


class Posted:
    """An address of the register's that is told a member by POST; what it redirects to is not followed."""

    def __init__(self, url: str, key: str) -> None:
        to = urlsplit(url)
        self._host, self._tls = to.hostname or "", ssl.create_default_context() if to.scheme == "https" else None
        self._port = to.port or (443 if self._tls else 80)
        head = [f"POST {to.path or '/'}{'?' + to.query if to.query else ''} HTTP/1.1"]
        head += [f"Host: {to.netloc.rpartition('@')[2]}", "Content-Type: application/json", "Connection: close"]
        self._head = [*head, f"Authorization: Bearer {key}"] if key else head
        self.name = f"The register's address {self._host}"

    def open(self) -> bool:
        """Nothing is held between two words, or known."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    async def write(self, line: Passed | Member) -> None:
        """Tell a member; OSError where it may go well the next time. Neither is ever logged."""
        assert isinstance(line, Member)
        body = json.dumps({"member": line.number, "reader": line.reader}).encode()
        head = "\r\n".join([*self._head, f"Content-Length: {len(body)}", "", ""]).encode()
        try:
            async with asyncio.timeout(ANSWER):
                status = await self._post(head + body)
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT, f"no answer within {ANSWER:.0f} second") from None
        except (ValueError, IndexError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            raise OSError(errno.EPROTO, "what answers does not speak HTTP") from None
        if status >= 500 or status in (408, 429):
            raise OSError(errno.EREMOTEIO, f"it answers {status}")
        if not 200 <= status < 300:
            raise Lost(f"it answers {status}: look at `url` and `key`")

    async def _post(self, request: bytes) -> int:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(request)
            await writer.drain()
            version, status = (await reader.readuntil(b"\n")).split(maxsplit=2)[:2]
            if not version.startswith(b"HTTP/1."):
                raise ValueError(version)
            return int(status)
        finally:
            writer.transport.abort()


def _text(line: Passed | Member) -> bytes:
    """What is told of it, without an end; nothing where nothing was read."""
    if isinstance(line, Member):
        return line.number.encode()
    # Of serial bytes all of them: a scanner that says what kind a code is does it for the register.
    return line.read.content if line.typed else line.read.raw.strip(b"\r\n\t")


async def _write(fd: int, data: bytes, *, begun: bool = False) -> None:
    """Write all of it. OSError where nothing was; Lost where a part was, and its rest is not taken any more."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:
            await _writable(fd)
        except OSError as error:
            if begun or len(left) < len(data):
                raise Lost(f"it went away within a code ({error.strerror})") from error
            raise


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(fd)
