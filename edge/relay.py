"""Hands each player its programme whenever it has changed, and the time whenever the clock was set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from edge import loop, manifests
from edge.clock import Clock
from edge.config import ScreenConfig
from edge.model import ScreenId
from edge.ports import Screen
from edge.replica import Replica
from ground.programme.records import Language
from signage.contract import Hello, Now

log = logging.getLogger(__name__)

FEEDS = ("content", "playlists", "campaigns", "layouts", "stores", "manifest", "products", "stock")
"""What a programme is made of."""
SOON = 0.1
"""Seconds in which what changes together is made to one programme: a first sync brings many pages."""
SOME_TIME = 15.0
"""The same for stock, which changes with each thing that is sold."""
AGAIN = 900.0
"""Seconds after which it is made anew in any case: what begins next week, or tomorrow, is another than before."""
LOOK = 1.0
"""Seconds between two looks at the clock, and by which it must have been set to be told."""


class Relay:
    """The programmes of a store's players.

    `terms` gives where files are fetched and which certificates vouch for that; `complete` is whether central has said
    what there is: until then nothing is no programme.
    """

    def __init__(
        self,
        replica: Replica,
        clock: Clock,
        configs: Sequence[ScreenConfig],
        screens: Mapping[ScreenId, Screen],
        languages: Sequence[Language],
        *,
        terms: Callable[[], tuple[str, str]],
        complete: Callable[[], bool],
    ) -> None:
        self._replica = replica
        self._clock = clock
        self._zones = {ScreenId(config.screen): config.zones for config in configs}
        self._screens = screens
        self._languages = languages
        self._terms = terms
        self._complete = complete
        self._portrait: dict[ScreenId, bool] = {}
        """How the screens of those players stand that have said so."""
        self._sent: dict[ScreenId, str] = {}
        self._troubles: dict[ScreenId, str] = {}
        self._due: asyncio.TimerHandle | None = None
        self._told: float | None = None
        """The wall clock at 0 of CLOCK_MONOTONIC, as players were told it."""

    @property
    def troubles(self) -> tuple[str, ...]:
        """What does not fit, in a sentence for each screen."""
        return tuple(f"screen-{screen}: {said}" for screen, said in self._troubles.items() if said)

    def greeted(self, screen: ScreenId, hello: Hello) -> None:
        """A player has come: tell it the time and what it shows, whether or not it knows."""
        self._portrait[screen] = hello.height > hello.width
        self._sent.pop(screen, None)
        self._screens[screen].send(self._now(self._offset()))
        self._relay(screen)

    def changed(self, feed: str) -> None:
        """Make the programmes anew, soon, where they are made of this feed."""
        if feed not in FEEDS:
            return
        now = self._clock.wall()
        if feed == "stock" and not any(content.popular for content in self._replica.contents(now).values()):
            return
        running = asyncio.get_running_loop()
        at = running.time() + (SOME_TIME if feed == "stock" else SOON)
        if self._due is not None and not self._due.cancelled():
            if self._due.when() <= at:
                return
            self._due.cancel()
        self._due = running.call_at(at, self.relay)

    def relay(self) -> None:
        """Make every player's programme, and send those that are other than before."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        for screen in self._portrait:
            self._relay(screen)

    async def run(self) -> None:
        """Look after the clock, and after what time alone changes, until cancelled."""
        running = asyncio.get_running_loop()
        again = running.time() + AGAIN
        try:
            while True:
                await asyncio.sleep(LOOK)
                offset = self._offset()
                if self._told is not None and abs(offset - self._told) > LOOK:
                    self._told = offset
                    for screen in self._portrait:
                        self._screens[screen].send(self._now(offset))
                    again = running.time()
                if running.time() >= again:
                    again = running.time() + AGAIN
                    self.relay()
        finally:
            if self._due is not None:
                self._due.cancel()

    def _relay(self, screen: ScreenId) -> None:
        now = self._clock.wall()
        said = self._said(now)
        # Nothing is an answer too, once central has said so: the last item that was taken away leaves the screen.
        if not said.contents and not self._complete():
            return
        assets, trust = self._terms()
        player = loop.For(
            zones=self._zones[screen],
            portrait=self._portrait[screen],
            languages=self._languages,
            assets=assets,
            trust=trust,
        )
        made, self._troubles[screen] = loop.playlist(said, player, now)
        if self._sent.get(screen) != made.version and self._screens[screen].send(made):
            self._sent[screen] = made.version

    def _said(self, now: datetime) -> loop.Said:
        replica = self._replica
        return loop.Said(
            contents=replica.contents(now),
            playlists=replica.playlists(now),
            campaigns=replica.campaigns(now),
            layouts=replica.layouts(now),
            store=replica.store(now),
            products=replica.products(now),
            stock=replica.stock(now),
            sizes=manifests.sizes(replica.manifest(now).values()),
        )

    def _offset(self) -> float:
        return self._clock.wall().timestamp() - time.monotonic()

    def _now(self, offset: float) -> Now:
        if self._told is None:
            self._told = offset
        at = time.monotonic_ns()
        return Now(wall=max(0.0, offset + at / 1e9), at_ns=at)
