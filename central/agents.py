"""Which agents of which stores may tell us something: their codes, their certificates, and the end of both."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from central.certificates import Revoked
from central.contract import topics
from central.contract.codec import encode
from central.contract.commands import Status
from central.contract.enrolment import CROCKFORD, Where
from central.errors import CodeRefused, Unknown
from central.keys import Issued, Keys
from central.storage.database import put
from central.storage.tables import agent, certificate, code

SECRET = 12
"""Characters of a code that only its holder knows: 60 bits, and wrong ones are answered slowly."""
CODE_LASTS = timedelta(hours=24)
_RENEWALS = 10
"""Certificates that an agent may have made within a day."""
_CODES = 1000
"""Codes that may wait; who makes more has a program that went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent that was enrolled."""

    agent: str
    store: str
    revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What became of a good code."""

    agent: str
    store: str
    issued: Issued


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an agent is told of where to go and whom to believe, as often as it gets a certificate."""

    brokers: tuple[Where, ...]
    assets: str
    ca: str
    """Whom to believe beside the chain's roots, in PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What it takes to let devices in."""

    keys: Keys
    reach: Reach
    chain_key: bytes

    def trust(self, at: datetime) -> str:
        """Whom devices are to believe, in PEM."""
        return self.keys.trusted(at) + self.reach.ca


def make_code(connection: Connection, store: str, name: str | None, at: datetime) -> tuple[str, str]:
    """Make a code that lets one device in as this agent (default: the store's next), and give the agent and the code.

    Only a digest of it is kept, so nobody can read it later. Raises Unknown.
    """
    _check("store", store)
    if store == topics.CHAIN:
        raise Unknown(f"{store!r} means all stores.", fix="Give the store another name.")
    connection.execute(code.delete().where(code.c.until <= at))
    name = name or _next(connection, store)
    _check("agent", name)
    if (connection.scalar(select(func.count()).select_from(code)) or 0) >= _CODES:
        raise Unknown(f"{_CODES} codes wait to be used.", fix="Use them, or wait a day.")
    secret = "".join(secrets.choice(CROCKFORD) for _ in range(SECRET))
    row = {"digest": _digest(secret), "store": store, "agent": name, "made": at, "until": at + CODE_LASTS}
    put(connection, code, [row])
    return name, secret


def enrol(connection: Connection, secret: str, request: str, keys: Keys, at: datetime) -> Enrolment:
    """Use a code up: certify the device's key, and take what other devices had as this agent from them.

    Raises CodeRefused and BadRequest; a code that came with a bad request is still good.
    """
    digest = _digest(_plain(secret))
    # Deleted before it is used: of two devices that bring it at once only one finds it.
    found = connection.execute(
        code.delete().where(code.c.digest == digest).returning(code.c.store, code.c.agent, code.c.until)
    ).first()
    if found is None or found.until <= at:
        raise CodeRefused("This code is unknown, used, or older than a day.", fix="Make another: noren central enrol")
    issued = keys.issue(found.agent, found.store, request, at)
    _revoke_certificates(connection, found.agent, at)
    _keep(connection, found.agent, issued, at)
    row = {"agent": found.agent, "store": found.store, "revoked": False, "revision": _revision(connection, found.agent)}
    put(connection, agent, [row | {"status": None, "status_at": None}])
    return Enrolment(agent=found.agent, store=found.store, issued=issued)


def renew(connection: Connection, name: str, request: str, keys: Keys, at: datetime) -> Issued:
    """Certify the agent's next key; its certificate of now stays good.

    Raises BadRequest, and Unknown if it is revoked or was here too often today.
    """
    found = find(connection, name)
    if found is None or found.revoked:
        raise Unknown(f"There is no agent {name} now.")
    lately = (certificate.c.agent == name) & (certificate.c.made > at - timedelta(days=1))
    if (connection.scalar(select(func.count()).select_from(certificate).where(lately)) or 0) >= _RENEWALS:
        raise Unknown(f"The agent {name} had {_RENEWALS} certificates within a day.", fix="Look at why, or wait.")
    issued = keys.issue(name, found.store, request, at)
    _keep(connection, name, issued, at)
    return issued


