"""How a device becomes an agent: a one-time code, a certificate for a key that never leaves it, and its renewal."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from central.contract.codec import Digest, Id, Word

Pem = Annotated[str, Meta(min_length=1, max_length=20_000)]
"""One certificate request, or certificates one after the other, the device's own first."""
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The letters of one-time codes (Crockford's base 32): none that looks like another."""
_FROM_RFC = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CROCKFORD)
Brokers = Annotated[tuple["Where", ...], Meta(min_length=1, max_length=16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a broker listens with TLS."""

    host: Word
    port: Annotated[int, Meta(ge=1, le=65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """The body of `POST /v1/enrol`: let this key in as the agent that the code was made for."""

    code: Word
    request: Pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What a device needs to be an agent; `token_key` it keeps sealed, or has released at each boot (`Unlocked`)."""

    store: Id
    agent: Id
    certificate: Pem
    trust: Pem
    """Whose certificates the device believes: the chain's roots, and what else its brokers' certificates hang on."""
    brokers: Brokers
    assets: Word
    token_key: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Topic `renew`: a certificate for a new key, asked for over a session that the old one opened."""

    request: Pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """Topic `renewed`: the answer, and everything else of an enrolment that may have changed since."""

    certificate: Pem
    trust: Pem
    brokers: Brokers
    assets: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Topic `unlock`: give me the key that seals what lies on this device; answered as often as it is asked."""

    boot: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """Topic `unlocked`: 32 bytes each in hex, the sealing key to be held in memory only."""

    sealing_key: Digest
    token_key: Digest | None = None
    """As in `Enrolled`: whoever could not seal it then did not keep it."""


def fingerprint(public_key: bytes) -> str:
    """The last 16 characters of a one-time code: 80 bits of SHA-256 of the root's public key (SubjectPublicKeyInfo)."""
    return base64.b32encode(hashlib.sha256(public_key).digest()[:10]).decode().translate(_FROM_RFC)
