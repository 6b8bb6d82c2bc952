"""Moves the guests, whom a watcher sends about by buttons, and tells the simulated senses of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from msgspec import json

from central.sample import Member
from central.scenario import READER, Beacon, Scenario, Shopper, Show, Stay
from ground.programme.records import Texts

ACTS_S = 0.2
"""From a button to what follows: the senses look for something new ten times a second."""
ENTERS_S, WALKS_S, STAYS_S, AT_TILL_S = 2.0, 0.8, 600.0, 9.0
SHOWS_S = 2.5
BREATH_S = 0.8
"""Between two who hold something to one reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A member whom no script moves."""

    person: str
    store: str
    member: Member
    beacons: tuple[Beacon, ...]


class Guests:
    """Where the guests are, have been, and are to go; each change is appended to `file`."""

    def __init__(self, file: Path, guests: Iterable[Guest], scenario: Scenario) -> None:
        self.by_person: Mapping[str, Guest] = {guest.person: guest for guest in guests}
        self._file = file
        self._scenario = scenario
        self._ways = {
            guest.person: Shopper(shopper=guest.person, beacons=guest.beacons) for guest in self.by_person.values()
        }

    def walk_in(self, store: str, person: str, now: float) -> Texts:
        """Bring this guest in, or the first who is outside; give why not."""
        who = person if person and self._is_away(person, now) else self._outside(store, now)
        if who is None:
            return {"ja": "このお店のゲストは全員来店中です", "en": "all guests of this store are in already"}
        begin = now + ACTS_S
        self._go(who, now, [("entrance", begin, begin + ENTERS_S), ("shelf", begin + ENTERS_S, begin + STAYS_S)])
        return {}

    def meet(self, store: str, now: float) -> Texts:
        """Have two guests of the store at its shelf together."""
        if len(self._of(store)) < 2:
            return NOBODY
        here = [person for person in self._of(store) if not self._is_away(person, now)]
        away = [person for person in self._of(store) if self._is_away(person, now)]
        two = (here + away)[:2]
        begin = now + ACTS_S
        for person in two:
            stay = self.place(person, now)
            if stay is None or stay.zone != "shelf":
                self._go(person, now, [("shelf", begin, begin + STAYS_S)])
        return {}

    def show_code(self, person: str, now: float, code: str) -> Texts:
        """Have them go to the till and hold their code to the reader, as soon as nobody else does."""
        guest = self.by_person.get(person)
        if guest is None:
            return NOBODY
        begin = now + ACTS_S
        shows = self._show_after(guest, begin + WALKS_S + 0.4, code)
        self._go(person, now, [("till", begin + WALKS_S, shows.end + AT_TILL_S)], [shows])
        return {}

    def leave(self, person: str, now: float) -> Texts:
        if person not in self.by_person:
            return NOBODY
        self._go(person, now, [])
        return {}

    def place(self, person: str, now: float) -> Stay | None:
        """Where they are or are about to be; None: outside."""
        return next((stay for stay in self._ways[person].stays if stay.end > now), None)

    def way(self, person: str) -> Shopper:
        """Where they were, are and are about to be."""
        return self._ways[person]

    def in_scenario(self) -> Scenario:
        """What was scripted, and what the guests did."""
        stores = {
            store: replace(scripted, shoppers=(*scripted.shoppers, *self._gone_through(store)))
            for store, scripted in self._scenario.stores.items()
        }
        return replace(self._scenario, stores=stores)

    def shoppers(self, store: str) -> Iterable[Shopper]:
        yield from self._scenario.stores[store].shoppers
        yield from self._gone_through(store)

    def _gone_through(self, store: str) -> list[Shopper]:
        return [self._ways[person] for person in self._of(store) if self._ways[person].stays]

    def _of(self, store: str) -> list[str]:
        return [guest.person for guest in self.by_person.values() if guest.store == store]

    def _is_away(self, person: str, now: float) -> bool:
        return person in self._ways and self.place(person, now) is None

    def _outside(self, store: str, now: float) -> str | None:
        return next((person for person in self._of(store) if self._is_away(person, now)), None)

    def _go(
        self, person: str, now: float, ways: Sequence[tuple[str, float, float]], shows: Sequence[Show] = ()
    ) -> None:
        """End what they do now, and have them do this."""
        before, cut = self._ways[person], round(now + ACTS_S, 2)
        stays = [replace(stay, end=min(stay.end, cut)) for stay in before.stays if stay.begin < cut]
        shown = [replace(show, end=min(show.end, cut)) for show in before.shows if show.begin < cut]
        stays += [Stay(zone=zone, begin=round(begin, 2), end=round(end, 2)) for zone, begin, end in ways]
        way = self._ways[person] = replace(before, stays=tuple(stays), shows=(*shown, *shows))
        line = {"store": self.by_person[person].store, "shopper": asdict(way)}
        with self._file.open("ab") as file:
            file.write(json.encode(line) + b"\n")

    def _show_after(self, guest: Guest, begin: float, code: str) -> Show:
        shows = [show for shopper in self.shoppers(guest.store) for show in shopper.shows]
        for show in sorted(shows, key=lambda show: show.begin):
            if begin < show.end + BREATH_S and begin + SHOWS_S > show.begin - BREATH_S:
                begin = show.end + BREATH_S
        begin = round(begin, 2)
        return Show(reader=READER, begin=begin, end=begin + SHOWS_S, format="QRCode", content=code, own=True)


NOBODY: Texts = {"ja": "ゲストを選んでください", "en": "choose a guest first"}
