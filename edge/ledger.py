"""The outbox's rows, as one transaction leaves them for the next: numbered, on a chain, within a budget of bytes."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract import batches
from central.contract.batches import GENESIS, MAX_BATCH, Ack, Batch, DropClass, Gap, Origin
from edge.errors import EdgeError, OutboxFull

REWIND = 72 * 3600.0
"""Seconds for which acknowledged events are kept, as far as the budget goes: central may be restored from a backup."""
REMEMBER = 14 * 86400.0
"""Seconds for which an event's key is known: a player that was off for longer may report a play twice."""
MARK = 3600.0
"""Seconds between two notes of how far central was."""
ROW = 100
"""Bytes that a row takes beside its event."""
MANY_GAPS = 10_000
"""Past this, neighbouring gaps of different classes merge too, named after what was worth most."""
MOST_ASIDE = 1000
SAVE = 1000
"""Events after which the state is written though nothing else changed: what must be counted at the next start."""
STEP = 2000
"""Rows looked at in one go."""
CLASSES: tuple[DropClass, ...] = get_args(DropClass)
"""Stored by their place here; the last is dropped first, the first never."""

migrations = Migrations("outbox")


@migrations()
def tables(db: Database) -> None:
    """What waits, what is missing and why, what was said to be stored, and where central is."""
    db.executescript("""
        CREATE TABLE event (seq INTEGER PRIMARY KEY, chain BLOB NOT NULL, data BLOB NOT NULL, class INTEGER NOT NULL,
                            origin TEXT, was INTEGER);
        CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, class INTEGER NOT NULL,
                          cause TEXT NOT NULL, chain BLOB NOT NULL);
        CREATE TABLE seen (key TEXT PRIMARY KEY, seq INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE mark (seq INTEGER NOT NULL, at REAL NOT NULL);
        CREATE TABLE aside (id INTEGER PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL);
        CREATE TABLE outbox (only INTEGER PRIMARY KEY CHECK (only = 1), state TEXT NOT NULL);
    """)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the outbox stands. The chains are those at the seqs beside them."""

    epoch: str
    board: str = ""
    last: int = 0
    chain: str = GENESIS
    acked: int = 0
    acked_chain: str = GENESIS
    floor: int = 0
    """What is up to here is gone; the oldest seq held comes next."""
    floor_chain: str = GENESIS
    sizes: tuple[int, ...] = (0,) * len(CLASSES)
    """Bytes held of each class."""
    dropped: int = 0
    refused: int = 0
    aside: int = 0


class Put(NamedTuple):
    """An event that wants in. `rank` is its class's place in CLASSES."""

    data: bytes
    rank: int
    key: str | None = None


_EVENTS = "SELECT seq, seq, data, class, NULL, origin, was FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
_GAPS = "SELECT max(first, ?), last, chain, class, cause, NULL, NULL FROM gap WHERE last > ? ORDER BY first LIMIT ?"
_MOVE_GAP = "UPDATE gap SET first = first - ?, last = last - ?, chain = ? WHERE first = ?"
_MOVE_EVENT = """
    UPDATE event SET seq = seq - ?, chain = ?, origin = coalesce(origin, ?), was = coalesce(was, seq) WHERE seq = ?"""


