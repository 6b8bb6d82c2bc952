"""The screen: which display it takes, what it says of it, how it is turned, and a cable that is pulled and put back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pygame import Color, Rect, Surface, transform

from signage import connectors
from signage.config import DisplayConfig
from signage.display import Display
from signage.layer import Part, turned

TREE = Path(__file__).parent.parent.parent


@pytest.fixture
def drm(tmp_path: Path) -> Path:
    folder = tmp_path / "drm"
    folder.mkdir()
    return folder


def plug(drm: Path, name: str, *, status: str = "connected", modes: str = "1920x1080\n1280x720\n", at: int = 0) -> None:
    """Make what the kernel says of a connector."""
    folder = drm / name
    folder.mkdir(exist_ok=True)
    (folder / "status").write_text(f"{status}\n")
    (folder / "modes").write_text(modes)
    if at:
        (folder / "connector_id").write_text(f"{at}\n")


def test_displays_are_counted_as_sdl_does_card_by_card(drm: Path) -> None:
    plug(drm, "card1-HDMI-A-2", at=33, modes="1280x720\n")
    plug(drm, "card1-HDMI-A-1", at=42)
    plug(drm, "card0-DSI-1", modes="800x480\n")
    plug(drm, "card1-Writeback-1", status="unknown")
    plug(drm, "card1-HDMI-A-3", modes="")
    (drm / "version").write_text("drm 1.1.0\n")
    (drm / "card1").mkdir()
    found = [(found.card, found.name, found.mode) for found in connectors.plugs(drm)]
    assert found == [(0, "DSI-1", "800x480"), (1, "HDMI-A-2", "1280x720"), (1, "HDMI-A-1", "1920x1080")]
    assert connectors.number("HDMI-A-1", drm) == 1
    assert connectors.number("HDMI-A-2", drm) == 0


def test_a_display_is_chosen_by_name_or_number_or_is_the_first(drm: Path) -> None:
    plug(drm, "card0-HDMI-A-1")
    plug(drm, "card0-HDMI-A-2")
    named = {output: connectors.chosen(output, drm) for output in ("", "1", "HDMI-A-2", "2", "HDMI-A-9")}
    assert {output: found and found.name for output, found in named.items()} == {
        "": "HDMI-A-1",
        "1": "HDMI-A-2",
        "HDMI-A-2": "HDMI-A-2",
        "2": None,
        "HDMI-A-9": None,
    }
    assert (connectors.number("", drm), connectors.number("HDMI-A-9", drm), connectors.number("3", drm)) == (0, 0, 3)


def test_where_the_kernel_says_nothing_nothing_is_known(drm: Path) -> None:
    assert not connectors.known(drm)
    assert connectors.plugs(drm) == []
    assert connectors.chosen("", drm / "none") is None
    (drm / "card0-HDMI-A-1").mkdir()
    assert connectors.plugs(drm) == []


@pytest.mark.parametrize("output", ["HDMI-A-1 ", "a" * 33, "../x", "卓"])
def test_an_output_that_can_be_none_is_refused(output: str) -> None:
    assert [said.split(":")[0] for said in DisplayConfig(output=output).problems()] == ["output"]


@settings(max_examples=60)
@given(some.integers(1, 40), some.integers(1, 40), some.sampled_from([0, 90, 180, 270]), some.data())
def test_a_place_is_turned_as_the_picture_is(width: int, height: int, rotate: int, data: some.DataObject) -> None:
    x, y = data.draw(some.integers(0, width - 1)), data.draw(some.integers(0, height - 1))
    place = Rect(x, y, data.draw(some.integers(1, width - x)), data.draw(some.integers(1, height - y)))
    picture = Surface((width, height))
    picture.fill("red", place)
    hung = transform.rotate(picture, -rotate)
    other = Surface(hung.get_size())
    other.fill("red", turned(place, (width, height), rotate))
    assert other.get_buffer().raw == hung.get_buffer().raw


def test_parts_lie_over_each_other_in_their_order_and_share(display: Display) -> None:
    red, blue = display.layer(display.size, Color("red")), display.layer((100, 50), Color("blue"))
    at_ns = display.show([Part(red, Rect(0, 0, 1280, 720)), Part(blue, Rect(10, 10, 100, 50), 0.5)], Color("white"))
    assert at_ns == display.flipped_ns
    seen = display.snapshot()
    assert seen.get_size() == display.size
    assert (seen.get_at((5, 5)), seen.get_at((115, 15))) == (Color("red"), Color("red"))
    assert seen.get_at((15, 15)) in (Color(127, 0, 128), Color(127, 0, 127), Color(128, 0, 128))
    display.show([Part(blue, Rect(0, 0, 10, 10), source=Rect(3, 3, 10, 10))], Color("white"))
    assert display.snapshot().get_at((20, 20)) == Color("white")
    assert display.snapshot().get_at((9, 9)) == Color("blue")


def test_a_part_that_is_put_turned_lands_in_its_place_only(display: Display) -> None:
    layer = display.layer((300, 200), Color("red"))
    frame = Surface((100, 50))
    frame.fill("blue")
    layer.put_turned(frame, Rect(150, 120, 100, 50))
    display.show([Part(layer, Rect(0, 0, 300, 200))], Color("white"))
    seen = display.snapshot()
    places = [(149, 120), (150, 119), (150, 120), (249, 169), (250, 169), (249, 170)]
    assert [seen.get_at(place) == Color("blue") for place in places] == [False, False, True, True, False, False]


def test_a_headless_screen_has_no_cable_and_no_trouble(display: Display) -> None:
    assert (display.connected, display.troubles, display.gpu, display.watched) == (True, (), False, False)
    assert display.driver == "dummy software"


def test_layers_of_a_screen_that_was_closed_are_let_go() -> None:
    with Display(DisplayConfig(mode="headless", width=320, height=320)) as other:
        layer = other.layer((10, 10), Color("red"))
    layer.put(Surface((10, 10)))
    layer.put_turned(Surface((5, 5)), Rect(0, 0, 5, 5))
    assert layer.texture is None
    with pytest.raises(RuntimeError, match="outside of its `with`"):
        other.snapshot()


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., list[str]]:
    """Run lines in a process of their own, whose full screen is SDL's that nobody sees; give what they print."""

    def run(lines: str, driver: str = "dummy") -> list[str]:
        script = tmp_path / "alone.py"
        script.write_text(_BEFORE + lines)
        environment = os.environ | {"SDL_VIDEODRIVER": driver, "PYTHONPATH": str(TREE), "NAMED": str(tmp_path)}
        done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


