"""Carries each store's network to central, so that it can be cut like a cable."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

Result = TypeVar("Result")
_CHUNK = 1 << 16


class Lines:
    """One relay for each store and port, all in one thread, while inside `with`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._stores: dict[str, _Line] = {}

    def __enter__(self) -> Lines:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lay(self, store: str, ports: Mapping[str, int]) -> dict[str, int]:
        """Give a port of this machine for each of central's, by name; only this store is to use them."""
        return self._wait_for(self._lay(store, ports))

    def cut(self, store: str) -> None:
        """From now on nothing comes through, and nobody is told: as when a cable is pulled."""
        self._wait_for(self._stores[store].cut())

    def join(self, store: str) -> None:
        """Carry again. What was connected is broken: whatever stood between has forgotten it."""
        self._wait_for(self._stores[store].join())

    def is_whole(self, store: str) -> bool:
        return self._stores[store].whole.is_set()

    def _wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _lay(self, store: str, ports: Mapping[str, int]) -> dict[str, int]:
        line = self._stores[store] = _Line()
        return {name: await line.listen(port) for name, port in ports.items()}

    async def _close(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)  # Who has just called gets the task that is ended here.
        for line in self._stores.values():
            await line.close()


class _Line:
    def __init__(self) -> None:
        self.whole = asyncio.Event()
        self.whole.set()
        self._servers: list[asyncio.Server] = []
        self._carrying: set[asyncio.Task[None]] = set()

    async def listen(self, target: int) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._carrying.add(task)
            try:
                await self._carry(reader, writer, target)
            except asyncio.CancelledError:
                # Ours: a task of asyncio's server that ends as cancelled is reported as an error.
                writer.transport.abort()
            finally:
                self._carrying.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def cut(self) -> None:
        self.whole.clear()

    async def join(self) -> None:
        if not self.whole.is_set():
            self._break()
            self.whole.set()

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        carrying = list(self._carrying)
        self._break()
        await asyncio.gather(*carrying)

    def _break(self) -> None:
        for task in self._carrying:
            task.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
        await self.whole.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            return
        try:
            for each in (writer, back):
                each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A reset of one side ends both pumps, and so both connections.
            with suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, back))
                    group.create_task(self._pump(there, writer))
        finally:
            for each in (writer, back):
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one way until its end. Raises OSError where either side breaks."""
        while data := await reader.read(_CHUNK):
            await self.whole.wait()
            writer.write(data)
            await writer.drain()
        await self.whole.wait()
        writer.write_eof()
