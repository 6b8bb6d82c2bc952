"""Draws phones that show a code to a 720p camera: small, turned, tilted, blurred, moved, glaring, dim, inverted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy
import segno
from numpy.typing import NDArray

from edge.codes import Gray

Light = NDArray[numpy.float32]
"""A frame before the camera: 0 is ink, 1 is white."""

WIDTH, HEIGHT = 1280, 720
USUAL = 4.0
"""Pixels a module."""
OPTICS, NOISE, QUALITY = 0.6, 3.0, 80
"""Every frame: blur in pixels, the sensor's noise, JPEG."""
SCREEN, INK, COUNTER = 235, 20, 80
_QUIET = 4
_SUPER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One condition, and how bad it is; `name` and `how` are what the report calls it."""

    name: str
    how: str
    module: float = USUAL
    """Pixels of the camera."""
    turned: float = 3.0
    """Degrees at most, either way, in the plane of the picture."""
    tilted: float = 8.0
    """Degrees, about an axis of chance."""
    blur: float = 0.0
    """Standard deviation in modules."""
    moved: float = 0.0
    """Modules during one exposure."""
    glare: float = 0.0
    """A white disc's width as a share of the code's side."""
    moire: float = 0.0
    """Pixels from one wave to the next."""
    light: tuple[float, float, float] = (SCREEN, INK, NOISE)
    """White, black and noise as the camera sees them."""
    gradient: float = 0.0
    """The share of its light that one side has lost."""
    inverted: bool = False
    crowded: bool = False
    """A counter full of goods and print instead of an empty one."""
    quiet: int = _QUIET
    quality: int = QUALITY


def levels() -> list[Level]:
    """Every condition, from easy to hopeless."""
    found = [Level(name="module", how=f"{px} px", module=px) for px in (1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0, 6.0)]
    found += [Level(name="turned", how=f"{by}°", turned=-by) for by in (15, 30, 45, 60, 75)]
    found += [Level(name="tilted", how=f"{by}°", tilted=by) for by in (20, 30, 40, 50, 60)]
    found += [Level(name="blur", how=f"{by} modules", blur=by) for by in (0.2, 0.3, 0.4, 0.5, 0.6)]
    found += [Level(name="motion", how=f"{by} modules", moved=by) for by in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)]
    found += [Level(name="glare", how=f"{by} of its side", glare=by) for by in (0.15, 0.25, 0.35, 0.45)]
    found += [Level(name="moire", how=f"{by} px", moire=by) for by in (2.3, 3.1, 4.7, 7.9, 13.0)]
    for white, black in ((60, 16), (45, 14), (35, 12), (28, 12)):
        found.append(Level(name="dim", how=f"{white} on {black}", light=(white, black, 6.0)))
    found += [Level(name="gradient", how=f"{by}", gradient=by) for by in (0.5, 0.8)]
    found += [Level(name="quiet", how=f"{by} modules", quiet=by) for by in (0, 1, 2)]
    found += [Level(name="jpeg", how=f"quality {by}", quality=by) for by in (30, 15)]
    return [*found, Level(name="inverted", how="dark mode", inverted=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What a phone shows: black modules are True."""

    name: str
    content: bytes
    modules: NDArray[numpy.bool_] = field(repr=False)


def symbol(content: str, version: int, error: str) -> Symbol:
    """A QR code of just this size."""
    made = segno.make(content, version=version, error=error, boost_error=False, micro=False)
    modules = numpy.array([[bool(module) for module in row] for row in made.matrix])
    return Symbol(name=f"{version}-{error.upper()}", content=content.encode(), modules=modules)


def words() -> Symbol:
    """A phone that shows no code."""
    screen = numpy.zeros((60, 60), numpy.uint8)
    for row, text in enumerate(("points", "120,480", "menu 29", "coupon", "Noren")):
        cv2.putText(screen, text, (1, 10 + 11 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.34, 255)
    return Symbol(name="none", content=b"", modules=screen > 100)


def seen(shown: Symbol, level: Level, dice: numpy.random.Generator) -> Gray:
    """One frame."""
    module = _drawn(level)
    dark = numpy.pad(shown.modules, level.quiet)
    code = numpy.where(numpy.kron(dark, numpy.ones((module, module), bool)), 0.0, 1.0).astype(numpy.float32)
    # The app around the code, and the edge of the phone.
    app = numpy.pad(
        code, ((18 * module,) * 2, (6 * module,) * 2), constant_values=1.0 if level.quiet == _QUIET else 0.6
    )
    if level.inverted:
        app = 1 - app
    phone = numpy.pad(app, 3 * module, constant_values=0.0)
    large = _counter(level, dice)
    middle = (WIDTH / 2 + dice.uniform(-80, 80), HEIGHT / 2 + dice.uniform(-20, 20))
    where = _placed(phone.shape, middle, level, dice)
    cv2.warpPerspective(phone, where, (WIDTH * _SUPER, HEIGHT * _SUPER), dst=large, borderMode=cv2.BORDER_TRANSPARENT)
    light = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    side = shown.modules.shape[0] * level.module
    light = _smeared(_lit(light.astype(numpy.float32, copy=False), level, side, dice), level, dice)
    white, black, noise = level.light
    raw = dice.standard_normal(light.shape, dtype=numpy.float32)
    raw *= noise
    raw += black + (white - black) * light
    if level.glare:
        raw = numpy.maximum(raw, _disc(side, middle, level.glare, dice) * 255)
    _, jpeg = cv2.imencode(".jpg", raw.clip(0, 255).astype(numpy.uint8), [cv2.IMWRITE_JPEG_QUALITY, level.quality])
    return numpy.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), numpy.uint8)


