"""Draws bedding: pillows, quilts, blankets, floor cushions, sheets, pyjamas, room shoes."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, box, circle, curve, loop, mirrored, moved, turned

KINARI, SHIRO, KI = COLOURS["kinari"], COLOURS["shiro"], COLOURS["ki"]


def pillow(canvas: Canvas, look: Look) -> None:
    """Two pillows, one on the other."""
    for y, main, ink in ((420, mix(look.main, SHIRO, 0.45), look.main), (292, look.main, look.ink)):
        if y == 420:
            canvas.shadow(330, 508, 214)
        cushion = loop(
            [
                (102, y - 64),
                (200, y - 82),
                (320, y - 88),
                (440, y - 82),
                (538, y - 64),
                (526, y),
                (540, y + 66),
                (440, y + 82),
                (320, y + 88),
                (200, y + 82),
                (100, y + 66),
                (114, y),
            ]
        )
        canvas.fill(cushion, main)
        canvas.cover(cushion, look.pattern, mix(main, ink, 0.6), 72)
        canvas.shade(cushion, 26, 22, 0.12)
        canvas.light(cushion, 16, 16, 0.25)
        canvas.line(
            curve([(126, y + 60), (220, y + 74), (320, y + 79), (420, y + 74), (514, y + 60)]), 3, darker(main, 0.16)
        )


def quilt(canvas: Canvas, look: Look) -> None:
    """布団: a folded quilt with a pillow on it."""
    canvas.shadow(330, 508, 226)
    for index, bottom in enumerate((508, 410, 312)):
        fold = box(104 + index * 4, bottom - 102, 536 - index * 4, bottom, 48)
        hue = (mix(look.main, look.ink, 0.25), KINARI, look.main)[index]
        canvas.fill(fold, hue)
        if index != 1:
            canvas.cover(fold, look.pattern, mix(hue, look.ink, 0.65), 78)
        canvas.line([(136, bottom - 50), (508, bottom - 50)], 3, darker(hue, 0.16))
        canvas.shade(fold, 30, 16, 0.12)
        canvas.light(fold, 12, 14, 0.22)
    head = loop([(186, 206), (196, 158), (320, 146), (444, 158), (454, 206), (320, 218)])
    canvas.fill(head, SHIRO)
    canvas.shade(head, 16, 12, 0.1)


def blanket(canvas: Canvas, look: Look) -> None:
    """A folded blanket with a fringe, a strap around it."""
    canvas.shadow(330, 508, 200)
    for index, bottom in enumerate((508, 426, 344)):
        fold = box(126, bottom - 86, 514, bottom, 34)
        canvas.fill(fold, look.main)
        canvas.cover(fold, look.pattern, mix(look.main, look.ink, 0.75), 66)
        canvas.shade(fold, 26, 12, 0.13)
        canvas.light(fold, 10, 10, 0.2)
        if index == 2:
            for x in range(150, 496, 15):
                canvas.line([(x, bottom - 4), (x - 2, bottom + 34)], 5, mix(look.main, look.ink, 0.35))
    for x in (226, 402):
        canvas.fill(box(x - 13, 256, x + 13, 509, 4), COLOURS["cha"])
        canvas.fill(box(x - 19, 372, x + 19, 404, 5), COLOURS["kin"])
    canvas.line(arc(314, 262, 62, 52, 180, 360), 15, COLOURS["cha"])


def zabuton(canvas: Canvas, look: Look) -> None:
    """座布団: a floor cushion, seen from above."""
    cushion = loop(
        [
            (122, 152),
            (220, 172),
            (320, 176),
            (420, 172),
            (518, 152),
            (500, 250),
            (496, 350),
            (500, 450),
            (518, 546),
            (420, 526),
            (320, 522),
            (220, 526),
            (122, 546),
            (140, 450),
            (144, 350),
            (140, 250),
        ]
    )
    for x, y, dx, dy in ((124, 154, -1, -1), (516, 154, 1, -1), (124, 544, -1, 1), (516, 544, 1, 1)):
        for spread in (-9, 0, 9):
            canvas.line([(x, y), (x + dx * 30 + spread, y + dy * 30 - spread * dx * dy)], 5, look.ink)
    canvas.drop(cushion)
    canvas.fill(cushion, look.main)
    canvas.cover(cushion, look.pattern, mix(look.main, look.ink, 0.7), 124)
    canvas.shade(cushion, 20, 20, 0.1)
    canvas.light(cushion, 14, 14, 0.2)
    for degrees in (0, 60, 120):
        canvas.line(
            turned([(294, 349), (346, 349)], degrees, (320, 349)), 7, KINARI if look.ink == look.main else look.ink
        )


def sheets(canvas: Canvas, look: Look) -> None:
    """A folded set of covers tied with a ribbon."""
    canvas.shadow(330, 508, 196)
    for index, bottom in enumerate((508, 454, 400, 346)):
        hue = (look.main, lighter(look.main, 0.35), mix(look.main, look.ink, 0.4), look.main)[index]
        fold = box(134, bottom - 56, 506, bottom, 16)
        canvas.fill(fold, hue)
        canvas.cover(fold, look.pattern, mix(hue, look.ink, 0.5), 52)
        canvas.shade(fold, 22, 8, 0.1)
    canvas.fill([(152, 292), (196, 258), (470, 258), (492, 292)], lighter(look.main, 0.28))
    canvas.fill([(300, 258), (336, 258), (340, 292), (300, 292)], darker(look.ink, 0.05))
    canvas.fill(box(300, 290, 340, 509), look.ink)
    for side in (-1, 1):
        canvas.line(
            curve([(320, 282), (320 + side * 46, 224), (320 + side * 92, 236), (320 + side * 70, 276), (320, 284)]),
            13,
            look.ink,
        )
    canvas.fill(circle(320, 282, 19, 15), darker(look.ink, 0.2))


def pyjamas(canvas: Canvas, look: Look) -> None:
    """Pyjamas, seen from above."""
    for lean in (-1, 1):
        leg = [(320 + lean * (x - 320), y) for x, y in ((240, 372), (320, 372), (322, 420), (308, 596), (222, 592))]
        canvas.drop(leg)
        canvas.fill(leg, mix(look.main, look.ink, 0.14))
        canvas.cover(leg, look.pattern, mix(look.main, look.ink, 0.55), 58)
        canvas.wash(
            [(320 + lean * (x - 320), y) for x, y in ((222, 570), (312, 574), (312, 600), (222, 596))],
            look.ink,
            0.8,
            leg,
        )
    sleeve = [
        (236, 136),
        *curve([(236, 136), (176, 190), (112, 322)]),
        (172, 354),
        *curve([(172, 354), (206, 290), (226, 246)]),
    ]
    for part in (sleeve, mirrored(sleeve, 320)):
        canvas.drop(part)
        canvas.fill(part, darker(look.main, 0.05))
        canvas.cover(part, look.pattern, mix(look.main, look.ink, 0.55), 58)
    half = [(272, 122), (236, 136), (212, 200), *curve([(216, 220), (218, 320), (212, 424)]), (320, 428)]
    trunk = [*half, *reversed(mirrored(half, 320))]
    canvas.drop(trunk)
    canvas.fill(trunk, look.main)
    canvas.cover(trunk, look.pattern, mix(look.main, look.ink, 0.55), 58)
    canvas.fill([(280, 122), (360, 122), (320, 204)], darker(look.main, 0.42))
    for side in (-1, 1):
        canvas.fill(
            [(320 + side * 50, 116), (320 + side * 24, 110), (320, 212), (320 + side * 62, 186)],
            mix(look.main, look.ink, 0.8),
        )
    canvas.line([(320, 206), (320, 426)], 3, darker(look.main, 0.3))
    for y in (236, 286, 336, 386):
        canvas.fill(circle(329, y, 7), SHIRO if look.main != SHIRO else look.ink)
    pocket = box(356, 234, 402, 288, 6)
    canvas.fill(pocket, mix(look.main, look.ink, 0.25))
    canvas.fill(box(356, 234, 402, 246, 4), mix(look.main, look.ink, 0.8))


def slippers(canvas: Canvas, look: Look) -> None:
    """Room shoes, seen from above."""
    for side in (-1, 1):
        about = (320 + side * 96, 350)
        sole = moved(
            loop(
                [
                    (-64, -120),
                    (0, -190),
                    (64, -120),
                    (70, -20),
                    (56, 80),
                    (62, 160),
                    (0, 206),
                    (-62, 160),
                    (-56, 80),
                    (-70, -20),
                ]
            ),
            *about,
        )
        upper = moved(
            [
                *curve([(-74, 20), (-72, -60), (-62, -126), (0, -192), (62, -126), (72, -60), (74, 20)]),
                *curve([(74, 20), (0, -28), (-74, 20)]),
            ],
            *about,
        )
        sole, upper = turned(sole, side * 4, about), turned(upper, side * 4, about)
        canvas.drop(sole)
        canvas.fill(sole, mix(KINARI, KI, 0.4))
        canvas.light(sole, 8, -8, 0.3)
        canvas.fill(upper, look.main)
        canvas.cover(upper, look.pattern, mix(look.main, look.ink, 0.75), 50)
        canvas.shade(upper, 16, 6, 0.12)
        canvas.light(upper, 10, 8, 0.2)
        canvas.line(turned(moved(curve([(74, 20), (0, -28), (-74, 20)]), *about), side * 4, about), 9, look.ink)


SHAPES = {
    "pillow": pillow,
    "quilt": quilt,
    "blanket": blanket,
    "zabuton": zabuton,
    "sheets": sheets,
    "pyjamas": pyjamas,
    "slippers": slippers,
}
LYING = frozenset({"zabuton", "pyjamas", "slippers"})
