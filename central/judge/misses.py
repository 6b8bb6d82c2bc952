"""What should have been shown to whom, and was not; what could not be expected is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from central.judge.findings import Finding
from central.judge.journals import Showing
from central.judge.spans import Spans, both, either, longer, outside
from central.judge.troubles import PROPAGATES_S, Troubles
from central.judge.truth import Place, Truth
from central.judge.wrongs import LEAVES_S
from central.scenario import Scenario, Shopper

FINDS_S = 6.0
"""Presence needs up to 4 s to be sure of somebody; 2 s more for a busy machine: past that nothing shown is a miss."""
GREETS_S = 2.0
"""Who holds a card to a reader looks away after about this long."""
READ_S = 1.0
"""A code shown for less than this need not be read: cameras give 15 pictures a second, hands shake."""


class Misses:
    """Goes through everybody's ways; `should` is how much was to be shown."""

    def __init__(self, scenario: Scenario, truth: Truth, troubles: Troubles, seconds: float) -> None:
        self.should = 0
        self._scenario = scenario
        self._truth = truth
        self._troubles = troubles
        self._seconds = seconds

    def find(self, screens: Mapping[str, Place], shown: Sequence[Showing]) -> Iterator[Finding]:
        for screen, place in screens.items():
            here = [each for each in shown if each.screen == screen]
            expected = self._at_shelf if place.use == "shelf" else self._at_till
            for shopper in self._scenario.stores[place.store].shoppers:
                for at, said in expected(shopper, screen, place, here):
                    self.should += 1
                    if said:
                        yield Finding(what="missed", at=at, screen=screen, said=f"{shopper.shopper}: {said}")

    def _at_shelf(
        self, shopper: Shopper, screen: str, place: Place, shown: Sequence[Showing]
    ) -> Iterator[tuple[float, str]]:
        """From when on this shopper should have seen something for them, and (if so) what was wrong."""
        bearer = self._truth.bearer(shopper)
        who = bearer.customer
        if who is None or not bearer.beacon or not self._truth.knows(who, place.store):
            return
        stays: Spans = tuple(
            (stay.begin, min(stay.end, self._seconds)) for stay in shopper.stays if stay.zone == place.zone
        )
        agreed = self._truth.agreed(who, ("presence", "signage"), surely=True)
        seeing = outside(both(stays, self._troubles.surely(place.store, agreed)), self._troubles.blind(place.store))
        fair = outside(longer(seeing, left=-FINDS_S), self._troubles.down(screen))
        # The troubles take from what is expected; what counts as seen is the same without them.
        for begin, end in longer(both(stays, longer(agreed, left=-PROPAGATES_S)), left=-FINDS_S):
            if not both(fair, ((begin, end),)):
                continue
            met = [each for each in shown if each.personal and any(who in people for people in each.people)]
            seen = both(either([((each.begin, each.end),) for each in met]), ((begin, end),))
            yield begin, "" if seen else f"stood here {end - begin + FINDS_S:.1f} s and saw nothing for them"

    def _at_till(
        self, shopper: Shopper, screen: str, place: Place, shown: Sequence[Showing]
    ) -> Iterator[tuple[float, str]]:
        who = self._truth.bearer(shopper).customer
        if who is None or not self._truth.knows(who, place.store):
            return
        known = self._truth.members[who]
        agreed = self._troubles.surely(place.store, self._truth.agreed(who, ("signage",), surely=True))
        blind = self._troubles.blind(place.store)
        for show in shopper.shows:
            answer = (show.begin, show.begin + GREETS_S)
            if (
                not show.own
                or show.end - show.begin < READ_S
                or answer[1] > self._seconds
                or outside((answer,), agreed)
                or both((answer,), either([blind, self._troubles.down(screen)]))
            ):
                continue
            met = [
                each
                for each in shown
                if each.layout == "greeting" and each.cause == "scan" and answer[0] <= each.begin <= answer[1]
                if any(who in people for people in each.people)
            ]
            near = [longer(spans, right=LEAVES_S) for spans in self._truth.near(place, frozenset([who])).values()]
            # An agent that has just come back does not know yet who else stands there.
            alone = not both(either([*near, longer(blind, right=FINDS_S)]), (answer,)) and known.nickname != ""
            if not met:
                yield show.begin, "showed a code and was not greeted"
            elif alone and not any(who in names for each in met for names in each.named):
                yield show.begin, "showed a code, was alone, and was not greeted by name"
            else:
                yield show.begin, ""
