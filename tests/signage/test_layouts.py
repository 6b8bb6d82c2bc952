"""Each layout in each language and shape: everything said, nothing over anything else, nothing off the screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pygame
import pytest
import zxingcpp
from pygame import Color, Rect, Surface

from ground.programme.records import LAYOUTS, Language
from signage import layouts
from signage.assets import Assets
from signage.config import Theme, contrast
from signage.contract import Figure, Item, Scene
from signage.display import Display
from signage.layouts import code, emergency
from signage.layouts.clock import said
from signage.layouts.sheet import Colours
from signage.pictures import Pictures
from signage.text import Align, Block, Typesetter

PARTS = [(1440, 960), (480, 648), (320, 480), (540, 320), (1920, 120), (600, 1500), (400, 90)]
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


def hexed(colour: Color) -> str:
    return "#" + "".join(f"{part:02x}" for part in tuple(colour)[:3])


def test_words_stand_out_from_their_ground() -> None:
    colours = Colours(Theme())
    for ground in (colours.paper, colours.shade):
        assert all(contrast(hexed(ink), hexed(ground)) >= 4.5 for ink in (colours.ink, colours.soft, colours.accent))
    assert contrast(hexed(emergency.WHITE), hexed(emergency.RED)) >= 4.5


@pytest.mark.parametrize("part", PARTS, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", [*scenes()][::3], ids=lambda scene: scene.scene)
def test_a_part_of_the_screen_holds_its_scene_without_the_curtain(
    scene: Scene, part: tuple[int, int], watched: Watched, pictures: Pictures
) -> None:
    surface = Surface(part)
    watched.places.clear()
    drawn = layouts.draw(surface, scene, pictures, watched, Theme(brand="Noren"), (1920, 1080))
    watched.places = watched.places[-len(drawn.texts) :]  # Of the last and smallest size that was tried.
    assert all(surface.get_rect().contains(place) for place in watched.places)
    for index, place in enumerate(watched.places):
        assert place.collidelist(watched.places[index + 1 :]) == -1
    assert drawn.texts or not scene.title
    assert "Noren" not in drawn.texts or scene.layout == "noren"


def test_words_in_a_part_are_as_large_as_on_the_whole_screen(watched: Watched, pictures: Pictures) -> None:
    scene = Scene(scene="s", layout="notice", language="ja", title="開店")
    sizes = []
    for size, screen in (((1920, 1080), None), ((960, 540), (1920, 1080))):
        watched.places.clear()
        layouts.draw(Surface(size), scene, pictures, watched, Theme(), screen)
        sizes.append(watched.places[-1].height)
    assert sizes[0] == sizes[1]


def test_a_film_runs_where_its_picture_stands(typesetter: Typesetter, pictures: Pictures) -> None:
    def place(layout: str, size: tuple[int, int]) -> Rect | None:
        scene = Scene(scene="s", layout=layout, language="ja", title="題", film=MISSING)
        return layouts.draw(Surface(size), scene, pictures, typesetter, Theme()).film_place

    assert place("campaign", (1920, 1080)) == Rect(922, 0, 998, 1080)
    assert place("notice", (1080, 1920)) == Rect(0, 0, 1080, 960)
    assert place("picture", (1920, 1080)) == Rect(0, 0, 1920, 1080)
    assert place("emergency", (1920, 1080)) is None


def test_an_emergency_is_never_cut_short(typesetter: Typesetter, pictures: Pictures) -> None:
    title, text = "津波警報が発表されました。高い所へ避難してください", "係員の指示に従ってください。"
    scene = Scene(scene="s", layout="emergency", language="ja", title=title, text=text)
    for size in ((1920, 1080), (320, 480), (480, 320)):
        sheet = layouts.draw(Surface(size), scene, pictures, typesetter, Theme(), (1920, 1080))
        assert sheet.texts == [title, text]
        assert not sheet.over


def test_nothing_to_pick_up_is_an_empty_board_and_not_an_empty_screen(
    typesetter: Typesetter, pictures: Pictures
) -> None:
    scene = Scene(scene="s", layout="numbers", language="ja", title="お受け取り番号")
    assert "お渡しできます" in layouts.draw(Surface((1920, 1080)), scene, pictures, typesetter, Theme()).texts


def test_figures_beside_each_other_are_of_one_size(watched: Watched, pictures: Pictures) -> None:
    figures = (Figure(label="ポイント", value="1,012,480"), Figure(label="来店", value="12回"))
    scene = Scene(scene="s", layout="greeting", language="ja", title="佐藤さん", figures=figures)
    watched.places.clear()
    layouts.draw(Surface((1080, 1920)), scene, pictures, watched, Theme())
    first, second = watched.places[-3], watched.places[-1]
    assert first.height == second.height
    assert second.left - first.right > first.height // 2


def test_numbers_stand_under_their_labels_and_those_in_preparation_apart(
    typesetter: Typesetter, pictures: Pictures
) -> None:
    ready = (Figure(label="受取", value="12"), Figure(label="返品", value="7"), Figure(label="受取", value="15"))
    coming = tuple(Item(id=number, title=number) for number in ("16", "17"))
    scene = Scene(scene="s", layout="numbers", language="ja", title="番号", figures=ready, items=coming)
    for size in ((1920, 1080), (1080, 1920)):
        sheet = layouts.draw(Surface(size), scene, pictures, typesetter, Theme(brand="茶"))
        assert sheet.texts == ["茶", "番号", "受取", "12", "15", "返品", "7", "ご用意しています", "16", "17"]


LINK = "https://shop.example.jp/p/uji-gyokuro?sku=4901234567894&store=ginza&zone=shelf-tea"


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (3840, 2160), (1280, 720)], ids=str)
@pytest.mark.parametrize("layout", ["campaign", "notice", "recommendation"])
@pytest.mark.parametrize("theme", [Theme(), Theme(paper="#101418", ink="#ffffff", soft="#cccccc", accent="#e3b04b")])
def test_a_code_is_read_off_the_frame(
    theme: Theme, layout: str, size: tuple[int, int], typesetter: Typesetter, pictures: Pictures
) -> None:
    item = (Item(id="p", title="玉露", price="¥3,240", link=LINK),) if layout == "recommendation" else ()
    link = "" if item else LINK
    surface = Surface(size)
    scene = Scene(scene="s", layout=layout, language="ja", title="新茶", text="文", items=item, link=link)
    layouts.draw(surface, scene, pictures, typesetter, theme)
    assert read(surface) == [LINK]


def read(surface: Surface) -> list[str]:
    width, height = surface.get_size()
    pixels = np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(height, width, 3)
    return [found.text for found in zxingcpp.read_barcodes(pixels)]


def test_three_products_have_three_codes(typesetter: Typesetter, pictures: Pictures) -> None:
    three = tuple(Item(id=str(n), title=JA[n], price="¥580", link=f"{LINK}{n}") for n in range(3))
    scene = Scene(scene="s", layout="recommendation", language="ja", title="題", items=three)
    for size in ((1920, 1080), (1080, 1920)):
        surface = Surface(size)
        layouts.draw(surface, scene, pictures, typesetter, Theme())
        assert sorted(read(surface)) == [f"{LINK}{n}" for n in range(3)]


def test_a_code_that_no_phone_could_read_is_left_out(typesetter: Typesetter, pictures: Pictures) -> None:
    assert code.side(LINK, 200) == 185
    assert code.side(LINK, 140) == 0
    assert code.side("", 500) == 0
    surface = Surface((640, 360))
    scene = Scene(scene="s", layout="notice", language="ja", title="題", link="https://x.jp/" + "a" * 280)
    layouts.draw(surface, scene, pictures, typesetter, Theme())
    assert read(surface) == []


def test_a_mark_hangs_in_place_of_the_name_and_a_broken_one_does_not(
    typesetter: Typesetter, pictures: Pictures, tmp_path: Path, png: Callable[..., bytes]
) -> None:
    scene = Scene(scene="s", layout="notice", language="ja", title="題")
    (tmp_path / "mark.png").write_bytes(png(80, 40, "red"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name, told, there in (("mark.png", ["題"], True), ("broken.png", ["茶", "題"], False)):
        surface = Surface((1280, 720))
        theme = Theme(brand="茶", logo=tmp_path / name)
        assert layouts.draw(surface, scene, pictures, typesetter, theme).texts == told
        assert any(surface.get_at((x, 28)).r > 250 > 10 > surface.get_at((x, 28)).g for x in range(300)) is there


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("ja", ("9:05", "11月24日（火）")),
        ("en", ("9:05", "Tue 24 Nov")),
        ("zh-hans", ("9:05", "11月24日 星期二")),
        ("zh-hant", ("9:05", "11月24日 星期二")),
        ("ko", ("9:05", "11월 24일 (화)")),
    ],
)
def test_the_clock_is_read_in_each_language(language: Language, expected: tuple[str, str]) -> None:
    assert said(datetime(2026, 11, 24, 9, 5, tzinfo=ZoneInfo("Asia/Tokyo")), language) == expected


@pytest.mark.parametrize("size", [(480, 360), (320, 320), (1080, 100), (240, 500), (1920, 90)], ids=str)
@pytest.mark.parametrize("hour", [0, 9, 23])
def test_the_clock_fits_its_part(hour: int, size: tuple[int, int], watched: Watched) -> None:
    surface = Surface(size)
    watched.places.clear()
    at = datetime(2026, 11, 24, hour, 58, tzinfo=ZoneInfo("Asia/Tokyo"))
    for language in ("ja", "en", "ko"):
        watched.places.clear()
        layouts.clock(surface, at, language, watched, Theme())
        assert len(watched.places) == 2
        assert all(surface.get_rect().contains(place) for place in watched.places)
        assert not watched.places[0].colliderect(watched.places[1])


def test_the_clocks_figures_stay_as_large_all_day(watched: Watched) -> None:
    sizes = set()
    for hour in (1, 9, 11, 23):
        watched.places.clear()
        layouts.clock(Surface((480, 300)), datetime(2026, 1, 1, hour, 11, tzinfo=UTC), "ja", watched, Theme())
        sizes.add(watched.places[0].height)
    assert len(sizes) == 1


def test_a_ticker_holds_all_its_texts_in_a_row(watched: Watched) -> None:
    watched.places.clear()
    band = layouts.ticker(["毎月一日は\nポイント5倍の日", "", "Open until nine"], 100, "ja", watched, Theme())
    assert band.get_height() == 100
    assert len(watched.places) == 2
    assert all(band.get_rect().contains(place) for place in watched.places)
    assert watched.places[0].right < watched.places[1].left
    assert layouts.ticker([], 100, "ja", watched, Theme()).get_width() == 1


def test_the_colours_of_the_chain_are_used(typesetter: Typesetter, pictures: Pictures) -> None:
    theme = Theme(paper="#000000", ink="#ffffff", soft="#c0c0c0", accent="#ffcc00")
    surface = Surface((1280, 720))
    layouts.draw(surface, next(scenes()), pictures, typesetter, theme)
    assert surface.get_at((5, 700)) == Color("#000000")
    assert surface.get_at((1275, 40)) == Color("#ffcc00")


def test_every_layout_that_may_be_asked_for_is_drawn() -> None:
    assert set(LAYOUTS) == set(layouts.LAYOUTS)
