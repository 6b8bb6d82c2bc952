"""Runs a sensor or a link again when it fails, later each time, and counts it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from ground.errors import NorenError

log = logging.getLogger(__name__)

FIRST, LONGEST, GROWTH = 1.0, 60.0, 2.0
SETTLED = 60.0
"""Seconds that something must run before its next failure counts as its first, where it does not say itself that
it is well."""
NEAR = 5.0
"""Seconds until a sensor is tried again, at most: somebody has just plugged it in and stands beside it."""
WORKS = 15.0
"""Seconds that a sensor must run likewise: a camera takes ten to be found frozen."""


def delays(first: float = FIRST, longest: float = LONGEST, growth: float = GROWTH) -> Iterator[float]:
    """Seconds to wait before each further try: growing, and at random, so that not all stores come at once."""
    span = first
    while True:
        yield random.uniform(span / 2, span)  # noqa: S311 - nobody gains by guessing it.
        span = min(span * growth, longest)


def soon() -> Iterator[float]:
    """Seconds to wait for what is plugged into this device."""
    return delays(longest=NEAR)


class Supervisor:
    """Keeps what may fail running; holds how often each was started anew, and what each suffers from now."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.troubles: dict[str, str] = {}
        self._well: set[str] = set()
        """What has not failed since it was last said to be well."""

    async def keep(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        *,
        waits: Callable[[], Iterator[float]] = delays,
        settled: float = SETTLED,
    ) -> None:
        """Run until it returns or this is cancelled; whenever it raises, wait and run it again.

        It waits longer each time, as `waits` says, and begins these anew once it was well, which it is after `settled`
        seconds.
        """
        left = waits()
        loop = asyncio.get_running_loop()
        while True:
            good = loop.call_later(settled, self.well, name)
            try:
                await run()
                self.troubles.pop(name, None)
                return
            except Exception as error:  # noqa: BLE001 - the one place; a radio or a library may raise anything.
                self._note(name, error)
            finally:
                good.cancel()
            if name in self._well:
                self._well.remove(name)
                left = waits()
            await asyncio.sleep(next(left))
            self.counts[f"{name}_restarts"] += 1

    def well(self, name: str) -> None:
        """Know that it works: nothing troubles it now, and its next failure is its first."""
        self.troubles.pop(name, None)
        self._well.add(name)

    def _note(self, name: str, error: Exception) -> None:
        said = str(error) or type(error).__name__
        if self.troubles.get(name) == said:
            return
        self.troubles[name] = said
        # What we raise ourselves is a sentence; anything else is a surprise and shows where it came from.
        log.error("%s: %s", name, said, exc_info=None if isinstance(error, NorenError) else error)
