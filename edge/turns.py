"""Chooses what comes next on a screen for the same people: what campaigns have for them, or recommendations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.audience import Goods, Offer, Place, offers
from edge.clock import Clock
from edge.director import Wish
from edge.frequency import Frequency
from edge.loop import zone_of
from edge.model import ScreenId
from edge.replica import Replica

TURNS = 3
"""Different scenes of recommendations for who stays, before the first comes again."""


@dataclass(slots=True, kw_only=True)
class Shown:
    """What a screen has been sent for somebody."""

    wish: Wish
    scene: str
    at: float
    first: tuple[str, ...]
    """What its first turn would show by what was known then."""
    turn: int
    """Of the recommendations; below 0: none of them yet."""
    offer: Offer | None
    seen: frozenset[tuple[str, str]]
    """What campaigns have shown since."""


class Turns:
    """`zones` are those from which each screen is seen."""

    def __init__(
        self, replica: Replica, frequency: Frequency, clock: Clock, zones: Mapping[ScreenId, Sequence[str]]
    ) -> None:
        self._replica = replica
        self._frequency = frequency
        self._clock = clock
        self._zones = zones

    def offers(self, screen: ScreenId, wish: Wish) -> list[Offer]:
        """What campaigns have for who is near, however often they have seen it."""
        wall, replica = self._clock.wall(), self._replica
        people = [profile for who in wish.people if (profile := replica.profile(who, wall))]
        if len(people) < len(wish.people) or (wish.cause == "scan" and not wish.named):
            return []
        goods = Goods(products=replica.products(wall), stock=replica.stock(wall))
        store = replica.store(wall)
        place = Place(store=store.store, zones=self._zones[screen], zone=zone_of(store))
        campaigns, playlists, contents = replica.campaigns(wall), replica.playlists(wall), replica.contents(wall)
        return offers(people, campaigns, playlists, contents, goods, place, wall)

    def _offer(self, screen: ScreenId, wish: Wish, seen: frozenset[tuple[str, str]], now: float) -> Offer | None:
        left = (offer for offer in self.offers(screen, wish) if offer.name not in seen)
        return next((offer for offer in left if self._frequency.may(offer, wish.people, screen, now)), None)

    def next(
        self, screen: ScreenId, wish: Wish, now: float, after: Shown | None, only: bool
    ) -> tuple[Offer | None, int, frozenset[tuple[str, str]]]:
        """What comes next: of campaigns what was not seen, then recommendations in turn; `only`: there are none."""
        turn, seen = (after.turn, after.seen) if after else (-1, frozenset())
        offer = self._offer(screen, wish, seen, now)
        if offer is None and seen and (only or turn + 1 >= TURNS):
            turn, seen = -1, frozenset()
            offer = self._offer(screen, wish, seen, now)
        if offer is None:
            return None, (turn + 1) % TURNS, seen
        return offer, turn, seen | {offer.name}
