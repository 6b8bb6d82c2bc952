"""What is true of a scenario at any moment: where everybody was and what they had agreed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from central.judge.spans import EVER, Spans, both, join
from central.scenario import Bearer, Scenario, Shopper


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one screen is seen from, and what it is for."""

    store: str
    zone: str
    use: Literal["shelf", "till"]


class Truth:
    """Where everybody was and what they agreed to, as stretches of time."""

    def __init__(self, scenario: Scenario) -> None:
        self.members = scenario.truth.members
        self.sensitive = frozenset(scenario.truth.sensitive)
        self._bearers = scenario.truth.shoppers
        self._changes = scenario.truth.changes
        self._here: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
        self._heard: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
        self._near: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
        for store, people in scenario.stores.items():
            for shopper in people.shoppers:
                self._add(store, shopper, self._bearers[shopper.shopper])

    def _add(self, store: str, shopper: Shopper, bearer: Bearer) -> None:
        if bearer.customer is None:
            return
        for stay in shopper.stays:
            span = (stay.begin, stay.end)
            self._here.setdefault((bearer.customer, store, stay.zone), []).append(span)
            for kept, counts in ((self._near, True), (self._heard, self.knows(bearer.customer, store))):
                if bearer.beacon and counts:
                    kept.setdefault((store, stay.zone), {}).setdefault(bearer.customer, []).append(span)

    def bearer(self, shopper: Shopper) -> Bearer:
        return self._bearers[shopper.shopper]

    def knows(self, customer: str, store: str) -> bool:
        """Whether this store has heard of them."""
        return customer in self.members and store in self.members[customer].stores

    def here(self, customer: str, place: Place) -> Spans:
        """When they were in the place's zone."""
        return join(self._here.get((customer, place.store, place.zone), []))

    def heard(self, place: Place, besides: frozenset[str]) -> dict[str, Spans]:
        """When whose beacon was heard in the zone, of those whom this store knows."""
        return _besides(self._heard.get((place.store, place.zone), {}), besides)

    def near(self, place: Place, besides: frozenset[str]) -> dict[str, Spans]:
        """The same with those whom the store may have come to know meanwhile: they have shown a code there."""
        return _besides(self._near.get((place.store, place.zone), {}), besides)

    def agreed(self, customer: str, purposes: Sequence[str], *, surely: bool) -> Spans:
        """When they had agreed to all of it: surely, or possibly while a change was on its way into central."""
        if customer not in self.members:
            return ()
        spans: Spans = ((-EVER, EVER),)
        for purpose in purposes:
            spans = both(spans, self._agreed(customer, purpose, surely))
        return spans

    def _agreed(self, customer: str, purpose: str, surely: bool) -> Spans:
        since = -EVER if purpose in self.members[customer].purposes else None
        spans = []
        for change in self._changes:
            if (change.customer, change.purpose) != (customer, purpose):
                continue
            if change.gives and since is None:
                since = change.done if surely else change.at
            elif not change.gives and since is not None:
                spans.append((since, change.at if surely else change.done))
                since = None
        return (*spans, (since, EVER)) if since is not None else tuple(spans)


def _besides(kept: Mapping[str, Sequence[tuple[float, float]]], besides: frozenset[str]) -> dict[str, Spans]:
    return {who: join(spans) for who, spans in kept.items() if who not in besides}
