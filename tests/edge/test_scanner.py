"""What scanners read: where codes end, what they are, and what is set aside."""

from __future__ import annotations

import errno
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import sensing
from edge.config import Keyboard, SensorConfig, Serial
from edge.errors import SensorError
from edge.model import Advert, Scan, ZoneId
from edge.sensors import keyboard, scanner, wired
from edge.sensors.scanner import LONG_PAUSE, LONGEST, MOST_RAW, PAUSE, Framing, Read

EAN = b"2900000000018"
SIGNED = b"1" * 186

few = settings(max_examples=200, deadline=None)


def cut(framing: Framing, data: bytes, at: float = 0.0) -> list[Read]:
    """As a serial port's bytes are taken."""
    pieces = re.findall(rb"\r\n|[\r\n\t]|[^\r\n\t]+", data)
    return [one for piece in pieces for one in framing.take(piece, piece, at)]


@pytest.mark.parametrize(
    ("text", "content", "what"),
    [
        (EAN, EAN, "EAN13"),
        (b"2900000000019", b"2900000000019", "text"),
        (b"290000000001", b"290000000001", "text"),
        (SIGNED, SIGNED, "QRCode"),
        (SIGNED + b"1", SIGNED + b"1", "text"),
        (b"]E0" + EAN, EAN, "EAN13"),
        (b"]E412345670", b"12345670", "EAN8"),
        (b"]C0M-0001", b"M-0001", "Code128"),
        (b"]C1\x1d0104912345678904\x1d10A", b"0104912345678904\x1d10A", "Code128"),
        (b"]Q1https://example.jp/a", b"https://example.jp/a", "QRCode"),
        (b"]Q3" + SIGNED, SIGNED, "QRCode"),
        (b"]d2X", b"X", "DataMatrix"),
        (b"\x02]E0" + EAN + b"\x03", EAN, "EAN13"),
        (b"\x02" + EAN + b"\x03", EAN, "EAN13"),
        (b"\0\0" + EAN + b"\x7f", EAN, "EAN13"),
        (b"]Y0abc", b"]Y0abc", "text"),
        (b"]E", b"]E", "text"),
        (b" A B ", b" A B ", "text"),
        (b"a\0b", b"a\0b", "text"),
        ("会員".encode(), "会員".encode(), "text"),
        ("2900000000018".translate({48 + n: 0x0660 + n for n in range(10)}).encode(), None, "text"),
        (b"\x80\xff", b"\x80\xff", "text"),
        (b"", b"", "text"),
    ],
)
def test_a_code_is_known_by_its_sign_or_by_its_content(text: bytes, content: bytes | None, what: str) -> None:
    read = scanner.read(b"raw", text)
    assert read == Read(raw=b"raw", content=text if content is None else content, format=what)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t"])
def test_an_end_ends_a_code_at_once_and_raw_has_all_of_it(end: bytes) -> None:
    framing = Framing()
    assert cut(framing, b"\x02]E0" + EAN) == []
    [read] = cut(framing, b"\x03" + end)
    assert read == Read(raw=b"\x02]E0" + EAN + b"\x03" + end, content=EAN, format="EAN13")
    assert framing.due() is None


def test_several_codes_may_come_at_once() -> None:
    reads = cut(Framing(), b"A\r\nB\rC\tD\n\r\n")
    assert [(read.raw, read.content) for read in reads] == [
        (b"A\r\n", b"A"),
        (b"B\r", b"B"),
        (b"C\t", b"C"),
        (b"D\n", b"D"),
        (b"\r\n", b""),
    ]


def test_a_pause_ends_a_code_of_a_scanner_that_sends_no_end() -> None:
    framing = Framing()
    assert cut(framing, b"AB", 10.0) == []
    assert cut(framing, b"C", 10.01) == []
    assert framing.due() == pytest.approx(10.01 + PAUSE)
    assert framing.paused() == [Read(raw=b"ABC", content=b"ABC", format="text")]
    assert framing.due() is None
    assert framing.paused() == []


def test_who_marks_ends_is_waited_for_longer() -> None:
    framing = Framing()
    cut(framing, b"A\r")
    cut(framing, b"B", 20.0)
    assert framing.due() == 20.0 + LONG_PAUSE
    framing.paused()
    cut(framing, b"C", 21.0)
    assert framing.due() == 21.0 + LONG_PAUSE


