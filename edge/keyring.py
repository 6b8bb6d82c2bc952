"""Holds what member codes are in this chain: its cards, and the keys by which a signed code is verified."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.contract import member_code, signed_code
from central.contract.feeds import Codes
from central.contract.member_code import Card
from central.contract.signed_code import SignedCode
from edge import vouched
from edge.enrolment import NOT_READ
from edge.errors import EdgeError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    public: Ed25519PublicKey
    certificate: x509.Certificate


class Keyring:
    """Knows no key before `use`; until the feed has come once, cards are what they are where a chain says nothing."""

    def __init__(self) -> None:
        self.cards: Sequence[Card] = member_code.CARDS
        self._keys: dict[str, list[_Key]] = {}
        """By the id that codes name them by; two of 65,536 may share one."""
        self._told = False

    @property
    def knows(self) -> bool:
        """Whether central has ever said which keys there are: before that, a code of another key is nobody's fault."""
        return self._told

    def use(self, codes: Codes | None, trust: str) -> None:
        """Take what the feed says now; None: it has not come yet, or is deleted. A key that is none is left out."""
        self._told = codes is not None
        self.cards = codes.cards if codes is not None else member_code.CARDS
        self._keys = {}
        for pem in codes.keys if codes is not None else ():
            try:
                key = _read(pem, trust)
            except EdgeError as error:
                log.warning("a key for member codes is not central's: %s", error)
                continue
            self._keys.setdefault(signed_code.key_id(key.public.public_bytes_raw()), []).append(key)

    def verify(self, code: SignedCode) -> bool:
        """Whether a key of central's, good when the code was made, has signed it."""
        return any(_has_signed(key, code) for key in self._keys.get(code.key, ()))


def check(codes: Codes, trust: str) -> None:
    """See that every key which the feed names is central's. Raises EdgeError."""
    for pem in codes.keys:
        _read(pem, trust)


def _read(pem: str, trust: str) -> _Key:
    certificate = vouched.signer(pem, "codes", trust)
    try:
        public = certificate.public_key()
    except NOT_READ as error:
        raise EdgeError(f"A key for member codes cannot be read: {error!r}.") from error
    if not isinstance(public, Ed25519PublicKey):
        raise EdgeError("A key for member codes is of another kind than Ed25519.")
    return _Key(public=public, certificate=certificate)


def _has_signed(key: _Key, code: SignedCode) -> bool:
    if not vouched.is_good(key.certificate, code.made):
        return False
    try:
        key.public.verify(code.signature, code.signed)
    except InvalidSignature:
        return False
    return True
