"""Looks after the agent's database: says what a broken one lost, and gives room back at night when nobody is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date, timedelta

from edge.clock import Clock
from edge.errors import EdgeError
from edge.outbox import Outbox
from edge.report import Report
from edge.storage import Storage

log = logging.getLogger(__name__)

LOOK = 300.0
"""Seconds between two looks whether it is a good time."""
HOURS = range(2, 5)
"""Of the night, by the device's own zone: a shop is closed."""
TELL = timedelta(days=7)
"""How long after it was found a loss is still reported: the report's key keeps it to once."""
TROUBLE = timedelta(days=1)


class Upkeep:
    """Night work. `anybody` says whether somebody is in the store."""

    def __init__(
        self, storage: Storage, outbox: Outbox, report: Report, clock: Clock, anybody: Callable[[], bool]
    ) -> None:
        self._storage = storage
        self._outbox = outbox
        self._report = report
        self._clock = clock
        self._anybody = anybody
        self._done: date | None = None

    def tell(self) -> None:
        """Report what a broken database lost; to be called at each start, reported once."""
        lost = self._outbox.lost
        if lost is not None and abs(self._clock.wall() - lost[1]) < TELL:
            self._report.happened(lost[0], key=f"storage-lost-{int(lost[1].timestamp())}")

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person should know of this device's disk, in a sentence each."""
        said = []
        lost = self._outbox.lost
        if lost is not None and abs(self._clock.wall() - lost[1]) < TROUBLE:
            said.append(f"The database was broken and a new one begun: {lost[0].reason}."[:200])
        if self._storage.short:
            said.append("The disk is full or nearly so: make room.")
        return tuple(said)

    async def run(self) -> None:
        """Look for a good time each night until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            if self._good() and self._done != self._clock.wall().astimezone().date():
                await self._work()

    async def vacuum(self, _body: bytes) -> str:
        """The command `vacuum`: do it now. Raises EdgeError where the disk fails."""
        return f"{await self._storage.vacuum(lambda: True)} pages given back"

    async def _work(self) -> None:
        try:
            given = await self._storage.vacuum(self._good)
        except EdgeError as error:
            log.warning("the database could not be made smaller: %s", error)
            return
        if self._good():
            self._done = self._clock.wall().astimezone().date()
            log.info("the database gave %d pages back", given)

    def _good(self) -> bool:
        return self._clock.safe() and self._clock.wall().astimezone().hour in HOURS and not self._anybody()
