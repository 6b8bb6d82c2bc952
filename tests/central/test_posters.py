"""What posters bring: told by our cameras and by the web shop, counted by where they hang, without anybody's name."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_log import NOON, EdgeLog
from sqlalchemy import Engine, select

from central import catalogue, posters
from central.cli import main
from central.contract import events
from central.contract.events import Born, Scanned
from central.ingest.report import report
from central.ingest.worker import Ingest
from central.posters import PosterScan
from central.storage.database import open_database, reading, writing
from central.storage.tables import poster_scan
from ground.programme.records import Store

LATER = NOON + timedelta(hours=2)


@pytest.fixture
def known(enrolled: Engine) -> Engine:
    with writing(enrolled) as connection:
        stores = [
            Store(store=store, name={"ja": store}, link="https://shop.example/item") for store in ("ginza", "kobe")
        ]
        catalogue.save_stores(connection, stores)
    return enrolled


def scanned(scan: str = "s-1", *, synced: bool = True, **said: Any) -> bytes:
    body = {"outcome": "product", "sku": "tea-1", "poster_store": "kobe", "poster_zone": "tea"} | said
    born = Born(wall=NOON, boot="boot-1", up_ms=5, synced=synced)
    return events.make(Scanned(scan=scan, reader="cam-1", zone="door", **body), born)


def taken(engine: Engine, *made: bytes) -> EdgeLog:
    log = EdgeLog().add(*made)
    Ingest(engine, lambda *_: None, lambda: LATER).take([log.message(log.batch(1, len(made)))])
    return log


def rows(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(poster_scan).order_by(poster_scan.c.id)).mappings()]


def test_a_poster_that_a_camera_read_is_noted_with_where_it_hangs_and_where_it_was_read(known: Engine) -> None:
    taken(known, scanned())
    (row,) = rows(known)
    row.pop("id")
    assert row == {
        "at": NOON,
        "by": "camera",
        "store": "kobe",
        "zone": "tea",
        "sku": "tea-1",
        "who": "pi-1",
        "read_store": "ginza",
        "read_zone": "door",
    }


def test_an_event_that_comes_again_is_one_scan(known: Engine) -> None:
    log = taken(known, scanned())
    Ingest(known, lambda *_: None, lambda: LATER).take([log.message(log.batch(1, 1))] * 2)
    assert len(rows(known)) == 1


def test_what_is_no_poster_is_not_noted(known: Engine) -> None:
    nothing: dict[str, Any] = {"sku": None, "poster_store": None, "poster_zone": None}
    taken(
        known,
        scanned("s-1", poster_store=None, poster_zone=None),  # A product's own code: it hangs nowhere.
        scanned("s-2", sku=None),
        scanned("s-3", outcome="unknown"),
        scanned("s-4", outcome="member", **nothing),
    )
    assert rows(known) == []
    with reading(known) as connection:
        assert report(connection)["events"][0]["count"] == 4


def test_a_poster_of_a_store_that_is_none_is_noted_without_it(known: Engine) -> None:
    taken(known, scanned(poster_store="atlantis"))
    assert [(row["store"], row["zone"], row["read_store"]) for row in rows(known)] == [("", None, "ginza")]


def test_of_an_agent_without_a_clock_the_time_is_when_it_came(known: Engine) -> None:
    taken(known, scanned(synced=False))
    assert rows(known)[0]["at"] == LATER


def test_the_report_sums_by_store_zone_and_product(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 64}"\n')
    engine = open_database(f"sqlite:///{tmp_path / 'central' / 'central.db'}")
    scan = PosterScan(at=NOON, by="phone", store="ginza", zone="tea", sku="tea-1", who="shop")
    by_camera = PosterScan(at=LATER, by="camera", store="ginza", zone="tea", sku="tea-1", who="pi-1")
    elsewhere = PosterScan(at=NOON, by="camera", store="ginza", zone=None, sku="tea-1", who="pi-1")
    with writing(engine) as connection:
        catalogue.save_stores(connection, [Store(store="ginza", name={"ja": "銀座店"})])
        posters.note(connection, [scan, scan, by_camera, elsewhere])
        posters.note(connection, [])
    engine.dispose()
    assert main(["report", str(file), "--json", "--posters"]) == 0
    found = json.loads(capsys.readouterr().out)["posters"]
    of_all = {"store": "ginza", "sku": "tea-1"}
    assert sorted(found, key=lambda row: row["zone"] or "") == [
        of_all | {"zone": None, "phone": 0, "camera": 1, "last": "2026-11-24T03:00:00Z"},
        of_all | {"zone": "tea", "phone": 2, "camera": 1, "last": "2026-11-24T05:00:00Z"},
    ]
    assert main(["report", str(file), "--json"]) == 0
    assert "posters" not in json.loads(capsys.readouterr().out)
