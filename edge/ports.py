"""The three places where a second real implementation exists: Sensor, Screen, Link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from edge.model import Advert, Scan
from signage.contract import ToPlayer

Deliver = Callable[[Advert | Scan], None]
"""Takes one sighting or scan; called on the event loop, never blocks, drops the oldest when too many wait."""


class Sensor(Protocol):
    """A radio, camera or scanner, real or simulated."""

    name: str

    @property
    def trouble(self) -> str:
        """A sentence on what is wrong although it runs (all it sees is black, …); empty where nothing is."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What it saw and what it set aside, by name; those of all sensors are added up."""

    async def run(self, deliver: Deliver) -> None:
        """Sense until cancelled. Raises SensorError when the hardware fails; it is then run again."""


class Screen(Protocol):
    """One player, or what stands for it."""

    def send(self, message: ToPlayer) -> bool:
        """Hand a message over at once; False where no player is there to take it."""

    def again(self) -> None:
        """Have every play told again that was not noted; by and by."""


class Link(Protocol):
    """A connection to central: publishes when connected, never queues."""

    connected: bool

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send now; False where there is no connection (the caller sends again later)."""
