"""Plays a day through in no time: which turns a screen would show, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ground.errors import NorenError
from ground.programme import calendar
from ground.programme.file import Programme
from ground.programme.records import Content, Slot, Store, Turn
from ground.programme.rota import Rota
from ground.programme.slots import slots_for

_AGAIN = timedelta(seconds=5)
"""After which a screen that has nothing to show looks again."""
NOTHING = "nothing is due: the curtain hangs"


class NoStore(NorenError):
    """A store that the programme does not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One stay of a scene on the screen, by the store's clock; of nobody's scene where nothing is due."""

    begins: datetime
    ends: datetime
    campaign: str
    scene: str
    why: str
    emergency: bool = False

    @property
    def seconds(self) -> float:
        """How long it stays; wall clocks of a zone may be changed meanwhile."""
        return self.ends.timestamp() - self.begins.timestamp()


def store_of(programme: Programme, name: str | None) -> Store:
    """The store of this name; without one the first, or one in Tokyo where the programme names none. Raises NoStore."""
    stores = {store.store: store for store in programme.stores}
    if name is None:
        return next(iter(stores.values()), Store(store="store", name={"ja": "店"}))
    if name not in stores and stores:
        raise NoStore(f"The programme has no store {name!r}.", fix=f"Name one of {', '.join(sorted(stores))}.")
    return stores.get(name) or Store(store=name, name={"ja": name})


def stays(
    programme: Programme,
    store: Store,
    zones: Collection[str],
    day: date,
    turns: Callable[[Content], Sequence[Turn]],
) -> Iterator[Stay]:
    """What a screen of these zones would show by itself, from midnight to midnight of the store. Raises NoZone.

    `turns` gives the scenes of a content.
    """
    contents = {content.content: content for content in programme.contents}
    playlists = {playlist.playlist: playlist for playlist in programme.playlists}
    slots = slots_for(contents, playlists, programme.campaigns, store=store.store, zones=zones, turns=turns)
    zone = calendar.zone(store.timezone)
    at, end = calendar.midnight(day, zone), calendar.midnight(day + timedelta(days=1), zone)
    rota = Rota(slots, zone)
    coming = _Coming(slots, zone)
    alarms = _Coming([slot for slot in slots if slot.emergency], zone)
    idle: datetime | None = None
    while at < end:
        choice = rota.choose(at)
        if choice is None:
            idle = idle or at
            at = min(at + _AGAIN, coming.after(at) or end, end)
            continue
        if idle is not None:
            yield _nothing(idle, at, zone)
            idle = None
        stop = min(at + timedelta(seconds=choice.seconds), choice.ends or end, end)
        if not choice.emergency:
            stop = min(stop, alarms.after(at) or end)
        rota.played(choice, stop, (stop - at).total_seconds())
        yield Stay(
            begins=at.astimezone(zone),
            ends=stop.astimezone(zone),
            campaign=choice.campaign,
            scene=choice.scene,
            why=choice.why,
            emergency=choice.emergency,
        )
        at = stop
    if idle is not None:
        yield _nothing(idle, end, zone)


class _Coming:
    """When the next of some slots becomes due; asked with instants that never go back."""

    def __init__(self, slots: Sequence[Slot], zone: ZoneInfo) -> None:
        self._slots = [slot for slot in slots if slot.when]
        self._zone = zone
        self._known = False
        self._next: datetime | None = None

    def after(self, at: datetime) -> datetime | None:
        if not self._known or (self._next is not None and self._next <= at):
            found = [calendar.begins(slot.when, at, self._zone) for slot in self._slots]
            self._next = min((begins for begins in found if begins is not None), default=None)
            self._known = True
        return self._next


def _nothing(begins: datetime, ends: datetime, zone: ZoneInfo) -> Stay:
    return Stay(begins=begins.astimezone(zone), ends=ends.astimezone(zone), campaign="", scene="", why=NOTHING)
