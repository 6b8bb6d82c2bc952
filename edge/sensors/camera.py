"""Reads codes off a camera's frames, in a thread of its own, and reports each once while it stays in view."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from edge import codes
from edge.model import Scan, ZoneId
from edge.ports import Deliver
from edge.sensors.capture import Frames
from edge.sensors.looking import Search
from edge.sensors.picture import Picture

T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds since its last frame for which an ending camera is waited for; a driver can hang for ever."""


class Camera:
    """A source of frames at one reader; `said` is what the source itself has to say of its trouble."""

    def __init__(
        self,
        name: str,
        zone: str,
        frames: Frames,
        *,
        said: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.frames = frames
        self.looks = 0
        """Frames that were searched for codes."""
        self.reads: Counter[str] = Counter()
        """Codes that were reported, by the look that read them."""
        self._said = said
        self._judged = ""
        self._clock = clock
        self._alive = 0.0

    @property
    def trouble(self) -> str:
        """What is wrong with its pictures, in a sentence; empty where nothing is."""
        return self._said() or self._judged

    @property
    def counts(self) -> dict[str, int]:
        """How many frames were looked at, and each reader's share of what was read."""
        return {"looks": self.looks, **{f"reads_{reader}": count for reader, count in dict(self.reads).items()}}

    async def run(self, deliver: Deliver) -> None:
        """Watch until cancelled, or until the source ends. Raises SensorError when the source fails."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        ended: asyncio.Future[BaseException | None] = loop.create_future()
        self._alive = self._clock()

        def watch() -> None:
            try:
                self._watch(loop, deliver, stop)
            except BaseException as error:  # noqa: BLE001 - raised again below.
                hand_over(loop, ended.set_result, error)
            else:
                hand_over(loop, ended.set_result, None)

        # Python waits for every other kind of thread before it ends, also for one that hangs.
        threading.Thread(target=watch, name=self.name, daemon=True).start()
        try:
            await asyncio.wait([ended])
        finally:
            stop.set()
            # The device should be free before anybody opens it anew; who hangs frees it when it comes back.
            await asyncio.wait([ended], timeout=max(0.0, PATIENCE - (self._clock() - self._alive)))
            if not ended.done():
                log.warning("%s hangs and was left so", self.name)
            self._judged = ""
        failed = ended.result()
        if failed is not None:
            raise failed

    def _watch(self, loop: asyncio.AbstractEventLoop, deliver: Deliver, stop: threading.Event) -> None:
        """The thread: look at the newest frame, as long as nobody says stop."""
        readers = codes.readers()
        search, picture = Search(readers.first, readers.second), Picture()
        with closing(self.frames()) as frames:
            for gray in frames:
                at = self._alive = self._clock()
                if stop.is_set():
                    return
                self._judged = picture.see(gray, at)
                if not search.wants(gray, at):
                    continue
                self.looks += 1
                for code in search.look(gray, at):
                    self.reads[code.reader] += 1
                    scan = Scan(at=at, reader=self.name, zone=self.zone, format=code.format, content=code.content)
                    if not hand_over(loop, deliver, scan):
                        return


def hand_over(loop: asyncio.AbstractEventLoop, take: Callable[[T], object], what: T) -> bool:
    """Cross from the camera's thread into the loop; False where it is closed and nobody is left to tell."""
    try:
        loop.call_soon_threadsafe(take, what)
    except RuntimeError:
        return False
    return True
