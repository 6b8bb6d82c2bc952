"""Which other systems may tell or ask something over HTTP, and what: a web shop, a register, a monitor."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from central.contract import topics
from central.errors import Unknown
from central.storage.database import put
from central.storage.tables import source

SCOPES = ("track", "consents", "health", "programme", "codes")
"""What a key may be good for: telling what customers do, what they agree to, asking how it is, saying what plays,
making the codes that members show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who a key belongs to, and what it may be used for."""

    source: str
    scopes: frozenset[str]


def make_key(connection: Connection, name: str, scopes: Iterable[str], at: datetime) -> str:
    """Let a source in and give its key, which nobody can read later; a key that it had before is no good any more.

    Raises Unknown for a name or a scope that cannot be.
    """
    if not topics.is_id(name):
        raise Unknown(f"{name!r} is no source's name.", fix="Use 1 to 64 of a-z, 0-9 and '-'.")
    wanted = frozenset(scopes)
    if not wanted or wanted - set(SCOPES):
        raise Unknown(
            f"A key cannot be made for {', '.join(sorted(wanted - set(SCOPES))) or 'nothing'}.",
            fix=f"Choose from {', '.join(SCOPES)}.",
        )
    key = secrets.token_urlsafe(32)
    kept = " ".join(scope for scope in SCOPES if scope in wanted)
    put(connection, source, [{"source": name, "digest": _digest(key), "made": at, "scopes": kept}])
    return key


def revoke_key(connection: Connection, name: str) -> None:
    """From now on nothing of this source is taken. Raises Unknown."""
    if connection.execute(source.delete().where(source.c.source == name)).rowcount == 0:
        raise Unknown(f"There is no source {name}.", fix="Make it a key with `noren central key`.")


def source_of(connection: Connection, key: str) -> Source | None:
    """Whose key this is."""
    # Looked up by its digest: how long that takes says nothing of the key, and 32 random bytes need no slow hash.
    row = connection.execute(select(source.c.source, source.c.scopes).where(source.c.digest == _digest(key))).first()
    return None if row is None else Source(source=row.source, scopes=frozenset(row.scopes.split()))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
