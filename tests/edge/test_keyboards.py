"""Keyboards: the bytes of input events, and characters to keys and back in both layouts."""

from __future__ import annotations

import string
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import keyboards
from edge.errors import EdgeError
from edge.keyboards import EV_KEY, EV_MSC, EV_SYN, MSC_SCAN, PRESSED, RELEASED, REPEATED, SYN, Event, Layout, Typing

ASCII = "".join(map(chr, range(32, 127)))
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
LEFT_CTRL, LEFT_ALT, LEFT_META, RIGHT_SHIFT = 29, 56, 125, 54

few = settings(max_examples=200, deadline=None)


def press(*keys: int) -> list[Event]:
    """Keys that go down one after the other, and up again the other way round."""
    down = [Event(type=EV_KEY, code=key, value=PRESSED) for key in keys]
    up = [Event(type=EV_KEY, code=key, value=RELEASED) for key in reversed(keys)]
    return [*down, *up]


def typed(layout: Layout, events: list[Event]) -> str:
    typing = Typing(layout)
    said = "".join(typing.typed(event) for event in events)
    assert not typing.down
    return said


def test_an_event_has_the_kernels_bytes() -> None:
    # Two longs of time, type 1 (a key), code 2 (its 1), value 1 (down).
    raw = bytes.fromhex("008724690000000040e20100000000000100020001000000")
    event = Event(type=EV_KEY, code=2, value=PRESSED, seconds=1764001536, micros=123456)
    assert event.pack() == raw
    assert list(keyboards.unpack(raw + SYN.pack())) == [event, SYN]
    assert keyboards.SIZE == 24


def test_a_part_of_an_event_is_refused() -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        list(keyboards.unpack(bytes(25)))


@pytest.mark.parametrize("layout", LAYOUTS)
@few
@given(text=st.text(ASCII, max_size=200))
def test_what_is_typed_is_read_again(layout: Layout, text: str) -> None:
    assert typed(layout, Typing(layout).events(text)) == text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_printable_character_has_a_key(layout: Layout) -> None:
    assert typed(layout, Typing(layout).events(ASCII)) == ASCII
    assert typed(layout, Typing(layout).events("a\tb\rc\n")) == "a\tb\rc\r"


@pytest.mark.parametrize(
    ("layout", "key", "shift", "character"),
    [
        ("us", 3, True, "@"),
        ("jp", 3, True, '"'),
        ("us", 40, False, "'"),
        ("jp", 40, False, ":"),
        ("jp", 40, True, "*"),
        ("us", 39, True, ":"),
        ("jp", 39, True, "+"),
        ("us", 26, False, "["),
        ("jp", 26, False, "@"),
        ("jp", 26, True, "`"),
        ("us", 27, False, "]"),
        ("jp", 27, False, "["),
        ("us", 43, False, "\\"),
        ("jp", 43, False, "]"),
        ("us", 13, False, "="),
        ("jp", 13, False, "^"),
        ("jp", 13, True, "~"),
        ("us", 12, True, "_"),
        ("jp", 12, True, "="),
        ("jp", 89, True, "_"),
        ("jp", 89, False, "\\"),
        ("jp", 124, False, "\\"),
        ("jp", 124, True, "|"),
        ("jp", 11, True, ""),
        ("us", 11, True, ")"),
        ("jp", 10, True, ")"),
        ("us", 89, False, ""),
        ("us", 124, False, ""),
        ("jp", 41, False, ""),
        ("us", 59, False, ""),
    ],
)
def test_a_key_types_what_its_layout_has(layout: Layout, key: int, shift: bool, character: str) -> None:
    assert typed(layout, press(*([RIGHT_SHIFT] if shift else []), key)) == character


def test_a_press_is_followed_by_its_release_and_shift_is_around_both() -> None:
    said = Typing("us").events("a!")
    assert [(event.code, event.value) for event in said if event != SYN] == [
        (30, 1),
        (30, 0),
        (42, 1),
        (2, 1),
        (2, 0),
        (42, 0),
    ]
    assert said[1::2] == [SYN] * 6


