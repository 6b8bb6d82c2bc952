"""The database: the migrations make what the tables say, a newer or broken one is refused, writers wait."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from edge_log import EdgeLog, event
from ingest_bench import Bench
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import IntegrityError

import central.migrations
from central import agents, catalogue, content, profiles, sources
from central.contract.feeds import Interest
from central.ingest.report import report
from central.sources import SCOPES
from central.storage import tables
from central.storage.database import HEAD, MIGRATIONS, count, open_database, put, reading, writing
from ground.errors import StorageError

VERSIONS = Path(__file__).parents[1] / "versions"


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


RELEASED = {file.stem.removeprefix("central-"): file for file in VERSIONS.glob("central-*.sql")}
"""A database of each version before this one, as its own program made it, with rows in every table."""


@pytest.fixture(params=sorted(RELEASED))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file: Path = tmp_path / "central.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(RELEASED[request.param].read_text())
    return file


def rows(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}


def test_there_is_a_database_of_every_version_before_this_one() -> None:
    assert tuple(sorted(RELEASED)) == MIGRATIONS[:-1]


def test_a_database_of_any_version_before_keeps_all_its_rows(old: Path) -> None:
    before = rows(old)
    assert 0 not in before.values()
    engine = open_database(f"sqlite:///{old}")
    try:
        assert {name: number for name, number in rows(old).items() if name in before} == before
        with writing(engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.scalar(select(tables.generation.c.generation)) == "g-1"
            noon = datetime(2026, 11, 24, 3, tzinfo=UTC)
            (seen,) = profiles.read(connection, ["c-1"])["c-1"].viewed
            assert seen == Interest(sku="4901234567894", at=noon)
            assert content.contents(connection)["c-1"].order == 1
            assert catalogue.stores(connection)["ginza"].timezone == "Asia/Tokyo"
            assert [row["count"] for row in report(connection)["events"]] == [2]
            assert agents.find(connection, "pi-1") == agents.Agent(agent="pi-1", store="ginza", revoked=False)
            assert agents.admitted(connection, noon) == (), "a password is no certificate"
            assert sources.source_of(connection, sources.make_key(connection, "shop", SCOPES, noon)) is not None
    finally:
        engine.dispose()


def test_what_came_from_an_agent_before_continues_after(old: Path) -> None:
    engine = open_database(f"sqlite:///{old}")
    try:
        bench = Bench(engine)
        log = EdgeLog().add(*(event(number) for number in range(1, 5)))
        bench.take(log.message(log.batch(4, 4)))
        assert bench.acks() == [4]
    finally:
        engine.dispose()


def test_a_copy_from_before_is_kept_and_only_one(old: Path) -> None:
    before, older = rows(old), old.with_name("central.db.before-0001")
    older.touch()
    open_database(f"sqlite:///{old}").dispose()
    kept = old.with_name(f"central.db.before-{HEAD}")
    assert rows(kept) == before
    assert kept.stat().st_mode & 0o777 == 0o600, "it holds what the database holds of people"
    assert {file.name for file in old.parent.iterdir()} <= {
        *(f"central.db{end}" for end in ("", "-wal", "-shm")),
        kept.name,
    }


def test_a_copy_from_before_is_deleted_after_a_month(old: Path) -> None:
    open_database(f"sqlite:///{old}").dispose()
    kept = old.with_name(f"central.db.before-{HEAD}")
    for days, there in ((29, True), (31, False)):
        at = time.time() - days * 86400
        os.utime(kept, (at, at))
        open_database(f"sqlite:///{old}").dispose()
        assert kept.exists() is there


def test_a_database_that_does_not_come_through_is_refused_and_left_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("INSERT INTO token VALUES ('code', '9', 'nobody')")
        connection.commit()
    before = rows(old)
    with pytest.raises(StorageError, match=r"does not come through .*token.*customer.*Nothing was changed"):
        open_database(f"sqlite:///{old}")
    assert rows(old) == before
    assert [file.name for file in old.parent.glob("*.before-*")] == []
    assert [file.name for file in old.parent.glob("*rehearsal*")] == []


def test_a_new_database_needs_no_copy(engine: Engine, tmp_path: Path) -> None:
    assert list(tmp_path.glob("*.before-*")) == []


def test_an_error_of_the_database_names_no_value(engine: Engine) -> None:
    with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
        connection.execute(tables.token.insert().values(means="code", value="2000000000015", customer="nobody"))
    assert "2000000000015" not in str(caught.value)


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
    with pytest.raises(StorageError, match=rf"version 9999, newer than the {HEAD}.*a Noren that knows version 9999"):
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


def test_who_writes_now_and_then_is_not_kept_out_by_who_writes_always(engine: Engine) -> None:
    writes, over = [0], threading.Event()

    def always() -> None:
        while not over.is_set():
            with writing(engine) as connection:
                count(connection, "always", {"x": 1})
            writes[0] += 1

    thread = threading.Thread(target=always)
    thread.start()
    passed = []
    for _ in range(50):
        before = writes[0]
        with writing(engine) as connection:
            passed.append(writes[0] - before)
            count(connection, "now and then", {"x": 1})
    over.set()
    thread.join()
    assert passed.count(1) > len(passed) / 2, "they take turns"


def test_who_writes_goes_on_where_a_turn_ended_badly(engine: Engine) -> None:
    for _ in range(3):
        with pytest.raises(IntegrityError), writing(engine) as connection:
            connection.execute(tables.token.insert().values(means="code", value="1", customer="nobody"))
    with writing(engine) as connection:
        count(connection, "a", {"x": 1})


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
