"""The commands as a person runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pygame
import pytest

from signage.contract import Item, Scene

TREE = Path(__file__).parent.parent.parent


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "signage.yaml"
    file.write_text(
        f"signage:\n  screen: front\n  socket: {tmp_path}/s\n  folder: {tmp_path}/player\n"
        "  display: {mode: headless, width: 640, height: 360}\n"
    )
    return file


def signage(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signage", *map(str, arguments)], cwd=TREE, capture_output=True, text=True, check=False
    )


def test_a_good_configuration_has_no_problems(config: Path) -> None:
    done = signage("check", config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no problems" in done.stdout


def test_every_problem_is_listed_with_its_line_and_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        f"signage:\n  screen: Front Door\n  socket: /{'x' * 120}\n  folder: 3\n  speed: fast\n"
        "  display: {mode: huge, width: 10}\n  theme: {brand: ''}\n"
    )
    done = signage("check", file)
    assert done.returncode == 2
    for words in (
        "line 4: signage.folder",
        "line 5: signage.speed",
        "line 6: signage.display.mode",
        "signage.theme.brand",
    ):
        assert words in done.stderr
    file.write_text(f"signage:\n  screen: Front Door\n  socket: /tmp/s\n  folder: {tmp_path}\n")
    assert "line 2: signage.screen: must be" in signage("run", file).stderr
    file.write_text(
        f"signage:\n  screen: front\n  socket: /{'x' * 120}\n  folder: {tmp_path}\n  display: {{width: 10}}\n"
    )
    assert "signage.display.width: must be 320 to 4096" in signage("check", file).stderr
    file.write_text(f"signage:\n  screen: front\n  socket: /{'x' * 120}\n  folder: {tmp_path}\n")
    assert "signage.socket: must be at most 100 bytes" in signage("check", file).stderr


def test_a_scene_is_drawn_to_a_file(
    tmp_path: Path, png: Callable[..., bytes], stored: Callable[[Path, bytes], str]
) -> None:
    digest = stored(tmp_path / "pictures", png(50, 50, "blue"))
    item = Item(id="p", title="抹茶", price="¥580", picture=digest)
    made = Scene(scene="s", layout="recommendation", language="ja", title="おすすめ", items=(item,))
    (tmp_path / "scene.json").write_bytes(msgspec.json.encode(made))
    out = tmp_path / "out.png"
    done = signage("snapshot", tmp_path / "scene.json", out, "--size", "720x1280", "--assets", tmp_path / "pictures")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = pygame.image.load(out)
    assert picture.get_size() == (720, 1280)
    assert picture.get_at((360, 500)) == pygame.Color("blue")


@pytest.mark.parametrize("text", ["{", "[1]", '{"scene": "s"}', "missing"])
def test_what_is_no_scene_is_one_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    if text != "missing":
        file.write_text(text)
    done = signage("snapshot", file, tmp_path / "out.png")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(file) in done.stderr


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "scene.json").write_bytes(
        msgspec.json.encode(Scene(scene="s", layout="notice", language="en", title="Hello"))
    )
    done = signage("snapshot", tmp_path / "scene.json", tmp_path / "no" / "out.png")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_size_that_is_none_is_refused(tmp_path: Path) -> None:
    done = signage("snapshot", "scene.json", "out.png", "--size", "20x90000")
    assert done.returncode == 2
    assert "must be 320 to 4096 pixels" in done.stderr


def test_without_a_screen_the_drivers_are_named(config: Path) -> None:
    if any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY")) or Path("/dev/dri").exists():
        pytest.skip("there is a screen here")
    config.write_text(config.read_text().replace("mode: headless", "mode: full"))
    done = signage("run", config)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert all(driver in last for driver in ("kmsdrm", "wayland", "x11", "display.mode: headless"))
