"""What a keyboard says: input events and their bytes, and the characters of its keys, both ways."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edge.errors import EdgeError

Layout = Literal["us", "jp"]

# linux/input-event-codes.h
EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
SYN_REPORT, SYN_DROPPED = 0, 3
MSC_SCAN = 4
RELEASED, PRESSED, REPEATED = 0, 1, 2
KEYS = 0x300
"""How many key codes there are."""
TAB, ENTER, LEFT_SHIFT, CAPS_LOCK, KEYPAD_ENTER = 15, 28, 42, 58, 96
_SHIFT, _CTRL, _ALT = {LEFT_SHIFT, 54}, {29, 97}, {56, 100}
_META = {125, 126}

_EVENT = struct.Struct("@llHHi")
"""struct input_event of linux/input.h: 24 bytes where a long has 64 bits."""
SIZE = _EVENT.size

_ROWS: dict[Layout, tuple[tuple[int, str, str], ...]] = {
    "us": (
        (2, "1234567890-=", "!@#$%^&*()_+"),
        (16, "qwertyuiop[]", "QWERTYUIOP{}"),
        (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
        (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    ),
    # JIS X 6002. The keys of ¥ and of \ both stand for the byte 5C, which looks like the one or the other by its font.
    "jp": (
        (2, "1234567890-^", "!\"#$%&'()\0=~"),
        (16, "qwertyuiop@[", "QWERTYUIOP`{"),
        (30, "asdfghjkl;:", "ASDFGHJKL+*"),
        (43, "]zxcvbnm,./", "}ZXCVBNM<>?"),
        (89, "\\", "_"),
        (124, "\\", "|"),
    ),
}
"""The first key of each row, and what it and those after it type without shift and with it; NUL: nothing."""
_ANYWHERE = ((57, " ", " "), (ENTER, "\r", "\r"), (TAB, "\t", "\t"))
_KEYPAD = {KEYPAD_ENTER: "\r", 55: "*", 74: "-", 78: "+", 83: ".", 98: "/", 117: "=", 121: ","}
_DIGITS = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
"""The keypad's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One input event; its time is seconds and microseconds of its device's clock."""

    type: int
    code: int
    value: int
    seconds: int = 0
    micros: int = 0

    def pack(self) -> bytes:
        return _EVENT.pack(self.seconds, self.micros, self.type, self.code, self.value)


SYN = Event(type=EV_SYN, code=SYN_REPORT, value=0)
"""Ends what happened at one time."""
MOST_DIGITS = 5
"""Of a character that is typed by its number."""


def unpack(data: bytes) -> Iterator[Event]:
    """Give the events of whole records. ValueError where there is a part of one."""
    if len(data) % SIZE:
        raise ValueError(f"an input event has {SIZE} bytes, and {len(data)} are no whole number of them")
    for seconds, micros, kind, code, value in _EVENT.iter_unpack(data):
        yield Event(type=kind, code=code, value=value, seconds=seconds, micros=micros)


class Typing:
    """A keyboard: which of its keys are `down`, and what they type."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.down: set[int] = set()
        self._caps = False
        self._number = ""
        """What is typed on the keypad while Alt is down: a character's number."""
        self._types: dict[int, tuple[str, str]] = {}
        self._keys = {"\n": (ENTER, False)}
        for first, plain, shifted in (*_ROWS[layout], *_ANYWHERE):
            for key, both in enumerate(zip(plain, shifted, strict=True), first):
                self._types[key] = both
                for shift, character in enumerate(both):
                    self._keys.setdefault(character, (key, bool(shift)))
        self._keys.pop("\0", None)
        if layout == "jp":
            self._keys["¥"] = self._keys["\\"]

    def typed(self, event: Event) -> str:
        """Take what happened next; give the characters that it typed: Enter is a CR, Tab a tab."""
        if event.type != EV_KEY or event.code >= KEYS:
            return ""
        if event.value == RELEASED:
            self.down.discard(event.code)
            return self._numbered() if event.code in _ALT else ""
        # Keys repeat by themselves while they are held, and no scanner holds one to say it again.
        if event.value != PRESSED:
            return ""
        self.down.add(event.code)
        return self._pressed(event.code)

    def lost(self) -> None:
        """Know that events are missing: nothing is known to be down."""
        self.down.clear()
        self._number = ""

    def events(self, text: str) -> list[Event]:
        """What a keyboard of this layout says to type it. EdgeError for a character that it has not."""
        said = []
        for character in text:
            if character not in self._keys:
                raise EdgeError(
                    f"No key of a {self.layout} keyboard types {character!r}.",
                    fix="Choose its layout, or a serial port instead of a keyboard.",
                )
            key, shift = self._keys[character]
            keys = (LEFT_SHIFT, key) if shift else (key,)
            for one in keys:
                said += [Event(type=EV_KEY, code=one, value=PRESSED), SYN]
            for one in reversed(keys):
                said += [Event(type=EV_KEY, code=one, value=RELEASED), SYN]
        return said

    def _pressed(self, key: int) -> str:
        shift = bool(self.down & _SHIFT)
        if key == CAPS_LOCK:
            # Alone, that key of a Japanese keyboard chooses between kana and letters.
            self._caps ^= shift or self.layout == "us"
        if self.down & _META:
            return ""
        if self.down & _ALT:
            self._number += _DIGITS.get(key, "") if len(self._number) < MOST_DIGITS else ""
            return ""
        if key in _DIGITS or key in _KEYPAD:
            return _DIGITS.get(key) or _KEYPAD[key]
        plain, shifted = self._types.get(key, ("\0", "\0"))
        if self.down & _CTRL:
            # As terminals do: Ctrl and a letter, or one of [ \ ] ^ _, is the control character 64 below it.
            character = shifted if "@" <= shifted <= "_" else plain
            return chr(ord(character) - 64) if "@" < character <= "_" else ""
        character = shifted if shift ^ (self._caps and plain.isalpha()) else plain
        return "" if character == "\0" else character

    def _numbered(self) -> str:
        """What was typed by its number, as Windows has it: scanners do where they do not know the layout."""
        number, self._number = self._number, ""
        if not number:
            return ""
        # Above ASCII it depends on the code page of a machine that we do not know.
        return chr(int(number)) if 0 < int(number) < 128 else "\ufffd"
