"""The commands `command` and `settings`, as they are typed, where no agent answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central import config
from central.cli import main
from central.contract import codec
from central.contract.commands import Status
from central.storage import tables
from central.storage.database import open_database, writing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 63}1"\n')
    engine = open_database(config.read(made).url)
    status = codec.encode(Status(online=True, version="1", epoch="e", boot="b")).decode()
    with writing(engine) as connection:
        for store in ("ginza", "ueno"):
            row: dict[str, Any] = {"agent": f"{store}-1", "store": store, "revoked": False, "revision": 1}
            row |= {"status": status, "status_at": datetime.now(UTC)}
            connection.execute(tables.agent.insert().values(**row))
    engine.dispose()
    return made


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_who_does_not_answer_is_told_and_the_exit_code_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["command", str(file), "all", "ping", "--wait", "0.2"]) == 1
    out, err = capsys.readouterr()
    assert [(one["agent"], one["ok"]) for one in map(json.loads, out.splitlines())] == [
        ("ginza-1", None),
        ("ueno-1", None),
    ]
    assert err.startswith("0 of 2 agents could not do it, 2 did not answer.")
    assert main(["command", str(file), "ueno", "resync", '{"feed":"stock"}', "--wait", "0"]) == 0
    assert [one["agent"] for one in lines(capsys)] == ["ueno-1"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ueno", "resync", "{"], "The body is not JSON"),
        (["shibuya", "ping"], "no agent and no store shibuya"),
        (["ueno", "Ping"], "name"),
        (["ueno", "ping", "--expires", "0"], "A command expires after a time"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["command", str(file), *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize("seconds", ["nan", "-1", "1e300", "soon"])
def test_seconds_are_a_plain_number_of_them(file: Path, seconds: str) -> None:
    with pytest.raises(SystemExit):
        main(["command", str(file), "ueno", "ping", "--expires", seconds])


def test_settings_are_begun_and_shown(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = tmp_path / "s.yaml"
    chosen.write_text("settings:\n  outbox_mb: 32\n")
    assert main(["settings", str(file), str(chosen), "--first", "ueno", "--hold", "5"]) == 0
    [told] = lines(capsys)
    assert main(["settings", str(file)]) == 0
    assert lines(capsys) == [told]
    [one] = told["settings"]
    assert (one["state"], one["stage"], one["first"], one["hold_s"]) == ("rolling", 0, "ueno", 5)
    assert [(agent["agent"], agent["wanted"]) for agent in told["agents"]] == [
        ("ginza-1", None),
        ("ueno-1", one["settings"]),
    ]


def test_settings_with_problems_are_listed_and_nothing_is_begun(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = tmp_path / "s.yaml"
    chosen.write_text("settings:\n  outbox_mb: 0\n  zones:\n    shelf: {enter_dbm: -80, exit_dbm: -70}\n")
    assert main(["settings", str(file), str(chosen)]) == 2
    err = capsys.readouterr().err
    assert "line 2: settings.outbox_mb: must be 1 to 4096" in err
    assert "line 4: settings.zones.shelf.exit_dbm: must not be above enter_dbm" in err
    assert main(["settings", str(file), str(tmp_path / "none.yaml")]) == 2
    chosen.write_text("settings: {}\n")
    assert main(["settings", str(file), str(chosen), "--first", "shibuya"]) == 1
    capsys.readouterr()
    assert main(["settings", str(file)]) == 0
    assert lines(capsys)[0]["settings"] == []
