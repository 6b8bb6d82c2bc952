"""The theme of a chain: colours that can be read, files that are there; each fault with its name and its figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from ground.settings import SettingsError
from signage import config
from signage.config import Theme, contrast


def read(tmp_path: Path, theme: str) -> Theme:
    file = tmp_path / "config.yaml"
    file.write_text(f"signage:\n  screen: one\n  socket: s\n  folder: f\n  theme: {theme}\n", encoding="utf-8")
    return config.read(file).theme


def test_a_chain_gives_its_colours_and_its_files(tmp_path: Path) -> None:
    for name in ("mark.png", "own.otf"):
        (tmp_path / name).touch()
    given = (
        f'{{brand: 茶, paper: "#101418", ink: "#FFFFFF", soft: "#cccccc", accent: "#e3b04b", '
        f"logo: {tmp_path}/mark.png, regular: {tmp_path}/own.otf}}"
    )
    theme = read(tmp_path, given)
    assert (theme.ink, theme.logo, theme.bold) == ("#FFFFFF", tmp_path / "mark.png", None)


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        ('{accent: "#e3b04b"}', r"theme\.accent: has a contrast of 1\.\d : 1 to the paper"),
        ('{soft: "#8a8378"}', r"theme\.soft: has a contrast of [23]\.\d : 1"),
        ('{paper: "#000000"}', r"theme\.ink: has a contrast of 1\.\d : 1"),
        ("{ink: black}", r"theme\.ink: must be a colour such as"),
        ('{ink: "#12345"}', r"theme\.ink: must be a colour such as"),
        ("{logo: /nowhere/mark.png}", r"theme\.logo: there is no file /nowhere/mark\.png"),
        ("{bold: /nowhere/own.otf}", r"theme\.bold: there is no file"),
        ('{brand: ""}', r"theme\.brand: must be 1 to 24 letters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_figure(theme: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, theme)


def test_every_problem_is_told_at_once() -> None:
    assert [problem.split(":")[0] for problem in Theme(brand="", ink="#ffffff", soft="#eeeeee").problems()] == [
        "brand",
        "ink",
        "soft",
    ]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1
