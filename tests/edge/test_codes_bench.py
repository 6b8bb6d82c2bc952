"""The bench of codes: what it draws, what it counts as right and wrong, and that all of it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image
from zxingcpp import BarcodeFormat, create_barcode

from bench.codes import measuring, screens
from bench.codes.__main__ import photographed
from bench.codes.measuring import Picture, Tally
from edge.codes import Gray

EXPECTED = screens.symbol("NOREN-29", 3, "m")


@pytest.mark.parametrize("name", dict.fromkeys(level.name for level in screens.levels()))
def test_each_condition_makes_the_picture_another_and_the_easiest_of_each_is_read(name: str) -> None:
    easiest = next(level for level in screens.levels() if level.name == name and level.module >= 1.75)
    plain = screens.seen(EXPECTED, screens.Level(name="", how=""), numpy.random.default_rng(1))
    gray = screens.seen(EXPECTED, easiest, numpy.random.default_rng(1))
    assert gray.shape == (screens.HEIGHT, screens.WIDTH)
    assert not numpy.array_equal(plain, gray)
    assert measuring.noren(gray) == [b"NOREN-29"]


def test_the_same_dice_draw_the_same_picture() -> None:
    (one, other) = (
        screens.seen(EXPECTED, screens.Level(name="", how="", moved=1), numpy.random.default_rng(3)) for _ in range(2)
    )
    assert numpy.array_equal(one, other)


def test_a_phone_with_words_shows_no_code() -> None:
    gray = screens.seen(screens.words(), screens.Level(name="", how="", crowded=True), numpy.random.default_rng(1))
    assert measuring.noren(gray) == []


def test_exact_wrong_and_nothing_are_told_apart() -> None:
    gray = numpy.zeros((4, 4), numpy.uint8)
    tally = Tally()
    for wanted, found in (
        ({b"a"}, [b"a"]),
        ({b"a"}, [b"b", b"a"]),
        ({b"a"}, []),
        ({b"a"}, [b"b"]),
        ({b"9784872348880"}, [b"1920081045006"]),
        (set(), []),
        (set(), [b"25"]),
    ):

        def read(_: Gray, found: list[bytes] = found) -> list[bytes]:
            return found

        tally.add(Picture(kind="", how="", gray=gray, wanted=frozenset(wanted)), read)
    line = tally.line()
    assert (line["images"], line["exact"], line["wrong"]) == (7, 3, 2)


def bench(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "bench.codes", *arguments]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.system
def test_a_quick_run_measures_everything_in_one_line(tmp_path: Path) -> None:
    photographs = tmp_path / "shelf"
    photographs.mkdir()
    for name, content in (("a", "NOREN-29"), ("b", "another")):
        Image.fromarray(numpy.array(create_barcode(content, BarcodeFormat.QRCodeModel2).to_image(scale=4))).save(
            photographs / f"{name}.png"
        )
        (photographs / f"{name}.txt").write_text("NOREN-29")
    (line,) = bench("--quick", str(photographs), folder=tmp_path).stdout.splitlines()
    result = json.loads(line)
    assert result["photographs"]["shelf"]["noren"] | {"cpu_ms_p50": 0, "cpu_ms_p95": 0} == {
        "images": 8,
        "exact": 4,
        "wrong": 4,
        "cpu_ms_p50": 0,
        "cpu_ms_p95": 0,
    }
    assert result["screens"]["signed_5_m"]["noren"]["exact"] > 0
    assert result["screens"]["without_a_code"]["noren"]["wrong"] == 0
    assert set(result["signed_code_as"]) == {"4-L", "5-M"}
    timing = result["timing"]
    assert timing["in_view_to_scan_15_fps"]["scanned"] == 2
    assert timing["memory"]["frames"] == 60
    assert result["hostile"]["changed"] == {}


def test_without_photographs_it_says_so_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert photographed([tmp_path / "codes", tmp_path]) is None
    assert f"no folder {tmp_path / 'codes'}" in capsys.readouterr().err
