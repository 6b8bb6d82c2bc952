"""Reads out of a broken database what central was not sent, and says what could not be read."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec

from edge import ledger
from edge.errors import Broken
from edge.ledger import CLASSES, Cause, Saved
from edge.seal import Seal, about

STEP = 500
"""Rows read at once; where one of them cannot be read, each is read by itself."""
BEYOND = 10_000
"""How far the newest event may be past the state that was written last; more is a damaged page's invention."""
_ANY = CLASSES.index("vital")
"""What is lost may have been anything."""
_FIND = "SELECT seq, chain, data, class, origin, was FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq"


class Salvage:
    """A broken database, opened to be read. Without a key what is sealed comes as it is, unopened."""

    def __init__(self, db: sqlite3.Connection, seal: Seal, agent: str) -> None:
        self._db = db
        self._seal = seal
        self.state = _state(self._fetch("SELECT state FROM outbox"))
        """As it was written last; None where it cannot be read, or is another agent's and not ours to send."""
        if self.state is not None and self.state.agent not in ("", agent):
            self.state = None
        self.last = self._last(self.state.last) if self.state else 0

    def rows(self) -> Iterator[Saved]:
        """Everything after the last acknowledged seq, in its order: events, and runs of what is lost."""
        if self.state is None:
            return
        done, epoch = self.state.acked, self.state.epoch
        keys = {seq: key for key, seq in self._fetch("SELECT key, seq FROM seen WHERE seq > ?", done) or ()}
        gaps = self._gaps()
        chains = {last: chain for _, last, _, _, chain in gaps} | {done: bytes.fromhex(self.state.acked_chain)}
        for seq, chain, data, rank, origin, was in self._events(done):
            if self._right(data, about("event", origin or epoch, was or seq), chains.get(seq - 1), chain):
                yield from _lost(done, seq - 1, gaps)
                yield Saved(1, rank, data, origin or epoch, was or seq, keys.get(seq))
                chains[seq], done = chain, seq
        yield from _lost(done, self.last, gaps)

    def known(self) -> list[str]:
        """The keys of events that central has: who tells of them again must not make them twice."""
        if self.state is None:
            return []
        rows = self._fetch("SELECT key FROM seen WHERE seq <= ?", self.state.acked) or ()
        return [key for (key,) in rows if isinstance(key, str)]

    def _events(self, after: int) -> Iterator[Any]:
        for first in range(after + 1, self.last + 1, STEP):
            end = min(first + STEP - 1, self.last)
            rows = self._fetch(_FIND, first, end)
            if rows is None:
                rows = [row for seq in range(first, end + 1) for row in self._fetch(_FIND, seq, seq) or ()]
            yield from filter(_sound, rows)

    def _right(self, data: bytes, its: bytes, before: bytes | None, chain: bytes) -> bool:
        """Whether it is as it was put: by its seal, or else by the chain from what comes before it."""
        sealed = data[:1] != b"{"
        if sealed and self._seal.locked:
            return True  # It is looked at again once there is a key.
        try:
            plain = self._seal.open(data, its)
        except Broken:
            return False
        return sealed or (before is not None and hashlib.sha256(before + plain).digest() == chain)

    def _last(self, written: int) -> int:
        found = [self._fetch(sql) for sql in ("SELECT max(seq) FROM event", "SELECT max(last) FROM gap")]
        ends = [rows[0][0] for rows in found if rows and isinstance(rows[0][0], int)]
        return max([written, *(end for end in ends if end <= written + BEYOND)])

    def _gaps(self) -> list[Any]:
        rows = self._fetch("SELECT first, last, class, cause, chain FROM gap ORDER BY first") or []
        return [
            (first, last, rank, cause, chain)
            for first, last, rank, cause, chain in rows
            if first <= last <= self.last and rank in range(len(CLASSES)) and cause in get_args(Cause)
        ]

    def _fetch(self, sql: str, *args: object) -> list[Any] | None:
        """Rows, or None where one of them cannot be read."""
        try:
            return self._db.execute(sql, args).fetchall()
        except sqlite3.Error:
            return None


@contextmanager
def opened(file: Path, seal: Seal, agent: str) -> Iterator[Salvage]:
    """The broken database in this file; where there is none, it is as one of which nothing can be read."""
    with closing(sqlite3.connect(file if file.exists() else ":memory:", isolation_level=None)) as db:
        yield Salvage(db, seal, agent)


def _state(rows: list[Any] | None) -> ledger.State | None:
    try:
        return msgspec.json.decode(rows[0][0], type=ledger.State) if rows else None
    except (msgspec.DecodeError, TypeError):
        return None


def _sound(row: Any) -> bool:
    """Whether a row has the shape it was written with: a damaged page may hold anything."""
    _, chain, data, rank, origin, was = row
    whole = isinstance(chain, bytes) and isinstance(data, bytes) and rank in range(len(CLASSES))
    return whole and isinstance(origin, str | None) and isinstance(was, int | None)


def _lost(after: int, upto: int, gaps: list[Any]) -> Iterator[Saved]:
    """What lies between two events: gaps that were declared, and what is lost now."""
    for first, last, rank, cause, _ in gaps:
        begin, end = max(first, after + 1), min(last, upto)
        if begin <= end:
            if begin > after + 1:
                yield Saved(begin - after - 1, _ANY)
            yield Saved(end - begin + 1, rank, cause=cause)
            after = end
    if after < upto:
        yield Saved(upto - after, _ANY)
