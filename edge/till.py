"""Speaks to the register's process: takes its questions as scans, gives the answers, and hands it members."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from edge import config
from edge.model import Scan, ZoneId
from edge.ports import Deliver
from edge.register import MAX_LINE, NUMBER, Answer, Garbled, Hand, Question, ToRegister, Vitals, for_agent, line

log = logging.getLogger(__name__)

AGAIN = 0.25
"""Seconds between two tries to find the process: it is on this machine."""
MOST_OPEN = 64
"""Questions that are waited for; as many as the process asks at one time."""
STALE = 2.0
"""Seconds after which a question is none any more: its code is long with the register, and its person maybe gone."""
MOST_WAITING = MAX_LINE
"""Bytes not yet taken by a process that hangs; past that nothing more is handed to it."""
_NUMBER = re.compile(NUMBER)


def checkouts(settings: config.EdgeConfig) -> frozenset[str]:
    """The zones before the register: those of shared scanners and of checkouts' screens; all where nothing says so."""
    shared = {one.zone for one in settings.sensors if isinstance(one, config.Keyboard | config.Serial) and one.shared}
    seen = {zone for screen in settings.screens if screen.use == "till" for zone in screen.zones}
    return frozenset(shared | seen or {zone.zone for zone in settings.zones})


class Till:
    """The agent's side of the register; `zones` says where each shared scanner stands.

    `before` are the zones before the register: who shows a code elsewhere in the store is no customer of it yet.
    """

    def __init__(
        self,
        register: config.Register,
        zones: Mapping[str, str],
        before: Collection[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._register = register
        self._zones = zones
        self._before = before
        self._clock = clock
        self._own: Counter[str] = Counter()
        self._writer: asyncio.StreamWriter | None = None
        self._vitals: Vitals | None = None
        self._open: dict[str, None] = {}
        self._missing = False

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def troubles(self) -> dict[str, str]:
        """A sentence for each shared scanner, by its name, and each way to the register, that does not work."""
        if self._missing:
            return {"register": "The register's process does not run: systemctl status noren-register"}
        return dict(self._vitals.troubles) if self._vitals else {}

    @property
    def trouble(self) -> str:
        """All of them as one; empty where nothing is wrong."""
        return " ".join(dict.fromkeys(self.troubles.values()))

    @property
    def counts(self) -> dict[str, int]:
        """Its own by `till_`, and those that the process has told by `register_` and its name for them."""
        told = self._vitals.counts if self._vitals else {}
        return {f"register_{name}": count for name, count in told.items()} | {
            f"till_{name}": count for name, count in self._own.items()
        }

    def answer(self, scan: Scan, ours: bool, number: str | None) -> None:
        """Say whose the code of a scan is; a number goes to the register, also later, or where nobody asked."""
        if not ours or not number:
            number = None
        elif not _NUMBER.match(number):
            self._own["unsayable"] += 1
            number = None
        if scan.question in self._open:
            del self._open[scan.question]
            self._send(Answer(question=scan.question, ours=ours, number=number), "answered")
        elif number and scan.zone in self._before:
            self._send(Hand(number=number, reader=scan.reader), "handed")

    async def run(self, deliver: Deliver) -> None:
        """Stay connected until cancelled; each question becomes a scan."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._register.socket), limit=MAX_LINE)
            except OSError:
                self._missing = True
                await asyncio.sleep(AGAIN)
                continue
            self._writer, self._missing = writer, False
            try:
                await self._listen(reader, deliver)
            except (OSError, ValueError, Garbled) as error:
                self._own["garbled"] += 1
                log.warning("the register's process was lost: %s", error)
            finally:
                self._writer = self._vitals = None
                self._open.clear()
                writer.transport.abort()
            await asyncio.sleep(AGAIN)

    async def _listen(self, reader: asyncio.StreamReader, deliver: Deliver) -> None:
        while data := await reader.readline():
            message = for_agent(data)
            if isinstance(message, Vitals):
                self._vitals = message
            else:
                self._asked(message, deliver)

    def _asked(self, asked: Question, deliver: Deliver) -> None:
        self._own["asked"] += 1
        now, zone = self._clock(), self._zones.get(asked.reader)
        if zone is None or now - asked.at > STALE:
            self._own["strange" if zone is None else "stale"] += 1
            self._send(Answer(question=asked.question, ours=False), "answered")
            return
        while len(self._open) >= MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        self._open[asked.question] = None
        deliver(
            Scan(
                at=min(asked.at, now),
                reader=asked.reader,
                zone=ZoneId(zone),
                format=asked.format,
                content=asked.content,
                question=asked.question,
            )
        )

    def _send(self, message: ToRegister, counted: str) -> None:
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > MOST_WAITING:
            self._own["unsent"] += 1
            return
        writer.write(line(message))
        self._own[counted] += 1
