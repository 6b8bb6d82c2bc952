"""What the screen shows when: the parts of the screen, what covers them, where they go on; the clock is passed in."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ground.programme import calendar
from signage.contract import Ended, Playlist, Region, Scene, Show
from signage.turns import COVER, Part, Turn, in_turn, left

log = logging.getLogger(__name__)

Refused = Literal["late", "covered"]

_MAIN = Region(region="main", at=(0, 0, 1000, 1000), shows="main")
_NEVER = float("inf")
_LEAP = 1.0
"""Seconds by which a machine's clock is not only slowed or hurried: somebody has set it."""


class Programme:
    """Slots and lists, each in its part of the screen, and over all of them one interruption or an emergency."""

    def __init__(self, standing: Scene, now: float, wall: Callable[[float], datetime]) -> None:
        """`standing` is shown while there is nothing to play; `wall` tells the time of day at a time of the clock."""
        self._wall = wall
        self._numbers = itertools.count()
        self._why: list[tuple[int, Ended]] = []
        self._emergency = Part(COVER, self._numbers, self._why, None)
        self._show: Turn | None = None
        self.resting = False
        """Whether nothing is to be seen at all, for the display is off."""
        self._lead = wall(now).timestamp() - now
        """By how much the time of day is ahead of the clock."""
        self._begins = _NEVER
        """When the next emergency begins."""
        self.zone = ZoneInfo("UTC")
        """The store's."""
        self.regions: tuple[Region, ...] = ()
        """How the screen is divided; the same as the playlist's."""
        self._main = Part(_MAIN.region, self._numbers, self._why, standing)
        self._parts = {_MAIN.region: self._main}
        self._settle(now, wall(now))

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What is on the screen: one turn that covers it, or one for each part; none while it rests."""
        if self.resting:
            return ()
        if (cover := self._emergency.turn or self._show) is not None:
            return (cover,)
        return tuple(part.turn for part in self._parts.values() if part.turn is not None)

    @property
    def until(self) -> float:
        """When it must be asked again."""
        return min(self._begins, min((turn.until for turn in self.turns), default=_NEVER))

    @property
    def emergency(self) -> bool:
        """Whether an emergency hides everything else."""
        return self._emergency.turn is not None

    @property
    def idle(self) -> tuple[str, ...]:
        """The parts that have nothing to show, where nothing covers them."""
        if self.emergency or self._show is not None:
            return ()
        return tuple(region for region, part in self._parts.items() if part.turn is None)

    def due(self, now: float) -> set[str]:
        """Give the scenes that may be played now."""
        at = self._wall(now)
        return set().union(*(part.playable(at) for part in (self._emergency, *self._parts.values())))

    def alarmed(self, now: float) -> bool:
        """Whether an emergency is due, on the screen or not."""
        return self._emergency.due(self._wall(now))

    def coming(self, now: float) -> tuple[tuple[str, Scene], ...]:
        """Give what each part shows next if nothing interrupts."""
        at = self._wall(now)
        found = [(region, part.following(now, at)) for region, part in self._parts.items()]
        return tuple((region, scene) for region, scene in found if scene is not None)

    def ended(self) -> list[tuple[int, Ended]]:
        """Give the numbers of the turns that ended since the last call, and why."""
        why = list(self._why)
        self._why.clear()
        return why

    def load(self, playlist: Playlist, now: float) -> None:
        """Take a new playlist; what is not in it leaves the screen at once."""
        at = self._wall(now)
        if playlist.regions != self.regions:
            self._divide(playlist.regions, now)
        scenes = {scene.scene: scene for scene in playlist.items}
        self.zone = zone = _zone(playlist.timezone)
        slots = playlist.slots or in_turn(playlist.items)
        emergencies = [slot for slot in slots if slot.emergency]
        self._emergency.load(emergencies, scenes, zone, now, at)
        self._main.load([slot for slot in slots if not slot.emergency], scenes, zone, now, at)
        for region in playlist.regions:
            if region.shows == "list":
                listed = [scenes[name] for name in region.scenes if name in scenes]
                self._parts[region.region].load(in_turn(listed), scenes, zone, now, at)
        self._begins = -_NEVER  # Whatever the emergencies are now.
        self._settle(now, at)

    def show(self, show: Show, now: float) -> Refused | None:
        """Interrupt; where it is refused, say why, and what it should have replaced ends all the same."""
        seconds = left(show, now)
        if seconds <= 0 or self.resting or self.emergency:
            self._unshow("replaced")
            self._settle(now, self._wall(now))
            return "late" if seconds <= 0 else "covered"
        if self._show is None:
            self._hide(now, "replaced")
        else:
            self._why.append((self._show.number, "replaced"))
        self._show = Turn(
            number=next(self._numbers),
            region=COVER,
            scene=show.scene,
            show=show,
            cause=show.cause,
            until=now + seconds,
            hold_ms=max(1, round(seconds * 1000)),
        )
        return None

    def clear(self, scene: str, now: float) -> None:
        """End the interruption, if it is this scene."""
        if self._show is not None and self._show.scene.scene == scene:
            self._unshow("cleared")
            self._settle(now, self._wall(now))

    def abandon(self, now: float) -> None:
        """End what interrupts for somebody near: who would have cleared it when they leave or withdraw is gone."""
        if self._show is not None and self._show.show is not None and self._show.show.cause != "override":
            self._unshow("cleared")
            self._settle(now, self._wall(now))

    def rest(self, now: float) -> None:
        """Show nothing, for the display is off, until `wake`."""
        if not self.resting:
            self._unshow("stopped")
            self._emergency.hide(now, "stopped")
            self._hide(now, "stopped")
            self.resting = True

    def wake(self, now: float) -> None:
        self.resting, self._begins = False, -_NEVER
        self._settle(now, self._wall(now))

    def recall(self, hour: Iterable[tuple[str, float]]) -> None:
        """Count plays of campaigns from before a restart, at these seconds since 1970, in their hour."""
        self._main.recall([(campaign, datetime.fromtimestamp(at, UTC)) for campaign, at in hour])

    def advance(self, now: float) -> None:
        """End what is over, and begin what is due."""
        if self._show is not None and now >= self._show.until:
            self._unshow("over")
        at = self._wall(now)
        if abs(at.timestamp() - now - self._lead) > _LEAP:
            self.retime(now)
        else:
            self._settle(now, at)

    def retime(self, now: float) -> None:
        """The time of day is another one than it was said to be."""
        at = self._wall(now)
        self._lead = at.timestamp() - now
        for part in (self._emergency, *self._parts.values()):
            part.retime(now, at)
        self._begins = -_NEVER
        self._settle(now, at)

    def _settle(self, now: float, at: datetime) -> None:
        """Bring on what is to be seen now: an emergency, else the interruption, else every part."""
        if now >= self._begins or self.emergency:
            if not self.resting:
                self._emergency.advance(now, at)
            self._begins = self._next_emergency(now, at)
        if self.resting:
            return
        if self.emergency:
            self._unshow("replaced")
            self._hide(now, "replaced")
        elif self._show is None:
            for part in self._parts.values():
                part.advance(now, at)

    def _next_emergency(self, now: float, at: datetime) -> float:
        begins = self._emergency.begins(at)
        return _NEVER if begins is None else now + max(0.0, (begins - at).total_seconds())

    def _hide(self, now: float, why: Ended) -> None:
        for part in self._parts.values():
            part.hide(now, why)

    def _unshow(self, why: Ended) -> None:
        if self._show is not None:
            self._why.append((self._show.number, why))
            self._show = None

    def _divide(self, regions: tuple[Region, ...], now: float) -> None:
        """Divide the screen anew: what is drawn at another size begins again, all else goes on."""
        before = {_place(region): self._parts.get(region.region) for region in self.regions or (_MAIN,)}
        parts: dict[str, Part] = {}
        for region in regions or (_MAIN,):
            kept = before.get(_place(region))
            if region.shows == "main":
                parts[region.region] = self._main
            elif region.shows == "list":
                parts[region.region] = kept or Part(region.region, self._numbers, self._why, None)
            if kept is not None:
                del before[_place(region)]
        for part in before.values():
            if part is not None:
                part.hide(now, "replaced")
        for name, part in parts.items():
            part.region = name
        self._parts = parts
        self.regions = regions


def _place(region: Region) -> Region:
    """What of a region decides how it is drawn."""
    return replace(region, scenes=())


def _zone(name: str) -> ZoneInfo:
    """Give the store's time zone; a name that this machine does not know must not leave the screen without a loop."""
    try:
        return calendar.zone(name)
    except calendar.NoZone as error:
        log.error("%s The calendar of this screen is UTC.", error)
        return ZoneInfo("UTC")
