"""The buttons that break something, how each part is, and how long the last faults took to heal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from central.page.contract import Fault, Opening, Order, Part, Shop, State, Store
from central.page.tags import Ask, Button, Tag, put
from central.page.words import Language, known, pick, say, zone_name

LAST = 6


class _Row:
    """A part: its name, how it is, and the button that changes that."""

    def __init__(self, language: Language, name: str, make: Callable[[], Order | None], ask: Ask, mark: str) -> None:
        self._language = language
        self.button = Button("", make, ask, mark=mark, classes="part")
        with self.button.element:
            Tag("i", aria_hidden="true")
            Tag("span", name, "part-name")
            self._state = Tag("small", "")
            self._act = Tag("em", "")

    def show(self, how: Literal["up", "down", "cut", "full"], act: str, *, allowed: bool = True) -> None:
        put(self.button.element, data_state=how)
        self._state.set_text(say(self._language, f"is_{how}"))
        self._act.set_text(say(self._language, act))
        self.button.allow(allowed)

    def refuse(self, why: str) -> None:
        """Say in place of everything else why this cannot be broken here."""
        put(self.button.element, data_state="up", data_refused="true")
        self._state.set_text(why)
        self.button.allow(False, why)


class FaultPanel:
    """Everything that can be broken in this store, and what is central's."""

    def __init__(self, language: Language, shop: Shop, opening: Opening, state: State, ask: Ask) -> None:
        self._language = language
        self._shop = shop
        self._no_disk = pick(opening.disks, language)
        self._zones = zones(opening)
        self._now: Store | None = None
        with Tag("section", classes="card faults"):
            Tag("h2", say(language, "faults"))
            with Tag("div", classes="parts"):
                self._network = self._row("network", self._cut_or_join, ask)
                self._parts = {part.part: self._kill(part, ask) for part in self._own(state)}
                self._disk = self._row("disk", self._fill_or_free, ask)

    def _own(self, state: State) -> list[Part]:
        return [part for part in state.parts if part.store in ("", self._shop.store)]

    def _row(self, name: str, make: Callable[[], Order | None], ask: Ask) -> _Row:
        return _Row(self._language, say(self._language, name), make, ask, mark=name)

    def _kill(self, part: Part, ask: Ask) -> _Row:
        def order() -> Order | None:
            return Order(order=0, what="kill", store=part.store, part=part.part)

        name = name_of(self._language, part.kind, part.part, self._zones)
        return _Row(self._language, name, order, ask, mark=f"kill-{part.part}")

    def _cut_or_join(self) -> Order | None:
        whole = self._now is None or self._now.connected
        return Order(order=0, what="cut" if whole else "join", store=self._shop.store)

    def _fill_or_free(self) -> Order | None:
        full = self._now is not None and self._now.disk_full
        return Order(order=0, what="free" if full else "fill", store=self._shop.store)

    def show(self, state: State) -> None:
        self._now = next((store for store in state.stores if store.store == self._shop.store), None)
        if self._now is not None:
            whole, full = self._now.connected, self._now.disk_full
            self._network.show("up" if whole else "cut", "cut" if whole else "join")
            if self._no_disk:
                self._disk.refuse(self._no_disk)
            else:
                self._disk.show("full" if full else "up", "free" if full else "fill")
        for part in self._own(state):
            if (row := self._parts.get(part.part)) is not None:
                row.show("up" if part.up else "down", "kill", allowed=part.up)


class LastFaults:
    """What was broken in the chain, and when all was as before."""

    def __init__(self, language: Language, store: str, opening: Opening) -> None:
        self._language = language
        self._store = store
        self._stores = {each.store: pick(each.name, language) for each in opening.shops}
        self._zones = zones(opening)
        self._shown: Sequence[Fault] | None = None
        with Tag("section", classes="card last-faults"):
            Tag("h2", say(language, "last_faults"))
            self._list = Tag("ol", classes="fault-list", role="log", aria_label=say(language, "last_faults"))

    def show(self, faults: Sequence[Fault]) -> None:
        faults = faults[:LAST]
        if faults == self._shown:
            return
        self._shown = faults
        self._list.clear()
        with self._list:
            if not faults:
                Tag("li", say(self._language, "no_faults"), "quiet")
            for fault in faults:
                with Tag("li", data_fault=str(fault.fault), data_healed=str(fault.took is not None).lower()):
                    Tag("span", self._what(fault))
                    Tag("small", self._healed(fault))

    def _what(self, fault: Fault) -> str:
        what = name_of(self._language, fault.what, fault.where, self._zones)
        there = next((store for store in self._stores if store in fault.where), self._store)
        return what if there == self._store else say(self._language, "elsewhere", self._stores[there], what)

    def _healed(self, fault: Fault) -> str:
        if fault.took is None:
            return say(self._language, "recovering")
        return say(self._language, "recovered", f"{fault.took:.1f}")


def zones(opening: Opening) -> dict[str, str]:
    """Where each screen of the chain hangs."""
    return {screen.screen: screen.zone for shop in opening.shops for screen in shop.screens}


def name_of(language: Language, what: str, where: str, zones: Mapping[str, str]) -> str:
    """What a part is called; a player after the zone of its screen, whose name is in the part's."""
    if what != "player":
        return say(language, what) if known(what) else what
    return say(language, what, zone_name(language, next((zones[each] for each in zones if each in where), where)))
