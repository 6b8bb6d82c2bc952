"""Asks the agent whose each code is, for a few milliseconds, and sends it on in the order in which it was read."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from central.contract import signed_code
from edge.register import LONGEST, Answer, Hand, Question
from edge.sensors.scanner import Read

DEADLINE = 0.012
"""Seconds that the agent has; the register is to have what is not ours within 0.020."""
SURELY_OURS = 0.3
"""Seconds that it has for a signed code: nobody else's looks like one, and a register has no use for its digits."""
MOST_OPEN = 64
"""Questions at one time; what is read beyond them passes unasked."""

Verdict = Literal["open", "theirs", "ours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What a shared scanner read, for the register as it came."""

    at: float
    read: Read
    typed: bool
    """Its bytes are a keyboard's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member, for the register."""

    at: float
    number: str
    reader: str


@dataclass(slots=True, kw_only=True)
class _Case:
    line: Passed
    reader: str
    signed: bool
    """Nobody waits behind it: its digits are not for the register, and its number has no place among the goods."""
    verdict: Verdict = "open"
    number: str | None = None


class Desk:
    """Every code that a shared scanner reads comes over it.

    `ask` gives a question to the agent; False where none is there to take it. `passes` and `hands` lead to the
    register.
    """

    def __init__(
        self,
        ask: Callable[[Question], bool],
        passes: Callable[[Passed], None],
        hands: Callable[[Member], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._ask = ask
        self._pass = passes
        self._hand = hands
        self._clock = clock
        self._open: dict[str, _Case] = {}
        """In the order of reading, in which they are sent on."""
        # An answer to a process that was killed must fit no question of the next.
        run = secrets.token_hex(4)
        self._names = (f"{run}-{number}" for number in itertools.count(1))

    def read(self, reader: str, read: Read, *, typed: bool) -> None:
        """Take what a scanner read."""
        at, name = self._clock(), next(self._names)
        self.counts["read"] += 1
        signed = signed_code.read(read.content) is not None
        case = _Case(line=Passed(at=at, read=read, typed=typed), reader=reader, signed=signed)
        # Before the question leaves: its answer may come at once.
        self._open[name] = case
        asked = (
            0 < len(read.content) <= LONGEST
            and len(self._open) <= MOST_OPEN
            and self._ask(Question(question=name, reader=reader, format=read.format, content=read.content, at=at))
        )
        if asked:
            self.counts["asked"] += 1
            patience = SURELY_OURS if signed else DEADLINE
            asyncio.get_running_loop().call_later(patience, self._decide, case, "theirs", "unanswered")
        else:
            self._decide(case, "theirs", "unasked")

    def answer(self, answer: Answer) -> None:
        """Take the agent's word; what comes too late changes nothing."""
        case = self._open.get(answer.question)
        if case is None or case.verdict != "open":
            self.counts["late"] += 1
            return
        case.number = answer.number
        self._decide(case, "ours" if answer.ours else "theirs", "ours" if answer.ours else "theirs")

    def hand(self, hand: Hand) -> None:
        """Tell the register a member whom no open question is about."""
        self._member(hand.number, hand.reader)

    def gone(self) -> None:
        """Know that the agent is not there any more: whatever it was asked about passes."""
        for case in list(self._open.values()):
            self._decide(case, "theirs", "unanswered")

    def _decide(self, case: _Case, verdict: Verdict, counted: str) -> None:
        if case.verdict != "open":
            return
        case.verdict = verdict
        self.counts[counted] += 1
        for name, first in list(self._open.items()):
            if first.verdict == "open":
                if first.signed:
                    continue
                return
            del self._open[name]
            if first.verdict == "theirs":
                self._pass(first.line)
            elif first.number:
                self._member(first.number, first.reader)

    def _member(self, number: str, reader: str) -> None:
        self.counts["handed"] += 1
        self._hand(Member(at=self._clock(), number=number, reader=reader))
