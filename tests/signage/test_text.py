"""Setting text in the real fonts: what fits, what is cut, what the fonts lack."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pygame
import pytest
from pygame import Color, Rect, Surface

from ground.programme.records import Language
from signage.errors import NoFont
from signage.fonts import OWN, _Face
from signage.text import Typesetter

INK = Color("black")


@pytest.fixture
def own() -> Path:
    """A font without Japanese."""
    found = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    if not found:
        pytest.skip("DejaVu Sans is not on this machine")
    return found[0]


def test_the_largest_size_that_fits_is_chosen(typesetter: Typesetter) -> None:
    assert typesetter.fit("抹茶", width=200, sizes=(100, 80, 60)).size == 100
    assert typesetter.fit("抹茶ラテ", width=330, sizes=(100, 80, 60)).size == 80


def test_a_smaller_size_is_taken_before_a_word_is_cut(typesetter: Typesetter) -> None:
    block = typesetter.fit("Strawberries", width=400, sizes=(100, 60), most=3)
    assert block.lines == ("Strawberries",)
    assert block.size == 60


def test_no_letter_is_left_alone_on_the_last_line(typesetter: Typesetter) -> None:
    block = typesetter.fit("毎月一日は、ポイント5倍の日", width=690, sizes=(100, 80), most=4, even=True)
    assert len(block.lines[-1]) > 1


def test_what_does_not_fit_ends_with_an_ellipsis(typesetter: Typesetter) -> None:
    block = typesetter.fit("たいへん長い名前の商品でございまして" * 20, width=400, sizes=(40,), most=2)
    assert len(block.lines) == 2
    assert block.lines[-1].endswith("…")
    assert not block.whole
    assert block.width <= 400


def test_a_text_in_several_lines_is_as_high_as_its_lines(typesetter: Typesetter) -> None:
    one = typesetter.fit("一", width=400, sizes=(50,))
    three = typesetter.fit("一\n二\n三", width=400, sizes=(50,), most=3, leading=1.5)
    assert (one.height, three.height) == (50, 200)
    assert three.said == "一二三"


def test_a_letter_that_the_font_lacks_becomes_a_geta_and_other_signs_go(
    typesetter: Typesetter, letters: Counter[str]
) -> None:
    letters.clear()
    assert typesetter.fit("ชาเย็น 茶😀", width=900, sizes=(50,)).said == "〓〓〓〓〓 茶"
    assert letters == {"letters_missing": 5, "signs_dropped": 2}


def test_split_voice_marks_are_composed_and_control_signs_do_not_show(typesetter: Typesetter) -> None:
    assert typesetter.fit("コ\u3099ル\u200bフ\u0007　用\u00a0具", width=900, sizes=(50,)).said == "ゴルフ 用 具"


def test_ink_begins_at_the_margin_and_stays_in_its_line(typesetter: Typesetter) -> None:
    for text in ("「新茶」、入荷", "12,480", "お客様"):
        surface = Surface((900, 200))
        surface.fill("white")
        typesetter.draw(surface, typesetter.fit(text, width=800, sizes=(100,), bold=True), (50, 50), INK)
        ink = _ink(surface)
        assert abs(ink.left - 50) <= 2
        assert ink.top >= 45
        assert ink.bottom <= 175


def test_centred_and_right_lines_stand_in_their_room(typesetter: Typesetter) -> None:
    block = typesetter.fit("中央", width=400, sizes=(100,))
    for align, expected in (("centre", 450), ("right", 750)):
        surface = Surface((1000, 200))
        surface.fill("white")
        typesetter.draw(surface, block, (50, 50), INK, align, 800)  # type: ignore[arg-type]  # A literal from a tuple.
        assert abs(_ink(surface).centerx - expected) <= 5


def test_the_width_told_is_the_width_drawn(typesetter: Typesetter) -> None:
    for text in ("Ｔシャツ「新茶」、（限定）入荷。", "AVATAR Tomorrow", "有機Tシャツ ¥1,280"):
        block = typesetter.fit(text, width=2000, sizes=(100,))
        surface = Surface((2200, 200))
        surface.fill("white")
        typesetter.draw(surface, block, (0, 0), INK)
        assert abs(_ink(surface).width - block.width) < 100


def test_without_the_fonts_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoFont, match="apt install fonts-noto-cjk"), Typesetter(Counter(), [tmp_path]):
        pass


def test_a_broken_font_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"no font")
    with pytest.raises(NoFont, match=r"NotoSansCJK-Regular\.ttc cannot be read"), Typesetter(Counter(), [tmp_path]):
        pass


def _ink(surface: Surface) -> Rect:
    rects = pygame.mask.from_threshold(surface, INK, (200, 200, 200, 255)).get_bounding_rects()
    return rects[0].unionall(rects)


@pytest.mark.parametrize("language", ["ko", "zh-hans", "zh-hant"])
def test_each_language_has_its_own_face(language: Language, typesetter: Typesetter) -> None:
    """Korean readers know the same shapes as Japanese ones here; Chinese readers know others."""
    drawn: dict[Language, bytes] = {}
    both: tuple[Language, Language] = ("ja", language)
    for asked in both:
        surface = Surface((220, 220))
        surface.fill("white")
        block = typesetter.fit("骨直令", width=220, sizes=(66,), language=asked)
        typesetter.draw(surface, block, (0, 60), INK)
        drawn[asked] = pygame.image.tobytes(surface, "RGB")
    assert (drawn["ja"] == drawn[language]) == (language == "ko")


def test_the_first_face_is_swapped_however_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "collection"
    data = bytes(range(40))
    file.write_bytes(data)
    expected = data[:12] + data[20:24] + data[16:]
    for size in (1, 3, 5, 8, 13, 40):
        face = _Face(file, 2)
        read = b""
        while part := face.read(size):
            read += part
        assert read == expected
        face.seek(14)
        assert face.read(size) == expected[14 : 14 + size]
        face.close()


def test_korean_is_set_in_words(typesetter: Typesetter) -> None:
    block = typesetter.fit("연말연시 영업시간을 안내해 드립니다", width=500, sizes=(60,), most=3, language="ko")
    assert len(block.lines) > 1
    assert {word for line in block.lines for word in line.split()} == {
        "연말연시",
        "영업시간을",
        "안내해",
        "드립니다",
    }
    assert block.said == "연말연시 영업시간을 안내해 드립니다"


def test_a_chains_own_font_is_used_for_what_it_has_and_noto_for_the_rest(own: Path) -> None:
    counts: Counter[str] = Counter()
    with Typesetter(counts, own=(own, None)) as typesetter:
        latin = typesetter.fit("Welcome", width=900, sizes=(60,), bold=True)
        assert latin.cut.face == OWN
        japanese = typesetter.fit("Welcome 骨", width=900, sizes=(60,))
        assert japanese.cut.face == 0
        assert japanese.said == "Welcome 骨"
        assert not counts


def test_a_chains_broken_font_is_told_and_noto_stands_in(tmp_path: Path) -> None:
    (tmp_path / "own.otf").write_bytes(b"no font")
    counts: Counter[str] = Counter()
    with Typesetter(counts, own=(tmp_path / "own.otf", None)) as typesetter:
        assert typesetter.fit("Welcome", width=900, sizes=(60,)).cut.face == 0
    assert counts == {"fonts_broken": 2}


def test_one_weight_stands_in_for_the_other(tmp_path: Path) -> None:
    regular = next(Path("/usr/share/fonts").rglob("NotoSansCJK-Regular.ttc"))
    (tmp_path / "NotoSansCJK-Regular.ttc").symlink_to(regular)
    (tmp_path / "NotoSansCJK-Bold.ttc").write_bytes(b"no font")
    counts: Counter[str] = Counter()
    with Typesetter(counts, [tmp_path]) as typesetter:
        surface = Surface((300, 100))
        surface.fill("white")
        typesetter.draw(surface, typesetter.fit("新茶", width=300, sizes=(60,), bold=True), (0, 0), INK)
        assert _ink(surface).width > 100
    assert counts == {"fonts_broken": 1}


def test_a_stop_at_the_right_edge_hangs_out_of_its_line(typesetter: Typesetter) -> None:
    edges = []
    for text in ("お越しください", "お越しください。"):
        surface = Surface((900, 200))
        surface.fill("white")
        typesetter.draw(surface, typesetter.fit(text, width=800, sizes=(60,)), (0, 50), INK, "right", 850)
        edges.append(_ink(surface).right)
    assert abs(edges[0] - edges[1]) < 8
