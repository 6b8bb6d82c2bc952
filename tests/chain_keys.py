"""A chain's keys as tests need them: agents that are enrolled the whole way, and devices with what they would hold."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from central import agents, certificates
from central.keys import Issued, Keys
from central.storage import tables
from central.storage.database import put


def now() -> datetime:
    return datetime.now(UTC)


def request(key: ec.EllipticCurvePrivateKey | None = None) -> str:
    """What a device sends to have its key certified."""
    made = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key or certificates.new_key(), hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def known(connection: Connection, store: str, agent: str) -> None:
    """Have central know an agent, where nobody asks for its certificate."""
    put(connection, tables.agent, [{"agent": agent, "store": store, "revoked": False, "revision": 1}])


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a device holds, and how it connects."""

    agent: str
    issued: Issued
    tls: ssl.SSLContext
    file: Path
    """Its key and its certificate."""


def device(
    folder: Path, keys: Keys, agent: str, store: str, at: datetime | None = None, *, trusts: Keys | None = None
) -> Device:
    """Make one; its certificate is of the time `at`."""
    key = certificates.new_key()
    issued = keys.issue(agent, store, request(key), at or now())
    return _with(folder, agent, key, issued, trusts or keys)


def enrolled(folder: Path, connection: Connection, keys: Keys, store: str, agent: str) -> Device:
    """Make one whose enrolment the database knows."""
    key, at = certificates.new_key(), now()
    _, secret = agents.make_code(connection, store, agent, at)
    done = agents.enrol(connection, secret, request(key), keys, at)
    return _with(folder, agent, key, done.issued, keys)


def old(folder: Path) -> Keys:
    """A tree that was there long before."""
    return Keys.open(folder, now() - timedelta(days=800))


def _with(folder: Path, agent: str, key: ec.EllipticCurvePrivateKey, issued: Issued, trusts: Keys) -> Device:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{agent}-{issued.serial}.pem"
    file.write_text(certificates.private_pem(key) + issued.pem)
    context = trusts.trust(now())
    context.load_cert_chain(file)
    return Device(agent=agent, issued=issued, tls=context, file=file)
