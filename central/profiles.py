"""Who the customers are: their tokens, interests, coupons and stores, kept where they can be deleted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, select

from central import dirty
from central.contract.events import Means
from central.contract.feeds import Coupon, Interest
from central.storage.database import put
from central.storage.tables import coupon, customer, customer_store, interest, token
from ground.programme.records import Language

VIEWS = 50
"""Products looked at that are kept of one customer: a look counts half after three days (edge/recommender.py)."""
_NUMBER = re.compile("[!-~]{1,32}")
"""What a register can be typed, and central.contract.feeds.Token holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """All that is known of one customer, whatever they agreed to."""

    customer: str
    home: str | None
    """The store they call theirs."""
    visited: tuple[str, ...] = ()
    nickname: str = ""
    language: Language = "ja"
    points: int = 0
    tokens: tuple[tuple[Means, str], ...] = ()
    bought: tuple[Interest, ...] = ()
    viewed: tuple[Interest, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    segments: tuple[str, ...] = ()
    """Groups that campaigns are for."""

    @property
    def stores(self) -> frozenset[str]:
        return frozenset((*self.visited, self.home) if self.home else self.visited)

    @property
    def number(self) -> str:
        """What a register knows them by: the number of their first card; nothing where they have none."""
        return number(value for means, value in self.tokens if means == "code")


def number(values: Iterable[str]) -> str:
    """The first of these codes that may be a register's number; nothing where none is."""
    return next(filter(_NUMBER.fullmatch, values), "")


def save(connection: Connection, customers: Collection[Customer]) -> None:
    """Put these in place of what was known of them; a token that was another customer's becomes theirs."""
    ids = [one.customer for one in customers]
    pairs = {pair for one in customers for pair in one.tokens}
    values = {value for _, value in pairs}
    before = connection.execute(select(token).where(token.c.value.in_(values))).all()
    former = {row.customer for row in before if (row.means, row.value) in pairs}
    known = [
        {"customer": one.customer, "nickname": one.nickname, "language": one.language, "points": one.points}
        | {"segments": one.segments}
        for one in customers
    ]
    put(connection, customer, known)
    for table in (token, interest, coupon, customer_store):
        connection.execute(table.delete().where(table.c.customer.in_(ids)))
        put(connection, table, [{"customer": one.customer, **row} for one in customers for row in _rows(one, table)])
    dirty.mark(connection, "customer", sorted(former.union(ids)))


def read(connection: Connection, ids: Collection[str]) -> dict[str, Customer]:
    """Give what is known of these customers, newest interest first; who is not there is left out."""
    parts = {table: _by_customer(connection, table, ids) for table in (token, interest, coupon, customer_store)}
    known = connection.execute(select(customer).where(customer.c.customer.in_(ids)))
    return {
        row.customer: _customer(row, {table: parts[table].get(row.customer, []) for table in parts}) for row in known
    }


def lock(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """Give those of them that there are; nobody else changes what they view or agree to until this transaction ends."""
    ask = select(customer.c.customer).where(customer.c.customer.in_(ids)).order_by(customer.c.customer)
    return frozenset(connection.scalars(ask.with_for_update()))


def view(connection: Connection, looks: Mapping[str, Mapping[str, datetime]]) -> None:
    """Note when each of these customers (locked) last looked at which products; the newest VIEWS stay."""
    held: dict[str, dict[str, datetime]] = {one: {} for one in looks}
    for row in connection.execute(select(interest).where(*_viewed(looks))):
        held[row.customer][row.sku] = row.at
    changed: list[dict[str, Any]] = []
    for one, had in sorted(held.items()):
        last = had | {sku: max(at, had.get(sku, at)) for sku, at in looks[one].items()}
        newest = dict(sorted(last.items(), key=lambda item: (item[1], item[0]), reverse=True)[:VIEWS])
        for sku in had.keys() - newest.keys():
            connection.execute(interest.delete().where(*_viewed([one]), interest.c.sku == sku))
        new = newest.items() - had.items()
        changed += [{"customer": one, "kind": "viewed", "sku": sku, "at": at} for sku, at in new]
    put(connection, interest, changed)
    dirty.mark(connection, "customer", sorted({row["customer"] for row in changed}))


def forget_views(connection: Connection, one: str) -> None:
    connection.execute(interest.delete().where(*_viewed([one])))


def is_of(connection: Connection, one: str, store: str) -> bool:
    """Whether this store is one of theirs."""
    mine = (customer_store.c.customer == one, customer_store.c.store == store)
    return connection.scalar(select(customer_store.c.store).where(*mine).limit(1)) is not None


def visit(connection: Connection, one: str, store: str) -> None:
    """Note that this customer (locked) was in this store, which is none of theirs yet."""
    connection.execute(customer_store.insert().values(customer=one, store=store, relation="visited"))
    dirty.mark(connection, "customer", [one])


def _viewed(ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return interest.c.customer.in_(ids), interest.c.kind == "viewed"


def _rows(one: Customer, table: Table) -> Iterable[dict[str, Any]]:
    if table is token:
        return [{"means": means, "value": value} for means, value in one.tokens]
    if table is interest:
        kinds: tuple[tuple[str, tuple[Interest, ...]], ...] = (("bought", one.bought), ("viewed", one.viewed))
        return [{"kind": kind, **asdict(item)} for kind, items in kinds for item in items]
    if table is coupon:
        return [asdict(granted) for granted in one.coupons]
    relations: list[tuple[Literal["home", "visited"], str]] = [("visited", store) for store in one.visited]
    if one.home:
        relations.append(("home", one.home))
    return [{"relation": relation, "store": store} for relation, store in relations]


def _by_customer(connection: Connection, table: Table, ids: Collection[str]) -> dict[str, list[Any]]:
    newest = (table.c.at.desc(),) if "at" in table.c else ()
    rows = connection.execute(select(table).where(table.c.customer.in_(ids)).order_by(*newest, *table.primary_key))
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.customer, []).append(row)
    return found


def _customer(row: Any, parts: Mapping[Table, list[Any]]) -> Customer:
    def interests(kind: str) -> tuple[Interest, ...]:
        return tuple(Interest(sku=item.sku, at=item.at) for item in parts[interest] if item.kind == kind)

    stores = [(item.relation, item.store) for item in parts[customer_store]]
    return Customer(
        customer=row.customer,
        nickname=row.nickname,
        language=row.language,
        points=row.points,
        home=next((store for relation, store in stores if relation == "home"), None),
        visited=tuple(store for relation, store in stores if relation == "visited"),
        tokens=tuple((item.means, item.value) for item in parts[token]),
        bought=interests("bought"),
        viewed=interests("viewed"),
        coupons=tuple(Coupon(coupon=item.coupon, title=item.title, worth=item.worth) for item in parts[coupon]),
        segments=tuple(row.segments),
    )
