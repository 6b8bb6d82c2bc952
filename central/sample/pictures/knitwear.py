"""Draws knitwear laid out flat: sweaters, cardigans, vests, scarves, hats, socks, mittens."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import Outline, arc, box, circle, curve, loop, mirrored, moved, turned

SHIRO, KIN = COLOURS["shiro"], COLOURS["kin"]
TRUNK: Outline = [
    (262, 152),
    (226, 170),
    (200, 204),
    *curve([(200, 204), (206, 330), (202, 520)]),
    (320, 524),
]
SLEEVE: Outline = [
    (226, 168),
    *curve([(226, 168), (170, 214), (132, 330), (104, 470)]),
    (158, 484),
    *curve([(158, 484), (186, 380), (212, 300)]),
]


def sweater(canvas: Canvas, look: Look) -> None:
    trunk = _both(TRUNK)
    for sleeve in (SLEEVE, mirrored(SLEEVE, 320)):
        canvas.drop(sleeve)
    canvas.drop(trunk)
    for sleeve in (SLEEVE, mirrored(SLEEVE, 320)):
        canvas.fill(sleeve, darker(look.main, 0.07))
        _rib(canvas, look, _cuff(sleeve))
    canvas.fill(trunk, look.main)
    canvas.cover(box(190, 226, 450, 330), look.pattern, mix(look.main, look.ink, 0.85), 52, trunk)
    _stitches(canvas, look.main, trunk)
    _rib(canvas, look, [(202, 490), (438, 490), (438, 530), (202, 530)])
    canvas.shade(trunk, 20, 0, 0.08)
    neck = [*arc(320, 150, 62, 50, 0, 180)]
    canvas.fill(neck, darker(look.main, 0.42))
    canvas.line(arc(320, 150, 62, 50, 0, 180), 17, darker(look.main, 0.13))
    canvas.line(arc(320, 158, 66, 14, 180, 360), 14, darker(look.main, 0.2))


def cardigan(canvas: Canvas, look: Look) -> None:
    trunk = _both(TRUNK)
    for sleeve in (SLEEVE, mirrored(SLEEVE, 320)):
        canvas.drop(sleeve)
        canvas.fill(sleeve, darker(look.main, 0.07))
        _rib(canvas, look, _cuff(sleeve))
    canvas.drop(trunk)
    canvas.fill(trunk, look.main)
    canvas.cover(box(190, 150, 450, 486), look.pattern, mix(look.main, look.ink, 0.35), 44, trunk)
    _stitches(canvas, look.main, trunk)
    _rib(canvas, look, [(202, 490), (438, 490), (438, 530), (202, 530)])
    canvas.fill([(266, 146), (374, 146), (320, 330)], darker(look.main, 0.45))
    canvas.fill([(272, 146), (368, 146), (320, 316)], SHIRO)
    for side in (-1, 1):
        edge = [(320 + side * 58, 146), (320 + side * 4, 326), (320 + side * 4, 524)]
        canvas.line(edge, 17, darker(look.main, 0.14))
    canvas.line([(320, 330), (320, 524)], 3, darker(look.main, 0.4))
    for y in range(346, 510, 42):
        canvas.fill(circle(328, y, 8), look.ink if look.ink != look.main else KIN)
        canvas.fill(circle(326, y - 2, 3), lighter(look.ink, 0.5))
    for x in (232, 362):
        pocket = box(x, 410, x + 48, 470, 6)
        canvas.fill(pocket, darker(look.main, 0.06))
        canvas.fill(box(x, 410, x + 48, 422, 4), darker(look.main, 0.16))


def vest(canvas: Canvas, look: Look) -> None:
    trunk = _both(
        [
            (254, 148),
            *curve([(240, 158), (252, 250), (196, 300)]),
            *curve([(196, 300), (204, 400), (200, 520)]),
            (320, 524),
        ]
    )
    canvas.drop(trunk)
    canvas.fill(trunk, look.main)
    canvas.cover(trunk, look.pattern, mix(look.main, look.ink, 0.8), 60)
    _stitches(canvas, look.main, trunk)
    _rib(canvas, look, [(196, 484), (444, 484), (444, 530), (196, 530)], trunk)
    canvas.shade(trunk, 20, 0, 0.08)
    canvas.fill([(262, 146), (378, 146), (320, 274)], darker(look.main, 0.42))
    canvas.line([(258, 148), (320, 284), (382, 148)], 17, darker(look.main, 0.16))
    for side in (-1, 1):
        canvas.line(
            [(320 + side * (x - 320), y) for x, y in curve([(244, 156), (256, 250), (200, 302)])],
            15,
            darker(look.main, 0.16),
        )


def scarf(canvas: Canvas, look: Look) -> None:
    for x, foot, lean in ((356, 540, -9), (262, 560, 6)):
        tail = turned(box(x - 52, 236, x + 52, foot, 4), lean, (320, 236))
        for step in range(9):
            start = turned([(x - 46 + step * 11.5, foot), (x - 46 + step * 11.5, foot + 34)], lean, (320, 236))
            canvas.line(start, 5, mix(look.main, look.ink, 0.5 if step % 2 else 0.0))
        canvas.drop(tail)
        canvas.fill(tail, look.main)
        canvas.cover(tail, look.pattern, mix(look.main, look.ink, 0.8), 54)
        canvas.shade(tail, 16, 0, 0.1)
    ring = loop([(168, 220), (220, 140), (320, 116), (420, 140), (472, 220), (440, 296), (320, 322), (200, 296)])
    canvas.drop(ring)
    canvas.fill(ring, look.main)
    canvas.cover(ring, look.pattern, mix(look.main, look.ink, 0.8), 54)
    hole = loop([(234, 206), (270, 170), (320, 160), (370, 170), (406, 206), (380, 232), (320, 242), (260, 232)])
    canvas.fill(hole, darker(look.main, 0.5))
    canvas.shade(ring, 10, 20, 0.12)
    canvas.light(ring, 6, 12, 0.14)


def beanie(canvas: Canvas, look: Look) -> None:
    dome = loop([(150, 440), (160, 330), (220, 232), (320, 198), (420, 232), (480, 330), (490, 440), (320, 470)])
    puff = loop(
        [
            (320 + 62 * x, 168 + 58 * y)
            for x, y in (
                (0, -1),
                (0.5, -0.72),
                (1, -0.2),
                (0.84, 0.5),
                (0.3, 1),
                (-0.3, 0.94),
                (-0.9, 0.5),
                (-0.96, -0.2),
                (-0.5, -0.8),
            )
        ]
    )
    canvas.drop(puff)
    canvas.fill(puff, look.ink)
    canvas.shade(puff, 14, 12, 0.12)
    canvas.drop(dome)
    canvas.fill(dome, look.main)
    canvas.cover(dome, look.pattern, mix(look.main, look.ink, 0.8), 62)
    _stitches(canvas, look.main, dome)
    canvas.shade(dome, 34, 10)
    canvas.light(dome, 14, 8, 0.18)
    brim = box(128, 396, 512, 506, 30)
    canvas.drop(brim)
    canvas.fill(brim, darker(look.main, 0.1))
    for x in range(154, 500, 24):
        canvas.line([(x, 410), (x, 492)], 7, darker(look.main, 0.2))
    canvas.shade(brim, 34, 4)


def socks(canvas: Canvas, look: Look) -> None:
    for shift, down, main in ((118, -26, mix(look.main, look.ink, 0.1)), (0, 22, look.main)):
        sock = moved(
            [
                (176, 130),
                (304, 130),
                *curve([(304, 130), (302, 250), (306, 352), (372, 400), (414, 436)]),
                *curve([(414, 436), (424, 492), (372, 510), (280, 492), (196, 430), (174, 350), (176, 130)]),
            ],
            shift,
            down,
        )
        canvas.drop(sock)
        canvas.fill(sock, main)
        canvas.cover(moved(box(160, 190, 460, 372), shift, down), look.pattern, mix(main, look.ink, 0.85), 52, sock)
        canvas.wash(moved(circle(404, 480, 66, 62), shift, down), look.ink, 1, within=sock)
        canvas.wash(moved(circle(182, 410, 58, 54), shift, down), look.ink, 1, within=sock)
        for x in range(184, 300, 19):
            canvas.line(moved([(x, 136), (x, 176)], shift, down), 6, darker(main, 0.15))
        canvas.shade(sock, 14, 10, 0.12)


def mittens(canvas: Canvas, look: Look) -> None:
    for side in (-1, 1):
        about = (320 + side * 128, 360)
        hand = [
            (258, 430),
            *curve([(258, 430), (248, 330), (262, 220), (320, 176), (378, 220), (386, 300)]),
            *curve([(386, 300), (418, 270), (448, 290), (436, 336), (384, 404)]),
            (384, 430),
        ]
        cuff = box(262, 424, 380, 520, 12)
        pair = [
            turned(moved([(640 - x, y) for x, y in part] if side > 0 else part, side * 128, 0), side * 7, about)
            for part in (hand, cuff)
        ]
        for part in pair:
            canvas.drop(part)
        canvas.fill(pair[0], look.main)
        canvas.cover(pair[0], look.pattern, mix(look.main, look.ink, 0.85), 50)
        canvas.shade(pair[0], 14, 8, 0.12)
        canvas.fill(pair[1], darker(look.main, 0.14))
        for x in range(276, 376, 18):
            stripe = [(640 - x, y) for y in (432, 512)] if side > 0 else [(x, 432), (x, 512)]
            canvas.line(turned(moved(stripe, side * 128, 0), side * 7, about), 6, darker(look.main, 0.26))


def _both(half: Outline) -> Outline:
    return [*half, *reversed(mirrored(half, 320))]


def _cuff(sleeve: Outline) -> Outline:
    side = 1 if sleeve is SLEEVE else -1
    return [(320 + side * (x - 320), y) for x, y in ((104, 470), (158, 484), (168, 442), (112, 428))]


def _rib(canvas: Canvas, look: Look, outline: Outline, within: Outline | None = None) -> None:
    canvas.wash(outline, darker(look.main, 0.16), 1, within)
    canvas.cover(outline, "shima", darker(look.main, 0.26), 13, within)


def _stitches(canvas: Canvas, main: Colour, outline: Outline) -> None:
    for y in range(180, 480, 26):
        for x in range(170 + (y // 26 % 2) * 22, 480, 44):
            canvas.wash([(x, y), (x + 5, y + 9), (x + 10, y), (x + 5, y + 4)], darker(main, 0.3), 0.45, outline)


SHAPES = {
    "sweater": sweater,
    "cardigan": cardigan,
    "vest": vest,
    "scarf": scarf,
    "beanie": beanie,
    "socks": socks,
    "mittens": mittens,
}
LYING = frozenset(SHAPES)
