"""Believes a list of files only where central has signed it, up to a root that this device trusts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from central.contract.codec import Unreadable, decode
from central.contract.feeds import Asset, Manifest
from edge import vouched
from edge.enrolment import NOT_READ
from edge.errors import EdgeError


def check(key: str, manifest: Manifest, trust: str, at: datetime | None) -> None:
    """See that this part, whose row has this key, is central's; `at` None: nobody knows what time it is.

    `trust` is the roots of the device's enrolment, as PEM. Raises EdgeError.
    """
    try:
        signer = vouched.signer(manifest.certificate, "manifests", trust)
        # By a clock that is behind it may be of a time to come.
        if at is not None and at >= signer.not_valid_after_utc:
            raise EdgeError(
                "A list of files is signed by a key that has ended.", fix="`noren central keys` shows them."
            )
        signature = base64.b64decode(manifest.signature, validate=True)
        public = signer.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise EdgeError("A list of files is signed by another kind of key.")
        public.verify(signature, signed(key, manifest.assets), ec.ECDSA(hashes.SHA256()))
    except (*NOT_READ, binascii.Error) as error:
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
