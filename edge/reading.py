"""The way of one code: whose it is, what central says, and what the register, the screens and the outbox are told."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from central.contract import events
from central.contract.asks import Ask, Told
from edge import posters
from edge.asking import LATE, PATIENCE, Asking
from edge.clock import Clock
from edge.director import Answer, Director
from edge.identity import Identity, Known
from edge.model import CustomerId, Scan, ZoneId
from edge.replica import Replica
from edge.report import Report

GUESSES, GUESSED_IN = 20, 600.0
"""More cards than these in so many seconds that nobody knows, at one reader: somebody tries numbers."""
MOST_OPEN = 64
"""Codes of which more may become known; past that the oldest has been answered for good."""
ONE_ACT = 10.0
"""Seconds in which a signed code that another reader of the same zone reads is the same act: a camera and the
register's scanner stand at one checkout, and who has shown it to the one may be asked for it by the other."""
HANDED_WITHIN = 5.0
"""Seconds after which a number is handed to the register no more: there it would count for the next customer."""

Register = Callable[[Scan, bool, str | None], None]
"""Is told whether a code was ours, and what the register knows its member by."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A code of which central may still say more."""

    scan: Scan
    known: Known
    told: bool
    """Whether the register has been told its number, or is not to be any more: somebody else is there."""
    reported: bool
    timers: tuple[asyncio.TimerHandle, ...] = ()


