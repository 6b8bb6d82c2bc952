"""Passes on to players what central commands of screens, and to central the pictures that it asked for."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from central.contract import topics
from central.contract.codec import Id, decode, encode
from central.contract.commands import ScreenPicture
from edge.clock import Clock
from edge.errors import EdgeError
from edge.model import ScreenId
from edge.ports import Link, Screen
from signage.contract import Order, Picture, Snapshot

MOST_BYTES = 256 << 10
"""Of a picture on the wire."""
MOST_ASKED = 16

Does = Literal["on", "off", "auto", "verify", "restart"]
ORDERS: dict[str, Does] = {
    "screen-on": "on",
    "screen-off": "off",
    "screen-auto": "auto",
    "restart-player": "restart",
    "verify": "verify",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """The body of these commands: one screen; without a name all of the agent's."""

    screen: Id | None = None


class Orders:
    """The commands of screens, by name in `known`."""

    def __init__(self, screens: Mapping[ScreenId, Screen], link: Link, clock: Clock, store: str, agent: str) -> None:
        self.counts: Counter[str] = Counter()
        self.known: dict[str, Callable[[bytes], Awaitable[str]]] = {"snapshot": self._snapshot}
        self.known |= {name: partial(self._order, does) for name, does in ORDERS.items()}
        self._screens = screens
        self._link = link
        self._clock = clock
        self._topic = topics.of_agent(store, agent, "picture")
        self._asked: dict[str, ScreenId] = {}

    def picture(self, screen: ScreenId, picture: Picture) -> None:
        """A player has sent a picture: it goes on where it was asked for, once."""
        if self._asked.get(picture.snapshot) != screen:
            self.counts["pictures_unasked"] += 1
            return
        del self._asked[picture.snapshot]
        if not 0 < len(picture.png) <= MOST_BYTES:
            self.counts["pictures_misfit"] += 1
        elif self._link.publish(
            self._topic, encode(ScreenPicture(screen=screen, at=self._clock.wall(), png=picture.png))
        ):
            self.counts["pictures"] += 1
        else:
            self.counts["pictures_unsent"] += 1

    async def _snapshot(self, body: bytes) -> str:
        screens = self._which(body)
        for screen in screens:
            name = secrets.token_hex(8)
            while len(self._asked) >= MOST_ASKED:  # Of players that did not answer.
                del self._asked[next(iter(self._asked))]
            self._asked[name] = screen
            self._send(screen, Snapshot(snapshot=name))
        return f"asked {', '.join(screens)}; the picture follows"

    async def _order(self, does: Does, body: bytes) -> str:
        screens = self._which(body)
        for screen in screens:
            self._send(screen, Order(order=does))
        return f"{does}: told {', '.join(screens)}"

    def _send(self, screen: ScreenId, message: Snapshot | Order) -> None:
        if not self._screens[screen].send(message):
            raise EdgeError(f"The player of {screen} does not answer.", fix="Is it running? systemd starts it again.")

    def _which(self, body: bytes) -> list[ScreenId]:
        named = decode(body, Which).screen
        if named is None:
            if not self._screens:
                raise EdgeError("This agent has no screen.")
            return list(self._screens)
        if named not in self._screens:
            known = ", ".join(self._screens) or "none"
            raise EdgeError(f"There is no screen {named} here.", fix=f"Its screens: {known}.")
        return [ScreenId(named)]
