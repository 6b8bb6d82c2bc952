"""Says which rows a subject has in which store, by consent: a new feed is a function here and a line in SUBJECTS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from central import catalogue, consent, content, profiles
from central.contract import member_code
from central.contract.codec import encode
from central.contract.feeds import AGENT, PURPOSES, Profile, Token
from central.contract.topics import CHAIN
from central.profiles import Customer
from central.storage.tables import settings, store_settings

_INTERESTS = 200
_COUPONS = 50
"""What one profile row may carry (central.contract.feeds.Profile); the newest interests."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a row stands."""

    scope: str
    feed: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A row as it should be, and the subject that it was made from."""

    place: Place
    owner: str
    body: bytes
    until: datetime | None = None
    """When it runs out by itself: no store gives it after that, also one that hears nothing of us."""


def of_customer(known: Customer, purposes: frozenset[str], chain_key: bytes) -> Iterator[Wanted]:
    """The rule of consent: without `signage` no profile and no code, without `presence` no beacon."""
    profile = encode(_profile(known, purposes)) if "signage" in purposes else None
    means = {"code"} if profile else set()
    if "presence" in purposes:
        means.add("beacon")
    for store in sorted(known.stores):
        if profile:
            yield Wanted(
                place=Place(scope=store, feed="profiles", key=known.customer), owner=known.customer, body=profile
            )
        key = member_code.store_key(chain_key, store)
        for by, value in known.tokens:
            if by in means:
                yield Wanted(
                    place=Place(scope=store, feed="tokens", key=member_code.token(key, by, value)),
                    owner=known.customer,
                    body=encode(Token(customer=known.customer, means=by)),
                )


def _profile(known: Customer, purposes: frozenset[str]) -> Profile:
    return Profile(
        customer=known.customer,
        purposes=tuple(purpose for purpose in PURPOSES if purpose in purposes),
        language=known.language,
        nickname=known.nickname,
        points=known.points,
        bought=known.bought[:_INTERESTS],
        viewed=known.viewed[:_INTERESTS],
        coupons=known.coupons[:_COUPONS],
    )


def _customers(connection: Connection, keys: Collection[str], chain_key: bytes) -> Iterator[Wanted]:
    purposes = consent.given(connection, keys)
    for known in profiles.read(connection, keys).values():
        yield from of_customer(known, purposes.get(known.customer, frozenset()), chain_key)


def _products(connection: Connection, keys: Collection[str], _: bytes) -> Iterator[Wanted]:
    for sku, product in catalogue.products(connection, keys).items():
        yield _of_chain("products", sku, product)


def _stock(connection: Connection, keys: Collection[str], _: bytes) -> Iterator[Wanted]:
    places = [(store, sku) for store, _, sku in (key.partition("/") for key in keys)]
    for (store, sku), stock in catalogue.stocks(connection, places).items():
        place = Place(scope=store, feed="stock", key=sku)
        yield Wanted(place=place, owner=f"{store}/{sku}", body=encode(stock))


def _content(connection: Connection, keys: Collection[str], _: bytes) -> Iterator[Wanted]:
    for key, item in content.read(connection, keys).items():
        yield _of_chain("content", key, item)


def _settings(connection: Connection, keys: Collection[str], _: bytes) -> Iterator[Wanted]:
    its = settings.c.settings == store_settings.c.settings
    ask = select(store_settings.c.store, settings.c.body).join(settings, its).where(store_settings.c.store.in_(keys))
    for row in connection.execute(ask):
        yield Wanted(place=Place(scope=row.store, feed="settings", key=AGENT), owner=row.store, body=row.body.encode())


def _of_chain(feed: str, key: str, record: Any) -> Wanted:
    return Wanted(place=Place(scope=CHAIN, feed=feed, key=key), owner=key, body=encode(record))


Make = Callable[[Connection, Collection[str], bytes], Iterator[Wanted]]
SUBJECTS: dict[str, tuple[tuple[str, ...], Make]] = {
    "customer": (("profiles", "tokens"), _customers),
    "product": (("products",), _products),
    "stock": (("stock",), _stock),
    "content": (("content",), _content),
    "settings": (("settings",), _settings),
}
"""For each subject that can be dirty: the feeds that it appears in, and what makes its rows."""
