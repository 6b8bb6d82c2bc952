"""The records of a sample chain: its members, and all that is loaded of it."""

from __future__ import annotations

from dataclasses import dataclass

from central.contract.feeds import Coupon, Interest, Product, Stock
from ground.programme.records import Campaign, Content, Language, Layout, Playlist, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One customer who has the chain's card, whatever they agreed to."""

    customer: str
    number: str
    """What their member code says: an EAN-13."""
    beacon: str | None
    """As the edge names it: `ibeacon:<uuid>:<major>:<minor>` or `eddystone-uid:<namespace>:<instance>`."""
    home: str
    visited: tuple[str, ...]
    """Stores they have been to, their home among them."""
    nickname: str
    language: Language
    purposes: tuple[str, ...]
    points: int
    bought: tuple[Interest, ...]
    """Newest first, as is `viewed`."""
    viewed: tuple[Interest, ...]
    coupons: tuple[Coupon, ...]
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    stores: tuple[Store, ...]
    products: tuple[Product, ...]
    stock: dict[str, tuple[Stock, ...]]
    """By store."""
    content: tuple[Content, ...]
    playlists: tuple[Playlist, ...]
    campaigns: tuple[Campaign, ...]
    layouts: tuple[Layout, ...]
    members: tuple[Member, ...]
    pictures: dict[str, bytes]
    """PNG files by their SHA-256, in hex."""
