"""Looks at mirrors, journals and the database while somebody watches, and tells who watches what changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.judge.carries import Carries, keys
from central.page.contract import Screen, Shop, State
from central.page.journal import Tail
from central.page.link import Demo
from central.page.mirror import Head, Mirror, runs
from central.page.stored import Newest, Totals, read_newest, totals

log = logging.getLogger(__name__)

What = Literal["state", "screens", "events", "figures"]
Tell = Callable[[What], None]
_LOOK_S = 1 / 8
_READ_S = 1 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the whole chain: made = stored + waiting + lost, always.

    Made is what happened, also what could not be kept; that is lost, as is what is neither stored nor waiting.
    """

    made: int = 0
    stored: int = 0
    waiting: int = 0
    lost: int = 0
    quarantined: int = 0


class LiveScreen:
    """One screen: its picture, whether its player runs, and what it showed last."""

    def __init__(self, screen: Screen, store: str, carries: Carries) -> None:
        self.screen = screen
        self.mirror = Mirror(Path(screen.mirror))
        self.tail = Tail(Path(screen.journal), store, carries)
        self.head: Head | None = None
        """Of the picture that is there; None where there is none yet."""
        self.runs = False

    def look(self) -> bool:
        head = self.mirror.glance()
        running = head is not None and runs(head.pid)
        changed = (head, running) != (self.head, self.runs)
        self.head, self.runs = head, running
        return self.tail.look() or changed


class LiveStore:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        carries = Carries(keys({shop.store: Path(shop.folder)} if shop.folder else {}))
        self.screens = [LiveScreen(screen, shop.store, carries) for screen in shop.screens]
        self.newest = Newest()


class Watch:
    """Shared by all viewers: three who look at one store cost what one does."""

    def __init__(self, demo: Demo, engine: Engine) -> None:
        self.stores = {shop.store: LiveStore(shop) for shop in demo.opening.shops}
        self.figures = Figures()
        self._demo = demo
        self._engine = engine
        self._viewers: dict[str, tuple[str, Tell]] = {}
        self._watched = asyncio.Event()
        self._failed = False
        demo.changed = lambda: self._tell("state")

    def join(self, viewer: str, store: str, tell: Tell) -> None:
        """Begin to watch a store, or another one; `tell` is called on the event loop."""
        self._viewers[viewer] = (store, tell)
        self._watched.set()
        log.info("somebody watches", extra={"fields": {"store": store, "viewers": len(self._viewers)}})

    def leave(self, viewer: str) -> None:
        if self._viewers.pop(viewer, None) is not None:
            log.info("somebody left", extra={"fields": {"viewers": len(self._viewers)}})
        if not self._viewers:
            self._watched.clear()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(), name="screens")
            group.create_task(self._read(), name="database")

    async def _look(self) -> None:
        while await self._watched.wait():
            for store in self._stores():
                changes = sum(screen.look() for screen in store.screens)  # Not `any`: it would stop at the first.
                if changes:
                    self._tell("screens", store.shop.store)
            await asyncio.sleep(_LOOK_S)

    async def _read(self) -> None:
        while await self._watched.wait():
            # The state first: what was acknowledged by then is stored by the time that the database is read.
            state = self._demo.state
            try:
                counted = await asyncio.to_thread(totals, self._engine)
                for store in self._stores():
                    if await asyncio.to_thread(read_newest, self._engine, store.shop.store, store.newest):
                        self._tell("events", store.shop.store)
                self._failed = False
            except SQLAlchemyError as error:
                if not self._failed:
                    log.warning("the database cannot be read now: %s", getattr(error, "orig", None) or error)
                self._failed = True
            else:
                figures = add_up(state, counted)
                if figures != self.figures:
                    self.figures = figures
                    self._tell("figures")
            await asyncio.sleep(_READ_S)

    def _stores(self) -> list[LiveStore]:
        return [self.stores[name] for name in dict.fromkeys(store for store, _ in self._viewers.values())]

    def _tell(self, what: What, store: str | None = None) -> None:
        for watches, tell in list(self._viewers.values()):
            if store in (None, watches):
                tell(what)


def add_up(state: State, counted: Mapping[str, Totals]) -> Figures:
    """Where every event is, store by store: one's surplus hides no other's loss.

    What is stored but not yet acknowledged is in both counts; it is stored. `state` must be older than `counted`.
    """
    made = stored = waiting = refused = 0
    for store in state.stores:
        held = counted.get(store.store, Totals()).stored
        here = max(store.made, held)
        stored += held
        made += here
        waiting += min(store.waiting, here - held)
        refused += store.refused
    return Figures(
        made=made + refused,
        stored=stored,
        waiting=waiting,
        lost=made - stored - waiting + refused,
        quarantined=sum(total.quarantined for total in counted.values()),
    )
