"""Sees to it that no event's last two copies are taken away by two faults at once: no system could keep that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class History:
    """Either central may lose what it has held since some moment, or edges may lose what they have handed over."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._edges = 0
        self._central = False
        self._waiting = 0

    @asynccontextmanager
    async def edge(self) -> AsyncIterator[None]:
        """While inside, an edge's card is lost or goes back: what it has handed over is only at central."""
        async with self._changed:
            # Who waits to set central back goes first, or with many edges its turn would never come.
            await self._changed.wait_for(lambda: not (self._central or self._waiting))
            self._edges += 1
        try:
            yield
        finally:
            async with self._changed:
                self._edges -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def central(self) -> AsyncIterator[None]:
        """While inside, central goes back to where it was at the beginning: what it has lost is only at the edges."""
        async with self._changed:
            self._waiting += 1
            try:
                await self._changed.wait_for(lambda: not (self._central or self._edges))
            finally:
                self._waiting -= 1
            self._central = True
        try:
            yield
        finally:
            async with self._changed:
                self._central = False
                self._changed.notify_all()
