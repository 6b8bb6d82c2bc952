"""Runs a sensor or a link again when it fails, later each time, and counts it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from ground.errors import NorenError

log = logging.getLogger(__name__)

FIRST, LONGEST = 1.0, 60.0
SETTLED = 60.0
"""Seconds that something must run before its next failure counts as its first."""


def delays(first: float = FIRST, longest: float = LONGEST) -> Iterator[float]:
    """Seconds to wait before each further try: growing, and at random, so that not all stores come at once."""
    span = first
    while True:
        yield random.uniform(span / 2, span)  # noqa: S311 - nobody gains by guessing it.
        span = min(span * 2, longest)


class Supervisor:
    """Keeps what may fail running; holds how often each was started anew, and what each suffers from now."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.troubles: dict[str, str] = {}

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run until it returns or this is cancelled; whenever it raises, wait and run it again."""
        waits = delays()
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            settled = loop.call_later(SETTLED, self.troubles.pop, name, None)
            try:
                await run()
                self.troubles.pop(name, None)
                return
            except Exception as error:  # noqa: BLE001 - the one place; a radio or a library may raise anything.
                self._note(name, error)
            finally:
                settled.cancel()
            if loop.time() - began >= SETTLED:
                waits = delays()
            await asyncio.sleep(next(waits))
            self.counts[f"{name}_restarts"] += 1

    def _note(self, name: str, error: Exception) -> None:
        said = str(error) or type(error).__name__
        if self.troubles.get(name) == said:
            return
        self.troubles[name] = said
        # What we raise ourselves is a sentence; anything else is a surprise and shows where it came from.
        log.error("%s: %s", name, said, exc_info=None if isinstance(error, NorenError) else error)
