"""Decides from sightings over time who is in which zone; the clock comes with each call."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edge.config import Zone
from edge.model import Change, CustomerId, Sighting, ZoneId

ENTER = 20.0
"""dB·s above a zone's enter_dbm that make an arrival."""
LEAVE = 30.0
"""dB·s below exit_dbm that make who is still heard a passer-by."""
MOVE = 36.0
"""dB·s by which another zone must be the stronger one, AHEAD already taken off."""
AHEAD = 6.0
BACK = 3.0
"""dB on top of AHEAD for the zone somebody has just come from,"""
JUST = 30.0
"""for this many seconds."""
AT_ONCE = 0.75
"""The part of the needed evidence that one sighting can give at most: it always takes two."""

SHORTEST = 5.0
LONGEST = 15.0
"""Seconds of silence that end a presence: four intervals as learnt, within these."""
SPREADS = 2.5
"""Mean deviations on top of the mean gap that make the learnt interval: where one advert in three is lost, a still
beacon is then silent for longer about once in eight hours."""
LEARN = 16
"""Sightings over which gaps are averaged: a lucky minute must not make us impatient."""
DELIBERATE = 5.0
"""Seconds for which a scan at a reader outweighs every radio."""
FORGET = 60.0
"""Seconds after which who is nowhere and silent is forgotten."""
MOST = 5_000
"""People followed at a time."""


@dataclass(slots=True)
class _Evidence:
    """What sightings have added up to: each gives the decibels it lies past a limit times the seconds it stands for.

    A one-sided cumulative sum (E. S. Page, "Continuous inspection schemes", Biometrika 1954): a clear signal decides
    in two sightings, a faint one takes longer, and fading around a limit falls back to nothing again and again.
    """

    enough: float
    sum: float = 0.0
    since: float = 0.0

    def add(self, excess: float, seconds: float, at: float) -> bool:
        """Take one sighting's excess in dB; True when there is enough."""
        most = self.enough * AT_ONCE
        if self.sum == 0.0:
            self.since = at
        self.sum = min(max(0.0, self.sum + min(excess, most) * seconds), self.enough)
        return self.sum >= self.enough

    def clear(self) -> None:
        self.sum = 0.0


@dataclass(slots=True)
class _Signal:
    """One person's beacon as one receiver hears it."""

    zone: Zone
    at: float
    """When last heard."""
    last: float | None = None
    """The last RSSI that said something."""
    level: float | None = None
    """Smoothed; half the way to each new value a second apart. A missing RSSI leaves it alone."""
    gap: float = 0.0
    spread: float = 0.0
    """Mean and mean deviation of the time between sightings, kept as RFC 6298 keeps a round trip's."""
    here: _Evidence = field(default_factory=lambda: _Evidence(ENTER))
    nearer: _Evidence = field(default_factory=lambda: _Evidence(MOVE))

    def hear(self, at: float, rssi: int | None) -> float:
        """Take a sighting; give the seconds it stands for: a beacon sending ten times a second weighs no more."""
        gap = max(0.0, at - self.at)
        if gap > LONGEST:
            self.here.clear()
            self.nearer.clear()
            self.level = None
        elif self.gap == 0.0:
            self.gap, self.spread = gap, gap / 2
        elif gap > 0.0:
            self.spread += (abs(gap - self.gap) - self.spread) / LEARN
            self.gap += (gap - self.gap) / LEARN
        first = self.level is None
        seconds = 1.0 if first else min(gap, 1.0)
        if rssi is not None:
            self.last = rssi
            self.level = rssi if self.level is None else self.level + (rssi - self.level) * seconds / 2
        self.at = max(self.at, at)
        return seconds

    def patience(self) -> float:
        """Seconds of silence that mean absence."""
        return min(max(SHORTEST, 4 * (self.gap + SPREADS * self.spread)), LONGEST)

    def fresh(self, now: float) -> bool:
        return self.last is not None and now - self.at <= max(2 * (self.gap + self.spread), 1.5)


@dataclass(slots=True)
class _Stay:
    """Somebody in a zone."""

    zone: Zone
    visit: str
    since: float
    heard: float
    placed: float | None = None
    """When they last did something deliberate here."""
    gone: _Evidence = field(default_factory=lambda: _Evidence(LEAVE))


