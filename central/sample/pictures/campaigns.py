"""Draws the wide pictures of the anonymous loop: the chain's things, put together in a landscape."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import read
from central.sample.pictures.outlines import box, circle, curve, flower, leaf, turned
from central.sample.pictures.shapes import SHAPES

WIDTH, HEIGHT = 1600, 900
"""A layout may cut the sides away: what matters is within the middle 900."""
TABLE = 660
Place = tuple[str, float, float, float]
"""A look, where its foot stands, and how large."""

KINARI, SHIRO, AI, KON = (COLOURS[name] for name in ("kinari", "shiro", "ai", "kon"))


def _put(canvas: Canvas, places: Sequence[Place]) -> None:
    for words, x, y, zoom in places:
        look = read(words)
        canvas.view((320 - x / zoom, 505 - y / zoom), zoom)
        SHAPES[look.shape](canvas, look)
    canvas.view((0, 0), 1)


def _sky(colour: Colour) -> Canvas:
    return Canvas(WIDTH, HEIGHT, colour)


def _table(canvas: Canvas, colour: Colour) -> None:
    canvas.fill(box(0, TABLE, WIDTH, HEIGHT), colour)
    canvas.fill(box(0, TABLE, WIDTH, TABLE + 8), lighter(colour, 0.25))


def _hills(canvas: Canvas, far: Colour, near: Colour) -> None:
    ridge = curve([(-40, 470), (180, 390), (420, 480), (680, 350), (960, 450), (1240, 360), (1460, 450), (1660, 400)])
    slope = curve([(-40, 590), (240, 500), (520, 580), (820, 500), (1100, 570), (1380, 480), (1660, 560)])
    canvas.fill([*ridge, (1660, TABLE), (-40, TABLE)], far)
    canvas.fill([*slope, (1660, TABLE), (-40, TABLE)], near)


def _mist(canvas: Canvas, colour: Colour) -> None:
    for left, top, right in (
        (-60, 150, 380),
        (1130, 110, 1700),
        (180, 250, 520),
        (1010, 300, 1290),
        (-60, 380, 220),
        (1340, 420, 1700),
    ):
        canvas.fill(box(left, top, right, top + 44, 22), colour)


def welcome() -> Canvas:
    """The shop's door, its curtain and two lanterns."""
    canvas = _sky(COLOURS["kogecha"])
    canvas.cover(box(0, 0, WIDTH, HEIGHT), "shima", darker(COLOURS["kogecha"], 0.22), 120)
    canvas.fill(box(0, 780, WIDTH, HEIGHT), COLOURS["nezu"])
    for x, y, width in ((90, 800, 300), (430, 830, 340), (800, 806, 320), (1160, 834, 330), (1400, 800, 260)):
        canvas.fill(box(x, y, x + width, y + 52, 26), lighter(COLOURS["nezu"], 0.16))
    canvas.fill(box(390, 120, 1210, 790), COLOURS["tamago"])
    canvas.fill(circle(800, 470, 300), lighter(COLOURS["tamago"], 0.35))
    _put(
        canvas,
        [
            ("tin shu kinari asanoha", 560, 770, 0.42),
            ("kyusu kuri kogecha muji", 800, 770, 0.5),
            ("furoshiki beni kinari shippo", 1040, 770, 0.46),
        ],
    )
    for x in (374, 1196):
        canvas.fill(box(x, 90, x + 30, 800), darker(COLOURS["cha"], 0.3))
    canvas.fill(box(330, 92, 1270, 140, 6), darker(COLOURS["cha"], 0.15))
    canvas.line([(352, 170), (1248, 170)], 14, COLOURS["ki"])
    for index in range(4):
        left = 404 + index * 199
        panel = [
            (left, 166),
            (left + 193, 166),
            *curve([(left + 193, 166), (left + 196, 360), (left + 190, 560)]),
            *curve([(left + 190, 560), (left + 96, 572), (left + 4, 560)]),
            *curve([(left + 4, 560), (left - 2, 360), (left, 166)]),
        ]
        canvas.shade(panel, -10, -12, 0.18)
        canvas.fill(panel, AI)
        canvas.cover(box(left - 4, 440, left + 200, 580), "seigaiha", mix(AI, KINARI, 0.55), 84, panel)
        canvas.shade(panel, 26, 0, 0.13)
    canvas.fill(circle(800, 318, 92), KINARI)
    canvas.fill(circle(800, 318, 76), AI)
    canvas.fill(flower(800, 318, 60), KINARI)
    canvas.fill(circle(800, 318, 14), AI)
    for x in (190, 1410):
        canvas.wash(circle(x, 420, 210), COLOURS["yamabuki"], 0.14)
        canvas.line([(x, 150), (x, 300)], 6, COLOURS["sumi"])
        paper = circle(x, 420, 92, 126)
        canvas.fill(paper, COLOURS["shu"])
        for y in range(320, 530, 26):
            canvas.wash(box(x - 100, y, x + 100, y + 4), darker(COLOURS["shu"], 0.4), 0.35, paper)
        canvas.shade(paper, 22, 6)
        canvas.light(paper, 14, 8, 0.2)
        for y in (296, 536):
            canvas.fill(box(x - 46, y - 12, x + 46, y + 14, 6), COLOURS["sumi"])
    return canvas


