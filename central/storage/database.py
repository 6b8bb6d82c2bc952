"""Opens the database and brings it up to date: the one place that knows which one it is."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from central.storage.tables import counter, generation
from ground.errors import StorageError

MIGRATIONS = ("0001", "0002", "0003")
"""Every version that a database of ours may have, oldest first."""
HEAD = MIGRATIONS[-1]
"""The newest migration: what this program needs the database to be."""

_WRITES = "noren_writes"
_SCHEMA_LOCK = 7306
"""A number of our own among PostgreSQL's advisory locks: one migration at a time."""


def open_database(url: str) -> Engine:
    """Open it, made or brought up to date where needed. Raises StorageError: unreadable, or newer than this program."""
    where = make_url(url)
    try:
        if where.get_backend_name() == "sqlite":
            Path(where.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            engine = create_engine(where, connect_args={"timeout": 10.0})
            _as_sqlite(engine)
        else:
            engine = create_engine(where, pool_pre_ping=True)
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


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes: on SQLite it takes the one writer's lock at once, so it never has to give up later."""
    return engine.execution_options(**{_WRITES: True}).begin()


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


def _as_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # The driver begins nothing by itself: `begin` below does.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(connection: Connection, where: str) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in MIGRATIONS:
        raise StorageError(
            f"The database {where} is of version {found}, newer than the {HEAD} of this program.",
            fix="Install the newer program, or name another database under central.database.",
        )
    return found


def _bring_up_to_date(engine: Engine, where: str) -> None:
    # Alembic is only loaded when there is something to do: every command opens the database.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})
        if _version(connection, where) == HEAD:
            return  # Another process was faster.
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        if connection.scalar(select(generation.c.generation)) is None:
            connection.execute(generation.insert().values(id=1, generation=secrets.token_hex(8), incarnation=""))