def test_a_line_feed_that_comes_late_is_waited_for_from_then_on() -> None:
    framing = Framing()
    assert [read.raw for read in cut(framing, b"A\r")] == [b"A\r"]
    assert [(read.raw, read.content) for read in cut(framing, b"\n")] == [(b"\n", b"")]
    assert cut(framing, b"B\r", 30.0) == []
    assert framing.due() == pytest.approx(30.0 + PAUSE)
    assert cut(framing, b"\n") == [Read(raw=b"B\r\n", content=b"B", format="text")]


def test_one_that_does_not_come_any_more_is_not_waited_for() -> None:
    framing = Framing()
    cut(framing, b"A\r\n")
    assert cut(framing, b"B\r") == []
    assert [read.raw for read in framing.paused()] == [b"B\r"]
    assert [read.raw for read in cut(framing, b"C\r")] == [b"C\r"]


def test_a_line_feed_that_ends_the_next_code_belongs_to_that_one() -> None:
    framing = Framing()
    assert [read.raw for read in cut(framing, b"A\rB\n")] == [b"A\r", b"B\n"]
    assert [read.raw for read in cut(framing, b"C\r")] == [b"C\r"]


def test_the_next_code_ends_what_waits_for_its_line_feed() -> None:
    framing = Framing()
    cut(framing, b"A\r\n")
    assert cut(framing, b"B\r") == []
    assert [read.raw for read in cut(framing, b"C")] == [b"B\r"]
    assert [read.raw for read in cut(framing, b"\r\n")] == [b"C\r\n"]


def test_a_code_is_over_when_all_of_it_has_come() -> None:
    framing = Framing()
    assert framing.take(b"1", b"A", 1.0, whole=False) == []
    assert framing.due() == 1.0 + LONG_PAUSE
    assert framing.take(b"2", b"\r", 1.0, whole=False) == []
    assert framing.due() == 1.0 + LONG_PAUSE
    assert framing.take(b"3", b"", 1.0) == [Read(raw=b"123", content=b"A", format="text")]


def test_what_types_nothing_is_passed_all_the_same() -> None:
    framing = Framing()
    assert framing.take(b"F1", b"", 1.0) == []
    assert framing.paused() == [Read(raw=b"F1", content=b"", format="text")]


def test_what_is_too_long_is_set_aside_to_its_end_and_counted() -> None:
    framing = Framing()
    assert cut(framing, b"7" * LONGEST) == []
    assert cut(framing, b"7" * 10) == []
    assert cut(framing, b"7" * 3 * LONGEST) == []
    assert not framing._raw
    assert not framing._text
    assert cut(framing, b"7\r\n") == []
    assert [read.content for read in cut(framing, EAN + b"\r\n")] == [EAN]
    assert framing.counts == {"lines_too_long": 1}


def test_the_longest_code_is_read() -> None:
    digits = b"7" * 7089
    [read] = cut(Framing(), b"]Q1" + digits + b"\r")
    assert read.content == digits


def test_a_pause_ends_what_is_too_long_as_well() -> None:
    framing = Framing()
    cut(framing, b"7" * 2 * LONGEST, 5.0)
    assert framing.due() == pytest.approx(5.0 + PAUSE)
    assert framing.paused() == []
    assert [read.content for read in cut(framing, EAN + b"\r")] == [EAN]


