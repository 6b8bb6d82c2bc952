"""The stage, frame by frame with a clock of our own: fades, parts, covers, clocks, bands and films."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygame
import pytest
from film_files import film as make_film
from pygame import Color, Rect, Surface

from signage.assets import Assets
from signage.config import DisplayConfig, Theme
from signage.contract import Region, Scene
from signage.display import Display
from signage.films import Films
from signage.pane import FADE, FRAME, STANDING
from signage.pictures import Pictures
from signage.stage import Stage
from signage.text import Align, Block, Typesetter

SIZE = (1280, 720)
PARTS = (
    Region(region="big", at=(0, 0, 667, 900), shows="main"),
    Region(region="side", at=(667, 0, 333, 700), shows="list"),
    Region(region="time", at=(667, 700, 333, 200), shows="clock"),
    Region(region="band", at=(0, 900, 1000, 100), shows="ticker", scenes=("a", "b")),
)
BIG, SIDE, TIME, BAND = Rect(0, 0, 854, 648), Rect(854, 0, 426, 504), Rect(854, 504, 426, 144), Rect(0, 648, 1280, 72)
SOON = FRAME + 1e-6


class Stumbling(Typesetter):
    """Cannot draw one word."""

    def draw(
        self, surface: Surface, block: Block, at: tuple[int, int], colour: Color, align: Align = "left", room: int = 0
    ) -> None:
        if block.said == "つまずく":
            raise ValueError("no")
        super().draw(surface, block, at, colour, align, room)


class Theatre:
    """A stage with all it needs, whose time stands until we move it."""

    def __init__(self, display: Display, pictures: Pictures, films: Films, counts: Counter[str]) -> None:
        self.display = display
        self.pictures = pictures
        self.counts = counts
        self.now = 100.0
        self.wall = datetime(2026, 11, 24, 9, 59, 30, tzinfo=UTC)
        self.typesetter = Stumbling(counts)
        self.films = films

    def __enter__(self) -> Theatre:
        self.typesetter.__enter__()
        self.stage = Stage(self.display, self.pictures, self.typesetter, Theme(), self.counts, self.films)
        return self

    def __exit__(self, *_: object) -> None:
        self.stage.close()
        self.typesetter.__exit__(None, None, None)

    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.wall += timedelta(seconds=seconds)
        self.stage.step(self.now)

    def until(self, true: Callable[[], bool]) -> None:
        """Let other threads and processes go on, at a time that stands, until it is so."""
        while not true():
            self.stage.step(self.now)
            os.sched_yield()

    def seen(self, part: Rect | None = None) -> bytes:
        picture = self.display.snapshot()
        return pygame.image.tobytes(picture.subsurface(part) if part else picture, "RGB")

    def colour(self, at: tuple[int, int]) -> Color:
        return self.display.snapshot().get_at(at)


@pytest.fixture
def assets(tmp_path: Path, counts: Counter[str]) -> Iterator[Assets]:
    with Assets(tmp_path / "assets", counts) as assets:
        yield assets


@pytest.fixture
def theatre(assets: Assets, display: Display, counts: Counter[str]) -> Iterator[Theatre]:
    with (
        Pictures(assets, lambda: None, counts) as pictures,
        Films(assets, counts) as films,
        Theatre(display, pictures, films, counts) as theatre,
    ):
        yield theatre


def test_a_cut_is_seen_when_it_returns_and_nothing_is_due_after_it(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    shown = theatre.stage.cut(scene(title="いま"), 100.0)
    assert shown.at_ns == theatre.display.flipped_ns
    assert (shown.drawn, "いま" in shown.texts) == (True, True)
    assert theatre.stage.patience() is None
    theatre.turn(3600)
    assert theatre.display.flipped_ns == shown.at_ns


def test_a_fade_goes_from_one_picture_to_the_other_frame_by_frame(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.cut(scene(title="い"), 100.0)
    old = theatre.seen()
    shown = stage.fade(scene("b", title="ろ"), theatre.now)
    assert (shown.at_ns, stage.fading, stage.moving) == (theatre.display.flipped_ns, True, True)
    pictures = [old, theatre.seen()]
    while stage.fading:
        assert stage.patience(theatre.now) == pytest.approx(FRAME)
        before = theatre.display.flipped_ns
        stage.step(theatre.now + FRAME / 2)  # Too soon for another frame.
        assert theatre.display.flipped_ns == before
        theatre.turn(SOON)
        pictures.append(theatre.seen())
    assert len(set(pictures)) == len(pictures) == 2 + 11
    stage.cut(scene("b", title="ろ"), theatre.now)
    assert theatre.seen() == pictures[-1]
    assert stage.late() == 0
    assert stage.fps() == pytest.approx(60, abs=0.1)
    assert stage.fps() == 0


def test_frames_that_come_too_late_are_counted_once(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    theatre.stage.cut(scene(title="い"), 100.0)
    theatre.stage.fade(scene("b", title="ろ"), theatre.now)
    theatre.turn(SOON)
    theatre.turn(3 * FRAME)
    theatre.turn(SOON)
    assert theatre.stage.late() == 1
    assert theatre.stage.late() == 0
    assert theatre.counts["frames_late"] == 1


def test_what_was_drawn_ahead_is_not_drawn_again(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage, following = theatre.stage, scene("b", title="ろ")
    stage.cut(scene(title="い"), 100.0)
    assert not stage.prepared(following)
    before = theatre.seen()
    stage.prepare(following)
    assert (stage.prepared(following), theatre.seen()) == (True, before)
    stage.fade(following, theatre.now)
    assert stage.prepared(scene("c", title="は"))  # A fade is not to be disturbed.
    theatre.turn(FADE)
    assert not stage.prepared(scene("c", title="は"))
    assert stage.prepared(scene(title="い"))


def test_late_pictures_are_put_in_also_into_what_was_drawn_ahead(
    theatre: Theatre,
    assets: Assets,
    tmp_path: Path,
    scene: Callable[..., Scene],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    red, blue = (stored(tmp_path / "assets", png(60, 60, colour)) for colour in ("red", "blue"))
    first, second = (scene(name, layout="campaign", picture=name) for name in (red, blue))
    stage = theatre.stage
    stage.cut(first, 100.0)
    stage.prepare(second)
    theatre.pictures.finish()
    assert theatre.colour((1000, 600)) != Color("red")
    theatre.turn(0)
    assert theatre.colour((1000, 600)) == Color("red")
    assert not stage.prepared(second)
    stage.prepare(second)
    stage.cut(second, theatre.now)
    assert theatre.colour((1000, 600)) == Color("blue")


def test_each_part_shows_its_own_and_neighbours_touch(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.tell(lambda: theatre.wall)
    stage.arrange(PARTS, [scene("a", title="あ" * 40), scene("b", title="い" * 40)])
    stage.cut(scene("x"), 100.0)  # `main`, though it is called big.
    stage.cut(scene("y", title="横"), 100.0, "side")
    before = {part: theatre.seen(Rect(part)) for part in (tuple(BIG), tuple(SIDE), tuple(TIME))}
    shown = stage.cut(scene("z", title="下"), theatre.now, "side")
    assert shown.texts == ("下",)
    changed = [part for part, seen in before.items() if theatre.seen(Rect(part)) != seen]
    assert changed == [tuple(SIDE)]
    accent, shade = Color(Theme().accent), theatre.colour((TIME.x, TIME.y))
    assert [theatre.colour((x, 719)) for x in (0, 1279)] == [accent, accent]
    assert shade == theatre.colour((1279, TIME.bottom - 1)) != theatre.colour((TIME.x - 1, TIME.y))


def test_a_part_that_is_not_there_shows_nothing_and_is_no_play(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.cut(scene("x"), 100.0)
    before = theatre.seen()
    for bring in (stage.cut, stage.fade):
        shown = bring(scene("y", title="y"), theatre.now, "nowhere")
        assert (shown.at_ns, shown.drawn) == (0, False)
    stage.prepare(scene("y"), "nowhere")
    assert stage.prepared(scene("y"), "nowhere")
    assert theatre.seen() == before


def test_while_it_is_divided_anew_the_last_picture_stands_until_the_next_step(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.cut(scene("x", title="大きな大きな題字"), 100.0)
    before = theatre.seen(SIDE)
    stage.arrange(PARTS)
    assert theatre.seen(SIDE) == before
    stage.cut(scene("x"), theatre.now, "big")
    assert theatre.seen(SIDE) == before
    theatre.turn(0)
    assert set(theatre.seen(SIDE)) == set(Color(Theme().paper)[:3])
    stage.arrange(PARTS)
    theatre.turn(0)
    assert theatre.seen(BIG) != before
    stage.arrange(())
    stage.cut(scene("y"), theatre.now)
    assert theatre.stage.patience() is None or theatre.stage.patience() == 0.0


def test_parts_that_stay_keep_what_they_show(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.arrange(PARTS)
    stage.cut(scene("x"), 100.0, "big")
    before = theatre.seen(BIG)
    stage.arrange(PARTS[:1])
    theatre.turn(0)
    assert theatre.seen(BIG) == before


def test_a_cover_hides_all_and_what_lay_under_it_is_there_again_unchanged(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.tell(lambda: theatre.wall)
    stage.arrange(PARTS, [scene("a", title="あ" * 60)])
    stage.cut(scene("x"), 100.0)
    stage.cut(scene("y"), 100.0, "side")
    theatre.turn(0)
    before = theatre.seen()
    assert (stage.uncover(theatre.now), stage.moving) == (None, True)
    shown = stage.cover(scene("p", title="ようこそ"), theatre.now)
    assert (shown.at_ns, stage.moving) == (theatre.display.flipped_ns, False)
    covered = theatre.seen()
    assert stage.patience() is None
    theatre.turn(20)
    assert theatre.seen() == covered
    again = stage.uncover(theatre.now)
    assert again is not None
    assert again.at_ns == theatre.display.flipped_ns
    assert "お知らせ" in again.texts
    assert theatre.seen() == before


def test_what_is_changed_under_a_cover_is_seen_only_when_that_goes(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.cut(scene("x"), 100.0)
    stage.cover(scene("p", title="ようこそ"), theatre.now)
    covered, flipped = theatre.seen(), theatre.display.flipped_ns
    for bring in (stage.cut, stage.fade):
        assert bring(scene("y", title=bring.__name__), theatre.now).at_ns == 0
    theatre.turn(1)
    assert (theatre.seen(), theatre.display.flipped_ns) == (covered, flipped)
    shown = stage.uncover(theatre.now)
    assert shown is not None
    assert "fade" in shown.texts


def test_a_cover_ends_a_fade_and_another_cover_takes_its_place(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.cut(scene("x"), 100.0)
    stage.fade(scene("y", title="y"), theatre.now)
    stage.cover(scene("p", title="ひとり"), theatre.now)
    one = theatre.seen()
    stage.cover(scene("q", title="ふたり"), theatre.now)
    assert theatre.seen() != one
    stage.uncover(theatre.now)
    uncovered = theatre.seen()
    stage.cut(scene("y", title="y"), theatre.now)
    assert theatre.seen() == uncovered


def test_a_dark_screen_is_black_until_something_is_brought(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.cut(scene("x"), 100.0)
    before = theatre.seen()
    stage.blank()
    assert set(theatre.seen()) == {0}
    assert stage.cut(scene("y", title="y"), theatre.now).at_ns == 0
    assert stage.cover(scene("p"), theatre.now).at_ns == 0
    theatre.turn(1)
    assert set(theatre.seen()) == {0}
    assert stage.patience() is None
    stage.unblank()
    assert set(theatre.seen()) == {0}  # Nothing old is seen before the player has brought what is due.
    stage.uncover(theatre.now)
    stage.cut(scene("x"), theatre.now)
    assert theatre.seen() == before
    stage.blank()
    stage.unblank()
    assert stage.patience() == 0
    theatre.turn(0)
    assert theatre.seen() == before


def test_a_scene_that_cannot_be_drawn_leaves_the_curtain_in_its_part(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.arrange(PARTS[:2])
    stage.cut(scene("x"), 100.0, "big")
    before = theatre.seen(BIG)
    shown = stage.cut(scene("y", title="つまずく"), theatre.now, "side")
    assert (shown.drawn, theatre.counts["scenes_undrawable"]) == (False, 1)
    curtain = theatre.seen(SIDE)
    stage.cut(STANDING, theatre.now, "side")
    assert (theatre.seen(SIDE), theatre.seen(BIG)) == (curtain, before)


def test_a_clock_changes_with_the_minute_and_not_in_between(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.arrange((PARTS[0], PARTS[2]))
    stage.cut(scene("x"), 100.0)
    assert set(theatre.seen(TIME)) == set(Color(Theme().paper)[:3])  # Nobody has told the time.
    stage.tell(lambda: theatre.wall)
    theatre.turn(0)
    at_9_59, flipped = theatre.seen(TIME), theatre.display.flipped_ns
    assert stage.patience() == 30
    theatre.turn(29.5)
    assert (stage.patience(), theatre.display.flipped_ns) == (0.5, flipped)
    theatre.turn(0.5)
    assert theatre.seen(TIME) != at_9_59
    stage.cover(scene("p"), theatre.now)
    theatre.wall -= timedelta(seconds=30)
    theatre.turn(0)
    stage.uncover(theatre.now)
    assert theatre.seen(TIME) == at_9_59


def test_a_band_runs_without_a_seam_and_one_that_fits_stands_still(
    theatre: Theatre, scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.arrange((PARTS[0], PARTS[3]), [scene("a", title="短い")])
    stage.cut(scene("x"), 100.0)
    theatre.turn(0)
    assert (stage.moving, stage.patience()) == (False, None)
    # Wider than the widest texture: tiles must join.
    said = [scene("a", title="長い言葉" * 30), scene("b", title="続き" * 20), scene("c", title="ほか")]
    stage.arrange((PARTS[0], PARTS[3]), said)
    theatre.turn(0)
    assert (stage.moving, stage.fading) == (True, False)
    before = theatre.display.snapshot()
    for _ in range(60):
        assert 0 < (stage.patience(theatre.now) or 0) <= 2 * FRAME
        theatre.turn(2 * SOON)
    after = theatre.display.snapshot()
    step = round(72 * 1.6 * 2 * FRAME) * 60
    seen = pygame.image.tobytes(before.subsurface((step, BAND.y, 1280 - step, BAND.height)), "RGB")
    assert seen == pygame.image.tobytes(after.subsurface((0, BAND.y, 1280 - step, BAND.height)), "RGB")
    assert stage.late() == 0
    assert stage.fps() == pytest.approx(30, abs=0.1)
    picture = theatre.seen(BAND)
    stage.cover(scene("p"), theatre.now)
    theatre.turn(1000)
    stage.uncover(theatre.now)
    assert theatre.seen(BAND) == picture
    theatre.turn(0)
    theatre.turn(2 * SOON)
    assert theatre.seen(BAND) != picture


def test_a_band_comes_round_again(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.arrange((PARTS[0], PARTS[3]), [scene("a", title="長い言葉" * 12)])
    stage.cut(scene("x"), 100.0)
    theatre.turn(0)
    first = theatre.seen(BAND)
    rounds = 1
    theatre.turn(2 * SOON)
    while theatre.seen(BAND) != first and rounds < 2000:
        theatre.turn(2 * FRAME)
        rounds += 1
    assert 300 < rounds < 2000


def test_the_checksum_follows_what_is_seen_and_nothing_else(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    stage.cut(scene("x"), 100.0)
    one = theatre.display.checksum()
    stage.prepare(scene("y", title="ほかの題字"))
    assert theatre.display.checksum() == one
    stage.cut(scene("y", title="ほかの題字"), theatre.now)
    assert theatre.display.checksum() != one
    stage.cut(scene("x"), theatre.now)
    assert theatre.display.checksum() == one


@pytest.fixture
def filmed(tmp_path: Path, scene: Callable[..., Scene], stored: Callable[[Path, bytes], str]) -> Callable[..., Scene]:
    """Make a scene with a film of greys, one a picture."""

    def make(name: str = "f", data: bytes | None = None, **given: object) -> Scene:
        data = make_film(tmp_path / "made.mp4", **given).read_bytes() if data is None else data  # type: ignore[arg-type]
        return scene(name, layout="campaign", film=stored(tmp_path / "assets", data))

    return make


MIDDLE = (1000, 400)


def test_a_film_runs_in_its_place_stands_under_a_cover_and_goes_on_where_it_was(
    theatre: Theatre, filmed: Callable[..., Scene], scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.cut(filmed(pictures=30), 100.0)
    place_holder = theatre.seen()
    theatre.until(lambda: stage.moving)
    first = theatre.colour(MIDDLE)
    assert first == Color(0, 0, 0)
    assert theatre.seen() != place_holder
    theatre.now += 1 / 32
    theatre.until(lambda: theatre.colour(MIDDLE) != first)
    second = theatre.colour(MIDDLE)
    stage.cover(scene("p", layout="campaign"), theatre.now)
    theatre.turn(1000)
    assert not stage.moving
    stage.uncover(theatre.now)
    assert theatre.colour(MIDDLE) == second
    stage.step(theatre.now)
    assert theatre.colour(MIDDLE) == second
    theatre.now += 1 / 32
    theatre.until(lambda: theatre.colour(MIDDLE) != second)
    assert theatre.colour(MIDDLE).r == pytest.approx(2 * second.r - first.r, abs=2)
    stage.cut(scene("x"), theatre.now)
    assert not stage.moving


def test_a_film_that_is_over_keeps_its_last_picture_and_begins_again_with_its_next_turn(
    theatre: Theatre, filmed: Callable[..., Scene]
) -> None:
    stage, short = theatre.stage, filmed(pictures=2)
    stage.cut(short, 100.0)
    theatre.until(lambda: stage.moving)
    first = theatre.colour(MIDDLE)
    while stage.moving:
        theatre.now += 0.01
        stage.step(theatre.now)
        os.sched_yield()
    last = theatre.colour(MIDDLE)
    assert (last != first, stage.patience(), stage.broken()) == (True, None, False)
    stage.cut(short, theatre.now)
    assert theatre.colour(MIDDLE) == last
    theatre.until(lambda: stage.moving)
    assert theatre.colour(MIDDLE) == first


def test_a_late_picture_does_not_come_before_a_film_that_runs(
    theatre: Theatre,
    filmed: Callable[..., Scene],
    tmp_path: Path,
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    stage = theatre.stage
    poster = png(60, 60, "blue")
    given = filmed(pictures=30)
    stage.cut(replace(given, picture=hashlib.sha256(poster).hexdigest()), 100.0)
    theatre.until(lambda: stage.moving)
    grey = theatre.colour(MIDDLE)
    theatre.pictures.arrived(stored(tmp_path / "assets", poster))
    theatre.pictures.finish()
    flipped = theatre.display.flipped_ns
    stage.step(theatre.now)
    assert theatre.display.flipped_ns > flipped
    assert theatre.colour(MIDDLE) == grey


def test_a_film_that_cannot_be_played_leaves_its_picture_and_is_told(
    theatre: Theatre, filmed: Callable[..., Scene], scene: Callable[..., Scene]
) -> None:
    stage = theatre.stage
    stage.cut(filmed(data=b"no film at all"), 100.0)
    before = theatre.seen()
    theatre.until(stage.broken)
    assert (theatre.seen(), stage.moving, stage.patience()) == (before, False, None)
    stage.cut(scene("x"), theatre.now)
    assert not stage.broken()


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_screen_that_hangs_on_its_side_shows_the_same_turned_once(
    rotate: int,
    theatre: Theatre,
    scene: Callable[..., Scene],
    filmed: Callable[..., Scene],
    counts: Counter[str],
    assets: Assets,
) -> None:
    panel = SIZE if rotate == 180 else SIZE[::-1]
    config = DisplayConfig(mode="headless", width=panel[0], height=panel[1], rotate=rotate)  # type: ignore[arg-type]
    said = [scene("a", title="長い言葉" * 30)]
    short = filmed(pictures=8, corner=True)
    with (
        Display(config) as hung,
        Films(assets, counts, rotate) as films,
        Theatre(hung, theatre.pictures, films, counts) as other,
    ):
        assert hung.size == SIZE
        for each in (theatre, other):
            each.stage.tell(lambda: theatre.wall)
            each.stage.arrange(PARTS, said)
            each.stage.cut(short, 100.0, "big")
            each.stage.cut(scene("y", title="横"), 100.0, "side")
            each.until(lambda each=each: each.stage._panes["big"].moving)  # type: ignore[misc]
            each.turn(0)
        for part in (SIDE, TIME, BAND):
            assert other.seen(part) == theatre.seen(part)
        corners = [(x, y) for x in (340, 800) for y in (100, 560)]
        for corner in corners:
            upright, turned = theatre.colour(corner), other.colour(corner)
            assert max(abs(is_ - be) for is_, be in zip(turned, upright, strict=True)) <= 4
        hung._draw()
        raw = hung._graphics().to_surface()
        assert raw.get_size() == panel
        band = {90: (0, 640), 180: (640, 0), 270: (719, 640)}[rotate]
        assert raw.get_at(band) == Color(Theme().accent)


def test_no_frame_is_ever_black(theatre: Theatre, scene: Callable[..., Scene]) -> None:
    stage = theatre.stage
    flipped: list[int] = []

    def look() -> None:
        flipped.append(theatre.display.flipped_ns)
        picture = theatre.display.snapshot()
        assert all(picture.get_at((x, y))[:3] != (0, 0, 0) for x in range(3, 1280, 90) for y in range(3, 720, 40))

    acts: list[Callable[[], object]] = [
        lambda: stage.cut(scene("a"), theatre.now),
        lambda: stage.fade(scene("b", title="b"), theatre.now),
        lambda: stage.cover(scene("p", title="p"), theatre.now),
        lambda: stage.uncover(theatre.now),
        lambda: stage.arrange(PARTS, [scene("a", title="a" * 90)]),
        lambda: stage.cut(scene("c"), theatre.now, "side"),
        lambda: stage.fade(scene("d"), theatre.now),
        lambda: stage.arrange(()),
        lambda: stage.fade(scene("f", layout="campaign", film="0" * 64), theatre.now),
        lambda: stage.cut(scene("e"), theatre.now),
    ]
    for act in acts:
        act()
        look()
        for seconds in (0.0, SOON, FADE):
            theatre.turn(seconds)
            look()
    assert len(set(flipped)) > len(acts)


def test_a_film_that_comes_again_begins_with_its_picture(
    theatre: Theatre, filmed: Callable[..., Scene], scene: Callable[..., Scene]
) -> None:
    stage, again = theatre.stage, filmed()
    stage.cut(again, 100.0)
    place_holder = theatre.seen()
    theatre.until(lambda: stage.moving)
    assert theatre.seen() != place_holder
    stage.cut(scene("x"), theatre.now)
    stage.cut(again, theatre.now)
    assert theatre.seen() == place_holder
    stage.cut(scene("x"), theatre.now)
    for _ in range(2):
        stage.cover(again, theatre.now)
        assert theatre.seen() == place_holder
        theatre.until(lambda: stage.moving)
        assert theatre.seen() != place_holder
        stage.uncover(theatre.now)
