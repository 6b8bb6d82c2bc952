"""Setting text in the real fonts: what fits, what is cut, what the fonts lack."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pygame
import pytest
from pygame import Color, Rect, Surface

from signage.errors import NoFont
from signage.text import Typesetter

INK = Color("black")


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
