"""What a scene says, and what it must not."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from central.contract.feeds import Coupon, Product, Profile
from edge.audience import Offer
from edge.director import Answer, Wish
from edge.model import CustomerId
from edge.recommender import Pick
from edge.scenes import _SAY, Links, chime, compose, language_for, stays
from ground.programme.records import Audience, Campaign, Content, Language
from signage.contract import Scene

PRODUCTS = {
    "tea": Product(sku="tea", name={"ja": "宇治煎茶", "en": "Uji sencha"}, yen=1200, category="tea", picture="a" * 64),
    "cup": Product(sku="cup", name={"ja": "湯呑み"}, yen=800, category="cups"),
}
PICKS = (Pick(sku="tea", score=2, why="viewed"), Pick(sku="cup", score=1, why="popular"))
BOTH: tuple[Language, ...] = ("ja", "en")


def person(who: str = "a", language: Language = "ja", nickname: str = "はな") -> Profile:
    return Profile(
        customer=who,
        purposes=("presence", "signage"),
        language=language,
        nickname=nickname,
        points=12345,
        coupons=(Coupon(coupon="c1", title={"ja": "お茶", "en": "Tea"}, worth={"ja": "10%引き", "en": "10% off"}),),
    )


def wish(level: int, cause: str = "beacon", *, named: bool = False, people: tuple[str, ...] = ("a",)) -> Wish:
    return Wish(
        level=2 if level == 2 else 1 if level else 0,
        cause="scan" if cause == "scan" else "beacon",
        people=tuple(CustomerId(who) for who in people),
        named=named,
    )


def made(of: Wish, *people: Profile, picks: tuple[Pick, ...] = PICKS) -> Scene:
    scene = compose(of, "s1", people, picks, PRODUCTS, BOTH)
    assert scene is not None
    return scene


def words(scene: Scene) -> str:
    parts = [scene.title, scene.text]
    for item in scene.items:
        parts += [item.title, item.note, item.price]
    for figure in scene.figures:
        parts += [figure.label, figure.value]
    return " ".join(parts)


def test_level_one_names_nobody_and_says_nothing_of_what_they_did() -> None:
    scene = made(wish(1), person())
    assert scene.layout == "recommendation"
    assert [item.title for item in scene.items] == ["宇治煎茶", "湯呑み"]
    assert [item.price for item in scene.items] == ["¥1,200", "¥800"]
    for secret in ("はな", "12,345", "ご覧", "お求め", "クーポン"):
        assert secret not in words(scene)


def test_level_two_greets_by_the_chosen_name_with_points_and_coupons() -> None:
    scene = made(wish(2, "scan", named=True), person())
    assert scene.layout == "greeting"
    assert "はなさま" in scene.title
    assert scene.figures[0].value == "12,345"
    assert (scene.items[0].title, scene.items[0].price) == ("お茶", "10%引き")


def test_a_greeting_without_a_name_shows_nothing_of_the_person() -> None:
    scene = made(wish(1, "scan"), person())
    assert scene.layout == "greeting"
    for secret in ("はな", "12,345", "10%"):
        assert secret not in words(scene)


def test_a_code_of_nobody_is_thanked_alike() -> None:
    assert made(wish(0, "scan", people=())).layout == "notice"


ANSWERS = get_args(Answer)


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_answer_to_a_code_is_said_in_each_language_and_names_nobody(answer: Answer) -> None:
    said: set[str] = set()
    for language in get_args(Language):
        of = replace(wish(0, "scan", people=()), answer=answer, sku="tea")
        scene = compose(of, "s1", [], (), PRODUCTS, (language,), LINKS)
        assert scene is not None
        assert (scene.language, bool(scene.title)) == (language, True)
        said.add(scene.title + scene.text)
    assert len(said) == len(get_args(Language))


def test_how_an_answer_sounds() -> None:
    sounds = {answer: chime(replace(wish(0, "scan", people=()), answer=answer)) for answer in ANSWERS}
    assert sounds == {
        "member": "read",
        "read": "read",
        "reading": "read",
        "product": "read",
        "unknown": "unknown",
        "expired": "expired",
        "used": "wrong",
        "wrong": "wrong",
        "trouble": "none",
    }
    assert chime(wish(1)) == "none"


def test_a_product_that_is_held_up_is_shown_with_its_code_unless_it_is_gone_or_sensitive() -> None:
    of = replace(wish(0, "scan", people=()), answer="product", sku="tea")
    scene = compose(of, "s1", [], (), PRODUCTS, BOTH, LINKS)
    assert scene is not None
    [item] = scene.items
    assert (item.id, item.picture, item.price, item.link) == ("tea", "a" * 64, "¥1,200", LINKS.product("tea"))
    sensitive = {"tea": replace(PRODUCTS["tea"], sensitive=True)}
    for products in ({}, sensitive):
        assert compose(of, "s1", [], (), products, BOTH, LINKS) is None


def test_the_language_is_everybodys_or_the_stores() -> None:
    assert language_for([person(language="en")], BOTH) == "en"
    assert language_for([person(language="en"), person(language="ja")], BOTH) == "ja"
    assert language_for([], BOTH) == "ja"
    assert language_for([person(language="en")], ("ja",)) == "ja"
    assert made(wish(1), person(language="en")).items[0].title == "Uji sencha"


def test_a_product_without_an_english_name_keeps_its_japanese_one() -> None:
    assert made(wish(1), person(language="en")).items[1].title == "湯呑み"


def test_nothing_to_recommend_leaves_the_loop() -> None:
    assert compose(wish(1), "s1", [person()], (), PRODUCTS, BOTH) is None


def test_no_nickname_is_a_greeting_all_the_same() -> None:
    assert made(wish(2, "scan", named=True), person(nickname="")).title == "いらっしゃいませ"


def test_each_scene_promises_when_it_is_gone() -> None:
    assert made(wish(1), person()).hold_ms == 12_000  # A turn, and what a dead agent may leave standing.
    assert made(wish(2, "scan", named=True), person()).hold_ms == 8_000
    assert made(wish(1, "scan"), person()).hold_ms == 8_000
    assert made(wish(0, "scan", people=())).hold_ms == 4_000


def test_below_level_two_no_reason_tells_what_someone_did() -> None:
    picks = tuple(Pick(sku="tea", score=1, why=why) for why in ("viewed", "bought", "taste", "popular"))
    for of in (wish(1), wish(1, people=("a", "b"))):
        assert [item.note for item in made(of, person(), picks=picks).items] == ["おすすめ"] * 3 + ["当店で人気"]


OFFER = Offer(
    campaign=Campaign(campaign="gold", name="x", contents=("c",), audience=Audience(members=True)),
    content=Content(
        content="c",
        layout="campaign",
        title={"ja": "金の週", "en": "Gold week"},
        products=("tea",),
        link="https://shop.test/gold",
        seconds=15,
        picture="b" * 64,
    ),
    skus=("tea",),
)
LINKS = Links(store="ginza", zone="shelf", shop="https://shop.test/p")


def test_a_campaign_for_who_is_near_is_its_own_scene_with_what_it_is_proof_of() -> None:
    scene = compose(wish(1), "s1", [person(language="en")], PICKS, PRODUCTS, BOTH, LINKS, OFFER)
    assert scene is not None
    assert (scene.scene, scene.campaign, scene.content, scene.layout) == ("s1", "gold", "c", "campaign")
    assert (scene.title, scene.picture, scene.hold_ms, scene.language) == ("Gold week", "b" * 64, 17_000, "en")
    assert scene.link == "https://shop.test/gold?store=ginza&zone=shelf"
    assert [item.link for item in scene.items] == ["https://shop.test/p?store=ginza&zone=shelf&sku=tea"]
    assert scenes_that_stay(3600) == 60.0
    assert scenes_that_stay(6) == 6.0


def scenes_that_stay(seconds: int) -> float:
    return stays(replace(OFFER, content=replace(OFFER.content, seconds=seconds)))


def test_a_greeting_keeps_its_coupons_and_has_a_campaign_where_there_are_none() -> None:
    scan = wish(2, "scan", named=True)
    with_coupons = compose(scan, "s1", [person()], PICKS, PRODUCTS, BOTH, LINKS, OFFER)
    assert with_coupons is not None
    assert (with_coupons.campaign, with_coupons.items[0].id) == (None, "c1")
    without = compose(scan, "s1", [replace(person(), coupons=())], PICKS, PRODUCTS, BOTH, LINKS, OFFER)
    assert without is not None
    assert (without.layout, without.campaign, without.text) == ("greeting", "gold", "金の週")
    assert [item.id for item in without.items] == ["tea"]
    assert "はなさま" in without.title
    nameless = compose(wish(1, "scan"), "s1", [replace(person(), coupons=())], PICKS, PRODUCTS, BOTH, LINKS, OFFER)
    assert nameless is not None
    assert (nameless.campaign, nameless.items) == (None, ())


def test_every_word_of_ours_is_said_in_each_language() -> None:
    languages = get_args(Language)
    for name, texts in _SAY.items():
        assert set(texts) == set(languages), name
        assert len(set(texts.values())) == len(languages), name
        assert {said.count("{}") for said in texts.values()} == {int(name == "hello")}
    for language in languages:
        scene = compose(
            wish(2, "scan", named=True), "s1", [person(language=language, nickname="{0}")], (), {}, languages
        )
        assert scene is not None
        assert scene.language == language
        assert "{0}" in scene.title


def test_a_link_says_where_it_was_read_and_is_none_where_it_cannot() -> None:
    assert LINKS.product("お茶 1&2").endswith("sku=%E3%81%8A%E8%8C%B6+1%262")
    assert LINKS.to("https://shop.test/a?b=1#part") == "https://shop.test/a?b=1&store=ginza&zone=shelf#part"
    for nowhere in ("", "https://[broken", "https://shop.test/" + "x" * 290):
        assert LINKS.to(nowhere) == ""
