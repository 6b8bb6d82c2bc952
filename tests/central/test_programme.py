"""The programme at central: taken in whole or not at all, given out as it came, and withdrawn when nobody names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from edge_log import NOON
from sqlalchemy import Connection, Engine, select

from central import catalogue, content, programme
from central.catalogue import Kept
from central.contract.feeds import Product
from central.errors import ProgrammeRefused, StillNamed, Unknown
from central.storage.database import reading, writing
from central.storage.tables import dirty
from ground.document import Problem
from ground.programme import file
from ground.programme.file import Programme
from ground.programme.records import Audience, Campaign, Content, DayPart, Layout, Playlist, Region, Store, When

PNG, FILM, POSTER = "a1" * 32, "b2" * 32, "c3" * 32
TEA = Product(sku="tea", name={"ja": "煎茶"}, yen=800, category="tea")
AUTUMN = Content(
    content="autumn",
    layout="recommendation",
    title={"ja": "秋の新茶", "zh-hant": "秋季新茶"},
    picture=PNG,
    products=("tea",),
    link="https://shop.example/tea",
    order=3,
)
EVENING = Content(content="evening", layout="campaign", title={"ja": "夕べ"}, popular=0, sensitive=True)
PLAYLIST = Playlist(playlist="two", contents=("autumn", "evening"))
CAMPAIGN = Campaign(
    campaign="dusk",
    name="夕方",
    playlist="two",
    stores=("ginza",),
    when=(When(last=date(2026, 12, 31), weekdays=("fri",), parts=(DayPart(begins="17:00", ends="02:00"),)),),
    share=30,
    per_hour=12,
)
LAYOUT = Layout(
    layout="wide",
    regions=(
        Region(region="main", at=(0, 0, 1000, 900), shows="main"),
        Region(region="news", at=(0, 900, 1000, 100), shows="ticker", playlist="two"),
    ),
    zones=("shelf",),
    portrait=False,
)
GINZA = Store(store="ginza", name={"ja": "銀座"}, timezone="Asia/Tokyo", link="https://shop.example/p")
UENO = Store(store="ueno", name={"ja": "上野"})
ALL = Programme(
    contents=(AUTUMN, EVENING),
    playlists=(PLAYLIST,),
    campaigns=(CAMPAIGN,),
    layouts=(LAYOUT,),
    stores=(GINZA, UENO),
)


def kept(digest: str, kind: str, **more: Any) -> Kept:
    return Kept(digest=digest, kind=kind, size=9, name="a", made=NOON, **more)


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with writing(engine) as connection:
        catalogue.save_products(connection, [TEA])
        assert programme.take(connection, ALL, NOON, kept=[kept(PNG, "png")]) == {
            "contents": 2,
            "playlists": 1,
            "campaigns": 1,
            "layouts": 1,
            "stores": 2,
            "files": 1,
            "withdrawn": 0,
        }
        connection.execute(dirty.delete())
    return engine


def marks(connection: Connection) -> set[tuple[str, str]]:
    return {(row.subject, row.key) for row in connection.execute(select(dirty))}


def refused(engine: Engine, given: Programme, **more: Any) -> list[tuple[str, str]]:
    """What is wrong with it; nothing may have changed."""
    with reading(engine) as connection:
        before = programme.whole(connection)
    with pytest.raises(ProgrammeRefused, match="nothing was changed") as caught, writing(engine) as connection:
        programme.take(connection, given, NOON, **more)
    with reading(engine) as connection:
        assert programme.whole(connection) == before
        assert marks(connection) == set()
    return [(problem.path, problem.text) for problem in caught.value.problems]


def test_what_was_taken_in_is_given_out_and_reads_the_same(filled: Engine) -> None:
    with reading(filled) as connection:
        given = programme.whole(connection)
    assert (given.contents, given.playlists, given.campaigns) == (ALL.contents, ALL.playlists, ALL.campaigns)
    assert (given.layouts, given.stores) == (ALL.layouts, ALL.stores)
    assert [product.sku for product in given.products] == ["tea"]
    assert file.parse(file.write(given)) == given


def test_a_store_is_given_what_is_its_own(filled: Engine) -> None:
    with reading(filled) as connection:
        given = programme.whole(connection, "ueno")
        assert (given.campaigns, given.layouts, given.stores) == ((), (LAYOUT,), (UENO,))
        assert programme.whole(connection, "ginza").campaigns == (CAMPAIGN,)
        with pytest.raises(Unknown, match=r"There is no store kyoto\. Name one of ginza, ueno"):
            programme.whole(connection, "kyoto")


def test_what_changes_is_marked_for_the_feeds(filled: Engine) -> None:
    with writing(filled) as connection:
        programme.take(connection, programme.of([PLAYLIST]), NOON)
        assert marks(connection) == {("playlist", "two")}


def test_what_is_not_named_stays_unless_the_rest_is_to_go(filled: Engine) -> None:
    other = Content(content="new", layout="notice", title={"ja": "お知らせ"})
    with writing(filled) as connection:
        programme.take(connection, programme.of([other]), NOON)
        assert set(content.contents(connection)) == {"autumn", "evening", "new"}
        gone = programme.take(connection, programme.of([other]), NOON, alone=True)
        assert gone["withdrawn"] == 5
        left = programme.whole(connection)
        assert (left.contents, left.playlists, left.campaigns, left.layouts) == ((other,), (), (), ())
        assert left.stores == (GINZA, UENO), "stores are not the programme's to close"


@pytest.mark.parametrize(
    ("given", "path", "text"),
    [
        (programme.of([replace(AUTUMN, picture=POSTER)]), "contents[0].picture", "there is no file"),
        (programme.of([replace(AUTUMN, film=PNG)]), "contents[0].film", "is a picture: give it as picture"),
        (
            programme.of([replace(AUTUMN, products=("tea", "coffee"))]),
            "contents[0].products[1]",
            "the catalogue has no product 'coffee'",
        ),
        (programme.of([replace(PLAYLIST, contents=("no",))]), "playlists[0].contents[0]", "there is no content 'no'"),
        (programme.of([replace(CAMPAIGN, stores=("kyoto",))]), "campaigns[0].stores[0]", "there is no store 'kyoto'"),
        (
            programme.of([replace(CAMPAIGN, when=(When(last=date(2026, 11, 20)),))]),
            "campaigns[0].when",
            "it can never play",
        ),
        (
            programme.of([replace(LAYOUT, regions=(LAYOUT.regions[0], replace(LAYOUT.regions[1], at=(0, 0, 9, 9))))]),
            "layouts[0].regions",
            "",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_field_and_reason(filled: Engine, given: Programme, path: str, text: str) -> None:
    ((where, said),) = refused(filled, given)
    assert where.startswith(path)
    assert text in said


def test_all_problems_are_told_at_once_and_what_is_good_stays_out_too(filled: Engine) -> None:
    given = programme.of(
        [
            Content(content="good", layout="notice", title={"ja": "よい"}),
            Content(content="bad", layout="none", title={"en": "no Japanese"}, picture=POSTER, film=FILM),
        ]
    )
    found = refused(filled, given, wrong=[Problem(path="contents[0].film", line=0, text="is cut off")])
    assert [path for path, _ in found] == [
        "contents[0].film",
        "contents[1].picture",
        "contents[1].film",
        "contents[1].title",
        "contents[1].layout",
    ]


def test_files_that_come_with_a_refused_programme_are_not_listed(filled: Engine) -> None:
    refused(filled, programme.of([replace(AUTUMN, layout="none")]), kept=[kept(FILM, "mp4")])
    with reading(filled) as connection:
        assert set(catalogue.assets(connection)) == {PNG}


def test_what_a_change_makes_wrong_elsewhere_is_told_by_its_name(filled: Engine) -> None:
    (found,) = refused(filled, programme.of([PLAYLIST, AUTUMN]), alone=True)
    assert found == ("playlists[0].contents[1]", "there is no content 'evening': add it, or correct the name")
    loud = Campaign(campaign="loud", name="n", contents=("autumn",), share=80)
    ((where, said),) = refused(filled, programme.of([loud]))
    assert where == "campaigns.dusk.share"
    assert "loud 80 %" in said
    assert "dusk 30 %" in said


def test_what_was_wrong_before_hinders_nobody(filled: Engine) -> None:
    later = NOON.replace(year=2027, month=6)
    with writing(filled) as connection:
        programme.take(connection, programme.of([replace(AUTUMN, seconds=5)]), later)
        assert content.contents(connection)["autumn"].seconds == 5
    with pytest.raises(ProgrammeRefused, match="can never play"), writing(filled) as connection:
        programme.take(connection, programme.of([replace(CAMPAIGN, name="x")]), later)


def test_a_film_brings_its_own_picture(filled: Engine) -> None:
    files = [kept(FILM, "mp4", poster=POSTER, seconds=9.5), kept(POSTER, "jpg")]
    both = [replace(AUTUMN, content="alone", picture=None, film=FILM), replace(AUTUMN, content="own", film=FILM)]
    with writing(filled) as connection:
        programme.take(connection, programme.of(both), NOON, kept=files)
        found = content.contents(connection, ["alone", "own"])
        assert [one.picture for one in found.values()] == [POSTER, PNG]
        assert catalogue.assets(connection, [FILM])[FILM] == files[0]


def test_only_what_nobody_names_is_withdrawn(filled: Engine) -> None:
    def withdraw(kind: content.Kind, name: str) -> None:
        with writing(filled) as connection:
            programme.withdraw(connection, kind, name)

    with pytest.raises(StillNamed, match=r"content evening is still named by playlist two\. Take it out there first"):
        withdraw("contents", "evening")
    with pytest.raises(StillNamed, match="playlist two is still named by campaign dusk, layout wide"):
        withdraw("playlists", "two")
    for kind, name in (("campaigns", "dusk"), ("layouts", "wide"), ("playlists", "two"), ("contents", "evening")):
        withdraw(kind, name)  # type: ignore[arg-type] # Written out above.
        with pytest.raises(Unknown, match=f"There is no .* {name}"):
            withdraw(kind, name)  # type: ignore[arg-type]
    with reading(filled) as connection:
        assert ("content", "evening") in marks(connection)
        assert set(content.contents(connection)) == {"autumn"}


def test_a_campaign_for_people_comes_back_as_saved(filled: Engine) -> None:
    wanted = Campaign(
        campaign="thanks",
        name="会員さまへ",
        contents=("autumn",),
        audience=Audience(members=True, segments=("gold",)),
        zones=("till",),
        per_member=2,
    )
    with writing(filled) as connection:
        programme.take(connection, programme.of([wanted]), NOON)
        assert content.campaigns(connection, ["thanks", "none"]) == {"thanks": wanted}
