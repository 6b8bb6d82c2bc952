"""Reads the sample's products from their lists, and says how many of each lie in a store and how many were sold."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from importlib.resources import files

import msgspec

from central.contract.feeds import Product, Stock
from ground.programme.records import Texts

CATEGORIES = (
    "tea",
    "sweets",
    "tableware",
    "kitchen",
    "stationery",
    "bath",
    "fragrance",
    "knitwear",
    "bags",
    "toys",
    "bedding",
    "medicine",
)
"""Each is a list in `products/`; a new one is a name here, a list there, and the shapes that it is drawn with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A line of a list: a product, and how it looks."""

    ja: str
    en: str
    yen: int
    look: str
    note: Texts = field(default_factory=dict)
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    products: tuple[Good, ...]
    sensitive: bool = False
    """Of all of them."""


def products() -> list[tuple[Product, str]]:
    """All products, each with the words for its look; none has its picture yet."""
    folder = files("central.sample") / "products"
    made: list[tuple[Product, str]] = []
    for category in CATEGORIES:
        shelf = msgspec.yaml.decode((folder / f"{category}.yaml").read_bytes(), type=Shelf)
        for place, good in enumerate(shelf.products, start=1):
            product = Product(
                sku=f"{category}-{place:03d}",
                name={"ja": good.ja, "en": good.en},
                yen=good.yen,
                category=category,
                note=good.note,
                sensitive=shelf.sensitive or good.sensitive,
            )
            made.append((product, good.look))
    return made


def wanted(products: list[Product], rng: random.Random) -> dict[str, float]:
    """How sought after each product is: Zipf's law over a rank that cheap things climb more easily."""
    ranked = sorted(products, key=lambda product: rng.gauss(math.log(product.yen), 1.4))
    rank = {product.sku: place for place, product in enumerate(ranked, start=1)}
    return {product.sku: 1 / rank[product.sku] ** 0.85 for product in products}


def stock(wanted: dict[str, float], size: float, rng: random.Random) -> tuple[Stock, ...]:
    """One store's stock; `size` is what its best seller sells in 30 days, and every store has its own taste."""
    rows = []
    for sku, want in wanted.items():
        sold = round(size * want * rng.lognormvariate(0, 0.45))
        out = rng.random() < 0.07
        rows.append(
            Stock(sku=sku, on_hand=0 if out else 1 + round(sold * rng.uniform(0.2, 1.1)) + rng.randrange(4), sold=sold)
        )
    return tuple(rows)
