"""`signage schedule`: what would play when, and why, as a person and as a program read it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ground.programme.records import Content, Language
from signage.contract import Item
from signage.contract.content import scene_id, scenes_of, text

TREE = Path(__file__).parent.parent.parent
PROGRAMME = """\
contents:
- {content: welcome, layout: campaign, title: {ja: ようこそ, en: Welcome}, order: 1, seconds: 10}
- {content: tea, layout: campaign, title: {ja: お茶}, seconds: 20}
campaigns:
- {campaign: tea-time, name: お茶, contents: [tea], share: 25,
   when: [{weekdays: [sat], parts: [{begins: 15:00, ends: 17:00}]}]}
stores:
- {store: ginza, name: {ja: 銀座店}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "programme.yaml").write_text(PROGRAMME)
    return tmp_path


def schedule(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signage", "schedule", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(TREE), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_turn_of_a_day_is_told_with_its_reason(folder: Path) -> None:
    done = schedule(folder, "--store", "ginza", "--day", "2026-11-28")
    assert (done.returncode, done.stderr) == (0, "")
    head, *lines = done.stdout.splitlines()
    assert head == "ginza, 2026-11-28, Asia/Tokyo"
    assert lines[0] == "00:00:00     10 s  loop      welcome-ja  priority 0: nothing else may play now"
    assert lines[1].split()[3:5] == ["loop", "welcome-en"]
    at_three = next(line for line in lines if "tea-time" in line)
    assert at_three == "15:00:00     20 s  tea-time  tea-ja      priority 5, 25.0% of the time: its turn"


def test_sums_and_json(folder: Path) -> None:
    said = schedule(folder, "--day", "2026-11-28", "--summary").stdout.splitlines()
    assert [line.split()[0] for line in said[1:]] == ["loop", "tea-time"]
    found = json.loads(schedule(folder, "--day", "2026-11-28", "--summary", "--json", "--language", "ja").stdout)
    tea = next(one for one in found if one["campaign"] == "tea-time")
    assert tea["seconds"] == pytest.approx(1800, abs=20)
    assert tea["plays"] == pytest.approx(90, abs=1)
    turns = json.loads(schedule(folder, "programme.yaml", "--day", "2026-11-27", "--json").stdout)
    assert turns[0]["begins"] == "2026-11-27T00:00:00+09:00"
    assert {turn["campaign"] for turn in turns} == {"loop"}


def test_today_is_the_store_s_and_problems_are_said_beside_it(folder: Path) -> None:
    (folder / "programme.yaml").write_text(PROGRAMME.replace("contents: [tea]", "contents: [tea, coffee]"))
    done = schedule(folder)
    assert done.returncode == 0
    assert done.stdout.startswith("ginza, 2")
    assert "line 5: campaigns[0].contents[1]: there is no content 'coffee'" in done.stderr


def test_what_cannot_be_told_is_an_error_with_its_fix(folder: Path) -> None:
    assert schedule(folder, "--day", "tomorrow").returncode == 2
    done = schedule(folder, "--store", "osaka")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Name one of ginza." in done.stderr
    (folder / "programme.yaml").write_text(PROGRAMME.replace("share: 25", "share: 250"))
    done = schedule(folder)
    assert done.returncode == 2
    assert "line 5: campaigns[0].share" in done.stderr
    assert "cannot be read" in schedule(folder, "nothing.yaml").stderr


def test_a_pipe_that_is_cut_short_is_no_error(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "signage", "schedule", str(folder / "programme.yaml")],
        cwd=TREE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def content(**rest: object) -> Content:
    given: dict[str, object] = {"content": "tea", "layout": "campaign", "title": {"ja": "お茶", "en": "Tea"}}
    return Content(**given | rest)  # type: ignore[arg-type]  # The fields of Content.


def none(_content: Content, _language: Language) -> tuple[Item, ...]:
    return ()


def test_a_content_is_a_scene_in_each_language_that_it_can_be_read_in() -> None:
    made = scenes_of(content(text={"ja": "どうぞ"}, seconds=12, link="https://a.example"), ("ja", "en"), none)
    assert [(scene.scene, scene.language, scene.title, scene.text, scene.hold_ms) for scene in made] == [
        ("tea-ja", "ja", "お茶", "どうぞ", 12_000),
        ("tea-en", "en", "Tea", "どうぞ", 12_000),
    ]
    assert {scene.link for scene in made} == {"https://a.example"}
    assert {scene.content for scene in made} == {"tea"}
    assert scenes_of(content(), ("ja",), none, "https://b.example?store=s")[0].link == "https://b.example?store=s"


@pytest.mark.parametrize(
    ("title", "languages", "spoken"),
    [
        ({"ja": "茶", "en": "Tea"}, ("zh-hans", "ko", "ja"), ["en", "ja"]),
        ({"ja": "茶"}, ("en",), ["ja"]),
        ({"ja": "茶"}, ("zh-hant", "en", "ja"), ["ja"]),
        ({"ja": "茶", "ko": "차"}, ("ko", "ja"), ["ko", "ja"]),
        ({"ko": "차"}, ("ja",), ["ko"]),
        ({"ja": "茶"}, (), ["ja"]),
    ],
)
def test_a_language_that_is_not_there_is_stood_for_by_english_then_japanese(
    title: dict[Language, str], languages: tuple[Language, ...], spoken: list[str]
) -> None:
    assert [scene.language for scene in scenes_of(content(title=title), languages, none)] == spoken


def test_long_texts_and_names_fit_the_contract() -> None:
    assert len(text({"ja": "あ" * 2000}, "ja")) == 400
    assert text({}, "ja") == ""
    one, other = (scene_id("x" * 63 + letter, "zh-hans") for letter in "ab")
    assert len(one) == len(other) == 64
    assert one != other
    many = tuple(Item(id=str(number), title="x") for number in range(20))
    assert len(scenes_of(content(), ("ja",), lambda *_: many)[0].items) == 12
