"""What was broken from when to when, and so what could not reach a store or be shown there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from central.judge.spans import Spans, join

What = Literal["agent", "player", "broker", "central", "network", "disk"]

PROPAGATES_S = 5.0
"""From the moment that central has taken a consent or its withdrawal to the moment that every store acts on it."""
CATCHES_UP_S = 8.0
"""From the end of a trouble with the way to central until the agent knows again what central knows. After an outage of
up to 8 s its next try comes within 6.75 s (edge.mqtt.waits); where it is there before central is, it asks again as soon
as that tells its heads, which after its broker's kill is 2 s later; 1 s for the pages. A disk with room again takes the
next page within 5 s (edge.downlink)."""
STARTS_S = 1.0
"""An agent is ready by what it has on disk, and then connects: until it has the pages of consent, nobody is known."""
BACK_S = 1.0
"""How much earlier than central is ready again an agent may be connected to its broker."""
RETURNS_S = 1.0
"""From a player's return until it has been told what it should show: the agent looks for it four times a second."""
DIES_S = 0.5
"""What may pass between the note of a kill and the death. No process is up again so soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that was broken, in the scenario's seconds."""

    what: What
    store: str
    """The store it hits; nothing for the whole chain."""
    screen: str = ""
    """Of a player; else nothing."""
    begin: float
    """The kill, the cut."""
    end: float
    """When it was up and ready again, the line whole again; EVER if never."""


class Troubles:
    """What stores and screens had to bear. A full disk excuses nobody from acting on a withdrawal."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        self._all = sorted(troubles, key=lambda trouble: (trouble.begin, trouble.end))
        self.blind = cache(self._blind)
        """When a store's agent was down or knew nobody: nothing personal need be shown there."""
        self.down = cache(self._down)
        """When a screen's player was down, until it shows again what it should."""
        self.deaths = cache(self._deaths)
        """When a screen's player was killed, in order."""
        self._cut_off = cache(self._find_cut_off)

    def acts(self, store: str, at: float) -> float:
        """When at the latest a store acts on what central took at this moment."""
        by = at + PROPAGATES_S
        spans = self._cut_off(store)
        for begin, end in spans[bisect_right(spans, at, key=lambda span: span[1]) :]:
            if begin > by:
                break
            by = max(by, end)
        return by

    def surely(self, store: str, agreed: Spans) -> Spans:
        """When a store certainly acts on an agreement that stood in these stretches."""
        return join((self.acts(store, begin), end) for begin, end in agreed)

    def possibly(self, store: str, agreed: Spans) -> Spans:
        """When a store may act on an agreement that stood in these stretches."""
        return join((begin, self.acts(store, end)) for begin, end in agreed)

    def death(self, screen: str, since: float) -> float | None:
        """When the player was killed that showed something since then; None: never."""
        return next((max(at, since) for at in self.deaths(screen) if at > since - DIES_S), None)

    def abandoned(self, store: str, begin: float, end: float) -> bool:
        """Whether the store's agent was killed while this scene stood: nobody is left to take it off."""
        return any(begin - DIES_S < one.begin < end for one in self._of(store, "agent"))

    def _find_cut_off(self, store: str) -> Spans:
        ways = [(one.begin, one.end + CATCHES_UP_S) for one in self._ways(store)]
        return join([*ways, *((one.begin, one.end + STARTS_S) for one in self._of(store, "agent"))])

    def _blind(self, store: str) -> Spans:
        blind = [(one.begin, one.end + STARTS_S) for one in self._of(store, "agent")]
        blind += [(one.begin, one.end + CATCHES_UP_S) for one in self._of(store, "disk")]
        ways = self._ways(store)
        for begin, end in join((one.begin, one.end + CATCHES_UP_S) for one in ways):
            # Without a connection it knows whom it knew; from the first one on it knows nobody until it has caught up.
            first = min(one.end for one in ways if begin <= one.begin <= end)
            blind.append((max(begin, first - BACK_S), end))
        return join(blind)

    def _down(self, screen: str) -> Spans:
        return join((one.begin, one.end + RETURNS_S) for one in self._players(screen))

    def _deaths(self, screen: str) -> tuple[float, ...]:
        return tuple(one.begin for one in self._players(screen))

    def _players(self, screen: str) -> list[Trouble]:
        return [one for one in self._all if one.what == "player" and one.screen == screen]

    def _ways(self, store: str) -> list[Trouble]:
        return self._of(store, "network", "broker", "central")

    def _of(self, store: str, *what: What) -> list[Trouble]:
        return [one for one in self._all if one.what in what and one.store in ("", store)]
