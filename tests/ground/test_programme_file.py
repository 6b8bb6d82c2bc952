"""The programme as a file: what reads, what is refused with its line, and that it comes back as it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.programme import file
from ground.programme.file import Product, Programme
from ground.programme.records import (
    WEEKDAYS,
    Audience,
    Campaign,
    Content,
    DayPart,
    Layout,
    Playlist,
    Region,
    Store,
    When,
)
from ground.settings import SettingsError

WHOLE = """\
contents:
- content: welcome
  layout: campaign
  title: {ja: ようこそ, en: "Welcome: come in", ko: 어서 오세요}
  picture: pictures/curtain.png
  order: 1
- {content: tea, layout: recommendation, title: {ja: お茶}, products: [tea-1], seconds: 12}
playlists:
- {playlist: evening, contents: [tea, welcome]}
campaigns:
- campaign: evening
  name: 夕方
  playlist: evening
  when: [{first: 2026-11-01, last: 2026-12-31, weekdays: [mon, fri], parts: [{begins: 18:30, ends: 01:00}]}]
  stores: [ginza]
  share: 25
- campaign: members
  name: 会員
  contents: [tea]
  audience: {members: true}
  per_member: 3
layouts:
- layout: strip
  regions: [{region: main, at: [0, 0, 1000, 900], shows: main}, {region: time, at: [0, 900, 1000, 100], shows: clock}]
  portrait: false
stores:
- {store: ginza, name: {ja: 銀座店}, timezone: Asia/Tokyo, link: "https://shop.example/p"}
products:
- {sku: tea-1, name: {ja: 煎茶}, yen: 1200}
"""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "curtain.png").write_bytes(b"a picture")
    path = tmp_path / "programme.yaml"
    path.write_text(WHOLE)
    return path


def refused(text: str, folder: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        file.parse(text, folder=folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_is_read_with_its_pictures(whole: Path) -> None:
    programme = file.read(whole)
    digest = hashlib.sha256(b"a picture").hexdigest()
    assert programme.files == {digest: whole.parent / "pictures" / "curtain.png"}
    welcome, tea = programme.contents
    assert (welcome.picture, welcome.order, welcome.seconds) == (digest, 1, 8)
    assert (tea.products, tea.order) == (("tea-1",), None)
    evening = programme.campaigns[0]
    assert evening.when == (
        When(
            first=date(2026, 11, 1),
            last=date(2026, 12, 31),
            weekdays=("mon", "fri"),
            parts=(DayPart(begins="18:30", ends="01:00"),),
        ),
    )
    assert programme.campaigns[1].audience == Audience(members=True)
    assert programme.layouts[0].regions[0].at == (0, 0, 1000, 900)
    assert programme.products == (Product(sku="tea-1", name={"ja": "煎茶"}, yen=1200),)
    assert programme.line(("campaigns", 1, "per_member")) == 21
    assert programme.line(("campaigns", 0, "when", 0, "parts", 0, "begins", "none")) == 14


def test_what_is_written_reads_as_the_same_programme(whole: Path) -> None:
    programme = file.read(whole)
    assert file.parse(file.write(programme), folder=whole.parent) == programme
    stored = Programme(**{one.name: getattr(programme, one.name) for one in fields(file.Written)})
    assert file.parse(file.write(stored)) == stored
    assert file.parse("") == Programme()
    assert file.parse(file.write(Programme())) == Programme()


def test_json_reads_as_well_and_an_emoji_in_two_halves_is_one_letter() -> None:
    said = json.dumps({"contents": [{"content": "a", "layout": "notice", "title": {"ja": "お茶🍵 / \t"}}]}, indent=1)
    assert "\\ud83c" in said
    assert file.parse(said).contents[0].title == {"ja": "お茶🍵 / \t"}
    assert "half a letter" in refused('{"contents": [{"content": "a", "layout": "b", "title": {"ja": "\\ud83c"}}]}')[0]


def test_every_problem_is_told_at_once_with_its_line() -> None:
    said = refused(
        """\
contents:
- content: Welcome Home
  layout: campaign
  title: {ja: ようこそ, fr: Bienvenue}
  seconds: 1
  order: true
  link: javascript:alert(1)
  colour: red
playlists:
- {playlist: empty, contents: []}
campaigns:
- campaign: a
  contents: [x]
  share: 120
  when: [{first: soon, weekdays: [someday], parts: [{begins: 9:30, ends: 25:00}]}]
