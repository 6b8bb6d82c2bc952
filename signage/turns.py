"""What one part of the screen plays by itself, and where it goes on when what covered it has gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Literal
from zoneinfo import ZoneInfo

from ground.programme import calendar, records
from ground.programme.records import Slot
from ground.programme.rota import Choice, Rota
from ground.programme.slots import LOOP
from signage.contract import Ended, Scene, Show

COVER = ""
"""Where a turn is that hides all parts."""
_REST = 1.5
"""Seconds of an interrupted scene that are worth showing again; with less, the next one comes."""
_BARELY = timedelta(milliseconds=50)
"""What is due for no longer than this is not begun: a clock that is slowed shows a day-part's end too late."""
_AGAIN = 5.0
"""Seconds after which a part that has nothing to play looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stay of a scene on the screen; `until` in seconds of the clock passed in."""

    number: int
    region: str
    scene: Scene
    show: Show | None = None
    """What interrupts; None for what head office made."""
    campaign: str | None = None
    """Whose turn it is; None in the loop."""
    cause: Literal["schedule", "beacon", "scan", "override"] = "schedule"
    content: bool = True
    """False for what stands while there is nothing to play: nobody asks whether it was played."""
    until: float
    hold_ms: int
    """The time from its beginning to `until`; 0 where it may stand for ever, for nothing else is there."""
    again: bool = False
    """Whether it goes on after something covered it: its hour has counted it."""
    cut: bool = False
    """Whether at `until` it stops being due, before its time is over."""


@dataclass(slots=True, kw_only=True)
class _Run:
    """A scene from its first second to its last, with the interruptions between."""

    scene: Scene
    choice: Choice | None
    """None for what stands while there is nothing to play."""
    seconds: float
    spent: float = 0.0
    since: float | None = None
    """When it came on the screen; None while something covers it."""

    def left(self, now: float) -> float:
        return self.seconds - self.spent - (0.0 if self.since is None else max(0.0, now - self.since))


