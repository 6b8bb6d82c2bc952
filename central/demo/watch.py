"""Looks at every screen as a passer-by would, and notes for how long it was without a picture."""

from __future__ import annotations

from collections.abc import Mapping

from central.demo.processes import Process
from central.page.mirror import Mirror

DARK = 16
"""A picture with no brighter colour than this, of 255, is black."""
_SAMPLES = 997
"""Every so many bytes of a picture are looked at; a prime, so that they lie all over it in all colours."""


class Watch:
    """Of each player's screen whether it shows something, looked at through its mirror."""

    def __init__(self, screens: Mapping[str, tuple[Process, Mirror]]) -> None:
        self._screens = screens
        self._dark_since: dict[str, float] = {}
        self._killed: set[str] = set()
        self.worst_s = 0.0
        """The longest that a screen was black whose player lived."""
        self.worst_killed_s = 0.0
        """The longest from a player's kill to the next picture on its screen."""

    def killed(self, screen: str, now: float) -> None:
        self._killed.add(screen)
        self._dark_since.setdefault(screen, now)

    def look(self, now: float) -> None:
        """Look once at all of them; `now` in seconds of any clock, the same in every call."""
        for screen in self._screens:
            shows = self.shows(screen)
            if shows and screen not in self._dark_since:
                continue
            lasted = now - self._dark_since.setdefault(screen, now)
            if screen in self._killed:
                self.worst_killed_s = max(self.worst_killed_s, lasted)
            else:
                self.worst_s = max(self.worst_s, lasted)
            if shows:
                del self._dark_since[screen]
                self._killed.discard(screen)

    def shows(self, screen: str) -> bool:
        """Whether there is a picture, of the player that runs now, and not a black one."""
        process, mirror = self._screens[screen]
        picture = mirror.look() if process.dead is None else None
        return picture is not None and picture.pid == process.pid and max(picture.rgb[::_SAMPLES], default=0) > DARK
