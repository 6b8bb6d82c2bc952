"""Wakes the frame loop from other threads and from signals."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from types import TracebackType


class Bell:
    """A pair of sockets: what is rung at one end ends the wait of the selector at the other."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector

    def __enter__(self) -> Bell:
        self._heard, self._rope = socket.socketpair()
        self._heard.setblocking(False)
        self._rope.setblocking(False)
        self._selector.register(self._heard, selectors.EVENT_READ, self._hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._selector.unregister(self._heard)
        self._heard.close()
        self._rope.close()

    def fileno(self) -> int:
        """Give the end that `signal.set_wakeup_fd` writes to."""
        return self._rope.fileno()

    def ring(self) -> None:
        """End the wait; from any thread. A bell that is already ringing, or closed, needs no more."""
        with suppress(OSError):
            self._rope.send(b"\0")

    def _hear(self, _events: int) -> None:
        with suppress(BlockingIOError):
            while len(self._heard.recv(4096)) == 4096:
                pass
