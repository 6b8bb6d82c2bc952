"""Signed member codes as a phone shows them, made with a chain's keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from chain_keys import now
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central.contract import signed_code
from central.contract.feeds import Codes
from central.contract.member_code import CARDS
from central.keys import Key, Keys

MEMBER = "0123456789ab"
"""The opaque id of a member."""


def public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def code(
    private: Ed25519PrivateKey,
    member: str = MEMBER,
    made: datetime | None = None,
    good_for: timedelta = timedelta(seconds=30),
    key: str | None = None,
) -> bytes:
    """What a phone shows; `key` is the id that it names, if not its own."""
    head = signed_code.head(key or signed_code.key_id(public(private)), member, made or now(), good_for)
    return signed_code.digits(head, private.sign(signed_code.signed(head))).encode()


class Chain:
    """A chain with its key tree, and the row that tells stores of it."""

    def __init__(self, folder: Path, at: datetime | None = None) -> None:
        self.keys = Keys.open(folder, at or now())

    @property
    def trust(self) -> str:
        return self.keys.trusted(now())

    def key(self, place: int = -1) -> Key:
        """One of its keys for codes, the newest last."""
        return self.keys.of("codes", now())[place]

    def private(self, place: int = -1) -> Ed25519PrivateKey:
        private = self.key(place).private
        assert isinstance(private, Ed25519PrivateKey)
        return private

    def row(self, *keys: str) -> Codes:
        """The row of the feed, with these certificates or all there are."""
        return Codes(cards=CARDS, keys=keys or tuple(key.pem for key in self.keys.of("codes", now())))

    def code(self, member: str = MEMBER, made: datetime | None = None, place: int = -1) -> bytes:
        return code(self.private(place), member, made)
