"""A scene in a strip of the screen, shaded as the clock is: its picture, its title, and a line of text if it fits."""

from __future__ import annotations

from pygame import Rect

from signage.contract import Scene
from signage.layouts.sheet import HEAD, NOTE, TEXT, Sheet
from signage.layouts.stack import Stack


def draw(sheet: Sheet, scene: Scene) -> None:
    width, height = sheet.surface.get_size()
    sheet.fill(sheet.surface.get_rect(), sheet.shade)
    pad = min(sheet.px(40), height // 6)
    left = pad
    if (scene.picture is not None or scene.film is not None) and width > 3 * height:
        place = Rect(0, 0, height * 16 // 10, height)
        sheet.main_picture(scene, place)
        left = place.right + pad
    room = Rect(left, pad, width - left - pad, height - 2 * pad)
    for text, largest, smallest in ((scene.text, HEAD, TEXT), (scene.text, TEXT, NOTE), ("", HEAD, NOTE)):
        stack = Stack(sheet, room.width)
        stack.text(sheet.set(scene.title, room.width, largest, smallest, bold=True))
        stack.text(sheet.set(text, room.width, TEXT, NOTE), sheet.soft, sheet.px(20))
        if stack.height <= room.height or (not text and stack.height <= height):
            stack.draw_in(Rect(room.x, 0, room.width, height), 0.5)
            return
