"""Draws sweets: yokan, dorayaki, buns, a box of them, crackers, sponge cake, dumplings, jelly."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, box, can, circle, flower, lathe, leaf, turned

KINARI, SUMI, KI = COLOURS["kinari"], COLOURS["sumi"], COLOURS["ki"]


def yokan(canvas: Canvas, look: Look) -> None:
    """羊羹: a block with two slices cut from it."""
    _slate(canvas)
    _slab(canvas, 176, 330, 250, 152, look.main, look.ink)
    for left in (372, 438):
        face = turned(box(left, 354, left + 46, 486), 9, (left, 486))
        canvas.shadow(left + 30, 488, 34, 5, 0.2)
        canvas.fill(
            [(face[0][0] - 14, face[0][1] - 10), face[0], face[3], (face[3][0] - 14, face[3][1] - 10)],
            darker(look.main, 0.3),
        )
        canvas.fill(
            [face[0], (face[0][0] - 14, face[0][1] - 10), (face[1][0] - 14, face[1][1] - 10), face[1]],
            lighter(look.main, 0.3),
        )
        canvas.fill(face, look.main)
        for x, y in ((12, 28), (30, 62), (16, 98)):
            canvas.fill(circle(face[0][0] + x - 8, face[0][1] + y + 12, 10), look.ink)


def dorayaki(canvas: Canvas, look: Look) -> None:
    """どら焼き: two, one on the other."""
    _plate(canvas, COLOURS["shiro"], mix(look.ink, KINARI, 0.3))
    for bottom in (482, 350):
        under = lathe(320, [(bottom - 52, 150), (bottom - 36, 152), (bottom - 12, 132), (bottom, 96)])
        canvas.fill(under, COLOURS["tamago"])
        canvas.shade(under, 26, 0, 0.1)
        canvas.fill(lathe(320, [(bottom - 70, 140), (bottom - 54, 153), (bottom - 40, 142)]), look.ink)
        cap = lathe(
            320, [(bottom - 138, 30), (bottom - 130, 84), (bottom - 96, 142), (bottom - 66, 152), (bottom - 54, 140)]
        )
        canvas.fill(cap, COLOURS["tamago"])
        baked = lathe(
            320, [(bottom - 138, 30), (bottom - 130, 84), (bottom - 100, 139), (bottom - 80, 144), (bottom - 72, 124)]
        )
        canvas.wash(baked, look.main, 1, within=cap)
        canvas.shade(cap, 30, 16, 0.12)
        canvas.light(cap, 10, 14, 0.12)


def manju(canvas: Canvas, look: Look) -> None:
    """饅頭: three buns with a mark on top."""
    _plate(canvas, COLOURS["ki"], COLOURS["cha"])
    for x, bottom in ((236, 470), (404, 470), (320, 366)):
        bun = lathe(x, [(bottom - 122, 14), (bottom - 114, 52), (bottom - 66, 86), (bottom - 18, 84), (bottom, 62)])
        canvas.fill(bun, look.main)
        canvas.shade(bun, 22, 12, 0.13)
        canvas.light(bun, 10, 8, 0.35)
        canvas.fill(flower(x, bottom - 78, 21), look.ink)
        canvas.fill(circle(x, bottom - 78, 5), lighter(look.ink, 0.6))


def assort(canvas: Canvas, look: Look) -> None:
    """A box of six fresh sweets, seen from above."""
    lacquer = box(104, 166, 536, 530, 16)
    canvas.drop(lacquer)
    canvas.fill(lacquer, SUMI)
    canvas.fill(box(118, 180, 522, 516, 8), mix(look.main, SUMI, 0.1))
    canvas.cover(box(118, 180, 522, 516, 8), look.pattern, mix(look.main, KINARI, 0.35), 44)
    hues = [look.ink, COLOURS["matcha"], COLOURS["sakura"], COLOURS["kinari"], COLOURS["fuji"], COLOURS["yamabuki"]]
    for index, hue in enumerate(hues):
        x, y = 186 + index % 3 * 134, 266 + index // 3 * 164
        canvas.fill(circle(x, y, 60), lighter(KINARI, 0.5))
        _fresh(canvas, x, y, 50, hue, index)


def senbei(canvas: Canvas, look: Look) -> None:
    """煎餅: crackers leaning on each other, one wrapped in seaweed."""
    _plate(canvas, COLOURS["ai"], COLOURS["kon"])
    for x, y, nori in ((236, 356, False), (404, 356, False), (320, 376, True)):
        disc = circle(x, y, 104, 108)
        canvas.shade(disc, -8, -6, 0.2)
        canvas.fill(disc, look.main if nori else mix(look.main, COLOURS["cha"], 0.25))
        canvas.wash(circle(x, y, 88, 92), COLOURS["kuri"], 0.16)
        for dx, dy in ((-44, -40), (38, -54), (-58, 22), (52, 30), (0, -70), (8, 66)):
            canvas.fill(circle(x + dx, y + dy, 6, 5), look.ink)
        if nori:
            strip = box(274, 262, 366, 490)
            canvas.wash(strip, COLOURS["kon"], 1, within=disc)
            canvas.wash(box(274, 262, 286, 490), lighter(COLOURS["kon"], 0.2), 1, within=disc)
        canvas.shade(disc, 12, 10, 0.12)


def castella(canvas: Canvas, look: Look) -> None:
    """カステラ: a loaf of sponge cake with slices."""
    _slate(canvas, KI)
    for left, width in ((166, 196), (380, 40), (438, 40)):
        front = box(left, 336, left + width, 480, 3)
        canvas.shadow(left + width / 2 + 8, 484, width / 2, 6, 0.2)
        canvas.fill(
            [(left, 336), (left + 36, 310), (left + width + 36, 310), (left + width, 336)], darker(COLOURS["cha"], 0.25)
        )
        canvas.fill(
            [(left + width, 336), (left + width + 36, 310), (left + width + 36, 456), (left + width, 480)],
            darker(look.main, 0.14),
        )
        canvas.fill(front, look.main)
        canvas.fill(box(left, 336, left + width, 356), COLOURS["cha"])
        canvas.fill(box(left, 466, left + width, 480), mix(COLOURS["cha"], look.main, 0.3))
        canvas.cover(box(left, 360, left + width, 462), look.pattern, mix(look.main, look.ink, 0.4), 40)


def dango(canvas: Canvas, look: Look) -> None:
    """団子: three skewers of three."""
    _plate(canvas, COLOURS["shiro"], COLOURS["nezu"])
    hues = (look.main, KINARI, look.ink)
    for x, lean in ((226, -9), (320, 0), (414, 9)):
        canvas.line(turned([(x, 180), (x, 486)], lean, (x, 486)), 7, COLOURS["ki"])
        for step, hue in enumerate(hues):
            ((mx, my),) = turned([(x, 236 + step * 82)], lean, (x, 486))
            ball = circle(mx, my, 47, 44)
            canvas.fill(ball, hue)
            canvas.shade(ball, 11, 10, 0.14)
            canvas.light(ball, 7, 7, 0.4)


def jelly(canvas: Canvas, look: Look) -> None:
    """A glass of jelly with fruit in it."""
    canvas.shadow(330, 510, 120)
    glass = lathe(320, [(212, 142), (300, 136), (400, 110), (450, 70), (470, 30)])
    foot = lathe(320, [(466, 24), (486, 22), (500, 70), (508, 84)])
    canvas.wash(glass, COLOURS["shiro"], 0.55)
    canvas.wash(foot, COLOURS["shiro"], 0.75)
    canvas.shade(foot, 16)
    filled = [*arc(320, 266, 138, 18, 180, 360), (458, 700), (182, 700)]
    canvas.wash(filled, look.main, 0.85, within=glass)
    for x, y, radius in ((268, 336, 32), (358, 318, 36), (322, 398, 30), (392, 380, 20), (246, 392, 14)):
        canvas.wash(circle(x, y, radius), look.ink, 0.85, within=glass)
        canvas.wash(circle(x - radius * 0.3, y - radius * 0.3, radius * 0.25), KINARI, 0.7, within=glass)
    canvas.fill(circle(320, 266, 136, 17), lighter(look.main, 0.35))
    canvas.fill(leaf(330, 262, 74, 34, 62), COLOURS["tokiwa"])
    canvas.fill(leaf(326, 264, 62, 30, 8), COLOURS["wakatake"])
    canvas.fill(circle(300, 244, 27), look.ink)
    canvas.fill(circle(292, 236, 7), lighter(look.ink, 0.5))
    canvas.shade(glass, 26, 0, 0.1)
    canvas.light(glass, 14, 0, 0.4)
    canvas.line(arc(320, 213, 141, 19, 0, 180), 3, lighter(look.ground, 0.7))


def tinned(canvas: Canvas, look: Look) -> None:
    """A round tin of biscuits, its lid leaning behind it."""
    canvas.shadow(330, 506, 190)
    lid = circle(388, 298, 156)
    canvas.fill(lid, darker(look.main, 0.2))
    face = circle(382, 294, 148)
    canvas.fill(face, look.main)
    canvas.cover(face, look.pattern, mix(look.main, look.ink, 0.65), 60)
    badge = look.main if look.ink == KINARI else look.ink
    canvas.fill(circle(382, 294, 52), KINARI)
    canvas.fill(flower(382, 294, 38), badge)
    canvas.fill(circle(382, 294, 9), KINARI)
    tin = can(300, 412, 480, 164, 30)
    canvas.fill(tin, look.main)
    canvas.cover(tin, look.pattern, mix(look.main, look.ink, 0.65), 60)
    canvas.shade(tin, 46)
    canvas.fill(circle(300, 412, 164, 30), darker(look.main, 0.3))
    for x, y in ((206, 404), (268, 394), (332, 394), (394, 404), (240, 412), (302, 416), (362, 412)):
        canvas.fill(circle(x, y, 38, 20), darker(KI, 0.12))
        canvas.fill(circle(x, y - 5, 38, 20), COLOURS["usuki"])
        canvas.fill(circle(x, y - 5, 13, 6), badge)


def _fresh(canvas: Canvas, x: float, y: float, radius: float, hue: Colour, kind: int) -> None:
    if kind % 3 == 0:
        canvas.fill(flower(x, y, radius, 5, 0.16), hue)
        for petal in range(5):
            canvas.line(turned([(x, y - 8), (x, y - radius * 0.72)], 36 + petal * 72, (x, y)), 3, darker(hue, 0.18))
        canvas.fill(circle(x, y, 9), COLOURS["yamabuki"])
    elif kind % 3 == 1:
        canvas.fill(circle(x, y, radius * 0.92), hue)
        canvas.fill(leaf(x - 22, y + 26, 68, 34, 40), darker(hue, 0.3))
        canvas.light(circle(x, y, radius * 0.92), 7, 6, 0.3)
    else:
        canvas.fill(flower(x, y, radius, 12, 0.1), hue)
        canvas.fill(flower(x, y, radius * 0.66, 12, 0.1), lighter(hue, 0.3))
        canvas.fill(circle(x, y, 10), darker(hue, 0.3))


def _plate(canvas: Canvas, colour: Colour, rim: Colour) -> None:
    canvas.shadow(326, 508, 214)
    canvas.fill(lathe(320, [(478, 212), (492, 190), (508, 92)]), darker(colour, 0.2))
    canvas.fill(circle(320, 478, 214, 25), rim)
    canvas.fill(circle(320, 476, 203, 21), colour)


def _slate(canvas: Canvas, colour: Colour = SUMI) -> None:
    canvas.shadow(326, 508, 220)
    canvas.fill([(138, 468), (502, 468), (536, 500), (104, 500)], colour)
    canvas.fill(box(104, 500, 536, 511), darker(colour, 0.25))


def _slab(canvas: Canvas, left: float, top: float, _width: float, height: float, colour: Colour, dots: Colour) -> None:
    right, bottom = left + 170, top + height
    canvas.shadow(left + 100, bottom + 2, 120, 6, 0.2)
    canvas.fill([(left, top), (left + 40, top - 28), (right + 40, top - 28), (right, top)], lighter(colour, 0.3))
    canvas.fill(box(left, top, right, bottom), colour)
    end = [(right, top), (right + 40, top - 28), (right + 40, bottom - 24), (right, bottom)]
    canvas.fill(end, darker(colour, 0.2))
    for x, y in ((12, 22), (26, 58), (11, 96), (27, 112)):
        canvas.wash(circle(right + x, top + y, 7, 10), dots, 0.9, within=end)


SHAPES = {
    "yokan": yokan,
    "dorayaki": dorayaki,
    "manju": manju,
    "assort": assort,
    "senbei": senbei,
    "castella": castella,
    "dango": dango,
    "jelly": jelly,
    "tinned": tinned,
}
LYING = frozenset({"assort"})
