"""The commands on files, plays and pictures of screens, as they are typed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import chain_keys
import pytest
from central_media import bomb, film, picture
from edge_log import NOON, EdgeLog
from plays_told import played
from sqlalchemy import Engine, select

from central import catalogue, config
from central.cli import main
from central.contract import codec
from central.contract.commands import Reply, ScreenPicture
from central.ingest.worker import Ingest
from central.storage import tables
from central.storage.database import open_database, reading, writing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 64}"\n')
    engine = opened(made)
    with writing(engine) as connection:
        chain_keys.known(connection, "ginza", "pi-1")
    engine.dispose()
    return made


def opened(file: Path) -> Engine:
    return open_database(config.read(file).url)


def typed(*words: object) -> int:
    return main([str(word) for word in words])


def test_files_are_added_and_their_digests_printed(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still = tmp_path / "春.png"
    still.write_bytes(picture())
    moving = film(tmp_path / "f.mp4")
    assert typed("add-asset", file, still, moving) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["digest"], first["name"]) == (hashlib.sha256(still.read_bytes()).hexdigest(), "春.png")
    engine = opened(file)
    with reading(engine) as connection:
        kept = catalogue.assets(connection)
    engine.dispose()
    assert set(kept) == {first["digest"], second["digest"], second["poster"]}
    folder = config.read(file).pictures
    assert {one.name for one in folder.iterdir()} == set(kept)


def test_of_files_of_which_one_is_bad_none_is_added_and_all_reasons_are_said(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (("a.png", picture()), ("b.png", bomb(50_000, 50_000)), ("c.png", picture("JPEG"))):
        (tmp_path / name).write_bytes(data)
    names = [tmp_path / name for name in ("a.png", "b.png", "c.png", "missing.png")]
    assert typed("add-asset", file, *names) == 1
    said = capsys.readouterr()
    assert said.out == ""
    for part in ("b.png cannot be shown", "c.png is a JPEG", "missing.png cannot be brought in", "Nothing was added."):
        assert part in said.err
    engine = opened(file)
    with reading(engine) as connection:
        assert catalogue.assets(connection) == {}
    engine.dispose()


def test_a_film_for_a_stronger_device_is_added_for_it_only(file: Path, tmp_path: Path) -> None:
    large = film(tmp_path / "f.mp4", size=(1920, 1080), frames=4)
    assert typed("add-asset", file, large) == 1
    assert typed("add-asset", file, large, "--device", "pi4") == 0


def test_plays_are_printed_as_csv(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = opened(file)
    log = EdgeLog().add(played("p-1"))
    Ingest(engine, lambda *_: None, lambda: NOON).take([log.message(log.batch(1, 1))])
    engine.dispose()
    assert typed("plays", file, "--from", "2026-11-24", "--to", "2026-11-24") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["play"], row["campaign"]) == ("p-1", "autumn")
    assert typed("plays", file, "--ad") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["plays"], row["seconds"]) == ("1", "8.0")
    with pytest.raises(SystemExit):
        typed("plays", file, "--from", "yesterday")


def asked_for(engine: Engine, ended: threading.Event) -> Any:
    """Wait until the command is there: what its agent would be sent."""
    while not ended.is_set():
        with reading(engine) as connection:
            if row := connection.execute(select(tables.command)).first():
                return row
    raise AssertionError("nothing was asked")


@pytest.mark.parametrize("works", [True, False])
def test_a_screen_is_pictured_when_it_is_asked_for(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], works: bool
) -> None:
    png, out, code = picture(size=(160, 90)), tmp_path / "out.png", []
    ended = threading.Event()

    def ask() -> None:
        code.append(typed("snapshot", file, "pi-1", "shelf-1", out))
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    engine = opened(file)
    try:
        row = asked_for(engine, ended)
        assert (row.agent, row.name, json.loads(row.body)) == ("pi-1", "snapshot", {"screen": "shelf-1"})
        reply = Reply(command=row.command, ok=works, said="" if works else "there is no screen shelf-1")
        messages = [EdgeLog().said("reply", codec.pack(reply))]
        if works:
            told = ScreenPicture(screen="shelf-1", at=datetime.now(UTC), png=png)
            messages.append(EdgeLog().said("picture", codec.pack(told)))
        Ingest(engine, lambda *_: None, lambda: datetime.now(UTC)).take(messages)
    finally:
        thread.join()
        engine.dispose()
    said = capsys.readouterr()
    if works:
        assert (code, out.read_bytes()) == ([0], png)
        assert json.loads(said.out)["file"] == str(out)
    else:
        assert (code, out.exists()) == ([1], False)
        assert "there is no screen shelf-1" in said.err


def test_a_screen_that_sends_nothing_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("snapshot", file, "pi-1", "shelf-1", "--wait", "0") == 1
    assert "No picture came" in capsys.readouterr().err
    assert typed("snapshot", file, "pi-9", "shelf-1") == 1
    assert "There is no agent pi-9" in capsys.readouterr().err