def test_events_that_type_nothing_are_bounded_too() -> None:
    framing = Framing()
    for _ in range(3 * MOST_RAW // 65536):
        assert framing.take(bytes(65536), b"", 1.0) == []
    assert framing.counts == {"lines_too_long": 1}
    assert cut(framing, b"\r") == []
    assert [read.content for read in cut(framing, EAN + b"\r")] == [EAN]


def test_what_was_lost_is_lost_to_its_end() -> None:
    framing = Framing()
    cut(framing, b"29000")
    framing.lose("lines_incomplete")
    assert cut(framing, b"018\r") == []
    assert [read.content for read in cut(framing, EAN + b"\r")] == [EAN]
    assert framing.counts == {"lines_incomplete": 1}


@few
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\r", b"\n", b"\r\n", b"\t", EAN]), max_size=30))
def test_nothing_that_came_is_missing_from_raw(chunks: list[bytes]) -> None:
    framing = Framing()
    reads = [read for chunk in chunks for read in cut(framing, chunk)] + framing.paused()
    assert b"".join(read.raw for read in reads) == b"".join(chunks)


@few
@given(
    st.lists(st.sampled_from([EAN, b"A-1", b"\x02]C0X\x03"]), max_size=8),
    st.sampled_from([b"\r", b"\n", b"\r\n", b"\t"]),
    st.lists(st.integers(1, 20), min_size=1, max_size=20),
)
def test_however_it_is_cut_the_same_codes_are_read(codes: list[bytes], end: bytes, sizes: list[int]) -> None:
    data = b"".join(code + end for code in codes)
    framing = Framing()
    reads = []
    while data:
        for size in sizes:
            reads += cut(framing, data[:size])
            data = data[size:]
    assert [read.content for read in reads if read.content] == [scanner.read(b"", code).content for code in codes]


async def _told(*reads: tuple[float, bytes]) -> list[Scan]:
    """What is reported of codes read at these times."""
    now = 0.0

    async def found() -> AsyncIterator[Read]:
        nonlocal now
        for now, content in reads:  # noqa: B007 - the clock reads it.
            yield Read(raw=content, content=content, format="text")

    got: list[Advert | Scan] = []
    await scanner.report(found(), got.append, name="till", zone=ZoneId("entrance"), clock=lambda: now)
    return [one for one in got if isinstance(one, Scan)]


async def test_a_code_is_reported_as_a_scan() -> None:
    assert await _told((5.0, b"A"), (6.0, b"")) == [
        Scan(at=5.0, reader="till", zone=ZoneId("entrance"), format="text", content=b"A")
    ]


async def test_the_same_code_within_a_second_is_the_same_act() -> None:
    told = await _told((5.0, b"A"), (5.9, b"A"), (6.8, b"A"), (7.9, b"A"), (8.0, b"B"), (8.1, b"A"))
    assert [(scan.at, scan.content) for scan in told] == [(5.0, b"A"), (7.9, b"A"), (8.0, b"B"), (8.1, b"A")]


async def test_an_end_alone_parts_nothing() -> None:
    assert [scan.at for scan in await _told((5.0, b"A"), (5.1, b""), (5.2, b"A"))] == [5.0]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOENT, "There is no scanner /dev/x. Plug it in, or name another: ls /dev/here/"),
        (errno.EACCES, "This user may not use the scanner /dev/x. usermod -aG input USER; then log in again."),
        (errno.EBUSY, "Another program has the scanner /dev/x. See which one: fuser -v /dev/x"),
        (errno.EAGAIN, "Another program has the scanner /dev/x. See which one: fuser -v /dev/x"),
        (errno.EIO, "The scanner /dev/x cannot be used: Input/output error. Plug it in anew."),
    ],
)
def test_a_scanner_that_cannot_be_had_is_a_sentence(number: int, said: str) -> None:
    error = OSError(number, {errno.EIO: "Input/output error"}.get(number, "?"))
    refused = scanner.refused(Path("/dev/x"), error, group="input", where="/dev/here/")
    assert isinstance(refused, SensorError)
    assert str(refused) == said


def test_a_shared_scanner_is_no_sensor_of_the_agent() -> None:
    here = Path("/dev/x")
    configs: list[SensorConfig] = [
        Keyboard(kind="keyboard", name="a", zone="till", device=here, layout="jp"),
        Keyboard(kind="keyboard", name="b", zone="till", device=here, shared=True),
        Serial(kind="serial", name="c", zone="till", device=here, baud=115200),
        Serial(kind="serial", name="d", zone="till", device=here, shared=True),
    ]
    typing, line = sensing.of(configs, "shinjuku")
    assert isinstance(typing, keyboard.Keyboard)
    assert isinstance(line, wired.Wired)
    assert (typing.name, typing.layout, line.name, line.baud) == ("a", "jp", "c", 115200)
    assert (typing.trouble, line.trouble) == ("", "")
