"""Looks at every screen as a passer-by would, and notes for how long it was without a picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from central.demo.processes import Process
from central.page.mirror import Mirror

DARK = 16
"""A picture with no brighter colour than this, of 255, is black."""
FROZEN_S = 2.0
"""A player says every second that it lives; one silent for longer hangs, whatever stands on its screen."""
_SAMPLES = 997
"""Every so many bytes of a picture are looked at; a prime, so that they lie all over it in all colours."""


class Watch:
    """Of each player's screen whether it shows something, looked at through its mirror."""

    def __init__(
        self, screens: Mapping[str, tuple[Process, Mirror]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._screens = screens
        self._clock = clock
        """Seconds of CLOCK_MONOTONIC, which is what players tell the time by."""
        self._dark_since: dict[str, float] = {}
        self._killed: set[str] = set()
        self.worst_s = 0.0
        """The longest that a screen was black or frozen whose player was not killed."""
        self.worst_killed_s = 0.0
        """The longest from a player's kill to the next picture on its screen."""

    def killed(self, screen: str, now: float) -> None:
        self._killed.add(screen)
        self._dark_since.setdefault(screen, now)

    def look(self, now: float) -> None:
        """Look once at all of them; `now` in seconds since any moment, the same in every call."""
        for screen in self._screens:
            dark = self._dark(screen)
            if dark is None and screen not in self._dark_since:
                continue
            lasted = now - self._dark_since.setdefault(screen, now - (dark or 0.0))
            if screen in self._killed:
                self.worst_killed_s = max(self.worst_killed_s, lasted)
            else:
                self.worst_s = max(self.worst_s, lasted)
            if dark is None:
                del self._dark_since[screen]
                self._killed.discard(screen)

    def shows(self, screen: str) -> bool:
        """Whether there is a picture, of the player that runs now, and neither a black nor a frozen one."""
        return self._dark(screen) is None

    def _dark(self, screen: str) -> float | None:
        """Give for how many seconds it has surely shown nothing by now; None where it shows something."""
        process, mirror = self._screens[screen]
        picture = mirror.look() if process.dead is None else None
        if picture is None or picture.pid != process.pid or max(picture.rgb[::_SAMPLES], default=0) <= DARK:
            return 0.0
        silent = self._clock() - picture.alive_ns / 1e9
        return silent if picture.alive_ns and silent > FROZEN_S else None
