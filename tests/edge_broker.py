"""A real broker on loopback, with and without TLS, and a link of the edge's to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from edge_certificates import Authority

from edge.config import Broker
from edge.mqtt import Mqtt

MOSQUITTO = "/usr/sbin/mosquitto"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mosquitto(folder: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A broker that runs inside, on loopback."""
    config = folder / "mosquitto.conf"
    listener = [] if any(line.startswith("listener") for line in more) else [f"listener {port} 127.0.0.1"]
    config.write_text("\n".join(["user root", "log_dest stderr", *listener, *more, ""]))
    broker = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.PIPE, text=True)
    assert broker.stderr is not None
    with broker.stderr:
        assert any("running" in line for line in broker.stderr)
        try:
            yield broker
        finally:
            broker.terminate()
            broker.wait()


class Agent:
    """A link with what it handed on, and everything that can be waited for."""

    def __init__(
        self, port: int, *topics: str, tls: ssl.SSLContext | None = None, brokers: Sequence[Broker] = ()
    ) -> None:
        self.now: datetime | None = None
        self.heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.connections: asyncio.Queue[bool] = asyncio.Queue()
        self.link = Mqtt(
            brokers or [Broker(host="127.0.0.1", port=port)],
            tls=tls,
            client_id="ginza-1",
            will_topic="status",
            will_payload=b"gone",
            subscriptions={topic: self._handler(topic) for topic in topics},
            now=lambda: self.now,
        )
        self.link.on_connected.append(lambda: self.connections.put_nowait(True))

    def _handler(self, topic: str) -> Callable[[bytes], Awaitable[None]]:
        async def handle(payload: bytes) -> None:
            self.heard.put_nowait((topic, payload))

        return handle

    async def connects(self) -> asyncio.Task[None]:
        """Run it, and come back with the running task once it is connected."""
        task = asyncio.create_task(self.link.run())
        connected = asyncio.create_task(self.connections.get())
        await asyncio.wait([task, connected], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            connected.cancel()
            await task
        return task

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = await self.connects()
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@contextmanager
def chain(folder: Path, authority: Authority, server: Path) -> Iterator[int]:
    """A broker that asks for certificates, with this certificate of its own."""
    port = free_port()
    with mosquitto(folder, port, *authority.listener(folder, port, server)):
        yield port