@pytest.mark.parametrize(
    ("layout", "character"), [("us", "é"), ("jp", "山"), ("us", "¥"), ("us", "\0"), ("jp", "\x1d")]
)
def test_a_character_that_no_key_types_is_named(layout: Layout, character: str) -> None:
    with pytest.raises(EdgeError, match="layout") as raised:
        Typing(layout).events(f"ok{character}")
    assert repr(character) in str(raised.value)


def test_the_yen_of_a_japanese_keyboard_is_the_byte_of_the_backslash() -> None:
    assert typed("jp", Typing("jp").events("¥")) == "\\"


def test_caps_lock_turns_letters_only() -> None:
    both = [*press(58), *press(30), *press(2), *press(42, 30), *press(58), *press(30)]
    assert typed("us", both) == "A1aa"
    assert typed("jp", both) == "a1Aa"
    assert typed("jp", [*press(42, 58), *press(30), *press(42, 58), *press(30)]) == "Aa"


def test_the_keypad_types_too() -> None:
    keys = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73, 83, 74, 78, 55, 98, 96]
    assert typed("jp", [event for key in keys for event in press(key)]) == "0123456789.-+*/\r"


def test_a_key_that_repeats_has_been_pressed_once() -> None:
    held = [Event(type=EV_KEY, code=2, value=value) for value in (PRESSED, REPEATED, REPEATED, RELEASED)]
    assert typed("us", held) == "1"


def test_ctrl_types_control_characters_and_other_chords_nothing() -> None:
    assert typed("us", [*press(LEFT_CTRL, 27), *press(LEFT_CTRL, 50), *press(LEFT_CTRL, 30)]) == "\x1d\r\x01"
    assert typed("jp", press(LEFT_CTRL, 43)) == "\x1d"
    assert typed("us", [*press(LEFT_CTRL, 2), *press(LEFT_META, 30), *press(LEFT_ALT, 30)]) == ""


@pytest.mark.parametrize(
    ("number", "character"), [("0065", "A"), ("65", "A"), ("29", "\x1d"), ("0233", "\ufffd"), ("0", "\ufffd")]
)
def test_a_character_may_be_typed_by_its_number(number: str, character: str) -> None:
    digits = {"0": 82, "2": 80, "3": 81, "5": 76, "6": 77, "9": 73}
    keys = [event for digit in number for event in press(digits[digit])]
    down, up = press(LEFT_ALT)
    assert typed("jp", [down, *keys, up, *press(30)]) == f"{character}a"


def test_after_a_loss_nothing_is_down() -> None:
    typing = Typing("us")
    for event in [*press(56)[:1], *press(79), *press(42)[:1]]:
        typing.typed(event)
    typing.lost()
    assert typing.typed(press(56)[1]) == ""
    assert "".join(typing.typed(event) for event in press(30)) == "a"


@few
@given(
    st.lists(
        st.builds(
            Event,
            type=st.sampled_from([EV_SYN, EV_KEY, EV_MSC, 2, 65535]),
            code=st.integers(0, 65535) | st.integers(0, 130),
            value=st.integers(-(2**31), 2**31 - 1) | st.integers(0, 2),
        ),
        max_size=300,
    )
)
def test_whatever_a_device_says_is_taken(events: list[Event]) -> None:
    raw = b"".join(event.pack() for event in events)
    assert list(keyboards.unpack(raw)) == events
    typing = Typing("jp")
    for event in events:
        assert len(typing.typed(event)) <= 1
    assert all(key < keyboards.KEYS for key in typing.down)


def test_what_is_no_key_types_nothing() -> None:
    events = [Event(type=EV_MSC, code=MSC_SCAN, value=0x7001E), SYN, Event(type=2, code=30, value=1)]
    assert typed("us", events) == ""


def test_letters_and_digits_are_the_same_keys_everywhere() -> None:
    plain = string.ascii_letters + string.digits
    assert Typing("us").events(plain) == Typing("jp").events(plain)
