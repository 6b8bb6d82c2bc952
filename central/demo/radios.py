"""What the beacons of the demo send: advertisement bytes, and how often."""

from __future__ import annotations

import random

from central.scenario import Beacon


def beacon(data: bytes, dice: random.Random) -> Beacon:
    """A beacon that sends this, from an address of its own."""
    address = dice.randbytes(6)
    return Beacon(
        data=data.hex(),
        # The two highest bits of a random static address are set (Core Specification, Vol 6, B, 1.3.2.1).
        address=":".join(f"{byte:02X}" for byte in bytes([address[0] | 0xC0]) + address[1:]),
        interval_ms=dice.choice((150, 200, 300, 350)),
    )


def ibeacon(uuid: bytes, major: int, minor: int) -> bytes:
    """An iBeacon's AD structures, with a measured power of -59 dBm at 1 m."""
    return bytes.fromhex("0201061aff4c000215") + uuid + major.to_bytes(2) + minor.to_bytes(2) + b"\xc5"


def eddystone(namespace: bytes, instance: bytes) -> bytes:
    """An Eddystone-UID frame's AD structures, with -18 dBm at 0 m."""
    return bytes.fromhex("0201060303aafe1716aafe00ee") + namespace + instance + b"\0\0"


def advert(beacon: str) -> bytes:
    """The AD structures of `ibeacon:<uuid>:<major>:<minor>` or `eddystone-uid:<namespace>:<instance>`."""
    kind, first, *rest = beacon.split(":")
    if kind == "ibeacon":
        return ibeacon(bytes.fromhex(first.replace("-", "")), int(rest[0]), int(rest[1]))
    return eddystone(bytes.fromhex(first), bytes.fromhex(rest[0]))
