"""Draws stationery: notebooks, pens, letters, tape, ink, pencils, small envelopes, folded cranes."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import Point, band, box, can, circle, curve, flower, lathe, turned

KINARI, SHIRO, KIN, SUMI, USUKI = (COLOURS[name] for name in ("kinari", "shiro", "kin", "sumi", "usuki"))
MIDDLE: Point = (320, 348)


def notebook(canvas: Canvas, look: Look) -> None:
    """A bound notebook with a ribbon, seen from above."""
    lean = -6
    pages = turned(box(186, 146, 472, 560, 8), lean, MIDDLE)
    canvas.drop(pages)
    canvas.fill(pages, SHIRO)
    cover = turned(box(176, 138, 464, 552, 12), lean, MIDDLE)
    canvas.fill(turned([(352, 520), (376, 520), (376, 606), (364, 592), (352, 606)], lean, MIDDLE), look.ink)
    canvas.fill(cover, look.main)
    canvas.cover(cover, look.pattern, mix(look.main, look.ink, 0.6), 74)
    canvas.fill(turned(box(176, 138, 222, 552, 12), lean, MIDDLE), darker(look.main, 0.22))
    canvas.fill(turned(box(270, 206, 424, 292, 4), lean, MIDDLE), KINARI)
    for y in (236, 262):
        canvas.line(turned([(292, y), (402, y)], lean, MIDDLE), 3, mix(KINARI, SUMI, 0.35))


def pen(canvas: Canvas, look: Look) -> None:
    """A fountain pen on a sheet, seen from above."""
    sheet = turned(box(170, 130, 470, 566, 3), 5, MIDDLE)
    canvas.drop(sheet)
    canvas.fill(sheet, SHIRO)
    for y in range(186, 540, 34):
        canvas.line(turned([(198, y), (442, y)], 5, MIDDLE), 1.6, mix(SHIRO, look.ink, 0.32))
    lean = -42
    barrel = turned(
        [
            *curve([(304, 360), (300, 470), (308, 560), (320, 572)]),
            *curve([(320, 572), (332, 560), (340, 470), (336, 360)]),
        ],
        lean,
        MIDDLE,
    )
    canvas.drop(barrel, 0.2)
    canvas.fill(turned([(306, 362), (312, 268), (328, 268), (334, 362)], lean, MIDDLE), SUMI)
    nib = turned(
        [(309, 270), *curve([(309, 270), (306, 236), (320, 178)]), *curve([(320, 178), (334, 236), (331, 270)])],
        lean,
        MIDDLE,
    )
    canvas.fill(nib, KIN)
    canvas.line(turned([(320, 182), (320, 240)], lean, MIDDLE), 2, darker(KIN, 0.4))
    canvas.fill(circle(*turned([(320, 242)], lean, MIDDLE)[0], 4), darker(KIN, 0.4))
    canvas.fill(barrel, look.main)
    canvas.cover(barrel, look.pattern, mix(look.main, look.ink, 0.65), 34)
    canvas.light(barrel, 8, -6, 0.25)
    canvas.shade(barrel, 9, -7, 0.16)
    for y in (360, 376):
        canvas.line(turned([(304, y), (336, y)], lean, MIDDLE), 6, KIN)


def letter(canvas: Canvas, look: Look) -> None:
    """Writing paper and its envelope, seen from above."""
    sheet = turned(box(252, 118, 502, 480, 3), 9, MIDDLE)
    canvas.drop(sheet)
    canvas.fill(sheet, KINARI)
    canvas.cover(turned(box(252, 118, 502, 190), 9, MIDDLE), look.pattern, mix(KINARI, look.main, 0.6), 46)
    for x in range(284, 490, 31):
        canvas.line(turned([(x, 206), (x, 460)], 9, MIDDLE), 1.6, mix(KINARI, look.main, 0.45))
    lean = -5
    envelope = turned(box(118, 316, 468, 560, 5), lean, MIDDLE)
    canvas.drop(envelope)
    canvas.fill(envelope, look.main)
    canvas.fill(turned([(118, 560), (268, 430), (318, 430), (468, 560)], lean, MIDDLE), darker(look.main, 0.07))
    flap = turned([(118, 318), (293, 462), (468, 318)], lean, MIDDLE)
    canvas.shade(flap, 0, 7, 0.2)
    canvas.fill(flap, lighter(look.main, 0.16))
    canvas.cover(flap, look.pattern, mix(look.main, look.ink, 0.55), 46)
    seal = turned([(293, 446)], lean, MIDDLE)[0]
    canvas.fill(flower(*seal, 34, 8, 0.08), darker(look.ink, 0.08))
    canvas.fill(circle(*seal, 22), look.ink)


def tape(canvas: Canvas, look: Look) -> None:
    """Three rolls of paper tape."""
    canvas.shadow(326, 510, 190)
    rolls = (
        (214, 414, look.main, look.ink, look.pattern),
        (416, 424, look.ink, look.main, "shima"),
        (316, 262, KINARI, look.main, "kanoko"),
    )
    for x, y, main, ink, pattern in rolls:
        back = circle(x + 22, y - 4, 92)
        canvas.fill(back, darker(main, 0.22))
        face = circle(x, y, 92)
        canvas.fill(face, main)
        canvas.cover(face, pattern, mix(main, ink, 0.75), 40)
        canvas.shade(face, 10, 8, 0.1)
        canvas.fill(circle(x, y, 56), USUKI)
        canvas.fill(circle(x, y, 47), darker(look.ground, 0.16))
        canvas.fill(circle(x + 5, y, 42), darker(look.ground, 0.05))


def ink(canvas: Canvas, look: Look) -> None:
    """A bottle of ink."""
    canvas.shadow(332, 510, 150)
    bottle = box(184, 262, 456, 510, 38)
    canvas.fill(bottle, lighter(look.main, 0.55))
    canvas.wash(box(184, 322, 456, 520), look.main, 1, within=box(200, 278, 440, 496, 28))
    label = box(232, 366, 408, 466, 6)
    canvas.fill(label, KINARI)
    canvas.cover(label, look.pattern, mix(KINARI, look.main, 0.45), 46)
    drop = [(320, 376), *curve([(320, 376), (344, 414), (344, 432), (320, 450), (296, 432), (296, 414), (320, 376)])]
    canvas.fill(drop, look.main)
    canvas.shade(bottle, 30)
    canvas.light(bottle, 14, 0, 0.45)
    canvas.fill(box(266, 240, 374, 270), lighter(look.main, 0.4))
    cap = can(320, 176, 244, 76, 11)
    canvas.fill(cap, look.ink)
    canvas.shade(cap, 30)
    canvas.fill(circle(320, 176, 76, 11), lighter(look.ink, 0.2))


def pencils(canvas: Canvas, look: Look) -> None:
    """Six coloured pencils, seen from above."""
    hues = [look.main, look.ink, COLOURS["yamabuki"], COLOURS["asagi"], COLOURS["momo"], COLOURS["wakatake"]]
    for index, hue in enumerate(hues):
        x, top = 152 + index * 56, 168 + (index * 37 % 60)
        stick = box(x, top + 74, x + 44, 556, 4)
        canvas.drop([(x, top + 74), (x + 22, top), (x + 44, top + 74), (x + 44, 556), (x, 556)])
        canvas.fill([(x, top + 76), (x + 22, top), (x + 44, top + 76)], USUKI)
        canvas.fill([(x + 14, top + 26), (x + 22, top), (x + 30, top + 26)], hue)
        canvas.fill(stick, hue)
        canvas.wash(box(x, top + 74, x + 14, 556), COLOURS["shiro"], 0.22)
        canvas.wash(box(x + 30, top + 74, x + 44, 556), SUMI, 0.12)
        canvas.fill(box(x, 520, x + 44, 534), KIN)


def pochi(canvas: Canvas, look: Look) -> None:
    """ぽち袋: three small envelopes fanned out, seen from above."""
    for lean, main, hue, pattern in (
        (-14, look.ink, look.main, "shima"),
        (13, KINARI, look.ink, "kanoko"),
        (-1, look.main, look.ink, look.pattern),
    ):
        about: Point = (320, 720)
        sleeve = turned(box(220, 156, 420, 520, 5), lean, about)
        canvas.drop(sleeve)
        canvas.fill(sleeve, main)
        canvas.cover(sleeve, pattern, mix(main, hue, 0.6), 62)
        canvas.fill(turned(box(220, 156, 420, 204, 5), lean, about), darker(main, 0.14))
        canvas.fill(turned(box(292, 232, 348, 366, 3), lean, about), SHIRO)
        x, y = turned([(320, 299)], lean, about)[0]
        canvas.fill(flower(x, y, 20), hue if hue not in (KINARI, SHIRO) else COLOURS["shu"])


def crane(canvas: Canvas, look: Look) -> None:
    """折り鶴: a crane of folded paper, and two sheets."""
    for shift, hue in ((26, look.ink), (0, mix(look.ink, KINARI, 0.55))):
        sheet = [
            (120 + shift, 500 - shift / 2),
            (320 + shift, 446 - shift / 2),
            (530 + shift, 492 - shift / 2),
            (330 + shift, 552 - shift / 2),
        ]
        canvas.fill(sheet, hue)
    canvas.shadow(326, 496, 96)
    body: Colour = look.main
    far = [(316, 420), (404, 136), (360, 420)]
    canvas.fill(far, darker(body, 0.24))
    canvas.fill([(300, 440), (108, 246), (128, 300), (276, 470)], darker(body, 0.14))
    canvas.fill([(108, 246), (62, 270), (122, 286)], darker(body, 0.3))
    canvas.fill([(350, 440), (546, 228), (390, 470)], darker(body, 0.2))
    near = [(276, 470), (300, 400), (244, 150), (384, 410), (390, 470), (330, 500)]
    canvas.fill(near, body)
    canvas.cover(near, look.pattern, mix(body, look.ink, 0.6), 44)
    canvas.wash([(244, 150), (384, 410), (332, 440)], SUMI, 0.12)
    canvas.wash([(276, 470), (330, 436), (390, 470), (330, 500)], SUMI, 0.14)


def brushes(canvas: Canvas, look: Look) -> None:
    """A brush stand with writing brushes."""
    for x, lean, hue in ((276, -12, look.ink), (366, 11, COLOURS["kogecha"]), (320, 0, look.main)):
        foot = (x, 420)
        canvas.line(turned([(x, 430), (x, 228)], lean, foot), 13, hue)
        canvas.line(turned([(x, 236), (x, 222)], lean, foot), 17, KIN)
        tip = [
            (x - 15, 222),
            *curve([(x - 15, 222), (x - 18, 180), (x, 122)]),
            *curve([(x, 122), (x + 18, 180), (x + 15, 222)]),
        ]
        canvas.fill(turned(tip, lean, foot), USUKI)
        canvas.wash(turned(box(x - 20, 120, x + 20, 168), lean, foot), SUMI, 0.85, within=turned(tip, lean, foot))
    canvas.shadow(330, 510, 108)
    jar = lathe(320, [(330, 90), (500, 90), (510, 82)], straight=True)
    canvas.fill(jar, look.main)
    canvas.cover(band(320, 370, 474, 90, 12), look.pattern, mix(look.main, look.ink, 0.75), 50)
    canvas.shade(jar, 30)
    canvas.light(jar, 13)
    canvas.fill(circle(320, 330, 90, 12), lighter(look.main, 0.25))


SHAPES = {
    "notebook": notebook,
    "pen": pen,
    "letter": letter,
    "tape": tape,
    "ink": ink,
    "pencils": pencils,
    "pochi": pochi,
    "crane": crane,
    "brushes": brushes,
}
LYING = frozenset({"notebook", "pen", "letter", "pencils", "pochi"})
