"""A day that is played through holds together: no hole, no overlap, what is due when, an emergency at once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from ground.programme import file
from ground.programme.calendar import NoZone
from ground.programme.day import NOTHING, NoStore, Stay, stays, store_of
from ground.programme.file import Programme
from ground.programme.records import Content, Layout, Region, Turn
from ground.programme.slots import layout_for

TEXT = """\
contents:
- {content: b, layout: campaign, title: {ja: い}, order: 2, seconds: 10}
- {content: a, layout: campaign, title: {ja: あ}, order: 1, seconds: 5}
- {content: lunch, layout: campaign, title: {ja: 昼}, seconds: 600}
- {content: exit, layout: emergency, title: {ja: 出口}}
stores:
- {store: ginza, name: {ja: 銀座店}}
- {store: berlin, name: {ja: ベルリン店}, timezone: Europe/Berlin}
campaigns:
- {campaign: lunch, name: 昼, contents: [lunch, none], when: [{parts: [{begins: 11:30, ends: 14:00}]}], stores: [ginza]}
- {campaign: till, name: レジ, contents: [b], zones: [till], share: 20, when: [{parts: [{begins: 20:00, ends: 21:00}]}]}
- {campaign: mine, name: 私, contents: [b], audience: {members: true}}
- campaign: fire
  name: 火事
  contents: [exit]
  emergency: true
  when: [{first: 2026-11-24, last: 2026-11-24, parts: [{begins: 11:33, ends: 11:40}]}]
"""


def turns(content: Content) -> list[Turn]:
    return [Turn(scene=f"{content.content}-ja", seconds=content.seconds)]


def day(text: str, store: str, when: date, *zones: str) -> list[Stay]:
    programme = file.parse(text)
    return list(stays(programme, store_of(programme, store), zones, when, turns))


def test_a_day_has_no_holes_and_lasts_from_midnight_to_midnight() -> None:
    found = day(TEXT, "ginza", date(2026, 11, 25))
    assert f"{found[0].begins:%F %T%z}" == "2026-11-25 00:00:00+0900"
    assert f"{found[-1].ends:%F %T%z}" == "2026-11-26 00:00:00+0900"
    assert all(one.ends == other.begins for one, other in pairwise(found))
    assert [stay.scene for stay in found[:3]] == ["a-ja", "b-ja", "a-ja"], "by their order, not their place in the file"
    lunch = [stay for stay in found if stay.campaign == "lunch"]
    assert (f"{lunch[0].begins:%T}", f"{lunch[-1].ends:%T}") == ("11:30:00", "14:00:00")
    assert {stay.campaign for stay in found} == {"loop", "lunch"}


def test_an_emergency_cuts_in_at_its_minute() -> None:
    found = day(TEXT, "ginza", date(2026, 11, 24))
    fire = [stay for stay in found if stay.campaign == "fire"]
    assert (f"{fire[0].begins:%T}", f"{fire[-1].ends:%T}") == ("11:33:00", "11:40:00")
    assert all(stay.emergency for stay in fire)
    before = found[found.index(fire[0]) - 1]
    assert (before.campaign, before.seconds) == ("lunch", 180)


@pytest.mark.parametrize(
    ("when", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 1), 24)]
)
def test_a_day_on_which_the_clocks_change_is_shorter_or_longer(when: date, hours: int) -> None:
    found = day(TEXT, "berlin", when)
    assert sum(stay.seconds for stay in found) == hours * 3600


def test_zones_and_shares() -> None:
    found = [stay for stay in day(TEXT, "berlin", date(2026, 11, 25), "till", "shelf") if stay.begins.hour == 20]
    assert sum(stay.seconds for stay in found if stay.campaign == "till") == pytest.approx(720, abs=20)


def test_where_nothing_is_due_that_is_said_in_one_piece() -> None:
    bare = TEXT.replace(", order: 2", "").replace(", order: 1", "")
    found = day(bare, "ginza", date(2026, 11, 25))
    assert [stay.campaign for stay in (found[0], found[1], found[-1])] == ["", "lunch", ""]
    assert (found[0].why, found[0].seconds) == (NOTHING, timedelta(hours=11.5).total_seconds())
    assert [stay.why for stay in day("", "x", date(2026, 11, 25))] == [NOTHING]


def test_a_store_is_found_named_or_made_up() -> None:
    programme = file.parse(TEXT)
    assert store_of(programme, None).store == "ginza"
    with pytest.raises(NoStore, match="berlin, ginza"):
        store_of(programme, "osaka")
    assert store_of(Programme(), "osaka").timezone == "Asia/Tokyo"
    with pytest.raises(NoZone):
        day(TEXT.replace("Europe/Berlin", "Europe/Nowhere"), "berlin", date(2026, 11, 25))


def test_the_first_layout_that_fits_is_the_screen_s_own() -> None:
    whole = (Region(region="main", at=(0, 0, 1000, 1000), shows="main"),)
    layouts = [
        Layout(layout="c", regions=whole),
        Layout(layout="b", regions=whole, stores=("ginza",), portrait=True),
        Layout(layout="a", regions=whole, zones=("till",)),
    ]

    def named(store: str, zones: list[str], portrait: bool) -> str | None:
        found = layout_for(layouts, store, zones, portrait)
        return found.layout if found else None

    assert named("ginza", ["shelf"], True) == "b"
    assert named("ginza", ["shelf"], False) == "c"
    assert named("osaka", ["shelf", "till"], True) == "a"
    assert layout_for(layouts[1:], "osaka", [], False) is None
