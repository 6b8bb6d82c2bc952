"""What is said of a camera's picture: only what holds, until it is over."""

from __future__ import annotations

import math

import numpy
import pytest

from edge.codes import Gray
from edge.errors import SensorError
from edge.sensors import simulated
from edge.sensors.picture import EVERY, FROZEN, HOLDS, OVER, SAYS, Picture, judged
from edge.sensors.shoppers import Showing

DICE = numpy.random.default_rng(6)
STEP = 1 / 15


def picture(dark: float, bright: float, noise: float = 2.0) -> Gray:
    """A slope of light, with the noise of a sensor."""
    light = numpy.linspace(dark, bright, 640)[None, :] + DICE.normal(0, noise, (480, 640))
    return light.clip(0, 255).astype(numpy.uint8)


GOOD = picture(40, 190)


@pytest.mark.parametrize(
    ("dark", "bright", "said"),
    [
        (0, 4, "black"),
        (10, 12, "black"),
        (14, 38, "dark"),
        (16, 60, ""),
        (40, 190, ""),
        (60, 80, ""),
        (120, 255, ""),
        (210, 245, "bright"),
        (252, 400, "washed"),
        (128, 128, "even"),
    ],
)
def test_light_is_judged(dark: float, bright: float, said: str) -> None:
    assert judged(picture(dark, bright, noise=1.0 if dark != bright else 0.4)[::8, ::8]) == said


def test_a_phone_with_a_white_screen_close_by_is_no_trouble() -> None:
    show = Showing(reader="till", begin=0.0, end=9.0, format="QRCode", content="NOREN-29")
    counter = simulated.counter("till")[0]
    assert judged(counter[::8, ::8]) == ""
    assert judged(simulated.held(counter, simulated.phone(show), 1.0)[::8, ::8]) == ""


def seen(view: Picture, frames: list[Gray], begin: float) -> list[str]:
    return [view.see(gray, begin + number * STEP) for number, gray in enumerate(frames)]


def test_what_is_wrong_is_said_once_it_holds_and_no_longer_than_it_is() -> None:
    view = Picture()
    black = [picture(0, 4) for _ in range(4)]
    wrong = seen(view, (black * 30)[: math.ceil((HOLDS + 1) / STEP)], 100.0)
    first = next(number for number, said in enumerate(wrong) if said)
    assert HOLDS <= first * STEP <= HOLDS + EVERY + STEP
    assert all("only black" in said for said in wrong[first:])
    right = seen(view, [picture(40, 190) for _ in range(40)], 100.0 + len(wrong) * STEP)
    over = next(number for number, said in enumerate(right) if not said)
    assert OVER <= over * STEP <= OVER + 2 * EVERY
    assert not any(right[over:])


def test_a_hand_before_the_lens_is_no_trouble() -> None:
    view = Picture()
    frames = ([picture(0, 4)] * 30 + [picture(40, 190)] * 20) * 3
    assert set(seen(view, frames, 0.0)) == {""}


def test_another_wrong_takes_the_first_ones_place_once_it_holds() -> None:
    view = Picture()
    frames = [picture(0, 4) if number % 2 else picture(1, 4) for number in range(60)]
    assert "only black" in seen(view, frames, 0.0)[-1]
    frames = [picture(252, 400, noise=number % 2 + 1) for number in range(60)]
    said = seen(view, frames, 60 * STEP)
    assert "only black" in said[0]
    assert "washed out" in said[-1]


def test_the_very_same_picture_for_ten_seconds_is_a_failure() -> None:
    view = Picture()
    assert view.see(GOOD, 5.0) == ""
    assert view.see(GOOD.copy(), 5.0 + FROZEN - STEP) == ""
    with pytest.raises(SensorError, match="very same picture") as error:
        view.see(GOOD.copy(), 5.0 + FROZEN)
    assert error.value.fix


def test_one_pixel_in_all_that_time_is_life() -> None:
    view = Picture()
    view.see(GOOD, 0.0)
    other = GOOD.copy()
    other[16, 16] ^= 1
    view.see(other, 9.0)
    assert view.see(other, 15.0) == ""


def test_a_black_picture_is_black_and_not_frozen() -> None:
    view = Picture()
    black = numpy.zeros((480, 640), numpy.uint8)
    assert "only black" in seen(view, [black] * 400, 0.0)[-1]


def test_another_size_is_another_picture() -> None:
    view = Picture()
    view.see(GOOD, 0.0)
    assert view.see(GOOD[:400], 11.0) == ""


@pytest.mark.parametrize("rate", [1, 4, 15, 60])
def test_a_simulated_camera_is_not_frozen(rate: int) -> None:
    counter = simulated.counter("till")
    view = Picture()
    for number in range(rate * 15):
        assert view.see(counter[number % simulated.NOISES], number / rate) == ""


def test_a_hot_pixel_under_a_cap_is_black_and_not_frozen() -> None:
    capped = picture(0, 0, noise=0)
    capped[0, 0] = 200
    assert seen(Picture(), [capped] * 200, 0.0)[-1] == SAYS["black"]
