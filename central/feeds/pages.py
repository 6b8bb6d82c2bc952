"""Answers an agent's pulls with pages of what its store may have."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from msgspec import Raw
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from central import agents
from central.contract import codec, topics
from central.contract.codec import Unreadable
from central.contract.feeds import FEEDS, Page, Pull, Row
from central.mqtt import Inbox, Message
from central.storage.database import reading
from central.storage.tables import feed_row, generation, head

log = logging.getLogger(__name__)

Publish = Callable[[str, bytes], None]
_BYTES = 256 << 10
"""Bodies in one page, before compression; one row may be more."""


class Pages:
    """The way down, for one worker thread."""

    def __init__(self, engine: Engine, publish: Publish) -> None:
        self.counts: Counter[str] = Counter()
        self._engine = engine
        self._publish = publish

    def run(self, inbox: Inbox) -> None:
        """Work until the inbox is closed."""
        while group := inbox.take(1):
            for message in group:
                self.answer(message)

    def answer(self, message: Message) -> None:
        """Send the page that was asked for; nothing to whom it is not for, and nothing while the database is away."""
        address = message.address
        try:
            pull = codec.unpack(message.payload, Pull)
            with reading(self._engine) as connection:
                known = agents.find(connection, address.agent)
                if known is None or known.revoked or known.store != address.store:
                    self.counts["refused"] += 1
                    return
                made = page(connection, pull, (topics.CHAIN, known.store))
        except Unreadable:
            self.counts["unreadable"] += 1
        except DBAPIError as error:
            self.counts["deferred"] += 1
            log.warning("a page could not be read now: %s", error.orig)
        else:
            self.counts["refused" if made is None else "pages"] += 1
            if made is not None:
                publish = message.answer or self._publish
                publish(topics.of_agent(address.store, address.agent, "page"), codec.pack(made))


def page(connection: Connection, pull: Pull, scopes: Collection[str]) -> Page | None:
    """Make the page; None where the scope is not the puller's or there is no such feed."""
    if pull.scope not in scopes or pull.feed not in FEEDS:
        return None
    now = connection.scalar(select(generation.c.generation)) or ""
    state = connection.execute(select(head).where(head.c.scope == pull.scope, head.c.feed == pull.feed)).first()
    newest, horizon = (state.head, state.horizon) if state else (0, 0)
    goes_on = _goes_on(pull, now, newest, horizon)
    after = pull.after if goes_on else 0
    rows, upto = _rows(connection, pull, after, newest)
    return Page(
        scope=pull.scope,
        feed=pull.feed,
        after=after,
        upto=upto,
        head=newest,
        generation=pull.generation if goes_on else f"{now}-{horizon}" if horizon else now,
        horizon=min(horizon, after) if goes_on else horizon,
        rows=rows,
    )


def _goes_on(pull: Pull, now: str, newest: int, horizon: int) -> bool:
    # A snapshot's later pages begin below the horizon, and so do cursors that are too old. The generation that an
    # agent gives back tells them apart: it ends in the horizon of the snapshot that it was first given with.
    began, _, at = pull.generation.partition("-")
    if began != now or pull.after > newest:
        return False
    return pull.after >= horizon or at == str(horizon)


def _rows(connection: Connection, pull: Pull, after: int, newest: int) -> tuple[tuple[Row, ...], int]:
    where = (feed_row.c.scope == pull.scope, feed_row.c.feed == pull.feed, feed_row.c.version > after)
    found = connection.execute(select(feed_row).where(*where).order_by(feed_row.c.version).limit(pull.limit)).all()
    rows: list[Row] = []
    size = 0
    for row in found:
        size += len((row.body or "").encode())
        if rows and size > _BYTES:
            return tuple(rows), rows[-1].version
        rows.append(_row(row))
    return tuple(rows), rows[-1].version if len(rows) == pull.limit else newest


def _row(row: Any) -> Row:
    body = None if row.body is None else Raw(row.body.encode())
    return Row(key=row.key, version=row.version, body=body, until=row.until)
