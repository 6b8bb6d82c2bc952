"""Tells which beacons a recording holds and when each came and went; nobody is looked up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from edge import beacons
from edge.config import Zone
from edge.model import Advert, Change, CustomerId, Scan, Sighting
from edge.presence import LONGEST, Presence
from edge.sensors.recorded import Recorded


class Listener:
    """Presence alone, with each beacon as somebody."""

    def __init__(self, zone: str) -> None:
        self.heard: Counter[str] = Counter()
        self.unknown = 0
        self._presence = Presence((Zone(zone=zone),))
        self._first: float | None = None
        self._last = 0.0

    def deliver(self, sensed: Advert | Scan) -> None:
        """Take an advert and print what it changes."""
        assert isinstance(sensed, Advert)
        self._first = sensed.at if self._first is None else self._first
        self._last = sensed.at
        self._tell(self._presence.tick(sensed.at))
        beacon = beacons.parse(sensed.data)
        if beacon is None:
            self.unknown += 1
            return
        self.heard[beacon.id] += 1
        who = CustomerId(beacon.id)
        sighting = Sighting(at=sensed.at, customer=who, receiver="replay", zone=sensed.zone, rssi=sensed.rssi)
        self._tell(self._presence.hear(sighting))

    def end(self) -> None:
        """Let silence fall."""
        self._tell(self._presence.tick(self._last + LONGEST + 1))

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            at = round(change.at - (self._first or 0.0), 3)
            _print({"what": change.what, "beacon": change.customer, "at": at})


async def listen(file: Path, zone: str, speed: float) -> int:
    """Print each coming and going of a recording, then what it held, as JSON lines. Raises SensorError."""
    listener = Listener(zone)
    recording = Recorded("replay", zone, file, speed=speed)
    await recording.run(listener.deliver)
    listener.end()
    adverts = sum(listener.heard.values()) + listener.unknown
    unread = {"unknown": listener.unknown, "unreadable": recording.unreadable}
    _print({"adverts": adverts, **unread, "beacons": dict(listener.heard)})
    return 0


def _print(line: dict[str, object]) -> None:
    print(msgspec.json.encode(line).decode(), flush=True)  # noqa: T201 - a command's answer.
