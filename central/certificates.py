"""Makes what the keys sign: certificates and revocation lists, and reads what strangers ask to have signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from central.errors import BadRequest

Private: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey
Public: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
MAX_REQUEST = 20_000
"""Characters of a request: a P-256 key's has 500."""
_EARLIER = timedelta(hours=1)
"""Valid from before now: clocks differ."""
_END = "-----END X509 CRL-----\n"
_LIST_LASTS = timedelta(days=7)
"""A revocation list that ran out lets nobody in; it is made anew every day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key and the certificate that says what it may sign."""

    private: Private
    """On P-256, apart from what signs member codes: Ed25519 signs those (central/contract/signed_code.py)."""
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return certificate_pem(self.certificate)

    @property
    def id(self) -> str:
        return key_id(self.private.public_key())


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """One line of a revocation list."""

    serial: str
    issuer: str
    at: datetime


def new_key() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


def key_id(key: Public) -> str:
    """Give the first 16 bytes of SHA-256 of the public key, in hex."""
    return hashlib.sha256(public_bytes(key)).hexdigest()[:32]


def public_bytes(key: Public) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: Private) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def requested_key(request: str) -> EllipticCurvePublicKey:
    """Give the key that a request is for, which its sender has shown to hold; nothing else of it is used.

    Raises BadRequest.
    """
    if len(request) > MAX_REQUEST:
        raise BadRequest(f"A request has at most {MAX_REQUEST} characters.")
    try:
        read = x509.load_pem_x509_csr(request.encode())
        key = read.public_key()
        signed = read.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise BadRequest("That is no certificate request in PEM.") from error
    if not (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)):
        raise BadRequest("The request must be for a key on the curve P-256.")
    if not signed:
        raise BadRequest("The request is not signed by the key that it is for.")
    return key


def signature(signer: Signer, data: bytes) -> bytes:
    """Sign, the same each time (RFC 6979, RFC 8032): what has not changed need not be sent again."""
    if isinstance(signer.private, Ed25519PrivateKey):
        return signer.private.sign(data)
    return signer.private.sign(data, ECDSA(hashes.SHA256(), deterministic_signing=True))


def root(what: str, at: datetime, lasts: timedelta) -> Signer:
    """Make a root, which signs itself."""
    private = new_key()
    name = _signers_name(what, private)
    builder = _builder(name, private.public_key(), at, at + lasts).issuer_name(name)
    builder = _may_sign(builder, None)
    key_name = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    return Signer(
        private=private, certificate=builder.add_extension(key_name, critical=False).sign(private, hashes.SHA256())
    )


def below(
    signer: Signer,
    what: str,
    at: datetime,
    lasts: timedelta,
    *,
    signs_certificates: bool,
    private: Private | None = None,
) -> Signer:
    """Have a root answer for a key: this one, or one on P-256 that is made."""
    private = private or new_key()
    builder = _builder(_signers_name(what, private), private.public_key(), at, at + lasts)
    builder = _may_sign(builder, 0) if signs_certificates else _signs_only(builder)
    return Signer(private=private, certificate=_signed(builder, private.public_key(), signer))


def leaf(
    signer: Signer,
    key: EllipticCurvePublicKey,
    name: str,
    use: ObjectIdentifier,
    at: datetime,
    lasts: timedelta,
    *,
    organisation: str = "",
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    """Make the certificate of a client or a server; it ends with its signer's at the latest."""
    until = min(at + lasts, signer.certificate.not_valid_after_utc)
    builder = _signs_only(_builder(_name(name, organisation), key, at, until))
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    return _signed(builder, key, signer)


def revocation_list(signer: Signer, revoked: Iterable[Revoked], at: datetime) -> str:
    """Make the list of one signer, in PEM: it is wanted also where it is empty."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(signer.certificate.subject)
    builder = builder.last_update(at - _EARLIER).next_update(at + _LIST_LASTS)
    for one in revoked:
        if one.issuer == signer.id:
            entry = x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16)).revocation_date(one.at)
            builder = builder.add_revoked_certificate(entry.build())
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private.public_key())
    builder = builder.add_extension(named, critical=False)
    builder = builder.add_extension(x509.CRLNumber(int(at.timestamp() * 1000)), critical=False)
    return builder.sign(signer.private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def listed(lists: str, signer: Signer) -> list[Revoked]:
    """Read what a signer's lists among these, in PEM, hold; others are left out, as is what is no list."""
    found = []
    for part in lists.split(_END)[:-1]:
        try:
            read = x509.load_pem_x509_crl((part + _END).encode())
            if read.is_signature_valid(signer.private.public_key()):
                found += [
                    Revoked(serial=f"{one.serial_number:x}", issuer=signer.id, at=one.revocation_date_utc)
                    for one in read
                ]
        except ValueError:
            continue
    return found


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The names that a server's certificate is for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names.get_values_for_type(x509.DNSName)) | {
        str(address) for address in names.get_values_for_type(x509.IPAddress)
    }


def _builder(name: x509.Name, key: Public, at: datetime, until: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(name).public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(at - _EARLIER).not_valid_after(until)


def _signed(builder: x509.CertificateBuilder, key: Public, signer: Signer) -> x509.Certificate:
    builder = builder.issuer_name(signer.certificate.subject)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private.public_key())
    return builder.add_extension(named, critical=False).sign(signer.private, hashes.SHA256())


def _may_sign(builder: x509.CertificateBuilder, length: int | None) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
    return builder.add_extension(_usage(signs=True), critical=True)


def _signs_only(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(_usage(signs=False), critical=True)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signers_name(what: str, key: Private) -> x509.Name:
    # With its id: lists and certificates of keys that overlap are told apart by their issuer's name.
    return _name(f"Noren {what} {key_id(key.public_key())}")


def _name(name: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
