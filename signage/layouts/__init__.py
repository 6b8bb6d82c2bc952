"""The table of layouts: a name that a scene may ask for, and what draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pygame import Surface

from signage.config import Theme
from signage.contract import Scene
from signage.layouts import campaign, greeting, noren, notice, recommendation
from signage.layouts.sheet import Sheet
from signage.pictures import Pictures
from signage.text import Typesetter

LAYOUTS: Mapping[str, Callable[[Sheet, Scene], None]] = {
    "campaign": campaign.draw,
    "greeting": greeting.draw,
    "noren": noren.draw,
    "notice": notice.draw,
    "recommendation": recommendation.draw,
}


def draw(surface: Surface, scene: Scene, pictures: Pictures, typesetter: Typesetter, theme: Theme) -> Sheet:
    """Draw the scene on all of the surface; a layout that we do not know is drawn as a notice."""
    sheet = Sheet(surface, pictures, typesetter, theme)
    LAYOUTS.get(scene.layout, notice.draw)(sheet, scene)
    return sheet
