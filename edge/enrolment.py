"""Holds who this device is, on its disk: a key that it made itself, certificates, and what central said of it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from central.contract import codec
from central.contract.codec import Id, Unreadable, Word
from edge.config import Broker
from edge.errors import EdgeError, Unwritable
from ground import files

IDENTITY = "identity"
"""In the agent's folder: a link to `identity-N`, which is whole on the disk before the link names it."""
KEY, CERTIFICATE, TRUST, TERMS, TOKEN = "key.pem", "certificate.pem", "trust.pem", "enrolment.json", "token.sealed"
_WHOLE = re.compile(r"^identity-([0-9]{1,9})\Z")
NOT_READ = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion)
"""What cryptography raises for certificates that are none, or not signed by whom they name."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which Python has no name for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """Whose agent this is, where its brokers are, and the folder that holds its key and certificates."""

    store: str
    agent: str
    brokers: tuple[Broker, ...]
    assets: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The file enrolment.json."""

    store: Id
    agent: Id
    brokers: tuple[Broker, ...]
    assets: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What makes an identity: the key and what central has made for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: str
    """The device's own, then those up to a root, as PEM."""
    trust: str
    terms: Terms
    token: bytes | None
    """The store's token key, sealed."""


def load(folder: Path) -> Enrolment:
    """The enrolment in an agent's folder. Raises EdgeError where there is none."""
    try:
        return _read(Path(os.path.realpath(folder / IDENTITY, strict=True)))
    except FileNotFoundError as error:
        raise EdgeError("This device is not enrolled.", fix="Enrol it: noren edge enrol CODE") from error
    except (OSError, Unreadable) as error:
        raise EdgeError(
            f"The enrolment in {folder / IDENTITY} cannot be read: {error}.",
            fix="Run as the user that enrolled, or enrol again: noren edge enrol CODE --again",
        ) from error


def before(now: Enrolment) -> Enrolment | None:
    """The identity that `now` has replaced and that was kept until `now` has worked; None where there is none."""
    older = [place for place in _whole(now.folder.parent) if _number(place) < _number(now.folder)]
    for place in sorted(older, key=_number, reverse=True):
        with contextlib.suppress(OSError, Unreadable):
            return _read(place)
    return None


def forget_before(now: Enrolment) -> None:
    """Delete what `now` has replaced."""
    for place in _whole(now.folder.parent):
        if _number(place) < _number(now.folder):
            shutil.rmtree(place, ignore_errors=True)


def keep(folder: Path, papers: Papers) -> Enrolment:
    """Write an identity and make it the one that `load` gives; a power cut leaves that or the one before, whole.

    The one before stays until `forget_before`. Raises Unwritable.
    """
    number = max(map(_number, _whole(folder)), default=0) + 1
    place, making, link = folder / f"identity-{number}", folder / "identity.new", folder / "identity.link"
    try:
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        for name, content in _files(papers):
            _write(making / name, content)
        files.settle(making)
        making.rename(place)
        files.settle(folder)
        link.unlink(missing_ok=True)
        link.symlink_to(place.name)
        link.replace(folder / IDENTITY)
        files.settle(folder)
        return _read(place)
    except OSError as error:
        raise Unwritable(
            f"The folder {folder} takes no identity: {error.strerror or error}.",
            fix="Check its owner and its free space.",
        ) from error


def keep_token(enrolment: Enrolment, sealed: bytes) -> None:
    """Keep the store's token key, sealed, with an identity that came without it. Raises Unwritable."""
    try:
        files.put(enrolment.folder / TOKEN, sealed)
    except OSError as error:
        raise Unwritable(
            f"The token key cannot be kept: {error}.", fix="Check the folder's owner and space."
        ) from error


def token(enrolment: Enrolment) -> bytes | None:
    """The store's token key as it was sealed, or None."""
    try:
        return (enrolment.folder / TOKEN).read_bytes()
    except OSError:
        return None


def trusted(enrolment: Enrolment) -> str:
    """Whom players may believe who fetch pictures from central, as PEM. Raises EdgeError."""
    try:
        return (enrolment.folder / TRUST).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(enrolment, error) from error


def made_key() -> ec.EllipticCurvePrivateKey:
    """A new key, P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def request(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request that proves to hold the key; who it is for, central knows."""
    made = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def own(enrolment: Enrolment) -> x509.Certificate:
    """The agent's certificate. Raises EdgeError."""
    try:
        return x509.load_pem_x509_certificates((enrolment.folder / CERTIFICATE).read_bytes())[0]
    except (OSError, *NOT_READ) as error:
        raise _unusable(enrolment, error) from error


def check(papers: Papers) -> None:
    """See that what central made can be used: for this key and agent, and up to a root. Raises EdgeError."""
    try:
        chain = x509.load_pem_x509_certificates(papers.certificate.encode())
        trust = x509.load_pem_x509_certificates(papers.trust.encode())
        if chain[0].public_key() != papers.key.public_key():
            raise EdgeError("The certificate is for another key.")
        named = _named(chain[0], NameOID.ORGANIZATION_NAME), _named(chain[0], NameOID.COMMON_NAME)
        if named != (papers.terms.store, papers.terms.agent):
            raise EdgeError(f"The certificate is for {named[1]} of {named[0]}.")
        for made, maker in pairwise(chain):
            made.verify_directly_issued_by(maker)
        if not any(_made(chain[-1], root) for root in trust):
            raise EdgeError("The certificate hangs on no root that this device is to trust.")
    except NOT_READ as error:
        raise EdgeError(f"The certificates cannot be read: {error!r}.") from error


def context(enrolment: Enrolment) -> ssl.SSLContext:
    """TLS 1.3 as this agent, believing only whom its enrolment trusts, by host name. Raises EdgeError.

    A device without a clock would find every certificate not yet valid, so OpenSSL does not look at the time; who
    connects does, once the time is known.
    """
    made = bare_context()
    try:
        made.load_verify_locations(cafile=enrolment.folder / TRUST)
        made.load_cert_chain(enrolment.folder / CERTIFICATE, enrolment.folder / KEY)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(enrolment, error) from error
    return made


def bare_context() -> ssl.SSLContext:
    """TLS 1.3 that believes nobody yet and does not look at the time."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_flags |= _NO_CHECK_TIME
    return made


def _files(papers: Papers) -> Iterator[tuple[str, bytes]]:
    yield (
        KEY,
        papers.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    yield CERTIFICATE, papers.certificate.encode()
    yield TRUST, papers.trust.encode()
    yield TERMS, codec.encode(papers.terms)
    if papers.token is not None:
        yield TOKEN, papers.token


def _read(folder: Path) -> Enrolment:
    terms = codec.decode((folder / TERMS).read_bytes(), Terms)
    return Enrolment(store=terms.store, agent=terms.agent, brokers=terms.brokers, assets=terms.assets, folder=folder)


def _whole(folder: Path) -> list[Path]:
    return [place for place in folder.iterdir() if _WHOLE.match(place.name)] if folder.is_dir() else []


def _number(place: Path) -> int:
    found = _WHOLE.match(place.name)
    return int(found[1]) if found else 0


def _write(path: Path, content: bytes) -> None:
    with open(path, "xb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _named(certificate: x509.Certificate, what: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(what)
    return str(found[0].value) if found else ""


def _made(certificate: x509.Certificate, maker: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(maker)
    except NOT_READ:
        return False
    return True


def _unusable(enrolment: Enrolment, error: Exception) -> EdgeError:
    return EdgeError(
        f"The certificates in {enrolment.folder} cannot be used: {error}.",
        fix="Enrol again: noren edge enrol CODE --again",
    )