_BEFORE = """
import os
from collections import Counter
from pathlib import Path
from signage.assets import Assets
from signage.config import DisplayConfig, Theme
from signage.contract import Scene
from signage.display import Display
from signage.errors import NoScreen
from signage.pictures import Pictures
from signage.stage import Stage
from signage.text import Typesetter

folder = Path(os.environ["NAMED"])
drm = folder / "drm"
now = [0.0]
full = Display(DisplayConfig(mode="full"), drm, lambda: now[0])
cable = drm / "card0-HDMI-A-1" / "status"

def look(seconds):
    now[0] += seconds
    assert not full.closed_by_hand()
    print(full.connected, full.opened, *(said.split(":")[0] for said in full.troubles))
"""


def test_a_display_that_is_pulled_is_told_and_one_that_is_put_back_shows_the_same_again(
    drm: Path, alone: Callable[..., list[str]]
) -> None:
    plug(drm, "card0-HDMI-A-1")
    said = alone("""
counts = Counter()
one, other = (Scene(scene=name, layout="notice", language="ja", title=name) for name in ("one", "other"))
with (
    full,
    Typesetter(counts) as typesetter,
    Assets(folder / "assets", counts) as assets,
    Pictures(assets, print, counts) as pictures,
):
    stage = Stage(full, pictures, typesetter, Theme(), counts)
    stage.cut(one, 0.0)
    before = full.checksum()
    look(2)
    cable.write_text("disconnected")
    look(0.5)
    look(1)
    print(stage.cut(other, 1.0).drawn, stage.cut(one, 1.0).drawn)
    look(6)
    cable.write_text("connected")
    look(6)
    stage.step(8.0)
    print(full.checksum() == before, stage.cut(other, 9.0).at_ns == full.flipped_ns)
    (drm / "card0-HDMI-A-1" / "modes").write_text("1280x720")
    stage.cover(one, 9.0)
    before = full.checksum()
    look(2)
    stage.step(10.0)
    print(full.checksum() == before, stage.uncover(10.0).drawn)
""")
    gone = "False 1 No display answers on any connector"
    here = [line for line in said if line.startswith("True 1 ")]
    assert here[0].startswith("True 1 No graphics processor draws (dummy software)")
    assert said[len(here) :] == [
        gone,
        "True True",
        gone,
        here[0].replace("True 1", "True 2"),
        "True True",
        here[0].replace("True 1", "True 3"),
        "True True",
    ]


def test_without_a_display_it_plays_unseen_until_one_comes(drm: Path, alone: Callable[..., list[str]]) -> None:
    plug(drm, "card0-HDMI-A-1", status="disconnected")
    said = alone("""
with full:
    print(full.size)
    look(3)
    cable.write_text("connected")
    look(3)
""")
    assert said[:2] == ["(1920, 1080)", "False 1 No display answers on any connector"]
    assert said[2].startswith("True 2 No graphics processor draws")


def test_a_display_that_nothing_can_open_is_said(drm: Path, alone: Callable[..., list[str]]) -> None:
    plug(drm, "card0-HDMI-A-1")
    said = alone(
        """
try:
    with full:
        pass
except NoScreen as error:
    print(error)
""",
        driver="kmsdrm",
    )
    assert said[0].startswith("No full screen could be opened: kmsdrm opens no screen")


def test_mesas_own_rasteriser_is_no_graphics_processor(drm: Path, alone: Callable[..., list[str]]) -> None:
    """Where this machine has OpenGL at all, it is Mesa's; SDL calls that accelerated, and it shows the same."""
    said = alone(
        """
with full:
    from pygame import Color, Rect, Surface
    from signage.layer import Part
    layer = full.layer((100, 50), Color("red"))
    frame = Surface((20, 10))
    frame.fill("blue")
    layer.put_turned(frame, Rect(70, 30, 20, 10))
    full.show([Part(layer, Rect(5, 5, 100, 50))], Color("white"))
    seen = full.snapshot()
    print(*(seen.get_at(at)[:3] for at in ((4, 4), (5, 5), (75, 35), (94, 44), (95, 44))))
    first = full.checksum()
    layer.put(Surface((100, 50)))
    full.show([Part(layer, Rect(5, 5, 100, 50))], Color("white"))
    print(first != full.checksum(), full.gpu, len(full.troubles))
""",
        driver="offscreen",
    )
    red, blue, white = ("(255, 0, 0)", "(0, 0, 255)", "(255, 255, 255)")
    assert said == [" ".join([white, red, blue, blue, red]), "True False 1"]
