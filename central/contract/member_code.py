"""Tells which read codes are the numbers of plain member cards, and hides tokens behind keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

_NUMBER = re.compile(rb"^[0-9A-Z-]{4,32}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Which numbers a chain's plain cards have: their first characters and how many there are in all.

    Of 13 digits the last is an EAN-13's check digit.
    """

    prefix: Annotated[str, Meta(pattern="^[0-9A-Z-]{1,16}\\Z")]
    length: Annotated[int, Meta(ge=4, le=32)]


CARDS = (Card(prefix="29", length=13),)
"""What cards are where a chain says nothing. GS1 keeps EAN-13's prefixes 20 to 29 for a company's own numbers: goods
that a store weighs are among them as well, so a chain's cards need a prefix that its goods have not."""


def check_digit(first_twelve: str) -> str:
    """The last digit of an EAN-13 (GS1 General Specifications 7.9: weights 1, 3, 1, 3 … from the left)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def number(code: bytes, cards: Sequence[Card] = CARDS) -> str | None:
    """The member number in a code's exact bytes; None where it is something else (a product, a poster, junk)."""
    if not _NUMBER.match(code):
        return None
    said = code.decode("ascii")
    if not any(len(said) == card.length and said.startswith(card.prefix) for card in cards):
        return None
    if len(said) == 13 and said.isdecimal() and check_digit(said[:12]) != said[12]:
        return None
    return said


def store_key(chain_key: bytes, store: str) -> bytes:
    """The key of one store's token hashes: a stolen device opens no other store's table."""
    return hmac.digest(chain_key, b"noren/token-key/v1\0" + store.encode(), hashlib.sha256)


def token(key: bytes, means: str, value: str) -> str:
    """How a beacon id, a member number or a signed code's member is written in the token feed: HMAC-SHA256, in hex."""
    return hmac.new(key, f"{means}\0{value}".encode(), hashlib.sha256).hexdigest()
