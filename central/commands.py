"""Keeps what agents are asked to do until they reply, and sends it to them again and again until it expires."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Raw
from sqlalchemy import Connection, Engine, func, select

from central.contract import codec, topics
from central.contract.commands import Command, Reply
from central.errors import CentralError, Unknown
from central.storage.database import reading, writing
from central.storage.tables import agent, command

Publish = Callable[[str, bytes], None]
MOST_BODY = 16 << 10
"""Bytes of one command's body."""
MOST_WAITING = 100
"""Commands that one agent may have left undone: it cannot be asked without end while it is away."""
LONGEST = timedelta(days=7)
KEPT = timedelta(days=30)
"""How long what was asked and replied is kept."""
_FIRST, _LAST = timedelta(seconds=2), timedelta(seconds=30)
"""Between two sendings of one command; each time twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command to one agent, and what it replied; `ok` None: nothing yet."""

    agent: str
    command: str
    ok: bool | None
    said: str | None


def targets(connection: Connection, of: str) -> list[str]:
    """Give the agents meant by an agent's name, a store's, or `all`. Raises Unknown."""
    mine = select(agent.c.agent).where(agent.c.revoked.is_(False)).order_by(agent.c.agent)
    asked = [mine] if of == "all" else [mine.where(agent.c.agent == of), mine.where(agent.c.store == of)]
    for one in asked:
        if found := list(connection.scalars(one)):
            return found
    raise Unknown(f"There is no agent and no store {of}.", fix="Look at `noren central report` for those there are.")


def ask(
    connection: Connection, agents: Collection[str], name: str, body: bytes | None, now: datetime, good_for: timedelta
) -> list[Asked]:
    """Have each of these agents do this once. Raises CentralError for what no command may be."""
    if body is not None and len(body) > MOST_BODY:
        raise CentralError(f"A body of {len(body)} bytes is too large.", fix=f"Send at most {MOST_BODY}.")
    if not timedelta(0) < good_for <= LONGEST:
        raise CentralError("A command expires after a time.", fix=f"Give it more than nothing, at most {LONGEST}.")
    asked = []
    for one in sorted(agents):
        waiting = (command.c.agent == one, command.c.replied.is_(None), command.c.expires > now)
        if (connection.scalar(select(func.count()).where(*waiting)) or 0) >= MOST_WAITING:
            raise CentralError(f"{one} has {MOST_WAITING} commands to do already.", fix="Wait until they expire.")
        asked.append(Asked(agent=one, command=secrets.token_hex(8), ok=None, said=None))
        made = Command(command=asked[-1].command, name=name, expires=now + good_for, body=_raw(body))
        codec.unpack(codec.pack(made), Command)  # An agent could not read it either.
        row = {"command": made.command, "agent": one, "name": name, "body": None if body is None else body.decode()}
        connection.execute(command.insert().values(**row, made=now, expires=made.expires))
    return asked


def pending(connection: Connection, now: datetime) -> list[tuple[str, Command]]:
    """Give what has no reply and has not expired, each with its topic; nothing of who is revoked."""
    mine = (command.c.replied.is_(None), command.c.expires > now, agent.c.revoked.is_(False))
    ask = select(command, agent.c.store).join(agent, agent.c.agent == command.c.agent).where(*mine)
    return [
        (
            topics.of_agent(row.store, row.agent, "command"),
            Command(
                command=row.command,
                name=row.name,
                expires=row.expires,
                body=_raw(None if row.body is None else row.body.encode()),
            ),
        )
        for row in connection.execute(ask.order_by(command.c.made, command.c.command))
    ]


def replied(connection: Connection, of: str, reply: Reply, at: datetime) -> bool:
    """Note what an agent replied; False for a command that is not its own. The first reply counts."""
    mine = (command.c.command == reply.command, command.c.agent == of)
    first = command.update().where(*mine, command.c.replied.is_(None))
    if connection.execute(first.values(ok=reply.ok, said=reply.said, replied=at)).rowcount:
        return True
    return connection.scalar(select(command.c.command).where(*mine)) is not None


def outcomes(connection: Connection, ids: Collection[str]) -> list[Asked]:
    """Give what became of these."""
    columns = (command.c.agent, command.c.command, command.c.ok, command.c.said)
    rows = connection.execute(select(*columns).where(command.c.command.in_(ids)).order_by(command.c.agent)).mappings()
    return [Asked(**row) for row in rows]


def purge(connection: Connection, before: datetime) -> None:
    """Forget what expired before then."""
    connection.execute(command.delete().where(command.c.expires < before))


class Sender:
    """Sends what is pending, at first every two seconds and then less often; `step` is called more often than that."""

    def __init__(self, engine: Engine, publish: Publish, now: Callable[[], datetime]) -> None:
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._publish = publish
        self._now = now
        self._next: dict[str, tuple[datetime, timedelta]] = {}
        """When each is to be sent again, and how long to wait after that."""
        self._purged: datetime | None = None

    def step(self) -> None:
        """Send what is due. Raises DBAPIError while the database is away."""
        now = self._now()
        with reading(self._engine) as connection:
            found = pending(connection, now)
        nexts = {}
        for topic, one in found:
            due, wait = self._next.get(one.command, (now, _FIRST))
            if due <= now:
                self._publish(topic, codec.pack(one))
                self.counts["sent"] += 1
                due, wait = now + wait, min(2 * wait, _LAST)
            nexts[one.command] = (due, wait)
        self._next = nexts
        if self._purged is None or now - self._purged > timedelta(days=1):
            self._purged = now
            with writing(self._engine) as connection:
                purge(connection, now - KEPT)


def _raw(body: bytes | None) -> Raw | None:
    return None if body is None else Raw(body)
