"""The page's end of the demo's socket: what the demo last said, and orders with their answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from msgspec import DecodeError

from central.errors import CentralError
from central.page.contract import MAX_LINE, Answer, Opening, Order, State, for_page, line

log = logging.getLogger(__name__)

COMES_S = 120.0
"""A demo that was not there for so long when we began is not coming: it starts us before it has opened its window."""
GONE_S = 10.0
"""A demo that was there and has been gone for so long is not coming back."""
SILENT_S = 6.0
"""A demo that has said nothing for so long hangs, whatever its socket does: it promises a state every two seconds."""
_AGAIN_S = 0.25
_ANSWER_S = 30.0


class DemoGone(CentralError):
    """The demo does not answer."""


class Demo:
    """Connects, and again when the connection breaks; everything happens on the event loop."""

    def __init__(self, socket: Path) -> None:
        self.met = asyncio.Event()
        """Set once the demo has said what there is and how it is."""
        self.here = False
        """Whether what is shown is how it is: the demo is there, and speaks."""
        self.changed: Callable[[], None] = lambda: None
        """Called when the demo said something, came, went, or fell silent."""
        self._socket = socket
        self._opening: Opening | None = None
        self._state: State | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._orders = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    @property
    def opening(self) -> Opening:
        assert self._opening is not None
        return self._opening

    @property
    def state(self) -> State:
        assert self._state is not None
        return self._state

    async def run(self) -> None:
        """Listen until the demo is gone for good, or is another one: that one starts a page of its own."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while loop.time() - last < (GONE_S if self.met.is_set() else COMES_S):
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=MAX_LINE)
            except OSError:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                if not await self._listen(reader, writer):
                    return
            finally:
                self._left(writer)
            last = loop.time()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self._writer = writer
        try:
            while data := await reader.readline():
                try:
                    if not self._take(data):
                        return False
                except DecodeError as error:
                    log.warning("a line of the demo cannot be read: %s", error)
        except (OSError, ValueError) as error:  # A line over the limit is a ValueError.
            log.warning("the connection to the demo broke: %s", error)
        return True

    def _take(self, data: bytes) -> bool:
        match for_page(data):
            case Opening() as opening:
                if self._opening is not None and opening != self._opening:
                    return False
                self._opening = opening
            case State() as state:
                self._state = state
            case Answer() as answer:
                waits = self._waiting.pop(answer.order, None)
                if waits is not None and not waits.done():
                    waits.set_result(answer)
                return True
        if self._opening is not None and self._state is not None:
            self._hush()
            self._silence = asyncio.get_running_loop().call_later(SILENT_S, self._fell_silent)
            self.here = True
            self.met.set()
            self.changed()
        return True

    def _fell_silent(self) -> None:
        log.warning("the demo has said nothing for %g s", SILENT_S)
        self.here = False
        self.changed()

    def _hush(self) -> None:
        if self._silence is not None:
            self._silence.cancel()

    def _left(self, writer: asyncio.StreamWriter) -> None:
        self._hush()
        writer.close()
        self._writer = None
        self.here = False
        for waits in self._waiting.values():
            if not waits.done():
                waits.set_exception(DemoGone("The demo is gone."))
        self._waiting.clear()
        self.changed()

    async def ask(self, order: Order) -> Answer:
        """Send an order and wait for its answer. Raises DemoGone, also where none comes in time."""
        if self._writer is None:
            raise DemoGone("The demo is gone.")
        self._orders += 1
        number = self._orders
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(line(replace(order, order=number)))
            return await asyncio.wait_for(answer, _ANSWER_S)
        except TimeoutError as error:
            raise DemoGone("The demo does not answer.") from error
        finally:
            self._waiting.pop(number, None)
