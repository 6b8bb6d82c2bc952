"""A central that was restored from a backup knows it, and everything comes again: once."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import chain_keys
import pytest
from edge_log import NOON, EdgeLog, event
from ingest_bench import Bench
from sqlalchemy import Engine, select
from sqlalchemy.event import listens_for

from central import catalogue
from central.contract.feeds import Product, Pull
from central.feeds.pages import page
from central.feeds.projector import project
from central.storage import tables
from central.storage.alarms import restored
from central.storage.database import open_database, reading, writing
from central.storage.incarnation import Incarnation

LATER = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


class Place:
    """Central's folder, and the central that runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = open_database(f"sqlite:///{folder / 'central.db'}")

    def start(self) -> Incarnation:
        self.incarnation = Incarnation(self.engine, self.folder / "incarnation", lambda: LATER)
        self.was_restored = self.incarnation.begin()
        return self.incarnation

    def again(self) -> bool:
        """Stop without taking leave, and start: whether it found itself restored."""
        self.engine.dispose()
        self.engine = open_database(f"sqlite:///{self.folder / 'central.db'}")
        self.start()
        return self.was_restored

    def generation(self) -> str:
        with reading(self.engine) as connection:
            return connection.scalar(select(tables.generation.c.generation)) or ""

    def back_up(self) -> Path:
        """As a running database is copied."""
        copy = self.folder / "backup.db"
        with closing(sqlite3.connect(self.folder / "central.db")) as whole, closing(sqlite3.connect(copy)) as new:
            whole.backup(new)
        return copy

    def restore(self, backup: Path) -> None:
        self.engine.dispose()
        for end in ("", "-wal", "-shm"):
            (self.folder / f"central.db{end}").unlink(missing_ok=True)
        shutil.copy(backup, self.folder / "central.db")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.start()
    yield made
    made.engine.dispose()


def test_a_first_start_and_every_further_one_is_no_restoration(place: Place) -> None:
    before = place.generation()
    assert not place.was_restored
    for _ in range(3):
        assert not place.again()
        place.incarnation.renew()
        place.incarnation.renew()
    assert place.generation() == before
    with reading(place.engine) as connection:
        assert restored(connection) is None


def test_a_database_that_was_set_back_is_another_generation_and_an_alarm(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    before, backup = place.generation(), place.back_up()
    place.incarnation.renew()
    place.restore(backup)
    assert place.again()
    assert place.generation() != before
    assert [record.levelno for record in caplog.records if "restored" in record.message] == [logging.ERROR]
    with reading(place.engine) as connection:
        assert restored(connection) == LATER
    after = place.generation()
    assert not place.again(), "once"
    assert place.generation() == after


def test_a_database_without_the_file_that_belongs_to_it_was_restored(place: Place) -> None:
    (place.folder / "incarnation").unlink()
    assert place.again()


def test_a_database_and_its_file_of_one_moment_look_as_if_nothing_was(place: Place) -> None:
    backup, file = place.back_up(), (place.folder / "incarnation").read_text()
    place.incarnation.renew()
    place.restore(backup)
    (place.folder / "incarnation").write_text(file)
    assert not place.again(), "the edges find it out themselves: their acknowledgements go back"


def test_a_power_cut_between_the_database_and_the_file_is_no_restoration(place: Place) -> None:
    for _ in range(3):
        file = (place.folder / "incarnation").read_text()
        place.incarnation.renew()
        (place.folder / "incarnation").write_text(file)
        assert not place.again()


def test_a_power_cut_at_the_very_first_start_is_no_restoration(place: Place) -> None:
    file = place.folder / "incarnation"
    before: list[str | None] = []

    @listens_for(place.engine, "commit")
    def cut(_: object) -> None:
        before.append(file.read_text() if file.exists() else None)

    place.start()
    [said] = before
    if said is None:
        file.unlink()
    else:
        file.write_text(said)
    assert not place.again()


def test_a_damaged_file_is_as_another(place: Place) -> None:
    place.start()
    (place.folder / "incarnation").write_bytes(b"\xff\x00")
    assert place.again()


def test_a_file_that_cannot_be_written_is_no_restoration_either(place: Place) -> None:
    (place.folder / "incarnation.new").mkdir()
    for _ in range(3):
        place.incarnation.renew()
    assert not place.again()
    (place.folder / "incarnation.new").rmdir()
    place.incarnation.renew()
    assert not place.again()


def test_a_database_that_is_set_back_under_a_running_central_is_found_out(place: Place) -> None:
    before = place.generation()
    with writing(place.engine) as connection:
        connection.execute(tables.generation.update().values(incarnation="of-a-backup of-before"))
    place.incarnation.renew()
    assert place.generation() != before


def stored(engine: Engine) -> list[bytes]:
    with reading(engine) as connection:
        rows = connection.scalars(select(tables.events.c.data).order_by(tables.events.c.seq))
        return [data.encode() for data in rows]


def test_after_a_restoration_everything_comes_again_and_feeds_are_taken_anew(place: Place) -> None:
    with writing(place.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-1")
    log, bench = EdgeLog().add(*(event(number) for number in range(1, 31))), Bench(place.engine)

    def tells(name: str) -> None:
        with writing(place.engine) as connection:
            catalogue.save_products(connection, [Product(sku=name, name={"ja": name}, yen=1, category="tea")])
            project(connection, bytes(32), NOON)

    bench.take(log.message(log.batch(1, 10)))
    tells("tea")
    backup = place.back_up()
    place.incarnation.renew()
    bench.take(log.message(log.batch(11, 20)))
    tells("rice")
    place.restore(backup)
    assert place.again()
    bench = Bench(place.engine)
    tells("soap")  # As many changes as the stores have seen of the other history: only the generation tells.
    bench.take(log.message(log.batch(21, 30)))
    assert bench.acks() == [10], "behind what the edge knows: it goes back, and takes all its feeds anew"
    bench.take(log.message(log.batch(11, 30)))
    assert bench.acks() == [10, 30]
    assert stored(place.engine) == log.made
    assert bench.report()["gaps"] == []
    with reading(place.engine) as connection:
        known = Pull(scope="chain", feed="products", after=2, generation="of before")
        told = page(connection, known, ("chain", "ginza"))
    assert told is not None
    assert (told.after, sorted(row.key for row in told.rows)) == (0, ["soap", "tea"])
