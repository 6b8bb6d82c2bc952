"""What one viewer sees: their language, store and guest, kept up to date with what the watch tells."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

from msgspec import json
from nicegui import Client, ui

from central.page.chart import Times
from central.page.contract import Order
from central.page.faults import FaultPanel, LastFaults
from central.page.floor import Floor, shares
from central.page.head import Curtain, Proof
from central.page.link import Demo, DemoGone
from central.page.screens import ScreenView
from central.page.shopper import ShopperPanel
from central.page.stream import Stream
from central.page.tags import Tag, put
from central.page.watch import LiveStore, Watch, What
from central.page.words import Language, pick, say

log = logging.getLogger(__name__)

_SEEN_ONLINE = 12
"""Products of which it is remembered that a guest has just looked at them."""
_MARKS = ("both", "presence_only", "signage_only", "none")


@dataclass(slots=True)
class _Parts:
    """What is on the page, for one language and store."""

    proof: Proof
    floor: Floor
    inside: Tag
    screens: list[ScreenView]
    stream: Stream
    shopper: ShopperPanel
    faults: FaultPanel
    last: LastFaults
    banner: Tag
    chart_place: Tag
    chart: Times | None = None


class View:
    """Built while the page is asked for; `join` when the browser is connected, `lost` when it is gone."""

    def __init__(self, client: Client, demo: Demo, watch: Watch, language: Language, store: str) -> None:
        self._client = client
        self._demo = demo
        self._watch = watch
        self._language: Language = language
        self._store = store
        self._guest = ""
        self._online: deque[str] = deque(maxlen=_SEEN_ONLINE)
        self._root = Tag("div", classes="page")
        self._parts = self._build()
        self._show_all()

    def join(self) -> None:
        self._watch.join(self._client.id, self._store, self.tell)
        self._say_chosen()
        if self._parts.chart is None:
            with self._parts.chart_place:
                self._parts.chart = Times(self._language)
        self._show_all()

    def lost(self) -> None:
        """A socket is gone. Who wakes up has another before the old one is missed: they have not left."""
        if not self._client.has_socket_connection:
            self.leave()

    def leave(self) -> None:
        self._watch.leave(self._client.id)

    def let_go(self) -> None:
        """The browser did not come back in time; if it does, it asks for a new page."""
        self.leave()
        log.info("a page was let go")

    def looks(self, *, looks: bool) -> None:
        """Whether the page is in sight: a hidden one costs nothing."""
        if looks and self._client.has_socket_connection:
            self.join()
        elif not looks:
            self.leave()

    def go(self, language: Language, store: str) -> None:
        """Another language or store, for this viewer only."""
        if (language, store) == (self._language, self._store):
            return
        if store != self._store:
            self._guest = ""
            self._online.clear()
        self._language, self._store = language, store
        self._root.clear()
        self._parts = self._build()
        self.join()

    def tell(self, what: What) -> None:
        """Something has changed; called on the event loop."""
        match what:
            case "state":
                self._show_state()
            case "screens":
                self._show_screens()
            case "events":
                self._parts.stream.show(self._live.newest.events)
            case "figures":
                self._parts.proof.show(self._watch.figures, self._demo.state)

    @property
    def _live(self) -> LiveStore:
        return self._watch.stores[self._store]

    def _build(self) -> _Parts:
        language, live = self._language, self._live
        opening, shop = self._demo.opening, live.shop
        put(self._root, lang=language)
        with self._root:
            banner = Tag("p", say(language, "no_demo"), "banner", role="alert", hidden=True)
            Curtain(language, opening.shops, self._store, self.go)
            proof = Proof(language)
            with Tag("main", classes="shop"):
                store, side = Tag("div", classes="store"), Tag("aside", classes="side")
            with store:
                columns = " ".join(f"{share}fr" for share in shares(shop))
                with Tag("div", classes="screens").style(f"--zones: {columns}"):
                    with Tag("div", classes="store-head"):
                        Tag("h2", pick(shop.name, language), "store-name")
                        inside = Tag("p", "", "store-inside", data_figure="inside")
                        Tag("p", say(language, "hint"), "store-hint")
                        self._legend()
                    screens = []
                    for screen in live.screens:
                        column = shop.zones.index(screen.screen.zone) + 1 if screen.screen.zone in shop.zones else 0
                        view = ScreenView(screen, language)
                        view.style(f"--column: {column}" if column else "")
                        screens.append(view)
                floor = Floor(shop, language, self._choose)
                with Tag("div", classes="controls"):
                    shopper = ShopperPanel(language, shop, self._ask, self._choose, self._viewed)
                    faults = FaultPanel(language, shop, opening, self._demo.state, self._ask)
                    last = LastFaults(language, self._store, opening)
            with side:
                with Tag("section", classes="card arriving"):
                    Tag("h2", say(language, "stream"))
                    stream = Stream(language)
                with Tag("section", classes="card times"):
                    Tag("h2", say(language, "times"))
                    chart_place = Tag("div", classes="times-place")
        return _Parts(proof, floor, inside, screens, stream, shopper, faults, last, banner, chart_place)

    def _legend(self) -> None:
        with Tag("ul", classes="legend"):
            for mark in _MARKS:
                with Tag("li"):
                    Tag("i", classes="mark", data_consent=mark, aria_hidden="true")
                    Tag("span", say(self._language, mark))
            for mark in ("beacon", "guest"):
                with Tag("li"):
                    Tag("i", classes=f"mark-{mark}", aria_hidden="true")
                    Tag("span", say(self._language, mark))

    def _show_all(self) -> None:
        self._show_state()
        self._show_screens()
        self._parts.stream.show(self._live.newest.events)

    def _show_state(self) -> None:
        parts, state = self._parts, self._demo.state
        put(parts.banner, hidden=True if self._demo.here else None)
        put(self._root, data_here="true" if self._demo.here else "false")
        people = [person for person in state.people if person.store == self._store]
        guests = [person for person in people if person.guest]
        chosen = next((guest for guest in guests if guest.person == self._guest), guests[0] if guests else None)
        parts.floor.show(people, chosen.person if chosen else "")
        inside = sum(1 for person in people if person.zone)
        parts.inside.set_text(say(self._language, "in_store_1" if inside == 1 else "in_store", inside))
        parts.shopper.show(guests, chosen)
        parts.faults.show(state)
        parts.last.show(state.faults)
        parts.proof.show(self._watch.figures, state)

    def _show_screens(self) -> None:
        names = {goods.sku: pick(goods.name, self._language) for goods in self._live.shop.goods}
        online = {sku: names[sku] for sku in self._online if sku in names}
        ups = {part.part: part.up for part in self._demo.state.parts if part.kind == "player"}
        for view, live in zip(self._parts.screens, self._live.screens, strict=True):
            up = next((up for part, up in ups.items() if live.screen.screen in part), True)
            view.show(online, up=up)
        if self._parts.chart is not None:
            self._parts.chart.show([live.tail.samples for live in self._live.screens])

    def _choose(self, person: str) -> None:
        self._guest = person
        self._show_state()

    def _viewed(self, sku: str) -> None:
        self._online.append(sku)
        self._show_screens()

    async def _ask(self, order: Order) -> bool:
        try:
            answer = await self._demo.ask(order)
        except DemoGone:
            self._notify(say(self._language, "no_answer"))
            return False
        if answer.refused:
            self._notify(say(self._language, "refused", pick(answer.refused, self._language)))
        return not answer.refused

    def _notify(self, text: str) -> None:
        if not self._client.is_deleted:
            with self._root:
                ui.notify(text, position="top", classes="notice", timeout=6000)

    def _say_chosen(self) -> None:
        words = (self._language, self._store, say(self._language, "title"), say(self._language, "page_gone"))
        self._client.run_javascript(f"noren.chosen(...{json.encode(words).decode()})")
