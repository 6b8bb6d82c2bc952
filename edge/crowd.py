"""Counts the radios that are nobody's, by zone, and forgets which they were."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from edge.model import ZoneId

WINDOW = 60.0
"""Seconds after which a count is given out and the radios forgotten."""
MOST = 20_000
"""Radios a window tells apart: a street full of phones that change their addresses must not fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    zone: ZoneId
    radios: int
    over: float


class Crowd:
    """Addresses are kept for one window, hashed with a salt that goes with it."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._seen: dict[ZoneId, set[bytes]] = {}
        self._since: float | None = None

    def heard(self, zone: ZoneId, address: str, now: float) -> None:
        self._since = now if self._since is None else self._since
        seen = self._seen.setdefault(zone, set())
        if len(seen) < MOST:
            seen.add(hashlib.blake2b(address.encode(), digest_size=8, key=self._salt).digest())

    def tick(self, now: float) -> list[Count]:
        """Give the counts of a window that is over, and forget it."""
        if self._since is None or now - self._since < WINDOW:
            return []
        over = now - self._since
        counts = [Count(zone=zone, radios=len(seen), over=over) for zone, seen in sorted(self._seen.items())]
        self._salt, self._seen, self._since = secrets.token_bytes(16), {}, None
        return counts