def stands(db: sqlite3.Connection) -> State:
    """Where the outbox in this file stands, as last committed; nothing is written."""
    [kept] = db.execute("SELECT state FROM outbox").fetchone()
    state = msgspec.json.decode(kept, type=State)
    sizes = tuple(map(sum, zip(state.sizes, _sizes(db, state.last), strict=True)))
    newest = db.execute("SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    if newest and newest[0] > state.last:
        state = replace(state, last=newest[0], chain=newest[1].hex())
    return replace(state, sizes=sizes)


class Ledger:
    """Changes the rows, always inside the caller's transaction, with the connection it is handed.

    `state` is as that transaction leaves it; None (as the caller must set it when one fails): as it is in the file.
    """

    def __init__(self, budget: int, wall: Callable[[], float]) -> None:
        self.state: State | None = None
        self._budget = budget
        # A little more room than is wanted is made at a time, so that it is not done for every event.
        self._spare = min(budget // 16, 1 << 20)
        self._wall = wall

    def begin(self, db: sqlite3.Connection, board: str) -> None:
        """Make an epoch in a new file; where the file comes from another `board` it is a copied card: a fork."""
        if db.execute("SELECT 1 FROM outbox").fetchone() is None:
            self._save(db, State(epoch=_new_epoch(), board=board))
        state = self._load(db)
        if board and state.board and board != state.board:
            self.fork(db)
        if board != state.board:
            self._save(db, replace(self._load(db), board=board or state.board))

    def insert(self, db: sqlite3.Connection, puts: list[Put]) -> list[int | EdgeError]:
        """Give each its seq, or OutboxFull where only events that are worth more could make room."""
        state = self._load(db)
        wanted = sum(len(put.data) + ROW for put in puts)
        if sum(state.sizes) + wanted > self._budget:
            state = self._reclaim(db, state, wanted)
        if sum(state.sizes) + wanted > self._budget:
            if len(puts) > 1:
                return [answer for put in puts for answer in self.insert(db, [put])]
            if _known(db, puts[0].key) is None:
                state = self._make_room(db, state, wanted, puts[0].rank)
        seq, chain, sizes, refused = state.last, bytes.fromhex(state.chain), list(state.sizes), state.refused
        room = self._budget - sum(sizes)
        rows: list[tuple[int, bytes, bytes, int]] = []
        answers: list[int | EdgeError] = []
        for put in puts:
            size = len(put.data) + ROW
            if put.key is not None and (known := _known(db, put.key)) is not None:
                answers.append(known)
            elif size > room:
                refused += 1
                answers.append(_no_room(put.rank))
            else:
                seq += 1
                chain = hashlib.sha256(chain + put.data).digest()
                room -= size
                sizes[put.rank] += size
                rows.append((seq, chain, put.data, put.rank))
                answers.append(seq)
                if put.key is not None:
                    db.execute("INSERT INTO seen VALUES (?, ?, ?)", (put.key, seq, self._wall()))
        db.executemany("INSERT INTO event (seq, chain, data, class) VALUES (?, ?, ?, ?)", rows)
        self.state = replace(state, last=seq, chain=chain.hex(), sizes=tuple(sizes), refused=refused)
        if seq // SAVE > state.last // SAVE:
            self._save(db, self.state)
        return answers

    def _reclaim(self, db: sqlite3.Connection, state: State, wanted: int) -> State:
        """Make room out of what central has."""
        while (need := sum(state.sizes) + wanted - self._budget) > 0:
            before, state = state, self._forget(db, state, state.acked, need + self._spare)
            if state is before:
                break
        self._save(db, state)
        return state

    def _make_room(self, db: sqlite3.Connection, state: State, wanted: int, rank: int) -> State:
        """Make room out of what central does not have; never what is worth more than the newcomer."""
        for droppable in range(len(CLASSES) - 1, max(rank, 1) - 1, -1):
            need = sum(state.sizes) + wanted - self._budget
            if need > 0 and state.sizes[droppable]:
                state = self._drop(db, state, droppable, need + self._spare)
        self._save(db, state)
        return state

    def _forget(self, db: sqlite3.Connection, state: State, upto: int, need: float) -> State:
        """Delete the oldest acknowledged events, at most STEP of them."""
        find = "SELECT seq, chain, class, length(data) + ? FROM event WHERE seq <= ? ORDER BY seq LIMIT ?"
        floor, chain, sizes = 0, b"", list(state.sizes)
        for seq, its_chain, rank, size in db.execute(find, (ROW, upto, STEP)).fetchall():
            if need <= 0:
                break
            floor, chain = seq, its_chain
            sizes[rank] -= size
            need -= size
        if not floor:
            return state
        db.execute("DELETE FROM event WHERE seq <= ?", (floor,))
        db.execute("DELETE FROM gap WHERE last <= ?", (floor,))
        return replace(state, floor=floor, floor_chain=chain.hex(), sizes=tuple(sizes))

    def _drop(self, db: sqlite3.Connection, state: State, rank: int, need: int) -> State:
        """Replace the oldest events of a class by gaps, at most STEP of them."""
        find = "SELECT seq, chain, length(data) + ? FROM event WHERE class = ? AND seq > ? ORDER BY seq LIMIT ?"
        sizes = list(state.sizes)
        runs: list[tuple[int, int, bytes]] = []
        for seq, chain, size in db.execute(find, (ROW, rank, state.acked, STEP)).fetchall():
            if need <= 0:
                break
            need -= size
            sizes[rank] -= size
            begin = runs.pop()[0] if runs and runs[-1][1] == seq - 1 else seq
            runs.append((begin, seq, chain))
        for begin, end, chain in runs:
            db.execute("DELETE FROM event WHERE seq BETWEEN ? AND ?", (begin, end))
            _declare(db, begin, end, rank, "outbox_full", chain)
        dropped = sum(end - begin + 1 for begin, end, _ in runs)
        return replace(state, sizes=tuple(sizes), dropped=state.dropped + dropped)

    def acknowledge(self, db: sqlite3.Connection, ack: Ack) -> Literal["ok", "ignored", "fork"]:
        """Move to where central is; see Outbox.acknowledged."""
        state = self._load(db)
        if ack.epoch != state.epoch:
            return "ignored"
        if ack.seq > state.last or _chain_at(db, state, ack.seq) not in (None, ack.chain):
            return "fork"
        if ack.seq < state.floor:
            moved = replace(state, acked=state.floor, acked_chain=state.floor_chain)
        else:
            moved = replace(state, acked=ack.seq, acked_chain=ack.chain)
        now = self._wall()
        [marked] = db.execute("SELECT max(at) FROM mark").fetchone()
        if marked is None or not 0 <= now - marked < MARK:
            db.execute("DELETE FROM mark WHERE at > ? OR at < ?", (now, now - 2 * REWIND))
            db.execute("INSERT INTO mark VALUES (?, ?)", (moved.acked, now))
            db.execute("DELETE FROM seen WHERE at < ?", (now - REMEMBER,))
        [old] = db.execute("SELECT max(seq) FROM mark WHERE at <= ?", (now - REWIND,)).fetchone()
        if old is not None:
            moved = self._forget(db, moved, min(old, moved.acked), float("inf"))
        if moved != state:
            self._save(db, moved)
        return "ok"

    def fork(self, db: sqlite3.Connection) -> None:
        """Begin a new epoch: what is not acknowledged comes again from seq 1, and says where it stood."""
        state = self._load(db)
        base, chain, last = state.acked, bytes.fromhex(GENESIS), state.acked
        db.execute("DELETE FROM event WHERE seq <= ?", (base,))
        db.execute("DELETE FROM gap WHERE last <= ?", (base,))
        db.execute("UPDATE gap SET first = ? WHERE first <= ?", (base + 1, base))
        while held := _held(db, last):
            for is_gap, begin, end, content in held:
                chain, last = hashlib.sha256(chain + content).digest(), end
                if is_gap:
                    db.execute(_MOVE_GAP, (base, base, chain, begin))
                else:
                    db.execute(_MOVE_EVENT, (base, chain, state.epoch, begin))
        db.execute("UPDATE seen SET seq = seq - ? WHERE seq > ?", (base, base))
        db.execute("DELETE FROM mark")
        new = State(epoch=_new_epoch(), board=state.board, last=last - base, chain=chain.hex(), sizes=_sizes(db, 0))
        self._save(db, replace(new, dropped=state.dropped, refused=state.refused, aside=state.aside))

    def set_aside(self, db: sqlite3.Connection, seq: int) -> None:
        """Declare one event a gap that central cannot read, and keep its bytes."""
        state = self._load(db)
        found = db.execute("SELECT chain, data, class FROM event WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            return
        chain, data, rank = found
        db.execute("INSERT INTO aside (epoch, seq, data) VALUES (?, ?, ?)", (state.epoch, seq, data))
        db.execute("DELETE FROM aside WHERE id <= (SELECT max(id) FROM aside) - ?", (MOST_ASIDE,))
        db.execute("DELETE FROM event WHERE seq = ?", (seq,))
        _declare(db, seq, seq, rank, "unreadable", chain)
        sizes = [size - (len(data) + ROW) * (rank == its) for its, size in enumerate(state.sizes)]
        self._save(db, replace(state, sizes=tuple(sizes), aside=state.aside + 1))

    def _load(self, db: sqlite3.Connection) -> State:
        if self.state is None:
            self.state = stands(db)
        return self.state

    def _save(self, db: sqlite3.Connection, state: State) -> None:
        db.execute("INSERT OR REPLACE INTO outbox VALUES (1, ?)", (msgspec.json.encode(state).decode(),))
        self.state = state


def following(db: sqlite3.Connection, limit: int) -> Batch | None:
    """What comes after the last acknowledged seq, at most `limit` events and gaps; call it in a read transaction."""
    [kept] = db.execute("SELECT state FROM outbox").fetchone()
    state = msgspec.json.decode(kept, type=State)
    held = db.execute(_EVENTS, (state.acked, limit)).fetchall()
    held += db.execute(_GAPS, (state.acked + 1, state.acked, limit))
    seq, size = state.acked, 0
    taken: list[msgspec.Raw] = []
    gaps: list[Gap] = []
    origins: list[Origin] = []
    for first, last, content, rank, cause, origin, was in sorted(held, key=itemgetter(0))[:limit]:
        if cause:
            drop, count = CLASSES[rank], last - first + 1
            gaps.append(Gap(first=first, last=last, drop=drop, count=count, cause=cause, chain=content.hex()))
        elif (size := size + len(content)) > MAX_BATCH:
            break
        else:
            taken.append(batches.raw(content))
            if origin:
                origins.append(Origin(seq=first, epoch=origin, was=was))
        seq = last
    if seq == state.acked:
        return None
    return Batch(
        epoch=state.epoch,
        first=state.acked + 1,
        last=seq,
        oldest=state.floor + 1,
        prev=state.acked_chain,
        events=tuple(taken),
        gaps=tuple(gaps),
        origins=tuple(origins),
    )


def _new_epoch() -> str:
    return secrets.token_hex(8)


def _no_room(rank: int) -> OutboxFull:
    said = f"The outbox has no room for another event of class {CLASSES[rank]}."
    return OutboxFull(said, fix="Bring the link to central back, or raise outbox_mb.")


def _known(db: sqlite3.Connection, key: str | None) -> int | None:
    found = key is not None and db.execute("SELECT seq FROM seen WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def _sizes(db: sqlite3.Connection, after: int) -> tuple[int, ...]:
    sizes = [0] * len(CLASSES)
    for rank, size in db.execute(
        "SELECT class, sum(length(data) + ?) FROM event WHERE seq > ? GROUP BY class", (ROW, after)
    ):
        sizes[rank] = size
    return tuple(sizes)


def _chain_at(db: sqlite3.Connection, state: State, seq: int) -> str | None:
    """The chain at a seq; None where it is gone or inside a gap."""
    for known, chain in ((state.acked, state.acked_chain), (state.floor, state.floor_chain)):
        if seq == known:
            return chain
    find = "SELECT chain FROM event WHERE seq = ? UNION ALL SELECT chain FROM gap WHERE last = ?"
    found = db.execute(find, (seq, seq)).fetchone()
    return found[0].hex() if found else None


def _held(db: sqlite3.Connection, after: int) -> list[tuple[int, int, int, bytes]]:
    """Events and gaps in order: whether it is a gap, its first and last seq, the event's bytes or the gap's chain."""
    held = db.execute(
        "SELECT 0, seq, seq, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, STEP)
    ).fetchall()
    held += db.execute("SELECT 1, first, last, chain FROM gap WHERE first > ? ORDER BY first LIMIT ?", (after, STEP))
    return sorted(held, key=itemgetter(1))[:STEP]


def _declare(db: sqlite3.Connection, first: int, last: int, rank: int, cause: str, chain: bytes) -> None:
    """Note a gap, joined to its neighbours where they are of its class."""
    [gaps] = db.execute("SELECT count(*) FROM gap").fetchone()
    find = "SELECT first, last, class, chain FROM gap WHERE (last = ? OR first = ?) AND cause = ?"
    for its_first, its_last, its_rank, its_chain in db.execute(find, (first - 1, last + 1, cause)).fetchall():
        if its_rank == rank or gaps >= MANY_GAPS:
            db.execute("DELETE FROM gap WHERE first = ?", (its_first,))
            chain = its_chain if its_last > last else chain
            first, last, rank = min(first, its_first), max(last, its_last), min(rank, its_rank)
    db.execute("INSERT INTO gap VALUES (?, ?, ?, ?, ?)", (first, last, rank, cause, chain))
