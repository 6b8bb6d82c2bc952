"""Draws what is behind a product: a wall, a table, and a moon, an arch, hills or drifting mist."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, lighter, lightness, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, box, circle, curve

SIDE = 640
"""Pixels; a thing is drawn around x = 320, and the view is a little nearer than its units."""
CORNER, ZOOM = (38.0, 66.0), 640 / 564
DIM = 0.32
TABLE = 448
"""Where the wall meets the table; things stand at about 505."""


def standing(look: Look) -> Canvas:
    """For things that stand on a table."""
    canvas = Canvas(SIDE, SIDE, look.ground)
    canvas.view(CORNER, ZOOM)
    tint = mix(look.ground, _calm(look), 0.3)
    (_moon, _arch, _hills, _mist)[look.lot // 7 % 4](canvas, look, tint)
    table = mix(COLOURS["usuki"], look.ground, 0.4)
    canvas.fill(box(0, TABLE, SIDE, SIDE), table)
    return canvas


def lying(look: Look) -> Canvas:
    """For things seen from above."""
    canvas = Canvas(SIDE, SIDE, look.ground)
    canvas.view(CORNER, ZOOM)
    tint = mix(look.ground, _calm(look), 0.3)
    kind = look.lot // 7 % 3
    if kind == 0:
        canvas.fill(circle(320, 348, 252), tint)
    else:
        (_split, _mat)[kind - 1](canvas, look, tint)
    return canvas


def _calm(look: Look) -> Colour:
    """What tints the backdrop: the lighter of the two colours if both are dark or equal, else a blend of them."""
    if lightness(look.accent) < DIM:
        return COLOURS["karashi"] if lightness(look.main) < DIM else look.main
    return look.accent if lightness(look.main) < DIM else mix(look.accent, look.main, 0.35)


def _moon(canvas: Canvas, look: Look, tint: Colour) -> None:
    side = -1 if look.lot % 2 else 1
    canvas.fill(circle(320 + side * 36, 288, 196), tint)


def _arch(canvas: Canvas, look: Look, tint: Colour) -> None:
    shift = 26 if look.lot % 2 else -26
    canvas.fill([*arc(320 + shift, 270, 196, 196, 180, 360), (516 + shift, TABLE), (124 + shift, TABLE)], tint)
    canvas.fill(
        [*arc(320 + shift, 270, 166, 166, 180, 360), (486 + shift, TABLE), (154 + shift, TABLE)], lighter(tint, 0.25)
    )


def _hills(canvas: Canvas, look: Look, tint: Colour) -> None:
    canvas.fill(circle(170 if look.lot % 2 else 470, 150, 66), mix(look.ground, _calm(look), 0.42))
    far = curve([(-20, 330), (90, 262), (210, 318), (350, 216), (500, 300), (660, 250)])
    near = curve([(-20, 400), (120, 344), (270, 392), (430, 322), (560, 366), (660, 336)])
    canvas.fill([*far, (660, TABLE), (-20, TABLE)], mix(look.ground, tint, 0.55))
    canvas.fill([*near, (660, TABLE), (-20, TABLE)], tint)


def _mist(canvas: Canvas, look: Look, tint: Colour) -> None:
    side = -1 if look.lot % 2 else 1
    canvas.fill(circle(320 + side * 118, 190, 118), mix(look.ground, _calm(look), 0.38))
    pale = lighter(look.ground, 0.5)
    for left, top, right in ((-60, 118, 236), (404, 176, 720), (-60, 262, 300), (350, 330, 720), (-60, 388, 190)):
        if side > 0:
            left, right = 640 - right, 640 - left
        canvas.fill(box(left, top, right, top + 34, 17), mix(pale, tint, 0.12))


def _split(canvas: Canvas, look: Look, tint: Colour) -> None:
    top, bottom = (430.0, 150.0) if look.lot % 2 else (210.0, 490.0)
    canvas.fill([(top, 0), (700, 0), (700, 700), (bottom, 700)], tint)


def _mat(canvas: Canvas, look: Look, tint: Colour) -> None:
    canvas.fill(box(84, 112, 556, 584, 26), tint)
    canvas.cover(
        box(84, 112, 556, 584, 26), ("shippo", "kanoko", "kikko")[look.lot % 3], mix(tint, look.ground, 0.4), 62
    )
