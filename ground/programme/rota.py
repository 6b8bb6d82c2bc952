"""Chooses what a screen plays next: priorities, shares of the time, most plays an hour; the clock is passed in."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ground.programme import calendar
from ground.programme.records import Slot, Turn

_HOUR = timedelta(hours=1)
_KNOWN = timedelta(days=1)
"""So long what the calendar said of a slot is kept."""
_AHEAD = 2 * _KNOWN
_MOST_PLAYS = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One turn of a slot."""

    campaign: str
    scene: str
    seconds: int
    ends: datetime | None
    """When its slot stops being due (UTC): the turn is cut then. None: not within a day."""
    why: str
    """For a person."""
    emergency: bool
    parts: tuple[tuple[str, float], ...] = ()
    """Which part of the time everybody gets who could have played now: what `played` settles by."""


@dataclass(slots=True)
class _Due:
    """Whether a slot is due from one instant to just before another."""

    due: bool
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class _Kept:
    """What was played of a slot."""

    owed: float = 0.0
    """Seconds that it is behind its share (or, below 0, ahead of it)."""
    last: str = ""
    """The scene of its last turn."""
    index: int = 0
    """Where that turn was among the slot's."""
    plays: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_PLAYS))
    """When its plays began, by the rota's own time."""


class Rota:
    """What one screen, or one part of it, has played of its slots, and what is next.

    A slot's share is of all the time, as far as higher priorities leave that much; if shares of one priority want more
    than is left, all of them get proportionally less. Where nothing is left over for nobody (all have shares and there
    is no loop), the shares are stretched: a screen is never empty while anything is due.
    """

    def __init__(self, slots: Sequence[Slot], zone: ZoneInfo) -> None:
        self._slots: tuple[Slot, ...] = ()
        self._zone = zone
        self._kept: dict[str, _Kept] = {}
        self._due: dict[str, _Due] = {}
        self._last: datetime | None = None
        self._time = 0.0
        """Seconds of playing and waiting, which no clock that is set back can take away."""
        self.load(slots, zone)

    def copy(self) -> Rota:
        """A rota of its own that goes on from here: what would come after the turn that is on the screen."""
        made = copy.copy(self)
        kept = {name: replace(kept, plays=kept.plays.copy()) for name, kept in self._kept.items()}
        vars(made).update(_kept=kept, _due=dict(self._due))
        return made

    def load(self, slots: Sequence[Slot], zone: ZoneInfo) -> None:
        """Take other slots; those of the same campaign go on where they were."""
        self._slots, self._zone = tuple(slots), zone
        self._kept = {slot.campaign: self._kept.get(slot.campaign) or _Kept() for slot in self._slots}
        self._due = {}

    def choose(self, at: datetime, playable: Callable[[str], bool] = lambda _: True) -> Choice | None:
        """The next turn if it begins then; None where nothing is due. Changes nothing: ask as often as you like.

        `playable` says of a scene whether it can be shown at all.
        """
        open_ = self._open(at, playable)
        targets = _targets([slot for slot, _ in open_])
        # The one farthest behind; of equals the more important, then the first.
        best = max(
            ((slot, turn) for slot, turn in open_ if targets.get(slot.campaign)),
            key=lambda pair: (self._kept[pair[0].campaign].owed, pair[0].priority),
            default=None,
        )
        if best is None:
            return None
        slot, turn = best
        return Choice(
            campaign=slot.campaign,
            scene=turn.scene,
            seconds=turn.seconds,
            ends=self._is_due(slot, at).until,
            why=self._why(slot, targets),
            emergency=slot.emergency,
            parts=tuple(targets.items()),
        )

    def played(self, choice: Choice, at: datetime, seconds: float) -> None:
        """Note that a turn ended `at` this time, over or cut, after so many seconds on the screen."""
        # A player that hung owes nobody the hours that it did; nor does a clock that jumped.
        seconds = min(max(seconds, 0.0), float(choice.seconds))
        self._time = max(self._now(at), self._time + seconds)
        self._last = at
        kept = self._kept.get(choice.campaign)
        if kept is None:
            return  # Its slot was taken away while it played.
        slot = next(slot for slot in self._slots if slot.campaign == choice.campaign)
        kept.index = next((i for i, turn in _from(slot, kept) if turn.scene == choice.scene), kept.index)
        kept.last = choice.scene
        kept.plays.append(self._time - seconds)
        self._settle(choice, seconds)

    def recall(self, campaign: str, at: datetime, now: datetime) -> None:
        """Count a play from before a restart into its hour."""
        kept = self._kept.get(campaign)
        if kept is not None and timedelta() <= now - at < _HOUR:
            kept.plays.append(self._now(now) - (now - at).total_seconds())

    def emergency(self, at: datetime) -> Slot | None:
        """The emergency that is due then, if there is one: the most important."""
        due = [slot for slot in self._slots if slot.emergency and self._is_due(slot, at).due]
        return max(due, key=lambda slot: slot.priority, default=None)

    def _settle(self, choice: Choice, seconds: float) -> None:
        parts = {name: part for name, part in choice.parts if name in self._kept}
        for name, part in parts.items():
            self._kept[name].owed += part * seconds
        self._kept[choice.campaign].owed -= seconds
        # Only the differences count; what those owe who have left must not hold back who comes.
        mean = sum(self._kept[name].owed for name in parts) / max(len(parts), 1)
        for name in parts:
            self._kept[name].owed -= mean

    def _open(self, at: datetime, playable: Callable[[str], bool]) -> list[tuple[Slot, Turn]]:
        """What may play then, each with its next turn: emergencies only, if there is one."""
        found = []
        for slot in self._slots:
            if self._is_due(slot, at).due and self._has_room(slot, at):
                turn = next((turn for _, turn in _from(slot, self._kept[slot.campaign]) if playable(turn.scene)), None)
                if turn is not None:
                    found.append((slot, turn))
        return [pair for pair in found if pair[0].emergency] or found

    def _has_room(self, slot: Slot, at: datetime) -> bool:
        if slot.per_hour is None or slot.emergency:
            return True
        plays, now = self._kept[slot.campaign].plays, self._now(at)
        return len(plays) < slot.per_hour or plays[-slot.per_hour] <= now - _HOUR.total_seconds()

    def _now(self, at: datetime) -> float:
        return self._time + max((at - self._last).total_seconds(), 0.0) if self._last else self._time

    def _is_due(self, slot: Slot, at: datetime) -> _Due:
        known = self._due.get(slot.campaign)
        if known is None or not known.since <= at < (known.until or known.since + _KNOWN):
            due = calendar.is_due(slot.when, at, self._zone)
            known = _Due(due, at, calendar.change(slot.when, at, self._zone, _AHEAD))
            self._due[slot.campaign] = known
        return known

    def _why(self, slot: Slot, targets: dict[str, float]) -> str:
        if slot.emergency:
            return "an emergency hides everything else"
        part = targets[slot.campaign]
        said = f"priority {slot.priority}"
        if len(targets) == 1:
            return f"{said}: nothing else may play now"
        said += f", {part:.1%} of the time"
        if slot.share is not None and abs(part * 100 - slot.share) > 0.05:
            said += f" (a share of {slot.share} % in what is left)"
        owed = self._kept[slot.campaign].owed
        return f"{said}: {owed:.0f} s behind" if owed >= 0.5 else f"{said}: its turn"


