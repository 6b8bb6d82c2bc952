"""Tells whose beacon was heard and whose code was read, by the local token feed alone."""

from __future__ import annotations

from typing import Literal

from central.contract import member_code
from edge.beacons import Beacon
from edge.model import CustomerId
from edge.replica import Replica

MOST = 50_000
"""Beacon ids remembered, known or not; past that all are looked up anew."""

Outcome = Literal["member", "unknown", "other"]


class Identity:
    """Looks a token's keyed hash up; a beacon heard ten times a second is hashed once."""

    def __init__(self, key: bytes, replica: Replica) -> None:
        self._key = key
        self._replica = replica
        self._known: dict[str, CustomerId | None] = {}

    def beacon(self, beacon: Beacon) -> CustomerId | None:
        """The customer who carries this beacon and agreed to presence; None for everyone else's."""
        if beacon.id not in self._known:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[beacon.id] = self._holder("beacon", beacon.id)
        return self._known[beacon.id]

    def code(self, content: bytes) -> tuple[Outcome, CustomerId | None]:
        """What a code is: a member's whom we may know, a member's whom we do not, or no member code at all."""
        number = member_code.number(content)
        if number is None:
            return "other", None
        customer = self._holder("code", number)
        return ("member", customer) if customer else ("unknown", None)

    def renew(self) -> set[CustomerId]:
        """Look everything up anew, as the token feed changed; give those who may no longer be known."""
        before = {customer for customer in self._known.values() if customer}
        self._known = {beacon: self._holder("beacon", beacon) for beacon in self._known}
        return before - {customer for customer in self._known.values() if customer}

    def _holder(self, means: str, value: str) -> CustomerId | None:
        token = self._replica.token(member_code.token(self._key, means, value))
        return CustomerId(token.customer) if token and token.means == means else None
