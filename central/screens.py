"""Keeps the last picture of each screen: what it shows, with place holders for all that is anybody's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from central.contract import codec
from central.contract.codec import Unreadable
from central.contract.commands import ScreenPicture
from central.storage.database import put
from central.storage.tables import agent, snapshot

MOST = 32
"""Screens of one agent; the one whose picture is oldest goes."""
_ACROSS = 4096
"""Pixels across that anybody may have to decode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """A screen of which there is a picture."""

    store: str
    agent: str
    screen: str
    at: datetime


def read(data: bytes) -> ScreenPicture:
    """Read what an agent sent. Raises Unreadable, also for what is no PNG of a screen's size."""
    said = codec.unpack(data, ScreenPicture)
    head = said.png[:24]
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if not head.startswith(b"\x89PNG\r\n\x1a\n") or not (0 < width <= _ACROSS and 0 < height <= _ACROSS):
        raise Unreadable("it is no PNG of a screen - at `$.png`")
    return said


def keep(connection: Connection, of: str, picture: ScreenPicture, received: datetime) -> None:
    """Keep it in place of the one before."""
    # A machine without a clock may be ahead: what was taken lies before it was received.
    row = {"agent": of, "screen": picture.screen, "at": min(picture.at, received), "png": picture.png}
    put(connection, snapshot, [row])
    mine = snapshot.c.agent == of
    if (connection.scalar(select(func.count()).select_from(snapshot).where(mine)) or 0) > MOST:
        oldest = select(snapshot.c.screen).where(mine, snapshot.c.screen != picture.screen).order_by(snapshot.c.at)
        connection.execute(snapshot.delete().where(mine, snapshot.c.screen == connection.scalar(oldest.limit(1))))


def every(connection: Connection) -> list[Pictured]:
    """Give all screens of agents of ours that there is a picture of."""
    of = snapshot.c.agent == agent.c.agent
    ask = select(agent.c.store, snapshot.c.agent, snapshot.c.screen, snapshot.c.at).join(agent, of)
    rows = connection.execute(ask.order_by(agent.c.store, snapshot.c.agent, snapshot.c.screen)).mappings()
    return [Pictured(**row) for row in rows]


def picture(connection: Connection, of: str, screen: str) -> tuple[datetime, bytes] | None:
    """Give the last picture of a screen, a PNG, and when it was taken."""
    mine = (snapshot.c.agent == of, snapshot.c.screen == screen)
    row = connection.execute(select(snapshot.c.at, snapshot.c.png).where(*mine)).first()
    return None if row is None else (row.at, bytes(row.png))
