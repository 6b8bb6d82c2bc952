"""What everybody must read at once: red to every edge, a warning sign, white words; it is no chain's own."""

from __future__ import annotations

import re

import pygame
from pygame import Color, Rect, Surface

from signage.contract import Scene
from signage.layouts.sheet import GIANT, HEAD, HERO, LARGE, NOTE, TEXT, TITLE, Sheet
from signage.layouts.stack import Stack

RED = Color(176, 0, 24)
WHITE = Color(255, 255, 255)
_TRIES = (
    (GIANT, HEAD, 260, 3),
    (HERO, LARGE, 200, 3),
    (TITLE, LARGE, 160, 4),
    (HEAD, TEXT, 120, 4),
    (TEXT, NOTE, 120, 6),
    (NOTE, NOTE, 0, 8),
)
"""The largest title, the largest text, the height of the sign and the most lines, until every word of it fits."""
_SENTENCE = re.compile(r"(?<=[。！？]) *|(?<=[.!?]) +")
_BAND = 64
_FINE = 3
"""So many times larger its shapes are drawn, and then scaled, for smooth edges."""


def draw(sheet: Sheet, scene: Scene) -> None:
    sheet.fill(sheet.surface.get_rect(), RED)
    width, height = sheet.surface.get_size()
    band = min(sheet.px(_BAND), height // 12)
    for y in (0, height - band):
        _stripes(sheet, Rect(0, y, width, band))
    page = Rect(sheet.page.x, band + sheet.px(40), sheet.page.width, height - 2 * (band + sheet.px(40)))
    for title, text, sign, lines in _TRIES:
        called = sheet.set(
            _by_sentence(scene.title),
            page.width,
            title,
            min(title, TEXT),
            most=lines,
            bold=True,
            even=True,
            leading=1.25,
        )
        said = sheet.set(scene.text, page.width, text, NOTE, most=6, bold=True, even=True, leading=1.5)
        stack = Stack(sheet, page.width, "centre")
        if sign:
            stack.thing(sheet.px(sign), lambda place: _sign(sheet, place))
        stack.text(called, WHITE, sheet.px(48))
        stack.text(said, WHITE, sheet.px(64))
        fits = called.whole and said.whole and stack.height <= page.height
        if fits:
            break
    sheet.over = sheet.over or not fits
    stack.draw_in(page, 0.5)


def _by_sentence(text: str) -> str:
    """A short sentence is read at one glance if its line ends with it."""
    return _SENTENCE.sub("\n", text).strip()


def _stripes(sheet: Sheet, band: Rect) -> None:
    """White bars that lean, as on barrier tape."""
    large = Surface((band.width * _FINE, band.height * _FINE))
    large.fill(RED)
    step, lean = 2 * large.get_height(), large.get_height()
    for x in range(-step, large.get_width() + step, step):
        corners = [(x + lean, 0), (x + lean + step // 2, 0), (x + step // 2, lean), (x, lean)]
        pygame.draw.polygon(large, WHITE, corners)
    sheet.surface.blit(pygame.transform.smoothscale(large, band.size), band)


def _sign(sheet: Sheet, place: Rect) -> None:
    """The triangle with its mark of ISO 7010 W001, white on the red."""
    half = round(place.height * 0.577)
    large = Surface((2 * half * _FINE, place.height * _FINE))
    large.fill(RED)
    wide, high = large.get_size()
    x = wide // 2
    pygame.draw.polygon(large, WHITE, [(x, 0), (wide, high), (0, high)])
    bar = high / 20
    top, foot = high * 0.36, high * 0.70
    corners = [(x - bar * 1.3, top), (x + bar * 1.3, top), (x + bar * 0.8, foot), (x - bar * 0.8, foot)]
    pygame.draw.polygon(large, RED, corners)
    pygame.draw.circle(large, RED, (x, high * 0.82), bar * 1.25)
    small = pygame.transform.smoothscale(large, (2 * half, place.height))
    sheet.surface.blit(small, (place.centerx - half, place.y))
