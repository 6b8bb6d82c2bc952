"""Says how the agent is: a file for commands, a retained status for central, a heartbeat for systemd."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from central.contract import codec, commands
from edge.ports import Link

FILE = "status.json"
EVERY = 2.0
"""Seconds between two looks: a command shows the agent as it was at most this long ago."""
TELL = 30.0
"""Seconds between two words to central."""

Counts = Mapping[str, int]


class Health:
    """Gathers the counts of every part; each part names its own, none holds a person."""

    def __init__(
        self,
        folder: Path,
        parts: Callable[[], Counts],
        status: Callable[[Counts], commands.Status],
        link: Link,
        topic: str,
    ) -> None:
        self._file = folder / FILE
        self._parts = parts
        self._status = status
        self._link = link
        self._topic = topic

    async def run(self) -> None:
        """Look and tell until cancelled, and leave the last counts in the file."""
        looks = 0
        try:
            while True:
                self.look()
                notify("WATCHDOG=1")
                if looks % int(TELL / EVERY) == 0:
                    self.tell()
                looks += 1
                await asyncio.sleep(EVERY)
        finally:
            self.look()

    def look(self) -> None:
        """Write the counts down; a full disk must not stop the agent."""
        new = self._file.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(dict(self._parts())))
            new.replace(self._file)
        except OSError:
            new.unlink(missing_ok=True)

    def tell(self) -> None:
        """Leave the status with the broker for whoever asks."""
        self._link.publish(self._topic, codec.encode(self._status(self._parts())), retain=True)


def last(folder: Path) -> dict[str, int]:
    """The counts that an agent has left in its folder; nothing where there are none."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}


def notify(word: str) -> None:
    """Tell systemd, where it started us (sd_notify(3): a datagram to $NOTIFY_SOCKET)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.sendto(word.encode(), "\0" + path[1:] if path.startswith("@") else path)
