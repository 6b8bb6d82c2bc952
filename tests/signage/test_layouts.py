"""Each layout in each language and shape: everything said, nothing over anything else, nothing off the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pygame import Color, Rect, Surface

from signage import layouts
from signage.assets import Assets
from signage.config import Theme
from signage.contract import Figure, Item, Scene
from signage.display import Display
from signage.layouts import sheet
from signage.pictures import Pictures
from signage.text import Align, Block, Typesetter

SIZES = [(1920, 1080), (1280, 720), (1080, 1920), (1024, 768), (900, 900), (1280, 360)]
JA = ("抹茶ラテ（アイス）", "有機栽培コーヒー豆「朝のブレンド」200g", "宇治玉露 100g 缶入り")
EN = ("Iced Matcha Latte", "Organic Coffee Beans “Morning Blend” 200 g", "Uji Gyokuro Green Tea, 100 g tin")
MISSING = "0" * 64


class Watched(Typesetter):
    """Notes where each line of text was put."""

    def __init__(self) -> None:
        super().__init__(Counter())
        self.places: list[Rect] = []

    def draw(
        self, surface: Surface, block: Block, at: tuple[int, int], colour: Color, align: Align = "left", room: int = 0
    ) -> None:
        super().draw(surface, block, at, colour, align, room)
        if block.said:
            left = {"left": 0, "centre": (room - block.width) // 2, "right": room - block.width}[align]
            self.places.append(Rect(at[0] + left, at[1], block.width, block.height))


@pytest.fixture(scope="module")
def watched(display: Display) -> Iterator[Watched]:
    with Watched() as typesetter:
        yield typesetter


@pytest.fixture
def pictures(display: Display, tmp_path: Path, counts: Counter[str]) -> Iterator[Pictures]:
    with Assets(tmp_path, counts) as assets, Pictures(assets, lambda: None, counts) as pictures:
        yield pictures


def items(names: tuple[str, ...], many: int, note: str) -> tuple[Item, ...]:
    return tuple(
        Item(id=str(n), title=names[n % 3], price=f"¥{n * 1230 + 480:,}", note=note, picture=MISSING)
        for n in range(many)
    )


def scenes() -> Iterator[Scene]:
    for language, names, note in (
        ("ja", JA, "いつものお茶請けとご一緒に"),
        ("en", EN, "Goes well with your usual sweets"),
    ):
        title = "さくらさん、いつもありがとうございます" if language == "ja" else "Thank you for coming, Sakura"
        text = (
            "本日のお買い物で58ポイントたまります。"
            if language == "ja"
            else "You earn 58 points with today’s purchase."
        )
        figures = (Figure(label="現在のポイント" if language == "ja" else "Your points", value="12,480"),)
        for layout in (*layouts.LAYOUTS, "not-yet-known"):
            for many in range(7) if layout == "recommendation" else (0, 1, 3):
                yield Scene(
                    scene=f"{layout}-{language}-{many}",
                    layout=layout,
                    language=language,  # type: ignore[arg-type]  # A literal from a tuple.
                    title=title,
                    text=text if many % 2 else "",
                    items=items(names, many, note),
                    figures=figures * many,
                    picture=MISSING if many else None,
                )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", list(scenes()), ids=lambda scene: scene.scene)
def test_no_words_overlap_or_leave_the_screen(
    scene: Scene, size: tuple[int, int], watched: Watched, pictures: Pictures
) -> None:
    surface = Surface(size)
    watched.places.clear()
    layouts.draw(surface, scene, pictures, watched, Theme(brand="Noren Tea House"))
    screen = surface.get_rect()
    assert all(screen.contains(place) for place in watched.places)
    for index, place in enumerate(watched.places):
        assert place.collidelist(watched.places[index + 1 :]) == -1


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("layout", list(layouts.LAYOUTS))
@pytest.mark.parametrize(
    "word", ["たいへん長い名前の商品でございまして、", "Supercalifragilisticexpialidocious ", "あ", ""]
)
def test_texts_that_are_far_too_long_or_short_stay_on_the_screen(
    word: str, layout: str, size: tuple[int, int], watched: Watched, pictures: Pictures
) -> None:
    long = word * (400 // max(1, len(word)))
    given = tuple(Item(id="x", title=long, price=long, note=long) for _ in range(12))
    figures = tuple(Figure(label=long, value=long) for _ in range(6))
    scene = Scene(scene="x", layout=layout, language="ja", title=long, text=long, items=given, figures=figures)
    surface = Surface(size)
    watched.places.clear()
    layouts.draw(surface, scene, pictures, watched, Theme())
    assert all(surface.get_rect().contains(place) for place in watched.places)


def test_everything_a_layout_should_say_is_said(typesetter: Typesetter, pictures: Pictures) -> None:
    surface = Surface((1920, 1080))

    def said(layout: str, **given: object) -> str:
        scene = Scene(scene="s", layout=layout, language="ja", title="題", text="文", **given)  # type: ignore[arg-type]
        return "|".join(layouts.draw(surface, scene, pictures, typesetter, Theme(brand="茶")).texts)

    product = (Item(id="p", title="抹茶", price="¥580", note="新茶です"),)
    assert said("recommendation", items=product).endswith("題|文|抹茶|新茶です|¥580")
    assert (
        said("greeting", items=product, figures=(Figure(label="点", value="12"),))
        == "茶|¥580|抹茶|新茶です|題|文|点|12"
    )
    assert said("campaign", items=product) == "茶|題|文|抹茶|¥580"
    assert said("notice") == said("tomorrows-layout") == said("recommendation") == "茶|題|文"
    assert said("noren") == "茶|題|文"


def test_a_missing_picture_keeps_its_place_and_is_told(
    typesetter: Typesetter, tmp_path: Path, counts: Counter[str], png: Callable[..., bytes], stored: Callable[..., str]
) -> None:
    there = stored(tmp_path, png(40, 40, "blue"))
    with Assets(tmp_path, counts) as assets, Pictures(assets, lambda: None, counts) as pictures:
        surface = Surface((1280, 720))
        two = tuple(Item(id=digest, title="茶", picture=digest) for digest in (there, MISSING))
        scene = Scene(scene="s", layout="recommendation", language="ja", title="題", items=two)
        assert layouts.draw(surface, scene, pictures, typesetter, Theme()).missing == {there, MISSING}
        before = surface.copy()
        pictures.finish()
        assert layouts.draw(surface, scene, pictures, typesetter, Theme()).missing == {MISSING}
    pixels = [surface.get_at((x, 300)) for x in range(1280)]
    assert Color("blue") in pixels
    assert Color("blue") not in [before.get_at((x, 300)) for x in range(1280)]


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2's contrast ratio."""

    def light(colour: Color) -> float:
        parts = [part / 255 for part in tuple(colour)[:3]]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ink", [sheet.INK, sheet.SOFT, sheet.INDIGO], ids=["ink", "soft", "indigo"])
@pytest.mark.parametrize("ground", [sheet.PAPER, sheet.SHADE], ids=["paper", "shade"])
def test_words_stand_out_from_their_ground(ink: Color, ground: Color) -> None:
    assert contrast(ink, ground) >= 4.5
