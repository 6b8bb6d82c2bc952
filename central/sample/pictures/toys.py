"""Draws toys: blocks, daruma, kokeshi, kendama, spinning tops, bears, trains, temari balls, cats that beckon."""

from __future__ import annotations

from math import cos, pi, sin

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, darker, lighter, lightness, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, circle, curve, flower, lathe, loop, mirrored, moved, turned

KINARI, SHIRO, SUMI, KI, USUKI, KIN, SHU = (
    COLOURS[name] for name in ("kinari", "shiro", "sumi", "ki", "usuki", "kin", "shu")
)


def blocks(canvas: Canvas, look: Look) -> None:
    """積み木: a castle of wooden blocks."""
    canvas.shadow(330, 510, 190)
    pieces = (
        (box(150, 396, 262, 510, 3), look.main),
        (box(378, 396, 490, 510, 3), look.main),
        (box(190, 346, 450, 396, 3), look.ink),
        (box(226, 240, 300, 346, 3), COLOURS["yamabuki"]),
        (box(340, 240, 414, 346, 3), COLOURS["asagi"]),
        ([(212, 240), (320, 136), (428, 240)], look.main),
    )
    canvas.fill([*arc(320, 510, 56, 114, 180, 360)], USUKI)
    for outline, hue in pieces:
        canvas.fill(outline, hue)
        canvas.shade(outline, 15, 0, 0.13)
        canvas.light(outline, 7, 7, 0.25)
    canvas.fill(circle(320, 302, 19), KINARI)
    ball = circle(516, 480, 31)
    canvas.fill(ball, look.ink)
    canvas.shade(ball, 9, 8)
    canvas.light(ball, 7, 7, 0.3)


def daruma(canvas: Canvas, look: Look) -> None:
    """達磨: the doll that always rights itself."""
    canvas.shadow(332, 508, 150)
    body = lathe(320, [(158, 40), (170, 92), (230, 152), (330, 178), (430, 172), (486, 140), (508, 84)])
    canvas.fill(body, look.main)
    canvas.shade(body, 42, 14)
    canvas.light(body, 18, 12, 0.2)
    face = loop(
        [
            (214, 300),
            (226, 246),
            (270, 226),
            (320, 240),
            (370, 226),
            (414, 246),
            (426, 300),
            (396, 352),
            (320, 366),
            (244, 352),
        ]
    )
    canvas.fill(face, COLOURS["kinari"])
    for side in (-1, 1):
        brow = curve([(320 + side * 22, 262), (320 + side * 54, 246), (320 + side * 90, 266)])
        canvas.line(brow, 13, SUMI)
        canvas.fill(circle(320 + side * 52, 298, 23), SHIRO)
        canvas.fill(circle(320 + side * 52, 298, 12), SUMI)
        canvas.line(curve([(320 + side * 30, 334), (320 + side * 60, 344), (320 + side * 84, 330)]), 9, SUMI)
    canvas.line(curve([(298, 342), (320, 348), (342, 342)]), 6, COLOURS["beni"])
    for side in (-1, 1):
        for width, shift in ((13, 0), (8, 22)):
            canvas.line(
                curve(
                    [
                        (320 + side * (128 - shift), 372 + shift / 2),
                        (320 + side * (96 - shift), 440),
                        (320 + side * (116 - shift), 488 - shift / 3),
                    ]
                ),
                width,
                look.ink,
            )
    canvas.fill(flower(320, 434, 40), look.ink)
    canvas.fill(circle(320, 434, 9), look.main)


