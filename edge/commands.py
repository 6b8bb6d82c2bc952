"""Does what central commands, each once, and remembers over a restart what it replied."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract import topics
from central.contract.codec import Unreadable, pack, unpack
from central.contract.commands import Command, Reply
from edge.clock import Clock
from edge.errors import EdgeError
from edge.ports import Link
from edge.storage import Storage
from ground.errors import NorenError

log = logging.getLogger(__name__)

MOST_WAITING = 16
"""Commands not yet done; the next is dropped and counted: central sends what has no reply again."""
MOST_KEPT = 1000
"""Commands whose reply is remembered, so that a second delivery does nothing twice."""

Do = Callable[[bytes], Awaitable[str]]
"""Takes a command's body; gives what to reply, or raises a NorenError that says why not."""

migrations = Migrations("commands")


@migrations()
def replies(db: Database) -> None:
    """What was replied, the newest last."""
    db.execute("""
        CREATE TABLE reply (nth INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, ok INTEGER NOT NULL,
                            said TEXT NOT NULL)
    """)


class Commands:
    """What central may ask of this agent, by name; `known` may be added to before `run`.

    They are done one after the other and beside everything else: a long one holds no page and no acknowledgement up.
    """

    def __init__(self, storage: Storage, link: Link, clock: Clock, store: str, agent: str) -> None:
        self.counts: Counter[str] = Counter()
        self.known: dict[str, Do] = {"ping": self._ping}
        self._storage = storage
        self._link = link
        self._clock = clock
        self._topic = topics.of_agent(store, agent, "reply")
        self._waiting: deque[Command] = deque()
        self._some = asyncio.Event()

    async def open(self) -> None:
        """Make the table. Raises StorageError."""
        self._storage.migrate(migrations)

    async def on_command(self, payload: bytes) -> None:
        """Take a command; one that was done already is only answered."""
        try:
            command = unpack(payload, Command)
        except Unreadable:
            self.counts["commands_unreadable"] += 1
            return
        before = self._replied(command.command)
        if before is not None:
            self._link.publish(self._topic, pack(before))
        elif command.command in [other.command for other in self._waiting]:
            self.counts["commands_again"] += 1
        elif len(self._waiting) >= MOST_WAITING:
            self.counts["commands_dropped"] += 1
        else:
            self._waiting.append(command)
            self._some.set()

    async def run(self) -> None:
        """Do what waits until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                # It stays in line while it is done, so that its second delivery meets it there.
                reply = await self._do(self._waiting[0])
                try:
                    await self._storage.write(partial(_keep, reply=reply), now=True)
                except EdgeError:  # A full disk: a second delivery does it again, which is harmless.
                    self.counts["replies_unkept"] += 1
                self._waiting.popleft()
                self._link.publish(self._topic, pack(reply))

    async def _do(self, command: Command) -> Reply:
        do = self.known.get(command.name)
        if do is None:
            ok, said = False, f"this agent knows no command {command.name}"
        elif self._clock.safe() and command.expires <= self._clock.wall():
            ok, said = False, "it had expired when it came"  # By an unsafe clock, central's sending it says it has not.
        else:
            try:
                ok, said = True, await do(bytes(command.body or b"{}"))
            except NorenError as error:
                ok, said = False, str(error)
        self.counts["commands_done" if ok else "commands_refused"] += 1
        return Reply(command=command.command, ok=ok, said=said[:2000])

    async def _ping(self, _body: bytes) -> str:
        return "here"

    def _replied(self, command: str) -> Reply | None:
        kept = self._storage.read("SELECT ok, said FROM reply WHERE command = ?", (command,))
        return Reply(command=command, ok=bool(kept[0][0]), said=kept[0][1]) if kept else None


def _keep(db: sqlite3.Connection, reply: Reply) -> None:
    values = (reply.command, reply.ok, reply.said)
    db.execute("INSERT OR REPLACE INTO reply (command, ok, said) VALUES (?, ?, ?)", values)
    db.execute("DELETE FROM reply WHERE nth <= (SELECT max(nth) FROM reply) - ?", (MOST_KEPT,))
