"""Tells which read codes are member codes, and hides tokens behind keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import re

MEMBER_PREFIXES = tuple(str(prefix) for prefix in range(20, 30))
"""GS1 keeps the prefixes 20 to 29 of EAN-13 for a company's own numbers: member cards are among them."""
_DIGITS = re.compile(rb"^[0-9]{13}\Z")


def check_digit(first_twelve: str) -> str:
    """The last digit of an EAN-13 (GS1 General Specifications 7.9: weights 1, 3, 1, 3 … from the left)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def number(code: bytes) -> str | None:
    """The member number in a code's exact bytes; None where it is something else (a product, a poster, junk)."""
    if not _DIGITS.match(code):
        return None
    digits = code.decode("ascii")
    if not digits.startswith(MEMBER_PREFIXES) or check_digit(digits[:12]) != digits[12]:
        return None
    return digits


def store_key(chain_key: bytes, store: str) -> bytes:
    """The key of one store's token hashes: a stolen device opens no other store's table."""
    return hmac.digest(chain_key, b"noren/token-key/v1\0" + store.encode(), hashlib.sha256)


def token(key: bytes, means: str, value: str) -> str:
    """How a beacon id or member number is written in the token feed: HMAC-SHA256, in hex."""
    return hmac.new(key, f"{means}\0{value}".encode(), hashlib.sha256).hexdigest()
