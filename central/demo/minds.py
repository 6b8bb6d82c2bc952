"""Gives and withdraws consents, by the script and by buttons, and remembers when each took effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from central import consent
from central.scenario import Change, Truth
from central.storage.database import writing


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
        """Make the changes of the script that are due."""
        while self._due and self._due[0].at <= now:
            due = self._due.pop(0)
            self.change(due.customer, due.purpose, gives=due.gives)

    def change(self, customer: str, purpose: str, *, gives: bool) -> None:
        """Do what `central consent` does, at this second: another process would take as long as it takes to start."""
        if self.agrees(customer, purpose) == gives:
            return
        begun = self._clock()
        act = consent.give if gives else consent.withdraw
        with writing(self._engine) as connection:
            act(connection, customer, [purpose], datetime.now(UTC))
        change = Change(at=begun, done=begun, customer=customer, purpose=purpose, gives=gives)
        self.changes.append(replace(change, done=self._clock()))
        agreed = self._agreed[customer]
        (agreed.add if gives else agreed.discard)(purpose)
