"""Tells systemd how a process is, where systemd has started it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(word: str) -> None:
    """Say READY=1, WATCHDOG=1 or STOPPING=1 (sd_notify(3): a datagram to $NOTIFY_SOCKET)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    # A systemd that does not listen kills us by its watchdog; that is its business, and none of a screen's.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.setblocking(False)
        to.sendto(word.encode(), "\0" + path[1:] if path.startswith("@") else path)


class Watchdog:
    """Says that a loop still turns, as often as systemd's WatchdogSec needs it; never, where there is none."""

    def __init__(self) -> None:
        asked = os.environ.get("WATCHDOG_USEC", "")
        self.every = int(asked) / 3_000_000 if asked.isdecimal() else None
        """Seconds after which the loop is to turn at the latest."""
        self._said = 0.0

    def turned(self, now: float) -> None:
        """`now`: seconds of CLOCK_MONOTONIC."""
        if self.every is not None and now - self._said >= self.every / 2:
            self._said = now
            notify("WATCHDOG=1")
