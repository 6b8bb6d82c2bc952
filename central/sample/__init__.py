"""A sample chain for demos, tests and benches: three stores, what they sell, and their members, all made up."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import msgspec

from central.contract.feeds import Content, Texts
from central.sample import drawn, goods, people
from central.sample.records import Chain, Member, Store

__all__ = ["Chain", "Member", "Store", "chain"]

_STORES: tuple[tuple[str, Texts, float], ...] = (
    ("ginza", {"ja": "銀座本店", "en": "Ginza"}, 420),
    ("umeda", {"ja": "梅田店", "en": "Umeda"}, 310),
    ("tenjin", {"ja": "天神店", "en": "Tenjin"}, 170),
)
"""Id, name, and how many of its best seller a store sells in 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    content: str
    title: Texts
    text: Texts = field(default_factory=dict)
    seconds: int = 8


def chain(
    *, seed: int = 1, now: datetime, members: int = 200, pictures: bool = True, kept: Path | None = None
) -> Chain:
    """The same chain for the same arguments; all that happened lies before `now`, an aware time.

    Drawing takes some 10 s, the rest a tenth: without `pictures`, products and content have none. `kept` is a folder
    for what was drawn, which is not drawn again.
    """
    if now.tzinfo is None:
        raise ValueError(f"now is {now}: give an aware time")
    listed = goods.products()
    products = [product for product, _ in listed]
    content = _content()
    pngs: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    if pictures:
        pngs = drawn.pictures([*(words for _, words in listed), *(item.content for item in content)], kept)
        digests = {name: hashlib.sha256(png).hexdigest() for name, png in pngs.items()}
        products = [replace(product, picture=digests[words]) for product, words in listed]
        content = [replace(item, picture=digests[item.content]) for item in content]
    rng = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    wanted = goods.wanted(products, rng)
    return Chain(
        stores=tuple(Store(store=store, name=name) for store, name, _ in _STORES),
        products=tuple(products),
        stock={store: goods.stock(wanted, size, rng) for store, _, size in _STORES},
        content=tuple(content),
        members=people.members(products, wanted, [store for store, _, _ in _STORES], rng, now.astimezone(UTC), members),
        pictures={digests[name]: png for name, png in pngs.items()},
    )


def _content() -> list[Content]:
    items = msgspec.yaml.decode((files("central.sample") / "content.yaml").read_bytes(), type=tuple[_Item, ...])
    return [
        Content(
            content=item.content,
            layout="campaign",
            title=item.title,
            text=item.text,
            seconds=item.seconds,
            order=order,
        )
        for order, item in enumerate(items, start=1)
    ]
