"""Decides which campaigns are for the people who stand before a screen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from central.contract.feeds import Product, Profile, Stock
from edge.recommender import skus_of
from ground.programme.calendar import is_due
from ground.programme.records import Audience, Campaign, Content, Playlist
from ground.programme.slots import contents_of, has_audience, is_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One content that a campaign has for who is near."""

    campaign: Campaign
    content: Content
    skus: tuple[str, ...] = ()
    """The products it shows."""

    @property
    def name(self) -> tuple[str, str]:
        return self.campaign.campaign, self.content.content

    def same(self, other: Offer) -> bool:
        """Whether it is the same to who reads it: what sells best may change meanwhile."""
        return (self.campaign, self.content) == (other.campaign, other.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The screen it is about, by its store and the zones that it is seen from."""

    store: str
    zones: Collection[str]
    zone: ZoneInfo
    """The time zone of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What the store has."""

    products: Mapping[str, Product]
    stock: Mapping[str, Stock]


def offers(
    people: Sequence[Profile],
    campaigns: Mapping[str, Campaign],
    playlists: Mapping[str, Playlist],
    contents: Mapping[str, Content],
    goods: Goods,
    place: Place,
    at: datetime,
) -> list[Offer]:
    """What may be shown to these people now, most important first: each must be meant by it; nothing sensitive.

    Who these people are must have agreed to personalised signage.
    """
    if not people:
        return []
    found = sorted(
        (
            campaign
            for campaign in campaigns.values()
            if has_audience(campaign)
            and is_for(campaign, place.store, place.zones)
            and all(_means(campaign.audience, person) for person in people)
            and is_due(campaign.when, at, place.zone)
        ),
        key=lambda campaign: (-campaign.priority, campaign.campaign),
    )
    made = [
        Offer(campaign=campaign, content=contents[name], skus=skus_of(contents[name], goods.products, goods.stock))
        for campaign in found
        for name in contents_of(campaign, playlists)
        if name in contents and not _sensitive(contents[name], goods.products)
    ]
    # What is about products is nothing without any of them.
    return [offer for offer in made if offer.skus or not (offer.content.products or offer.content.popular)]


def _means(audience: Audience, person: Profile) -> bool:
    # A group that is named is the narrower word: members are all whom we know.
    return not set(audience.segments).isdisjoint(person.segments) if audience.segments else audience.members


def _sensitive(content: Content, products: Mapping[str, Product]) -> bool:
    return content.sensitive or any(products[sku].sensitive for sku in content.products if sku in products)
