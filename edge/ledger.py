"""The outbox's rows, as one transaction leaves them for the next: numbered, on a chain, within a budget of bytes."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from central.contract.batches import GENESIS, Ack, DropClass
from edge.errors import Broken, EdgeError, OutboxFull
from edge.seal import OVER, Seal, about

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
Cause = Literal["outbox_full", "disk_full", "unreadable", "corrupt"]
SAVE = 1000
"""Events after which the state is written though nothing else changed: what must be counted at the next start."""
STEP = 2000
"""Rows looked at in one go."""
_CHECK = about("check")
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
    agent: str = ""
    check: str = ""
    """Something sealed, so that a wrong key is known before anything is tried with it."""
    last: int = 0
    chain: str = GENESIS
    """Nothing, after a fork without a key: the chain is over what was sealed, and waits until it can be opened."""
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


class Saved(NamedTuple):
    """One event that another file had not sent (still sealed, and where it first stood), or a run of lost ones."""

    seqs: int
    rank: int
    data: bytes | None = None
    origin: str = ""
    was: int = 0
    key: str | None = None
    cause: Cause = "corrupt"


class Put(NamedTuple):
    """An event that wants in. `rank` is its class's place in CLASSES."""

    data: bytes
    rank: int
    key: str | None = None


_INSERT = "INSERT INTO event (seq, chain, class, data) VALUES (?, ?, ?, ?)"
_TOGETHER = 25
"""Rows in one statement: at each, Python's sqlite3 gives other threads a turn, and gets its own back late."""
_INSERT_MANY = _INSERT + ", (?, ?, ?, ?)" * (_TOGETHER - 1)
_MOVE_EVENTS = """
    UPDATE event SET seq = seq - :by, origin = coalesce(origin, :epoch), was = coalesce(was, seq)"""


