"""The Unix socket on which one agent after another gives this player its scenes and hears what was played."""

from __future__ import annotations

import logging
import os
import selectors
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ground import sqlite
from signage.contract import MAX_LINE, Garbled, ToPlayer, for_player
from signage.errors import SignageError

log = logging.getLogger(__name__)

_READ = 1 << 16
_MOST_LINES = 25_000
"""Lines for an agent that hangs: every play that may wait for one, and some more."""
_MOST_UNSENT = 1 << 16
"""Bytes handed to the kernel's queue at a time; plays beyond it wait in the proof."""


class Link:
    """Listens in the player's own loop, without a thread: a message wakes the loop as it comes."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, counts: Counter[str]) -> None:
        self._path = path
        self._selector = selector
        self._counts = counts
        self._greeting: Callable[[], Iterable[bytes]] = lambda: ()
        self._undo = ExitStack()
        self._peer: socket.socket | None = None
        self._got = bytearray()
        self._searched = 0
        self._unsent = bytearray()
        self._lines: deque[bytes] = deque()
        self._received: deque[ToPlayer | None] = deque()

    def __enter__(self) -> Link:
        """Listen. Raises StorageError if another player listens here, SignageError if the path cannot be used."""
        with ExitStack() as undo:
            try:
                undo.enter_context(sqlite.hold(self._path, "player"))
                self._path.unlink(missing_ok=True)  # Left by a player that was killed: we hold the lock.
                listener = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                # Linux gives the file the mode of the socket, so there is no moment in which others may connect.
                os.fchmod(listener.fileno(), 0o600)
                listener.bind(str(self._path))
                undo.callback(self._path.unlink, missing_ok=True)
                listener.listen(4)
            except OSError as error:
                raise SignageError(
                    f"The player cannot listen on {self._path}: {error.strerror or error}.",
                    fix="Give `socket` a path in a folder that this user may write.",
                ) from error
            self._selector.register(listener, selectors.EVENT_READ, lambda _events: self._accept(listener))
            undo.callback(self._selector.unregister, listener)
            undo.callback(self._hang_up)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._undo.close()

    def greet(self, greeting: Callable[[], Iterable[bytes]]) -> None:
        """Have every agent that comes told these lines first."""
        self._greeting = greeting

    def received(self) -> list[ToPlayer | None]:
        """Give the messages that came since the last call, in their order; None where an agent left."""
        messages = list(self._received)
        self._received.clear()
        return messages

    def send(self, fresh: Iterable[bytes]) -> None:
        """Tell the agent, if there is one; without one it is for the greeting to tell."""
        if len(self._lines) > _MOST_LINES:
            self._counts["agents_deaf"] += 1
            log.warning("the agent does not read; it is hung up on, and the next one is told")
            self._hang_up()
        if self._peer is not None:
            self._lines.extend(fresh)
            self._flush()

    def _accept(self, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except OSError:
            return  # It went away before we came.
        self._hang_up()  # The newest agent is the living one.
        peer.setblocking(False)
        self._peer = peer
        self._selector.register(peer, selectors.EVENT_READ, self._ready)
        log.info("an agent came")
        self.send(self._greeting())

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self._peer is not None:
            self._read(self._peer)

    def _read(self, peer: socket.socket) -> None:
        try:
            data = peer.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        self._got += data
        while (end := self._got.find(b"\n", self._searched)) >= 0:
            self._take(bytes(self._got[:end]))
            del self._got[: end + 1]
            self._searched = 0
        self._searched = len(self._got)
        if self._searched > MAX_LINE:
            self._counts["lines_too_long"] += 1
            log.warning("an agent's line is too long; it is hung up on")
            self._hang_up()

    def _take(self, data: bytes) -> None:
        try:
            message = for_player(data)
        except Garbled as error:
            if not self._counts["lines_garbled"]:
                log.warning("an agent's line cannot be read", extra={"fields": {"why": str(error)}})
            self._counts["lines_garbled"] += 1
            return
        if message is None:
            self._counts["lines_unknown"] += 1
        else:
            self._received.append(message)

    def _flush(self) -> None:
        peer = self._peer
        if peer is None:
            return
        try:
            while self._lines or self._unsent:
                while self._lines and len(self._unsent) < _MOST_UNSENT:
                    self._unsent += self._lines.popleft()
                del self._unsent[: peer.send(self._unsent)]
        except BlockingIOError:
            self._selector.modify(peer, selectors.EVENT_READ | selectors.EVENT_WRITE, self._ready)
        except OSError:
            self._hang_up()
        else:
            self._selector.modify(peer, selectors.EVENT_READ, self._ready)

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._selector.unregister(self._peer)
            self._peer.close()
            self._peer = None
            self._received.append(None)
            log.info("the agent left")
        self._got.clear()
        self._searched = 0
        self._unsent.clear()
        self._lines.clear()
