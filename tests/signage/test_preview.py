"""Previews of a programme as a person asks for them: a content, a day on a sheet, a day as a film."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pygame
import pytest
from film_files import film

from signage.config import Theme
from signage.reel import Shot, _frames, sheet
from signage.text import Typesetter

TREE = Path(__file__).parent.parent.parent
PROGRAMME = """
contents:
- {content: tea, layout: campaign, title: {ja: 新茶の季節, en: New tea}, picture: tea.png, order: 1}
- {content: goods, layout: recommendation, title: {ja: おすすめ}, products: [bag, gone], link: "https://x.example/a"}
- {content: best, layout: recommendation, title: {ja: 人気}, popular: 2}
- {content: moving, layout: campaign, title: {ja: うごく}, film: film.mp4}
- {content: fire, layout: emergency, title: {ja: 火災です}}
campaigns:
- campaign: evening
  name: 夕方
  contents: [moving]
  when: [{parts: [{begins: "17:00", ends: "21:00"}]}]
- campaign: alarm
  name: 避難訓練
  contents: [fire]
  emergency: true
  when: [{parts: [{begins: "11:00", ends: "11:05"}]}]
playlists:
- {playlist: news, contents: [goods]}
layouts:
- layout: shelf
  zones: [shelf]
  regions:
  - {region: main, at: [0, 0, 1000, 800], shows: main}
  - {region: side, at: [0, 800, 500, 200], shows: playlist, playlist: news}
  - {region: news, at: [500, 800, 300, 200], shows: ticker, playlist: news}
  - {region: time, at: [800, 800, 200, 200], shows: clock}
stores:
- {store: tenjin, name: {ja: 天神店}, link: "https://shop.example/p?from=screen"}
products:
- {sku: bag, name: {ja: 帆布トート}, yen: 6600}
- {sku: pen, name: {ja: 筆}, yen: 900, picture: tea.png}
"""
SIZE = ("--size", "640x360", "--language", "ja")


@pytest.fixture
def programme(tmp_path: Path, png: Callable[..., bytes]) -> Path:
    (tmp_path / "tea.png").write_bytes(png(300, 200, "blue"))
    film(tmp_path / "film.mp4", corner=True)
    file = tmp_path / "programme.yaml"
    file.write_text(PROGRAMME)
    return file


def preview(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signage", "preview", *map(str, arguments)],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
    )


def has(picture: pygame.Surface, colour: str) -> bool:
    """Tell whether it is somewhere; a scaled picture is a little off."""
    wanted = pygame.Color(colour)
    width, height = picture.get_size()
    points = ((x, y) for x in range(0, width, 4) for y in range(0, height, 4))
    return any(all(abs(a - b) < 6 for a, b in zip(picture.get_at(at), wanted, strict=True)) for at in points)


def test_a_content_is_drawn_with_its_picture(programme: Path) -> None:
    before = (programme.parent / "tea.png").stat()
    out = programme.parent / "out.png"
    done = preview(programme, "--content", "tea", *SIZE, out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = pygame.image.load(out)
    assert picture.get_size() == (640, 360)
    assert has(picture, "blue")
    after = (programme.parent / "tea.png").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_film_without_a_picture_is_drawn_by_one_of_its_own(programme: Path) -> None:
    out = programme.parent / "out.png"
    assert preview(programme, "--content", "moving", *SIZE, out).returncode == 0
    assert has(pygame.image.load(out), "white")


def test_products_are_drawn_also_where_one_is_unknown(programme: Path) -> None:
    for name in ("goods", "best"):
        out = programme.parent / f"{name}.png"
        done = preview(programme, "--content", name, *SIZE, "--zone", "shelf", out)
        assert (done.returncode, done.stderr) == (0, "")
    assert has(pygame.image.load(programme.parent / "best.png"), "blue")


def test_a_file_from_the_assets_is_named_by_its_hash_and_one_that_is_missing_is_said(
    programme: Path, stored: Callable[[Path, bytes], str], png: Callable[..., bytes]
) -> None:
    assets = programme.parent / "assets"
    digest = stored(assets, png(30, 30, "red"))
    programme.write_text(programme.read_text().replace("tea.png", digest, 1))
    out = programme.parent / "out.png"
    done = preview(programme, "--content", "tea", *SIZE, "--assets", assets, out)
    assert (done.returncode, done.stderr) == (0, "")
    assert has(pygame.image.load(out), "red")
    (assets / digest).write_bytes(b"something else")
    done = preview(programme, "--content", "tea", *SIZE, "--assets", assets, out)
    assert done.returncode == 0
    assert digest in done.stderr
    assert (assets / digest).read_bytes() == b"something else"


def test_a_day_is_a_sheet_with_each_scene_once(programme: Path) -> None:
    out = programme.parent / "day.png"
    done = preview(programme, "--day", "2026-11-24", *SIZE, "--zone", "shelf", out)
    assert done.returncode == 0
    picture = pygame.image.load(out)
    assert picture.get_width() == 2 * 512 + 32  # Two columns for three scenes.
    assert has(picture, "blue")
    assert has(picture, "white")


def test_a_day_is_a_film_of_a_second_and_a_half_a_scene(programme: Path) -> None:
    out = programme.parent / "day.mp4"
    assert preview(programme, "--day", "2026-11-24", "--size", "641x361", "--language", "ja", out).returncode == 0
    with av.open(str(out)) as made:
        stream = made.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 640, 378)
        times = [frame.time for frame in made.decode(stream)]
    assert times[-1] == pytest.approx(3 * 1.5 - 1 / 30)
    assert list(programme.parent.glob("*.part")) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--content", "nothing", "out.png"), "no content 'nothing'"),
        (("--content", "tea", "--store", "nowhere", "out.png"), "no store 'nowhere'"),
        (("--content", "tea", "no/such/out.png"), "cannot be written"),
        (("--day", "2026-11-24", "no/such/out.mp4"), "cannot be written"),
        (("--day", "2026-11-24", "out.gif"), "must end with .png or .mp4"),
        (("--content", "tea", "out.mp4"), "must end with .png"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(arguments: tuple[str, ...], why: str, programme: Path) -> None:
    *given, out = arguments
    done = preview(programme, *given, *SIZE, programme.parent / out)
    assert done.returncode == 1
    assert why in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_what_is_wrong_with_the_file_is_listed(programme: Path) -> None:
    programme.write_text("contents:\n- {content: A B, layout: campaign}\n")
    done = preview(programme, "--content", "tea", programme.parent / "out.png")
    assert done.returncode == 2
    assert "line 2" in done.stderr


def test_frames_count_up_and_a_fade_is_whole() -> None:
    first, second = pygame.Surface((2, 2)), pygame.Surface((2, 2))
    second.fill("white")
    given = [(at, picture.get_at((0, 0)).r) for at, picture in _frames(iter([first, second]))]
    assert [at for at, _ in given] == sorted({at for at, _ in given})
    faded = [grey for at, grey in given if 45 <= at < 50]
    assert faded == sorted(faded)
    assert (len(faded), faded[0], faded[-1]) == (5, 41, 211)
    assert given[-1] == (89, 255)


def test_a_sheet_holds_no_more_than_can_be_looked_at(typesetter: Typesetter) -> None:
    shot = Shot(picture=lambda: pygame.Surface((64, 36)), said="x", note="y")
    some = sheet([shot] * 60, (64, 36), "head", typesetter, Theme())
    many = sheet([shot] * 5000, (64, 36), "head", typesetter, Theme())
    assert many.get_size() == some.get_size()
    assert sheet([], (64, 36), "head", typesetter, Theme()).get_width() > 64
