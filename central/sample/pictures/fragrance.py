"""Draws scents: incense, candles, reed diffusers, perfume, sachets, burners."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, can, circle, curve, flower, lathe, leaf, turned

KINARI, SHIRO, KI, SUMI, KIN = (COLOURS[name] for name in ("kinari", "shiro", "ki", "sumi", "kin"))


def incense(canvas: Canvas, look: Look) -> None:
    """お香: a stick in its holder, and the box it came from."""
    canvas.shadow(338, 510, 200)
    parcel = box(356, 232, 476, 508, 5)
    canvas.fill([(356, 232), (378, 216), (498, 216), (476, 232)], lighter(look.main, 0.3))
    canvas.fill([(476, 232), (498, 216), (498, 490), (476, 508)], darker(look.main, 0.22))
    canvas.fill(parcel, look.main)
    canvas.cover(parcel, look.pattern, mix(look.main, look.ink, 0.7), 50)
    canvas.fill(box(392, 278, 440, 424, 3), KINARI)
    canvas.fill(flower(416, 350, 19), look.ink if look.ink not in (KINARI, SHIRO) else look.main)
    dish = lathe(220, [(478, 122), (492, 110), (510, 62)])
    canvas.fill(dish, SUMI)
    canvas.fill(circle(220, 478, 122, 15), lighter(SUMI, 0.18))
    canvas.fill(circle(220, 476, 22, 12), KIN)
    canvas.line(
        [(220, 474), (188, 250)], 6, darker(look.ink, 0.1) if look.ink not in (KINARI, SHIRO) else COLOURS["kuri"]
    )
    canvas.fill(circle(188, 250, 5), COLOURS["shu"])
    canvas.line(curve([(188, 238), (170, 196), (214, 158), (184, 112), (206, 70)]), 7, lighter(look.ground, 0.6))


def candle(canvas: Canvas, look: Look) -> None:
    """A candle in a glass."""
    canvas.shadow(330, 510, 130)
    canvas.wash(circle(320, 236, 130), COLOURS["tamago"], 0.45)
    body = can(320, 296, 498, 118, 16)
    canvas.fill(body, look.main)
    canvas.cover(band(320, 336, 470, 118, 16), look.pattern, mix(look.main, look.ink, 0.6), 54)
    label = box(268, 372, 372, 448, 3)
    canvas.fill(label, KINARI)
    canvas.fill(leaf(320, 436, 50, 26, 0), look.ink if look.ink not in (KINARI, SHIRO) else look.main)
    canvas.shade(body, 38)
    canvas.light(body, 16, 0, 0.3)
    canvas.fill(circle(320, 296, 118, 16), lighter(look.main, 0.4))
    canvas.fill(circle(320, 299, 106, 12), mix(KINARI, look.main, 0.25))
    canvas.line([(320, 298), (320, 272)], 4, SUMI)
    for scale, hue in ((1.0, COLOURS["yamabuki"]), (0.55, COLOURS["kinari"])):
        top, wide, low = 276 - 74 * scale, 22 * scale, 278
        canvas.fill(
            [
                (320, top),
                *curve(
                    [(320, top), (320 + wide, low - 22 * scale), (320, low), (320 - wide, low - 22 * scale), (320, top)]
                ),
            ],
            hue,
        )


def diffuser(canvas: Canvas, look: Look) -> None:
    """Reeds in a bottle."""
    for lean in (-24, -13, -3, 9, 20):
        canvas.line(
            turned([(320, 400), (320, 96 + abs(lean))], lean, (320, 400)), 6, COLOURS["cha"] if lean % 2 else KI
        )
    canvas.shadow(330, 510, 120)
    bottle = lathe(320, [(286, 38), (318, 40), (344, 62), (380, 110), (440, 124), (490, 116), (510, 84)])
    canvas.fill(bottle, lighter(look.main, 0.4))
    canvas.wash(box(180, 396, 460, 520), look.main, 1, within=bottle)
    label = box(266, 412, 374, 484, 4)
    canvas.fill(label, KINARI)
    canvas.cover(label, look.pattern, mix(KINARI, look.ink, 0.5), 34)
    canvas.fill(flower(320, 448, 22), look.ink if look.ink not in (KINARI, SHIRO) else look.main)
    canvas.shade(bottle, 36)
    canvas.light(bottle, 16, 0, 0.4)
    canvas.fill(box(276, 262, 364, 300, 6), KI)
    canvas.shade(box(276, 262, 364, 300, 6), 18)


def flacon(canvas: Canvas, look: Look) -> None:
    """A flacon of perfume."""
    canvas.shadow(332, 510, 140)
    glass = box(192, 272, 448, 510, 22)
    canvas.fill(glass, lighter(look.main, 0.5))
    inner = box(210, 290, 430, 490, 14)
    canvas.fill(inner, mix(look.main, SHIRO, 0.15))
    canvas.cover(inner, look.pattern, mix(look.main, SHIRO, 0.4), 66)
    canvas.wash([(210, 290), (300, 290), (232, 490), (210, 490)], SHIRO, 0.3)
    canvas.fill(circle(320, 394, 50), KINARI)
    canvas.fill(flower(320, 394, 34), look.ink if look.ink not in (KINARI, SHIRO) else look.main)
    canvas.fill(circle(320, 394, 8), KINARI)
    canvas.shade(glass, 28)
    canvas.fill(box(282, 240, 358, 276, 4), KIN)
    cap = box(264, 150, 376, 244, 16)
    canvas.fill(cap, look.ink)
    canvas.shade(cap, 26)
    canvas.light(cap, 12)


def sachet(canvas: Canvas, look: Look) -> None:
    """匂い袋: a scented bag with a cord."""
    canvas.shadow(332, 510, 150)
    frill = [
        (236, 268),
        *curve([(236, 268), (216, 214), (230, 176)]),
        (262, 196),
        (292, 168),
        (320, 194),
        (348, 168),
        (378, 196),
        *curve([(410, 176), (424, 214), (404, 268)]),
    ]
    canvas.fill(frill, darker(look.main, 0.14))
    canvas.cover(frill, look.pattern, mix(look.main, look.ink, 0.55), 50)
    bag = lathe(320, [(262, 76), (300, 104), (380, 158), (450, 164), (494, 138), (510, 96)])
    canvas.fill(bag, look.main)
    canvas.cover(bag, look.pattern, mix(look.main, look.ink, 0.75), 62)
    canvas.shade(bag, 44, 8)
    canvas.light(bag, 16, 8)
    cord = look.ink if look.pattern == "muji" else COLOURS["shu"] if look.main != COLOURS["shu"] else KIN
    canvas.line(arc(320, 262, 80, 10, 0, 180), 13, cord)
    for side in (-1, 1):
        canvas.line(
            curve([(320, 274), (320 + side * 40, 250), (320 + side * 74, 286), (320 + side * 22, 284), (320, 274)]),
            8,
            cord,
        )
        canvas.line(curve([(320, 276), (320 + side * 24, 330), (320 + side * 36, 380)]), 8, cord)
        canvas.fill(lathe(320 + side * 36, [(374, 8), (386, 13), (424, 17)], straight=True), darker(cord, 0.1))


def burner(canvas: Canvas, look: Look) -> None:
    """香炉: an incense burner with three feet."""
    canvas.shadow(330, 510, 150)
    for x in (224, 320, 416):
        canvas.fill(lathe(x, [(468, 30), (510, 16)], straight=True), darker(look.main, 0.3))
    body = lathe(320, [(320, 134), (340, 140), (410, 152), (460, 130), (484, 84)])
    canvas.fill(body, look.main)
    canvas.cover(lathe(320, [(352, 142), (410, 152), (446, 140)]), look.pattern, mix(look.main, look.ink, 0.8), 54)
    canvas.shade(body, 44, 6)
    canvas.light(body, 16, 4)
    lid = lathe(320, [(236, 30), (250, 80), (288, 128), (322, 142)])
    canvas.fill(lid, look.ink)
    for x in (262, 320, 378):
        canvas.fill(flower(x, 288, 19), darker(look.ink, 0.4))
    canvas.shade(lid, 38, 6)
    canvas.light(lid, 14, 6)
    canvas.fill(circle(320, 230, 24, 20), darker(look.ink, 0.12))
    canvas.line(curve([(320, 204), (300, 170), (344, 136), (312, 96), (326, 70)]), 7, lighter(look.ground, 0.6))


SHAPES = {
    "incense": incense,
    "candle": candle,
    "diffuser": diffuser,
    "flacon": flacon,
    "sachet": sachet,
    "burner": burner,
}
LYING: frozenset[str] = frozenset()