@dataclass(slots=True)
class _Person:
    signals: dict[str, _Signal] = field(default_factory=dict)
    """By receiver."""
    stay: _Stay | None = None
    came_from: Zone | None = None
    moved: float = 0.0
    heard: float = 0.0


class Presence:
    """Where each known customer is: in one zone or in none.

    At most `most` people are followed; who is quiet longest and nowhere makes room, and without room a newcomer is
    not followed, counted in `refused`.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        *,
        new_visit: Callable[[], str] = lambda: secrets.token_hex(8),
        most: int = MOST,
    ) -> None:
        self._zones = {zone.zone: zone for zone in zones}
        self._new_visit = new_visit
        self._most = most
        self._people: OrderedDict[CustomerId, _Person] = OrderedDict()
        """Who was heard last is last."""
        self._now = 0.0
        self.refused = 0

    def hear(self, sighting: Sighting) -> list[Change]:
        """Take a sighting; give who came or left by it, leavers first."""
        self._now = max(self._now, sighting.at)
        person = self._follow(sighting.customer)
        if person is None:
            return []
        signal = person.signals.get(sighting.receiver)
        if signal is None:
            signal = _Signal(self._zones[sighting.zone], sighting.at)
            person.signals[sighting.receiver] = signal
        seconds = signal.hear(sighting.at, sighting.rssi)
        stay = person.stay
        if stay is not None and stay.zone is signal.zone:
            stay.heard = max(stay.heard, sighting.at)
        if sighting.rssi is None:
            return []
        came = signal.here.add(sighting.rssi - signal.zone.enter_dbm, seconds, sighting.at)
        if stay is None:
            return self._enter(sighting, person, signal) if came else []
        if stay.placed is not None and self._now - stay.placed < DELIBERATE:
            return []
        if stay.zone is signal.zone:
            return self._fade(sighting, person, stay, seconds)
        return self._contend(sighting, person, stay, signal, seconds)

    def tick(self, now: float) -> list[Change]:
        """Give who has left by falling silent; forget who is nowhere and quiet."""
        self._now = now = max(self._now, now)
        changes: list[Change] = []
        for customer, person in self._people.items():
            stay = person.stay
            if stay is not None and now >= self._until(person, stay):
                changes += self._leave(customer, person)
        while self._people:
            customer, person = next(iter(self._people.items()))
            if person.stay is not None or now - person.heard < FORGET:
                break
            del self._people[customer]
        return changes

    def place(self, customer: CustomerId, zone: ZoneId, now: float) -> list[Change]:
        """Put somebody where they did something deliberate, such as showing a code."""
        self._now = now = max(self._now, now)
        person = self._follow(customer)
        if person is None:
            return []
        changes: list[Change] = []
        if person.stay is None or person.stay.zone.zone != zone:
            changes = self._leave(customer, person)
            changes.append(self._arrive(customer, person, self._zones[zone], since=now, heard=now))
        assert person.stay is not None
        person.stay.placed = person.stay.heard = now
        person.stay.gone.clear()
        return changes

    def forget(self, customer: CustomerId) -> list[Change]:
        """Forget somebody at once, as who has withdrawn their consent; where they were, they have left."""
        person = self._people.pop(customer, None)
        return self._leave(customer, person) if person else []

    def follows(self, customer: CustomerId) -> bool:
        """Whether anything is remembered of somebody."""
        return customer in self._people

    def where(self, customer: CustomerId) -> ZoneId | None:
        """The zone somebody is in."""
        person = self._people.get(customer)
        return ZoneId(person.stay.zone.zone) if person and person.stay else None

    def people(self, zone: ZoneId) -> frozenset[CustomerId]:
        """Who is in a zone."""
        return frozenset(who for who, person in self._people.items() if person.stay and person.stay.zone.zone == zone)

    def anybody(self) -> bool:
        """Whether somebody known is in any zone."""
        return any(person.stay for person in self._people.values())

    def _follow(self, customer: CustomerId) -> _Person | None:
        person = self._people.get(customer)
        if person is None:
            if len(self._people) >= self._most and not self._make_room():
                self.refused += 1
                return None
            person = self._people[customer] = _Person()
        else:
            self._people.move_to_end(customer)
        person.heard = self._now
        return person

    def _make_room(self) -> bool:
        quiet = next((who for who, person in self._people.items() if person.stay is None), None)
        if quiet is None:
            return False
        del self._people[quiet]
        return True

    def _enter(self, sighting: Sighting, person: _Person, signal: _Signal) -> list[Change]:
        """Come in from nowhere, unless another zone is stronger now: its own next sighting will say so."""
        level = signal.level
        if level is None or level < signal.zone.enter_dbm or level < self._clearest(person):
            return []
        return [self._arrive(sighting.customer, person, signal.zone, since=signal.here.since, heard=sighting.at)]

    def _fade(self, sighting: Sighting, person: _Person, stay: _Stay, seconds: float) -> list[Change]:
        """Leave a zone in which one is heard ever more faintly, by all of its receivers."""
        mine = (other for other in person.signals.values() if other.zone is stay.zone)
        if not stay.gone.add(stay.zone.exit_dbm - _loudest(mine, self._now), seconds, sighting.at):
            return []
        return self._leave(sighting.customer, person)

    def _contend(
        self, sighting: Sighting, person: _Person, stay: _Stay, signal: _Signal, seconds: float
    ) -> list[Change]:
        """Move to a zone that is heard clearly stronger than the one somebody is in."""
        assert sighting.rssi is not None
        mine = (other for other in person.signals.values() if other.zone is stay.zone)
        rival = max(_loudest(mine, self._now), stay.zone.exit_dbm - AHEAD)
        back = signal.zone is person.came_from and self._now - person.moved < JUST
        ahead = sighting.rssi - rival - AHEAD - (BACK if back else 0.0)
        level = signal.level
        if not signal.nearer.add(ahead, seconds, sighting.at) or level is None or level < signal.zone.enter_dbm:
            return []
        since = signal.nearer.since
        changes = self._leave(sighting.customer, person)
        changes.append(self._arrive(sighting.customer, person, signal.zone, since=since, heard=sighting.at))
        return changes

    def _clearest(self, person: _Person) -> float:
        """The strongest level by which somebody could come into a zone now."""
        return max(
            (
                signal.level
                for signal in person.signals.values()
                if signal.level is not None and signal.level >= signal.zone.enter_dbm and signal.fresh(self._now)
            ),
            default=-128.0,
        )

    def _until(self, person: _Person, stay: _Stay) -> float:
        """When silence ends a stay."""
        mine = [signal for signal in person.signals.values() if signal.zone is stay.zone]
        until = stay.heard + max((signal.patience() for signal in mine), default=LONGEST)
        return until if stay.placed is None else max(until, stay.placed + LONGEST)

    def _arrive(self, customer: CustomerId, person: _Person, zone: Zone, *, since: float, heard: float) -> Change:
        person.stay = _Stay(zone, self._new_visit(), since, heard)
        return self._change("arrived", customer, person.stay)

    def _leave(self, customer: CustomerId, person: _Person) -> list[Change]:
        stay = person.stay
        if stay is None:
            return []
        person.stay, person.came_from, person.moved = None, stay.zone, self._now
        for signal in person.signals.values():
            signal.nearer.clear()
            if signal.zone is stay.zone:
                signal.here.clear()
        return [self._change("left", customer, stay)]

    def _change(self, what: Literal["arrived", "left"], customer: CustomerId, stay: _Stay) -> Change:
        return Change(
            what=what,
            customer=customer,
            zone=ZoneId(stay.zone.zone),
            at=self._now,
            heard_at=stay.heard,
            since=stay.since,
            visit=stay.visit,
        )


def _loudest(signals: Iterable[_Signal], now: float) -> float:
    """The strongest of the last values that are not overdue; where all are, the newest."""
    spoken = sorted((signal for signal in signals if signal.last is not None), key=lambda signal: signal.at)
    values = [signal.last for signal in spoken if signal.fresh(now)] or [signal.last for signal in spoken[-1:]]
    return max((value for value in values if value is not None), default=-128.0)
