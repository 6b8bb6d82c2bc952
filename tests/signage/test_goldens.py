"""The golden pictures: each layout in its languages and shapes as somebody has judged it, within a tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pygame
import pytest
import signage_goldens as goldens
from numpy.typing import NDArray
from pygame import Surface

from signage.display import Display
from signage.pictures import Pictures
from signage.text import Typesetter

_STEP = 24
"""Of 255: what another version of the font's rasteriser or of the picture's decoder may do at an edge."""
_MOST_APART = 0.001
"""Of the pixels: a line that breaks elsewhere, or a letter of another face, is more."""


@pytest.fixture(scope="module")
def drawing(display: Display) -> Iterator[tuple[Pictures, Typesetter]]:
    yield from goldens.opened()


def pixels(surface: Surface) -> NDArray[np.int16]:
    width, height = surface.get_size()
    return np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(height, width, 3).astype(np.int16)


def apart(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """The share of pixels that differ by more than a step, after blurring over two by two."""

    def blurred(of: NDArray[np.int16]) -> NDArray[np.int16]:
        return (of[:-1, :-1] + of[1:, :-1] + of[:-1, 1:] + of[1:, 1:]) // 4

    return float((np.abs(blurred(one) - blurred(other)).max(axis=2) > _STEP).mean())


@pytest.mark.parametrize("golden", goldens.GOLDENS, ids=lambda golden: golden.name)
def test_it_looks_as_it_was_judged(golden: goldens.Golden, drawing: tuple[Pictures, Typesetter]) -> None:
    kept = pygame.image.load(goldens.FOLDER / f"{golden.name}.png")
    drawn = goldens.draw(golden, *drawing)
    assert drawn.get_size() == kept.get_size()
    share = apart(pixels(drawn), pixels(kept))
    assert share <= _MOST_APART, f"{share:.2%} of it differ; draw it anew with tests/signage_goldens.py and look at it"


def test_another_word_is_seen(drawing: tuple[Pictures, Typesetter]) -> None:
    """The tolerance tells two of the pictures apart, and one that lacks a line of small text."""
    golden = next(golden for golden in goldens.GOLDENS if golden.name == "one-ja-landscape")
    whole = pixels(goldens.draw(golden, *drawing))
    without = replace(golden, scene=replace(golden.scene, text=""))
    assert apart(whole, pixels(goldens.draw(without, *drawing))) > _MOST_APART


def test_there_are_twenty_four_in_five_languages_and_both_shapes() -> None:
    assert len({golden.name for golden in goldens.GOLDENS}) == 24
    assert {golden.scene.language for golden in goldens.GOLDENS} == {"ja", "en", "zh-hans", "zh-hant", "ko"}
    assert sum(golden.portrait for golden in goldens.GOLDENS) == 12
    assert {file.stem for file in goldens.FOLDER.glob("*.png")} == {golden.name for golden in goldens.GOLDENS}