def revoke(connection: Connection, name: str, at: datetime) -> None:
    """From now on nothing of this agent is taken. Raises Unknown."""
    changed = agent.update().where(agent.c.agent == name).values(revoked=True, revision=agent.c.revision + 1)
    if connection.execute(changed).rowcount == 0:
        raise Unknown(f"There is no agent {name}.", fix="Look at `noren central report` for those there are.")
    _revoke_certificates(connection, name, at)
    connection.execute(code.delete().where(code.c.agent == name))


def find(connection: Connection, name: str) -> Agent | None:
    row = connection.execute(select(*_COLUMNS).where(agent.c.agent == name)).mappings().first()
    return None if row is None else Agent(**row)


def admitted(connection: Connection, at: datetime) -> tuple[Agent, ...]:
    """All that may connect: those that are not revoked, and have a certificate that is good."""
    good = select(certificate.c.agent).where(certificate.c.revoked.is_(None), certificate.c.until > at)
    found = select(*_COLUMNS).where(agent.c.revoked.is_(False), agent.c.agent.in_(good)).order_by(agent.c.agent)
    return tuple(Agent(**row) for row in connection.execute(found).mappings())


def certified(connection: Connection) -> bool:
    """Whether devices have certificates: of those that ran out the table is rid with the next one."""
    return connection.scalar(select(certificate.c.serial).limit(1)) is not None


def revision(connection: Connection) -> int:
    """A number that grows with every enrolment and revocation."""
    return connection.scalar(select(func.coalesce(func.sum(agent.c.revision), 0))) or 0


def revoked_certificates(connection: Connection, at: datetime) -> dict[Revoked, str]:
    """Those of revocation lists, with whose they were: what ran out needs no list any more."""
    rows = connection.execute(select(certificate).where(certificate.c.revoked.is_not(None), certificate.c.until > at))
    return {Revoked(serial=row.serial, issuer=row.issuer, at=row.revoked): row.agent for row in rows}


def say(connection: Connection, name: str, status: Status, at: datetime) -> None:
    """Keep what an agent last said of itself."""
    connection.execute(agent.update().where(agent.c.agent == name).values(status=encode(status).decode(), status_at=at))


def _next(connection: Connection, store: str) -> str:
    """The first of STORE-1, STORE-2 … that no device has and no code was made for."""
    taken: set[str] = set()
    for column in (agent.c.agent, code.c.agent):
        taken |= set(connection.scalars(select(column).where(column.startswith(f"{store}-", autoescape=True))))
    return next(name for name in (f"{store}-{number}" for number in range(1, len(taken) + 2)) if name not in taken)


def _keep(connection: Connection, name: str, issued: Issued, at: datetime) -> None:
    connection.execute(certificate.delete().where(certificate.c.until <= at))
    row = {"serial": issued.serial, "issuer": issued.issuer, "agent": name, "made": at, "until": issued.until}
    put(connection, certificate, [row | {"revoked": None}])


def _revoke_certificates(connection: Connection, name: str, at: datetime) -> None:
    good = certificate.c.revoked.is_(None) & (certificate.c.agent == name)
    connection.execute(certificate.update().where(good).values(revoked=at))


def _revision(connection: Connection, name: str) -> int:
    return (connection.scalar(select(agent.c.revision).where(agent.c.agent == name)) or 0) + 1


def _check(what: str, name: str) -> None:
    if not topics.is_id(name):
        raise Unknown(f"{name!r} is no {what}'s name.", fix="Use 1 to 64 of a-z, 0-9 and '-'.")


def _plain(typed: str) -> str:
    """Read a code as people type it: Crockford takes O for 0, and I and L for 1."""
    return typed.upper().replace("-", "").translate(str.maketrans("OIL", "011"))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


_COLUMNS = (agent.c.agent, agent.c.store, agent.c.revoked)