class Reading:
    """`register` and `look`, which brings the screens to what they should show, are to be set before codes come."""

    def __init__(
        self,
        director: Director,
        identity: Identity,
        asking: Asking,
        replica: Replica,
        report: Report,
        clock: Clock,
        confirmed: Callable[[], bool],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.director = director
        self.identity = identity
        self.register: Register = lambda *_: None
        self.look: Callable[[float], object] = lambda _: None
        self._asking = asking
        self._replica = replica
        self._report = report
        self._clock = clock
        self._confirmed = confirmed
        self._open: dict[str, _Open] = {}
        self._signed: dict[ZoneId, Scan] = {}
        """The signed code that was last taken in each zone, and when, and by the reader that was its first there."""
        self._ends = False
        self._guesses: dict[str, deque[tuple[float, int]]] = {}
        asking.told = self.told

    @property
    def troubles(self) -> tuple[str, ...]:
        """Where somebody seems to try numbers."""
        now = self._clock.monotonic()
        return tuple(
            f"Somebody tries member numbers at {reader}: more than {GUESSES} cards that nobody knows, in ten minutes."
            for reader, guesses in self._guesses.items()
            if len(guesses) > GUESSES and now - guesses[0][0] < GUESSED_IN
        )

    def read(self, scan: Scan, now: float) -> None:
        """Take a code that came into view; the register, which waits, is told first."""
        before = self._signed.get(scan.zone)
        if before is not None and before.content == scan.content and scan.at - before.at < ONE_ACT:
            scan = replace(scan, reader=before.reader)
        known = self.identity.code(scan.content, scan.reader, self._clock.wall(), self._clock.safe())
        if known.how is not None:
            self._next_comes(scan.zone)
        if scan.question or known.number:
            self.register(scan, known.ours, known.number)
        act = secrets.token_hex(8)
        self.counts["scans"] += 1
        if known.outcome in ("member", "unknown"):
            if known.signed is not None:
                self._signed[scan.zone] = scan
            self._meet(act, scan, known, now)
        elif known.outcome == "other":
            self._other(act, scan, known, now)
        else:
            self.counts["codes_used"] += known.outcome == "used"
            self.director.scanned(scan.zone, None, act, scan.at, now, known.outcome)
            self._tell(act, scan, known)

    def told(self, told: Told) -> None:
        """Central has answered."""
        one = self._open.get(told.ask)
        if one is None:
            return
        if told.used:
            self.counts["codes_used"] += 1
            self.identity.used_elsewhere(one.known)
            one.known = replace(one.known, outcome="used", customer=None, may_redeem=False)
            self._settle(told.ask, None, "used")
            return
        self._hand(one, told.number)
        if told.who != "coming" and not one.reported:
            self._settle(told.ask, None, _nameless(one.known))

    def changed(self) -> None:
        """Tokens or profiles have come: perhaps those of who waits."""
        for act, one in list(self._open.items()):
            if one.known.outcome != "unknown" or not self._confirmed():
                continue
            known = self.identity.again(one.known, self._clock.wall())
            if known.customer is None or self._replica.profile(known.customer, self._clock.wall()) is None:
                continue
            one.known = known
            self._hand(one, known.number)
            self._settle(act, *self._greets(known.customer))

    def close(self) -> None:
        """Wait for central no longer, also for who comes now: the agent ends."""
        self._ends = True
        for act in list(self._open):
            self._forget(act)

    def _meet(self, act: str, scan: Scan, known: Known, now: float) -> None:
        """A member's code, or the like of one."""
        member = known.outcome == "member" and self._confirmed()
        asked = self._ask(act, scan, known)
        if not member and known.outcome == "member":
            # Nobody is known now, whom the register may know all the same.
            known = replace(known, outcome="unknown", customer=None, value=None)
        waits = asked and not member and known.value is not None
        who, answer = self._greets(known.customer) if member and known.customer else (None, _nameless(known))
        self.director.scanned(scan.zone, who, act, scan.at, now, "reading" if waits else answer)
        if not waits:
            self._tell(act, scan, known)
        if asked:
            self._wait(act, scan, known, reported=not waits)

    def _ask(self, act: str, scan: Scan, known: Known) -> bool:
        value = known.value if known.outcome == "unknown" else None
        if self._ends or (value is None and known.code is None):
            return False
        return self._asking.ask(Ask(ask=act, reader=scan.reader, at=self._clock.wall(), value=value, code=known.code))

    def _wait(self, act: str, scan: Scan, known: Known, *, reported: bool) -> None:
        while len(self._open) >= MOST_OPEN:
            self._forget(next(iter(self._open)))
        loop = asyncio.get_running_loop()
        timers = loop.call_later(PATIENCE, self._overdue, act), loop.call_later(LATE, self._forget, act)
        self._open[act] = _Open(scan=scan, known=known, told=known.number is not None, reported=reported, timers=timers)

    def _overdue(self, act: str) -> None:
        one = self._open[act]
        if not one.reported:
            self._settle(act, None, _nameless(one.known))

    def _forget(self, act: str) -> None:
        one = self._open.pop(act)
        for timer in one.timers:
            timer.cancel()
        if not one.reported:
            self._tell(act, one.scan, one.known)

    def _settle(self, act: str, who: CustomerId | None, answer: Answer) -> None:
        """Say on the screens what a code has come to; what comes later may still better it."""
        one = self._open[act]
        if not one.reported:
            one.reported = True
            self._tell(act, one.scan, one.known)
        self.director.answered(act, who, answer, self._clock.monotonic())
        self.look(self._clock.monotonic())

    def _next_comes(self, zone: ZoneId) -> None:
        """Whoever showed a code here before is not whom the register has before it now."""
        for one in self._open.values():
            one.told = one.told or one.scan.zone == zone

    def _hand(self, one: _Open, number: str | None) -> None:
        # A card that a scanner has read is at the register already, as it was.
        there = one.told or (one.known.how == "card" and one.scan.question)
        if not number or there or self._clock.monotonic() - one.scan.at > HANDED_WITHIN:
            return
        one.told = True
        # Its question is answered: like what a camera has read, the number is handed over by itself.
        self.register(replace(one.scan, question=""), True, number)

    def _greets(self, customer: CustomerId) -> tuple[CustomerId | None, Answer]:
        profile = self._replica.profile(customer, self._clock.wall())
        return (customer, "member") if profile is not None and "signage" in profile.purposes else (None, "read")

    def _other(self, act: str, scan: Scan, known: Known, now: float) -> None:
        wall = self._clock.wall()
        products = self._replica.products(wall)
        poster = posters.of(scan.content, products, self._replica.store(wall).link)
        if scan.question and (poster is None or poster.store is None):
            # What somebody buys is the register's: told with times, it would stand beside who has shown a code.
            self.counts[f"scans_{'other' if poster is None else 'product'}"] += 1
            return None
        if poster is None:
            return self._tell(act, scan, known)
        if not self.director.is_till(scan.zone) and not products[poster.sku].sensitive:
            self.director.scanned(scan.zone, None, act, scan.at, now, "product", poster.sku)
        self.counts["scans_product"] += 1
        self._report.happened(
            events.Scanned(
                scan=act,
                reader=scan.reader,
                zone=scan.zone,
                outcome="product",
                timed=known.timed,
                sku=poster.sku,
                poster_store=poster.store,
                poster_zone=poster.zone,
            )
        )
        return None

    def _tell(self, act: str, scan: Scan, known: Known) -> None:
        self.counts[f"scans_{known.outcome}"] += 1
        if known.outcome == "unknown" and known.how == "card" and known.value is not None:
            self._guessed(scan.reader, known.value)
        self._report.happened(
            events.Scanned(
                scan=act,
                reader=scan.reader,
                zone=scan.zone,
                outcome=known.outcome,
                customer=known.customer,
                how=known.how,
                code=known.code,
                timed=known.timed,
            )
        )

    def _guessed(self, reader: str, number: str) -> None:
        """Count a card that nobody knows, where it was not just shown."""
        if self.identity.locked or not self._confirmed():
            return  # Then everybody's is one.
        guesses = self._guesses.setdefault(reader, deque(maxlen=GUESSES + 1))
        if hash(number) not in [guess for _, guess in guesses]:
            guesses.append((self._clock.monotonic(), hash(number)))


def _nameless(known: Known) -> Answer:
    """What is said where nobody is named: of a code that is surely ours, that it was read."""
    return "read" if known.signed is not None else "unknown"
