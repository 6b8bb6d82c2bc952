"""Carries out what the buttons of the store page say."""

from __future__ import annotations

from central.contract.feeds import Texts
from central.demo.faults import Faults
from central.demo.guests import NOBODY, Guests
from central.demo.minds import Minds
from central.demo.processes import DemoFailed
from central.demo.webshop import WebShop
from central.page.contract import Order

NOT_NOW: Texts = {"ja": "いまはできません(すでにその状態です)", "en": "Not now: it is so already"}
NO_CENTRAL: Texts = {"ja": "本部につながりません。少し待ってください", "en": "Central cannot be reached: wait a little"}


class Orders:
    """Knows what each order needs."""

    def __init__(self, guests: Guests, minds: Minds, faults: Faults, webshop: WebShop) -> None:
        self._guests = guests
        self._minds = minds
        self._faults = faults
        self._webshop = webshop

    def obey(self, order: Order, now: float) -> Texts:
        """Do it; give why it was not done, or nothing."""
        match order.what:
            case "walk-in":
                return self._guests.walk_in(order.store, order.person, now)
            case "meet":
                return self._guests.meet(order.store, now)
            case "code":
                return self._guests.show_code(order.person, now)
            case "leave":
                return self._guests.leave(order.person, now)
            case "view" | "give" | "withdraw":
                return self._online(order)
            case _:
                return {} if self._break(order, now) else NOT_NOW

    def _online(self, order: Order) -> Texts:
        """What somebody does in the web shop, or in its settings."""
        guest = self._guests.by_person.get(order.person)
        if guest is None:
            return NOBODY
        customer = guest.member.customer
        if order.what != "view":
            if order.purpose:
                self._minds.change(customer, order.purpose, gives=order.what == "give")
            return {}
        try:
            self._webshop.view(customer, order.sku)
        except DemoFailed:
            return NO_CENTRAL
        return {}

    def _break(self, order: Order, now: float) -> bool:
        match order.what:
            case "cut":
                return self._faults.cut(order.store, now)
            case "join":
                return self._faults.join(order.store, now)
            case "fill":
                return self._faults.fill(order.store, now)
            case "free":
                return self._faults.free(order.store, now)
            case _:
                return self._faults.kill(order.part, now)
