"""Printed codes: read back out of the PDF itself, and as small as our camera sees them from their distance."""

from __future__ import annotations

import io
import json
import math
import re
import struct
from pathlib import Path

import cv2
import numpy
import pytest
import zxingcpp
from PIL import Image

from central import catalogue, config, sheets, symbols
from central.cli import main
from central.contract.feeds import Product
from central.errors import CentralError
from central.lettering import Lettering
from central.storage.database import open_database, writing
from ground import links
from ground.links import Place
from ground.programme.records import Store

SHOP = "https://shop.example/item"
GOODS = [
    Product(
        sku="4901234567894", name={"ja": "宇治抹茶入り玄米茶「初摘み」", "en": "Genmaicha"}, yen=1280, category="tea"
    ),
    Product(sku="tea-002", name={"ja": "煎茶"}, yen=800, category="tea"),
    Product(sku="med-1", name={"ja": "風邪薬", "en": "Cold medicine"}, yen=1980, category="medicine", sensitive=True),
    *(
        Product(sku=f"pen-{number:02d}", name={"ja": f"ボールペン 0.5mm {number}"}, yen=165, category="pens")
        for number in range(11)
    ),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "c.yaml"
    made.write_text(f'central:\n  folder: {tmp_path / "central"}\n  key: "{"0" * 64}"\n')
    engine = open_database(config.read(made).url)
    with writing(engine) as connection:
        stores = [Store(store="ginza", name={"ja": "銀座店"}, link=SHOP), Store(store="kobe", name={"ja": "神戸店"})]
        catalogue.save_stores(connection, stores)
        catalogue.save_products(connection, GOODS)
    engine.dispose()
    return made


def typed(*words: object) -> int:
    return main(["make-codes", *(str(word) for word in words)])


def pages(file: Path) -> list[Image.Image]:
    """The pictures of a PDF's pages, as any reader unpacks them: CCITT Group 4, wrapped as the TIFF that it is of."""
    found = []
    for stream in re.finditer(rb"<<((?:(?!endobj).)*?/CCITTFaxDecode.*?)>>\s*stream\r?\n", file.read_bytes(), re.S):
        said = stream[1]
        wide, high, size = (
            int(match[1])
            for name in (b"Width", b"Height", b"Length")
            if (match := re.search(rb"/%s (\d+)" % name, said))
        )
        data = file.read_bytes()[stream.end() : stream.end() + size]
        assert b"/K -1" in said
        black_is_1 = b"/BlackIs1 true" in said
        tags = [(256, wide), (257, high), (258, 1), (259, 4), (262, 1 if black_is_1 else 0), (273, 134), (277, 1)]
        tags += [(278, high), (279, size), (266, 1)]
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags))
        tiff = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)
        found.append(Image.open(io.BytesIO(tiff + data)).convert("L"))
        assert len(tiff) == 134
    return found


