"""Opens an SQLite file that survives a power cut, once for each process, never a newer one than it knows."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ground import VERSION
from ground.errors import StorageError


def connect(path: Path) -> sqlite3.Connection:
    """Give a connection in WAL mode that fsyncs each commit (reference figures: FULL keeps all at a power cut).

    It may cross threads: the caller sees to it that one thread at a time uses it. Raises StorageError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Its side files take over its mode. Never opened here where it is there: closing it would end SQLite's locks.
        path.chmod(0o600) if path.exists() else path.touch(0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # Of a new file only, before it has any table.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    return connection


def _unusable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"The database {path} cannot be used: {error}.",
        fix="Check the folder's owner and free space, or move the file aside and start again.",
    )


def migrate(connection: sqlite3.Connection, migrations: Migrations, path: Path) -> None:
    """Run the migrations that this file has not had; refuse one that had some we do not know. Raises StorageError."""
    database = Database(connection)
    with closing(sqlite3.connect(":memory:")) as empty:
        known = {migration.name for migration in migrations.pending(Database(empty))}
    try:
        newer = {applied.name for applied in migrations.applied(database)} - known
        if newer:
            raise StorageError(
                f"The database {path} was changed by a newer program than this Noren {VERSION}:"
                f" {', '.join(sorted(newer))}.",
                fix=f"Install {_program(database)}, or move the file aside.",
            )
        if migrations.pending(database):
            migrations.apply(database)
            connection.execute("CREATE TABLE IF NOT EXISTS program (only INTEGER PRIMARY KEY, version TEXT NOT NULL)")
            connection.execute("INSERT OR REPLACE INTO program VALUES (1, ?)", (VERSION,))
    except sqlite3.Error as error:
        raise StorageError(
            f"The database {path} cannot be read: {error}.",
            fix="Move the file aside and start again; what central has acknowledged is safe there.",
        ) from error


def _program(database: Database) -> str:
    """Which program changed the tables last."""
    rows = database.execute("SELECT version FROM program").fetchall() if database.table("program").exists() else []
    return f"Noren {rows[0][0]} or a later one" if rows else f"one later than {VERSION}"


@contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Keep the file's lock while inside, so that a second process on it is told so. Raises StorageError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = path.with_suffix(path.suffix + ".lock")
    file.touch(0o600)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                f"Another {what} already uses {path}.", fix="Stop it, or give this one a folder of its own."
            ) from error
        yield