def chain_at(db: sqlite3.Connection, seq: int) -> str | None:
    """The chain at a seq that is held, or ends a gap."""
    find = "SELECT chain FROM event WHERE seq = ? UNION ALL SELECT chain FROM gap WHERE last = ?"
    found = db.execute(find, (seq, seq)).fetchone()
    return found[0].hex() if found else None


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

    def __init__(self, budget: int, wall: Callable[[], float], seal: Seal) -> None:
        self.state: State | None = None
        self._seal = seal
        self._budget = budget
        # A little more room than is wanted is made at a time, so that it is not done for every event.
        self._spare = min(budget // 16, 1 << 20)
        self._wall = wall

    def begin(self, db: sqlite3.Connection, board: str, agent: str) -> None:
        """Make an epoch in a new file; where the file comes from another `board` it is a copied card: a fork.

        Raises Broken where the file is another agent's, or sealed with another key.
        """
        if db.execute("SELECT 1 FROM outbox").fetchone() is None:
            self._save(db, State(epoch=new_epoch(), board=board, agent=agent))
        state = self._load(db)
        if state.agent not in ("", agent):
            raise Broken("It is another agent's.")
        state = replace(state, agent=agent)
        self.unlock(db)
        if board and state.board and board != state.board:
            self.fork(db)
        state = self._load(db)
        if board != state.board or agent != state.agent:
            self._save(db, replace(state, board=board or state.board, agent=agent))

    def unlock(self, db: sqlite3.Connection) -> None:
        """Do what a key is needed for, if there is one. Raises Broken for a wrong one."""
        if self._seal.locked:
            return
        state = self._load(db)
        if not state.check:
            self._save(db, replace(state, check=self._seal.seal(b"noren", _CHECK).hex()))
        else:
            self._seal.open(bytes.fromhex(state.check), _CHECK)
        if not state.chain:
            self._chain_anew(db)

    def insert(self, db: sqlite3.Connection, puts: list[Put]) -> list[int | EdgeError]:
        """Give each its seq, or OutboxFull where only events that are worth more could make room."""
        state, locked = self._load(db), self._seal.locked
        over = ROW if locked else ROW + OVER
        wanted = sum([len(data) + over for data, _, _ in puts])
        if sum(state.sizes) + wanted > self._budget:
            state = self._reclaim(db, state, wanted)
        if sum(state.sizes) + wanted > self._budget:
            if len(puts) > 1:
                return [answer for put in puts for answer in self.insert(db, [put])]
            if _known(db, puts[0].key) is None:
                state = self._make_room(db, state, wanted, puts[0].rank)
                if sum(state.sizes) + wanted > self._budget:
                    self.state = replace(state, refused=state.refused + 1)
                    return [_no_room(puts[0].rank)]
        seq, chain, sizes = state.last, bytes.fromhex(state.chain), list(state.sizes)
        rows: list[tuple[int, bytes, int]] = []
        contents: list[bytes] = []
        answers: list[int | EdgeError] = []
        for data, rank, key in puts:
            if key is not None and (known := _known(db, key)) is not None:
                answers.append(known)
                continue
            seq += 1
            chain = hashlib.sha256(chain + data).digest() if chain else b""
            sizes[rank] += len(data) + over
            rows.append((seq, chain, rank))
            contents.append(data)
            answers.append(seq)
            if key is not None:
                db.execute("INSERT INTO seen VALUES (?, ?, ?)", (key, seq, self._wall()))
        if not locked:  # Without a key nobody is known, so that no event is anybody's.
            place = about("event", state.epoch, "")
            contents = self._seal.seal_all(contents, [place + b"%d" % row[0] for row in rows])
        _insert(db, [(*row, data) for row, data in zip(rows, contents, strict=True)])
        self.state = replace(state, last=seq, chain=chain.hex(), sizes=tuple(sizes))
        if seq // SAVE > state.last // SAVE:
            self._save(db, self.state)
        return answers

    def declare(self, db: sqlite3.Connection, count: int, rank: int, cause: Cause) -> None:
        """Let the next `count` seqs be a gap: of what happened, and nothing could keep."""
        state = self._load(db)
        last = state.last + count
        chain = hashlib.sha256(bytes.fromhex(state.chain) + cause.encode()).digest() if state.chain else b""
        _declare(db, state.last + 1, last, rank, cause, chain)
        self._save(db, replace(state, last=last, chain=chain.hex()))

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

    def acknowledge(self, db: sqlite3.Connection, ack: Ack, sent: str | None) -> Literal["ok", "ignored", "fork"]:
        """Move to where central is; see Outbox.acknowledged. `sent`: the chain of a batch of ours that ended there."""
        state = self._load(db)
        if ack.epoch != state.epoch:
            return "ignored"
        ours = _chain_at(db, state, ack.seq) or sent
        if ours != ack.chain and (ours is not None or ack.seq > state.acked):
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
        """Begin a new epoch: all that is held comes again from seq 1, and says where it stood.

        Where there is room, also what central has acknowledged, which skips it: restored from a backup of before, it
        has that nowhere.
        """
        state = self._load(db)
        base = state.floor if 2 * sum(state.sizes) <= self._budget else state.acked
        db.execute("DELETE FROM event WHERE seq <= ?", (base,))
        db.execute("DELETE FROM gap WHERE last <= ?", (base,))
        db.execute("UPDATE gap SET first = max(first, ? + 1) - ?, last = last - ?", (base, base, base))
        db.execute(_MOVE_EVENTS, {"by": base, "epoch": state.epoch})
        db.execute("UPDATE seen SET seq = seq - ? WHERE seq > ?", (base, base))
        db.execute("DELETE FROM mark")
        new = State(epoch=new_epoch(), board=state.board, agent=state.agent, check=state.check)
        new = replace(new, last=state.last - base, chain="" if state.last > base else GENESIS, sizes=_sizes(db, 0))
        self._save(db, replace(new, dropped=state.dropped, refused=state.refused, aside=state.aside))
        if not self._seal.locked:
            self._chain_anew(db)

    def adopt(self, db: sqlite3.Connection, rows: Iterable[Saved], known: Iterable[str]) -> int:
        """Take over what another file had not sent, in its order and before anything new; give how many events.

        And the keys of what it had sent: those have no seq here.
        """
        state = self._load(db)
        last = saved = 0
        for row in rows:
            last += row.seqs
            if row.data is None:
                _declare(db, last - row.seqs + 1, last, row.rank, row.cause, b"")
                continue
            saved += 1
            values = (last, b"", row.data, row.rank, row.origin, row.was)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", values)
            if row.key is not None:
                db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (row.key, last, self._wall()))
        now = self._wall()
        db.executemany("INSERT OR IGNORE INTO seen VALUES (?, 0, ?)", [(key, now) for key in known])
        self._save(db, replace(state, last=last, chain="" if last else GENESIS, sizes=_sizes(db, 0)))
        if not self._seal.locked:
            self._chain_anew(db)
        return saved

    def _chain_anew(self, db: sqlite3.Connection) -> None:
        """Chain all there is from the beginning of the epoch; what cannot be opened is set aside."""
        state = self._load(db)
        chain, last = bytes.fromhex(GENESIS), 0
        broken: list[int] = []
        while held := _held(db, last):
            for is_gap, begin, end, content, origin, was in held:
                plain = content if is_gap else self._opened(content, origin or state.epoch, was or begin)
                chain, last = hashlib.sha256(chain + (plain or b"unreadable")).digest(), end
                table, key = ("gap", "first") if is_gap else ("event", "seq")
                db.execute(f"UPDATE {table} SET chain = ? WHERE {key} = ?", (chain, begin))  # noqa: S608 - two words of ours.
                if plain is None:
                    broken.append(begin)
        self._save(db, replace(state, last=last, chain=chain.hex()))
        self.set_aside(db, broken)

    def set_aside(self, db: sqlite3.Connection, seqs: Iterable[int]) -> None:
        """Declare events gaps that central cannot read, or nobody, and keep their bytes."""
        for seq in seqs:
            state = self._load(db)
            find = "SELECT chain, CAST(data AS BLOB), class, origin, was FROM event WHERE seq = ?"
            found = db.execute(find, (seq,)).fetchone()
            if found is None:
                continue
            chain, data, rank, epoch, was = found
            first_stood = (epoch or state.epoch, was or seq)
            db.execute("INSERT INTO aside (epoch, seq, data) VALUES (?, ?, ?)", (*first_stood, data))
            db.execute("DELETE FROM aside WHERE id <= (SELECT max(id) FROM aside) - ?", (MOST_ASIDE,))
            db.execute("DELETE FROM event WHERE seq = ?", (seq,))
            _declare(db, seq, seq, rank, "unreadable", chain)
            sizes = [size - (len(data) + ROW) * (rank == its) for its, size in enumerate(state.sizes)]
            self._save(db, replace(state, sizes=tuple(sizes), aside=state.aside + 1))

    def _opened(self, data: bytes, epoch: str, seq: int) -> bytes | None:
        try:
            return self._seal.open(data, about("event", epoch, seq))
        except Broken:
            return None

    def _load(self, db: sqlite3.Connection) -> State:
        if self.state is None:
            self.state = stands(db)
        return self.state

    def _save(self, db: sqlite3.Connection, state: State) -> None:
        db.execute("INSERT OR REPLACE INTO outbox VALUES (1, ?)", (msgspec.json.encode(state).decode(),))
        self.state = state


def _insert(db: sqlite3.Connection, rows: list[tuple[int, bytes, int, bytes]]) -> None:
    whole = len(rows) - len(rows) % _TOGETHER
    for at in range(0, whole, _TOGETHER):
        db.execute(_INSERT_MANY, [value for row in rows[at : at + _TOGETHER] for value in row])
    db.executemany(_INSERT, rows[whole:])


def new_epoch() -> str:
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
    return chain_at(db, seq)


def _held(db: sqlite3.Connection, after: int) -> list[tuple[int, int, int, bytes, str | None, int | None]]:
    """Events and gaps in order: whether it is a gap, its first and last seq, the event's bytes or the gap's chain.

    And where an event stood before a fork.
    """
    held = db.execute(
        "SELECT 0, seq, seq, CAST(data AS BLOB), origin, was FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, STEP),
    ).fetchall()
    find = "SELECT 1, first, last, chain, NULL, NULL FROM gap WHERE first > ? ORDER BY first LIMIT ?"
    held += db.execute(find, (after, STEP))
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
