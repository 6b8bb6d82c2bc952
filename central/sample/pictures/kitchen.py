"""Draws what one cooks with: pots, pans, kettles, knives, boards, ladles, lunch boxes, flasks, steamers."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, can, circle, curve, lathe, leaf, turned

KI, USUKI, GIN, SUMI, SHIRO = (COLOURS[name] for name in ("ki", "usuki", "gin", "sumi", "shiro"))


def donabe(canvas: Canvas, look: Look) -> None:
    """土鍋: an earthenware pot with its lid."""
    canvas.shadow(330, 510, 190)
    for x in (112, 528):
        canvas.fill(circle(x, 392, 34, 17), darker(look.main, 0.25))
    body = lathe(320, [(366, 204), (410, 200), (470, 160), (508, 104)])
    canvas.fill(body, look.main)
    canvas.cover(lathe(320, [(388, 203), (410, 200), (448, 180)]), look.pattern, mix(look.main, look.ink, 0.75), 50)
    canvas.shade(body, 50, 8)
    canvas.light(body, 18, 4)
    canvas.fill(lathe(320, [(346, 212), (366, 216), (378, 208)]), darker(look.main, 0.3))
    lid = lathe(320, [(238, 40), (252, 96), (300, 180), (348, 208), (356, 204)])
    canvas.fill(lid, mix(look.main, look.ink, 0.12))
    canvas.cover(lathe(320, [(262, 118), (300, 180), (330, 200)]), look.pattern, mix(look.main, look.ink, 0.75), 50)
    canvas.shade(lid, 48, 8)
    canvas.light(lid, 16, 8)
    canvas.fill(lathe(320, [(206, 46), (214, 52), (244, 34)]), darker(look.main, 0.3))
    canvas.fill(circle(410, 276, 8, 6), SUMI)


def pot(canvas: Canvas, look: Look) -> None:
    """An enamelled pot with two handles."""
    canvas.shadow(330, 510, 180)
    for side in (-1, 1):
        canvas.line(
            arc(320 + side * 176, 366, 34, 26, -95 if side > 0 else 85, 95 if side > 0 else 275),
            15,
            darker(look.main, 0.3),
        )
    body = lathe(320, [(316, 178), (480, 174), (500, 162), (510, 140)])
    canvas.fill(body, look.main)
    canvas.cover(band(320, 372, 446, 177, 12), look.pattern, mix(look.main, look.ink, 0.8), 54, body)
    canvas.shade(body, 52)
    canvas.light(body, 20)
    lid = lathe(320, [(252, 44), (262, 110), (300, 178), (318, 184)])
    canvas.fill(lid, darker(look.main, 0.12))
    canvas.shade(lid, 44, 4)
    canvas.light(lid, 16, 6)
    canvas.fill(lathe(320, [(222, 34), (230, 38), (254, 18)]), KI)


def pan(canvas: Canvas, look: Look) -> None:
    """A frying pan, seen from above."""
    grip = turned(box(440, 330, 630, 368, 16), 42, (300, 326))
    canvas.drop(grip)
    canvas.fill(grip, look.ink)
    canvas.light(grip, -7, 8, 0.2)
    for radius, colour in ((186, darker(look.main, 0.25)), (180, look.main), (152, darker(look.main, 0.18))):
        if radius == 186:
            canvas.drop(circle(278, 306, radius))
        canvas.fill(circle(278, 306, radius), colour)
    canvas.cover(circle(278, 306, 150), look.pattern, lighter(look.main, 0.12), 40)
    canvas.light(circle(278, 306, 150), 14, 14, 0.12)
    canvas.fill(leaf(196, 384, 190, 78, 50), COLOURS["wakatake"])
    canvas.line([(204, 378), (322, 278)], 3, darker(COLOURS["wakatake"], 0.25))
    for x, y in ((226, 262), (262, 232), (326, 352)):
        canvas.fill(circle(x, y, 25), COLOURS["shu"])
        canvas.fill(circle(x - 7, y - 7, 7), lighter(COLOURS["shu"], 0.5))


def kettle(canvas: Canvas, look: Look) -> None:
    """鉄瓶: an iron kettle."""
    canvas.shadow(330, 510, 170)
    hoop = arc(320, 306, 128, 150, 186, 354)
    canvas.line(hoop, 15, look.ink)
    spout = [(452, 420), (520, 330), (548, 318), (536, 300), (500, 304), (432, 356)]
    canvas.fill(spout, darker(look.main, 0.1))
    body = lathe(314, [(292, 90), (310, 130), (380, 172), (440, 168), (490, 130), (510, 96)])
    canvas.fill(body, look.main)
    canvas.cover(
        lathe(314, [(330, 146), (380, 172), (440, 168), (474, 146)]), look.pattern, lighter(look.main, 0.2), 34
    )
    canvas.shade(body, 48, 10, 0.2)
    canvas.light(body, 18, 8, 0.16)
    lid = lathe(314, [(262, 24), (270, 64), (294, 96), (304, 90)])
    canvas.fill(lid, darker(look.main, 0.3))
    canvas.light(lid, 12, 6, 0.14)
    canvas.fill(circle(314, 250, 19, 18), look.ink)


def knife(canvas: Canvas, look: Look) -> None:
    """包丁: a kitchen knife on a board, seen from above."""
    plank = box(110, 176, 530, 524, 22)
    canvas.drop(plank)
    canvas.fill(plank, USUKI)
    for y in (226, 268, 330, 402, 452, 494):
        canvas.line(curve([(130, y), (250, y + 6), (390, y - 5), (510, y + 3)]), 2, mix(USUKI, KI, 0.6))
    about = (320, 350)
    blade = turned(
        [*curve([(92, 338), (170, 388), (250, 404), (380, 404)]), (380, 318), (150, 318), (92, 338)], -24, about
    )
    canvas.drop(blade, 0.2)
    canvas.fill(blade, GIN)
    edge = turned(
        [*curve([(92, 338), (170, 388), (250, 404), (380, 404)]), (380, 386), (250, 384), (170, 366), (92, 338)],
        -24,
        about,
    )
    canvas.fill(edge, lighter(GIN, 0.55))
    canvas.cover(blade, look.pattern, lighter(GIN, 0.15), 60)
    canvas.fill(turned(box(376, 314, 404, 374, 4), -24, about), COLOURS["kin"])
    grip = turned(box(400, 320, 566, 368, 18), -24, about)
    canvas.drop(grip, 0.2)
    canvas.fill(grip, look.main)
    canvas.light(grip, 2, 12, 0.2)
    for x in (440, 526):
        ((cx, cy),) = turned([(x, 344)], -24, about)
        canvas.fill(circle(cx, cy, 7), look.ink)


def board(canvas: Canvas, look: Look) -> None:
    """まな板: a board with herbs on it, seen from above."""
    plank = [*box(150, 210, 490, 560, 30)]
    grip = box(276, 130, 364, 250, 26)
    for part in (grip, plank):
        canvas.drop(part)
    for part in (grip, plank):
        canvas.fill(part, look.main)
    canvas.fill(circle(320, 166, 15), darker(look.main, 0.4))
    for x in (184, 226, 262, 340, 396, 452):
        canvas.line(curve([(x, 226), (x + 6, 330), (x - 5, 440), (x + 3, 544)]), 2, darker(look.main, 0.12))
    for x, y, length, degrees in (
        (300, 470, 150, -34),
        (318, 476, 170, 4),
        (340, 470, 150, 40),
        (330, 480, 96, 78),
        (296, 482, 96, -76),
    ):
        hue = mix(look.ink, COLOURS["tokiwa"], 0.5) if degrees > 0 else look.ink
        canvas.fill(leaf(x, y, length, 54, degrees), hue)
        end = turned([(x, y - length * 0.86)], degrees, (x, y))
        canvas.line([(x, y), end[0]], 2.5, lighter(hue, 0.3))


def utensils(canvas: Canvas, look: Look) -> None:
    """A jar of wooden spoons and turners."""
    for x, lean, kind in ((262, -14, 0), (376, 13, 1), (318, -1, 2)):
        foot = (x, 420)
        canvas.line(turned([(x, 420), (x, 216)], lean, foot), 15, (KI, COLOURS["cha"], USUKI)[kind])
        if kind == 0:
            canvas.fill(turned(circle(x, 176, 35, 48), lean, foot), KI)
            canvas.fill(turned(circle(x, 172, 24, 34), lean, foot), darker(KI, 0.14))
        elif kind == 1:
            canvas.fill(
                turned([(x - 30, 118), (x + 22, 128), (x + 30, 216), (x - 24, 216)], lean, foot), COLOURS["cha"]
            )
        else:
            canvas.fill(turned(box(x - 33, 108, x + 33, 214, 30), lean, foot), USUKI)
            for gap in (-16, 0, 16):
                canvas.line(turned([(x + gap, 134), (x + gap, 192)], lean, foot), 6, darker(USUKI, 0.3))
    canvas.shadow(330, 510, 128)
    jar = lathe(320, [(318, 104), (330, 110), (400, 116), (480, 108), (510, 92)])
    canvas.fill(circle(320, 318, 105, 16), darker(look.main, 0.45))
    canvas.fill(
        [*arc(320, 318, 105, 16, 180, 0), *lathe(320, [(318, 105), (400, 116), (480, 108), (510, 92)])[1:-1]], look.main
    )
    canvas.cover(band(320, 360, 460, 113, 14), look.pattern, mix(look.main, look.ink, 0.8), 50, jar)
    canvas.shade(jar, 36, 0)
    canvas.light(jar, 14, 0)


def bento(canvas: Canvas, look: Look) -> None:
    """弁当箱: two tiers in a band."""
    canvas.shadow(330, 510, 196)
    for top, bottom in ((404, 508), (294, 400)):
        tier = box(136, top, 504, bottom, 20)
        canvas.fill(tier, look.main)
        canvas.cover(tier, look.pattern, mix(look.main, look.ink, 0.75), 56)
        canvas.shade(tier, 48)
        canvas.light(tier, 14)
    lid = box(128, 252, 512, 304, 20)
    canvas.fill(lid, darker(look.main, 0.22))
    canvas.shade(lid, 48)
    canvas.light(lid, 14, 6)
    strap = box(286, 250, 336, 509)
    canvas.fill(strap, look.ink)
    canvas.shade(strap, 12)
    for degrees in (-8, 4):
        canvas.line(turned([(150, 236), (490, 236)], degrees / 3, (320, 236)), 9, COLOURS["cha"])


def flask(canvas: Canvas, look: Look) -> None:
    """A vacuum flask."""
    canvas.shadow(330, 510, 96)
    body = lathe(320, [(232, 68), (258, 82), (490, 82), (504, 76), (510, 64)], straight=True)
    canvas.fill(body, look.main)
    canvas.cover(box(236, 340, 404, 460), look.pattern, mix(look.main, look.ink, 0.8), 48, body)
    canvas.shade(body, 34)
    canvas.light(body, 16)
    canvas.fill(box(250, 222, 390, 238, 4), GIN)
    cap = box(254, 134, 386, 224, 16)
    canvas.fill(cap, look.ink)
    canvas.shade(cap, 28)
    canvas.light(cap, 12)
    canvas.line(arc(320, 136, 40, 42, 180, 360), 11, darker(look.ink, 0.15))


def steamer(canvas: Canvas, look: Look) -> None:
    """蒸籠: bamboo steamer baskets."""
    canvas.shadow(330, 510, 190)
    for top in (420, 322):
        tier = can(320, top, top + 76, 184, 16)
        canvas.fill(tier, look.main)
        for turn in (0.18, 0.5, 0.82):
            x = 136 + 368 * turn
            canvas.line([(x, top + 30), (x, top + 70)], 9, darker(look.main, 0.32))
        canvas.fill(band(320, top + 6, top + 22, 188, 16), darker(look.main, 0.16))
        canvas.shade(tier, 54)
        canvas.light(tier, 20)
    lid = can(320, 272, 322, 190, 34)
    canvas.fill(lid, darker(look.main, 0.12))
    canvas.shade(lid, 54)
    canvas.fill(circle(320, 272, 190, 34), lighter(look.main, 0.15))
    canvas.cover(circle(320, 272, 178, 29), "ichimatsu", darker(look.main, 0.12), 26)
    canvas.line(arc(320, 268, 42, 40, 188, 352), 11, look.ink)
    for shift in (-60, 76):
        canvas.line(
            curve([(320 + shift, 226), (308 + shift, 196), (330 + shift, 168), (320 + shift, 138)]),
            7,
            lighter(look.ground, 0.5),
        )


SHAPES = {
    "donabe": donabe,
    "pot": pot,
    "pan": pan,
    "kettle": kettle,
    "knife": knife,
    "board": board,
    "utensils": utensils,
    "bento": bento,
    "flask": flask,
    "steamer": steamer,
}
LYING = frozenset({"pan", "knife", "board"})
