"""Tells which beacon an advertisement's raw bytes name, and builds such bytes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Format = Literal["ibeacon", "eddystone-uid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """What an advertisement says about its sender."""

    format: Format
    id: str
    """`ibeacon:<uuid>:<major>:<minor>` or `eddystone-uid:<namespace>:<instance>`; hex in lower case."""
    power_1m: int | None
    """dBm at one metre; None where the sender gives none that can be true."""


_SERVICE_DATA_16 = 0x16
_SERVICE_DATA_32 = 0x20
_SERVICE_DATA_128 = 0x21
_MANUFACTURER = 0xFF
_BASE_UUID = "-0000-1000-8000-00805f9b34fb"
_FLAGS = bytes.fromhex("020106")
_FAR_TO_NEAR = 41
"""Eddystone gives its power at 0 m; at 1 m it is 41 dB less (Eddystone-UID, "Tx Power")."""


def _ibeacon(body: bytes) -> Beacon | None:
    if len(body) < 21:
        return None
    power = int.from_bytes(body[20:21], signed=True)
    major, minor = int.from_bytes(body[16:18]), int.from_bytes(body[18:20])
    # Cheap fobs send their battery in tenths of a volt here, and others 0: neither is a power.
    known = power if power < 0 else None
    return Beacon(format="ibeacon", id=f"ibeacon:{_uuid(body[:16])}:{major}:{minor}", power_1m=known)


def _eddystone_uid(body: bytes) -> Beacon | None:
    if len(body) not in (17, 19):  # Senders older than the two reserved bytes leave them out.
        return None
    power = int.from_bytes(body[:1], signed=True)
    known = power - _FAR_TO_NEAR if -100 <= power <= 20 else None
    return Beacon(format="eddystone-uid", id=f"eddystone-uid:{body[1:11].hex()}:{body[11:17].hex()}", power_1m=known)


_FORMATS: tuple[tuple[int, bytes, Callable[[bytes], Beacon | None]], ...] = (
    # AD type, what its content begins with, what reads the rest.
    (_MANUFACTURER, bytes.fromhex("4c000215"), _ibeacon),
    (_SERVICE_DATA_16, bytes.fromhex("aafe00"), _eddystone_uid),
)


def parse(data: bytes) -> Beacon | None:
    """Give the first beacon in an advertisement's AD structures; None where there is none or it is malformed."""
    for kind, content in _walk(data):
        for wanted, start, read in _FORMATS:
            if kind == wanted and content.startswith(start):
                beacon = read(content[len(start) :])
                if beacon is not None:
                    return beacon
    return None


def level(rssi: int | None) -> int | None:
    """An RSSI in dBm, or None for what radios say when they do not know: 0, 127, -127 and nonsense above 0."""
    return rssi if rssi is not None and -127 < rssi < 0 else None


def structures(manufacturer_data: Mapping[int, bytes], service_data: Mapping[str, bytes]) -> bytes:
    """Put the raw AD structures together again that a radio library has taken apart.

    What no advertisement can have carried (too long, a UUID that is none) is left out.
    """
    made = b""
    for company, content in manufacturer_data.items():
        if 0 <= company <= 0xFFFF:
            made += _structure(_MANUFACTURER, company.to_bytes(2, "little") + content)
    for service, content in service_data.items():
        try:
            number = uuid.UUID(service)
        except ValueError:
            continue
        if not str(number).endswith(_BASE_UUID):
            made += _structure(_SERVICE_DATA_128, number.bytes[::-1] + content)
        elif number.bytes.startswith(b"\0\0"):
            made += _structure(_SERVICE_DATA_16, number.bytes[3:1:-1] + content)
        else:
            made += _structure(_SERVICE_DATA_32, number.bytes[3::-1] + content)
    return made


def ibeacon(proximity: str, major: int, minor: int, power_1m: int) -> bytes:
    """Build the whole advertisement of an iBeacon; `proximity` is its UUID."""
    place = major.to_bytes(2) + minor.to_bytes(2) + power_1m.to_bytes(1, signed=True)
    return _FLAGS + _structure(_MANUFACTURER, bytes.fromhex("4c000215") + uuid.UUID(proximity).bytes + place)


def eddystone_uid(namespace: str, instance: str, power_0m: int) -> bytes:
    """Build the whole advertisement of an Eddystone-UID beacon from 20 and 12 hex digits."""
    names = bytes.fromhex(namespace) + bytes.fromhex(instance)
    if (len(namespace), len(instance)) != (20, 12):
        raise ValueError("an Eddystone-UID has a namespace of 20 hex digits and an instance of 12")
    frame = bytes.fromhex("aafe00") + power_0m.to_bytes(1, signed=True) + names + b"\0\0"
    return _FLAGS + bytes.fromhex("0303aafe") + _structure(_SERVICE_DATA_16, frame)


def _walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each whole AD structure: its length, a type, content (Core Specification, volume 3, part C, 11).

    A length of 0 ends them early; a structure that runs past the end of the data is not one.
    """
    at = 0
    while at + 1 < len(data):
        length = data[at]
        end = at + 1 + length
        if length == 0 or end > len(data):
            return
        yield data[at + 1], data[at + 2 : end]
        at = end


def _structure(kind: int, content: bytes) -> bytes:
    return bytes((len(content) + 1, kind)) + content if len(content) < 255 else b""


def _uuid(raw: bytes) -> str:
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
