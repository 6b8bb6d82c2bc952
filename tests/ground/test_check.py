"""A programme that cannot be shown as it is written is refused with field and reason."""

# ruff: noqa: E501  # A table: one fault a line.

from __future__ import annotations

from datetime import date

import pytest

from ground.programme import check, file

TODAY = date(2026, 11, 24)
GOOD = """\
contents:
- {content: a, layout: campaign, title: {ja: あ}, order: 0}
- {content: b, layout: notice, title: {ja: い}, sensitive: true}
playlists:
- {playlist: both, contents: [a, b]}
stores:
- {store: ginza, name: {ja: 銀座店}}
- {store: berlin, name: {ja: ベルリン店}, timezone: Europe/Berlin}
campaigns:
- {campaign: one, name: 一, playlist: both, share: 60}
- {campaign: two, name: 二, contents: [a], share: 40, stores: [ginza]}
- {campaign: three, name: 三, contents: [a], share: 40, stores: [berlin], zones: [till]}
- {campaign: low, name: 低, contents: [a], share: 90, priority: 3}
- {campaign: mine, name: 私, contents: [a], audience: {members: true}, per_member: 2}
- {campaign: quake, name: 地震, contents: [a], emergency: true}
layouts:
- layout: split
  regions:
  - {region: main, at: [0, 0, 700, 900], shows: main}
  - {region: side, at: [700, 0, 300, 900], shows: playlist, playlist: both}
  - {region: strip, at: [0, 900, 800, 100], shows: ticker, playlist: both}
  - {region: time, at: [800, 900, 200, 100], shows: clock}
"""


def said(text: str) -> list[str]:
    return [str(problem) for problem in check.problems(file.parse(text), TODAY)]


def test_a_good_programme_has_no_problems() -> None:
    assert said(GOOD) == []
    assert said("") == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("layout: campaign", "layout: poster", "line 2: contents[0].layout: 'poster' is no layout"),
        ("title: {ja: あ}", "title: {en: A}", "line 2: contents[0].title: has no Japanese text"),
        ("title: {ja: あ}", "title: {ja: あ}, text: {en: A}", "line 2: contents[0].text: has no Japanese text"),
        ("playlist: both, contents: [a, b]}", "playlist: both, contents: [a, b]}\n- {playlist: both, contents: [a]}", "playlists[1].playlist: 'both' is there twice"),
        ("order: 0", "products: [x], popular: 2", "line 2: contents[0].popular: what is popular comes in place"),
        ("contents: [a, b]", "contents: [a, c]", "line 5: playlists[0].contents[1]: there is no content 'c'"),
        ("timezone: Europe/Berlin", "timezone: Europe/Berln", "line 8: stores[1].timezone: 'Europe/Berln' is no time"),
        ("name: {ja: 銀座店}", "name: {en: Ginza}", "line 7: stores[0].name: has no Japanese text"),
        ("campaign: one", "campaign: loop", "line 10: campaigns[0].campaign: 'loop' is the name"),
        ("playlist: both, share", "playlist: none, share", "line 10: campaigns[0].playlist: there is no playlist 'none'"),
        ("playlist: both, share", "share", "line 10: campaigns[0].contents: it can never play: it names neither"),
        ("playlist: both, share", "playlist: both, contents: [a], share", "campaigns[0].contents: contents come in place"),
        ("contents: [a], share: 40, stores: [ginza]", "contents: [z], share: 40, stores: [ginza]", "contents[0]: there is no content 'z'"),
        ("stores: [ginza]", "stores: [osaka]", "line 11: campaigns[1].stores[0]: there is no store 'osaka'"),
        ("priority: 3", "when: [{last: 2026-11-23}], priority: 3", "campaigns[3].when: it can never play: its last day"),
        ("priority: 3", "when: [{parts: [{begins: 09:00, ends: 09:00}]}], priority: 3", "campaigns[3].when[0].parts[0].ends: it is empty"),
        ("priority: 3", "when: [{parts: [{begins: 24:00, ends: 02:00}]}], priority: 3", "parts[0].begins: 24:00 is over"),
        ("priority: 3", "when: [{first: 2026-12-02, last: 2026-12-01}], priority: 3",
         "campaigns[3].when: it can never play: its first day, 2026-12-02, is after its last"),
        ("priority: 3", "when: [{first: 2026-12-02, last: 2026-12-01}, {}], priority: 3", "when[0].first: 2026-12-02 is after"),
        (", per_member: 2", ", share: 5", "line 14: campaigns[4].share: it is shown when its audience is there"),
        ("audience: {members: true}, ", "", "line 14: campaigns[4].per_member: it has no audience"),
        ("contents: [a], audience", "contents: [b], audience", "it can never play: all of them are sensitive"),
        ("emergency: true", "emergency: true, audience: {segments: [gold]}", "campaigns[5].emergency: an emergency is for"),
        ("emergency: true", "emergency: true, share: 5", "line 15: campaigns[5].share: an emergency takes all"),
        ("share: 40, stores: [ginza]", "share: 41, stores: [ginza]",
         "line 11: campaigns[1].share: the shares of priority 5 come to 101 % at 2026-11-24 00:00 in ginza: one 60 %, two 41 %"),
        ("zones: [till]", "zones: [till], when: [{weekdays: [sun]}]", None),
        ("share: 40, stores: [berlin], zones: [till]", "share: 50, stores: [berlin], when: [{weekdays: [sun]}]",
         "the shares of priority 5 come to 110 % at 2026-11-29 00:00 in berlin: one 60 %, three 50 %"),
        ("at: [700, 0, 300, 900]", "at: [600, 0, 300, 900]", "layouts[0].regions[1].at: it lies over 'main'"),
        ("at: [700, 0, 300, 900]", "at: [800, 0, 300, 900]", "layouts[0].regions[1].at: it is not on the screen"),
        ("at: [700, 0, 300, 900]", "at: [700, -1, 300, 900]", "it is not on the screen"),
        ("at: [700, 0, 300, 900]", "at: [700, 0, 300, 0]", "it is not on the screen"),
        ("shows: playlist, playlist: both", "shows: main", "layouts[0].regions[1].shows: a screen has one main part"),
        ("shows: main", "shows: clock", "layouts[0].regions: no part of it is main"),
        ("shows: ticker, playlist: both", "shows: ticker", "line 21: layouts[0].regions[2].playlist: is missing"),
        ("shows: ticker, playlist: both", "shows: ticker, playlist: x", "regions[2].playlist: there is no playlist 'x'"),
        ("shows: clock", "shows: clock, playlist: both", "regions[3].playlist: a part that shows clock has none"),
        ("region: side", "region: main", "layouts[0].regions[1].region: 'main' is there twice"),
        ("- layout: split", "- layout: split\n  stores: [x]", "layouts[0].stores[0]: there is no store 'x'"),
    ],
)  # fmt: skip
def test_one_fault_is_one_problem_with_its_field_and_line(before: str, after: str, problem: str | None) -> None:
    assert before in GOOD
    found = said(GOOD.replace(before, after, 1))
    if problem is None:
        assert found == []
        return
    assert any(problem in one for one in found), found
    assert len(found) == 1


