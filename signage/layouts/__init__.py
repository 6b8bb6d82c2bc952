"""The table of layouts: a name that a scene may ask for, and what draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pygame import Surface

from signage.config import Theme
from signage.contract import Scene
from signage.layouts import (
    campaign,
    emergency,
    greeting,
    noren,
    notice,
    numbers,
    picture,
    recommendation,
    strip,
)
from signage.layouts.clock import clock as clock
from signage.layouts.sheet import Sheet
from signage.layouts.ticker import ticker as ticker
from signage.pictures import Pictures
from signage.text import Typesetter

LAYOUTS: Mapping[str, Callable[[Sheet, Scene], None]] = {
    "campaign": campaign.draw,
    "emergency": emergency.draw,
    "greeting": greeting.draw,
    "noren": noren.draw,
    "notice": notice.draw,
    "numbers": numbers.draw,
    "picture": picture.draw,
    "recommendation": recommendation.draw,
}
_SHRUNK = (1, 0.8, 0.64, 0.5, 0.4, 0.3)
"""How much smaller words get in a part of the screen that would not hold them."""
__all__ = ["LAYOUTS", "Sheet", "clock", "draw", "ticker"]


def draw(
    surface: Surface,
    scene: Scene,
    pictures: Pictures,
    typesetter: Typesetter,
    theme: Theme,
    screen: tuple[int, int] | None = None,
) -> Sheet:
    """Draw the scene on all of the surface; a layout that we do not know is drawn as a notice.

    `screen` is the size of the whole screen where the surface is only a part of it: words are as large as on the whole,
    and the curtain is left out.
    """
    for shrunk in _SHRUNK:
        sheet = Sheet(surface, pictures, typesetter, theme, language=scene.language, screen=screen, shrunk=shrunk)
        if sheet.flat:
            strip.draw(sheet, scene)
        else:
            LAYOUTS.get(scene.layout, notice.draw)(sheet, scene)
        if sheet.whole or not sheet.over:
            break
    return sheet
