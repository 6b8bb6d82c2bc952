"""Draws what a table is laid with: bowls, plates, cups, teapots, chopsticks, glasses, flasks."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, circle, curve, flower, lathe, moved, turned

SHIRO, KI, SUMI = COLOURS["shiro"], COLOURS["ki"], COLOURS["sumi"]


def bowl(canvas: Canvas, look: Look) -> None:
    """茶碗: a rice bowl, patterned outside."""
    canvas.shadow(332, 510, 140)
    foot = lathe(320, [(480, 70), (510, 66)], straight=True)
    canvas.fill(foot, darker(look.main, 0.18))
    body = lathe(320, [(290, 192), (340, 186), (420, 146), (470, 96), (488, 64)])
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.85), 66)
    canvas.shade(body, 54, 10)
    canvas.light(body, 18, 0, 0.28)
    _rim(canvas, look, 290, 192, 34)


def owan(canvas: Canvas, look: Look) -> None:
    """お椀: a lacquered soup bowl with its lid."""
    canvas.shadow(332, 510, 130)
    canvas.fill(lathe(320, [(478, 66), (510, 74)], straight=True), darker(look.main, 0.25))
    body = lathe(320, [(352, 178), (400, 168), (450, 132), (486, 66)])
    canvas.fill(body, look.main)
    canvas.light(body, 26, 0, 0.16)
    canvas.shade(body, 46, 8)
    lid = lathe(320, [(256, 54), (272, 96), (312, 158), (352, 186), (362, 180)])
    canvas.fill(lid, look.main)
    canvas.cover(lid, look.pattern, look.ink, 74)
    canvas.shade(lid, 46, 8)
    canvas.light(lid, 16, 6, 0.16)
    canvas.fill(lathe(320, [(228, 62), (258, 52)], straight=True), darker(look.main, 0.12))
    canvas.fill(circle(320, 228, 62, 10), look.ink)


def plate(canvas: Canvas, look: Look) -> None:
    """A round plate, seen from above."""
    canvas.drop(circle(320, 348, 212))
    canvas.fill(circle(320, 348, 212), darker(look.main, 0.1))
    canvas.fill(circle(320, 346, 209), look.main)
    canvas.cover(circle(320, 346, 205), look.pattern, mix(look.main, look.ink, 0.9), 72)
    canvas.fill(circle(320, 348, 136), darker(look.main, 0.12))
    canvas.fill(circle(320, 351, 134), lighter(look.main, 0.25))
    for size, share in ((0.9, 1.0), (0.42, 0.0)):
        canvas.fill(flower(320, 350, 58 * size), mix(look.ink, look.main, 1 - share) if share else look.main)


def mug(canvas: Canvas, look: Look) -> None:
    canvas.shadow(330, 510, 150)
    handle = arc(438, 372, 70, 74, -80, 82)
    canvas.line(handle, 25, darker(look.main, 0.14))
    canvas.line(moved(handle, -3, -4), 15, look.main)
    body = lathe(314, [(246, 134), (350, 135), (450, 133), (494, 120), (510, 92)])
    canvas.fill(body, look.main)
    canvas.cover(band(314, 300, 420, 136, 16), look.pattern, mix(look.main, look.ink, 0.85), 58, body)
    canvas.shade(body, 44)
    canvas.light(body, 18, 0, 0.28)
    canvas.fill(circle(314, 246, 134, 23), lighter(look.main, 0.3))
    canvas.fill(circle(314, 250, 121, 17), darker(look.main, 0.4))
    canvas.fill(arc(314, 257, 110, 12, 0, 360), COLOURS["kuri"])
    _steam(canvas, look, 290, 206)


def yunomi(canvas: Canvas, look: Look) -> None:
    """湯呑: a pair of tall cups without handles."""
    for x, top, rx, swap in ((404, 268, 88, True), (240, 236, 100, False)):
        main, ink = (look.ink, look.main) if swap else (look.main, look.ink)
        canvas.shadow(x + 8, 510, rx + 6)
        body = lathe(x, [(top, rx), (top + 60, rx + 2), (450, rx - 2), (494, rx - 20), (510, rx - 40)])
        canvas.fill(body, main)
        canvas.cover(band(x, top + 64, 474, rx + 2, 12), look.pattern, mix(main, ink, 0.75), 54, body)
        canvas.shade(body, 32)
        canvas.light(body, 13, 0, 0.28)
        canvas.fill(circle(x, top, rx, 17), lighter(main, 0.3))
        canvas.fill(circle(x, top + 3, rx - 10, 12), darker(main, 0.35))


def kyusu(canvas: Canvas, look: Look) -> None:
    """急須: a teapot with its handle to the side."""
    canvas.shadow(330, 510, 190)
    spout = [(236, 420), (150, 330), (128, 320), (140, 306), (176, 312), (264, 352)]
    canvas.fill(spout, darker(look.main, 0.1))
    grip = turned(box(424, 354, 572, 388, 12), -20, (440, 372))
    canvas.fill(grip, darker(look.main, 0.16))
    canvas.light(grip, 0, 9, 0.14)
    body = lathe(330, [(300, 92), (318, 124), (372, 160), (430, 160), (484, 120), (508, 84)])
    canvas.fill(body, look.main)
    canvas.cover(
        lathe(330, [(344, 144), (372, 160), (430, 160), (462, 140)]), look.pattern, mix(look.main, look.ink, 0.75), 52
    )
    canvas.shade(body, 44, 10)
    canvas.light(body, 16, 8, 0.2)
    lid = lathe(330, [(266, 26), (276, 70), (300, 104), (310, 98)])
    canvas.fill(lid, look.ink)
    canvas.shade(lid, 24, 4)
    canvas.fill(circle(330, 254, 22, 19), look.ink)
    canvas.light(circle(330, 254, 22, 19), 6, 6, 0.3)


def chopsticks(canvas: Canvas, look: Look) -> None:
    """箸: two pairs on their rests, seen from above."""
    for y, main, ink in ((268, look.main, look.ink), (430, look.ink, look.main)):
        rest = box(124, y - 46, 168, y + 48, 14)
        canvas.drop(rest)
        canvas.fill(rest, SHIRO)
        canvas.cover(rest, "seigaiha", mix(SHIRO, main, 0.5), 30)
        for lift in (-17, 17):
            stick = [(88, y + lift - 4), (556, y + lift - 12), (556, y + lift + 12), (88, y + lift + 4)]
            canvas.drop(stick, 0.18)
            canvas.fill(stick, main)
            head = [(404, y + lift - 10), (556, y + lift - 12), (556, y + lift + 12), (404, y + lift + 10)]
            canvas.cover(head, look.pattern, ink, 26)
            for left in (384, 394):
                canvas.fill(box(left, y + lift - 9, left + 5, y + lift + 9), ink)
            canvas.wash(box(80, y + lift + 3, 560, y + lift + 14), SUMI, 0.18, within=stick)


def glass(canvas: Canvas, look: Look) -> None:
    """切子: a cut glass."""
    canvas.shadow(330, 510, 124)
    body = lathe(320, [(214, 130), (500, 104), (510, 96)], straight=True)
    canvas.fill(body, mix(look.main, SHIRO, 0.25))
    lower = lathe(320, [(278, 124), (474, 107)], straight=True)
    canvas.fill(lower, look.main)
    if look.pattern == "muji":
        for turn in range(-5, 6):
            canvas.line([(320 + turn * 24, 280), (320 + turn * 20, 474)], 4, mix(look.main, SHIRO, 0.75))
    canvas.cover(lower, look.pattern, mix(look.main, SHIRO, 0.82), 62)
    for y, width in ((278, 124), (474, 107)):
        canvas.line([(320 - width, y), (320 + width, y)], 4, mix(look.main, SHIRO, 0.8))
    canvas.wash(box(180, 476, 460, 512), SHIRO, 0.5, within=body)
    canvas.shade(body, 34, 0, 0.14)
    canvas.light(body, 22, 0, 0.4)
    canvas.fill(circle(320, 214, 130, 20), lighter(look.main, 0.62))
    canvas.fill(circle(320, 217, 121, 15), mix(look.main, SHIRO, 0.34))


def tokkuri(canvas: Canvas, look: Look) -> None:
    """徳利: a sake flask and its cup."""
    canvas.shadow(300, 510, 110)
    flask = lathe(284, [(176, 46), (188, 36), (232, 31), (282, 54), (350, 104), (430, 116), (486, 104), (510, 82)])
    canvas.fill(flask, look.main)
    canvas.cover(
        lathe(284, [(300, 68), (350, 104), (430, 116), (452, 113)]), look.pattern, mix(look.main, look.ink, 0.8), 56
    )
    canvas.shade(flask, 38, 4)
    canvas.light(flask, 14, 2, 0.26)
    canvas.fill(circle(284, 176, 46, 10), darker(look.main, 0.3))
    canvas.shadow(468, 510, 66)
    cup = lathe(462, [(426, 68), (450, 64), (490, 40), (510, 32)])
    canvas.fill(cup, look.main)
    canvas.cover(lathe(462, [(452, 62), (482, 46)]), look.pattern, mix(look.main, look.ink, 0.8), 40)
    canvas.shade(cup, 20)
    canvas.fill(circle(462, 426, 68, 12), lighter(look.main, 0.3))
    canvas.fill(circle(462, 429, 60, 8), darker(look.main, 0.16))


def _rim(canvas: Canvas, look: Look, y: float, rx: float, ry: float) -> None:
    canvas.fill(circle(320, y, rx, ry), mix(look.main, SHIRO, 0.35))
    canvas.fill(circle(320, y + 4, rx - 9, ry - 6), mix(darker(look.main, 0.24), look.ink, 0.12))
    canvas.wash(arc(320, y + 12, rx - 26, ry - 12, 0, 360), SHIRO, 0.14)


def _steam(canvas: Canvas, look: Look, x: float, y: float) -> None:
    for shift, lift in ((0, 0), (44, -14)):
        wave = curve(
            [
                (x + shift, y + lift),
                (x + shift - 12, y + lift - 26),
                (x + shift + 10, y + lift - 52),
                (x + shift, y + lift - 78),
            ]
        )
        canvas.line(wave, 6, lighter(look.ground, 0.55))


SHAPES = {
    "bowl": bowl,
    "owan": owan,
    "plate": plate,
    "mug": mug,
    "yunomi": yunomi,
    "kyusu": kyusu,
    "chopsticks": chopsticks,
    "glass": glass,
    "tokkuri": tokkuri,
}
LYING = frozenset({"plate", "chopsticks"})