def kokeshi(canvas: Canvas, look: Look) -> None:
    """こけし: two turned wooden dolls."""
    for x, top, size, swap in ((420, 268, 0.78, True), (256, 158, 1.0, False)):
        main, ink = (look.ink, look.main) if swap else (look.main, look.ink)
        canvas.shadow(x + 8, 510, 88 * size)
        body = lathe(
            x, [(top + 150 * size, 50 * size), (top + 200 * size, 74 * size), (470, 86 * size), (510, 82 * size)]
        )
        canvas.fill(body, main)
        canvas.cover(body, look.pattern, mix(main, ink, 0.75), 46 * size)
        canvas.wash(
            [
                (x - 70 * size, top + 150 * size),
                (x, top + 244 * size),
                (x + 70 * size, top + 150 * size),
                (x + 40 * size, top + 140 * size),
                (x - 40 * size, top + 140 * size),
            ],
            KINARI,
            1,
            body,
        )
        canvas.fill(band(x, 430, 452, 84 * size, 9), ink)
        canvas.shade(body, 26 * size, 0)
        head = circle(x, top + 88 * size, 86 * size, 84 * size)
        canvas.fill(head, USUKI)
        hair = [
            *arc(x, top + 88 * size, 87 * size, 86 * size, 172, 368),
            *curve(
                [
                    (x + 84 * size, top + 96 * size),
                    (x + 40 * size, top + 46 * size),
                    (x, top + 62 * size),
                    (x - 40 * size, top + 46 * size),
                    (x - 84 * size, top + 96 * size),
                ]
            ),
        ]
        canvas.fill(hair, SUMI)
        canvas.fill(flower(x + 46 * size, top + 26 * size, 22 * size), SHU if main != SHU else KIN)
        for side in (-1, 1):
            canvas.line(arc(x + side * 30 * size, top + 104 * size, 13 * size, 7 * size, 200, 340), 4, SUMI)
            canvas.wash(circle(x + side * 50 * size, top + 124 * size, 13 * size), COLOURS["momo"], 0.55)
        canvas.fill(circle(x, top + 134 * size, 7 * size, 5 * size), COLOURS["beni"])
        canvas.shade(head, 16 * size, 6, 0.1)


def kendama(canvas: Canvas, look: Look) -> None:
    """けん玉: a cup-and-ball, seen from above."""
    lean, about = -24, (320, 348)
    ball = circle(446, 452, 82)
    canvas.line(curve([(300, 300), (236, 420), (330, 540), (420, 500)]), 4, KINARI)
    handle = turned(lathe(320, [(130, 4), (190, 15), (300, 19), (500, 24), (540, 34)]), lean, about)
    spool = lathe(250, [(216, 50), (222, 50), (268, 24), (320, 20), (372, 24), (418, 44), (424, 44)])
    cups = turned([(y, x) for x, y in spool], lean, about)
    foot = turned(lathe(320, [(506, 24), (548, 62), (560, 62)]), lean, about)
    for part in (handle, cups, foot):
        canvas.drop(part)
    for part, hue in ((handle, KI), (foot, darker(KI, 0.12)), (cups, USUKI)):
        canvas.fill(part, hue)
        canvas.shade(part, 7, 6)
    canvas.drop(ball)
    canvas.fill(ball, look.main)
    canvas.cover(turned(box(356, 432, 540, 472), lean, (446, 452)), look.pattern, look.ink, 34, ball)
    if look.pattern == "muji":
        canvas.wash(turned(box(356, 436, 540, 468), lean, (446, 452)), look.ink, 1, ball)
    canvas.shade(ball, 18, 16)
    canvas.light(ball, 14, 14, 0.28)
    canvas.fill(circle(432, 390, 10, 6), darker(look.main, 0.5))


def koma(canvas: Canvas, look: Look) -> None:
    """独楽: two spinning tops."""
    for x, y, size in ((430, 384, 0.7), (256, 330, 1.0)):
        canvas.shadow(x + 10, y + 178 * size, 70 * size)
        canvas.fill(lathe(x, [(y - 124 * size, 9 * size), (y - 20, 11 * size)], straight=True), KI)
        canvas.fill(circle(x, y - 124 * size, 11 * size), darker(KI, 0.1))
        under = lathe(
            x, [(y, 168 * size), (y + 46 * size, 148 * size), (y + 118 * size, 54 * size), (y + 176 * size, 5)]
        )
        canvas.fill(under, look.main)
        for share, hue in ((0.3, look.ink), (0.62, KINARI)):
            canvas.wash(
                box(x - 200, y + 130 * size * share, x + 200, y + 130 * size * share + 15 * size), hue, 1, under
            )
        canvas.shade(under, 34 * size, 6)
        for radius, hue in (
            (168, look.main),
            (140, look.ink),
            (112, KINARI),
            (84, look.main),
            (52, COLOURS["yamabuki"]),
            (24, KI),
        ):
            canvas.fill(circle(x, y, radius * size, radius * 0.25 * size), hue)
        canvas.fill(lathe(x, [(y - 124 * size, 9 * size), (y, 11 * size)], straight=True), KI)


