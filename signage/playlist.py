"""What the screen shows when: the anonymous loop, what interrupts it, where it goes on; the clock is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from signage.contract import Scene, Show

Ended = Literal["over", "cleared", "replaced", "stopped", "lost"]

_REST = 1.5
"""Seconds of an interrupted item that are worth showing again; with less, the loop goes on with the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stay of a scene on the screen; `until` in seconds of the clock passed in."""

    number: int
    scene: Scene
    show: Show | None
    """What interrupts; None for an item of the loop."""
    content: bool = True
    """False for what stands while there is no playlist: nobody asks whether it was played."""
    until: float
    hold_ms: int
    """The time from its beginning to `until`; 0 where it may stand for ever, for nothing else is there."""


class Programme:
    """The loop and its one interruption; a newer interruption replaces the one before it."""

    def __init__(self, standing: Scene, now: float) -> None:
        """`standing` is shown while there is no playlist."""
        self._standing = standing
        self._items: tuple[Scene, ...] = (standing,)
        self._index = 0
        self._left = 0.0
        """Seconds that the loop's item still has when the interruption ends."""
        self._why: list[tuple[int, Ended]] = []
        until = now + _hold(standing)
        self.turn = Turn(number=0, scene=standing, show=None, until=until, hold_ms=0, content=False)

    @property
    def following(self) -> Scene:
        """The scene that comes if nothing interrupts."""
        if self.turn.show is not None and self._left >= _REST:
            return self._items[self._index]
        return self._items[(self._index + 1) % len(self._items)]

    def ended(self) -> list[tuple[int, Ended]]:
        """Give the numbers of the turns that ended since the last call, and why."""
        why, self._why = self._why, []
        return why

    def load(self, items: Sequence[Scene], now: float) -> None:
        """Take a new loop; an item of the old one that is not in it leaves the screen at once."""
        playing = self._items[self._index]
        self._items = tuple(items) or (self._standing,)
        if playing in self._items[self._index : self._index + 1]:
            return
        if playing in self._items:
            self._index = self._items.index(playing)
            return
        self._index %= len(self._items)
        self._left = _hold(self._items[self._index])
        if self.turn.show is None:
            self._begin(self._items[self._index], None, now, self._left, "replaced")

    def show(self, show: Show, now: float) -> bool:
        """Interrupt; False if its time is over, and then only the interruption that it should have replaced ends."""
        left = _left(show, now)
        if left <= 0:
            if self.turn.show is not None:
                self._resume(now, "replaced")
            return False
        if self.turn.show is None:
            self._left = self.turn.until - now
        self._begin(show.scene, show, now, left, "replaced")
        return True

    def clear(self, scene: str, now: float) -> None:
        """End the interruption, if it is this scene."""
        if self.turn.show is not None and self.turn.scene.scene == scene:
            self._resume(now, "cleared")

    def abandon(self, now: float) -> None:
        """End what interrupts for somebody near: who would have cleared it when they leave or withdraw is gone."""
        if self.turn.show is not None and self.turn.show.cause != "override":
            self._resume(now, "cleared")

    def advance(self, now: float) -> None:
        """End what is over."""
        if now < self.turn.until:
            return
        if self.turn.show is not None:
            self._resume(now, "over")
        else:
            self._next(now, "over")

    def _resume(self, now: float, why: Ended) -> None:
        if self._left >= _REST:
            self._begin(self._items[self._index], None, now, self._left, why)
        else:
            self._next(now, why)

    def _next(self, now: float, why: Ended) -> None:
        self._index = (self._index + 1) % len(self._items)
        scene = self._items[self._index]
        self._begin(scene, None, now, _hold(scene), why)

    def _begin(self, scene: Scene, show: Show | None, now: float, seconds: float, why: Ended) -> None:
        self._why.append((self.turn.number, why))
        alone = show is None and len(self._items) == 1
        self.turn = Turn(
            number=self.turn.number + 1,
            scene=scene,
            show=show,
            content=scene is not self._standing,
            until=now + seconds,
            hold_ms=0 if alone else max(1, round(seconds * 1000)),
        )


def _hold(scene: Scene) -> float:
    return scene.hold_ms / 1000


def _left(show: Show, now: float) -> float:
    """Give the seconds for which it may be shown, counted from the decision where that is known and has been."""
    decided = show.decided_ns / 1e9
    return _hold(show.scene) - (now - decided if 0 < decided < now else 0.0)
