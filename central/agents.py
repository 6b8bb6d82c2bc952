"""Who may tell us something: agents of stores, known by a broker, and sources such as a web shop, known by a key."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from central.contract import topics
from central.contract.codec import encode
from central.contract.commands import Status
from central.errors import Unknown
from central.storage.database import put
from central.storage.tables import agent, source

_ID = re.compile(r"[a-z0-9-]{1,64}")
_ROUNDS = 101
"""What mosquitto 2.0 uses itself; our passwords are random, so more would slow logins and stop nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One enrolled agent; `secret` is its password as mosquitto's password file holds it."""

    agent: str
    store: str
    secret: str
    revoked: bool


def enrol(connection: Connection, store: str, name: str) -> str:
    """Make the agent one of that store (again) and give its new password, which nobody can read later."""
    for what, value in (("store", store), ("agent", name)):
        _check(what, value)
    if store == topics.CHAIN:
        raise Unknown(f"{store!r} means all stores.", fix="Give the store another name.")
    password = secrets.token_urlsafe(24)
    revision = connection.scalar(select(agent.c.revision).where(agent.c.agent == name)) or 0
    row = {"agent": name, "store": store, "secret": hashed(password), "revoked": False, "revision": revision + 1}
    put(connection, agent, [row | {"status": None, "status_at": None}])
    return password


def revoke(connection: Connection, name: str) -> None:
    """From now on nothing of this agent is taken. Raises Unknown."""
    changed = agent.update().where(agent.c.agent == name).values(revoked=True, revision=agent.c.revision + 1)
    if connection.execute(changed).rowcount == 0:
        raise Unknown(f"There is no agent {name}.", fix="Look at `noren central report` for those there are.")


def find(connection: Connection, name: str) -> Agent | None:
    row = connection.execute(select(*_COLUMNS).where(agent.c.agent == name)).mappings().first()
    return None if row is None else Agent(**row)


def enrolled(connection: Connection) -> tuple[Agent, ...]:
    """All that may connect."""
    rows = connection.execute(select(*_COLUMNS).where(agent.c.revoked.is_(False)).order_by(agent.c.agent)).mappings()
    return tuple(Agent(**row) for row in rows)


def revision(connection: Connection) -> int:
    """A number that grows with every enrolment and revocation."""
    return connection.scalar(select(func.coalesce(func.sum(agent.c.revision), 0))) or 0


def say(connection: Connection, name: str, status: Status, at: datetime) -> None:
    """Keep what an agent last said of itself."""
    connection.execute(agent.update().where(agent.c.agent == name).values(status=encode(status).decode(), status_at=at))


def make_key(connection: Connection, name: str, at: datetime) -> str:
    """Let a source in and give its key, which nobody can read later; a key that it had before is no good any more."""
    _check("source", name)
    key = secrets.token_urlsafe(32)
    put(connection, source, [{"source": name, "digest": _digest(key), "made": at}])
    return key


def revoke_key(connection: Connection, name: str) -> None:
    """From now on nothing of this source is taken. Raises Unknown."""
    if connection.execute(source.delete().where(source.c.source == name)).rowcount == 0:
        raise Unknown(f"There is no source {name}.", fix="Make it a key with `noren central key`.")


def source_of(connection: Connection, key: str) -> str | None:
    """Whose key this is."""
    # Looked up by its digest: how long that takes says nothing of the key, and 32 random bytes need no slow hash.
    return connection.scalar(select(source.c.source).where(source.c.digest == _digest(key)))


def hashed(password: str) -> str:
    """Give the password in mosquitto's own format (mosquitto_passwd(1): `$7$`, PBKDF2 with SHA-512)."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _check(what: str, name: str) -> None:
    if not _ID.fullmatch(name):
        raise Unknown(f"{name!r} is no {what}'s name.", fix="Use 1 to 64 of a-z, 0-9 and '-'.")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


_COLUMNS = (agent.c.agent, agent.c.store, agent.c.secret, agent.c.revoked)
