"""A sample chain for demos, tests and benches: three stores, what they sell, and their members, all made up."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from central.sample import drawn, goods, people
from central.sample.records import Chain, Member
from ground.programme.records import Campaign, Content, Layout, Playlist, Store, Texts

__all__ = ["Chain", "Member", "chain"]

T = TypeVar("T")
_STORES: tuple[tuple[str, Texts, float], ...] = (
    ("ginza", {"ja": "銀座本店", "en": "Ginza"}, 420),
    ("umeda", {"ja": "梅田店", "en": "Umeda"}, 310),
    ("tenjin", {"ja": "天神店", "en": "Tenjin"}, 170),
)
"""Id, name, and how many of its best seller a store sells in 30 days."""


_SHOP = "https://shop.example/item"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Programme:
    playlists: tuple[Playlist, ...]
    campaigns: tuple[Campaign, ...]
    layouts: tuple[Layout, ...]


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
    programme = _listed("programme.yaml", _Programme)
    return Chain(
        stores=tuple(Store(store=store, name=name, timezone="Asia/Tokyo", link=_SHOP) for store, name, _ in _STORES),
        products=tuple(products),
        stock={store: goods.stock(wanted, size, rng) for store, _, size in _STORES},
        content=tuple(content),
        playlists=programme.playlists,
        campaigns=programme.campaigns,
        layouts=programme.layouts,
        members=people.members(products, wanted, [store for store, _, _ in _STORES], rng, now.astimezone(UTC), members),
        pictures={digests[name]: png for name, png in pngs.items()},
    )


def _listed(name: str, shape: type[T]) -> T:
    return msgspec.yaml.decode((files("central.sample") / name).read_bytes(), type=shape)


def _content() -> list[Content]:
    items = _listed("content.yaml", tuple[_Item, ...])
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
