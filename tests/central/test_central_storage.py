"""The database: the migrations make what the tables say, a newer or broken one is refused, writers wait."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, select, text

import central.migrations
from central import agents, profiles
from central.contract.feeds import Interest
from central.profiles import Customer
from central.storage import tables
from central.storage.database import HEAD, MIGRATIONS, count, open_database, put, reading, writing
from ground.errors import StorageError


def shape(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'")
        return {" ".join(f"{kind} {name} {sql}".replace('"', "").split()) for kind, name, sql in rows}


def test_the_migrations_make_what_the_tables_say(engine: Engine, tmp_path: Path) -> None:
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    plain = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    tables.metadata.create_all(plain)
    plain.dispose()
    assert shape(tmp_path / "central.db") == shape(tmp_path / "plain.db")


def test_the_newest_migration_is_the_one_the_program_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(central.migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == HEAD
    assert tuple(reversed([step.revision for step in script.walk_revisions()])) == MIGRATIONS


def test_a_database_of_the_first_version_keeps_its_rows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = create_engine(url)
    with old.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(central.migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO generation VALUES (1, 'g-1')"))
        connection.execute(text("INSERT INTO customer VALUES ('c-1', 'はな', 'ja', 7)"))
        connection.execute(text("INSERT INTO interest VALUES ('c-1', 'viewed', 'tea', '2026-11-24 03:00:00.000000')"))
        connection.execute(text("INSERT INTO counter VALUES ('pi-1', 'stored.played', 3)"))
    old.dispose()
    engine = open_database(url)
    try:
        with writing(engine) as connection:
            assert connection.scalar(select(tables.generation.c.generation)) == "g-1"
            noon = datetime(2026, 11, 24, 3, tzinfo=UTC)
            hana = Customer(
                customer="c-1", home=None, nickname="はな", points=7, viewed=(Interest(sku="tea", at=noon),)
            )
            assert profiles.read(connection, ["c-1"]) == {"c-1": hana}
            assert connection.execute(select(tables.counter)).all() == [("pi-1", "stored.played", 3)]
            assert agents.source_of(connection, agents.make_key(connection, "shop", noon)) == "shop"
            assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    finally:
        engine.dispose()


def test_opening_again_keeps_the_generation(tmp_path: Path) -> None:
    found = set()
    for _ in range(2):
        engine = open_database(f"sqlite:///{tmp_path / 'c.db'}")
        with reading(engine) as connection:
            found.add(connection.scalar(select(tables.generation.c.generation)))
        engine.dispose()
    assert len(found) == 1
    assert None not in found


def test_a_newer_database_is_refused_and_left_alone(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"version 9999, newer than the 0002.*Install the newer program"):
        open_database(str(engine.url))


@pytest.mark.parametrize("url", ["sqlite:///{}/junk.db", "sqlite:////proc/no/such.db", "sqlite:///{}"])
def test_what_cannot_be_opened_is_told_in_a_sentence(tmp_path: Path, url: str) -> None:
    (tmp_path / "junk.db").write_bytes(b"this is no database, it is a text" * 100)
    with pytest.raises(StorageError, match=r"The database .* cannot be used: .*Check its owner"):
        open_database(url.format(tmp_path))


def test_commits_are_synced_and_foreign_keys_hold(engine: Engine) -> None:
    with reading(engine) as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_second_writer_waits_for_the_first(engine: Engine) -> None:
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with writing(engine) as connection:
            seen.append(connection.scalar(select(tables.counter.c.count)))

    seen: list[int | None] = []
    thread = threading.Thread(target=second)
    with writing(engine) as connection:
        thread.start()
        begun.wait()
        count(connection, "a", {"x": 2})
        count(connection, "a", {"x": 3})
    thread.join()
    assert seen == [5]


def test_put_changes_what_is_there_or_lets_it_be(engine: Engine) -> None:
    with writing(engine) as connection:
        for name, replace in (("a", True), ("b", True), ("c", False)):
            put(connection, tables.store, [{"store": "s", "name": {"ja": name}}], replace=replace)
        assert connection.scalar(select(tables.store.c.name)) == {"ja": "b"}


def test_times_come_back_as_the_same_moment_in_utc(engine: Engine) -> None:
    tokyo = datetime(2026, 11, 24, 9, 0, 0, 123456, timezone(timedelta(hours=9)))
    with writing(engine) as connection:
        row = {"agent": "a", "epoch": "e", "seq": 1, "count": 1, "at": tokyo}
        put(connection, tables.fork, [row])
        found = connection.scalar(select(tables.fork.c.at))
    assert found == tokyo
    assert found is not None
    assert found.tzinfo is UTC
