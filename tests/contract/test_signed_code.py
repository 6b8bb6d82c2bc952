"""The layout of signed codes: what is packed is read, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.contract import signed_code
from central.contract.signed_code import DIGITS, STEP

MADE = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEAD = signed_code.head("be9f", "0123456789ab", MADE, 4 * STEP)


def test_the_layout_never_changes() -> None:
    assert HEAD.hex() == "13be9f0123456789ab6b04fdb0"
    assert signed_code.signed(HEAD) == b"noren/member-code/v1\0" + HEAD
    digits = signed_code.digits(HEAD, bytes(range(64)))
    assert len(digits) == DIGITS
    code = signed_code.read(digits.encode())
    assert code is not None
    assert (code.key, code.member, code.made, code.until) == ("be9f", "0123456789ab", MADE, MADE + 4 * STEP)
    assert (code.signed, code.signature) == (signed_code.signed(HEAD), bytes(range(64)))
    assert signed_code.key_id(bytes(32)) == "6668"


def test_a_code_is_named_by_what_only_its_signer_can_make() -> None:
    one, again, two = (signed_code.read(signed_code.digits(HEAD, bytes([n]) * 64).encode()) for n in (1, 1, 2))
    assert one is not None
    assert again is not None
    assert two is not None
    assert one.digest == again.digest
    assert len(one.digest) == 32
    assert one.digest != two.digest, "who knows the member and the second knows no name"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1" * (DIGITS - 1),
        b"9" * DIGITS,  # More than 77 bytes hold.
        b"0" * DIGITS,  # Another layout.
        b"1" * DIGITS + b"\n",
        "１".encode() * DIGITS,
        signed_code.digits(bytes([0x23]) + HEAD[1:], bytes(64)).encode(),
    ],
    ids=["nothing", "short", "too large", "no layout", "line end", "wide digits", "layout 2"],
)
def test_what_is_no_such_code_is_none(content: bytes) -> None:
    assert signed_code.read(content) is None


@pytest.mark.parametrize("good_for", [timedelta(0), timedelta(seconds=20), 17 * STEP, -STEP])
def test_what_the_layout_cannot_say_is_refused(good_for: timedelta) -> None:
    with pytest.raises(ValueError, match="good for"):
        signed_code.head("be9f", "0123456789ab", MADE, good_for)


@given(st.binary(min_size=13, max_size=13), st.binary(min_size=64, max_size=64))
@settings(max_examples=200)
def test_any_bytes_come_back_or_are_no_code(first: bytes, signature: bytes) -> None:
    code = signed_code.read(signed_code.digits(first, signature).encode())
    if first[0] >> 4 == signed_code.LAYOUT:
        assert code is not None
        assert code.signed.endswith(first)
        assert code.signature == signature
    else:
        assert code is None


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_junk_is_no_code(content: bytes) -> None:
    assert signed_code.read(content) is None
