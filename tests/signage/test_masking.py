"""A picture that leaves the store: its layout is that of the scene, and no letter of anybody's own is on it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygame import Surface

from signage import layouts
from signage.assets import Assets
from signage.config import Theme
from signage.contract import Figure, Item, Scene
from signage.display import Display
from signage.masking import hidden, masked
from signage.pictures import HIDDEN, Pictures
from signage.text import Typesetter

DIGEST = "ab" * 32
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ITEMS = st.builds(
    Item,
    id=TEXTS,
    title=TEXTS,
    price=TEXTS,
    note=TEXTS,
    picture=st.none() | st.just(DIGEST),
    link=st.just("") | st.just("https://shop.example.jp/c/SAKURA10"),
)
SCENES = st.builds(
    Scene,
    scene=st.just("greeting-sakura"),
    layout=st.sampled_from(sorted(layouts.LAYOUTS)),
    language=st.sampled_from(["ja", "ko"]),
    title=TEXTS,
    text=TEXTS,
    items=st.lists(ITEMS, max_size=4).map(tuple),
    figures=st.lists(st.builds(Figure, label=TEXTS, value=TEXTS), max_size=3).map(tuple),
    picture=st.none() | st.just(DIGEST),
    film=st.none() | st.just(DIGEST),
    link=st.just("https://shop.example.jp/me?member=4711"),
    content=st.just("birthday"),
    campaign=st.just("birthday"),
)


@given(SCENES)
@settings(max_examples=100, deadline=None)
def test_no_letter_of_a_show_survives(scene: Scene) -> None:
    left = masked(scene, True)
    words = [left.title, left.text, *(figure.label + figure.value for figure in left.figures)]
    words += [item.id + item.title + item.price + item.note for item in left.items]
    assert set("".join(words)) <= set("〇x0 masked")
    assert (left.scene, left.link, left.film, left.content, left.campaign) == ("masked", "", None, None, None)
    assert left.picture in (None, HIDDEN)
    assert {item.picture for item in left.items} <= {None, HIDDEN}
    assert not any(item.link for item in left.items)


@given(SCENES)
@settings(max_examples=50, deadline=None)
def test_what_it_looks_like_stays(scene: Scene) -> None:
    left = masked(scene, True)
    assert (left.layout, left.language, left.hold_ms) == (scene.layout, scene.language, scene.hold_ms)
    assert (len(left.items), len(left.figures)) == (len(scene.items), len(scene.figures))
    assert (left.picture is None) == (scene.picture is None and scene.film is None)
    assert bool(left.text) == bool(scene.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("さくらさん", "〇〇〇〇〇〇〇〇"),
        ("桜子さん、ようこそ", "〇" * 16),
        ("Sakura", "xxxx xxxx"),
        ("¥1,280", "0000 0000"),
        ("12,480", "0000 0000"),
        ("A7-XQ", "xxxx xxxx"),
        ("あ" * 400, "〇" * 256),
    ],
)
def test_signs_are_of_the_script_and_tell_no_length(text: str, expected: str) -> None:
    assert hidden(text) == expected


def test_names_of_other_lengths_look_alike() -> None:
    assert hidden("さくらさん") == hidden("ひまわりさん")
    assert hidden("Thank you, Ann") == hidden("Thank you, Max")


def test_what_plays_for_everybody_stays_but_coupons_go() -> None:
    scene = Scene(scene="s", layout="campaign", language="ja", title="新茶", items=(Item(id="p", title="玉露"),))
    assert masked(scene, False) == scene
    coupon = Item(id="c-1", title="夏の割引", price="10%OFF", note="SUMMER10", link="https://x.jp/SUMMER10")
    greeting = Scene(
        scene="s",
        layout="greeting",
        language="ja",
        title="会員の皆さまへ",
        items=(coupon,),
        figures=(Figure(label="番号", value="4711"),),
    )
    left = masked(greeting, False)
    assert left.title == greeting.title
    assert left.items == (Item(id="masked", title="〇〇〇〇", price="xxxx xxxx", note="xxxx xxxx"),)
    assert left.figures == (Figure(label="〇〇〇〇", value="0000"),)


def test_a_masked_scene_is_drawn_and_waits_for_no_picture(
    display: Display, typesetter: Typesetter, tmp_path: Path, counts: Counter[str]
) -> None:
    items = (Item(id="p", title="さくらさんの玉露", price="¥3,240", picture=DIGEST),) * 3
    with Assets(tmp_path, counts) as assets, Pictures(assets, lambda: None, counts) as pictures:
        for layout in layouts.LAYOUTS:
            scene = Scene(scene="s", layout=layout, language="ja", title="さくらさん", items=items, picture=DIGEST)
            drawn = layouts.draw(Surface((640, 360)), masked(scene, True), pictures, typesetter, Theme())
            assert not drawn.missing
            assert not any("さ" in text or "¥" in text for text in drawn.texts)
