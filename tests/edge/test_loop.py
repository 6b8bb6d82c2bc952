"""What a player is handed of what central has said: scenes, slots, regions, links, files; never more than fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from central.contract.feeds import Product, Stock
from edge.loop import For, Said, playlist
from ground.programme.records import Audience, Campaign, Content, DayPart, Layout, Region, Store, When
from ground.programme.records import Playlist as Contents
from signage.contract import MAX_LINE, Playlist, Scene, for_player, line

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TEA, CUP, AUTUMN, FILM, GOLD, XMAS = (letter * 64 for letter in "abcdef")
PRODUCTS = {
    "tea": Product(sku="tea", name={"ja": "お茶", "en": "Tea"}, yen=1200, category="tea", picture=TEA),
    "cup": Product(sku="cup", name={"ja": "湯呑み"}, yen=800, category="cups", picture=CUP, note={"ja": "手作り"}),
    "pill": Product(sku="pill", name={"ja": "薬"}, yen=90, category="care", sensitive=True),
}
STOCK = {
    "tea": Stock(sku="tea", on_hand=0, sold=99),
    "cup": Stock(sku="cup", on_hand=3, sold=5),
    "pill": Stock(sku="pill", on_hand=9, sold=50),
}
PLAYER = For(zones=("shelf", "door"), portrait=False, languages=("ja", "en"), assets="http://x/assets")


def content(name: str, **more: Any) -> Content:
    return Content(content=name, **({"layout": "campaign", "title": {"ja": name}} | more))


CONTENTS = (
    content("autumn", title={"ja": "秋", "en": "Autumn"}, picture=AUTUMN, film=FILM, seconds=6, order=2),
    content("only-ja", order=1),
    content("lunch", link="https://shop.test/lunch?a=1"),
    content("xmas", picture=XMAS),
    content("goods", products=("tea", "cup", "nothing")),
    content("gone", products=("nothing",)),
    content("best", layout="recommendation", popular=3),
    content("gold", picture=GOLD),
    content("news", title={"ja": "ニュース", "en": "News"}),
)


def campaign(name: str, *contents: str, **more: Any) -> Campaign:
    return Campaign(campaign=name, name=name, contents=contents or (name,), **more)


def said(*campaigns: Campaign, **more: Any) -> Said:
    made: dict[str, Any] = {
        "contents": {one.content: one for one in CONTENTS},
        "playlists": {"news": Contents(playlist="news", contents=("news", "nowhere"))},
        "campaigns": {one.campaign: one for one in campaigns},
        "layouts": {},
        "store": Store(store="ginza", name={"ja": "銀座"}, link="https://shop.test/p"),
        "products": PRODUCTS,
        "stock": STOCK,
        "sizes": {},
    }
    return Said(**(made | more))


def made(of: Said, player: For = PLAYER, at: datetime = NOON) -> Playlist:
    whole, trouble = playlist(of, player, at)
    assert not trouble
    assert for_player(line(whole)) == whole
    return whole


def scene(whole: Playlist, name: str) -> Scene:
    [found] = [item for item in whole.items if item.scene == name]
    return found


def test_the_loop_has_each_content_in_each_language_in_its_order() -> None:
    whole = made(said())
    assert [item.scene for item in whole.items] == ["only-ja-ja", "autumn-ja", "autumn-en"]
    [loop] = whole.slots
    assert (loop.campaign, loop.priority) == ("loop", 0)
    assert [(turn.scene, turn.seconds) for turn in loop.turns] == [
        ("only-ja-ja", 8),
        ("autumn-ja", 6),
        ("autumn-en", 6),
    ]
    autumn = scene(whole, "autumn-en")
    assert (autumn.title, autumn.picture, autumn.film, autumn.hold_ms) == ("Autumn", AUTUMN, FILM, 6000)
    assert (autumn.content, whole.timezone) == ("autumn", "Asia/Tokyo")


def test_a_store_whose_language_no_content_has_shows_what_there_is() -> None:
    whole = made(said(), replace(PLAYER, languages=("en",)))
    assert [item.scene for item in whole.items] == ["only-ja-ja", "autumn-en"]


def test_a_version_names_what_is_shown() -> None:
    version = made(said()).version
    assert made(said()).version == version
    assert made(said(campaign("lunch"))).version != version
    assert made(said(), replace(PLAYER, assets="http://y")).version != version
    dearer = PRODUCTS | {"cup": replace(PRODUCTS["cup"], yen=801)}
    assert made(said(products=dearer)).version == version, "no price is shown"
    goods = campaign("goods")
    assert made(said(goods, products=dearer)).version != made(said(goods)).version


def test_campaigns_of_here_that_are_for_everybody_have_slots() -> None:
    lunch = campaign("lunch", when=(When(parts=(DayPart(begins="11:00", ends="14:00"),)),), share=50, per_hour=9)
    others = (
        campaign("xmas", stores=("ueno",)),
        campaign("goods", zones=("till",)),
        campaign("gold", audience=Audience(members=True)),
    )
    whole = made(said(lunch, *others, campaign("news", emergency=True, priority=9)))
    assert [slot.campaign for slot in whole.slots] == ["news", "lunch", "loop"]
    slot = whole.slots[1]
    assert (slot.when, slot.share, slot.per_hour) == (lunch.when, 50, 9)
    assert whole.slots[0].emergency


def test_what_is_over_or_far_away_stays_out_and_tomorrows_comes_last() -> None:
    def on(days: int) -> tuple[When, ...]:
        day = date(2026, 11, 24) + timedelta(days=days)
        return (When(first=day, last=day),)

    for days, there in ((-1, False), (0, True), (1, True), (6, True), (8, False)):
        whole = made(said(campaign("xmas", when=on(days))))
        assert ("xmas" in [slot.campaign for slot in whole.slots]) == there
        assert (XMAS in whole.wanted) == (days in (1, 6)), "beside the scenes' own only what is for later"
    whole = made(said(campaign("xmas", when=on(1), priority=9)))
    assert whole.items[-1].picture == XMAS
    assert whole.wanted == (TEA, CUP, XMAS)


def test_files_for_members_are_held_ready_first_and_products_by_how_they_sell() -> None:
    gold = campaign("gold", audience=Audience(segments=("gold",)))
    assert made(said(gold)).wanted == (GOLD, TEA, CUP)
    assert made(said(replace(gold, stores=("ueno",)))).wanted == (TEA, CUP)


def test_products_have_name_price_and_a_code_that_says_where_it_was_read() -> None:
    [tea, cup] = scene(made(said(campaign("goods"))), "goods-ja").items
    assert (tea.title, tea.price, tea.picture, tea.note) == ("お茶", "¥1,200", TEA, "")
    assert (cup.price, cup.note) == ("¥800", "手作り")
    assert tea.link == "https://shop.test/p?store=ginza&zone=shelf&sku=tea"
    assert scene(made(said(campaign("lunch"))), "lunch-ja").link == "https://shop.test/lunch?a=1&store=ginza&zone=shelf"
    no_shop = Store(store="ginza", name={})
    assert {item.link for item in scene(made(said(campaign("goods"), store=no_shop)), "goods-ja").items} == {""}


def test_what_sells_best_is_in_stock_and_for_anyone() -> None:
    [item] = scene(made(said(campaign("best"))), "best-ja").items
    assert (item.id, item.note) == ("cup", "当店で人気")
    assert [slot.campaign for slot in made(said(campaign("best"), stock={})).slots] == ["loop"]


def test_a_content_of_which_no_product_is_left_is_not_shown_empty() -> None:
    assert [slot.campaign for slot in made(said(campaign("gone"))).slots] == ["loop"]


def test_a_layout_gives_regions_and_their_scenes() -> None:
    parts = (
        Region(region="main", at=(0, 0, 1000, 800), shows="main"),
        Region(region="side", at=(0, 800, 800, 100), shows="playlist", playlist="news"),
        Region(region="run", at=(0, 900, 1000, 100), shows="ticker", playlist="news"),
        Region(region="time", at=(800, 800, 200, 100), shows="clock"),
        Region(region="none", at=(0, 0, 1, 1), shows="ticker", playlist="nowhere"),
    )
    layouts = {
        "wide": Layout(layout="wide", regions=parts, portrait=False),
        "tall": Layout(layout="tall", regions=parts[:1], portrait=True),
    }
    whole = made(said(layouts=layouts))
    assert [(part.shows, part.scenes) for part in whole.regions] == [
        ("main", ()),
        ("list", ("news-ja", "news-en")),
        ("ticker", ("news-ja", "news-en")),
        ("clock", ()),
        ("ticker", ()),
    ]
    assert {"news-ja", "news-en"} <= {item.scene for item in whole.items}
    assert [part.region for part in made(said(layouts=layouts), replace(PLAYER, portrait=True)).regions] == ["main"]
    assert made(said()).regions == ()


def test_sizes_are_of_what_is_used_and_an_unlisted_file_stays_unlisted() -> None:
    assert made(said()).sizes == {}
    assert made(said(sizes={AUTUMN: 5, XMAS: 6, TEA: 7})).sizes == {AUTUMN: 5, TEA: 7}
    assert made(said(sizes={XMAS: 6})).sizes == {XMAS: 6}, "or all would be fetched without a signature"


def test_a_time_zone_that_nobody_knows_is_said() -> None:
    store = Store(store="ginza", name={}, timezone="Asia/Nowhere")
    whole, trouble = playlist(said(store=store), PLAYER, NOON)
    assert whole.timezone == "Asia/Tokyo"
    assert "Asia/Nowhere" in trouble


@pytest.mark.parametrize(("letters", "count"), [(10, 900), (400, 500)])
def test_what_does_not_fit_is_left_out_from_the_end_and_said(letters: int, count: int) -> None:
    goods = {
        f"p{n}": Product(sku=f"p{n}", name={"ja": "長" * letters}, yen=1, category="x", note={"ja": "い" * letters})
        for n in range(6)
    }
    contents = {
        f"c-{n:03}": content(f"c-{n:03}", text={"ja": "文" * letters}, products=tuple(goods), order=n)
        for n in range(count)
    }
    alarm = content("alarm")
    of = said(campaign("alarm", emergency=True), contents=contents | {"alarm": alarm}, products=goods, stock={})
    whole, trouble = playlist(of, replace(PLAYER, languages=("ja",)), NOON)
    assert len(line(whole)) <= MAX_LINE
    assert for_player(line(whole)) == whole
    assert f"{count + 1 - len(whole.items)} scenes are left out" in trouble
    assert [item.scene for item in whole.items[:2]] == ["alarm-ja", "c-000-ja"]
    assert {turn.scene for slot in whole.slots for turn in slot.turns} == {item.scene for item in whole.items}


def test_a_text_that_is_too_long_does_not_cost_the_loop() -> None:
    long = {"long": content("long", title={"ja": "長" * 2000}, order=0)}
    assert len(made(said(contents=long)).items[0].title) == 400
