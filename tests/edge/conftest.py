"""What the edge's tests stand on: a real SQLite file, and a loop whose clock the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from edge_wire import turn

from edge.storage import Storage


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with Storage.open(tmp_path / "edge.sqlite") as opened:
        yield opened


@pytest.fixture
async def later() -> Callable[[float], Awaitable[None]]:
    """Move the loop's clock on by so many seconds, and let what was waiting for that happen."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0

    async def move(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds
        await turn()

    loop.time = lambda: real() + ahead  # type: ignore[method-assign]  # The loop is the test's own.
    return move
