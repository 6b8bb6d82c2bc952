"""Codes out of frames and photographs, drawn here: what is read, what is left alone, what is refused."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy
import pytest
import segno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from zxingcpp import BarcodeFormat, create_barcode

from bench.codes import hostile, screens
from edge import codes
from edge.codes import Code, Gray, Readers
from edge.errors import SensorError

EAN = "2900000000018"


def drawn(content: str | bytes, symbol: BarcodeFormat = BarcodeFormat.QRCodeModel2) -> Gray:
    return numpy.array(create_barcode(content, symbol).to_image(scale=4))


def beside_something_dark(code: Gray) -> Gray:
    """A bar code without the quiet zone that zxing-cpp insists on."""
    return numpy.pad(code[:200, 12:-28], 60, constant_values=30)


def png(gray: Gray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("symbol", "name", "content"),
    [
        (BarcodeFormat.QRCodeModel2, "QRCode", "NOREN-29"),
        (BarcodeFormat.EAN13, "EAN13", EAN),
        (BarcodeFormat.Code128, "Code128", "Noren 29"),
    ],
)
def test_the_three_kinds_are_read(symbol: BarcodeFormat, name: str, content: str) -> None:
    (code,) = codes.read(drawn(content, symbol))
    assert (code.format, code.content, code.reader) == (name, content.encode(), "zxing")


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("symbol", [BarcodeFormat.QRCodeModel2, BarcodeFormat.EAN13])
def test_turned_codes_are_read(symbol: BarcodeFormat, turns: int) -> None:
    assert [code.content for code in codes.read(numpy.rot90(drawn(EAN, symbol), turns).copy())] == [EAN.encode()]


def test_an_inverted_code_is_read() -> None:
    assert [code.content for code in codes.read(255 - drawn("dark mode"))] == [b"dark mode"]


def segment(content: str | bytes, **how: Any) -> Gray:
    """Drawn by another hand, which can be told the mode and the encoding."""
    rows = [list(row) for row in segno.make(content, micro=False, **how).matrix]
    modules = numpy.pad(numpy.array(rows, numpy.uint8) & 1, 4)
    return numpy.kron(255 - modules * 255, numpy.ones((4, 4), numpy.uint8)).astype(numpy.uint8)


def utf8(text: str) -> tuple[Gray, bytes]:
    """Without a word on its encoding, as most phones do it."""
    return drawn(text.encode()), text.encode()


URL = "https://example.jp/会員/山田?s=銀座"
JUNK = bytes(random.Random(1).randbytes(200))
PAYLOADS = {
    "ascii": (drawn("NOREN-29"), b"NOREN-29"),
    "digits": (segment("2" * 186, error="m"), b"2" * 186),
    "address": (drawn("https://example.jp/p/4901234567894?s=ginza"), b"https://example.jp/p/4901234567894?s=ginza"),
    "kanji in UTF-8": utf8("会員番号 山田太郎"),
    "kanji in UTF-8, said so": (segment("会員番号 山田太郎", encoding="utf-8", eci=True), "会員番号 山田太郎".encode()),
    "hiragana": utf8("おかえりなさい"),
    "katakana": utf8("ノレン・ポイント"),
    "one kanji": utf8("山"),
    "address with kanji": utf8(URL),
    "umlauts": utf8("Straße für Äpfel"),
    "umlauts in Latin-1": (drawn("für".encode("latin-1")), "für".encode("latin-1")),
    "emoji": utf8("ありがとう🎉"),
    "Shift_JIS": (drawn("会員 山田".encode("shift_jis")), "会員 山田".encode("shift_jis")),
    "Shift_JIS, said so": (segment("会員 山田", encoding="shift_jis", eci=True), "会員 山田".encode("shift_jis")),
    "kanji mode": (segment("会員山田", mode="kanji"), "会員山田".encode("shift_jis")),
    "half-width kana": (drawn("ｱｲｳｴｵ".encode("shift_jis")), "ｱｲｳｴｵ".encode("shift_jis")),
    "EUC-JP": (drawn("日本語".encode("euc_jp")), "日本語".encode("euc_jp")),
    "all bytes": (drawn(bytes(range(256))), bytes(range(256))),
    "random": (drawn(JUNK), JUNK),
    "NULs": (drawn(b"29\0\0\x0018"), b"29\0\0\x0018"),
    "line ends": (drawn(b"\r\n29\r\n\t"), b"\r\n29\r\n\t"),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_bytes_of_a_qr_code_are_exact(name: str) -> None:
    gray, content = PAYLOADS[name]
    readers = codes.readers()
    assert [code.content for code in readers.read(gray)] == [content]
    found = [code for look in readers.second for code in look(gray)]
    assert {code.content for code in found} == {content}, "whichever look reads it, or leaves it alone"
    assert {code.reader for code in found} >= {"zxing2x", "zxingsoft"}


def test_micro_qr_is_not_looked_for() -> None:
    assert codes.read(drawn("25", BarcodeFormat.MicroQRCode)) == []


def test_a_frame_without_a_code_has_none() -> None:
    noise = numpy.random.default_rng(1).integers(0, 255, (240, 320)).astype(numpy.uint8)
    assert codes.read(noise) == []
    assert codes.read(numpy.zeros((4, 4), numpy.uint8)) == []


def test_zbar_reads_what_zxing_does_not() -> None:
    frame = beside_something_dark(drawn(EAN, BarcodeFormat.EAN13))
    assert codes.readers().first(frame) == []
    assert codes.read(frame) == [Code(format="EAN13", content=EAN.encode(), reader="zbar")]


def screen(**level: Any) -> Gray:
    shown = screens.symbol("NOREN-2900000001234567890ABCDEF", 3, "m")
    return screens.seen(shown, screens.Level(name="", how="", **level), numpy.random.default_rng(1))


@pytest.mark.parametrize(
    ("gray", "reader"),
    [
        (screen(module=1.5), "zxing2x"),
        (screen(blur=0.5), "zxingsharp"),
        (screen(light=(28.0, 12.0, 6.0)), "zxingsoft"),
    ],
)
def test_small_blurred_and_dim_codes_are_read_by_a_second_look(gray: Gray, reader: str) -> None:
    readers = codes.readers()
    assert readers.first(gray) == []
    assert [(code.content, code.reader) for code in readers.read(gray)] == [
        (b"NOREN-2900000001234567890ABCDEF", reader)
    ]


def test_bar_codes_are_not_looked_for_enlarged_where_they_are_misread() -> None:
    bars = drawn(EAN, BarcodeFormat.EAN13)
    readers = [code.reader for look in codes.readers().second for code in look(bars)]
    assert readers == ["zxingsoft", "zbar"]


def test_a_bar_code_that_zbar_reads_otherwise_upside_down_does_not_count_in_a_single_picture() -> None:
    def misread(gray: Gray) -> list[Code]:
        content = b"7004813002834" if gray[0, 0] else b"5000213002834"
        return [
            Code(format="EAN13", content=content, reader="zbar"),
            Code(format="QRCode", content=b"29", reader="zbar"),
            Code(format="Code128", content=b"29", reader="zbar"),
        ]

    readers = Readers()
    readers.first, readers.second = misread, ()
    frame = numpy.zeros((10, 10), numpy.uint8)
    frame[0] = 255
    assert [(code.format, code.content) for code in readers.read(frame)] == [("QRCode", b"29"), ("Code128", b"29")]


def test_no_look_minds_a_picture_with_very_few_pixels_or_very_many() -> None:
    for shape in ((1, 1), (1, 3000), (3000, 1), (2000, 2000)):
        assert codes.read(numpy.full(shape, 128, numpy.uint8)) == []


def test_a_bar_code_that_seems_to_be_inside_a_qr_code_is_none() -> None:
    """The modules of this one, of the largest kind, look like an EAN-13 with a right check digit to zxing-cpp."""
    *_, (_, gray, content) = hostile.drawn(424)
    assert [(code.format, code.content) for code in codes.readers().first(gray)] == [("QRCode", content)]


def test_a_bar_code_beside_a_qr_code_is_read() -> None:
    square, bars = drawn("NOREN-29"), drawn(EAN, BarcodeFormat.EAN13)
    both = numpy.full((400, 800), 255, numpy.uint8)
    both[20 : 20 + square.shape[0], 20 : 20 + square.shape[1]] = square
    both[20 : 20 + bars.shape[0], 300 : 300 + bars.shape[1]] = bars
    assert sorted(code.format for code in codes.read(both)) == ["EAN13", "QRCode"]


def test_hostile_codes_crash_no_look_and_come_out_as_they_are() -> None:
    came_of_it = hostile.read(100)
    assert came_of_it["changed"] == {}
    assert came_of_it["read"] >= 85
    assert set(came_of_it["by_kind"]) == set(hostile.KINDS)


WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
import logging, numpy
from edge import codes
from edge.errors import SensorError
from PIL import Image
logging.basicConfig(format="%(message)s")
try:
    readers = codes.readers()
    for file in sys.argv[2:]:
        gray = numpy.asarray(Image.open(file))
        looks = (readers.read, readers.first, *readers.second)
        print([[(code.reader, code.content) for code in look(gray)] for look in looks])
except SensorError as error:
    print(error)
"""


