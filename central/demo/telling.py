"""Puts together what the store page is told: who is where, what runs, what was broken."""

from __future__ import annotations

from collections.abc import Iterator

from central.demo.cast import Cast
from central.demo.faults import Faults
from central.demo.figures import figures
from central.demo.guests import WALKS_S, Guests
from central.demo.minds import Minds
from central.page.contract import Fault, Kind, Part, Person, State, Store
from central.scenario import Scenario, Shopper

LAST_FAULTS = 8


class Telling:
    """Reads everything, changes nothing."""

    def __init__(self, scenario: Scenario, guests: Guests, minds: Minds, cast: Cast, faults: Faults) -> None:
        self._scenario = scenario
        self._guests = guests
        self._minds = minds
        self._cast = cast
        self._faults = faults

    def state(self, now: float) -> State:
        return State(
            now=round(now, 1),
            people=(*self._scripted(now), *self._invited(now)),
            parts=tuple(self._parts()),
            stores=tuple(self._store(store) for store in self._cast.agents),
            faults=tuple(self._broken()),
            fault_count=len(self._faults.all),
            worst_black_s=round(self._faults.worst_black_s, 1),
        )

    def _scripted(self, now: float) -> Iterator[Person]:
        for store, scripted in self._scenario.stores.items():
            for shopper in scripted.shoppers:
                if shopper.stays and shopper.stays[0].begin <= now < shopper.stays[-1].end:
                    yield self._person(store, shopper, now, guest=False)

    def _invited(self, now: float) -> Iterator[Person]:
        for person, guest in self._guests.by_person.items():
            yield self._person(guest.store, self._guests.way(person), now, guest=True)

    def _person(self, store: str, shopper: Shopper, now: float, *, guest: bool) -> Person:
        bearer = self._scenario.truth.shoppers[shopper.shopper]
        known = self._scenario.truth.members.get(bearer.customer or "")
        return Person(
            person=shopper.shopper,
            store=store,
            zone=next((stay.zone for stay in shopper.stays if stay.begin - WALKS_S <= now < stay.end), ""),
            label=known.nickname if known else "",
            member=known is not None,
            beacon=bearer.beacon,
            presence=self._minds.agrees(bearer.customer, "presence"),
            signage=self._minds.agrees(bearer.customer, "signage"),
            guest=guest,
            code=any(show.begin <= now < show.end for show in shopper.shows),
        )

    def _parts(self) -> Iterator[Part]:
        central = self._cast.central.name
        yield self._part(central, "central")
        yield Part(part="broker", kind="broker", store="", up=self._runs(central) and self._runs("broker"))
        for store, agent in self._cast.agents.items():
            yield self._part(agent.name, "agent", store)
        for screen, player in self._cast.players.items():
            yield self._part(player.name, "player", self._cast.screens[screen].place.store)

    def _part(self, name: str, kind: Kind, store: str = "") -> Part:
        return Part(part=name, kind=kind, store=store, up=self._runs(name))

    def _runs(self, name: str) -> bool:
        return not self._faults.is_broken(name)

    def _store(self, store: str) -> Store:
        said = figures(self._cast.folders[store])
        return Store(
            store=store,
            connected=self._faults.is_connected(store),
            disk_full=self._faults.is_full(store),
            made=said.made if said else 0,
            waiting=said.waiting if said else 0,
            refused=said.refused if said else 0,
        )

    def _broken(self) -> Iterator[Fault]:
        for one in self._faults.all[: -LAST_FAULTS - 1 : -1]:
            took = None if one.recovered is None else round(one.took, 1)
            yield Fault(fault=one.fault, what=one.what, where=one.where, at=round(one.begin, 1), took=took)
