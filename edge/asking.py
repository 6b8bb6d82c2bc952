"""Asks central who shows a code that this store does not know, and whether a signed one was used elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from central.contract import topics
from central.contract.asks import Ask, Told
from central.contract.codec import Unreadable, pack, unpack
from edge.clock import Clock
from edge.ports import Link

MOST_OPEN = 8
"""Questions that wait for an answer; past that a guessable one is refused, and a signed code's ends the oldest."""
PACE, BURST = 2.0, 10.0
"""Guessable questions a second, and how many at once: who tries numbers gets no faster answers."""
PATIENCE = 0.3
"""Seconds that somebody at a checkout waits for central's word."""
LATE = 8.0
"""Seconds in which a later word still counts: as long as something of it stands on a screen."""

_NUMBER = re.compile(r"^[!-~]{0,32}\Z")


class Asking:
    """Every answer to an open question goes to `told`, which is to be set before the first one.

    `coming` is called where that says that rows are on their way to this store.
    """

    def __init__(self, link: Link, clock: Clock, store: str, agent: str) -> None:
        self.counts: Counter[str] = Counter()
        self.told: Callable[[Told], object] = lambda _: None
        self.coming: Callable[[], object] = lambda: None
        self._link = link
        self._clock = clock
        self._topic = topics.of_agent(store, agent, "ask")
        self._open: dict[str, float] = {}
        """Since when, by the scan they are about; the oldest first."""
        self._left, self._looked = BURST, clock.monotonic()
        """Guessable questions that may be asked at once, and when that was so."""

    def ask(self, ask: Ask) -> bool:
        """Ask, if central is there and it is not too much; False where no answer will come."""
        now = self._clock.monotonic()
        for over in [over for over, since in self._open.items() if now - since >= LATE]:
            del self._open[over]
        if not self._link.connected:
            self.counts["asks_unsent"] += 1
            return False
        if ask.code is None and not self._may_guess(now):
            self.counts["asks_refused"] += 1
            return False
        if not self._link.publish(self._topic, pack(ask)):
            self.counts["asks_unsent"] += 1
            return False
        if len(self._open) >= MOST_OPEN:
            self.counts["asks_given_up"] += 1
            del self._open[next(iter(self._open))]
        self.counts["asks"] += 1
        self._open[ask.ask] = now
        return True

    async def on_told(self, payload: bytes) -> None:
        """Take an answer; one to nothing that is open is counted, and does nothing."""
        try:
            told = unpack(payload, Told)
            if not _NUMBER.match(told.number):
                raise Unreadable("a number holds what no register should be typed")
        except Unreadable:
            self.counts["tolds_unreadable"] += 1
            return
        since = self._open.pop(told.ask, None)
        if since is None or self._clock.monotonic() - since >= LATE:
            self.counts["tolds_ignored"] += 1
            return
        self.counts["asks_answered"] += 1
        self.counts["asks_late"] += self._clock.monotonic() - since > PATIENCE
        if told.who == "coming":
            self.coming()
        self.told(told)

    def _may_guess(self, now: float) -> bool:
        self._left, self._looked = min(BURST, self._left + (now - self._looked) * PACE), now
        if self._left < 1 or len(self._open) >= MOST_OPEN:
            return False
        self._left -= 1
        return True