layouts:
- {layout: a, regions: [{region: r, at: [0, 0, 1000], shows: films}]}
stores: [{store: s, name: {ja: x}, timezone: "../etc"}]
screens: []
"""
    )
    for words in (
        "line 2: contents[0].content: must be 1 to 64 of a-z, 0-9 and -, not 'Welcome Home'",
        "line 4: contents[0].title.fr: must be one of ja, en",
        "line 5: contents[0].seconds: must be a whole number >= 2",
        "line 6: contents[0].order: must be a whole number, not True",
        "line 7: contents[0].link: must be an http(s) address",
        "line 8: contents[0].colour: is not a setting here",
        "line 10: playlists[0].contents: must be a list of length >= 1",
        "line 12: campaigns[0].name: is missing",
        "line 14: campaigns[0].share: must be a whole number <= 100",
        "line 15: campaigns[0].when[0].first: must be a date such as 2026-11-24, not 'soon'",
        "line 15: campaigns[0].when[0].weekdays[0]: must be one of mon",
        "line 15: campaigns[0].when[0].parts[0].begins: must be a time of day such as 09:30, not '9:30'",
        "line 15: campaigns[0].when[0].parts[0].ends: must be a time of day",
        "line 17: layouts[0].regions[0].at: must be a list of 4, not of 3",
        "line 17: layouts[0].regions[0].shows: must be one of main",
        "line 18: stores[0].timezone: must be",
        "line 19: screens: is not a setting here",
    ):
        assert any(one.startswith(words) for one in said), (words, said)


def test_a_picture_that_is_not_there_is_a_problem_of_its_line(whole: Path) -> None:
    (whole.parent / "pictures" / "curtain.png").unlink()
    with pytest.raises(SettingsError, match=r"line 5: contents\[0\].picture: there is no file"):
        file.read(whole)
    (whole.parent / "pictures" / "curtain.png").mkdir()
    with pytest.raises(SettingsError, match="there is no file"):
        file.read(whole)
    assert "must be the SHA-256 of a file that was given before" in refused(WHOLE)[0], (
        "what comes by HTTP has no folder"
    )
    with pytest.raises(SettingsError, match="cannot be read"):
        file.read(whole.parent / "none.yaml")
    whole.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SettingsError, match="not UTF-8"):
        file.read(whole)


LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefg")
)
KEY = "? {" + LAUGHS.replace("\n", ", ") + "}\n: 1"
"""The same where nobody counts: as the name of something."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contents: [", "is not YAML"),
        ("a: &a [*a]", "is nested too deep"),
        ("contents: " + "[" * 5000, "nested too deep"),
        ("- contents", "must be a table"),
        ("contents: 3", "must be a list"),
        ("contents: [{content: a, content: b}]", "is given twice"),
        ("a: 2026-99-99", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        (LAUGHS, "more than 500,000 values"),
        (KEY, "a name is a list"),
        ("contents: " + "[" * 200_000, "nested too deep"),
        ("contents: 0x" + "9" * 5000, "more than 100 digits"),
        ("contents: !!bool x", "is not YAML"),
        ("contents: !!float ''", "is not YAML"),
        ("contents: !!timestamp x", "is not YAML"),
    ],
)  # fmt: skip
def test_what_is_no_programme_is_said_and_harms_nobody(text: str, said: str) -> None:
    assert any(said in one for one in refused(text))


ids = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
letters = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("日本語\n\t:#'\"-?&*!|>%@`{}[], ")
said = st.text(letters, min_size=1, max_size=40)
texts = st.fixed_dictionaries({"ja": said}, optional={"en": said, "zh-hans": said, "ko": said})
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
whens = st.lists(
    st.builds(
        When,
        first=st.none() | st.dates(),
        last=st.none() | st.dates(),
        weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=7).map(tuple),
        parts=st.lists(st.builds(DayPart, begins=clocks, ends=clocks), max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
digests = st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
share = st.none() | st.integers(1, 100)
programmes = st.builds(
    Programme,
    contents=st.lists(
        st.builds(
            Content,
            content=ids,
            layout=ids,
            title=texts,
            text=texts,
            picture=digests,
            film=digests,
            sensitive=st.booleans(),
            products=st.lists(said, max_size=3).map(tuple),
            seconds=st.integers(2, 3600),
            order=st.none() | st.integers(0, 99),
            link=st.sampled_from(("", "https://a.example/x?y=1#z")),
        ),
        max_size=2,
    ).map(tuple),
    playlists=st.lists(
        st.builds(Playlist, playlist=ids, contents=st.lists(ids, min_size=1, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    campaigns=st.lists(
        st.builds(
            Campaign,
            campaign=ids,
            name=said,
            playlist=st.none() | ids,
            when=whens,
            share=share,
            per_hour=share,
            per_member=share,
            stores=st.lists(ids, max_size=2).map(tuple),
            emergency=st.booleans(),
            audience=st.builds(Audience, members=st.booleans(), segments=st.lists(ids, max_size=2).map(tuple)),
        ),
        max_size=2,
    ).map(tuple),
    layouts=st.lists(
        st.builds(
            Layout,
            layout=ids,
            portrait=st.none() | st.booleans(),
            regions=st.lists(
                st.builds(
                    Region,
                    region=ids,
                    at=st.tuples(*[st.integers(-5, 1005)] * 4),
                    shows=st.sampled_from(("main", "clock", "ticker", "playlist")),
                    playlist=st.none() | ids,
                ),
                min_size=1,
                max_size=2,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    stores=st.lists(st.builds(Store, store=ids, name=texts, timezone=st.just("Europe/Berlin")), max_size=2).map(tuple),
    products=st.lists(
        st.builds(Product, sku=said, name=texts, yen=st.integers(0, 2**31), picture=digests), max_size=2
    ).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(programmes)
def test_any_programme_comes_back_as_it_was_written(programme: Programme) -> None:
    assert file.parse(file.write(programme)) == programme
