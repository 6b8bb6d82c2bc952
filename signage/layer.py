"""Pictures that the graphics hold, and where they lie on a screen that may hang on its side."""

from __future__ import annotations

from typing import NamedTuple

import pygame
from pygame import Rect, Surface
from pygame._sdl2.video import Texture


class Layer:
    """A picture that the graphics hold, in the size in which it is drawn; it is turned when it is put there."""

    def __init__(self, texture: Texture, size: tuple[int, int], rotate: int) -> None:
        self.texture: Texture | None = texture
        """None once the screen it was made for is closed: SDL must not find a texture that outlives its renderer."""
        self.size = size
        self._rotate = rotate

    def put(self, picture: Surface) -> None:
        """Take the picture, which is of the layer's size."""
        if self.texture is not None:
            self.texture.update(pygame.transform.rotate(picture, -self._rotate) if self._rotate else picture)

    def put_turned(self, picture: Surface, place: Rect) -> None:
        """Take a part that is turned already."""
        if self.texture is not None:
            # pygame-ce 2.5.8 heeds where a tuple lies; of a Rect it takes the size alone.
            self.texture.update(picture, tuple(turned(place, self.size, self._rotate)))


class Part(NamedTuple):
    """A layer, or a part of it, on the screen; all rectangles as people see them."""

    layer: Layer
    at: Rect
    share: float = 1.0
    """How much of it is mixed with what lies under it."""
    source: Rect | None = None


def turned(place: Rect, size: tuple[int, int], rotate: int) -> Rect:
    """Where a rectangle in a picture of `size` lies once the picture is turned clockwise."""
    x, y, width, height = place
    match rotate:
        case 90:
            return Rect(size[1] - y - height, x, height, width)
        case 180:
            return Rect(size[0] - x - width, size[1] - y - height, width, height)
        case 270:
            return Rect(y, size[0] - x - width, height, width)
    return place
