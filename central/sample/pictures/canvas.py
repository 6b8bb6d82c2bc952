"""Paints flat shapes, patterns and shades larger than they are wanted, and shrinks them for clean edges."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TypeAlias, cast

from PIL import Image, ImageChops, ImageDraw

from central.sample.pictures import wagara
from central.sample.pictures.colours import DARK, WHITE, Colour
from central.sample.pictures.outlines import Outline, Point, circle, moved

FINER = 2
"""Pixels drawn for one that is kept, each way."""
PLAIN = "muji"
"""無地: no pattern."""


Line: TypeAlias = Sequence[Point]


class Canvas:
    """A picture in the making. Coordinates are units of the view, which is the whole picture in pixels at first."""

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.image = Image.new("RGB", (width * FINER, height * FINER), ground)
        self._draw = ImageDraw.Draw(self.image)
        self.view((0, 0), 1)

    def view(self, corner: Point, zoom: float) -> None:
        """From here on, `corner` is at the top left, and a unit is `zoom` pixels long."""
        self._corner = corner
        self._scale = zoom * FINER

    def fill(self, outline: Line, colour: Colour) -> None:
        self._draw.polygon(self._pixels(outline), fill=colour)

    def line(self, points: Line, width: float, colour: Colour) -> None:
        """A line with round ends and joints."""
        self._draw.line(self._pixels(points), fill=colour, width=round(width * self._scale), joint="curve")
        for x, y in (points[0], points[-1]):
            self.fill(circle(x, y, width / 2), colour)

    def wash(self, outline: Line, colour: Colour, alpha: float, within: Line | None = None) -> None:
        """Fill translucently, and only inside `within`."""
        mask, corner = self._mask(outline, round(255 * alpha))
        if within is not None:
            mask = ImageChops.darker(mask, self._mask_at(within, corner, mask.size))
        self._paint(colour, corner, mask)

    def cover(self, outline: Line, pattern: str, colour: Colour, size: float = 56, within: Line | None = None) -> None:
        """Lay a wagara over the shape, and only inside `within`; its repeat is `size` wide."""
        if pattern == PLAIN:
            return
        mask, corner = self._mask(outline, 255)
        if within is not None:
            mask = ImageChops.darker(mask, self._mask_at(within, corner, mask.size))
        tile = wagara.tile(pattern, round(size * self._scale))
        cloth = Image.new("L", mask.size)
        for left in range(0, mask.width, tile.width):
            for top in range(0, mask.height, tile.height):
                cloth.paste(tile, (left, top))
        self._paint(colour, corner, ImageChops.darker(cloth, mask))

    def shade(self, outline: Line, dx: float, dy: float = 0.0, alpha: float = 0.12, colour: Colour = DARK) -> None:
        """Darken the rim that a copy moved by (-dx, -dy) leaves free: the side away from the light."""
        mask, corner = self._mask(outline, round(255 * alpha))
        lit = self._mask_at(moved(outline, -dx, -dy), corner, mask.size)
        self._paint(colour, corner, ImageChops.subtract(mask, lit))

    def light(self, outline: Line, dx: float, dy: float = 0.0, alpha: float = 0.22) -> None:
        """Brighten the rim on the other side."""
        self.shade(outline, -dx, -dy, alpha, WHITE)

    def shadow(self, x: float, y: float, rx: float, ry: float = 0.0, alpha: float = 0.14) -> None:
        """What a thing throws on the table it stands on."""
        self.wash(circle(x, y, rx, ry or rx * 0.09), DARK, alpha)

    def drop(self, outline: Line, alpha: float = 0.13) -> None:
        """What a thing that lies flat throws beside itself."""
        self.wash(moved(outline, 7, 10), DARK, alpha)

    def png(self) -> bytes:
        """The finished picture, in its 256 commonest colours: flat areas need no more."""
        # Pillow looks colours up by their upper six bits: what has only these is found exactly.
        small = self.image.reduce(FINER).point([min(252, (level + 2) & ~3) for level in range(256)] * 3)
        quarter = small.resize((small.width // 2, small.height // 2), Image.Resampling.NEAREST)
        counts = cast("list[tuple[int, Colour]]", quarter.getcolors(quarter.width * quarter.height))
        palette = Image.new("P", (1, 1))
        palette.putpalette([channel for _, colour in sorted(counts, reverse=True)[:256] for channel in colour])
        data = io.BytesIO()
        small.quantize(palette=palette, dither=Image.Dither.NONE).save(data, "PNG")
        return data.getvalue()

    def _paint(self, colour: Colour, corner: tuple[int, int], mask: Image.Image) -> None:
        used = mask.getbbox()  # Most of a rim's or a cut mask is empty, and pasting costs by the area.
        if used is not None:
            self.image.paste(colour, (corner[0] + used[0], corner[1] + used[1]), mask.crop(used))

    def _pixels(self, points: Line) -> Outline:
        (left, top), scale = self._corner, self._scale
        return [((x - left) * scale, (y - top) * scale) for x, y in points]

    def _mask(self, outline: Line, ink: int) -> tuple[Image.Image, tuple[int, int]]:
        points = self._pixels(outline)
        xs, ys = [x for x, _ in points], [y for _, y in points]
        corner = (int(min(xs)), int(min(ys)))
        size = (int(max(xs)) - corner[0] + 2, int(max(ys)) - corner[1] + 2)
        return self._mask_at(outline, corner, size, ink), corner

    def _mask_at(self, outline: Line, corner: tuple[int, int], size: tuple[int, int], ink: int = 255) -> Image.Image:
        mask = Image.new("L", size)
        shifted = [(x - corner[0], y - corner[1]) for x, y in self._pixels(outline)]
        ImageDraw.Draw(mask).polygon(shifted, fill=ink)
        return mask
