"""The layout of a signed member code: short-lived, shown by a phone as digits in one QR code, for any store to verify.

    at      bytes  what
    0       1      high four bits: the layout, 1; low four bits n: good for (n + 1) × 15 seconds
    1       2      the key: the first bytes of SHA-256 of its 32 public bytes
    3       6      the member: an id that says nothing, and is not the member number
    9       4      when it was made: seconds since 1970, unsigned
    13      64     Ed25519 (RFC 8032) over "noren/member-code/v1", NUL and bytes 0 to 12

The 77 bytes are written as one whole number of 186 decimal digits (big-endian, zeros in front): QR's numeric mode
spends 3.33 bits on a digit (ISO/IEC 18004), so the digits take hardly more room than the bytes would, and every scanner
types digits alike, whatever its keyboard.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LAYOUT = 1
HEAD, SIGNATURE = 13, 64
DIGITS = 186
STEP = timedelta(seconds=15)
LONGEST = 16 * STEP
"""No code can be good for longer, whoever signs it."""
_DIGITS = re.compile(rb"^[0-9]{186}\Z")
_WHAT = b"noren/member-code/v1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCode:
    """A code as it was read: nothing in it is true before its signature was verified."""

    key: str
    """Four hex digits: which key it says has signed it."""
    member: str
    """Twelve hex digits."""
    made: datetime
    until: datetime
    signed: bytes
    """What the signature is over."""
    signature: bytes

    @property
    def digest(self) -> str:
        """Names this very code, whoever shows it, and nobody: 32 hex digits.

        With its signature: without the key nobody can tell from it whose it was, nor name a code before it is shown.
        """
        return hashlib.sha256(self.signed + self.signature).hexdigest()[:32]


def key_id(public: bytes) -> str:
    """Name a key by its 32 public bytes."""
    return hashlib.sha256(public).hexdigest()[:4]


def head(key: str, member: str, made: datetime, good_for: timedelta) -> bytes:
    """Bytes 0 to 12. ValueError for what the layout cannot say."""
    steps, rest = divmod(good_for, STEP)
    if rest or not 1 <= steps <= 16:
        raise ValueError(f"a code is good for 15, 30, … 240 seconds, not for {good_for}")
    who, which = bytes.fromhex(member), bytes.fromhex(key)
    if len(who) != 6 or len(which) != 2:
        raise ValueError("a member has 12 hex digits, a key 4")
    return bytes([LAYOUT << 4 | steps - 1]) + which + who + int(made.timestamp()).to_bytes(4)


def signed(head: bytes) -> bytes:
    """What is signed of a code with these first bytes."""
    return _WHAT + head


def digits(head: bytes, signature: bytes) -> str:
    """What the phone shows."""
    return str(int.from_bytes(head + signature)).zfill(DIGITS)


def read(content: bytes) -> SignedCode | None:
    """Take a code's exact bytes apart; None where they are no code of this layout."""
    if not _DIGITS.match(content):
        return None
    try:
        raw = int(content).to_bytes(HEAD + SIGNATURE)
    except OverflowError:
        return None
    first = raw[:HEAD]
    if first[0] >> 4 != LAYOUT:
        return None
    made = datetime.fromtimestamp(int.from_bytes(first[9:13]), UTC)
    return SignedCode(
        key=first[1:3].hex(),
        member=first[3:9].hex(),
        made=made,
        until=made + ((first[0] & 15) + 1) * STEP,
        signed=signed(first),
        signature=raw[HEAD:],
    )
