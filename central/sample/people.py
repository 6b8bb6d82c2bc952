"""Makes the sample's members: their cards and radios, what they agreed to, bought, looked at and are owed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import TypeVar

import msgspec

from central.contract.feeds import PURPOSES, Coupon, Interest, Product
from central.contract.member_code import check_digit
from central.sample.records import Member
from ground.programme.records import Language, Texts

UUID = "7d3f2c58-91a4-4e0b-b6d2-5a8c1e94f073"
"""Every iBeacon of the chain has it; a member's own are its major and minor."""
NAMESPACE = "8b0ca750e7a7f14d2c91"
PREFIX = "29"
T = TypeVar("T")
_LANGUAGES: tuple[tuple[float, Language], ...] = ((0.15, "en"), (0.85, "ja"))
_RADIOS = ((0.75, True), (0.25, False))
_AGREED: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.60, ("presence", "signage")),
    (0.15, ("signage",)),
    (0.15, ("presence",)),
    (0.10, ()),
)
"""What they agreed to of presence and signage; messages and analysis go to some of each."""
_EDDYSTONE = 0.1
"""Of the beacons; the others are iBeacons."""
_BOUGHT_DAYS, _VIEWED_DAYS = 180.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    ja: tuple[tuple[str, ...], ...]
    en: tuple[tuple[str, ...], ...]
    heads: tuple[str, ...]
    tails: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    id: str
    title: Texts
    worth: Texts


def members(
    products: Sequence[Product],
    wanted: dict[str, float],
    stores: Sequence[str],
    rng: random.Random,
    now: datetime,
    count: int,
) -> tuple[Member, ...]:
    """`count` members, whose interests lie before `now`."""
    languages = _dealt(rng, count, _LANGUAGES)
    names = {"ja": _japanese(rng), "en": _latin(rng)}
    numbers, beacons, customers = _numbers(rng), _beacons(rng), _customers(rng)
    radios = _dealt(rng, count, _RADIOS)
    agreed = [_with_others(rng, core) for core in _dealt(rng, count, _AGREED)]
    tastes = _Tastes(products, wanted)
    offers = msgspec.yaml.decode(_text("coupons.yaml"), type=tuple[_Offer, ...])
    made = []
    for language, radio, purposes in zip(languages, radios, agreed, strict=True):
        home = rng.choice(stores)
        customer = next(customers)
        favourites = tastes.favourites(rng)
        active = rng.betavariate(1.2, 2.5)
        bought = tastes.interests(rng, favourites, now, _BOUGHT_DAYS, round(active * 24))
        spent = sum(tastes.yen[interest.sku] for interest in bought)
        made.append(
            Member(
                customer=customer,
                number=next(numbers),
                beacon=next(beacons) if radio else None,
                home=home,
                visited=(home, *(store for store in stores if store != home and rng.random() < 0.2)),
                nickname=next(names[language]),
                language=language,
                purposes=purposes,
                points=spent // 100 + rng.randrange(500),
                bought=bought,
                viewed=tastes.interests(rng, favourites, now, _VIEWED_DAYS, rng.randrange(13)),
                coupons=_coupons(rng, offers, customer),
            )
        )
    return tuple(made)


def _text(name: str) -> bytes:
    return (files("central.sample") / name).read_bytes()


def _names() -> _Names:
    return msgspec.yaml.decode(_text("nicknames.yaml"), type=_Names)


def _japanese(rng: random.Random) -> Iterator[str]:
    names = _names()
    made = [head + tail for head in names.heads for tail in names.tails]
    return _without_end(_shuffled(rng, itertools.chain(*names.ja)) + _shuffled(rng, made))


def _latin(rng: random.Random) -> Iterator[str]:
    return _without_end(_shuffled(rng, itertools.chain(*_names().en)))


def _shuffled(rng: random.Random, names: Iterator[str] | list[str]) -> list[str]:
    given = list(names)
    return rng.sample(given, len(given))


def _without_end(names: list[str]) -> Iterator[str]:
    """The names, then the names with a number: more members than anyone thought of."""
    yield from names
    for again in itertools.count(2):
        yield from (f"{name}{again}" for name in names)


def _numbers(rng: random.Random) -> Iterator[str]:
    for body in _unlike(rng, 10**10):
        twelve = f"{PREFIX}{body:010d}"
        yield twelve + check_digit(twelve)


def _customers(rng: random.Random) -> Iterator[str]:
    return (f"c-{body:010x}" for body in _unlike(rng, 16**10))


def _beacons(rng: random.Random) -> Iterator[str]:
    for body in _unlike(rng, 2**32):
        if rng.random() < _EDDYSTONE:
            yield f"eddystone-uid:{NAMESPACE}:{body:012x}"
        else:
            yield f"ibeacon:{UUID}:{body >> 16}:{body & 0xFFFF}"


def _unlike(rng: random.Random, below: int) -> Iterator[int]:
    """Random numbers, none of them twice."""
    given: set[int] = set()
    while True:
        number = rng.randrange(below)
        if number not in given:
            given.add(number)
            yield number


def _dealt(rng: random.Random, count: int, shares: Sequence[tuple[float, T]]) -> list[T]:
    """Each of the things in its share, to one part in `count`, shuffled."""
    dealt: list[T] = []
    reach = 0.0
    for share, thing in shares:
        reach += share
        dealt += [thing] * (round(reach * count) - len(dealt))
    return rng.sample(dealt, count)


def _with_others(rng: random.Random, core: tuple[str, ...]) -> tuple[str, ...]:
    chosen = {*core, *(purpose for purpose in ("messages", "analysis") if rng.random() < (0.5 if core else 0.25))}
    return tuple(purpose for purpose in PURPOSES if purpose in chosen)


def _coupons(rng: random.Random, offers: Sequence[_Offer], customer: str) -> tuple[Coupon, ...]:
    held = rng.sample(offers, rng.choices((0, 1, 2, 3), (55, 28, 12, 5))[0])
    return tuple(Coupon(coupon=f"{offer.id}-{customer}", title=offer.title, worth=offer.worth) for offer in held)


class _Tastes:
    """Who likes what: one to three favourite categories a member, and within them what everybody likes."""

    def __init__(self, products: Sequence[Product], wanted: dict[str, float]) -> None:
        self.yen = {product.sku: product.yen for product in products}
        self._skus = list(self.yen)
        self._wanted = [wanted[sku] ** 0.5 for sku in self._skus]
        self._of: dict[str, list[int]] = {}
        for place, product in enumerate(products):
            self._of.setdefault(product.category, []).append(place)

    def favourites(self, rng: random.Random) -> list[str]:
        return rng.sample(list(self._of), rng.choices((1, 2, 3), (3, 4, 3))[0])

    def interests(
        self, rng: random.Random, favourites: Sequence[str], now: datetime, days: float, count: int
    ) -> tuple[Interest, ...]:
        """Up to `count` products, mostly of the favourites, the more the nearer to `now`; newest first."""
        last: dict[str, datetime] = {}
        for _ in range(count):
            places = self._of[rng.choice(favourites)] if rng.random() < 0.85 else range(len(self._skus))
            place = rng.choices(places, [self._wanted[place] for place in places])[0]
            at = now - timedelta(seconds=round(days * 86400 * rng.betavariate(1, 2.2)) + 60)
            sku = self._skus[place]
            last[sku] = max(at, last.get(sku, at))
        newest = sorted(last.items(), key=lambda item: (item[1], item[0]), reverse=True)
        return tuple(Interest(sku=sku, at=at) for sku, at in newest)
