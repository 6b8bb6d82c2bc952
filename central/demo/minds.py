"""Gives and withdraws consents, by the script and by buttons, and remembers when each took effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from central import consent
from central.scenario import Change, Truth
from central.storage.database import reading, writing


class Minds:
    """What everybody agrees to by now; `clock` gives the scenario's second."""

    def __init__(self, truth: Truth, engine: Engine, clock: Callable[[], float]) -> None:
        self.changes: list[Change] = []
        """As they were made."""
        self._engine = engine
        self._clock = clock
        self._due = list(truth.changes)
        self._agreed = {customer: set(known.purposes) for customer, known in truth.members.items()}

    def agrees(self, customer: str | None, purpose: str) -> bool:
        return purpose in self._agreed.get(customer or "", ())

    def step(self, now: float) -> None:
        """Make the changes of the script that are due, as `central consent` does: as a process it would be late."""
        while self._due and self._due[0].at <= now:
            due = self._due.pop(0)
            self.change(due.customer, due.purpose, gives=due.gives, by=partial(self._write, due))

    def change(self, customer: str, purpose: str, *, gives: bool, by: Callable[[], None]) -> None:
        """Have a change made `by` this, and note when; whatever that raises, the truth is what central holds then."""
        if self.agrees(customer, purpose) == gives:
            return
        begun = self._clock()
        try:
            by()
        finally:
            with reading(self._engine) as connection:
                given = purpose in consent.given(connection, [customer]).get(customer, ())
            if given == gives:
                done = self._clock()
                self.changes.append(Change(at=begun, done=done, customer=customer, purpose=purpose, gives=gives))
                agreed = self._agreed[customer]
                (agreed.add if gives else agreed.discard)(purpose)

    def _write(self, due: Change) -> None:
        act = consent.give if due.gives else consent.withdraw
        with writing(self._engine) as connection:
            act(connection, due.customer, [due.purpose], datetime.now(UTC))
