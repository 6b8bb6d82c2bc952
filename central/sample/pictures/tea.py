"""Draws tea and coffee: tins, caddies, pouches, boxes of bags, bottles."""

from __future__ import annotations

from central.sample.pictures.canvas import Canvas
from central.sample.pictures.colours import COLOURS, Colour, darker, lighter, mix
from central.sample.pictures.look import Look
from central.sample.pictures.outlines import (
    box,
    can,
    circle,
    curve,
    lathe,
    leaf,
    turned,
)


def tin(canvas: Canvas, look: Look) -> None:
    """茶筒: a tea tin wrapped in patterned paper."""
    canvas.shadow(335, 512, 150)
    body = can(320, 232, 500, 112, 20)
    canvas.fill(body, look.main)
    canvas.cover(body, look.pattern, mix(look.main, look.ink, 0.62), 62)
    _label(canvas, look, 320, 366, 54)
    canvas.shade(body, 46)
    canvas.light(body, 18)
    lid = can(320, 172, 232, 116, 20)
    canvas.fill(lid, darker(look.main, 0.28))
    canvas.shade(lid, 48)
    canvas.light(lid, 18, alpha=0.16)
    canvas.fill(circle(320, 172, 116, 20), darker(look.main, 0.14))


def caddy(canvas: Canvas, look: Look) -> None:
    """A square caddy with a round lid."""
    canvas.shadow(335, 512, 168)
    body = box(190, 232, 450, 508, 14)
    canvas.fill(body, look.main)
    canvas.cover(box(190, 262, 450, 478), look.pattern, mix(look.main, look.ink, 0.55), 58)
    canvas.shade(body, 40)
    canvas.light(body, 14)
    _label(canvas, look, 320, 370, 60)
    lid = can(320, 200, 228, 92, 12)
    canvas.fill(lid, look.ink)
    canvas.shade(lid, 34)
    canvas.fill(circle(320, 200, 92, 12), lighter(look.ink, 0.25))


def pouch(canvas: Canvas, look: Look) -> None:
    """A standing pouch with a window for the leaf."""
    canvas.shadow(332, 512, 140)
    top, bottom = 168, 508
    body = [
        (212, top),
        (428, top),
        *curve([(428, top), (436, 300), (446, 420), (440, bottom)]),
        *curve([(440, bottom), (380, bottom + 6), (320, bottom - 4), (260, bottom + 6), (200, bottom)]),
        *curve([(200, bottom), (194, 420), (204, 300), (212, top)]),
    ]
    canvas.fill(body, look.main)
    canvas.cover(box(202, 386, 438, 500), look.pattern, mix(look.main, look.ink, 0.6), 54)
    canvas.shade(body, 34)
    canvas.light(body, 12)
    canvas.wash(box(212, top, 428, 204), COLOURS["kogecha"], 0.14)
    canvas.line([(214, 214), (426, 214)], 2, darker(look.main, 0.2))
    _label(canvas, look, 320, 300, 62)


def teabags(canvas: Canvas, look: Look) -> None:
    """An upright box with a tea bag hanging out in front."""
    canvas.shadow(330, 512, 190)
    front, side = box(168, 250, 400, 508), [(400, 250), (470, 222), (470, 480), (400, 508)]
    canvas.fill([(168, 250), (238, 222), (470, 222), (400, 250)], lighter(look.main, 0.25))
    canvas.fill(front, look.main)
    canvas.cover(front, look.pattern, mix(look.main, look.ink, 0.6), 58)
    canvas.fill(side, darker(look.main, 0.22))
    _label(canvas, look, 284, 372, 62)
    canvas.line(curve([(400, 330), (440, 352), (470, 376), (486, 410)]), 3, COLOURS["kinari"])
    bag = turned([(456, 414), (486, 398), (516, 414), (522, 496), (450, 496)], -4, (486, 450))
    canvas.fill(bag, COLOURS["kinari"])
    canvas.fill(turned([(453, 450), (519, 450), (522, 496), (450, 496)], -4, (486, 450)), _leafy(look))
    canvas.shade(bag, 10)
    canvas.fill(turned(box(386, 306, 424, 344, 4), -8, (404, 326)), look.ink)


