"""What is asked of central while somebody waits: bounded, paced, and answered by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from edge_wire import Wire

from central.contract.asks import Ask, Told
from central.contract.codec import pack
from edge.asking import BURST, LATE, MOST_OPEN, PATIENCE, Asking
from edge.clock import Clock

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CODE = "0123456789abcdef" * 2


class Hands(Clock):
    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Desk:
    def __init__(self) -> None:
        self.wire, self.clock = Wire(), Hands()
        self.wire.connected = True
        self.asking = Asking(self.wire, self.clock, "ginza", "pi-1")
        self.told: list[Told] = []
        self.hinted = 0
        self.asking.told = self.told.append
        self.asking.coming = self._hint

    def _hint(self) -> None:
        self.hinted += 1

    def guess(self, name: str) -> bool:
        return self.asking.ask(Ask(ask=name, reader="cam", at=NOON, value="2900000000001"))

    def claim(self, name: str) -> bool:
        return self.asking.ask(Ask(ask=name, reader="cam", at=NOON, code=CODE))

    async def answer(self, name: str, *, hint: bool = False) -> None:
        await self.asking.on_told(pack(Told(ask=name, who="coming" if hint else "unknown")))

    @property
    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.asking.counts.items() if count}


async def test_a_question_goes_out_and_its_answer_comes_back_once() -> None:
    desk = Desk()
    assert desk.guess("s-1")
    [(topic, _)] = desk.wire.sent
    assert topic.endswith("/ginza/pi-1/ask")
    [ask] = desk.wire.take("ask", Ask)
    assert (ask.ask, ask.value, ask.code) == ("s-1", "2900000000001", None)
    await desk.answer("s-1")
    await desk.answer("s-1")
    assert [told.ask for told in desk.told] == ["s-1"]
    assert desk.hinted == 0
    assert desk.counts == {"asks": 1, "asks_answered": 1, "tolds_ignored": 1}


async def test_rows_that_are_coming_are_pulled_at_once() -> None:
    desk = Desk()
    desk.guess("s-1")
    await desk.answer("s-1", hint=True)
    await desk.answer("s-2", hint=True)
    assert (desk.hinted, len(desk.told)) == (1, 1)


async def test_without_a_connection_nothing_is_asked_and_nothing_is_spent() -> None:
    desk = Desk()
    desk.wire.connected = False
    assert not any(desk.guess(f"s-{n}") for n in range(50))
    assert desk.counts == {"asks_unsent": 50}
    desk.wire.connected = True
    assert desk.guess("s-50")


async def test_who_tries_numbers_gets_two_answers_a_second() -> None:
    desk = Desk()
    answered = 0
    for number in range(600):  # A minute, ten cards a second.
        if desk.guess(f"s-{number}"):
            answered += 1
            await desk.answer(f"s-{number}")
        desk.clock.now += 0.1
    assert BURST + 2 * 59 <= answered <= BURST + 2 * 60
    assert desk.counts["asks_refused"] == 600 - answered


async def test_only_so_many_are_open_and_a_signed_code_takes_the_place_of_the_oldest() -> None:
    desk = Desk()
    assert [desk.guess(f"s-{n}") for n in range(MOST_OPEN + 1)] == [True] * MOST_OPEN + [False]
    assert desk.claim("s-9")
    await desk.answer("s-0")
    await desk.answer("s-9")
    await desk.answer("s-1")
    assert [told.ask for told in desk.told] == ["s-9", "s-1"]
    assert (desk.counts["asks_refused"], desk.counts["asks_given_up"]) == (1, 1)


async def test_signed_codes_have_no_pace_as_nobody_can_guess_them() -> None:
    desk = Desk()
    for number in range(100):
        assert desk.claim(f"s-{number}")
        await desk.answer(f"s-{number}")
    assert desk.guess("g")


async def test_a_late_answer_counts_as_that_and_a_very_late_one_not_at_all() -> None:
    desk = Desk()
    for name, wait in (("in-time", PATIENCE), ("late", PATIENCE + 0.1), ("never", LATE)):
        desk.guess(name)
        desk.clock.now += wait
        await desk.answer(name)
    assert [told.ask for told in desk.told] == ["in-time", "late"]
    assert (desk.counts["asks_late"], desk.counts["tolds_ignored"]) == (1, 1)


async def test_what_nobody_answers_makes_room() -> None:
    desk = Desk()
    for number in range(MOST_OPEN):
        desk.guess(f"s-{number}")
    desk.clock.now += LATE
    assert desk.guess("s-9")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xff",
        b"x\x9c\x00",
        b"[]",
        b'{"ask":"S 1"}',
        b'{"ask":"s-1","who":"hana"}',
        b'{"ask":"s-1","used":3}',
        b'{"ask":"s-1","number":"' + b"9" * 33 + b'"}',
        b'{"ask":"s-1","number":"77\\n77"}',
        b'{"ask":"s-1","number":"\\u0000"}',
        '{"ask":"s-1","number":"７７"}'.encode(),
        b"[" * 100_000,
    ],
)
async def test_an_answer_that_is_none_is_counted_and_the_question_stays_open(payload: bytes, tmp_path: Path) -> None:
    desk = Desk()
    desk.guess("s-1")
    await desk.asking.on_told(payload)
    assert not desk.told
    assert desk.counts["tolds_unreadable"] == 1
    await desk.answer("s-1")
    assert len(desk.told) == 1