def found(picture: Image.Image) -> list[zxingcpp.Barcode]:
    wanted = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])
    # From the top, and from the left.
    return sorted(
        zxingcpp.read_barcodes(numpy.asarray(picture), formats=wanted),
        key=lambda code: (code.position.top_left.y // 600, code.position.top_left.x),
    )


def read(picture: Image.Image) -> list[str]:
    return [code.text for code in found(picture)]


def is_quiet(page: Image.Image, code: zxingcpp.Barcode, module_mm: float) -> bool:
    """Tell whether nothing is printed within four modules of a code."""
    left, top = code.position.top_left.x, code.position.top_left.y
    right, foot = code.position.bottom_right.x, code.position.bottom_right.y
    wide = module_mm / 25.4 * sheets.DPI
    all_of_it = numpy.asarray(page) == 0
    margin, inside = round(3.8 * wide), round(0.2 * wide)
    around = all_of_it[top - margin : foot + margin, left - margin : right + margin].sum()
    return bool(around == all_of_it[top - inside : foot + inside, left - inside : right + inside].sum())


def seen(page: Image.Image, metres: float) -> Image.Image:
    """A page as our 720p camera sees it from there, a little out of focus."""
    pixels_a_mm = symbols.CAMERA_PX / (2 * metres * 1000 * math.tan(math.radians(symbols.CAMERA_DEGREES / 2)))
    scale = pixels_a_mm * 25.4 / sheets.DPI
    small = cv2.resize(numpy.asarray(page), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Image.fromarray(cv2.GaussianBlur(small, (0, 0), 0.5))


def address(sku: str) -> str:
    return f"{SHOP}?store=ginza&zone=tea&sku={sku}"


def test_labels_of_all_products_lie_on_two_sheets_and_every_code_is_read_as_our_camera_sees_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "labels.pdf"
    assert typed(file, "ginza", "--zone", "tea", "--all", "--out", out) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["pages"], said["codes"], said["sensitive_left_out"]) == (2, 13, 1)
    first, second = pages(out)
    assert first.size == (round(210 / 25.4 * 600), round(297 / 25.4 * 600))
    assert b"/MediaBox [ 0 0 595.32 841.92 ]" in out.read_bytes()
    wanted = sorted(address(one.sku) for one in GOODS if not one.sensitive)
    assert sorted(read(first) + read(second)) == wanted
    assert all(is_quiet(page, code, said["module_mm"]) for page in (first, second) for code in found(page))
    assert sorted(read(seen(first, 0.3)) + read(seen(second, 0.3))) == wanted


@pytest.mark.parametrize(("paper", "metres"), [("a5", 1.0), ("a4", 1.5), ("a3", 2.0)])
def test_a_poster_is_read_from_its_distance(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], paper: str, metres: float
) -> None:
    out = tmp_path / "poster.pdf"
    assert typed(file, "ginza", "--zone", "tea", "--sku", GOODS[0].sku, "--paper", paper, "--out", out) == 0
    said = json.loads(capsys.readouterr().out)
    (page,) = pages(out)
    assert read(page) == read(seen(page, metres)) == [address(GOODS[0].sku)]
    assert said["distance_m"] == metres
    assert said["code_mm"] >= metres * 100
    (place,) = found(page)
    assert is_quiet(page, place, said["module_mm"])
    across = math.dist(
        (place.position.top_left.x, place.position.top_left.y), (place.position.top_right.x, place.position.top_right.y)
    )
    assert across / 600 * 25.4 == pytest.approx(said["code_mm"], abs=0.5)
    assert "Q" in place.ec_level or "H" in place.ec_level


@pytest.mark.parametrize(("metres", "wide_mm"), [(0.3, 210), (0.36, 210), (0.5, 148), (1.4, 210), (1.9, 297)])
def test_without_a_paper_it_is_the_smallest_with_room(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], metres: float, wide_mm: int
) -> None:
    out = tmp_path / "x.pdf"
    assert typed(file, "ginza", "--zone", "tea", "--category", "tea", "--distance", metres, "--out", out) == 0
    made = pages(out)
    assert made[0].width == round(wide_mm / 25.4 * 600)
    assert len(made) == (1 if metres < 0.4 else 2)
    assert json.loads(capsys.readouterr().out)["pages"] == len(made)


