"""What each customer agrees to, purpose by purpose, and since when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from central import dirty, profiles
from central.contract.feeds import PURPOSES
from central.errors import Unknown
from central.storage.database import put
from central.storage.tables import consent

SIGNAGE = "signage"
"""The purpose for which it is kept what somebody looked at."""


def give(connection: Connection, customer: str, purposes: Collection[str], at: datetime) -> None:
    """Note that the customer agrees. Raises Unknown."""
    _note(connection, customer, purposes, given=True, at=at)


def withdraw(connection: Connection, customer: str, purposes: Collection[str], at: datetime) -> None:
    """Note that the customer agrees no longer: what is held by it, here and in stores, goes. Raises Unknown."""
    _note(connection, customer, purposes, given=False, at=at)
    if SIGNAGE in purposes:
        profiles.forget_views(connection, customer)


def given(connection: Connection, customers: Collection[str]) -> dict[str, frozenset[str]]:
    """What these customers agree to; who agreed to nothing is left out."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(consent).where(consent.c.customer.in_(customers), consent.c.given)):
        found.setdefault(row.customer, set()).add(row.purpose)
    return {customer: frozenset(purposes) for customer, purposes in found.items()}


def since(connection: Connection, customers: Collection[str], purpose: str) -> dict[str, datetime]:
    """Since when these customers agree to it; who does not is left out."""
    ask = select(consent.c.customer, consent.c.at).where(
        consent.c.customer.in_(customers), consent.c.purpose == purpose, consent.c.given
    )
    return {row.customer: row.at for row in connection.execute(ask)}


def _note(connection: Connection, customer: str, purposes: Collection[str], *, given: bool, at: datetime) -> None:
    strange = set(purposes) - set(PURPOSES)
    if strange:
        raise Unknown(f"{', '.join(sorted(strange))} is no purpose.", fix=f"Use {', '.join(PURPOSES)}.")
    if not profiles.lock(connection, [customer]):
        raise Unknown(f"There is no customer {customer}.", fix="Look the id up where customers are kept.")
    ask = select(consent.c.purpose).where(consent.c.customer == customer, consent.c.given == given)
    # Said again, it stays as old as it is: what came in since then was agreed to.
    new = sorted(set(purposes) - set(connection.scalars(ask)))
    put(connection, consent, [{"customer": customer, "purpose": one, "given": given, "at": at} for one in new])
    dirty.mark(connection, "customer", [customer])
