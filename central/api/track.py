"""Takes what a web shop or an app tells of its customers, and keeps what they agreed to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection, select

from central import catalogue, consent, posters, profiles
from central.api import segment
from central.api.calls import Calls, stranger
from central.api.segment import Message, Opened, Told, View
from central.consent import SIGNAGE
from central.posters import PosterScan
from central.storage.database import count, put
from central.storage.tables import message, source
from ground import links
from ground.links import Place
from ground.programme.records import Store

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=7)
"""How long a messageId is known again: an app that was offline sends what it holds when it comes back."""


def router(calls: Calls) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.post("/track")
    async def track(request: Request) -> Response:
        return await calls.take(request, "track", segment.MAX_EVENT, segment.track, keep)

    @routes.post("/batch")
    async def batch(request: Request) -> Response:
        return await calls.take(request, "track", segment.MAX_BATCH, segment.batch, keep)

    return routes


def keep(connection: Connection, by: str, told: Told, at: datetime) -> None:
    """Keep what is new, used and agreed to; count what became of the rest."""
    # One call of a source at a time: or two that bring the same message would both find it new.
    lock = select(source.c.source).where(source.c.source == by).with_for_update()
    if connection.scalar(lock) is None:
        raise stranger()  # Revoked since it was looked up.
    new = _new(connection, by, told.messages, at)
    views = [one.view for one in new if one.view]
    counts = Counter(again=len(told.messages) - len(new), unused=len(new) - len(views), refused=len(told.refused))
    looks: dict[str, dict[str, datetime]] = {}
    for view, sku in _allowed(connection, views, counts):
        of_one = looks.setdefault(view.customer, {})
        of_one[sku] = max(view.at, of_one.get(sku, view.at))
    profiles.view(connection, looks)
    scans = _scans(connection, by, [one.opened for one in new if one.opened], at)
    posters.note(connection, scans)
    counts["by_poster"] = len(scans)
    count(connection, f"source:{by}", {f"told.{name}": number for name, number in counts.items() if number})
    if told.refused:
        log.warning("%s sent %d events that are not right; the first: %s", by, len(told.refused), told.refused[0])


def _new(connection: Connection, by: str, messages: Sequence[Message], at: datetime) -> list[Message]:
    connection.execute(message.delete().where(message.c.source == by, message.c.at < at - REMEMBERED))
    digests = {one.digest for one in messages if one.digest}
    ask = select(message.c.digest).where(message.c.source == by, message.c.digest.in_(digests))
    known = set(connection.scalars(ask))
    put(connection, message, [{"source": by, "digest": digest, "at": at} for digest in digests - known])
    new = []
    for one in messages:
        if one.digest not in known:
            new.append(one)
            known |= {one.digest} if one.digest else set()
    return new


def _allowed(connection: Connection, views: Sequence[View], counts: Counter[str]) -> list[tuple[View, str]]:
    """Those of our customers and products, from since the customer agreed; each with what we call the product."""
    customers = profiles.lock(connection, {view.customer for view in views})
    since = consent.since(connection, customers, SIGNAGE)
    products = catalogue.products(connection, {name for view in views for name in view.goods})
    allowed = []
    for view in views:
        sku = next((name for name in view.goods if name in products), None)
        if view.customer not in customers or sku is None:
            counts["unknown"] += 1
        elif view.customer not in since or view.at < since[view.customer]:
            counts["not_agreed"] += 1
        else:
            counts["viewed"] += 1
            allowed.append((view, sku))
    return allowed


def _scans(connection: Connection, by: str, opened: Sequence[Opened], at: datetime) -> list[PosterScan]:
    """The pages of our products that a code in one of our stores has opened, whoever did it."""
    if not opened:
        return []
    named = [store for one in opened for store in (one.store, *map(links.claimed, one.addresses))]
    stores = catalogue.stores(connection, {store for store in named if store})
    products = catalogue.products(connection, {name for one in opened for name in one.goods}) if stores else {}
    # Only the day: beside what somebody looked at, the minute would tell where they were.
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    scans = []
    for one in opened:
        sku = next((name for name in one.goods if name in products), None)
        place = _place(one, stores)
        if sku is not None and place is not None and place.sku in (None, sku):
            scans.append(PosterScan(at=day, by="phone", store=place.store, zone=place.zone, sku=sku, who=by))
    return scans


def _place(opened: Opened, stores: Mapping[str, Store]) -> Place | None:
    """Where the code hangs: what the shop says in words, else what the address of its page says."""
    if opened.store and opened.store in stores:
        return Place(store=opened.store, zone=opened.zone)
    read = (links.read(url, store.link) for url in opened.addresses if (store := stores.get(links.claimed(url) or "")))
    return next((place for place in read if place), None)
