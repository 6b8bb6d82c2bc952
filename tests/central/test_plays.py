"""Proof of play as CSV: each play once, at its right time, in its store's day; opportunities to see, nobody's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import pytest
from edge_log import NOON, EdgeLog
from plays_told import born, played
from sqlalchemy import Engine

from central import catalogue, plays
from central.contract import events
from central.contract.events import ClockOffset, Played, VisitEnded
from central.ingest.worker import Ingest
from central.plays import Days
from central.storage.database import reading, writing
from ground.programme.records import Store

MINUTE = 60_000


def visited(name: str, until: datetime, dwell_ms: int, zone: str = "shelf", customer: str = "c-1") -> bytes:
    return events.make(VisitEnded(visit=name, customer=customer, zone=zone, dwell_ms=dwell_ms), born(until))


def store(engine: Engine, *made: bytes, epoch: str = "e1", at: datetime = NOON + timedelta(days=1)) -> None:
    log = EdgeLog(epoch=epoch).add(*made)
    Ingest(engine, lambda *_: None, lambda: at).take([log.message(log.batch(1, len(made)))])


def table(engine: Engine, write: Callable[..., int] = plays.write, **days: date) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    with reading(engine) as connection:
        count = write(connection, Days(**days), out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert len(rows) == count
    return rows


@pytest.fixture
def known(enrolled: Engine) -> Engine:
    with writing(enrolled) as connection:
        catalogue.save_stores(connection, [Store(store="ginza", name={"ja": "銀座"}, timezone="Asia/Tokyo")])
    return enrolled


def test_a_play_is_told_with_all_that_proves_it(known: Engine) -> None:
    store(known, played("p-1", names=("秋の新茶", "煎茶"), late=3, region="side", cause="override", ended="replaced"))
    (row,) = table(known)
    assert row == {
        "play": "p-1",
        "store": "ginza",
        "agent": "pi-1",
        "screen": "shelf-1",
        "region": "side",
        "scene": "tea-ja",
        "content": "tea",
        "campaign": "autumn",
        "names": "秋の新茶 | 煎茶",
        "cause": "override",
        "first_frame": "2026-11-24T11:59:52.000+09:00",
        "last_frame": "2026-11-24T12:00:00.000+09:00",
        "within_s": "1.0",
        "shown_ms": "8000",
        "ended": "replaced",
        "late_frames": "3",
    }


def test_a_play_that_its_agent_heard_of_later_is_told_when_it_was(known: Engine) -> None:
    store(known, played("p-1", ago_ms=3_600_000))
    (row,) = table(known)
    assert (row["first_frame"][11:19], row["last_frame"][11:19]) == ("10:59:52", "11:00:00")


def test_a_play_of_a_machine_without_a_clock_is_put_right_afterwards(known: Engine) -> None:
    wrong = NOON.replace(year=1970)
    play = Played(
        play="p-1", screen="s", scene="s", layout="campaign", cause="schedule", level=0, shown_ms=1000, ended="over"
    )
    measure = ClockOffset(boot="b", offset_ms=0, within_ms=200, boot_at=NOON - timedelta(minutes=10), at_ms=600_000)
    store(
        known,
        events.make(play, born(wrong, boot="b", up_ms=5 * MINUTE, synced=False)),
        events.make(play, born(wrong, boot="other", synced=False)),
        events.make(measure, born(wrong, boot="b", up_ms=600_000, synced=False)),
    )
    (row,) = table(known)
    assert (row["last_frame"], row["within_s"]) == ("2026-11-24T11:55:00.000+09:00", "0.23")


def test_a_play_that_a_card_set_back_tells_again_is_told_once(known: Engine) -> None:
    store(known, played("p-1"), played("p-2"))
    store(known, played("p-1"), played("p-2"), played("p-3"), epoch="e2")
    assert sorted(row["play"] for row in table(known)) == ["p-1", "p-2", "p-3"]


def test_days_are_those_of_the_store(known: Engine) -> None:
    midnight = datetime.fromisoformat("2026-11-24T00:00:00+09:00")
    store(
        known,
        played("before", midnight),
        played("on", midnight + timedelta(seconds=8)),
        played("after", midnight + timedelta(days=1, seconds=8)),
    )
    day = date(2026, 11, 24)
    assert [row["play"] for row in table(known, first=day, last=day)] == ["on"]
    assert [row["play"] for row in table(known, first=day)] == ["on", "after"]
    assert [row["play"] for row in table(known, last=day)] == ["before", "on"]


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_no_name_becomes_a_formula_of_a_spreadsheet(known: Engine, begins: str) -> None:
    name = f'{begins}HYPERLINK("http://example", "x"),2'
    store(known, played("p-1", names=(name,), content="-tea"))
    (row,) = table(known)
    assert (row["names"], row["content"]) == (f"'{name}", "'-tea")


@pytest.mark.parametrize("wall", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_no_clock_breaks_the_table(known: Engine, wall: str) -> None:
    at = datetime.fromisoformat(wall)
    store(known, played("p-1", at, 10**12), visited("v-1", at, 10**12), played("p-2"))
    assert len(table(known)) == 2
    assert len(table(known, plays.write_ads)) == 2


def ads(known: Engine) -> list[tuple[str, ...]]:
    columns: Sequence[str] = ("campaign", "day", "plays", "seconds", "opportunities_to_see", "visits")
    return [tuple(row[name] for name in columns) for row in table(known, plays.write_ads)]


def test_an_opportunity_to_see_is_a_visit_that_had_a_second_of_a_play(known: Engine) -> None:
    begun, ended = NOON - timedelta(seconds=8), NOON

    def at(seconds: float, of: datetime) -> datetime:
        return of + timedelta(seconds=seconds)

    store(
        known,
        played("p-1"),
        visited("v-all", at(60, ended), 300_000, customer="c-1"),
        visited("v-in", at(-2, ended), 3_000, customer="c-2"),
        visited("v-just", at(1, begun), 10_000, customer="c-3"),
        visited("v-short", at(0.9, begun), 10_000, customer="c-4"),
        visited("v-late", at(30, ended), 29_100, customer="c-5"),
        visited("v-elsewhere", at(60, ended), 300_000, zone="door", customer="c-6"),
    )
    assert ads(known) == [("autumn", "2026-11-24", "1", "8.0", "3", "3")]
    told = "".join(str(row) for row in table(known, plays.write_ads))
    assert "c-" not in told


def test_plays_are_summed_by_campaign_and_day_and_a_visit_counts_once_a_play(known: Engine) -> None:
    store(
        known,
        *(played(f"p-{number}", NOON + timedelta(seconds=10 * number)) for number in range(5)),
        played("p-next", NOON + timedelta(days=1)),
        played("p-other", NOON + timedelta(seconds=70), campaign="spring", zones=("shelf", "door")),
        played("p-loop", campaign=None),
        visited("v-1", NOON + timedelta(seconds=25), 60_000),
        visited("v-2", NOON + timedelta(seconds=75), 10_000),
        visited("v-2", NOON + timedelta(seconds=75), 10_000),
        visited("v-3", NOON + timedelta(seconds=75), 10_000, zone="door"),
        visited("v-forgotten", NOON + timedelta(days=5), 10**10, zone="door"),
    )
    assert ads(known) == [
        ("autumn", "2026-11-24", "5", "40.0", "4", "1"),
        ("autumn", "2026-11-25", "1", "8.0", "0", "0"),
        ("spring", "2026-11-24", "1", "8.0", "2", "2"),
    ]


def test_without_plays_there_is_a_table_with_its_head(known: Engine) -> None:
    assert table(known) == []
    assert table(known, plays.write_ads) == []
