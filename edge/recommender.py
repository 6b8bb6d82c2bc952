"""Ranks what is in this store for who is near: own recent purchases and views, and what sells here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from central.contract.feeds import Interest, Product, Profile, Stock
from ground.programme.records import Content

BOUGHT_HALF = 30.0
VIEWED_HALF = 3.0
"""Days after which a purchase or a view counts half: baskets repeat by the month, a look is forgotten in days."""
POPULAR = 0.4
"""Weight of what sells here beside one's own interest of 1."""
ITSELF = 1.5
"""Weight of the very product that was looked at, beside its category's 1."""
JUST = timedelta(days=1)
"""How long what somebody looked at last leads: a look of the evening is why one comes the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    sku: str
    score: float
    why: Literal["viewed", "bought", "taste", "popular"]


def recommend(
    people: Sequence[Profile],
    products: Mapping[str, Product],
    stock: Mapping[str, Stock],
    now: datetime,
    *,
    level: int,
    count: int,
) -> tuple[Pick, ...]:
    """The best `count` products in stock, most wanted first; nothing sensitive, and below level 2 nothing ever bought.

    What each person looked at last, within a day, leads: the latest look first. The rest go by score: one's interest
    in the product's category (decayed by half-lives, each person's sums to 1) plus the product's own, plus 0.4 × log
    sales relative to the best seller.
    """
    bought = {interest.sku for person in people for interest in person.bought}
    tastes = [_taste(person, products, now) for person in people]
    selves = [_itself(person, now, bought if level < 2 else set()) for person in people]
    best = math.log1p(max((row.sold for row in stock.values()), default=0)) or 1.0
    picks = []
    for sku, row in stock.items():
        product = products.get(sku)
        if product is None or product.sensitive or row.on_hand == 0 or (level < 2 and sku in bought):
            continue
        taste = sum(one.get(product.category, 0.0) for one in tastes) / max(1, len(people))
        itself = sum(one.get(sku, 0.0) for one in selves) / max(1, len(people))
        popular = POPULAR * math.log1p(row.sold) / best
        why: Literal["viewed", "bought", "taste", "popular"] = "popular"
        if itself > popular:
            why = "bought" if sku in bought else "viewed"
        elif taste > popular:
            why = "taste"
        picks.append(Pick(sku=sku, score=taste + itself + popular * (0.5 + taste), why=why))
    leads = _leads(people, {pick.sku for pick in picks}, now)
    picks.sort(key=lambda pick: (leads.get(pick.sku, len(leads)), -pick.score, pick.sku))
    return _varied(picks, products, count, len(leads))


def skus_of(content: Content, products: Mapping[str, Product], stock: Mapping[str, Stock]) -> tuple[str, ...]:
    """The products that a content shows: those it names, or what sells best here and may be shown to anyone."""
    if not content.popular:
        return tuple(sku for sku in content.products if sku in products)
    sells = sorted(stock.values(), key=lambda row: (-row.sold, row.sku))
    there = [row.sku for row in sells if row.on_hand and row.sku in products and not products[row.sku].sensitive]
    return tuple(there[: content.popular])


def _leads(people: Sequence[Profile], shown: Set[str], now: datetime) -> dict[str, int]:
    """What each person looked at last of all that may be shown: place by sku."""
    lasts: dict[str, datetime] = {}
    for person in people:
        looks = [look for look in person.viewed if look.sku in shown and now - look.at <= JUST]
        if looks:
            last = max(looks, key=lambda look: look.at)
            lasts[last.sku] = max(last.at, lasts.get(last.sku, last.at))
    return {sku: place for place, sku in enumerate(sorted(lasts, key=lambda sku: lasts[sku], reverse=True))}


def _decay(interest: Interest, now: datetime, half: float) -> float:
    days = max(0.0, (now - interest.at).total_seconds() / 86400)
    return float(0.5 ** (days / half))


def _taste(person: Profile, products: Mapping[str, Product], now: datetime) -> dict[str, float]:
    weights: Counter[str] = Counter()
    for interests, half in ((person.bought, BOUGHT_HALF), (person.viewed, VIEWED_HALF)):
        for interest in interests:
            product = products.get(interest.sku)
            if product is not None and not product.sensitive:
                weights[product.category] += _decay(interest, now, half)  # type: ignore[assignment]
    total = sum(weights.values()) or 1.0
    return {category: weight / total for category, weight in weights.items()}


def _itself(person: Profile, now: datetime, never: Iterable[str]) -> dict[str, float]:
    own: dict[str, float] = {}
    for interests, half in ((person.bought, BOUGHT_HALF), (person.viewed, VIEWED_HALF)):
        for interest in interests:
            own[interest.sku] = max(own.get(interest.sku, 0.0), ITSELF * _decay(interest, now, half))
    for sku in never:
        own.pop(sku, None)
    return own


def _varied(picks: Sequence[Pick], products: Mapping[str, Product], count: int, leads: int) -> tuple[Pick, ...]:
    # No more than half of one category while there is something else, or a screen looks like one shelf; who looked at
    # something sees it all the same.
    most = max(1, math.ceil(count / 2))
    chosen: list[Pick] = []
    held: Counter[str] = Counter()
    for place, pick in enumerate(picks):
        category = products[pick.sku].category
        if place < leads or held[category] < most:
            held[category] += 1
            chosen.append(pick)
        if len(chosen) == count:
            return tuple(chosen)
    rest = [pick for pick in picks if pick not in chosen]
    return tuple(chosen + rest[: count - len(chosen)])
