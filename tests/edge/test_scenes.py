"""What a scene says, and what it must not."""

from __future__ import annotations

from central.contract.feeds import Content, Coupon, Language, Product, Profile
from edge.director import Wish
from edge.model import CustomerId
from edge.recommender import Pick
from edge.scenes import compose, language_for, playlist
from signage.contract import Playlist, Scene, for_player, line

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


def test_the_loop_has_each_content_in_each_language_and_names_all_pictures() -> None:
    contents = (
        Content(content="autumn", layout="campaign", title={"ja": "秋", "en": "Autumn"}, picture="b" * 64, seconds=6),
        Content(content="only-ja", layout="campaign", title={"ja": "冬"}),
    )
    loop = playlist(contents, PRODUCTS, BOTH, "http://x/assets")
    assert [item.scene for item in loop.items] == ["autumn-ja", "autumn-en", "only-ja-ja"]
    assert loop.items[0].hold_ms == 6000
    assert loop.wanted == ("a" * 64,)
    assert playlist(contents, PRODUCTS, BOTH, "http://x/assets").version == loop.version
    assert playlist(contents[:1], PRODUCTS, BOTH, "http://x/assets").version != loop.version


def test_a_text_that_is_too_long_does_not_cost_the_loop() -> None:
    contents = tuple(Content(content=f"c-{n}", layout="campaign", title={"ja": "長" * 2000}) for n in range(600))
    loop = playlist(contents, PRODUCTS, ("ja",), "")
    read = for_player(line(loop))
    assert isinstance(read, Playlist)
    assert len(read.items) == 500


def test_each_scene_promises_when_it_is_gone() -> None:
    assert made(wish(1), person()).hold_ms == 12_000  # A turn, and what a dead agent may leave standing.
    assert made(wish(2, "scan", named=True), person()).hold_ms == 8_000
    assert made(wish(1, "scan"), person()).hold_ms == 8_000
    assert made(wish(0, "scan", people=())).hold_ms == 4_000


def test_below_level_two_no_reason_tells_what_someone_did() -> None:
    picks = tuple(Pick(sku="tea", score=1, why=why) for why in ("viewed", "bought", "taste", "popular"))
    for of in (wish(1), wish(1, people=("a", "b"))):
        assert [item.note for item in made(of, person(), picks=picks).items] == ["おすすめ"] * 3 + ["当店で人気"]
