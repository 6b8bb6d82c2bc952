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


def give(connection: Connection, customer: str, purposes: Collection[str], at: datetime) -> None:
    """Note that the customer agrees. Raises Unknown."""
    _note(connection, customer, purposes, given=True, at=at)


def withdraw(connection: Connection, customer: str, purposes: Collection[str], at: datetime) -> None:
    """Note that the customer agrees no longer: what stores hold by it is taken back. Raises Unknown."""
    _note(connection, customer, purposes, given=False, at=at)


def given(connection: Connection, customers: Collection[str]) -> dict[str, frozenset[str]]:
    """What these customers agree to; who agreed to nothing is left out."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(consent).where(consent.c.customer.in_(customers), consent.c.given)):
        found.setdefault(row.customer, set()).add(row.purpose)
    return {customer: frozenset(purposes) for customer, purposes in found.items()}


def _note(connection: Connection, customer: str, purposes: Collection[str], *, given: bool, at: datetime) -> None:
    strange = set(purposes) - set(PURPOSES)
    if strange:
        raise Unknown(f"{', '.join(sorted(strange))} is no purpose.", fix=f"Use {', '.join(PURPOSES)}.")
    if not profiles.exists(connection, customer):
        raise Unknown(f"There is no customer {customer}.", fix="Look the id up where customers are kept.")
    put(
        connection,
        consent,
        [{"customer": customer, "purpose": purpose, "given": given, "at": at} for purpose in sorted(set(purposes))],
    )
    dirty.mark(connection, "customer", [customer])
