"""Describes the stores to the store page, once, when the shop opens."""

from __future__ import annotations

from central.demo.cast import Cast
from central.demo.guests import Guests
from central.page.contract import Goods, Opening, Screen, Shop
from central.sample import Chain
from central.scenario import ZONES
from ground.programme.records import Texts


def opening(chain: Chain, guests: Guests, cast: Cast, *, url: str, disks: Texts) -> Opening:
    """The plan of every store; `url` and `disks` as in Opening."""
    # No shelf says what somebody has bought: what a guest has is not offered to be looked at.
    bought = {item.sku for guest in guests.by_person.values() for item in guest.member.bought}
    names = {one.sku: one.name for one in chain.products if not one.sensitive and one.sku not in bought}
    return Opening(
        shops=tuple(_shop(one.store, one.name, chain, cast, names) for one in chain.stores),
        url=url,
        disks=disks,
    )


def _shop(store: str, name: Texts, chain: Chain, cast: Cast, names: dict[str, Texts]) -> Shop:
    screens = tuple(
        Screen(screen=screen, zone=own.place.zone, journal=str(own.journal), mirror=str(own.mirror))
        for screen, own in cast.screens.items()
        if own.place.store == store
    )
    goods = tuple(
        Goods(sku=row.sku, name=names[row.sku]) for row in chain.stock[store] if row.sku in names and row.on_hand
    )
    return Shop(
        store=store,
        name=name,
        zones=ZONES,
        reader="till",
        screens=screens,
        goods=goods,
        folder=str(cast.folders[store]),
    )