def bear(canvas: Canvas, look: Look) -> None:
    """A plush bear with a ribbon."""
    canvas.shadow(330, 508, 170)
    soft = mix(look.main, KINARI, 0.55)
    body = lathe(320, [(300, 70), (360, 112), (440, 128), (496, 104), (508, 70)])
    for side in (-1, 1):
        x = 320 + side * 112
        arm = turned(circle(320 + side * 122, 376, 34, 66), side * -28, (320 + side * 122, 376))
        canvas.fill(arm, darker(look.main, 0.1))
        canvas.fill(circle(x, 476, 56, 46), look.main)
        canvas.shade(circle(x, 476, 56, 46), 10, 8)
        canvas.fill(circle(x + side * 6, 480, 31, 27), soft)
        ear = circle(320 + side * 92, 148, 42)
        canvas.fill(ear, look.main)
        canvas.fill(circle(320 + side * 92, 150, 24), soft)
    canvas.fill(body, look.main)
    canvas.fill(circle(320, 432, 74, 64), soft)
    canvas.shade(body, 26, 6, 0.1)
    head = circle(320, 224, 128, 112)
    canvas.fill(head, look.main)
    canvas.shade(head, 26, 14, 0.1)
    canvas.fill(circle(320, 262, 56, 44), soft)
    for side in (-1, 1):
        canvas.fill(circle(320 + side * 54, 212, 11), SUMI)
        canvas.fill(circle(317 + side * 54, 208, 4), SHIRO)
    canvas.fill(loop([(300, 246), (320, 240), (340, 246), (320, 264)]), SUMI)
    canvas.line(curve([(300, 278), (310, 286), (320, 278), (330, 286), (340, 278)]), 4, SUMI)
    for side in (-1, 1):
        bow = loop([(320, 336), (320 + side * 60, 304), (320 + side * 70, 350), (320 + side * 52, 372)])
        canvas.fill(bow, look.ink)
        canvas.cover(bow, look.pattern, mix(look.ink, KINARI, 0.6), 26)
    canvas.fill(circle(320, 338, 17), darker(look.ink, 0.18))


def train(canvas: Canvas, look: Look) -> None:
    """A wooden train."""
    canvas.shadow(330, 510, 220)
    canvas.line([(300, 452), (340, 452)], 11, KI)
    cab = box(112, 250, 212, 454, 8)
    engine = box(200, 330, 316, 454, 8)
    wagon = box(336, 370, 536, 454, 8)
    chimney = lathe(272, [(248, 32), (266, 24), (340, 21)], straight=True)
    for outline, hue in ((chimney, look.ink), (engine, look.main), (cab, look.main), (wagon, look.ink)):
        canvas.fill(outline, hue)
        canvas.shade(outline, 14, 0)
        canvas.light(outline, 7, 6, 0.2)
    canvas.cover(box(336, 384, 536, 440), look.pattern, mix(look.ink, KINARI, 0.6), 40, wagon)
    canvas.fill(box(98, 230, 226, 256, 8), darker(look.ink, 0.1))
    canvas.fill(box(136, 284, 190, 344, 6), COLOURS["tamago"])
    for x, hue in ((378, SHU), (436, COLOURS["yamabuki"]), (494, COLOURS["wakatake"])):
        cargo = circle(x, 348, 32)
        canvas.fill(cargo, hue)
        canvas.shade(cargo, 9, 8)
    canvas.fill(box(336, 366, 536, 396, 6), look.ink)
    for x, radius in ((162, 44), (266, 38), (386, 36), (488, 36)):
        canvas.fill(circle(x, 510 - radius, radius), USUKI)
        canvas.shade(circle(x, 510 - radius, radius), 7, 6)
        canvas.fill(circle(x, 510 - radius, radius * 0.36), SHU)
    for x, y, radius in ((284, 210, 20), (312, 176, 27), (352, 134, 34)):
        canvas.fill(circle(x, y, radius), lighter(look.ground, 0.55))


