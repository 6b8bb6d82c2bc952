"""Codes out of frames and photographs, drawn here: what is read, what is left alone, what is refused."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from zxingcpp import BarcodeFormat, create_barcode

from edge import codes
from edge.codes import Code, Gray
from edge.errors import SensorError

EAN = "2900000000018"


def drawn(content: str | bytes, symbol: BarcodeFormat = BarcodeFormat.QRCodeModel2) -> Gray:
    return numpy.asarray(create_barcode(content, symbol).to_image(scale=4))


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


@pytest.mark.parametrize(
    "content",
    [
        "おかえりなさい".encode(),
        "会員 山田".encode("shift_jis"),
        "ｱｲｳ".encode("shift_jis"),
        "日本".encode("euc_jp"),
        bytes(range(256)),
    ],
)
def test_the_bytes_of_a_qr_code_are_exact(content: bytes) -> None:
    assert [code.content for code in codes.read(drawn(content))] == [content]


def test_micro_qr_is_not_looked_for() -> None:
    assert codes.read(drawn("25", BarcodeFormat.MicroQRCode)) == []


def test_a_frame_without_a_code_has_none() -> None:
    noise = numpy.random.default_rng(1).integers(0, 255, (240, 320)).astype(numpy.uint8)
    assert codes.read(noise) == []
    assert codes.read(numpy.zeros((4, 4), numpy.uint8)) == []


def test_zbar_reads_what_zxing_does_not_where_a_second_look_is_allowed() -> None:
    frame = beside_something_dark(drawn(EAN, BarcodeFormat.EAN13))
    assert codes.read(frame, again=False) == []
    assert codes.read(frame) == [Code(format="EAN13", content=EAN.encode(), reader="zbar")]


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
    for file in sys.argv[2:]:
        for again in (True, False):
            print([(code.reader, code.content) for code in codes.read(numpy.asarray(Image.open(file)), again=again)])
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
    read = [[("zxing", b"NOREN-29")]] * 2 + [[("zxing", "おかえりなさい".encode())]] * 2
    ran = without("pyzbar,pyzbar.pyzbar", ascii_, japanese)
    assert ran.stdout.splitlines() == [str(codes) for codes in read]
    assert ran.stderr.count("pyzbar or its library is missing") == 1
    ran = without("zxingcpp", ascii_, japanese)
    # zbar guesses at anything but ASCII and guesses wrong: that is not handed on.
    assert ran.stdout.splitlines() == [str(codes) for codes in [[("zbar", b"NOREN-29")]] * 2 + [[]] * 2]
    assert ran.stderr.count("zxing-cpp is missing") == 1


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
