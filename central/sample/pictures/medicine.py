"""Draws what a chemist sells: bottles of tablets, cartons, tubes, drops, sachets, balms, masks."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import arc, band, box, can, circle, curve, lathe, turned

KINARI, SHIRO, GIN = COLOURS["kinari"], COLOURS["shiro"], COLOURS["gin"]


def tablets(canvas: Canvas, look: Look) -> None:
    """A bottle of tablets."""
    canvas.shadow(340, 510, 150)
    body = box(204, 246, 420, 510, 30)
    canvas.fill(body, look.main)
    label = box(204, 308, 420, 464)
    canvas.fill(label, KINARI)
    canvas.cover(box(204, 420, 420, 464), look.pattern, mix(KINARI, look.ink, 0.6), 34)
    _cross(canvas, 312, 364, 34, look.ink)
    canvas.shade(body, 36)
    canvas.light(body, 15, 0, 0.3)
    cap = box(222, 166, 402, 244, 12)
    canvas.fill(cap, SHIRO)
    for x in range(236, 398, 14):
        canvas.line([(x, 184), (x, 236)], 4, darker(SHIRO, 0.12))
    canvas.shade(cap, 32)
    for x, y, degrees in ((460, 492, -12), (506, 502, 30), (478, 462, 60)):
        _capsule(canvas, x, y, degrees, look.ink)


def carton(canvas: Canvas, look: Look) -> None:
    """A carton and a strip of tablets."""
    canvas.shadow(340, 510, 196)
    front = box(140, 236, 380, 508, 3)
    canvas.fill([(140, 236), (190, 208), (430, 208), (380, 236)], lighter(look.main, 0.35))
    canvas.fill([(380, 236), (430, 208), (430, 482), (380, 508)], darker(look.main, 0.22))
    canvas.fill(front, look.main)
    canvas.fill(box(140, 290, 380, 410), KINARI)
    canvas.cover(box(140, 430, 380, 508), look.pattern, mix(look.main, look.ink, 0.55), 40)
    _cross(canvas, 200, 350, 32, look.ink)
    for y, right in ((330, 350), (352, 330), (374, 342)):
        canvas.line([(254, y), (right, y)], 6, mix(KINARI, look.ink, 0.4))
    strip = turned(box(400, 388, 560, 500, 10), -7, (480, 444))
    canvas.fill(strip, GIN)
    canvas.shade(strip, 8, 8, 0.12)
    for index in range(8):
        pit = turned([(424 + index % 4 * 37, 420 + index // 4 * 48)], -7, (480, 444))[0]
        canvas.fill(circle(*pit, 14), darker(GIN, 0.14))
        canvas.fill(circle(pit[0] - 2, pit[1] - 2, 12), SHIRO)


def tube(canvas: Canvas, look: Look) -> None:
    """A tube of cream standing on its cap."""
    canvas.shadow(332, 510, 104)
    body = [
        (216, 160),
        (424, 160),
        *curve([(424, 160), (416, 300), (388, 430)]),
        (252, 430),
        *curve([(252, 430), (224, 300), (216, 160)]),
    ]
    canvas.fill(body, look.main)
    canvas.cover(box(200, 330, 440, 410), look.pattern, mix(look.main, look.ink, 0.6), 44, body)
    canvas.fill(box(212, 146, 428, 178, 4), darker(look.main, 0.14))
    for x in range(224, 424, 13):
        canvas.line([(x, 152), (x, 172)], 3, darker(look.main, 0.28))
    canvas.fill(circle(320, 256, 50), KINARI)
    _cross(canvas, 320, 256, 26, look.ink)
    canvas.shade(body, 34, 0)
    canvas.light(body, 16, 0)
    cap = lathe(320, [(426, 74), (504, 84), (510, 80)], straight=True)
    canvas.fill(cap, look.ink)
    canvas.shade(cap, 24)


def drops(canvas: Canvas, look: Look) -> None:
    """A dropper bottle and its box."""
    canvas.shadow(340, 510, 170)
    canvas.fill([(330, 236), (366, 214), (506, 214), (470, 236)], lighter(look.main, 0.35))
    canvas.fill([(470, 236), (506, 214), (506, 486), (470, 508)], darker(look.main, 0.24))
    canvas.fill(box(330, 236, 470, 508, 3), mix(look.main, SHIRO, 0.1))
    canvas.cover(box(330, 400, 470, 508), look.pattern, mix(look.main, look.ink, 0.5), 40)
    canvas.fill(_drop(400, 330, 46), KINARI)
    glass = box(150, 336, 290, 510, 24)
    canvas.fill(glass, mix(look.ink, SHIRO, 0.35))
    canvas.wash(box(140, 400, 300, 520), look.ink, 0.8, glass)
    canvas.fill(box(174, 404, 266, 478, 4), KINARI)
    canvas.fill(_drop(220, 444, 24), look.ink)
    canvas.shade(glass, 22)
    canvas.light(glass, 10, 0, 0.35)
    cap = lathe(220, [(248, 22), (262, 28), (326, 46), (338, 46)], straight=True)
    canvas.fill(cap, SHIRO)
    canvas.shade(cap, 16)


def sachets(canvas: Canvas, look: Look) -> None:
    """Sticks of powder in a box, and a glass of water."""
    canvas.shadow(330, 510, 200)
    for index in range(5):
        stick = turned(box(150 + index * 42, 176, 186 + index * 42, 430, 3), -6 + index * 3, (168 + index * 42, 430))
        canvas.fill(stick, lighter(look.main, 0.45) if index % 2 else KINARI)
        canvas.shade(stick, 8, 0)
        top = turned(box(150 + index * 42, 176, 186 + index * 42, 200, 3), -6 + index * 3, (168 + index * 42, 430))
        canvas.fill(top, look.ink)
    canvas.fill(box(128, 318, 376, 508, 4), look.main)
    canvas.cover(box(128, 318, 376, 508, 4), look.pattern, mix(look.main, look.ink, 0.55), 48)
    canvas.fill(circle(252, 412, 50), KINARI)
    _cross(canvas, 252, 412, 28, look.ink)
    canvas.shade(box(128, 318, 376, 508, 4), 30)
    glass = lathe(470, [(330, 66), (500, 54), (510, 48)], straight=True)
    canvas.wash(glass, SHIRO, 0.6)
    canvas.wash(box(400, 390, 540, 520), COLOURS["mizu"], 0.85, glass)
    canvas.shade(glass, 18)
    canvas.light(glass, 9, 0, 0.5)
    canvas.line(arc(470, 330, 66, 9, 0, 360), 3, SHIRO)


def balm(canvas: Canvas, look: Look) -> None:
    """A flat jar of balm, its lid beside it."""
    canvas.shadow(330, 510, 206)
    lid = circle(430, 378, 116)
    canvas.fill(circle(444, 374, 116), darker(look.main, 0.3))
    canvas.fill(lid, look.main)
    canvas.cover(lid, look.pattern, mix(look.main, look.ink, 0.6), 56)
    canvas.fill(circle(430, 378, 58), KINARI)
    _cross(canvas, 430, 378, 30, look.ink)
    jar = can(262, 414, 492, 154, 22)
    canvas.fill(jar, look.main)
    canvas.cover(band(262, 444, 480, 154, 22), look.pattern, mix(look.main, look.ink, 0.6), 44)
    canvas.shade(jar, 44)
    canvas.light(jar, 18)
    canvas.fill(circle(262, 414, 154, 22), darker(look.main, 0.2))
    canvas.fill(circle(262, 412, 142, 18), lighter(KINARI, 0.4))
    canvas.line(curve([(170, 410), (230, 402), (290, 416), (352, 406)]), 5, darker(KINARI, 0.08))


def mask(canvas: Canvas, look: Look) -> None:
    """A face mask, seen from above."""
    for side in (-1, 1):
        canvas.line(
            curve([(320 + side * 186, 270), (320 + side * 262, 290), (320 + side * 262, 410), (320 + side * 186, 436)]),
            8,
            SHIRO,
        )
    cloth = [
        *curve([(124, 246), (220, 226), (320, 218), (420, 226), (516, 246)]),
        *curve([(520, 350), (516, 456)]),
        *curve([(516, 456), (420, 482), (320, 494), (220, 482), (124, 456)]),
        *curve([(124, 456), (120, 350), (124, 246)]),
    ]
    canvas.drop(cloth)
    canvas.fill(cloth, look.main)
    canvas.cover(cloth, look.pattern, mix(look.main, look.ink, 0.5), 60)
    for y in (300, 352, 404):
        canvas.line(curve([(134, y), (220, y - 8), (320, y - 10), (420, y - 8), (506, y)]), 5, darker(look.main, 0.14))
        canvas.wash(
            [*curve([(134, y + 3), (320, y - 7), (506, y + 3)]), (506, y + 18), (134, y + 18)], SHIRO, 0.18, cloth
        )
    canvas.shade(cloth, 14, 12, 0.1)


def _cross(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """A plain plus, in no protected colour and no protected shape."""
    hue = colour if colour not in (KINARI, SHIRO) else COLOURS["asagi"]
    canvas.fill(box(x - size * 0.3, y - size, x + size * 0.3, y + size, size * 0.28), hue)
    canvas.fill(box(x - size, y - size * 0.3, x + size, y + size * 0.3, size * 0.28), hue)


def _capsule(canvas: Canvas, x: float, y: float, degrees: float, colour: Colour) -> None:
    whole = turned(box(x - 30, y - 14, x + 30, y + 14, 14), degrees, (x, y))
    canvas.fill(whole, KINARI)
    canvas.wash(turned(box(x, y - 16, x + 34, y + 16), degrees, (x, y)), colour, 1, whole)
    canvas.shade(whole, 4, 6, 0.14)


def _drop(x: float, y: float, size: float) -> list[tuple[float, float]]:
    round_part = [
        (size * 0.7, size * 0.25),
        (size * 0.5, size * 0.85),
        (0, size),
        (-size * 0.5, size * 0.85),
        (-size * 0.7, size * 0.25),
    ]
    return [(x + px, y + py) for px, py in [(0, -size), *curve([(0, -size), *round_part, (0, -size)])]]


SHAPES = {
    "tablets": tablets,
    "carton": carton,
    "tube": tube,
    "drops": drops,
    "sachets": sachets,
    "balm": balm,
    "mask": mask,
}
LYING = frozenset({"mask"})
