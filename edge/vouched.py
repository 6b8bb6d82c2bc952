"""Tells whose signatures this device believes: a key that is for this purpose, right below a root that it trusts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from edge.enrolment import NOT_READ
from edge.errors import EdgeError


def signer(pem: str, purpose: str, trust: str) -> x509.Certificate:
    """The certificate of a key that may sign for a purpose, as central/keys.py names it; whenever it is or was good.

    `trust` is the roots of the device's enrolment, as PEM. Raises EdgeError.
    """
    try:
        found = x509.load_pem_x509_certificates(pem.encode())[0]
        roots = x509.load_pem_x509_certificates(trust.encode())
        named = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    except (*NOT_READ, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise EdgeError(f"That is no certificate of a key that signs: {error!r}.") from error
    if not named or not str(named[0].value).startswith(f"Noren {purpose} ") or not usage.digital_signature:
        raise EdgeError(f"It is signed by a key that is not for {purpose}.")
    # By a root itself: what a device's or an enrolment key has signed vouches for nothing.
    if not _made_by_one(found, roots):
        raise EdgeError("It is signed by a key of no root that this device trusts.")
    return found


def is_good(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether a key may have signed at this time."""
    return certificate.not_valid_before_utc <= at < certificate.not_valid_after_utc


def _made_by_one(certificate: x509.Certificate, roots: Iterable[x509.Certificate]) -> bool:
    for root in roots:
        try:
            certificate.verify_directly_issued_by(root)
        except NOT_READ:
            continue
        return True
    return False