class Part:
    """The rota of one part of the screen and the turn that is on it."""

    def __init__(
        self, region: str, numbers: Iterator[int], ended: list[tuple[int, Ended]], standing: Scene | None
    ) -> None:
        """`ended` is told each turn that left the screen; `standing` is shown where there is nothing to play."""
        self.region = region
        self.turn: Turn | None = None
        """What is on the screen; None while it is covered or has nothing to show."""
        self._numbers = numbers
        self._ended = ended
        self._standing = standing
        self._zone = ZoneInfo("UTC")
        self._rota = Rota((), self._zone)
        self._slots: dict[str, Slot] = {}
        self._scenes: Mapping[str, Scene] = {}
        self._run: _Run | None = None
        self._following: tuple[object, Scene | None] | None = None
        self._recalled: Sequence[tuple[str, datetime]] = ()

    def load(
        self, slots: Sequence[Slot], scenes: Mapping[str, Scene], zone: ZoneInfo, now: float, at: datetime
    ) -> None:
        """Play these from now on; what is not among them leaves at once, what is there anew replaces what it was."""
        self._slots, self._scenes, self._zone = {slot.campaign: slot for slot in slots}, scenes, zone
        self._following = None
        run = self._run
        why: Ended = "replaced" if run is None or run.choice is None else "withdrawn"
        stays = run is not None and self._is_due(run, at)
        if run is not None and not stays:
            self._settle(run, now, at)
        self._rota.load(slots, zone)
        for campaign, played in self._recalled:
            self._rota.recall(campaign, played, at)
        self._recalled = ()
        if run is None or not stays:
            visible = self.turn is not None
            if run is not None and run.choice is not None:
                self._run = None
            if visible:
                self._next(now, at, why)
            return
        assert run.choice is not None
        if (scene := scenes[run.choice.scene]) != run.scene:
            visible = self.turn is not None
            self.hide(now, "replaced")
            run.scene = scene
            if visible:
                self._resume(run, now, at)
        else:
            self.retime(now, at)

    def recall(self, plays: Sequence[tuple[str, datetime]]) -> None:
        """With the next `load`, count plays from before a restart in their hour."""
        self._recalled = plays

    def advance(self, now: float, at: datetime) -> None:
        """Be on the screen, with what is due."""
        if self.turn is None:
            self._resume(self._run, now, at)
        elif now >= self.turn.until:
            self._next(now, at, "withdrawn" if self.turn.cut else "over")

    def hide(self, now: float, why: Ended) -> None:
        """Leave the screen to what covers it; `advance` comes back."""
        run = self._run
        if run is not None and run.since is not None:
            run.spent += max(0.0, now - run.since)
            run.since = None
        self._leave(why)

    def retime(self, now: float, at: datetime) -> None:
        """The time of day, or when the scene stops being due, is another one than it was."""
        if self.turn is not None and self._run is not None and self._run.choice is not None:
            until, cut = self._until(self._run, now, at)
            self.turn = replace(self.turn, until=until, cut=cut)

    def due(self, at: datetime) -> bool:
        """Whether it has anything to play then."""
        return self._rota.choose(at, self._scenes.__contains__) is not None

    def playable(self, at: datetime) -> set[str]:
        """Give the scenes that are due then."""
        due = (slot for slot in self._slots.values() if calendar.is_due(slot.when, at, self._zone))
        return {turn.scene for slot in due for turn in slot.turns}

    def begins(self, at: datetime) -> datetime | None:
        """When something becomes due that is not."""
        later = (calendar.begins(slot.when, at, self._zone) for slot in self._slots.values() if slot.when)
        return min((begins for begins in later if begins is not None), default=None)

    def following(self, now: float, at: datetime) -> Scene | None:
        """What comes if nothing interrupts; None where nothing will."""
        run = self._run
        if run is not None and run.since is None and run.left(now) >= _REST:
            return run.scene
        key = self.turn and self.turn.number
        if self._following is None or self._following[0] != key or key is None:
            self._following = key, self._look_ahead(now, at)
        return self._following[1]

    def _look_ahead(self, now: float, at: datetime) -> Scene | None:
        rota, run = self._rota, self._run
        if run is not None and run.choice is not None:
            at += timedelta(seconds=max(0.0, self.turn.until - now) if self.turn else 0.0)
            rota = rota.copy()
            rota.played(run.choice, at, run.seconds)
        choice = rota.choose(at, self._scenes.__contains__)
        return self._scenes[choice.scene] if choice else self._standing

    def _resume(self, run: _Run | None, now: float, at: datetime) -> None:
        standing = run is None or run.choice is None
        if run is not None and not standing and run.left(now) >= _REST and self._is_due(run, at):
            self._put(run, now, at)
        else:
            self._next(now, at, "replaced")

    def _next(self, now: float, at: datetime, why: Ended) -> None:
        run = self._run
        if run is not None:
            self._settle(run, now, at)
        choice = self._rota.choose(at, self._scenes.__contains__)
        if choice is not None and choice.ends is not None and choice.ends - at < _BARELY:
            at = choice.ends
            choice = self._rota.choose(at, self._scenes.__contains__)
        if choice is None and run is not None and run.choice is None and self.turn is not None:
            self.turn = replace(self.turn, until=now + _AGAIN)  # It stands, and goes on standing.
            return
        self._leave(why)
        self._run = self._run_of(choice)
        if self._run is not None:
            self._put(self._run, now, at)

    def _run_of(self, choice: Choice | None) -> _Run | None:
        if choice is not None:
            scene = self._scenes[choice.scene]
            # The loop's scenes say themselves how long they stay, to the millisecond.
            seconds = scene.hold_ms / 1000 if choice.campaign == LOOP else float(choice.seconds)
            return _Run(scene=scene, choice=choice, seconds=seconds)
        if self._standing is None:
            return None
        return _Run(scene=self._standing, choice=None, seconds=self._standing.hold_ms / 1000)

    def _put(self, run: _Run, now: float, at: datetime) -> None:
        run.since = now
        until, cut = self._until(run, now, at)
        campaign = run.choice.campaign if run.choice is not None else LOOP
        self.turn = Turn(
            number=next(self._numbers),
            region=self.region,
            scene=run.scene,
            campaign=None if campaign == LOOP else campaign,
            cause="override" if run.choice is not None and run.choice.emergency else "schedule",
            content=run.choice is not None,
            until=until,
            hold_ms=0 if self._is_alone(run) else max(1, round((until - now) * 1000)),
            again=run.spent > 0,
            cut=cut,
        )

    def _until(self, run: _Run, now: float, at: datetime) -> tuple[float, bool]:
        left = max(0.0, run.left(now))
        if run.choice is None:
            return now + (min(left, _AGAIN) if self._slots else left), False
        slot = self._slots.get(run.choice.campaign)
        ends = calendar.ends(slot.when, at, self._zone) if slot is not None and slot.when else None
        if ends is None:
            due = slot is None or not slot.when or calendar.is_due(slot.when, at, self._zone)
            return (now + left, False) if due else (now, True)
        due_for = (ends - at).total_seconds()
        return now + min(left, due_for), due_for < left

    def _is_alone(self, run: _Run) -> bool:
        """Whether nothing can ever come in its place."""
        if run.choice is None:
            return True
        slots = list(self._slots.values())
        return len(slots) == 1 and len(slots[0].turns) == 1 and not slots[0].when

    def _is_due(self, run: _Run, at: datetime) -> bool:
        if run.choice is None:
            return False
        slot = self._slots.get(run.choice.campaign)
        return (
            slot is not None
            and run.choice.scene in self._scenes
            and any(turn.scene == run.choice.scene for turn in slot.turns)
            and calendar.is_due(slot.when, at, self._zone)
        )

    def _settle(self, run: _Run, now: float, at: datetime) -> None:
        """Tell the rota how long it was, once."""
        if run.choice is not None:
            self._rota.played(run.choice, at, run.seconds - run.left(now))
            self._run = None

    def _leave(self, why: Ended) -> None:
        if self.turn is not None:
            self._ended.append((self.turn.number, why))
            self.turn = None


def in_turn(scenes: Sequence[Scene]) -> tuple[Slot, ...]:
    """The slot of scenes that simply come one after another."""
    turns = tuple(records.Turn(scene=scene.scene, seconds=max(2, ceil(scene.hold_ms / 1000))) for scene in scenes)
    return (Slot(campaign=LOOP, turns=turns, priority=0),) if turns else ()


def left(show: Show, now: float) -> float:
    """Give the seconds for which it may be shown, counted from the decision where that is known and has been."""
    decided = show.decided_ns / 1e9
    return show.scene.hold_ms / 1000 - (now - decided if 0 < decided < now else 0.0)
