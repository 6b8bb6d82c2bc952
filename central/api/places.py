"""How many callers may be inside at once and how often one may come, so that nobody takes the room of the others."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from math import ceil

_REMEMBERED = 4096
"""Callers whose pace is known; the one that came longest ago is forgotten first."""


class Full(Exception):
    """There is no place now; `wait_s` is after how many seconds to come again."""

    def __init__(self, wait_s: int = 1) -> None:
        super().__init__(f"come again in {wait_s} s")
        self.wait_s = wait_s


class Places:
    """So many for all, and so many of them for one."""

    def __init__(self, *, most: int, of_one: int) -> None:
        self._most = most
        self._of_one = of_one
        self._inside: Counter[str] = Counter()

    @contextmanager
    def taken(self, who: str) -> Iterator[None]:
        """Hold a place while inside. Raises Full."""
        if self._inside[who] >= self._of_one or self._inside.total() >= self._most:
            raise Full
        self._inside[who] += 1
        try:
            yield
        finally:
            self._inside[who] -= 1
            if not self._inside[who]:
                del self._inside[who]


class Pace:
    """So many a second on average, and so many at once, for each."""

    def __init__(self, *, a_second: float, at_once: int, now: Callable[[], datetime]) -> None:
        self._a_second = a_second
        self._at_once = at_once
        self._now = now
        self._spent: dict[str, tuple[float, datetime]] = {}

    def check(self, who: str) -> None:
        """Raises Full for who came too often."""
        spent = self._of(who) - (self._at_once - 1)
        if spent > 0:
            raise Full(ceil(spent / self._a_second))

    def count(self, who: str) -> None:
        """Note that they came."""
        spent = self._of(who)
        self._spent.pop(who, None)
        self._spent[who] = spent + 1, self._now()
        if len(self._spent) > _REMEMBERED:
            del self._spent[next(iter(self._spent))]

    def _of(self, who: str) -> float:
        spent, at = self._spent.get(who, (0.0, self._now()))
        # A clock that was set back gives nothing back and takes nothing.
        return max(0.0, spent - self._a_second * max(0.0, (self._now() - at).total_seconds()))


def neighbourhood(address: str) -> str:
    """Whom to count together: an IPv4 address, or the /64 that one IPv6 caller has for itself."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((read, 64), strict=False)) if read.version == 6 else address
