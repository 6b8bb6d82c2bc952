"""Carries out what the buttons of the store page say."""

from __future__ import annotations

from functools import partial

from central.demo.faults import Faults
from central.demo.guests import NOBODY, Guests
from central.demo.minds import Minds
from central.demo.processes import DemoFailed
from central.demo.webshop import WebShop
from central.page.contract import Order
from ground.programme.records import Texts

NOT_NOW: Texts = {"ja": "いまはできません(すでにその状態です)", "en": "not now: it is so already"}
NO_CENTRAL: Texts = {"ja": "本部につながりません。少し待ってください", "en": "central cannot be reached: wait a little"}
NOT_KEPT: Texts = {
    "ja": "画面での案内に同意がないため、閲覧は記録されません",
    "en": "central keeps no look of who has not agreed to signage",
}
NOT_DONE: Texts = {"ja": "できませんでした。端末の表示を見てください", "en": "it did not work: see the terminal"}
CLOSING: Texts = {"ja": "閉店の片付け中です", "en": "the shop is closing"}
NO_ROOM: Texts = {
    "ja": "ディスクが満杯のあいだは落とせません(まだどこにも保存されていない記録が消えます)",
    "en": "not while its disk is full: what happened since is kept nowhere yet",
}


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
                return self._guests.show_code(order.person, now, self._code(order.person))
            case "leave":
                return self._guests.leave(order.person, now)
            case "view" | "give" | "withdraw":
                return self._online(order)
            case _:
                return self._break(order, now)

    def _code(self, person: str) -> str:
        """What their phone shows: signed for now, or where it has no network their plain number."""
        guest = self._guests.by_person.get(person)
        if guest is None:
            return ""
        try:
            return self._webshop.code(guest.member.customer)
        except DemoFailed:
            return guest.member.number

    def _online(self, order: Order) -> Texts:
        """What somebody does in the web shop, or in its settings."""
        guest = self._guests.by_person.get(order.person)
        if guest is None:
            return NOBODY
        customer = guest.member.customer
        try:
            if order.what == "view":
                self._webshop.view(customer, order.sku)
                return {} if self._minds.agrees(customer, "signage") else NOT_KEPT
            if order.purpose:
                gives = order.what == "give"
                agree = partial(self._webshop.agree, customer, order.purpose, gives=gives)
                self._minds.change(customer, order.purpose, gives=gives, by=agree)
        except DemoFailed:
            return NO_CENTRAL
        return {}

    def _break(self, order: Order, now: float) -> Texts:
        match order.what:
            case "cut":
                done = self._faults.cut(order.store, now)
            case "join":
                done = self._faults.join(order.store, now)
            case "fill":
                done = self._faults.fill(order.store, now)
            case "free":
                done = self._faults.free(order.store, now)
            case _:
                if self._faults.would_lose(order.part):
                    return NO_ROOM
                done = self._faults.kill(order.part, now)
        return {} if done else NOT_NOW
