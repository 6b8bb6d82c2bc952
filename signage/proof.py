"""Proof of play: each play is durable before it is reported and kept until noted, written off the frame loop."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from signage.contract import Played, Playlist, line
from signage.storage import Store

log = logging.getLogger(__name__)

_MOST_WAITING = 20_000
"""Plays held for an agent that does not come: two days of eight-second scenes. The oldest are dropped and counted."""
_MOST_WRITES = 1000
_BATCH = 200


@dataclass(frozen=True, slots=True)
class _Write:
    do: Callable[[Store], None]
    ended: Played | None = None


class Proof:
    """Keeps plays; `begin`, `end`, `noted`, `keep` and `settled` belong to the thread of the frame loop."""

    def __init__(
        self, store: Store | None, wake: Callable[[], None], counts: Counter[str], most: int = _MOST_WAITING
    ) -> None:
        self._store = store
        self._wake = wake
        self._counts = counts
        self._most = most
        self._writes: queue.Queue[_Write | None] = queue.Queue(_MOST_WRITES)
        self._done: deque[Played] = deque()
        self._waiting: dict[str, bytes] = {}
        self._thread = threading.Thread(target=self._run, name="proof", daemon=True)

    def __enter__(self) -> Proof:
        if self._store is not None:
            try:
                self._done.extend(self._store.unnoted())
            except sqlite3.Error as error:
                self._failed(1, error)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.finish()
        if self._store is not None:
            self._store.close()

    def finish(self) -> None:
        """Wait until what was begun and ended is written; nothing is written afterwards."""
        if self._thread.is_alive():
            self._writes.put(None)
            self._thread.join()

    def begin(self, play: Played, *, again: bool = False) -> None:
        """Its first frame is on the screen: a crash from here on is told as a lost play.

        `again` where an earlier play was interrupted, which it goes on with: a plays-per-hour cap counts both as one.
        """
        self._put(_Write(lambda store: store.begin(play, again=again)))

    def end(self, play: Played) -> None:
        self._put(_Write(lambda store: store.end(play), play))

    def noted(self, play: str) -> None:
        """The agent has it; one that we do not know was noted before."""
        if self._waiting.pop(play, None) is not None:
            self._put(_Write(lambda store: store.forget(play)))

    def keep(self, playlist: Playlist) -> None:
        self._put(_Write(lambda store: store.keep(playlist)))

    def settled(self) -> list[bytes]:
        """Give the plays that became durable since the last call, as lines for the agent."""
        fresh: list[bytes] = []
        while self._done:
            play = self._done.popleft()
            self._waiting[play.play] = line(play)
            fresh.append(self._waiting[play.play])
            if len(self._waiting) > self._most:
                oldest = next(iter(self._waiting))
                self.noted(oldest)
                self._counts["plays_dropped"] += 1
        return fresh

    def waiting(self) -> list[bytes]:
        """Give every play not noted, oldest first, for an agent that has just come."""
        return list(self._waiting.values())

    def _put(self, write: _Write) -> None:
        if self._store is not None:
            try:
                self._writes.put_nowait(write)
                return
            except queue.Full:
                self._counts["writes_dropped"] += 1
        if write.ended is not None:
            self._done.append(write.ended)

    def _run(self) -> None:
        assert self._store is not None
        while True:
            batch = [self._writes.get()]
            while len(batch) < _BATCH and not self._writes.empty():
                batch.append(self._writes.get_nowait())
            writes = [write for write in batch if write is not None]
            try:
                with self._store.together():
                    for write in writes:
                        write.do(self._store)
            except sqlite3.Error as error:
                self._failed(len(writes), error)  # The plays are reported all the same, from memory.
            self._done.extend(write.ended for write in writes if write.ended is not None)
            if None in batch:
                return
            self._wake()

    def _failed(self, writes: int, error: sqlite3.Error) -> None:
        if not self._counts["writes_failed"]:
            log.error(
                "the player's database takes no writes; playing goes on without it",
                extra={"fields": {"why": str(error)}},
            )
        self._counts["writes_failed"] += writes
