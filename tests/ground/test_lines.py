"""Line breaking: what a Japanese reader expects, and what no line may ever do."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground import lines

ALPHABET = "あいうえおっゃー暖簾抹茶新緑カフェラテ、。！？「」『』（）…・ABCxyz019 ,.%¥円-々\n"
TEXTS = st.text(ALPHABET, max_size=60)
NEVER_FIRST = "、。！？」』）…・っゃー々,.%"
NEVER_LAST = "「『（¥"


def em(text: str) -> float:
    """A font in which Japanese is a square wide and Latin half of it."""
    width = sum(1.0 if lines.wide(letter) else 0.0 if letter == "\n" else 0.5 for letter in text)
    return width + sum(lines.gap(a, b) for a, b in pairwise(text))


@given(TEXTS)
@settings(max_examples=200)
def test_what_must_not_stand_at_the_edge_of_a_line_does_not(text: str) -> None:
    for paragraph in re.sub("(?<=[「『（¥]) +", "", text).split("\n"):  # A space there is no Japanese.
        broken = lines.broken(paragraph, 12.0, em)
        if any(em(piece) > 12.0 for piece in lines.pieces(paragraph)):
            continue  # A word wider than a line is cut wherever it must be.
        assert not any(line[0] in NEVER_FIRST for line in broken[1:] if line)
        assert not any(line[-1] in NEVER_LAST for line in broken[:-1] if line)


@given(TEXTS, st.floats(2.0, 30.0))
@settings(max_examples=200)
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(text: str, limit: float) -> None:
    for breaking in (lines.broken, lines.balanced):
        broken = breaking(text, limit, em)
        assert all(em(line) <= limit + 1e-9 for line in broken)
        assert "".join("".join(broken).split()) == "".join(text.split())


@given(TEXTS, st.floats(2.0, 30.0))
@settings(max_examples=100)
def test_what_is_shortened_fits_and_begins_like_the_text(text: str, limit: float) -> None:
    text = text.replace("\n", " ")
    short = lines.shortened(text, limit, em)
    assert em(short) <= limit + 1e-9 or short == "…"
    assert short == text or text.startswith(short.removesuffix("...").removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("お客様へのおすすめ", 6, ["お客様への", "おすすめ"]),
        ("春のいちごフェア、はじまりました", 10, ["春のいちごフェア、", "はじまりました"]),
        ("毎月一日は、ポイント5倍の日", 9, ["毎月一日は、", "ポイント5倍の日"]),
        ("抹茶ラテ「朝のブレンド」200g", 9, ["抹茶ラテ「朝の", "ブレンド」200g"]),
        ("有機栽培コーヒー豆", 6, ["有機栽培", "コーヒー豆"]),
        ("まで 1,280円です", 4, ["まで", "1,280円", "です"]),
        ("Freshly baked every morning", 8, ["Freshly baked", "every morning"]),
        ("10%OFF", 2, ["10%", "OFF"]),
        ("3,000円以上のお買い物で", 7, ["3,000円以上の", "お買い物で"]),
        ("1月1日（金）は休みます", 7, ["1月1日（金）は", "休みます"]),
        ("12月24日（木）まで", 8, ["12月24日", "（木）まで"]),
        ("신메뉴 출시, 녹차 라떼", 6, ["신메뉴 출시,", "녹차 라떼"]),
        ("오후 5시까지만", 6, ["오후", "5시까지만"]),
        ("新茶上市，静候月升。", 6, ["新茶上市，", "静候月升。"]),
        ("精选今年的“新茶”", 6, ["精选今年的", "“新茶”"]),
        ("栗蒸し羊羹が焼き上がりました。", 10, ["栗蒸し羊羹が", "焼き上がりました。"]),
        ("二階サービスカウンターまでお越しください。", 15, ["二階サービスカウンターまで", "お越しください。"]),
        ("いつもご利用いただきありがとうございます", 7, ["いつもご利用", "いただき", "ありがとう", "ございます"]),
        ("当店、いちご大福", 6, ["当店、", "いちご大福"]),
        ("北海道産特選小豆使用", 9, ["北海道産特選小豆", "使用"]),
        ("使用熊本縣產的整顆栗子。", 9, ["使用熊本縣產的", "整顆栗子。"]),
        ("一行目\n二行目", 20, ["一行目", "二行目"]),
        ("Supercalifragilistic", 5, ["Supercalif", "ragilistic"]),
        ("", 5, [""]),
    ],
)
def test_lines_break_where_they_read_well(text: str, limit: float, expected: list[str]) -> None:
    assert lines.broken(text, limit, em) == expected


def test_balanced_lines_are_about_as_long_as_each_other() -> None:
    assert lines.broken("Only the youngest leaves of the year", 16, em) == ["Only the youngest leaves of the", "year"]
    assert lines.balanced("Only the youngest leaves of the year", 16, em) == ["Only the youngest", "leaves of the year"]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("若葉の甘みを、七十度の湯でゆっくりと。", 17, ["若葉の甘みを、", "七十度の湯でゆっくりと。"]),
        (
            "12月31日（木）は17時まで、1月1日（金）はお休み。",
            16,
            ["12月31日（木）は17時まで、", "1月1日（金）はお休み。"],
        ),
        ("熊本県産の和栗を刻まずに。", 10, ["熊本県産の和栗を", "刻まずに。"]),
        ("有田焼 飯碗 青海波", 6, ["有田焼 飯碗", "青海波"]),
    ],
)
def test_balanced_lines_end_where_one_would_pause(text: str, limit: float, expected: list[str]) -> None:
    assert lines.balanced(text, limit, em) == expected


def test_a_letter_alone_is_forgotten_on_any_line() -> None:
    assert lines.lone(["减", "300日元"], em)
    assert lines.lone(["満月の", "夜"], em)
    assert not lines.lone(["満月の", "夜に"], em)


@pytest.mark.parametrize(
    ("pair", "closes_up"),
    [("」、", True), ("。「", True), ("」「", True), ("）」", True), ("新「", False), ("」新", False), ("、新", False)],
)
def test_brackets_and_stops_beside_each_other_close_up(pair: str, closes_up: bool) -> None:
    assert (lines.gap(*pair) < 0) is closes_up


def test_japanese_and_latin_words_stand_apart_but_numbers_do_not() -> None:
    assert lines.gap("茶", "T") > 0
    assert lines.gap("T", "茶") > 0
    assert lines.gap("2", "個") == 0
    assert lines.gap("T", "e") == 0


def test_english_is_shortened_between_words_and_japanese_between_letters() -> None:
    assert lines.shortened("A coupon with conditions", 8, em) == "A coupon with..."
    assert lines.shortened("たいへん長い名前の商品", 6, em) == "たいへん…"
    assert lines.shortened("「山と海」30個入り", 6.5, em) == "「山と海」…"
    assert lines.joined(["A coupon", "with"]) == "A coupon with"
    assert lines.joined(["春の", "いちご"]) == "春のいちご"


@given(TEXTS, st.floats(2.0, 30.0), st.integers(0, 3))
@settings(max_examples=100)
def test_what_comes_after_some_lines_is_kept_with_its_spaces(text: str, limit: float, many: int) -> None:
    done = lines.broken(text, limit, em)[:many]
    assert "".join("".join(done).split()) + "".join(lines.rest(text, done).split()) == "".join(text.split())


def test_a_space_between_words_stays() -> None:
    assert lines.rest("山と海 30個入り 風呂敷包み", ["山と海"]) == "30個入り 風呂敷包み"


def test_traditional_chinese_stops_close_up_to_no_bracket() -> None:
    assert lines.gap("。", "」") < 0
    assert lines.centred_gap("。", "」") == 0
    assert lines.centred_gap("」", "「") < 0
    text = "他說「請進。」然後"
    assert "".join(lines.broken(text, 5, em, lines.centred_gap)) == text


def test_korean_words_keep_their_spaces_and_stand_close_to_latin() -> None:
    assert lines.joined(["연말연시", "영업시간"]) == "연말연시 영업시간"
    assert lines.gap("가", "W") == lines.gap("W", "가") == 0
    assert lines.shortened("연말연시 영업시간 안내", 8, em) == "연말연시..."
    assert not lines.lone(["오늘은", "밤"], em)
