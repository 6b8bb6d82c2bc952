"""Carries each agent's network to central through a proxy that can cut, delay and stall it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

_CHUNK = 1 << 16
_MOST = 64
"""Chunks under way in one direction; past that the sender has to wait, as on any line."""


class Wire:
    """One agent's line: a port here for each of central's. It keeps what it was told over a reconnection."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that each chunk takes, each way."""
        self._flows = asyncio.Event()
        self._flows.set()
        self._cuts = 0
        self._servers: list[asyncio.Server] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def lay(self, ports: Mapping[str, int]) -> dict[str, int]:
        """Listen for each of central's ports."""
        return {name: await self._listen(port) for name, port in ports.items()}

    def stall(self) -> None:
        """From now on nothing comes through and nobody is told; what is under way waits."""
        self._cuts += 1
        self._flows.clear()

    def flow(self, *, broken: bool) -> None:
        """Undo one `stall`. `broken`: what was connected is reset, as when whatever stood between has forgotten it."""
        self._cuts -= 1
        if broken:
            self.reset()
        if not self._cuts:
            self._flows.set()

    def reset(self) -> None:
        """Break every connection."""
        for task in self._carrying:
            task.cancel()

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        carrying = list(self._carrying)
        self.reset()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _listen(self, target: int) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._carrying.add(task)
            try:
                await self._carry(reader, writer, target)
            except (asyncio.CancelledError, OSError):
                pass  # Ours, or either side's end; asyncio would report the task.
            finally:
                writer.transport.abort()
                self._carrying.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
        await self._flows.wait()
        there, back = await asyncio.open_connection("127.0.0.1", target)
        try:
            for each in (writer, back):
                each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for one, other in ((reader, back), (there, writer)):
                        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST)
                        group.create_task(self._take(one, under_way))
                        group.create_task(self._give(under_way, other))
        finally:
            back.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(_CHUNK):
            await under_way.put((loop.time() + self.delay, data))
        await under_way.put((loop.time() + self.delay, b""))

    async def _give(self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self._flows.wait()
            if not data:
                writer.write_eof()  # TLS knows no half-closed connection, but HTTP does.
                return
            writer.write(data)
            await writer.drain()
