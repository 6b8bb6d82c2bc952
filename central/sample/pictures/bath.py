"""Draws bathroom things: towels, tenugui, soap, jars and bottles, brushes, mats, tubs."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, circle, curve, flower, lathe, leaf, turned

KINARI, SHIRO, KI, USUKI, SUMI = (COLOURS[name] for name in ("kinari", "shiro", "ki", "usuki", "sumi"))


def towels(canvas: Canvas, look: Look) -> None:
    """Folded towels, one on the other."""
    canvas.shadow(330, 508, 196)
    hues = (look.main, mix(look.main, look.ink, 0.5), mix(look.main, SHIRO, 0.45), look.main)
    for index, hue in enumerate(hues):
        bottom = 508 - index * 74
        fold = box(136 + index * 3, bottom - 78, 504 - index * 3, bottom, 36)
        canvas.fill(fold, hue)
        canvas.line([(160, bottom - 38), (478, bottom - 38)], 3, darker(hue, 0.14))
        if index in (0, 3):
            canvas.cover(box(170, bottom - 78, 262, bottom), look.pattern, mix(hue, look.ink, 0.75), 36, fold)
        else:
            for x in (178, 194):
                canvas.fill(box(x, bottom - 77, x + 8, bottom - 1), mix(hue, SHIRO, 0.6))
        canvas.shade(fold, 26, 10, 0.1)
        canvas.light(fold, 8, 12, 0.25)


def facecloth(canvas: Canvas, look: Look) -> None:
    """A towel on a bar."""
    canvas.line([(110, 170), (530, 170)], 15, KI)
    for x in (110, 530):
        canvas.fill(circle(x, 170, 16), darker(KI, 0.2))
    back = box(350, 166, 462, 470, 6)
    canvas.fill(back, darker(look.main, 0.16))
    front = [
        (178, 164),
        (398, 164),
        *curve([(398, 164), (402, 320), (396, 530)]),
        *curve([(396, 530), (290, 537), (182, 530)]),
        *curve([(182, 530), (176, 320), (178, 164)]),
    ]
    canvas.drop(front, 0.1)
    canvas.fill(front, look.main)
    canvas.cover(box(170, 176, 410, 470), look.pattern, mix(look.main, look.ink, 0.7), 64, front)
    canvas.wash(box(170, 474, 410, 506), look.ink, 0.75, within=front)
    canvas.wash(box(170, 160, 410, 184), SHIRO, 0.3, within=front)
    canvas.shade(front, 26, 0, 0.09)


def tenugui(canvas: Canvas, look: Look) -> None:
    """手拭い: a printed cotton cloth, spread and folded over."""
    cloth = turned(box(176, 108, 430, 590, 2), 6, (320, 348))
    canvas.drop(cloth)
    canvas.fill(cloth, look.main)
    canvas.cover(cloth, look.pattern, mix(look.main, look.ink, 0.85), 88)
    over = turned([(176, 400), (470, 338), (486, 470), (176, 540)], 6, (320, 348))
    canvas.drop(over, 0.16)
    canvas.fill(over, mix(look.main, look.ink, 0.12))
    canvas.cover(over, look.pattern, mix(look.main, look.ink, 0.7), 88)
    canvas.shade(over, 0, 12, 0.1)


def soap(canvas: Canvas, look: Look) -> None:
    """A bar of soap on a wooden dish, and bubbles."""
    canvas.shadow(330, 510, 190)
    for x in (170, 300, 430):
        canvas.fill(box(x, 470, x + 40, 510, 4), darker(KI, 0.22))
    canvas.fill(box(130, 448, 510, 480, 10), KI)
    canvas.wash(box(130, 448, 510, 458, 8), SHIRO, 0.25)
    bar = box(172, 316, 468, 450, 62)
    canvas.fill(bar, look.main)
    canvas.shade(bar, 30, 14)
    canvas.light(bar, 14, 12, 0.4)
    canvas.fill(box(226, 348, 414, 418, 34), darker(look.main, 0.07))
    canvas.fill(flower(320, 383, 26), look.ink)
    canvas.fill(circle(320, 383, 6), lighter(look.ink, 0.6))
    for x, y, radius in ((206, 262, 30), (262, 216, 18), (420, 236, 40), (476, 170, 20), (360, 176, 12)):
        canvas.wash(circle(x, y, radius), SHIRO, 0.7)
        canvas.shade(circle(x, y, radius), radius * 0.2, radius * 0.16, 0.12, look.ink)
        canvas.fill(circle(x - radius * 0.35, y - radius * 0.35, radius * 0.2), SHIRO)


def salts(canvas: Canvas, look: Look) -> None:
    """A glass jar of bath salts with a scoop."""
    canvas.shadow(330, 510, 140)
    jar = box(196, 232, 444, 510, 34)
    canvas.fill(jar, mix(look.ground, SHIRO, 0.65))
    heap = [*curve([(180, 330), (260, 300), (340, 320), (460, 292)]), (460, 520), (180, 520)]
    canvas.wash(heap, look.main, 1, within=box(206, 240, 434, 500, 28))
    for index in range(26):
        x, y = 222 + index * 61 % 200, 336 + index * 37 % 150
        canvas.fill(
            turned(box(x - 6, y - 6, x + 6, y + 6), index * 23, (x, y)),
            lighter(look.main, 0.4) if index % 3 else darker(look.main, 0.12),
        )
    paper = box(246, 380, 394, 474, 4)
    canvas.fill(paper, KINARI)
    canvas.cover(paper, look.pattern, mix(KINARI, look.ink, 0.5), 38)
    canvas.fill(circle(320, 427, 30), KINARI)
    canvas.fill(flower(320, 427, 22), look.ink)
    canvas.shade(jar, 28)
    canvas.light(jar, 14, 0, 0.5)
    cork = box(222, 184, 418, 238, 12)
    canvas.fill(cork, KI)
    canvas.shade(cork, 26)
    canvas.line(arc(320, 244, 98, 10, 0, 180), 5, look.ink)


def pump(canvas: Canvas, look: Look) -> None:
    """A pair of pump bottles."""
    for x, top, swap in ((416, 306, True), (246, 258, False)):
        main, ink = (mix(look.main, SHIRO, 0.5), look.main) if swap else (look.main, look.ink)
        canvas.shadow(x + 8, 510, 104)
        canvas.line([(x, top), (x, top - 62)], 13, SUMI)
        canvas.line(curve([(x + 6, top - 66), (x - 40, top - 68), (x - 66, top - 52)]), 15, SUMI)
        canvas.fill(box(x - 34, top - 26, x + 34, top + 12, 6), SUMI)
        body = box(x - 90, top + 8, x + 90, 510, 30)
        canvas.fill(body, main)
        label = box(x - 56, top + 72, x + 56, 470, 4)
        canvas.fill(label, KINARI)
        canvas.cover(label, look.pattern, mix(KINARI, ink, 0.45), 38)
        canvas.fill(leaf(x, top + 166, 76, 38, 12), ink if ink not in (KINARI, SHIRO) else COLOURS["tokiwa"])
        canvas.shade(body, 26)
        canvas.light(body, 12)


def brush(canvas: Canvas, look: Look) -> None:
    """A body brush, seen from above."""
    lean, about = 38, (320, 348)
    grip = turned(box(296, 300, 344, 620, 24), lean, about)
    head = turned(circle(320, 222, 108, 132), lean, about)
    for part in (grip, head):
        canvas.drop(part)
    canvas.fill(grip, look.main)
    canvas.fill(head, look.main)
    canvas.light(grip, 10, 4, 0.2)
    canvas.shade(head, 14, 12)
    inner = turned(circle(320, 222, 84, 106), lean, about)
    canvas.fill(inner, look.ink)
    canvas.cover(inner, "kanoko", mix(look.ink, SUMI, 0.25), 22)
    canvas.light(inner, 12, 12, 0.16)
    canvas.fill(circle(*turned([(320, 594)], lean, about)[0], 8), darker(look.main, 0.45))


def mat(canvas: Canvas, look: Look) -> None:
    """A bath mat, seen from above."""
    edge = box(96, 196, 544, 500, 26)
    for x in range(106, 540, 16):
        for y, end in ((196, 178), (500, 518)):
            canvas.line([(x, y), (x, end)], 5, mix(look.main, SHIRO, 0.35))
    canvas.drop(edge)
    canvas.fill(edge, look.main)
    canvas.fill(box(118, 218, 522, 478, 14), mix(look.main, look.ink, 0.22))
    canvas.cover(box(132, 232, 508, 464, 8), look.pattern, mix(look.main, look.ink, 0.8), 84)
    canvas.shade(edge, 10, 10, 0.1)


def tub(canvas: Canvas, look: Look) -> None:
    """桶: a wooden tub with a towel over its side."""
    canvas.shadow(330, 510, 184)
    side = lathe(320, [(300, 186), (510, 158)], straight=True)
    canvas.fill(side, look.main)
    for turn in range(-4, 5):
        canvas.line([(320 + turn * 42, 306), (320 + turn * 36, 508)], 2.5, darker(look.main, 0.16))
    for y, width in ((352, 180), (462, 166)):
        canvas.fill(band(320, y - 8, y + 10, width, 14), COLOURS["kin"])
    canvas.shade(side, 50)
    canvas.light(side, 18)
    canvas.fill(circle(320, 300, 186, 32), lighter(look.main, 0.3))
    canvas.fill(circle(320, 304, 170, 25), darker(look.main, 0.3))
    canvas.fill(circle(320, 310, 152, 18), COLOURS["mizu"])
    cloth = [
        (206, 288),
        (318, 272),
        (322, 322),
        *curve([(326, 330), (330, 390), (322, 442)]),
        *curve([(322, 442), (268, 452), (210, 442)]),
        *curve([(210, 442), (204, 390), (206, 330)]),
    ]
    canvas.fill(cloth, SHIRO)
    canvas.cover(cloth, look.pattern, look.ink, 44)
    canvas.shade(cloth, 14, 0)


SHAPES = {
    "towels": towels,
    "facecloth": facecloth,
    "tenugui": tenugui,
    "soap": soap,
    "salts": salts,
    "pump": pump,
    "brush": brush,
    "mat": mat,
    "tub": tub,
}
LYING = frozenset({"facecloth", "tenugui", "brush", "mat"})