def without(modules: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, modules, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_each_reader_does_without_the_other(tmp_path: Path) -> None:
    ascii_, japanese = tmp_path / "a.png", tmp_path / "j.png"
    ascii_.write_bytes(png(drawn("NOREN-29")))
    japanese.write_bytes(png(drawn("おかえりなさい".encode())))
    ran = without("pyzbar,pyzbar.pyzbar", ascii_, japanese)
    looks = ["zxing", "zxing", "zxing2x", "zxingsharp", "zxingsoft"]
    expected = [[[(look, content)] for look in looks] for content in (b"NOREN-29", "おかえりなさい".encode())]
    assert ran.stdout.splitlines() == [str(codes) for codes in expected]
    assert ran.stderr.count("pyzbar or its library is missing") == 1
    ran = without("zxingcpp", ascii_, japanese)
    # zbar guesses at anything but ASCII and guesses wrong: that is not handed on.
    assert ran.stdout.splitlines() == ["[[('zbar', b'NOREN-29')], [('zbar', b'NOREN-29')]]", "[[], []]"]
    assert ran.stderr.count("zxing-cpp or OpenCV is missing") == 1
    ran = without("cv2", ascii_)
    assert ran.stdout.splitlines() == [str([[(look, b"NOREN-29")] for look in ("zxing", "zxing", "zbar")])]
    assert ran.stderr.count("zxing-cpp or OpenCV is missing") == 1


def test_without_any_reader_there_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(drawn("NOREN-29")))
    assert "No code can be read" in without("zxingcpp,pyzbar,pyzbar.pyzbar", file).stdout


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_photographs_are_read(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "photograph"
    Image.fromarray(drawn("NOREN-29")).convert("RGB").save(file, kind)
    assert [code.content for code in codes.of_file(file)] == [b"NOREN-29"]


def test_a_transparent_background_is_white(tmp_path: Path) -> None:
    file = tmp_path / "sticker.png"
    ink = 255 - drawn("NOREN-29")
    Image.fromarray(numpy.dstack([ink * 0, ink * 0, ink * 0, ink])).save(file)
    assert [code.content for code in codes.of_file(file)] == [b"NOREN-29"]


def header(width: int, height: int) -> bytes:
    """A PNG that promises more than it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read as an image"),
        (b"this is a text\n" * 100, "cannot be read as an image"),
        (png(drawn("NOREN-29"))[:-60], "cannot be read as an image"),
        (header(100, 100), "cannot be read as an image"),
        (header(10_000, 6_000), "more than 50 megapixels"),
        (header(10_000, 10_000), "more than 50 megapixels"),
        (header(20_000, 10_000), "more than 50 megapixels"),
    ],
)
def test_what_is_no_photograph_is_refused_by_name_and_reason(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "photograph.png"
    file.write_bytes(content)
    with pytest.raises(SensorError, match=said) as refused:
        codes.of_file(file)
    assert str(file) in str(refused.value)
    assert refused.value.fix


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="No such file"):
        codes.of_file(tmp_path / "none.png")
    with pytest.raises(SensorError, match="directory"):
        codes.of_file(tmp_path)


def _kinds() -> list[bytes]:
    files = []
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF"):
        file = io.BytesIO()
        Image.fromarray(drawn("a")).resize((40, 40)).save(file, kind)
        files.append(file.getvalue())
    return files


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(_kinds()), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8))
def test_damaged_photographs_are_read_or_refused(tmp_path: Path, whole: bytes, damage: list[tuple[int, int]]) -> None:
    data = bytearray(whole)
    for at, value in damage:
        data[at % len(data)] = value
    file = tmp_path / "damaged"
    file.write_bytes(data)
    with contextlib.suppress(SensorError):
        codes.of_file(file)
