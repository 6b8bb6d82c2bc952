"""Finds out whether a database can still be used, and sets one aside that cannot."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ground import files

log = logging.getLogger(__name__)

KEPT = 2
"""Broken databases that stay for a person to look at."""
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SIDES = ("-wal", "-shm", "")
"""The file itself goes last: a new one beside an old log would take it for its own."""
_HEADER = struct.Struct(">4xII4x8s8x")
_FRAME = struct.Struct(">II8s8x")
"""A write-ahead log's header (format, page size, salts) and the header of each frame (page, database size after a
commit, salts): sqlite.org/fileformat2.html, 4.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    reason: str
    file: str = ""
    """Where it was set aside, once that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A database that was set aside; `forget` once all that can be read of it is in the new one."""

    path: Path
    file: Path
    reason: str

    def forget(self) -> None:
        """Begin no new database for this again."""
        _mark(self.path).unlink(missing_ok=True)
        files.settle(self.path.parent)


def spoiled(path: Path, reason: str) -> None:
    """Have the next opening set this database aside. Raises OSError where not even this can be written."""
    if not _mark(path).exists():
        _keep(path, _Mark(reason=reason))


def set_aside(path: Path) -> Lost | None:
    """Set the database aside if it is broken, or was found to be; call it while nobody has it open.

    Until its `Lost` is forgotten the same is given at each call, so that a power cut in between loses nothing.
    """
    mark = _marked(path)
    if mark is None:
        reason = _broken(path)
        if reason is None:
            return None
        mark = _Mark(reason=reason)
    numbers = _numbers(path)
    if not mark.file:
        mark = _Mark(reason=mark.reason, file=f"{path.name}.broken-{max(numbers, default=0) + 1}")
        _keep(path, mark)
    file = path.with_name(mark.file)
    for side in _SIDES:
        old = Path(f"{path}{side}")
        if file.exists():
            old.unlink(missing_ok=True)  # It was begun, and nothing has come into it yet.
        elif old.exists():
            old.rename(f"{file}{side}")
    log.error("the database was broken (%s) and lies aside as %s; a new one begins", mark.reason, mark.file)
    for number in sorted(_numbers(path))[:-KEPT]:
        for side in _SIDES:
            path.with_name(f"{path.name}.broken-{number}{side}").unlink(missing_ok=True)
    files.settle(path.parent)
    return Lost(path=path, file=file, reason=mark.reason)


def last(path: Path) -> float | None:
    """When a database was last set aside here, in seconds since 1970."""
    files = [path.with_name(f"{path.name}.broken-{number}") for number in _numbers(path)]
    return max((file.stat().st_ctime for file in files), default=None)


def _broken(path: Path) -> str | None:
    """Why this database cannot be used; None where it can, or there is none."""
    if not path.exists():
        return None
    if path.stat().st_size == 0:
        return "it is empty"
    frames = _frames(Path(f"{path}-wal"))
    if frames is None:
        return "the head of its log is damaged"
    try:
        with closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as db:
            [[_, valid, _]] = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # SQLite ends a log silently at the first frame that is damaged. A power cut leaves parts of one
            # transaction, as each is safe before the next begins: anything after a commit is worth looking at.
            rest = frames[max(valid, 0) :]
            if True in rest[:-1]:
                return "its log is damaged"
    except sqlite3.DatabaseError as error:
        return str(error) if getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN else None
    return None


def _frames(log_file: Path) -> list[bool] | None:
    """For each frame of the log's present round whether it commits; None for a log that has no head."""
    try:
        content = log_file.open("rb")
    except OSError:
        return []
    with content:
        head = content.read(32)
        if not any(head):
            return None if any(content.read(1 << 16)) else []
        if len(head) < 32 or not _sound(head):
            return None
        _, size, salts = _HEADER.unpack(head)
        frames: list[bool] = []
        while len(frame := os.pread(content.fileno(), _FRAME.size, 32 + len(frames) * (24 + size))) == _FRAME.size:
            _, commits, its_salts = _FRAME.unpack(frame)
            if its_salts != salts:
                break
            frames.append(commits > 0)
        return frames


def _sound(head: bytes) -> bool:
    """Whether the log's head is as SQLite wrote it, by its own checksum."""
    order = ">" if head[3] & 1 else "<"
    first = second = 0
    for one, two in struct.iter_unpack(order + "II", head[:24]):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return head[:3] == b"\x37\x7f\x06" and (first, second) == struct.unpack(">II", head[24:])


def _numbers(path: Path) -> list[int]:
    found = (re.fullmatch(re.escape(path.name) + r"\.broken-(\d+)", file.name) for file in path.parent.iterdir())
    return [int(match[1]) for match in found if match]


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken")


def _marked(path: Path) -> _Mark | None:
    try:
        return msgspec.json.decode(_mark(path).read_bytes(), type=_Mark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        return _Mark(reason="it was found to be broken")


def _keep(path: Path, mark: _Mark) -> None:
    files.put(_mark(path), msgspec.json.encode(mark))
