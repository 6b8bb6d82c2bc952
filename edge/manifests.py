"""Believes a list of files only where central has signed it, up to a root that this device trusts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from central.contract.codec import Unreadable, decode
from central.contract.feeds import Asset, Manifest
from edge.enrolment import NOT_READ
from edge.errors import EdgeError

SIGNER = "Noren manifests "
"""How the certificate of a key that may sign manifests names it (central/keys.py): no other key of the chain may."""


def check(key: str, manifest: Manifest, trust: str, at: datetime | None) -> None:
    """See that this part, whose row has this key, is central's; `at` None: nobody knows what time it is.

    `trust` is the roots of the device's enrolment, as PEM. Raises EdgeError.
    """
    try:
        signer = x509.load_pem_x509_certificates(manifest.certificate.encode())[0]
        _may_sign(signer, x509.load_pem_x509_certificates(trust.encode()), at)
        signature = base64.b64decode(manifest.signature, validate=True)
        public = signer.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise EdgeError("A list of files is signed by another kind of key.")
        public.verify(signature, signed(key, manifest.assets), ec.ECDSA(hashes.SHA256()))
    except (*NOT_READ, binascii.Error, x509.ExtensionNotFound) as error:
        raise EdgeError(f"A list of files is not central's: {error!r}.") from error
    if any(not asset.digest.startswith(key) for asset in assets(manifest)):
        raise EdgeError("A list of files holds one that is not of its part.")


def signed(key: str, listed: str) -> bytes:
    """What is signed of a part."""
    return f"{key}\n{listed}".encode()


def assets(manifest: Manifest) -> tuple[Asset, ...]:
    """The files of a part. Raises EdgeError."""
    try:
        return decode(manifest.assets.encode(), tuple[Asset, ...])
    except Unreadable as error:
        raise EdgeError(f"A list of files cannot be read: {error}.") from error


def sizes(manifests: Iterable[Manifest]) -> dict[str, int]:
    """Bytes of every file that is listed; of parts that were checked. Raises EdgeError."""
    return {asset.digest: asset.size for manifest in manifests for asset in assets(manifest)}


def _may_sign(certificate: x509.Certificate, roots: Iterable[x509.Certificate], at: datetime | None) -> None:
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    if not named or not str(named[0].value).startswith(SIGNER) or not usage.digital_signature:
        raise EdgeError("A list of files is signed by a key that is not for them.")
    # By a root itself: what a device's or an enrolment key has signed vouches for nothing.
    if not any(_made(certificate, root) for root in roots):
        raise EdgeError("A list of files is signed by a key of no root that this device trusts.")
    if at is not None and at >= certificate.not_valid_after_utc:
        raise EdgeError("A list of files is signed by a key that has ended.", fix="`noren central keys` shows them.")


def _made(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except NOT_READ:
        return False
    return True
