"""The buttons that move a guest: into the store, to a screen, to the till, in the web shop, and what they agree to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from nicegui import ui

from central.page.contract import Order, Person, Shop
from central.page.floor import consent_of
from central.page.tags import Ask, Button, Tag, put
from central.page.words import Language, pick, say, zone_in_words

Purpose = Literal["presence", "signage"]


class ShopperPanel:
    """Acts for the chosen guest."""

    def __init__(
        self,
        language: Language,
        shop: Shop,
        ask: Ask,
        choose: Callable[[str], None],
        viewed: Callable[[str], None],
    ) -> None:
        self._language = language
        self._shop = shop
        self._ask = ask
        self._choose = choose
        self._viewed = viewed
        self._guest: Person | None = None
        self._chips: dict[str, tuple[Tag, Tag]] = {}
        with Tag("section", classes="card shopper"):
            Tag("h2", say(language, "shopper"))
            self._row = Tag("div", classes="guests", role="group", aria_label=say(language, "which_guest"))
            with Tag("div", classes="line acts"):
                self._walk_in = self._button("walk-in", "walk-in", classes="button is-main")
                self._meet = self._button("meet", "meet")
                self._code = self._button("code", "code_show")
                self._leave = self._button("leave", "leave")
            with Tag("div", classes="line web"):
                names = {goods.sku: pick(goods.name, language) for goods in shop.goods}
                first = next(iter(names), None)
                self._goods = ui.select(names, value=first, with_input=True)
                self._goods.classes("goods").props("dense options-dense behavior=menu popup-content-class=goods-list")
                put(self._goods, aria_label=say(language, "web_shop"))
                with self._goods.add_slot("no-option"):
                    Tag("p", say(language, "no_goods"), "quiet")
                self._view = Button(say(language, "view"), self._view_order, self._ask_view, mark="view")
            with Tag("div", classes="line consents", role="group", aria_label=say(language, "agrees")):
                Tag("span", say(language, "agrees"), "line-name", aria_hidden="true")
                self._switches: dict[Purpose, Button] = {}
                for purpose in ("presence", "signage"):
                    self._switches[purpose] = self._switch(purpose)

    def _button(self, what: Literal["walk-in", "meet", "code", "leave"], word: str, classes: str = "button") -> Button:
        def order() -> Order | None:
            person = self._guest.person if self._guest else ""
            return Order(order=0, what=what, store=self._shop.store, person=person)

        return Button(say(self._language, word), order, self._ask, mark=what, classes=classes)

    def _switch(self, purpose: Purpose) -> Button:
        def order() -> Order | None:
            if self._guest is None:
                return None
            given = self._guest.presence if purpose == "presence" else self._guest.signage
            person, store = self._guest.person, self._shop.store
            what: Literal["give", "withdraw"] = "withdraw" if given else "give"
            return Order(order=0, what=what, store=store, person=person, purpose=purpose)

        button = Button("", order, self._ask, mark=purpose, classes="switch")
        put(button.element, role="switch", aria_checked="false")
        with button.element:
            Tag("i", aria_hidden="true")
            Tag("span", say(self._language, purpose))
        return button

    def _view_order(self) -> Order | None:
        sku = self._goods.value
        if self._guest is None or not isinstance(sku, str):
            return None
        return Order(order=0, what="view", store=self._shop.store, person=self._guest.person, sku=sku)

    async def _ask_view(self, order: Order) -> bool:
        done = await self._ask(order)
        if done:
            self._viewed(order.sku)
        return done

    def show(self, guests: Sequence[Person], chosen: Person | None) -> None:
        self._guest = chosen
        if list(self._chips) != [guest.person for guest in guests]:
            self._make_chips(guests)
        for guest in guests:
            chip, mark = self._chips[guest.person]
            put(chip, aria_pressed="true" if guest is chosen else "false", title=self._where(guest))
            put(mark, data_consent=consent_of(guest))
        inside = chosen is not None and bool(chosen.zone)
        nobody = "" if chosen else say(self._language, "no_guest")
        away = any(not guest.zone for guest in guests)
        self._walk_in.allow(away, nobody or ("" if away else say(self._language, "all_inside")))
        self._meet.allow(len(guests) > 1, nobody)
        self._code.allow(chosen is not None, nobody)
        self._view.allow(chosen is not None, nobody)
        self._leave.allow(inside, nobody)
        for purpose, switch in self._switches.items():
            given = chosen is not None and (chosen.presence if purpose == "presence" else chosen.signage)
            put(switch.element, aria_checked="true" if given else "false")
            switch.allow(chosen is not None and chosen.member, nobody)

    def _where(self, guest: Person) -> str:
        zone = zone_in_words(self._language, guest.zone) if guest.zone else say(self._language, "outside")
        return f"{guest.label} · {zone}"

    def _make_chips(self, guests: Sequence[Person]) -> None:
        self._row.clear()
        self._chips = {}
        with self._row:
            for guest in guests:
                with Tag("button", classes="guest", type="button") as chip:
                    put(chip, data_guest=guest.person)
                    mark = Tag("i", classes="mark", aria_hidden="true")
                    Tag("span", guest.label or say(self._language, "stranger"))
                chip.on("click", lambda _, person=guest.person: self._choose(person), args=[])
                self._chips[guest.person] = (chip, mark)
