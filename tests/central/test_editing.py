"""The commands by which head office says what the screens show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from edge_log import NOON
from PIL import Image

from central import catalogue, config, content, programme
from central.cli import _with_config, main
from central.contract.feeds import Product
from central.storage.database import open_database, reading, writing
from ground.programme import file as files
from ground.programme.file import Programme
from ground.programme.records import Content

PROGRAMME = """
contents:
- {content: autumn, layout: campaign, title: {ja: 秋の新茶}, picture: pictures/autumn.png, order: 1}
- {content: menu, layout: recommendation, title: {ja: おすすめ}, products: [tea]}
playlists:
- {playlist: day, contents: [autumn, menu]}
campaigns:
- {campaign: dusk, name: 夕方, playlist: day, stores: [ginza], share: 30}
stores:
- {store: ginza, name: {ja: 銀座}}
products:
- {sku: tea, name: {ja: 別の名}, yen: 1}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 64}"\n')
    engine = open_database(config.read(made).url)
    with writing(engine) as connection:
        catalogue.save_products(connection, [Product(sku="tea", name={"ja": "煎茶"}, yen=800, category="tea")])
    engine.dispose()
    return made


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "in" / "pictures").mkdir(parents=True)
    Image.new("RGB", (320, 180), "#334455").save(tmp_path / "in" / "pictures" / "autumn.png")
    made = tmp_path / "in" / "programme.yaml"
    made.write_text(PROGRAMME, encoding="utf-8")
    return made


def there(settings: Path) -> Programme:
    engine = open_database(config.read(settings).url)
    try:
        with reading(engine) as connection:
            return programme.whole(connection)
    finally:
        engine.dispose()


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_file_is_taken_in_with_its_pictures_and_printed_again(
    settings: Path, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for brought in (1, 0):
        assert main(["import", str(settings), str(given)]) == 0
        assert said(capsys) == {
            "contents": 2,
            "playlists": 1,
            "campaigns": 1,
            "layouts": 0,
            "stores": 1,
            "files": brought,
            "withdrawn": 0,
        }
    picture = there(settings).contents[0].picture
    assert picture is not None
    kept = config.read(settings).pictures / picture
    assert kept.read_bytes() == (given.parent / "pictures" / "autumn.png").read_bytes()
    assert main(["export", str(settings)]) == 0
    printed = capsys.readouterr().out
    assert files.parse(printed) == there(settings)
    assert yaml.safe_load(printed)["products"] == [{"sku": "tea", "name": {"ja": "煎茶"}, "yen": 800}]
    again = tmp_path / "again.yaml"
    again.write_text(printed, encoding="utf-8")
    assert main(["import", str(settings), str(again), "--replace"]) == 0
    assert said(capsys)["withdrawn"] == 0


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("playlist: day, stores", "playlist: night, stores", "campaigns[0].playlist: there is no playlist 'night'"),
        ("products: [tea]", "products: [tea, coffee]", "contents[1].products[1]: the catalogue has no product"),
        ("autumn.png", "winter.png", "contents[0].picture: there is no file"),
        ("share: 30", "share: 300", "campaigns[0].share"),
    ],
)
def test_a_file_with_a_problem_changes_nothing(
    settings: Path, given: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, told: str
) -> None:
    given.write_text(PROGRAMME.replace(before, after), encoding="utf-8")
    assert main(["import", str(settings), str(given)]) in (1, 2)
    assert told in capsys.readouterr().err
    assert (there(settings).contents, there(settings).stores) == ((), ())


def test_a_picture_that_is_broken_is_told_with_all_else_that_is_wrong(
    settings: Path, given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = given.parent / "pictures" / "autumn.png"
    picture.write_bytes(picture.read_bytes()[:-20])
    given.write_text(PROGRAMME.replace("playlist: day, stores", "playlist: night, stores"), encoding="utf-8")
    assert main(["import", str(settings), str(given)]) == 1
    told = capsys.readouterr().err
    assert "2 problem(s)" in told
    assert "line 3: contents[0].picture: " in told
    assert "campaigns[0].playlist" in told
    assert there(settings).contents == ()
    engine = open_database(config.read(settings).url)
    with reading(engine) as connection:
        assert catalogue.assets(connection) == {}
    engine.dispose()


def test_one_thing_is_withdrawn_when_nothing_names_it(
    settings: Path, given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["import", str(settings), str(given)])
    assert main(["withdraw", str(settings), "contents", "menu"]) == 1
    assert "still named by playlist day" in capsys.readouterr().err
    assert [main(["withdraw", str(settings), *what]) for what in (("campaigns", "dusk"), ("playlists", "day"))] == [
        0,
        0,
    ]
    assert there(settings).campaigns == ()


def test_an_emergency_is_called_out_and_ended(settings: Path, given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(settings), str(given)])
    begin = ["emergency", str(settings), "begin", "避難してください", "--en", "Leave now", "--stores", "ginza"]
    assert main([*begin, "--hours", "1", "--text", "係員の指示に従ってください"]) == 0
    assert [one.stores for one in there(settings).campaigns if one.emergency] == [("ginza",)]
    capsys.readouterr()
    for ended in (True, False):
        assert main(["emergency", str(settings), "end"]) == 0
        assert said(capsys) == {"ended": ended}
    assert main(["emergency", str(settings), "begin"]) == 1
    assert "Give a title" in capsys.readouterr().err
    for hours in ("1000", "nan", "inf", "-1"):
        assert main([*begin, f"--hours={hours}"]) == 1
        assert "within 7 days" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["import", "p.yaml"], ["import", "/etc/noren/noren.yaml", "p.yaml"]),
        (["import", "c.yaml", "p.yaml", "--replace"], ["import", "c.yaml", "p.yaml", "--replace"]),
        (["export"], ["export", "/etc/noren/noren.yaml"]),
        (["emergency", "end"], ["emergency", "/etc/noren/noren.yaml", "end"]),
    ],
)
def test_the_configuration_that_is_meant_where_none_is_named(argv: Sequence[str], meant: Sequence[str]) -> None:
    assert list(_with_config(argv)) == meant


def test_what_was_there_before_is_in_the_loop_as_it_was(settings: Path) -> None:
    engine = open_database(config.read(settings).url)
    with writing(engine) as connection:
        one = Content(content="old", layout="notice", title={"ja": "昔"}, order=2)
        content.save(connection, [one])
        assert programme.take(connection, programme.of([]), NOON)["withdrawn"] == 0
        assert content.contents(connection) == {"old": one}
    engine.dispose()