def moonlit_tea() -> Canvas:
    canvas = _sky(mix(COLOURS["kon"], COLOURS["murasaki"], 0.3))
    canvas.fill(circle(880, 300, 232), COLOURS["tamago"])
    canvas.shade(circle(880, 300, 232), 30, 20, 0.06)
    _hills(canvas, mix(COLOURS["kon"], COLOURS["asagi"], 0.3), mix(COLOURS["kon"], COLOURS["asagi"], 0.14))
    _mist(canvas, mix(COLOURS["kon"], COLOURS["fuji"], 0.4))
    _table(canvas, COLOURS["cha"])
    for x, lean in ((262, -12), (318, 4), (388, 18), (1290, -16), (1352, -2), (1420, 14)):
        foot = (x, 700)
        canvas.line(turned(curve([(x, 700), (x - 6, 500), (x + 8, 330)]), lean, foot), 5, COLOURS["karashi"])
        for step in range(7):
            tip = turned([(x + 6, 330 + step * 24)], lean, foot)[0]
            canvas.fill(leaf(*tip, 74, 18, lean + 38), COLOURS["usuki"])
    _put(
        canvas,
        [
            ("tin ai kinari seigaiha", 520, 790, 0.86),
            ("kyusu azuki kogecha muji", 800, 806, 0.94),
            ("dango kinari matcha muji", 1100, 800, 0.86),
            ("tokkuri kinari ai nami", 1420, 826, 0.6),
            ("manju kinari beni muji", 190, 826, 0.6),
        ],
    )
    return canvas


def bathhouse() -> Canvas:
    """The mountain on a bathhouse wall."""
    canvas = _sky(COLOURS["mizu"])
    canvas.fill(circle(1140, 210, 96), COLOURS["shu"])
    mountain = [
        *curve([(180, 620), (470, 470), (660, 240), (700, 180)]),
        (760, 166),
        (840, 166),
        *curve([(900, 180), (940, 240), (1130, 470), (1420, 620)]),
    ]
    canvas.fill(mountain, mix(AI, COLOURS["sora"], 0.35))
    snow = [
        (560, 150),
        (1040, 150),
        (1004, 330),
        (960, 282),
        (912, 352),
        (860, 290),
        (800, 364),
        (742, 290),
        (690, 350),
        (640, 284),
        (596, 330),
    ]
    canvas.wash(snow, SHIRO, 1, mountain)
    canvas.shade(mountain, 120, 0, 0.1)
    _mist(canvas, mix(COLOURS["mizu"], SHIRO, 0.75))
    sea = box(0, 540, WIDTH, TABLE)
    canvas.fill(sea, AI)
    canvas.cover(sea, "seigaiha", mix(AI, SHIRO, 0.7), 120)
    _table(canvas, lighter(COLOURS["asagi"], 0.45))
    canvas.cover(box(0, TABLE + 8, WIDTH, HEIGHT), "ichimatsu", lighter(COLOURS["asagi"], 0.58), 120)
    _put(
        canvas,
        [
            ("towels shiro ai yokoshima", 500, 796, 0.86),
            ("tub usuki ai seigaiha", 830, 806, 0.96),
            ("soap sakura beni muji", 1100, 812, 0.66),
            ("pump wakatake tokiwa muji", 1420, 812, 0.66),
            ("salts fuji murasaki hana", 200, 812, 0.66),
        ],
    )
    return canvas


