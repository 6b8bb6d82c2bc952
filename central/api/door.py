"""The door of the HTTP server: nobody holds more than their part of the connections, nor one that asks nothing."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections import Counter
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from central.api.places import neighbourhood

_FILES = 8192
_OTHERS = 256
"""Files that are not connections: the database's, the broker's, those of the keys."""


class Listening(socket.socket):
    """Takes so many connections, also of those who begin no TLS, whom `Door` never meets: files are left for the rest.

    Without it a thousand of them keep central from reading its keys, and so revocations from the broker (measured).
    """

    most = 1024
    """Open at once, of all."""
    of_one = 192
    """Of one address: what `Door` lets in, and some that are on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.turned_away = 0
        self._open: list[tuple[socket.socket, str]] = []
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < _FILES:
            soft = min(_FILES, hard) if hard > 0 else _FILES
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.most = min(self.most, soft - _OTHERS)

    def accept(self) -> tuple[socket.socket, Any]:
        """As a socket's own. Raises BlockingIOError where that was one too many, as if nobody had come."""
        connection, address = super().accept()
        who = neighbourhood(address[0])
        self._open = [(one, whose) for one, whose in self._open if one.fileno() >= 0]
        if len(self._open) >= self.most or sum(whose == who for _, whose in self._open) >= self.of_one:
            self.turned_away += 1
            connection.close()
            raise BlockingIOError
        self._open.append((connection, who))
        return connection, address


class Door(H11Protocol):
    """uvicorn's h11: its other choice, httptools, bounds no headers, and both wait for a head for ever."""

    most = 1024
    """Connections at once, of all; each may hold a head of up to 16 KiB (h11's limit) and 64 KiB of a body."""
    of_one = 128
    """Of one address."""
    head_s = 10.0
    """How long a request's head may take to come in, and the rest of a body that nobody reads any more."""
    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # As uvicorn's own.
        super().connection_made(transport)
        here = Counter(_of(one) for one in self.connections)
        if here.total() > self.most or here[_of(self)] > self.of_one:
            self._turn_away("http_turned_away")
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        elif self.late is not None:
            self.late.cancel()
            self.late = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.late is not None:
            self.late.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.late is None:
            self.late = self.loop.call_later(self.head_s, self._turn_away, "http_too_slow")

    def _turn_away(self, why: str) -> None:
        counts: Counter[str] = self.config.app.state.counts  # type: ignore[union-attr] # What `api.build` made.
        counts[why] += 1
        self.transport.abort()


def _of(connection: Any) -> str:
    return neighbourhood(connection.client[0]) if connection.client else ""
