"""The Unix socket on which one agent after another is asked."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from edge.errors import EdgeError
from edge.register import MAX_LINE, Garbled, ToAgent, ToRegister, for_register, line

log = logging.getLogger(__name__)

MOST_WAITING = MAX_LINE
"""Bytes not yet taken by an agent that hangs; past that it is asked nothing more."""


class Link:
    """Listens; the agent that came last is the living one. `hear`, `came` and `gone` are called on the loop."""

    def __init__(
        self,
        path: Path,
        *,
        hear: Callable[[ToRegister], None],
        came: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._path = path
        self._hear = hear
        self._came = came
        self._gone = gone
        self._writer: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen. Raises EdgeError if another process listens here, or the path cannot be used."""
        with _held(self._path):
            server = await asyncio.start_unix_server(self._serve, sock=_listener(self._path), limit=MAX_LINE)
            try:
                yield
            finally:
                self._path.unlink(missing_ok=True)
                server.close()
                self._hang_up()

    def tell(self, message: ToAgent) -> bool:
        """Hand a message to the agent; False where none takes it."""
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > MOST_WAITING:
            return False
        writer.write(line(message))
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._hang_up()
        self._writer = writer
        log.info("an agent came")
        self._came()
        try:
            while data := await reader.readline():
                if self._writer is not writer:
                    return
                self._hear(for_register(data))
        except (Garbled, ValueError) as error:  # ValueError: the line is too long.
            self.counts["garbled"] += 1
            log.warning("an agent's line cannot be read; it is hung up on", extra={"fields": {"why": str(error)}})
        except OSError:
            pass
        finally:
            if self._writer is writer:
                self._hang_up()
            writer.transport.abort()

    def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
            log.info("the agent left")
            self._gone()


def _held(path: Path) -> IO[str]:
    """The file's lock, until it is closed."""
    # As ground.sqlite.hold does, which brings a library whose import takes longer than all else of this process.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.with_suffix(path.suffix + ".lock").open("w")
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise EdgeError(f"Another register's process already uses {path}.", fix="Stop it first.") from error
    return lock


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)  # Left by one that was killed: we hold the lock.
        # Linux gives the file the mode of the socket, so there is no moment in which others may connect.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise _unusable(path, error) from error
    return listener


def _unusable(path: Path, error: OSError) -> EdgeError:
    return EdgeError(
        f"The register's process cannot listen on {path}: {error.strerror or error}.",
        fix="Give `register.socket` a path in a folder that this user may write.",
    )
