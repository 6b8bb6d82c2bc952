"""Opens the database and brings it up to date: the one place that knows which one it is."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from central.storage.tables import counter, generation
from ground.errors import StorageError

MIGRATIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every version that a database of ours may have, oldest first."""
HEAD = MIGRATIONS[-1]
"""The newest migration: what this program needs the database to be."""

_WRITES, _TURNS = "noren_writes", "noren_turns"
_PATIENCE_S = 10.0
"""How long one waits to write, for its turn and then for other processes."""
_KEPT = 30 * 86400.0
"""Seconds for which a copy from before a migration is kept: it still holds people who have left since."""
_SCHEMA_LOCK = 7306
"""A number of our own among PostgreSQL's advisory locks: one migration at a time."""


class _Turns:
    """Lets the threads of a process write in the order in which they came.

    SQLite lets in whoever happens to look next, and they look ever less often: beside a busy ingest others waited 1.3 s
    (measured). It is a courtesy: whose turn does not come goes on all the same, to SQLite's own lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[threading.Event] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        mine = threading.Event()
        with self._lock:
            self._queue.append(mine)
            self._queue[0].set()
        try:
            mine.wait(_PATIENCE_S)
            yield
        finally:
            with self._lock:
                self._queue.remove(mine)
                if self._queue:
                    self._queue[0].set()


def open_database(url: str) -> Engine:
    """Open it, made or brought up to date where needed. Raises StorageError: unreadable, or newer than this program."""
    where = make_url(url)
    try:
        if where.get_backend_name() == "sqlite":
            Path(where.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            engine = _sqlite(Path(where.database or ""))
            _forget_copies(Path(where.database or ""), older_than=time.time() - _KEPT)
        else:
            engine = create_engine(where, pool_pre_ping=True, max_overflow=-1, hide_parameters=True)
        with _closed_on_failure(engine):
            with reading(engine) as connection:
                found = _version(connection, str(where))
            if found != HEAD:
                _bring_up_to_date(engine, str(where))
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise StorageError(
            f"The database {where} cannot be used: {getattr(error, 'orig', None) or error}.",
            fix="Check its owner, its free space and that it runs, or name another under central.database.",
        ) from error
    return engine


@contextmanager
def _closed_on_failure(engine: Engine) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: on SQLite it takes the one writer's lock at once, so it never has to give up later."""
    turns = engine.get_execution_options().get(_TURNS)
    with turns.turn() if turns else nullcontext(), engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction in which every statement sees the same moment."""
    if engine.dialect.name == "sqlite":
        return engine.begin()
    return engine.execution_options(isolation_level="REPEATABLE READ").begin()


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, replace: bool = True) -> None:
    """Insert rows; change the ones whose key is there, or (`replace` false) let those be."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    keys = list(table.primary_key.columns)
    rest = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    if rows and rest and replace:
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest), list(rows))
    elif rows:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys), list(rows))


def count(connection: Connection, agent: str, counts: Mapping[str, int]) -> None:
    """Add to an agent's counters."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(counter)
    add = insert.on_conflict_do_update(
        index_elements=[counter.c.agent, counter.c.name], set_={"count": counter.c.count + insert.excluded["count"]}
    )
    if counts:
        connection.execute(add, [{"agent": agent, "name": name, "count": n} for name, n in sorted(counts.items())])


def is_permanent(error: DBAPIError) -> bool:
    """Whether the same statement would fail again: its data is at fault, not the disk, a lock or the network."""
    code = getattr(error.orig, "sqlstate", None)
    if code is not None:  # PostgreSQL: class 22 is data, 23 a constraint; 54000 is too large.
        return str(code)[:2] in ("22", "23", "54")
    return isinstance(error.orig, (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError))


def _sqlite(file: Path) -> Engine:
    # hide_parameters: an error's text comes into a log, and must hold nobody's data.
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"timeout": _PATIENCE_S},
        execution_options={_TURNS: _Turns()},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # The driver begins nothing by itself: `begin` below does.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _version(connection: Connection, where: str) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in MIGRATIONS:
        raise StorageError(
            f"The database {where} is of version {found}, newer than the {HEAD} of this program.",
            fix=f"Install a Noren that knows version {found}, or name another database under central.database.",
        )
    return found


def _bring_up_to_date(engine: Engine, where: str) -> None:
    """Run the migrations in one transaction: it is as before or as wanted, whatever happens.

    An SQLite file is copied and its copy migrated and checked first, and a copy from before stays beside it.
    PostgreSQL's changes of tables are part of the transaction as well, and its own backups are better than a copy here.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})
        found = _version(connection, where)
        if found == HEAD:
            return  # Another process was faster.
        if found is not None and connection.dialect.name == "sqlite":
            _rehearse(Path(engine.url.database or ""))  # The lock is ours: nobody writes what the copy would miss.
        _migrate(connection)
        if connection.scalar(select(generation.c.generation)) is None:
            connection.execute(generation.insert().values(id=1, generation=secrets.token_hex(8), incarnation=""))


def _migrate(connection: Connection) -> None:
    # Alembic is only loaded when there is something to do: every command opens the database.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _rehearse(file: Path) -> None:
    """Migrate a copy and check it; then keep a copy from before. Raises StorageError: nothing has changed."""
    copy, before = (file.with_name(f"{file.name}.{what}") for what in ("rehearsal", f"before-{HEAD}"))
    try:
        _copy(file, copy)
        engine = _sqlite(copy)
        try:
            with writing(engine) as connection:
                _migrate(connection)
                broken = connection.execute(text("PRAGMA foreign_key_check")).first()
            with reading(engine) as connection:
                said = connection.scalar(text("PRAGMA integrity_check"))
        finally:
            engine.dispose()
        if broken is not None or said != "ok":
            why = said if broken is None else f"a row of {broken[0]} belongs to a row of {broken[2]} that is not there"
            raise StorageError(
                f"The database {file} does not come through a migration to version {HEAD}: {why}.",
                fix="Nothing was changed: go on with the Noren of before, and have somebody look at it.",
            )
        _copy(file, copy)
        copy.replace(before)
        for older in file.parent.glob(f"{file.name}.before-*"):
            if older != before:
                older.unlink()
    except sqlite3.Error as error:
        raise StorageError(
            f"The database {file} cannot be copied before it is migrated: {error}.",
            fix=f"Make room for {file.stat().st_size >> 20} MB beside it; nothing was changed.",
        ) from error
    finally:
        for rest in (copy, copy.with_name(f"{copy.name}-wal"), copy.with_name(f"{copy.name}-shm")):
            rest.unlink(missing_ok=True)


def _forget_copies(file: Path, older_than: float) -> None:
    for copy in file.parent.glob(f"{file.name}.before-*"):
        if copy.stat().st_mtime < older_than:
            copy.unlink()


def _copy(file: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    copy.touch(0o600)  # It holds what the database holds of people.
    with closing(sqlite3.connect(file)) as whole, closing(sqlite3.connect(copy)) as new:
        whole.backup(new)
