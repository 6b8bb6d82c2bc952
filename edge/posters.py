"""Decides whether a code is a product's own or that of one of our posters and labels, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from central.contract.feeds import Product
from ground import links


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """A product, and where the poster or label hangs, as it says itself; a product's own code says nothing of that."""

    sku: str
    store: str | None = None
    zone: str | None = None


def of(content: bytes, products: Mapping[str, Product], link: str) -> Poster | None:
    """What a code says of a product that this store knows: it is its sku (a JAN), or an address made of our `link`.

    A poster may come from another store. None for all else, also for products that are not known here.
    """
    if len(content) > links.LONGEST:
        return None
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return None
    if text in products:
        return Poster(sku=text)
    place = links.read(text, link) if link else None
    if place is None or place.sku is None or place.sku not in products:
        return None
    return Poster(sku=place.sku, store=place.store, zone=place.zone)
