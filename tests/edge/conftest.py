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


Move = Callable[[float], Awaitable[None]]


@pytest.fixture
async def later() -> Move:
    """Move the loop's clock on by so many seconds, and let what was waiting for that happen."""
    real = asyncio.get_running_loop().time
    return _clock(real)


@pytest.fixture
async def still() -> Move:
    """As `later`, but between two moves the loop's clock stands still."""
    now = asyncio.get_running_loop().time()
    return _clock(lambda: now)


def _clock(base: Callable[[], float]) -> Move:
    ahead = 0.0

    async def move(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds
        await turn()

    loop = asyncio.get_running_loop()
    loop.time = lambda: base() + ahead  # type: ignore[method-assign]  # The loop is the test's own.
    return move
