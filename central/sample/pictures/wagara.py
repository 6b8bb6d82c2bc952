"""Draws wagara, the traditional patterns, as tiles that repeat without a seam."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from PIL import Image, ImageDraw

from central.sample.pictures.outlines import Outline, flower

INK = 255
Draw = ImageDraw.ImageDraw


def tile(name: str, size: int) -> Image.Image:
    """One repeat of the pattern, about `size` pixels wide: how much ink, 0 to 255."""
    return WAGARA[name](size)


def _blank(width: float, height: float) -> tuple[Image.Image, Draw, int, int]:
    wide, high = max(4, round(width)), max(4, round(height))
    image = Image.new("L", (wide, high), 0)
    return image, ImageDraw.Draw(image), wide, high


def _ring(draw: Draw, x: float, y: float, radius: float, ink: int) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _seigaiha(size: int) -> Image.Image:
    """青海波, waves: each row of rings half covers the one above."""
    image, draw, wide, high = _blank(size, size / 2)
    r = wide / 2
    for row in range(-1, 7):
        for column in range(-1, 3):
            x, y = column * wide + (r if row % 2 else 0), row * high / 2
            for share, ink in ((1.0, INK), (0.9, 0), (0.7, INK), (0.58, 0), (0.4, INK), (0.27, 0)):
                _ring(draw, x, y, r * share, ink)
    return image


def _asanoha(size: int) -> Image.Image:
    """麻の葉, hemp leaves: triangles with lines from their centres to their corners."""
    image, draw, wide, high = _blank(size, size * 3**0.5)
    thick = max(2, size // 18)
    half, row = wide / 2, high / 2
    for line in range(-1, 4):
        for column in range(-2, 4):
            x, y = column * wide + (half if line % 2 else 0), line * row
            up = ((x, y), (x + wide, y), (x + half, y - row))
            down = ((x, y), (x + wide, y), (x + half, y + row))
            for corners in (up, down):
                middle = (sum(p[0] for p in corners) / 3, sum(p[1] for p in corners) / 3)
                draw.line([*corners, corners[0]], fill=INK, width=thick)
                for corner in corners:
                    draw.line([middle, corner], fill=INK, width=thick)
    return image


def _shippo(size: int) -> Image.Image:
    """七宝: circles that overlap by a quarter."""
    image, draw, wide, _ = _blank(size, size)
    r, thick = wide / 2, max(2, size // 14)
    for row in range(-1, 4):
        for column in range(-1, 4):
            x, y = column * r, row * r
            if (row + column) % 2 == 0:
                draw.ellipse((x - r, y - r, x + r, y + r), outline=INK, width=thick)
    return image


def _kikko(size: int) -> Image.Image:
    """亀甲, tortoiseshell: hexagons within hexagons."""
    image, draw, wide, high = _blank(size, size * 3**0.5)
    thick = max(2, size // 12)
    side = high / 3
    for row in range(-1, 4):
        for column in range(-1, 3):
            x, y = column * wide + (wide / 2 if row % 2 else 0), row * side * 1.5
            draw.line(_hexagon(x, y, side), fill=INK, width=thick)
            draw.polygon(_hexagon(x, y, side * 0.36), fill=INK)
    return image


def _hexagon(x: float, y: float, side: float) -> Outline:
    return [(x + side * sin(turn * pi / 3), y + side * cos(turn * pi / 3)) for turn in range(7)]


def _uroko(size: int) -> Image.Image:
    """鱗, scales: triangles."""
    image, draw, wide, high = _blank(size, size * 0.87)
    draw.polygon([(0, high), (wide, high), (wide / 2, 0)], fill=INK)
    return image


def _ichimatsu(size: int) -> Image.Image:
    """市松: a chequerboard."""
    image, draw, wide, high = _blank(size, size)
    draw.rectangle((0, 0, wide // 2 - 1, high // 2 - 1), fill=INK)
    draw.rectangle((wide // 2, high // 2, wide, high), fill=INK)
    return image


def _shima(size: int) -> Image.Image:
    """縞: a broad and a narrow stripe, upright."""
    image, draw, wide, high = _blank(size, size)
    draw.rectangle((0, 0, wide * 0.34, high), fill=INK)
    draw.rectangle((wide * 0.6, 0, wide * 0.7, high), fill=INK)
    return image


def _yokoshima(size: int) -> Image.Image:
    """横縞: the same, lying."""
    return _shima(size).transpose(Image.Transpose.ROTATE_90)


def _koshi(size: int) -> Image.Image:
    """格子: a plaid, darker where its stripes cross."""
    image, draw, wide, high = _blank(size, size)
    for start, end in ((0, 0.42), (0.66, 0.72)):
        draw.rectangle((wide * start, 0, wide * end, high), fill=110)
    for start, end in ((0, 0.42), (0.66, 0.72)):
        bar = Image.new("L", (wide, round(high * (end - start))), 110)
        top = round(high * start)
        crossing = Image.new("L", bar.size, INK)
        under = image.crop((0, top, wide, top + bar.height))
        bar.paste(crossing, (0, 0), under.point(lambda ink: INK if ink else 0))
        image.paste(bar, (0, top))
    return image


def _kanoko(size: int) -> Image.Image:
    """鹿の子: dots, staggered."""
    image, draw, wide, high = _blank(size, size)
    for x, y in ((0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5)):
        _ring(draw, x * wide, y * high, wide * 0.15, INK)
    return image


def _yagasuri(size: int) -> Image.Image:
    """矢絣: the feathers of arrows."""
    image, draw, wide, high = _blank(size, size * 0.8)
    column, slant = wide / 2, wide * 0.2
    for place in range(2):
        left, middle, right = place * column, (place + 0.5) * column, (place + 1) * column
        for turn in range(-2, 3):
            y = (turn + place / 2) * high
            low, foot = y + slant, high / 2
            draw.polygon([(left, y), (middle, low), (middle, low + foot), (left, y + foot)], fill=INK)
            draw.polygon([(middle, low), (right, y), (right, y + foot), (middle, low + foot)], fill=INK)
        draw.line([(middle, 0), (middle, high)], fill=0, width=max(1, size // 30))
    return image


def _hana(size: int) -> Image.Image:
    """花: small flowers, scattered."""
    image, draw, wide, high = _blank(size, size)
    for x, y, radius in ((0.28, 0.3, 0.2), (0.78, 0.78, 0.2), (0.78, 0.22, 0.06), (0.26, 0.8, 0.06)):
        draw.polygon(flower(x * wide, y * high, radius * wide), fill=INK)
        if radius > 0.1:
            _ring(draw, x * wide, y * high, wide * 0.045, 0)
    return image


def _nami(size: int) -> Image.Image:
    """波: ripples."""
    image, draw, wide, high = _blank(size, size * 0.4)
    for lift in (-1, 0, 1):
        line = [(x, high * (0.5 + lift) + high * 0.24 * cos(2 * pi * x / wide)) for x in range(wide + 1)]
        draw.line(line, fill=INK, width=max(2, size // 9))
    return image


WAGARA: dict[str, Callable[[int], Image.Image]] = {
    "seigaiha": _seigaiha,
    "asanoha": _asanoha,
    "shippo": _shippo,
    "kikko": _kikko,
    "uroko": _uroko,
    "ichimatsu": _ichimatsu,
    "shima": _shima,
    "yokoshima": _yokoshima,
    "koshi": _koshi,
    "kanoko": _kanoko,
    "yagasuri": _yagasuri,
    "hana": _hana,
    "nami": _nami,
}
