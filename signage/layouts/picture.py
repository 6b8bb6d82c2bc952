"""A finished picture or film over all of the screen, without a word of ours."""

from __future__ import annotations

from dataclasses import replace

from signage.contract import Scene
from signage.layouts import notice
from signage.layouts.sheet import Sheet


def draw(sheet: Sheet, scene: Scene) -> None:
    """Draw the title as a notice until the picture is there."""
    if not sheet.main_picture(scene, sheet.surface.get_rect()):
        sheet.fill(sheet.surface.get_rect(), sheet.paper)
        notice.draw(sheet, replace(scene, picture=None, film=None))
