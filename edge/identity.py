"""Tells whose beacon was heard and whose code was read, by the local token feed alone."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from central.contract import member_code
from edge.beacons import Beacon
from edge.model import CustomerId
from edge.replica import Replica

MOST = 50_000
"""Beacon ids remembered, known or not; past that all are looked up anew."""

Outcome = Literal["member", "unknown", "other"]


class Identity:
    """Looks a token's keyed hash up; a beacon heard ten times a second is hashed once.

    Without the store's `key` nobody is known, until it is unlocked.
    """

    def __init__(self, key: bytes | None, replica: Replica) -> None:
        self._key = key
        self._replica = replica
        self._known: dict[str, tuple[str, CustomerId | None]] = {}
        """By beacon id: the token that it makes, and whose that is."""

    @property
    def locked(self) -> bool:
        """Whether there is no key yet."""
        return self._key is None

    def unlock(self, key: bytes) -> None:
        """Know from now on whom this key's tokens tell."""
        self._key = key
        self._known.clear()

    def beacon(self, beacon: Beacon, now: datetime) -> CustomerId | None:
        """The customer who carries this beacon and agreed to presence; None for everyone else's."""
        if self._key is None:
            return None
        if beacon.id not in self._known:
            if len(self._known) >= MOST:
                self._known.clear()
            token = member_code.token(self._key, "beacon", beacon.id)
            self._known[beacon.id] = token, self._holder("beacon", token, now)
        return self._known[beacon.id][1]

    def code(self, content: bytes, now: datetime) -> tuple[Outcome, CustomerId | None]:
        """What a code is: a member's whom we may know, a member's whom we do not, or no member code at all."""
        number = member_code.number(content)
        if number is None:
            return "other", None
        if self._key is None:
            return "unknown", None
        customer = self._holder("code", member_code.token(self._key, "code", number), now)
        return ("member", customer) if customer else ("unknown", None)

    def renew(self, tokens: frozenset[str], now: datetime) -> set[CustomerId]:
        """Look these tokens up anew, as their feed changed; give those who may no longer be known."""
        before: set[CustomerId] = set()
        for beacon, (token, customer) in self._known.items():
            if token in tokens:
                before |= {customer} if customer else set()
                self._known[beacon] = token, self._holder("beacon", token, now)
        return before and before - {customer for _, customer in self._known.values() if customer}

    def _holder(self, means: str, token: str, now: datetime) -> CustomerId | None:
        row = self._replica.token(token, now)
        return CustomerId(row.customer) if row and row.means == means else None
