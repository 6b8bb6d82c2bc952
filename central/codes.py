"""Makes the signed codes that a member's phone shows, and keeps by which id a code names whom."""

from __future__ import annotations

import io
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import segno
from sqlalchemy import Connection, select

from central import certificates, dirty
from central.contract import signed_code
from central.contract.feeds import Codes
from central.contract.member_code import Card
from central.errors import CentralError, Unknown
from central.keys import Keys
from central.storage.database import put
from central.storage.tables import customer, member_id

MOST = 20
"""Codes made ahead at once, for a phone that will be offline: who steals it has no more of them than that."""
GOOD_FOR = timedelta(seconds=60)
_OVERLAP = timedelta(seconds=5)
"""How long a code and the next are both good: a phone changes them a little late, a clock is a little off."""
_VERSION, _CORRECTION = 4, "l"
"""Of the symbol: 33 modules across, the smallest that holds 186 digits. On a phone of one width its modules are larger
than those of 5-M, which is read from nearer and moved more slowly, if with more glare on it (`bench codes`)."""
_QUIET = 4
"""Modules that stay empty around it (ISO/IEC 18004, 6.3.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A code, and from when to when stores take it."""

    code: str
    """Its digits (central.contract.signed_code)."""
    start: datetime
    until: datetime


def issue(
    connection: Connection, keys: Keys, who: str, at: datetime, count: int = 1, good_for: timedelta = GOOD_FOR
) -> tuple[Issued, ...]:
    """Make so many codes of a customer, each for its own time, the first from now on and the next in good time.

    The same for the same second. Raises Unknown, and CentralError where no code can be made now.
    """
    member = _member(connection, who)
    first = at.replace(microsecond=0)
    try:
        return tuple(_signed(keys, member, first + nth * (good_for - _OVERLAP), good_for) for nth in range(count))
    except OverflowError as error:
        raise CentralError(f"No code can be made for {first:%Y-%m-%d}.", fix="Set central's clock.") from error


def told(issued: Issued, *, drawn: bool = False) -> dict[str, Any]:
    """A code as it is told to others."""
    said: dict[str, Any] = {"code": issued.code, "from": issued.start, "until": issued.until}
    return said | {"svg": symbol(issued.code)} if drawn else said


def renew(connection: Connection, who: str) -> None:
    """Name this customer by another id: the codes that were made are nobody's any more. Raises Unknown."""
    _lock(connection, who)
    _name(connection, who)


def ids(connection: Connection, customers: Collection[str]) -> dict[str, str]:
    """By which ids codes name these customers; who never asked for a code has none."""
    found = connection.execute(select(member_id).where(member_id.c.customer.in_(customers)))
    return {row.customer: row.id for row in found}


def member_of(connection: Connection, members: Collection[str]) -> dict[str, str]:
    """Whom these ids of codes name."""
    found = connection.execute(select(member_id).where(member_id.c.id.in_(members)))
    return {row.id: row.customer for row in found}


def of_chain(keys: Keys, cards: Sequence[Card], at: datetime) -> Codes:
    """What stores take for member codes now. Raises KeysUnusable."""
    return Codes(cards=tuple(cards), keys=tuple(key.pem for key in keys.of_codes(at)))


def symbol(code: str) -> str:
    """Draw a code as an SVG of any size, dark on light whatever lies behind it, with its quiet zone."""
    made = segno.make_qr(code, version=_VERSION, error=_CORRECTION, mode="numeric", boost_error=False)
    out = io.BytesIO()
    made.save(out, kind="svg", border=_QUIET, dark="#000", light="#fff", xmldecl=False, omitsize=True)
    return out.getvalue().decode()


def _signed(keys: Keys, member: str, made: datetime, good_for: timedelta) -> Issued:
    until = made + good_for
    key = keys.signs_codes(until)
    head = signed_code.head(key.short, member, made, good_for)
    signature = certificates.signature(key, signed_code.signed(head))
    return Issued(code=signed_code.digits(head, signature), start=made, until=until)


def _member(connection: Connection, who: str) -> str:
    found = ids(connection, [who])
    if not found:
        _lock(connection, who)
        found = ids(connection, [who])  # Another was faster.
    return found.get(who) or _name(connection, who)


def _lock(connection: Connection, who: str) -> None:
    if connection.scalar(select(customer.c.customer).where(customer.c.customer == who).with_for_update()) is None:
        raise Unknown(f"There is no customer {who}.", fix="Look the id up where customers are kept.")


def _name(connection: Connection, who: str) -> str:
    """Give a customer (locked) a new id."""
    made = secrets.token_hex(6)
    # Of digits alone it could be somebody's card as well.
    while made.isdecimal() or member_of(connection, [made]):
        made = secrets.token_hex(6)
    put(connection, member_id, [{"customer": who, "id": made}])
    dirty.mark(connection, "customer", [who])
    return made