def test_a_product_that_is_not_there_is_a_problem_only_where_products_are_given() -> None:
    asks = GOOD.replace("order: 0", "products: [tea-1, tea-2]")
    assert said(asks) == []
    assert said(asks + "products: [{sku: tea-1, name: {ja: 茶}, yen: 1}]\n") == [
        "line 2: contents[0].products[1]: there is no product 'tea-2': add it, or correct the name"
    ]


def test_what_was_not_read_from_a_file_has_no_lines() -> None:
    programme = file.parse(GOOD.replace("layout: campaign", "layout: poster"))
    bare = file.Programme(contents=programme.contents)
    assert [problem.line for problem in check.problems(bare, TODAY)] == [0]


def crowded(share: str, *whens: str) -> list[str]:
    text = GOOD[: GOOD.index("campaigns:")] + "campaigns:\n"
    text += "".join(
        f"- {{campaign: k{number}, name: x, contents: [a], stores: [berlin], share: {share}, when: [{when}]}}\n"
        for number, when in enumerate(whens)
    )
    return said(text)


def test_shares_that_meet_after_midnight_are_found_at_the_minute() -> None:
    late = "{weekdays: [fri], parts: [{begins: '22:00', ends: '02:00'}]}"
    early = "{weekdays: [sat], parts: [{begins: '01:30', ends: '05:00'}]}"
    assert ["101 %" not in one and "2026-11-28 01:30" in one for one in crowded("60", late, early)] == [True]
    assert crowded("60", late, early.replace("01:30", "02:00")) == []
    assert crowded("60", late, early.replace("sat", "fri")) == []


def test_what_the_clocks_skip_is_not_crowded() -> None:
    skipped = (
        "{first: 2027-03-28, last: 2027-03-28, parts: [{begins: '02:10', ends: '02:50'}, {begins: '%s', ends: '%s'}]}"
    )
    apart = (skipped % ("10:00", "11:00"), skipped % ("11:00", "12:00"))
    assert crowded("60", *apart) == []
    assert len(crowded("60", apart[0], apart[0])) == 1


def test_many_campaigns_in_many_stores_are_looked_at_once() -> None:
    parts = ", ".join(f"{{begins: '{hour:02}:00', ends: '{hour:02}:30'}}" for hour in range(12))
    names = [f"s{number}" for number in range(200)]
    text = GOOD[: GOOD.index("stores:")] + "stores:\n"
    text += "".join(f"- {{store: {name}, name: {{ja: x}}}}\n" for name in names) + "campaigns:\n"
    text += "".join(
        f"- {{campaign: k{number}, name: x, contents: [a], stores: [{', '.join(names)}], share: 2, "
        f"when: [{{weekdays: [{'mon' if number % 2 else 'tue'}], parts: [{parts}]}}]}}\n"
        for number in range(60)
    )
    assert said(text) == []
