"""Tells whose beacon was heard and whose code was read, by the local token feed alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from central.contract import member_code, signed_code
from central.contract.feeds import Token
from central.contract.signed_code import SignedCode
from edge.beacons import Beacon
from edge.keyring import Keyring
from edge.model import CustomerId
from edge.replays import Replays
from edge.replica import Replica

EARLY, LATE = timedelta(seconds=30), timedelta(seconds=10)
"""How far a phone's code may be of the future, as clocks differ, and how much longer than it says it is taken."""
MOST = 50_000
"""Beacon ids remembered, known or not; past that all are looked up anew."""

Outcome = Literal["member", "unknown", "expired", "used", "wrong", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a code is, as far as this store knows."""

    outcome: Outcome
    customer: CustomerId | None = None
    number: str | None = None
    """What the register knows the member by."""
    how: Literal["card", "signed"] | None = None
    value: str | None = None
    """By what central knows whom we do not: the number of a card, the member of a code whose signature is ours."""
    signed: SignedCode | None = None
    """The code, where its signature is ours."""
    timed: bool = True
    """Whether its age is known."""
    may_redeem: bool = False

    @property
    def code(self) -> str | None:
        return self.signed.digest if self.signed else None

    @property
    def ours(self) -> bool:
        """Whether it is nothing for the register as it is: a card that we do not know may well be one that it does."""
        return self.how == "signed" or self.outcome == "member"


class Identity:
    """Looks a token's keyed hash up; a beacon heard ten times a second is hashed once.

    Without the store's `key` nobody is known, until it is unlocked.
    """

    def __init__(self, key: bytes | None, replica: Replica, keyring: Keyring, replays: Replays) -> None:
        self._key = key
        self._replica = replica
        self._keyring = keyring
        self._replays = replays
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

    def code(self, content: bytes, reader: str, now: datetime, safe: bool) -> Known:
        """What a code is that was read at this reader; `safe`: whether the clock may be trusted."""
        signed = signed_code.read(content)
        if signed is not None:
            return self._signed(signed, reader, now, safe)
        number = member_code.number(content, self._keyring.cards)
        if number is None:
            return Known(outcome="other", timed=safe)
        return self.again(Known(outcome="unknown", how="card", value=number, timed=safe), now)

    def again(self, known: Known, now: datetime) -> Known:
        """Look a member up whom we did not know; the same where nobody does yet."""
        row = self._row("code", known.value, now) if known.value else None
        if row is None:
            return known
        number = known.value if known.how == "card" else row.number or None
        return replace(known, outcome="member", customer=CustomerId(row.customer), number=number)

    def used_elsewhere(self, known: Known) -> None:
        """Central says that this code was shown in another store before."""
        if known.signed is not None:
            self._replays.elsewhere(known.signed)

    def _signed(self, code: SignedCode, reader: str, now: datetime, safe: bool) -> Known:
        if not self._keyring.verify(code):
            # Before central has said which keys there are, nobody's code can be verified.
            return Known(outcome="wrong" if self._keyring.knows else "unknown", how="signed", timed=safe)
        known = Known(outcome="unknown", how="signed", signed=code, timed=safe)
        if safe and not code.made - EARLY <= now <= code.until + LATE:
            return replace(known, outcome="expired")
        if safe:
            self._replays.purge(now)
        if self._replays.used(code, reader):
            return replace(known, outcome="used")
        return self.again(replace(known, value=code.member, may_redeem=safe), now)

    def renew(self, tokens: frozenset[str], now: datetime) -> set[CustomerId]:
        """Look these tokens up anew, as their feed changed; give those who may no longer be known."""
        before: set[CustomerId] = set()
        for beacon, (token, customer) in self._known.items():
            if token in tokens:
                before |= {customer} if customer else set()
                self._known[beacon] = token, self._holder("beacon", token, now)
        return before and before - {customer for _, customer in self._known.values() if customer}

    def _row(self, means: str, value: str, now: datetime) -> Token | None:
        if self._key is None:
            return None
        row = self._replica.token(member_code.token(self._key, means, value), now)
        return row if row and row.means == means else None

    def _holder(self, means: str, token: str, now: datetime) -> CustomerId | None:
        row = self._replica.token(token, now)
        return CustomerId(row.customer) if row and row.means == means else None
