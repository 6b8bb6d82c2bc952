"""Draws bags and what goes in them: totes, backpacks, travel bags, purses, wallets, cloth bundles, umbrellas."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import Outline, arc, box, circle, curve, lathe, loop, moved, turned

KIN, KINARI = COLOURS["kin"], COLOURS["kinari"]


def tote(canvas: Canvas, look: Look) -> None:
    canvas.shadow(332, 510, 176)
    grip = curve([(248, 268), (250, 180), (286, 126), (320, 118), (354, 126), (390, 180), (392, 268)])
    canvas.line(moved(grip, 8, -8), 15, darker(look.ink, 0.3))
    body = [
        (158, 258),
        (482, 258),
        *curve([(482, 258), (490, 400), (470, 506)]),
        *curve([(470, 506), (320, 512), (170, 506)]),
        *curve([(170, 506), (150, 400), (158, 258)]),
    ]
    canvas.fill(body, look.main)
    canvas.cover(box(140, 300, 500, 460), look.pattern, mix(look.main, look.ink, 0.75), 66, body)
    canvas.wash(box(140, 462, 500, 520), look.ink, 0.9, body)
    canvas.fill(box(158, 252, 482, 274, 4), darker(look.main, 0.1))
    canvas.line([(248, 268), (250, 330)], 15, look.ink)
    canvas.line([(392, 268), (390, 330)], 15, look.ink)
    canvas.line(grip, 15, look.ink)
    canvas.shade(body, 40, 0)
    canvas.light(body, 14, 0)


def backpack(canvas: Canvas, look: Look) -> None:
    canvas.shadow(332, 510, 160)
    canvas.line(arc(320, 152, 40, 40, 180, 360), 13, darker(look.ink, 0.2))
    for side in (-1, 1):
        canvas.fill(box(320 + side * 148 - 24, 352, 320 + side * 148 + 24, 490, 18), darker(look.main, 0.22))
    body = [
        (174, 506),
        *curve(
            [(174, 506), (168, 360), (176, 240), (220, 164), (320, 140), (420, 164), (464, 240), (472, 360), (466, 506)]
        ),
    ]
    canvas.fill(body, look.main)
    canvas.cover(box(160, 130, 480, 330), look.pattern, mix(look.main, look.ink, 0.7), 62, body)
    canvas.shade(body, 40, 0)
    canvas.light(body, 15, 0)
    canvas.line(arc(320, 300, 118, 96, 186, 354), 4, darker(look.main, 0.35))
    pocket = box(214, 342, 426, 490, 26)
    canvas.shade(pocket, 0, 7, 0.2)
    canvas.fill(pocket, darker(look.main, 0.1))
    canvas.fill([*box(214, 342, 426, 392, 16)], look.ink)
    canvas.fill(box(304, 372, 336, 414, 6), KIN)
    canvas.shade(pocket, 24, 0, 0.1)


def boston(canvas: Canvas, look: Look) -> None:
    """A travel bag."""
    canvas.shadow(332, 510, 206)
    grip = curve([(218, 320), (228, 216), (276, 176), (364, 176), (412, 216), (422, 320)])
    canvas.line(moved(grip, 9, -9), 15, darker(look.ink, 0.35))
    body = loop(
        [
            (122, 470),
            (128, 350),
            (180, 290),
            (320, 276),
            (460, 290),
            (512, 350),
            (518, 470),
            (486, 506),
            (320, 510),
            (154, 506),
        ]
    )
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.7), 70)
    for side in (-1, 1):
        corner = [(320 + side * x, y) for x, y in ((130, 270), (240, 270), (240, 520), (160, 520))]
        canvas.wash(corner, look.ink, 0.92, body)
    canvas.line(arc(320, 330, 168, 34, 188, 352), 6, KIN)
    canvas.shade(body, 40, 8)
    canvas.light(body, 14, 8)
    canvas.line(grip, 17, look.ink)
    for x in (218, 422):
        canvas.fill(box(x - 17, 318, x + 17, 360, 6), darker(look.ink, 0.2))
        canvas.fill(circle(x, 338, 6), KIN)


def shoulder(canvas: Canvas, look: Look) -> None:
    """A shoulder bag with a flap."""
    canvas.shadow(332, 510, 168)
    canvas.line(
        curve([(172, 330), (190, 190), (262, 100), (378, 100), (450, 190), (468, 330)]), 13, darker(look.ink, 0.12)
    )
    body = box(158, 302, 482, 510, 42)
    canvas.fill(body, look.main)
    canvas.shade(body, 40, 0)
    flap = [
        (154, 300),
        (486, 300),
        *curve([(486, 300), (482, 380), (420, 424), (320, 432), (220, 424), (158, 380), (154, 300)]),
    ]
    canvas.wash(moved(flap, 0, 8), darker(look.main, 0.5), 0.4, body)
    canvas.fill(flap, lighter(look.main, 0.08))
    canvas.cover(flap, look.pattern, mix(look.main, look.ink, 0.75), 58)
    canvas.shade(flap, 40, 0, 0.1)
    canvas.light(flap, 14, 0)
    canvas.fill(box(298, 406, 342, 456, 8), KIN)
    canvas.fill(circle(320, 430, 8), darker(KIN, 0.35))
    for x in (172, 468):
        canvas.fill(circle(x, 322, 13), KIN)


def gamaguchi(canvas: Canvas, look: Look) -> None:
    """がま口: a purse with a clasp."""
    canvas.shadow(332, 510, 170)
    body = loop([(176, 300), (140, 400), (178, 484), (320, 510), (462, 484), (500, 400), (464, 300), (320, 284)])
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.8), 72)
    canvas.shade(body, 44, 10)
    canvas.light(body, 16, 8)
    frame = curve([(160, 318), (196, 268), (320, 246), (444, 268), (480, 318)])
    canvas.line(frame, 19, KIN)
    canvas.line([(x, y - 4) for x, y in frame], 5, lighter(KIN, 0.4))
    for x in (302, 338):
        canvas.line([(x, 246), (320 + (320 - x) * 0.5, 214)], 9, KIN)
        canvas.fill(circle(320 + (320 - x) * 0.9, 206, 18), KIN)
        canvas.light(circle(320 + (320 - x) * 0.9, 206, 18), 5, 5, 0.4)


def wallet(canvas: Canvas, look: Look) -> None:
    """A wallet and a card, seen from above."""
    card = turned(box(260, 130, 520, 300, 14), 12, (320, 348))
    canvas.drop(card)
    canvas.fill(card, KINARI)
    canvas.cover(card, "seigaiha", mix(KINARI, look.ink, 0.3), 40)
    body = turned(box(110, 236, 530, 520, 24), -6, (320, 348))
    canvas.drop(body)
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.55), 70)
    canvas.light(body, 10, 10, 0.14)
    canvas.shade(body, 12, 12)
    strap = turned(box(420, 336, 560, 416, 26), -6, (320, 348))
    canvas.drop(strap)
    canvas.fill(strap, darker(look.main, 0.2))
    x, y = turned([(452, 376)], -6, (320, 348))[0]
    canvas.fill(circle(x, y, 17), KIN)
    canvas.light(circle(x, y, 17), 5, 5, 0.45)


def kinchaku(canvas: Canvas, look: Look) -> None:
    """巾着: a drawstring bag."""
    canvas.shadow(332, 510, 160)
    for side in (-1, 1):
        canvas.line(
            curve([(320 + side * 60, 244), (320 + side * 150, 190), (320 + side * 188, 268), (320 + side * 172, 330)]),
            9,
            look.ink,
        )
        canvas.fill(circle(320 + side * 172, 336, 15), darker(look.ink, 0.15))
    frill = [
        (222, 240),
        *curve([(222, 240), (206, 186), (214, 148)]),
        *curve([(214, 148), (268, 168), (320, 150), (372, 168), (426, 148)]),
        *curve([(426, 148), (434, 186), (418, 240)]),
    ]
    canvas.fill(frill, darker(look.main, 0.1))
    canvas.cover(frill, look.pattern, mix(look.main, look.ink, 0.6), 58)
    body = lathe(320, [(236, 92), (280, 128), (380, 168), (468, 164), (500, 140), (510, 104)])
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.75), 66)
    for x in (264, 300, 342, 378):
        canvas.line(
            curve([(x, 246), (x + (x - 320) * 0.3, 290), (x + (x - 320) * 0.5, 330)]), 3, darker(look.main, 0.22)
        )
    canvas.shade(body, 42, 6)
    canvas.light(body, 15, 6)
    canvas.line(arc(320, 236, 96, 13, 0, 180), 10, look.ink)


def furoshiki(canvas: Canvas, look: Look) -> None:
    """風呂敷: a thing wrapped in a cloth."""
    canvas.shadow(332, 510, 182)
    body = loop(
        [
            (154, 478),
            (150, 390),
            (196, 322),
            (320, 296),
            (444, 322),
            (490, 390),
            (486, 478),
            (440, 508),
            (320, 511),
            (200, 508),
        ]
    )
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.8), 84)
    canvas.wash(
        [(320, 300), *curve([(320, 300), (210, 370), (150, 480)]), (120, 330)], darker(look.main, 0.5), 0.16, body
    )
    canvas.wash(
        [(320, 300), *curve([(320, 300), (420, 370), (492, 480)]), (520, 330)], darker(look.main, 0.5), 0.24, body
    )
    canvas.shade(body, 36, 8, 0.1)
    for side in (-1, 1):
        ear = [
            (320, 290),
            *curve([(320, 290), (320 + side * 70, 190), (320 + side * 176, 168)]),
            *curve([(320 + side * 176, 168), (320 + side * 150, 250), (320, 312)]),
        ]
        canvas.fill(ear, mix(look.main, look.ink, 0.12) if side < 0 else darker(look.main, 0.1))
        canvas.cover(ear, look.pattern, mix(look.main, look.ink, 0.7), 76)
        canvas.shade(ear, 10, 14, 0.14)
    knot = loop([(276, 296), (290, 262), (320, 252), (352, 262), (364, 296), (350, 324), (320, 332), (290, 324)])
    canvas.fill(knot, look.main)
    canvas.light(knot, 8, 8, 0.2)
    canvas.shade(knot, 14, 10, 0.2)


def umbrella(canvas: Canvas, look: Look) -> None:
    """An open umbrella."""
    canvas.shadow(320, 520, 70)
    canvas.line([(320, 110), (320, 488)], 9, COLOURS["kogecha"])
    canvas.line(curve([(320, 478), (322, 510), (346, 520), (366, 502)]), 13, COLOURS["ki"])
    rim: Outline = [(66, 330)]
    for left in (66, 193, 320, 447):
        rim += curve([(left, 330), (left + 63, 298), (left + 127, 330)])
    canopy = [*arc(320, 330, 254, 206, 180, 360), *reversed(rim)]
    canvas.fill(canopy, look.main)
    canvas.cover(canopy, look.pattern, mix(look.main, look.ink, 0.7), 72)
    for x, share in ((193, 0.4), (447, 0.4)):
        rib = curve([(320, 124), (320 + (x - 320) * 0.75, 200), (x, 330)])
        canvas.line(rib, 3, mix(look.main, look.ink, share))
    canvas.line([(320, 124), (320, 330)], 3, mix(look.main, look.ink, 0.4))
    canvas.shade(canopy, 60, 12, 0.1)
    canvas.light(canopy, 18, 10, 0.16)
    canvas.fill(box(314, 96, 326, 130, 5), COLOURS["ki"])


SHAPES = {
    "tote": tote,
    "backpack": backpack,
    "boston": boston,
    "shoulder": shoulder,
    "gamaguchi": gamaguchi,
    "wallet": wallet,
    "kinchaku": kinchaku,
    "furoshiki": furoshiki,
    "umbrella": umbrella,
}
LYING = frozenset({"wallet"})