def temari(canvas: Canvas, look: Look) -> None:
    """手まり: a ball wound with thread."""
    canvas.shadow(334, 506, 150)
    ball = circle(320, 318, 188)
    canvas.fill(ball, look.main)
    for ring, hue in ((12, look.ink), (6, COLOURS["yamabuki"]), (6, KINARI)):
        radius = {12: 150, 6: 104}[ring] if hue != KINARI else 62
        for turn in range(12):
            start, end = turn * pi / 6, (turn + 5) * pi / 6
            chord = [(320 + radius * cos(t), 318 + radius * sin(t)) for t in (start, end)]
            canvas.line(chord, 7, hue)
    canvas.line(arc(320, 318, 168, 168, 0, 360), 6, look.ink)
    canvas.line(arc(320, 318, 178, 178, 0, 360), 4, KINARI)
    canvas.fill(flower(320, 318, 36, 8, 0.16), look.ink)
    canvas.fill(circle(320, 318, 11), KINARI)
    canvas.shade(ball, 36, 26, 0.16)
    canvas.light(ball, 22, 20, 0.2)
    for shift in range(-3, 4):
        canvas.line(
            curve([(320, 506), (440, 512), (530 + shift * 5, 516 + shift * 6)]),
            3,
            look.ink if shift % 2 else COLOURS["yamabuki"],
        )


def cat(canvas: Canvas, look: Look) -> None:
    """招き猫: the cat that beckons."""
    canvas.shadow(332, 510, 150)
    line = SUMI if lightness(look.main) > 0.4 else KINARI
    raised = curve([(404, 430), (458, 360), (466, 270), (452, 186)])
    body = lathe(320, [(310, 96), (370, 128), (450, 146), (494, 134), (510, 104)])
    ear = [(214, 214), *curve([(214, 214), (206, 150), (222, 112)]), *curve([(222, 112), (270, 140), (296, 176)])]
    canvas.line(raised, 62, darker(look.main, 0.1))
    canvas.line([(x - 7, y) for x, y in raised], 50, darker(look.main, 0.03))
    canvas.fill(body, look.main)
    canvas.shade(body, 34, 6)
    for outline in (ear, mirrored(ear, 320)):
        canvas.fill(outline, look.main)
    for outline in (moved(ear, 8, 20), moved(mirrored(ear, 320), -8, 20)):
        canvas.fill(
            [(226 if outline[0][0] < 320 else 414, 140), outline[0], (266 if outline[0][0] < 320 else 374, 190)],
            COLOURS["momo"],
        )
    head = circle(320, 240, 124, 104)
    canvas.fill(head, look.main)
    canvas.shade(head, 26, 10, 0.1)
    for side in (-1, 1):
        canvas.line(arc(320 + side * 52, 240, 22, 16, 200, 340), 7, line)
        for lift in (-8, 8):
            canvas.line(
                [(320 + side * 76, 270 + lift), (320 + side * 122, 262 + lift * 2)], 3, mix(line, look.main, 0.3)
            )
    canvas.fill(loop([(308, 264), (320, 260), (332, 264), (320, 275)]), COLOURS["momo"])
    canvas.line(curve([(298, 284), (309, 292), (320, 282), (331, 292), (342, 284)]), 4, line)
    canvas.line(arc(320, 316, 100, 28, 8, 172), 19, look.ink)
    canvas.fill(circle(320, 352, 21), KIN)
    canvas.line([(320, 354), (320, 368)], 4, darker(KIN, 0.4))
    coin = box(278, 386, 362, 500, 40)
    canvas.fill(coin, COLOURS["yamabuki"])
    canvas.cover(coin, look.pattern, darker(COLOURS["yamabuki"], 0.14), 26)
    canvas.shade(coin, 9, 5)
    canvas.light(coin, 7, 6, 0.3)
    for x in (232, 408):
        foot = circle(x, 490, 46, 22)
        canvas.fill(foot, look.main)
        canvas.shade(foot, 5, 7)


SHAPES = {
    "blocks": blocks,
    "daruma": daruma,
    "kokeshi": kokeshi,
    "kendama": kendama,
    "koma": koma,
    "bear": bear,
    "train": train,
    "temari": temari,
    "cat": cat,
}
LYING = frozenset({"kendama"})
