"""Makes the outlines that drawings are built of: closed or open runs of points, in picture units."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = list[Point]

STEPS = 10
"""Straight pieces that one span of a curve is drawn with."""


def circle(x: float, y: float, rx: float, ry: float | None = None) -> Outline:
    return arc(x, y, rx, ry if ry is not None else rx, 0, 360)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Outline:
    """Part of an ellipse; degrees, 0 is to the right, 90 is down."""
    steps = max(6, round(abs(end - start) / 4))
    turns = [(start + (end - start) * step / steps) * pi / 180 for step in range(steps + 1)]
    return [(x + rx * cos(turn), y + ry * sin(turn)) for turn in turns]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Outline:
    """A rectangle, its corners rounded."""
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    if r <= 0:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    return (
        arc(left + r, top + r, r, r, 180, 270)
        + arc(right - r, top + r, r, r, 270, 360)
        + arc(right - r, bottom - r, r, r, 0, 90)
        + arc(left + r, bottom - r, r, r, 90, 180)
    )


def curve(points: Sequence[Point]) -> Outline:
    """An open curve through all the points (Catmull-Rom)."""
    return _through([points[0], *points, points[-1]])


def loop(points: Sequence[Point]) -> Outline:
    """A closed curve through all the points."""
    return _through([points[-1], *points, points[0], points[1]])


def lathe(x: float, profile: Sequence[tuple[float, float]], *, straight: bool = False) -> Outline:
    """A turned thing seen from the side: (y, half its width) from the top down, mirrored at x."""
    half = [(width, y) for y, width in profile]
    side = half if straight else curve(half)
    return [(x + width, y) for width, y in side] + [(x - width, y) for width, y in reversed(side)]


def can(x: float, top: float, bottom: float, rx: float, ry: float) -> Outline:
    """A standing cylinder: its upper edge bulges up by ry, its lower edge down."""
    return arc(x, top, rx, ry, 180, 360) + arc(x, bottom, rx, ry, 0, 180)


def band(x: float, top: float, bottom: float, rx: float, ry: float) -> Outline:
    """A strip around a cylinder: both edges bulge down."""
    return arc(x, top, rx, ry, 180, 0) + arc(x, bottom, rx, ry, 0, 180)


def turned(points: Sequence[Point], degrees: float, about: Point) -> Outline:
    turn, (x, y) = degrees * pi / 180, about
    return [
        (x + (px - x) * cos(turn) - (py - y) * sin(turn), y + (px - x) * sin(turn) + (py - y) * cos(turn))
        for px, py in points
    ]


def moved(points: Sequence[Point], dx: float, dy: float) -> Outline:
    return [(x + dx, y + dy) for x, y in points]


def sized(points: Sequence[Point], by: float, about: Point) -> Outline:
    return [(about[0] + (x - about[0]) * by, about[1] + (y - about[1]) * by) for x, y in points]


def mirrored(points: Sequence[Point], x: float) -> Outline:
    return [(2 * x - px, py) for px, py in points]


def leaf(x: float, y: float, length: float, width: float, degrees: float) -> Outline:
    """A leaf whose stem is at (x, y); it points up at 0 degrees."""
    side = curve([(0, 0), (width / 2, -length * 0.38), (width * 0.36, -length * 0.7), (0, -length)])
    return turned([(x + px, y + py) for px, py in side + mirrored(side, 0)[::-1]], degrees, (x, y))


def flower(x: float, y: float, radius: float, petals: int = 5, depth: float = 0.28) -> Outline:
    """A round-petalled flower."""
    return [
        (
            x + radius * (1 - depth + depth * abs(cos(petals * t / 2))) * sin(t),
            y - radius * (1 - depth + depth * abs(cos(petals * t / 2))) * cos(t),
        )
        for t in (2 * pi * step / 90 for step in range(90))
    ]


def _through(knots: Sequence[Point]) -> Outline:
    points: Outline = []
    for index in range(1, len(knots) - 2):
        spans = [_span([knot[axis] for knot in knots[index - 1 : index + 3]]) for axis in (0, 1)]
        points += list(zip(*spans, strict=True))
    return [*points, (float(knots[-2][0]), float(knots[-2][1]))]


def _span(knots: Sequence[float]) -> list[float]:
    a, b, c, d = knots
    return [
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        for t in (step / STEPS for step in range(STEPS))
    ]
