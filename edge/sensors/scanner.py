"""What a scanner reads: where one code ends in what it sends, its exact bytes, and what it is."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from central.contract import member_code, signed_code
from edge.errors import SensorError
from edge.model import Scan, ZoneId
from edge.ports import Deliver

log = logging.getLogger(__name__)

PAUSE = 0.015
"""Seconds of silence after which a code is over, from a scanner that has not marked an end yet."""
LONG_PAUSE = 0.1
"""The same of one that marks its ends, or whose key is still down: it may just be slow."""
LONGEST = 7_168
"""Characters: a QR code holds 7,089 digits (ISO/IEC 18004), and a scanner puts some before and after them."""
MOST_RAW = 2 * 2**20
"""Bytes of one code's input events: a shifted character is twelve events."""
MOST_WAITING = 32
"""Codes that nobody has taken yet: of more, the oldest is dropped and counted."""
AGAIN = 1.0
"""Seconds within which the same code from the same scanner is the same act."""
CHUNK = 4096

_ENDS = {b"\r", b"\n", b"\t", b"\r\n"}
_CONTROLS = bytes([*range(32), 127])
_AIM = re.compile(rb"\]([A-Za-z])([0-9A-Za-z])")
_FORMATS = {
    b"E4": "EAN8",
    b"E": "EAN13",
    b"C": "Code128",
    b"Q": "QRCode",
    b"A": "Code39",
    b"F": "Codabar",
    b"G": "Code93",
    b"I": "ITF",
    b"L": "PDF417",
    b"d": "DataMatrix",
    b"e": "DataBar",
    b"z": "Aztec",
}
"""By AIM's letter, or its letter and modifier (ISO/IEC 15424): what shops meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What came between two ends."""

    raw: bytes
    """As it came, to be passed on unchanged: input events or bytes, with the end."""
    content: bytes
    """The code's bytes; empty where nothing was read: keys that type nothing, or an end alone."""
    format: str


def read(raw: bytes, text: bytes) -> Read:
    """Know a code in the characters that came before an end."""
    content = text.strip(_CONTROLS)
    if aim := _AIM.match(content):
        letter, modifier = aim.groups()
        if said := _FORMATS.get(letter + modifier) or _FORMATS.get(letter):
            return Read(raw=raw, content=content[3:].strip(_CONTROLS), format=said)
    return Read(raw=raw, content=content, format=_format(content))


def _format(content: bytes) -> str:
    """What a code is by its content, where the scanner does not say."""
    if content.isdigit():
        digits = content.decode()
        if len(digits) == 13 and member_code.check_digit(digits[:12]) == digits[12]:
            return "EAN13"
        if len(digits) == signed_code.DIGITS:
            return "QRCode"
    return "text"


class Framing:
    """Cuts what one scanner sends into codes; `counts` has what was set aside, by why."""

    def __init__(self, counts: Counter[str] | None = None, *, pause: float = PAUSE) -> None:
        self.counts: Counter[str] = Counter() if counts is None else counts
        self._pause = pause
        self._raw = bytearray()
        self._text = bytearray()
        self._end = b""
        """What has ended it, where a key is still down or a LF may follow its CR."""
        self._whole = True
        self._lost = False
        self._at = 0.0
        self._ended = b""
        """What ended the last one that was not ended by a pause."""
        self._pairs = False
        """Whether this scanner sends a LF after its CR, which then belongs to the same code."""

    def take(self, raw: bytes, text: bytes, at: float, *, whole: bool = True) -> list[Read]:
        """Take what came next; give what is over by it.

        `text` is what `raw` says: characters, or one end (CR, LF, CR LF, Tab), or nothing. Not `whole`: something more
        belongs to it, as a key that went down comes up again.
        """
        over = self._over() if self._end and text and self._end + text != b"\r\n" else []
        if text in _ENDS:
            before = self._end if self._raw or self._lost else self._ended
            self._pairs = self._pairs or b"\r\n" in (text, before + text)
            self._end += text
        else:
            self._text += text
        self._raw += raw
        self._at, self._whole = at, whole
        if len(self._text) > LONGEST or len(self._raw) > MOST_RAW:
            self.lose("lines_too_long")
        if self._lost:
            self._raw.clear()
            self._text.clear()
        if self._end and whole and not (self._end == b"\r" and self._pairs):
            over += self._over()
        return over

    def lose(self, why: str) -> None:
        """Set aside all from the last end to the next: a part of it is missing, or it is no code."""
        if not self._lost:
            self._lost = True
            self.counts[why] += 1
            log.warning("a code was set aside: %s", why)

    def due(self) -> float | None:
        """When it is over if no more comes; None where nothing has come."""
        if not (self._raw or self._lost):
            return None
        slow = not self._whole or (self._ended and not self._end)
        return self._at + (max(self._pause, LONG_PAUSE) if slow else self._pause)

    def paused(self) -> list[Read]:
        """No more came until it was due: give what is over by that."""
        if self._end == b"\r" and self._whole:
            self._pairs = False
        return self._over()

    def _over(self) -> list[Read]:
        found = [] if self._lost or not self._raw else [read(bytes(self._raw), bytes(self._text))]
        self._raw.clear()
        self._text.clear()
        self._ended, self._end = self._end or self._ended, b""
        self._lost, self._whole = False, True
        return found


