"""Decides for whom each screen may show something, and how much: display levels, consent, no group no name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.config import Ble, EdgeConfig, Recorded, ScreenConfig, SimulatedRadio
from edge.model import Change, CustomerId, ScreenId, ZoneId

GREETING = 8.0
"""Seconds a greeting stands when nobody moves: who pays by card needs about as long."""
FINDS = 5.0
"""Seconds of listening after which whoever is near has been found: presence needs up to 4 to be sure of somebody."""
THANKS = 4.0
"""Seconds for the answer to a code that is nobody's here."""
ADVICE = 6.0
"""Seconds for an answer that says what to do: it is two sentences."""
PRODUCT = 10.0
SAYS, SAYS_AGAIN = 8.0, 30.0
"""Seconds for which a checkout's screen says that its readers see nothing, and after which it says so again."""

Answer = Literal["member", "read", "reading", "unknown", "expired", "used", "wrong", "product", "trouble"]
"""What is said to a code: `read` and no more, as nobody may be named; `trouble` is said to no code at all."""
_STANDS: dict[Answer, float] = {
    "member": GREETING,
    "expired": ADVICE,
    "used": ADVICE,
    "wrong": ADVICE,
    "product": PRODUCT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a screen should say, before anyone has chosen the words."""

    level: Literal[0, 1, 2]
    cause: Literal["beacon", "scan", "override"]
    people: tuple[CustomerId, ...]
    named: bool = False
    answer: Answer = "member"
    """Of a scan: how it went."""
    sku: str = ""
    """Of a product's code: which one."""
    act: str = ""
    """The scan it answers: another scan of the same person is another wish."""
    trigger: float = 0.0
    """When what caused it was first sensed; not part of what is wished."""
    decided: float = 0.0

    def same(self, other: Wish | None) -> bool:
        """Whether a screen that shows `other` need not change."""
        return other is not None and self.what() == other.what()

    def follows(self, other: Wish) -> bool:
        """Whether nobody new caused it: the same code was answered before, or someone of a group has left."""
        return self.act == other.act and (self.cause == "scan" or set(self.people) <= set(other.people))

    def what(self) -> tuple[object, ...]:
        return self.level, self.cause, self.people, self.named, self.act, self.answer


@dataclass(slots=True, kw_only=True)
class _Greeting:
    """An answer to a deliberate act, on the screens of its zone, until it is over."""

    zone: ZoneId
    customer: CustomerId | None
    act: str
    at: float
    until: float
    alone: bool
    answer: Answer
    sku: str


class Director:
    """Knows who stands where and who has just shown a code; everything else is asked anew each time.

    `heard`: the zones that a radio listens to.
    """

    def __init__(self, screens: Sequence[ScreenConfig], heard: Collection[ZoneId] = ()) -> None:
        self._screens = screens
        self._heard = frozenset(heard)
        self._listens: float | None = None
        """Since when whoever is heard may be known."""
        self._people: dict[CustomerId, Change] = {}
        self._greetings: dict[ZoneId, _Greeting] = {}
        self._silent: dict[ZoneId, float] = {}
        """Since when no reader of a zone has seen anything."""

    @classmethod
    def of(cls, config: EdgeConfig) -> Director:
        """The director of an agent's screens."""
        radios = [sensor for sensor in config.sensors if isinstance(sensor, Ble | Recorded | SimulatedRadio)]
        return cls(config.screens, {ZoneId(radio.zone) for radio in radios})

    def is_till(self, zone: ZoneId) -> bool:
        """Whether a checkout's screen is seen from here: then goods are the register's."""
        return any(zone in screen.zones for screen in self._screens if screen.use == "till")

    def moved(self, change: Change) -> None:
        """Take note of an arrival or a leaving: the greeted one's ends the greeting, a newcomer takes its name."""
        if change.what == "left":
            here = self._people.get(change.customer)
            if here is not None and here.zone == change.zone:
                del self._people[change.customer]
        else:
            self._people[change.customer] = change
        for zone in self._beside(change.zone):
            greeting = self._greetings.get(zone)
            if greeting is not None and change.what == "arrived" and change.customer != greeting.customer:
                # Someone stepped in: what is left of the greeting is nobody's.
                greeting.alone = False
        greeting = self._greetings.get(change.zone)
        if greeting is not None and change.what == "left" and change.customer == greeting.customer:
            del self._greetings[change.zone]

    def scanned(
        self,
        zone: ZoneId,
        customer: CustomerId | None,
        act: str,
        at: float,
        now: float,
        answer: Answer = "member",
        sku: str = "",
    ) -> None:
        """Take note of a code shown at a reader in this zone; customer None where it is nobody's we may know."""
        beside = self._beside(zone)
        others = any(here.zone in beside and who != customer for who, here in self._people.items())
        found = self._listens is not None and now - self._listens >= FINDS
        for other in beside:
            self._greetings.pop(other, None)  # Or it would come back when the newer one is over.
        self._greetings[zone] = _Greeting(
            zone=zone,
            customer=customer,
            act=act,
            at=at,
            until=now + _STANDS.get(answer, THANKS),
            alone=not others and (found or beside.isdisjoint(self._heard)),
            answer=answer,
            sku=sku,
        )

    def answered(self, act: str, customer: CustomerId | None, answer: Answer, now: float) -> None:
        """More is known of a code that was shown, and whose answer may still stand."""
        for greeting in self._greetings.values():
            if greeting.act == act and greeting.until > now:
                greeting.customer, greeting.answer = customer, answer
                greeting.until = now + _STANDS.get(answer, THANKS)

    def wishes(
        self,
        now: float,
        *,
        may: Callable[[CustomerId, str], bool],
        anonymous: bool,
        clock_safe: bool,
        silent: Collection[ZoneId] = (),
    ) -> dict[ScreenId, Wish | None]:
        """What each screen should show now; None is the anonymous loop.

        `may(customer, purpose)` is asked each time, so that a consent withdrawn takes effect at once. `anonymous`:
        consent is unconfirmed, nobody is known. `clock_safe` False: nothing above level 1. `silent`: zones that have
        readers, none of which works.
        """
        self._silent = {zone: self._silent.get(zone, now) for zone in silent}
        self._listen(now, anonymous)
        for zone, greeting in list(self._greetings.items()):
            if greeting.until <= now:
                del self._greetings[zone]
        return {
            ScreenId(screen.screen): self._greeted(screen, may, anonymous, clock_safe)
            or (self._trouble(screen, now) if screen.use == "till" else None if anonymous else self._near(screen, may))
            for screen in self._screens
        }

    def _listen(self, now: float, anonymous: bool) -> None:
        if not anonymous:
            self._listens = now if self._listens is None else self._listens
            return
        self._listens = None
        for greeting in self._greetings.values():
            # Who leaves or steps in meanwhile is not noticed: what is left of the answer is nobody's.
            greeting.customer = None
            greeting.alone = False

    def _beside(self, zone: ZoneId) -> set[ZoneId]:
        """The zones from which what is shown for this one can be read."""
        return {zone} | {ZoneId(other) for screen in self._screens if zone in screen.zones for other in screen.zones}

    def _greeted(
        self, screen: ScreenConfig, may: Callable[[CustomerId, str], bool], anonymous: bool, clock_safe: bool
    ) -> Wish | None:
        here = [greeting for zone, greeting in self._greetings.items() if zone in screen.zones]
        if not here:
            return None
        greeting = max(here, key=lambda each: each.at)
        if greeting.customer and not anonymous and not may(greeting.customer, "signage"):
            return None  # Withdrawn since: the screen says nothing more.
        known = None if anonymous else greeting.customer
        named = known is not None and greeting.alone and clock_safe
        return Wish(
            level=2 if named else 1 if known else 0,
            cause="scan",
            people=(known,) if known else (),
            named=named,
            answer=greeting.answer,
            sku=greeting.sku,
            act=greeting.act,
            trigger=greeting.at,
            decided=greeting.at,
        )

    def _trouble(self, screen: ScreenConfig, now: float) -> Wish | None:
        """Say now and then that member codes cannot be read: who holds one up would wait for ever."""
        since = min((self._silent[zone] for zone in map(ZoneId, screen.zones) if zone in self._silent), default=None)
        if since is None or (now - since) % SAYS_AGAIN >= SAYS:
            return None
        time = int((now - since) // SAYS_AGAIN)
        began = since + time * SAYS_AGAIN
        return Wish(level=0, cause="override", people=(), answer="trouble", act=f"trouble-{time}", decided=began)

    def _near(self, screen: ScreenConfig, may: Callable[[CustomerId, str], bool]) -> Wish | None:
        near = [
            change
            for who, change in self._people.items()
            if change.zone in screen.zones and may(who, "presence") and may(who, "signage")
        ]
        if not near:
            return None
        latest = max(near, key=lambda change: change.at)
        return Wish(
            level=1,
            cause="beacon",
            people=tuple(sorted(change.customer for change in near)),
            trigger=latest.since,
            decided=latest.heard_at,
        )
