"""The desk before the register: who is asked, for how long, in which order; and its socket, for friends and others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.contract import signed_code
from edge.errors import EdgeError
from edge.register import (
    LONGEST,
    MAX_LINE,
    Answer,
    Garbled,
    Hand,
    Question,
    ToRegister,
    Vitals,
    for_agent,
    for_register,
    line,
)
from edge.register.desk import DEADLINE, MOST_OPEN, SURELY_OURS, Desk, Member, Passed
from edge.register.link import MOST_WAITING, Link
from edge.sensors.scanner import Read

Move = Callable[[float], Awaitable[None]]


def scanned(content: bytes) -> Read:
    return Read(raw=content + b"\r", content=content, format="EAN13")


class Counter:
    """A desk, an agent who notes what it is asked, and a register that notes what it gets."""

    def __init__(self) -> None:
        self.there = True
        self.asked: list[Question] = []
        self.got: list[bytes | tuple[str, str]] = []
        self.desk = Desk(self._ask, self._passed, self._member, clock=lambda: 7.0)

    def _ask(self, question: Question) -> bool:
        if self.there:
            self.asked.append(question)
        return self.there

    def _passed(self, line: Passed) -> None:
        self.got.append(line.read.raw)

    def _member(self, line: Member) -> None:
        self.got.append((line.number, line.reader))

    def read(self, *contents: bytes, reader: str = "till") -> list[str]:
        before = len(self.asked)
        for content in contents:
            self.desk.read(reader, scanned(content), typed=False)
        return [question.question for question in self.asked[before:]]

    def answer(self, question: str, *, ours: bool, number: str | None = None) -> None:
        self.desk.answer(Answer(question=question, ours=ours, number=number))


async def test_without_an_agent_everything_passes_at_once() -> None:
    counter = Counter()
    counter.there = False
    counter.read(b"1", b"2")
    assert counter.got == [b"1\r", b"2\r"]
    assert counter.desk.counts == {"read": 2, "unasked": 2}


async def test_theirs_passes_unchanged_and_ours_does_not() -> None:
    counter = Counter()
    first, second, third = counter.read(b"4901", b"29001", b"9" * 186)
    assert counter.asked[0] == Question(question=first, reader="till", format="EAN13", content=b"4901", at=7.0)
    assert counter.got == []
    counter.answer(first, ours=False, number="ignored")
    counter.answer(second, ours=True, number="29001")
    counter.answer(third, ours=True)
    assert counter.got == [b"4901\r", ("29001", "till")]
    assert counter.desk.counts == {"read": 3, "asked": 3, "theirs": 1, "ours": 2, "handed": 1}


async def test_who_does_not_answer_in_time_is_not_waited_for(still: Move) -> None:
    counter = Counter()
    [first] = counter.read(b"1")
    await still(DEADLINE - 0.001)
    assert counter.got == []
    await still(0.002)
    assert counter.got == [b"1\r"]
    counter.answer(first, ours=True, number="29001")
    assert counter.got == [b"1\r"], "the register has had it: a late word changes nothing"
    assert counter.desk.counts == {"read": 1, "asked": 1, "unanswered": 1, "late": 1}


async def test_a_signed_code_is_waited_for_because_it_is_nobody_elses(still: Move) -> None:
    counter = Counter()
    code = signed_code.digits(bytes([0x13]) + bytes(12), bytes(64)).encode()
    [question] = counter.read(code)
    await still(SURELY_OURS - 0.001)
    assert counter.got == []
    counter.answer(question, ours=True, number="2900000000124")
    assert counter.got == [("2900000000124", "till")]
    counter.read(code)
    await still(SURELY_OURS + 0.001)
    assert counter.got[1:] == [code + b"\r"]


async def test_the_order_of_reading_is_kept_and_nobody_waits_for_longer_than_his_own_deadline(still: Move) -> None:
    counter = Counter()
    counter.read(b"1")
    await still(0.005)
    [second] = counter.read(b"2", reader="other")
    counter.answer(second, ours=False)
    counter.answer(second, ours=True, number="29001")
    assert (counter.got, counter.desk.counts["late"]) == ([], 1), "the first word counts, though it waits"
    await still(DEADLINE - 0.004)
    assert counter.got == [b"1\r", b"2\r"]


async def test_nobody_waits_behind_a_signed_code(still: Move) -> None:
    counter = Counter()
    code = signed_code.digits(bytes([0x13]) + bytes(12), bytes(64)).encode()
    [signed, first, second] = counter.read(code, b"4901", b"4902")
    counter.answer(second, ours=False)
    assert counter.got == []
    counter.answer(first, ours=False)
    assert counter.got == [b"4901\r", b"4902\r"]
    counter.answer(signed, ours=True, number="29001")
    assert counter.got[2:] == [("29001", "till")]


async def test_with_the_agent_gone_what_it_was_asked_passes_at_once() -> None:
    counter = Counter()
    first, _ = counter.read(b"1", b"2")
    counter.answer(first, ours=True)
    counter.desk.gone()
    assert counter.got == [b"2\r"]


async def test_what_is_no_code_or_too_long_or_too_much_is_not_asked_about(still: Move) -> None:
    counter = Counter()
    counter.desk.read("till", Read(raw=b"keys", content=b"", format=""), typed=True)
    counter.desk.read("till", scanned(b"x" * (LONGEST + 1)), typed=False)
    assert counter.got == [b"keys", b"x" * (LONGEST + 1) + b"\r"]
    assert len(counter.read(*[b"%d" % number for number in range(MOST_OPEN + 3)])) == MOST_OPEN
    assert len(counter.got) == 2
    await still(DEADLINE + 0.001)
    assert counter.got[2:] == [b"%d\r" % number for number in range(MOST_OPEN + 3)]


async def test_a_member_is_handed_without_a_question_and_questions_of_two_runs_differ() -> None:
    counter, other = Counter(), Counter()
    counter.desk.hand(Hand(number="29001", reader="camera"))
    assert counter.got == [("29001", "camera")]
    [first] = counter.read(b"1")
    [others] = other.read(b"1")
    assert first != others
    counter.answer(others, ours=True)
    assert counter.desk.counts["late"] == 1


def test_messages_come_back_as_they_were() -> None:
    question = Question(question="a-1", reader="till", format="EAN13", content=bytes(range(256)), at=1.5)
    vitals = Vitals(counts={"read": 3}, troubles={"till": "It is gone."})
    assert [for_agent(line(one)) for one in (question, vitals)] == [question, vitals]
    answer, hand = Answer(question="a-1", ours=True, number="29001"), Hand(number="29001", reader="till")
    assert [for_register(line(one)) for one in (answer, hand)] == [answer, hand]
    assert len(line(Question(question="a" * 64, reader="b" * 64, format="", content=b"x" * LONGEST, at=0))) < MAX_LINE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"kind":"question","body":{}}',
        b'{"kind":"answer","body":{"question":"a"}}',
        b'{"kind":"hand","body":{"number":"\xe5","reader":"a"}}',
        b'{"kind":"hand","body":{"number":"1\\r2","reader":"a"}}',
        b'{"kind":"hand","body":{"number":"","reader":"a"}}',
        b'{"kind":"answer","body":{"question":"../x","ours":true}}',
        b"[" * 50_000,
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled):
        for_register(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    for read in (for_register, for_agent):
        with pytest.raises(Garbled):
            read(data)


class Listening:
    """A link, and what it says to the process."""

    def __init__(self, path: Path) -> None:
        self.heard: asyncio.Queue[ToRegister | str] = asyncio.Queue()
        self.link = Link(
            path,
            hear=self.heard.put_nowait,
            came=lambda: self.heard.put_nowait("came"),
            gone=lambda: self.heard.put_nowait("gone"),
        )


@asynccontextmanager
async def agent(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_the_newest_agent_is_the_one_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listening = Listening(path)
    vitals = Vitals(counts={})
    async with listening.link.open():
        assert path.stat().st_mode & 0o777 == 0o600
        assert not listening.link.tell(vitals)
        async with agent(path) as (first, _):
            assert await listening.heard.get() == "came"
            async with agent(path) as (second, writer):
                assert [await listening.heard.get() for _ in range(2)] == ["gone", "came"]
                assert await first.read() == b""
                assert listening.link.tell(vitals)
                assert for_agent(await second.readline()) == vitals
                writer.write(line(Hand(number="1", reader="a")))
                assert await listening.heard.get() == Hand(number="1", reader="a")
        assert await listening.heard.get() == "gone"
    assert not path.exists()


@pytest.mark.parametrize("said", [b"hello\n", b"x" * (MAX_LINE + 10), b'{"kind":"other","body":1}\n'])
async def test_who_says_what_is_no_message_is_hung_up_on(said: bytes, tmp_path: Path) -> None:
    listening = Listening(tmp_path / "s")
    async with listening.link.open():
        async with agent(tmp_path / "s") as (reader, writer):
            assert await listening.heard.get() == "came"
            writer.write(said)
            assert await listening.heard.get() == "gone"
            with suppress(ConnectionResetError):  # Where it had not read all yet.
                assert await reader.read() == b""
        async with agent(tmp_path / "s"):
            assert await listening.heard.get() == "came"
    assert listening.link.counts == {"garbled": 1}


async def test_an_agent_that_does_not_read_is_not_asked_for_ever(tmp_path: Path) -> None:
    listening = Listening(tmp_path / "s")
    question = Question(question="a", reader="a", format="", content=b"x" * LONGEST, at=0)
    async with listening.link.open(), agent(tmp_path / "s"):
        assert await listening.heard.get() == "came"
        told = 0
        while listening.link.tell(question):
            told += 1
        assert told * LONGEST < 20 * MOST_WAITING


async def test_a_second_process_is_refused_and_one_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "new" / "s"
    async with Listening(path).link.open():
        with pytest.raises(EdgeError, match="Another register's process"):
            async with Listening(path).link.open():
                pass
    path.touch()
    listening = Listening(path)
    async with listening.link.open(), agent(path):
        assert await listening.heard.get() == "came"
    (tmp_path / "file").touch()
    with pytest.raises(EdgeError, match="cannot listen on"):
        async with Listening(tmp_path / "file" / "s").link.open():
            pass