def winter_knit() -> Canvas:
    canvas = _sky(mix(COLOURS["tokiwa"], COLOURS["kon"], 0.3))
    canvas.cover(box(0, 0, WIDTH, HEIGHT), "asanoha", mix(COLOURS["tokiwa"], KINARI, 0.14), 150)
    canvas.fill(circle(800, 450, 400), KINARI)
    canvas.fill(circle(800, 450, 372), mix(KINARI, COLOURS["suna"], 0.4))
    _put(
        canvas,
        [
            ("sweater beni shiro hana", 800, 640, 1.06),
            ("beanie kon kinari uroko", 476, 420, 0.52),
            ("mittens karashi kinari asanoha", 1130, 420, 0.56),
            ("socks asagi kinari kanoko", 520, 800, 0.52),
            ("scarf ai kinari shima", 1120, 812, 0.5),
            ("vest karashi kuri koshi", 180, 640, 0.7),
            ("cardigan tokiwa kin muji", 1420, 640, 0.7),
        ],
    )
    return canvas


def gifts() -> Canvas:
    canvas = _sky(COLOURS["sakura"])
    canvas.cover(box(0, 0, WIDTH, TABLE), "shippo", lighter(COLOURS["sakura"], 0.28), 150)
    canvas.fill(circle(800, 380, 330), lighter(COLOURS["sakura"], 0.6))
    canvas.line(curve([(-20, 90), (260, 130), (480, 90), (660, 150)]), 17, COLOURS["kuri"])
    canvas.line(curve([(250, 128), (330, 200), (440, 226)]), 10, COLOURS["kuri"])
    canvas.line(curve([(1640, 150), (1380, 110), (1180, 160)]), 15, COLOURS["kuri"])
    for x, y, radius in (
        (120, 112, 44),
        (230, 96, 34),
        (330, 176, 46),
        (452, 92, 40),
        (446, 230, 36),
        (566, 122, 46),
        (664, 150, 32),
        (1180, 160, 38),
        (1290, 120, 46),
        (1400, 106, 36),
        (1520, 140, 44),
    ):
        canvas.fill(flower(x, y, radius), lighter(COLOURS["momo"], 0.45))
        canvas.fill(flower(x, y, radius * 0.42), COLOURS["momo"])
    scatter = random.Random(4)  # noqa: S311 (petals, not secrets)
    for _ in range(26):
        stem = scatter.uniform(20, 1580), scatter.uniform(220, 600)
        canvas.fill(leaf(*stem, 26, 16, scatter.uniform(0, 360)), lighter(COLOURS["momo"], 0.45))
    _table(canvas, COLOURS["usuki"])
    _put(
        canvas,
        [
            ("tinned ai kinari seigaiha", 530, 790, 0.84),
            ("furoshiki beni kinari shippo", 830, 806, 1.0),
            ("sachet murasaki kin hana", 1110, 806, 0.72),
            ("incense tokiwa kin asanoha", 1400, 812, 0.66),
            ("yunomi ai kinari shima", 210, 812, 0.66),
        ],
    )
    return canvas


def playroom() -> Canvas:
    canvas = _sky(COLOURS["mizu"])
    canvas.fill(circle(1130, 200, 104), COLOURS["yamabuki"])
    for x, y, size in ((300, 190, 1.0), (640, 120, 0.7), (1400, 260, 0.9)):
        for dx, dy, radius in ((-70, 10, 46), (0, -16, 64), (74, 8, 50)):
            canvas.fill(circle(x + dx * size, y + dy * size, radius * size), SHIRO)
        canvas.fill(box(x - 116 * size, y + 8 * size, x + 124 * size, y + 58 * size, 25 * size), SHIRO)
    _hills(canvas, mix(COLOURS["wakatake"], COLOURS["mizu"], 0.4), COLOURS["wakatake"])
    _table(canvas, COLOURS["tamago"])
    _put(
        canvas,
        [
            ("bear cha beni kanoko", 520, 790, 0.94),
            ("daruma shu kin muji", 780, 806, 0.8),
            ("train ai shu shima", 1072, 800, 0.76),
            ("blocks shu ai muji", 200, 800, 0.8),
            ("koma ai shu muji", 1430, 820, 0.74),
        ],
    )
    return canvas