def test_a_category_is_printed_without_what_is_sensitive_which_its_sku_brings(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.pdf"
    assert typed(file, "ginza", "--zone", "tea", "--category", "medicine", "--out", out) == 1
    assert not out.exists()
    assert "Sensitive ones are printed by --sku only" in capsys.readouterr().err
    assert typed(file, "ginza", "--zone", "tea", "--category", "tea", "--sku", "med-1", "--out", out) == 0
    (page,) = pages(out)
    assert read(page) == [address(sku) for sku in ("med-1", "4901234567894", "tea-002")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kobe", "--zone", "tea", "--all"], "The store kobe has no link: nobody knows where its codes lead to. Give"),
        (["osaka", "--zone", "tea", "--all"], "There is no store osaka."),
        (["ginza", "--zone", "Tea/1", "--all"], "'Tea/1' is no zone."),
        (["ginza", "--zone", "tea", "--sku", "none", "--sku", "tea-002"], "There is no product none."),
        (["ginza", "--zone", "tea"], "No product is chosen that may be printed. Give --sku, --all, or --category"),
        (["ginza", "--zone", "tea", "--all", "--distance", "0"], "Nobody reads a code from 0 m."),
        (["ginza", "--zone", "tea", "--all", "--distance", "nan"], "Nobody reads a code from nan m."),
        (
            ["ginza", "--zone", "tea", "--all", "--distance", "1.2", "--paper", "label"],
            "has room for 4.6 cm. Have it read from 0.36 m (--distance 0.36), take larger paper (--paper a4), or make",
        ),
        (["ginza", "--zone", "tea", "--all", "--distance", "9", "--paper", "a3"], "(--distance 2.2), or make the"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_the_way_out(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    out = tmp_path / "x.pdf"
    assert typed(file, *words, "--out", out) == 1
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("paper", sorted(sheets.PAPERS))
def test_the_distance_that_an_error_names_fits_and_a_step_farther_does_not(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], paper: str
) -> None:
    def tried(metres: float) -> int:
        words = ("--category", "tea", "--paper", paper, "--distance", metres)
        return typed(file, "ginza", "--zone", "tea", *words, "--out", tmp_path / "x.pdf")

    assert tried(9) == 1
    named = re.search(r"--distance ([0-9.]+)\)", capsys.readouterr().err)
    assert named is not None
    assert tried(float(named[1])) == 0
    assert tried(float(named[1]) + 0.02) == 1


def test_an_address_that_is_too_long_for_a_code_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_database(config.read(file).url)
    with writing(engine) as connection:
        long = f"https://shop.example/{'a' * 270}"
        catalogue.save_stores(connection, [Store(store="ginza", name={"ja": "銀座店"}, link=long)])
    engine.dispose()
    assert typed(file, "ginza", "--zone", "tea", "--all", "--out", tmp_path / "x.pdf") == 1
    assert "Make the link of the store ginza shorter." in capsys.readouterr().err


@pytest.mark.parametrize("modules", [25, 33, 37, 45, 57, 81])
@pytest.mark.parametrize("metres", [0.2, 1.0, 3.0])
def test_a_code_is_a_tenth_of_its_distance_wide_and_no_module_too_small_for_our_camera(
    modules: int, metres: float
) -> None:
    wide = symbols.module_mm(modules, metres)
    assert wide * modules >= metres * 100 - 1e-6
    assert wide >= metres * 2.46  # 70°: 1.4 m across 1,280 pixels from a metre away.
    assert symbols.reach(modules, wide) == pytest.approx(metres)


def test_a_symbol_is_the_smallest_and_as_sturdy_as_it_can_be_then() -> None:
    label, poster = (symbols.symbol(address("4901234567894"), level) for level in ("m", "q"))
    assert (label.modules, label.correction) == (37, "M")
    assert (poster.modules, poster.correction) == (41, "Q")
    assert symbols.symbol("https://a.example/", "m").correction == "Q"  # 25 modules either way.


def test_names_break_as_japanese_does_and_lose_no_letter() -> None:
    letters = Lettering()
    block = letters.set("今治タオル・フェイスタオル（2枚組）「白」", 620, (100, 60), 3, bold=True)
    assert "".join(block.lines) == "今治タオル・フェイスタオル（2枚組）「白」"
    assert not any(line[0] in "・）」ーッ" or line[-1] in "（「" for line in block.lines)
    assert block.whole
    cut = letters.set("とても長い商品名" * 20, 620, (100, 60), 2)
    assert (len(cut.lines), cut.size, cut.whole) == (2, 60, False)
    assert cut.lines[-1].endswith("…")
    assert letters.set("\u0007 \u200b茶\n缶 \U0001f375𓀀", 900, (60,), 1).lines[0] == "茶 缶 〓"
    assert letters.set("", 900, (60,), 1).height == 0


def test_more_pages_than_anybody_waits_for_are_refused_at_once(tmp_path: Path) -> None:
    panel = sheets.Panel(address=SHOP, name="茶", second="", price="¥1", small="")
    with pytest.raises(CentralError, match="These are 1001 pages"):
        sheets.write([panel] * 1001, sheets.PAPERS["a5"], 0.3, tmp_path / "x.pdf")
    with pytest.raises(CentralError, match="These are 1001 pages"):
        sheets.write([panel] * 10_001, sheets.PAPERS["label"], 0.3, tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


@pytest.mark.parametrize("paper", ["label", "a5"])
def test_a_price_is_smaller_rather_than_cut(tmp_path: Path, paper: sheets.PaperName) -> None:
    # The widest code that a label has room for leaves the least for words.
    words = {"address": SHOP + "?" + "a" * 120, "name": "壺", "second": "", "small": ""}
    drawn = set()
    for yen in ("¥3,141,592,653,589", "¥3,141,592,653,598"):
        out = tmp_path / f"{yen[-1]}.pdf"
        sheets.write([sheets.Panel(**words, price=yen)], sheets.PAPERS[paper], 0.3, out)
        drawn.add(pages(out)[0].tobytes())
    assert len(drawn) == 2


def test_without_fonts_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CentralError, match="apt install fonts-noto-cjk"):
        Lettering([tmp_path])
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"no font")
    (tmp_path / "NotoSansCJK-Bold.ttc").write_bytes(b"no font")
    with pytest.raises(CentralError, match="cannot be read"):
        Lettering([tmp_path])


def test_what_is_printed_is_known_again(file: Path) -> None:
    made = links.poster(SHOP, Place(store="ginza", zone="tea", sku="tea-002"))
    assert made == address("tea-002")
    assert links.read(made, SHOP) == Place(store="ginza", zone="tea", sku="tea-002")