def bottle(canvas: Canvas, look: Look) -> None:
    """A slender bottle of cold-brewed tea."""
    canvas.shadow(330, 512, 96)
    glass = lathe(320, [(150, 28), (196, 30), (240, 46), (290, 74), (360, 78), (440, 78), (496, 76), (510, 60)])
    canvas.fill(glass, mix(look.main, COLOURS["shiro"], 0.12))
    canvas.wash(box(200, 150, 440, 254), COLOURS["shiro"], 0.45, within=glass)
    paper = box(242, 330, 398, 470)
    canvas.fill(paper, COLOURS["kinari"])
    canvas.cover(paper, look.pattern, mix(COLOURS["kinari"], look.ink, 0.5), 48)
    _mark(canvas, look, 320, 400, 34)
    canvas.shade(glass, 30)
    canvas.light(glass, 14, alpha=0.35)
    cap = box(286, 116, 354, 166, 8)
    canvas.fill(cap, look.ink)
    canvas.shade(cap, 18)


def coffee(canvas: Canvas, look: Look) -> None:
    """A folded bag of coffee beans, and a few beans."""
    canvas.shadow(332, 512, 150)
    body = [
        (206, 232),
        (434, 232),
        *curve([(434, 232), (446, 380), (440, 506)]),
        *curve([(200, 506), (194, 380), (206, 232)]),
    ]
    canvas.fill(body, look.main)
    canvas.cover(box(200, 430, 441, 490), look.pattern, mix(look.main, look.ink, 0.6), 40)
    fold = [(204, 170), (436, 170), (434, 240), (206, 240)]
    canvas.fill(fold, darker(look.main, 0.16))
    canvas.fill(box(190, 190, 450, 210, 6), look.ink)
    canvas.shade(body, 36)
    canvas.light(body, 12)
    canvas.fill(circle(320, 338, 64), look.ink)
    _bean(canvas, 320, 338, 34, 25, mix(look.main, COLOURS["kinari"], 0.55))
    for x, y, degrees in ((488, 498, 10), (520, 510, -50), (462, 514, 70)):
        _bean(canvas, x, y, 17, degrees, COLOURS["kogecha"])


def _label(canvas: Canvas, look: Look, x: float, y: float, radius: float) -> None:
    paper = COLOURS["kinari"] if look.main != COLOURS["kinari"] else COLOURS["shiro"]
    canvas.fill(circle(x, y, radius), paper)
    _mark(canvas, look, x, y, radius * 0.72)


def _mark(canvas: Canvas, look: Look, x: float, y: float, size: float) -> None:
    green = _leafy(look)
    base = y + size * 0.62
    canvas.fill(leaf(x, base, size * 1.35, size * 0.62, 0), green)
    canvas.fill(leaf(x, base, size * 1.15, size * 0.5, -46), lighter(green, 0.22))
    canvas.fill(leaf(x, base, size * 1.15, size * 0.5, 46), darker(green, 0.18))


def _leafy(look: Look) -> Colour:
    return look.ink if look.ink not in (COLOURS["kinari"], COLOURS["shiro"], COLOURS["kin"]) else COLOURS["tokiwa"]


def _bean(canvas: Canvas, x: float, y: float, size: float, degrees: float, colour: Colour) -> None:
    canvas.fill(turned(circle(x, y, size * 0.68, size), degrees, (x, y)), colour)
    seam = curve(
        [
            (x - size * 0.1, y - size),
            (x + size * 0.16, y - size * 0.3),
            (x - size * 0.16, y + size * 0.3),
            (x + size * 0.1, y + size),
        ]
    )
    canvas.line(
        turned(seam, degrees, (x, y)),
        size * 0.14,
        mix(colour, COLOURS["kogecha"], 0.5) if colour != COLOURS["kogecha"] else lighter(colour, 0.35),
    )


SHAPES = {"tin": tin, "caddy": caddy, "pouch": pouch, "teabags": teabags, "bottle": bottle, "coffee": coffee}
LYING: frozenset[str] = frozenset()
