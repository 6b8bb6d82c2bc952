"""Says which rows a subject has in which store, by consent: a new feed is a function here and a line in SUBJECTS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from central import catalogue, codes, consent, content, profiles
from central.contract import member_code
from central.contract.codec import encode
from central.contract.feeds import AGENT, CODES, PURPOSES, Codes, Profile, Token
from central.contract.topics import CHAIN
from central.feeds import manifests
from central.feeds.manifests import Sign
from central.profiles import Customer
from central.storage.tables import settings, store_settings
from ground.programme.records import Campaign, Layout

_INTERESTS = 200
_COUPONS = 50
_SEGMENTS = 200
"""What one profile row may carry (central.contract.feeds.Profile); the newest interests."""
_END = date(9999, 1, 1)
"""After it no time can be said."""
_ELSEWHERE = ZoneInfo("Etc/GMT+12")
"""Where a day ends last: for stores that nobody has named a time zone of."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What rows are made with: the chain's key, who signs manifests and what codes are; without, there are none."""

    chain_key: bytes
    sign: Sign | None = None
    codes: Callable[[], Codes] | None = None


def of_customer(
    known: Customer, purposes: frozenset[str], chain_key: bytes, member: str | None = None
) -> Iterator[Wanted]:
    """The rule of consent: without `signage` no profile and no code, without `presence` no beacon.

    `member` is how codes that are signed name this customer.
    """
    tokens = [(value, Token(customer=known.customer, means=by)) for by, value in known.tokens]
    if member:
        tokens.append((member, Token(customer=known.customer, means="code", number=known.number)))
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
        for value, token in tokens:
            if token.means in means:
                yield Wanted(
                    place=Place(scope=store, feed="tokens", key=member_code.token(key, token.means, value)),
                    owner=known.customer,
                    body=encode(token),
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
        segments=known.segments[:_SEGMENTS],
    )


def _customers(connection: Connection, keys: Collection[str], hands: Hands) -> Iterator[Wanted]:
    purposes, members = consent.given(connection, keys), codes.ids(connection, keys)
    for known in profiles.read(connection, keys).values():
        agreed, member = purposes.get(known.customer, frozenset[str]()), members.get(known.customer)
        yield from of_customer(known, agreed, hands.chain_key, member)


def _products(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    for sku, product in catalogue.products(connection, keys).items():
        yield _of_chain("products", sku, product)


def _stock(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    places = [(store, sku) for store, _, sku in (key.partition("/") for key in keys)]
    for (store, sku), stock in catalogue.stocks(connection, places).items():
        place = Place(scope=store, feed="stock", key=sku)
        yield Wanted(place=place, owner=f"{store}/{sku}", body=encode(stock))


def _contents(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    for key, item in content.contents(connection, keys).items():
        yield _of_chain("content", key, item)


def _playlists(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    for key, playlist in content.playlists(connection, keys).items():
        yield _of_chain("playlists", key, playlist)


def _campaigns(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    zones = {store: ZoneInfo(its.timezone) for store, its in catalogue.stores(connection).items()}
    for campaign in content.campaigns(connection, keys).values():
        for row in _where_it_is("campaigns", campaign.campaign, campaign):
            here = [zones.get(row.place.scope, _ELSEWHERE)] if campaign.stores else [*zones.values(), _ELSEWHERE]
            ends = [_over(campaign, zone) for zone in here]
            yield replace(row, until=max((end for end in ends if end), default=None))


def _layouts(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    for layout in content.layouts(connection, keys).values():
        yield from _where_it_is("layouts", layout.layout, layout)


def _stores(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    for key, its in catalogue.stores(connection, keys).items():
        yield Wanted(place=Place(scope=key, feed="stores", key=key), owner=key, body=encode(its))


def _manifests(connection: Connection, keys: Collection[str], hands: Hands) -> Iterator[Wanted]:
    if hands.sign is None:
        return
    for digit in keys:
        for key, manifest in manifests.made(catalogue.assets(connection, prefix=digit), digit, hands.sign):
            yield Wanted(place=Place(scope=CHAIN, feed="manifest", key=key), owner=digit, body=encode(manifest))


def _codes(_: Connection, __: Collection[str], hands: Hands) -> Iterator[Wanted]:
    if hands.codes is not None:
        yield _of_chain("codes", CODES, hands.codes())


def _where_it_is(feed: str, key: str, part: Campaign | Layout) -> Iterator[Wanted]:
    """For each store that it names a row, which names that one only; for all of them one row of the chain."""
    for store in part.stores:
        body = encode(replace(part, stores=(store,)))
        yield Wanted(place=Place(scope=store, feed=feed, key=key), owner=key, body=body)
    if not part.stores:
        yield _of_chain(feed, key, part)


def _settings(connection: Connection, keys: Collection[str], _: Hands) -> Iterator[Wanted]:
    its = settings.c.settings == store_settings.c.settings
    ask = select(store_settings.c.store, settings.c.body).join(settings, its).where(store_settings.c.store.in_(keys))
    for row in connection.execute(ask):
        yield Wanted(place=Place(scope=row.store, feed="settings", key=AGENT), owner=row.store, body=row.body.encode())


def _over(campaign: Campaign, zone: ZoneInfo) -> datetime | None:
    """When its last day, and what of it reaches into the next, is past; None: never."""
    days = [when.last for when in campaign.when]
    if not days or None in days:
        return None
    last = max(day for day in days if day is not None)
    return datetime.combine(last + timedelta(days=2), time(), zone).astimezone(UTC) if last < _END else None


def _of_chain(feed: str, key: str, record: Any) -> Wanted:
    return Wanted(place=Place(scope=CHAIN, feed=feed, key=key), owner=key, body=encode(record))


Make: TypeAlias = Callable[[Connection, Collection[str], Hands], Iterator[Wanted]]
SUBJECTS: dict[str, tuple[tuple[str, ...], Make]] = {
    "customer": (("profiles", "tokens"), _customers),
    "product": (("products",), _products),
    "stock": (("stock",), _stock),
    "settings": (("settings",), _settings),
    "content": (("content",), _contents),
    "playlist": (("playlists",), _playlists),
    "campaign": (("campaigns",), _campaigns),
    "layout": (("layouts",), _layouts),
    "store": (("stores",), _stores),
    "asset": (("manifest",), _manifests),
    "codes": (("codes",), _codes),
}
"""For each subject that can be dirty: the feeds that it appears in, and what makes its rows."""