def good_night() -> Canvas:
    canvas = _sky(KON)
    canvas.fill(circle(1010, 240, 150), COLOURS["tamago"])
    canvas.fill(circle(1072, 206, 132), KON)
    scatter = random.Random(7)  # noqa: S311 (stars, not secrets)
    for _ in range(70):
        x, y, radius = scatter.uniform(20, 1580), scatter.uniform(20, 460), scatter.uniform(1.8, 5)
        if not (830 < x < 1250 and y < 420):
            canvas.fill(circle(x, y, radius), mix(KON, COLOURS["tamago"], 0.75))
    _hills(canvas, mix(KON, COLOURS["ai"], 0.55), mix(KON, COLOURS["ai"], 0.3))
    _table(canvas, mix(COLOURS["kuri"], KON, 0.3))
    _put(
        canvas,
        [
            ("quilt ai kinari asanoha", 700, 800, 1.1),
            ("candle kinari wakatake muji", 1090, 806, 0.66),
            ("pillow shiro ai shima", 1400, 800, 0.72),
            ("blanket karashi kuri koshi", 220, 800, 0.74),
        ],
    )
    return canvas


def member_card() -> Canvas:
    """A telephone with the member's card on it, shown at the till."""
    canvas = _sky(COLOURS["kinari"])
    canvas.fill([(980, 0), (WIDTH, 0), (WIDTH, HEIGHT), (660, HEIGHT)], lighter(COLOURS["asagi"], 0.35))
    canvas.cover(
        [(980, 0), (WIDTH, 0), (WIDTH, HEIGHT), (660, HEIGHT)], "seigaiha", lighter(COLOURS["asagi"], 0.45), 140
    )
    for x, y, radius in (
        (500, 220, 58),
        (1180, 640, 70),
        (1260, 250, 46),
        (330, 300, 40),
        (1440, 470, 56),
        (170, 420, 52),
    ):
        coin = circle(x, y, radius)
        canvas.drop(coin)
        canvas.fill(coin, COLOURS["yamabuki"])
        canvas.fill(circle(x, y, radius * 0.78), lighter(COLOURS["yamabuki"], 0.25))
        canvas.fill(flower(x, y, radius * 0.5), darker(COLOURS["yamabuki"], 0.14))
    lean, about = 8, (830, 450)
    body = turned(box(648, 90, 1012, 810, 52), lean, about)
    canvas.shade(body, -22, -26, 0.2)
    canvas.fill(body, COLOURS["sumi"])
    canvas.fill(turned(box(666, 108, 994, 792, 38), lean, about), SHIRO)
    card = turned(box(692, 176, 968, 420, 26), lean, about)
    canvas.fill(card, AI)
    canvas.cover(card, "asanoha", mix(AI, KINARI, 0.3), 74)
    crest = turned([(830, 298)], lean, about)[0]
    canvas.fill(circle(*crest, 66), KINARI)
    canvas.fill(flower(*crest, 48), AI)
    canvas.fill(circle(*crest, 11), KINARI)
    for index, width in enumerate((220, 150)):
        canvas.fill(turned(box(692, 462 + index * 52, 692 + width, 488 + index * 52, 13), lean, about), COLOURS["suna"])
    canvas.fill(turned(box(692, 586, 968, 682, 24), lean, about), COLOURS["shu"])
    mark = turned([(790, 636), (818, 660), (872, 608)], lean, about)
    canvas.line(mark, 15, SHIRO)
    canvas.fill(turned(box(770, 742, 890, 752, 5), lean, about), COLOURS["nezu"])
    _put(canvas, [("tote kinari ai shima", 486, 826, 0.72)])
    return canvas


CAMPAIGNS: dict[str, Callable[[], Canvas]] = {
    "welcome": welcome,
    "moonlit-tea": moonlit_tea,
    "bathhouse": bathhouse,
    "winter-knit": winter_knit,
    "gifts": gifts,
    "playroom": playroom,
    "good-night": good_night,
    "member-card": member_card,
}