def _targets(slots: Sequence[Slot]) -> dict[str, float]:
    """Which part of the time each gets of those that may play now; only who gets any."""
    left, targets = 1.0, dict[str, float]()
    for priority in sorted({slot.priority for slot in slots}, reverse=True):
        level = [slot for slot in slots if slot.priority == priority]
        asked = sum(slot.share or 0 for slot in level) / 100
        scale = min(1.0, left / asked) if asked else 1.0
        free = [slot for slot in level if slot.share is None]
        rest = left - asked * scale
        for slot in level:
            part = rest / len(free) if slot.share is None else slot.share / 100 * scale
            if part > 1e-9:
                targets[slot.campaign] = part
        left = 0.0 if free else rest
        if left <= 1e-9:
            break
    whole = sum(targets.values())
    return {name: part / whole for name, part in targets.items()}


def _from(slot: Slot, kept: _Kept) -> list[tuple[int, Turn]]:
    """The slot's turns in their order, beginning after the one that was last."""
    turns = list(enumerate(slot.turns))
    known = 0 <= kept.index < len(turns) and turns[kept.index][1].scene == kept.last
    after = kept.index if known else next((i for i, turn in turns if turn.scene == kept.last), max(kept.index, 0) - 1)
    start = (after + 1) % len(turns) if turns else 0
    return turns[start:] + turns[:start]
