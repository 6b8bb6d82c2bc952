"""Says how the agent is: a file for commands, a retained status for central, a heartbeat for systemd."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from central.contract import codec, commands
from edge.disk import Written
from edge.ports import Link
from ground import systemd

FILE = "status.json"
EVERY = 2.0
"""Seconds between two looks: a command shows the agent as it was at most this long ago."""
TELL = 30.0
"""Seconds between two words to central, and between two writes of a file that is on a card."""

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
        self._memory = _in_memory(folder)
        self._written = Written()
        self._parts = parts
        self._status = status
        self._link = link
        self._topic = topic

    async def run(self) -> None:
        """Look and tell until cancelled, and leave the last counts in the file."""
        looks = 0
        try:
            while True:
                tells = looks % int(TELL / EVERY) == 0
                if tells or self._memory is not None:
                    self.look()
                systemd.notify("WATCHDOG=1")
                if tells:
                    self.tell()
                looks += 1
                await asyncio.sleep(EVERY)
        finally:
            self.look()

    def look(self) -> None:
        """Write the counts down; a full disk must not stop the agent.

        Where systemd gives us a folder in memory the file lies there, and costs no card anything: in our own folder
        is a link to it. A command finds it either way.
        """
        file = self._memory or self._file
        new = file.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self._counts()))
            new.replace(file)
            if self._memory is not None and not (self._file.is_symlink() and self._file.readlink() == self._memory):
                self._file.unlink(missing_ok=True)
                self._file.symlink_to(self._memory)
        except OSError:
            new.unlink(missing_ok=True)

    def tell(self) -> None:
        """Leave the status with the broker for whoever asks."""
        self._link.publish(self._topic, codec.encode(self._status(self._counts())), retain=True)

    def _counts(self) -> dict[str, int]:
        return dict(self._parts()) | {"written_kb_hour": self._written.kilobytes(time.monotonic())}


def _in_memory(folder: Path) -> Path | None:
    """A file in the folder that systemd made for us in memory (RuntimeDirectory=), by the folder's own name."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return Path(given) / f"status-{name}.json" if given else None


def last(folder: Path) -> dict[str, int]:
    """The counts that an agent has left in its folder; nothing where there are none."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return {}