async def arriving(
    fd: int, take: Callable[[bytes, float], list[Read]], framing: Framing, gone: Callable[[], SensorError]
) -> AsyncGenerator[Read, None]:
    """The codes of an open device, as `take` gives it to the framing. Raises `gone()` when there are no more.

    It is read at once, whoever waits for what: the kernel keeps only 64 events of a keyboard, 20 ms of a fast one.
    """
    line = _Line(fd, take, framing)
    line.open()
    try:
        while True:
            await line.news.wait()
            line.news.clear()
            while line.waiting:
                yield line.waiting.popleft()
            if line.ended:
                raise gone() from line.failed
    finally:
        line.close()


class _Line:
    """An open device on the loop: what it said, cut into codes that wait to be taken."""

    def __init__(self, fd: int, take: Callable[[bytes, float], list[Read]], framing: Framing) -> None:
        self.waiting: deque[Read] = deque()
        self.news = asyncio.Event()
        self.ended = False
        self.failed: OSError | None = None
        self._fd = fd
        self._take = take
        self._framing = framing
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._loop.add_reader(self._fd, self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        if self._timer is not None:
            self._timer.cancel()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self.failed, data = error, b""
        if data:
            self._came(self._take(data, self._loop.time()))
            return
        self.ended = True
        self.close()
        self.news.set()

    def _came(self, found: Iterable[Read]) -> None:
        for one in found:
            if len(self.waiting) == MOST_WAITING:
                self.waiting.popleft()
                self._framing.counts["lines_untaken"] += 1
            self.waiting.append(one)
            self.news.set()
        if self._timer is not None:
            self._timer.cancel()
        due = self._framing.due()
        # Late by a busy loop, it still comes after what can be read by then, which puts it off.
        self._timer = None if due is None else self._loop.call_at(due, self._paused)

    def _paused(self) -> None:
        self._came(self._framing.paused())


async def report(
    found: AsyncIterator[Read], deliver: Deliver, *, name: str, zone: ZoneId, clock: Callable[[], float]
) -> None:
    """Report each code that is read; what is read again within a moment is the same act."""
    last, last_at = b"", -AGAIN
    async for one in found:
        if not one.content:
            continue
        at = clock()
        again = one.content == last and at - last_at < AGAIN
        last, last_at = one.content, at
        if not again:
            deliver(Scan(at=at, reader=name, zone=zone, format=one.format, content=one.content))


def usable(device: Path, access: int, *, group: str, where: str) -> None:
    """Raises SensorError for a device that is not there or that this user may not use; it is not opened."""
    number = errno.ENOENT if not device.exists() else errno.EACCES
    if number == errno.ENOENT or not os.access(device, access):
        raise refused(device, OSError(number, os.strerror(number)), group=group, where=where)


def refused(device: Path, error: OSError, *, group: str, where: str) -> SensorError:
    """The sentence for a device that cannot be opened."""
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return SensorError(f"There is no scanner {device}.", fix=f"Plug it in, or name another: ls {where}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SensorError(
            f"This user may not use the scanner {device}.", fix=f"usermod -aG {group} USER; then log in again."
        )
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return SensorError(f"Another program has the scanner {device}.", fix=f"See which one: fuser -v {device}")
    return SensorError(f"The scanner {device} cannot be used: {error.strerror or error}.", fix="Plug it in anew.")


def gone(device: Path) -> SensorError:
    """The sentence for a device that was there."""
    return SensorError(f"The scanner {device} is gone.", fix="Check its cable: once it is back it is used again.")