def _drawn(level: Level) -> int:
    """Pixels a module before it is seen from somewhere: in twice the frame's size, so that edges are even."""
    return max(2, round(level.module * _SUPER))


def _placed(
    shape: tuple[int, ...], middle: tuple[float, float], level: Level, dice: numpy.random.Generator
) -> NDArray[numpy.float64]:
    """The phone's plane, turned in the picture and out of it, through a lens of about 60 degrees."""
    height, width = shape
    size = level.module * _SUPER / _drawn(level)
    turned = math.radians(-level.turned if level.turned < 0 else dice.uniform(-level.turned, level.turned))
    tilted, axis = math.radians(level.tilted), dice.uniform(0, math.tau)
    away = WIDTH * _SUPER
    corners = numpy.array([(-width, -height), (width, -height), (width, height), (-width, height)]) * size / 2
    cos, sin = math.cos(turned), math.sin(turned)
    flat = corners @ numpy.array([(cos, sin), (-sin, cos)])
    across = flat @ numpy.array([math.cos(axis), math.sin(axis)])
    along = flat @ numpy.array([-math.sin(axis), math.cos(axis)])
    depth = away / (away + across * math.sin(tilted))
    across = across * math.cos(tilted)
    right = (across * math.cos(axis) - along * math.sin(axis)) * depth + middle[0] * _SUPER
    down = (across * math.sin(axis) + along * math.cos(axis)) * depth + middle[1] * _SUPER
    begin = numpy.array([(0, 0), (width, 0), (width, height), (0, height)], numpy.float32)
    return numpy.asarray(
        cv2.getPerspectiveTransform(begin, numpy.stack([right, down], axis=1).astype(numpy.float32)), numpy.float64
    )


def _lit(light: Light, level: Level, side: float, dice: numpy.random.Generator) -> Light:
    """Shade from one side, and the beat between the screen's pixels and the camera's."""
    if not (level.gradient or level.moire):
        return light
    rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH].astype(numpy.float32)
    if level.gradient:
        way = dice.uniform(0, math.tau)
        across = (rows - HEIGHT / 2) * math.sin(way) + (columns - WIDTH / 2) * math.cos(way)
        light = light * (1 - level.gradient * (across / side + 0.5).clip(0, 1))
    if level.moire:
        way = dice.uniform(0, math.pi / 2)
        waves = [
            numpy.sin(
                math.tau / level.moire * (rows * math.sin(way + by) + columns * math.cos(way + by)) + dice.random()
            )
            for by in (0, math.pi / 2)
        ]
        light = light * (1 + 0.18 * (waves[0] + waves[1]))
    return light.astype(numpy.float32, copy=False)


def _smeared(light: Light, level: Level, dice: numpy.random.Generator) -> Light:
    blurred = cv2.GaussianBlur(light, (0, 0), math.hypot(OPTICS, level.blur * level.module))
    if level.moved:
        way, length = dice.uniform(0, math.pi), level.moved * level.module
        half = math.ceil(length / 2) + 1
        large = numpy.zeros(((2 * half + 1) * 8,) * 2, numpy.float32)
        by = (math.cos(way) * length * 4, math.sin(way) * length * 4)
        centre = (2 * half + 1) * 4 - 0.5
        begin, end = ((round(centre + sign * by[0]), round(centre + sign * by[1])) for sign in (-1, 1))
        cv2.line(large, begin, end, 1.0, thickness=4)
        path = cv2.resize(large, (2 * half + 1, 2 * half + 1), interpolation=cv2.INTER_AREA)
        blurred = cv2.filter2D(blurred, -1, path / path.sum())
    return numpy.asarray(blurred, numpy.float32)


def _disc(side: float, middle: tuple[float, float], share: float, dice: numpy.random.Generator) -> Light:
    """A lamp in the glass, somewhere on the code."""
    way, far = dice.uniform(0, math.tau), dice.uniform(0, 0.5 - share / 2) * side
    disc = numpy.zeros((HEIGHT, WIDTH), numpy.float32)
    there = (round(middle[0] + far * math.cos(way)), round(middle[1] + far * math.sin(way)))
    cv2.circle(disc, there, round(share * side / 2), 1.0, thickness=-1)
    return numpy.asarray(cv2.GaussianBlur(disc, (0, 0), 2), numpy.float32)


def _counter(level: Level, dice: numpy.random.Generator) -> Light:
    """What lies behind the phone: a cloth, or the same goods and print in every frame."""
    size = (WIDTH * _SUPER, HEIGHT * _SUPER)
    if not level.crowded:
        cloth = numpy.float32(0.2) + numpy.float32(0.2) * dice.random((9, 16), dtype=numpy.float32)
        return numpy.asarray(cv2.resize(cloth, size), numpy.float32)
    goods, same = numpy.full((size[1], size[0]), 70, numpy.uint8), numpy.random.default_rng(7)
    for _ in range(120):
        left, top, wide, high = (int(same.integers(end)) for end in (*size, 300, 300))
        cv2.rectangle(goods, (left, top), (left + wide, top + high), int(same.integers(20, 200)), thickness=-1)
        size_of_print = float(same.uniform(0.5, 2.0))
        cv2.putText(goods, "SALE 1,980 yen", (left, top + 60), cv2.FONT_HERSHEY_DUPLEX, size_of_print, 10, thickness=2)
    return (goods / 255).astype(numpy.float32)
