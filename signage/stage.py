"""Two frames and the screen: a scene cuts or fades in, the next is drawn ahead, late pictures are put in."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pygame import Surface

from signage import layouts
from signage.config import Theme
from signage.contract import Digest, Scene
from signage.display import Display
from signage.pictures import Pictures
from signage.text import Typesetter

log = logging.getLogger(__name__)

FADE = 0.2
_FRAME = 1 / 60
STANDING = Scene(
    scene="standing",
    layout="noren",
    language="ja",
    title="いらっしゃいませ",
    text="Welcome",
    hold_ms=3_600_000,
)
"""What stands while there is nothing to play."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A scene whose first frame is on the screen, at this nanosecond of CLOCK_MONOTONIC."""

    at_ns: int
    texts: Sequence[str]
    drawn: bool
    """False if the scene could not be drawn and STANDING stands in its place."""


@dataclass(frozen=True, slots=True)
class _Frame:
    surface: Surface
    scene: Scene | None = None
    texts: Sequence[str] = ()
    missing: frozenset[Digest] = frozenset()
    drawn: bool = True


class Stage:
    """Belongs to the thread that opened the display; times are seconds of CLOCK_MONOTONIC."""

    def __init__(
        self, display: Display, pictures: Pictures, typesetter: Typesetter, theme: Theme, counts: Counter[str]
    ) -> None:
        self._display = display
        self._pictures = pictures
        self._typesetter = typesetter
        self._theme = theme
        self._counts = counts
        self._front = _Frame(display.frame())
        """What is on the screen, or fades in."""
        self._back = _Frame(display.frame())
        """What fades out, or what is drawn ahead."""
        self._fading: float | None = None
        """When the fade began."""

    @property
    def moving(self) -> bool:
        """Whether a fade is under way."""
        return self._fading is not None

    def cut(self, scene: Scene) -> Shown:
        """Put the scene on the screen at once."""
        self._fading = None
        if self._front.scene != scene:
            if self._back.scene != scene:
                self._back = self._draw(scene, self._back.surface)
            self._front, self._back = self._back, self._front
        return self._shown(self._display.present(self._front.surface))

    def fade(self, scene: Scene, now: float) -> Shown:
        """Begin to fade to the scene; its first frame is the first mixed one."""
        if self._front.scene == scene:
            return self.cut(scene)
        if self._back.scene != scene:
            self._back = self._draw(scene, self._back.surface)
        at_ns = self._display.blend(self._front.surface, self._back.surface, _FRAME / FADE)
        self._front, self._back = self._back, self._front
        self._fading = now - _FRAME
        return self._shown(at_ns)

    def step(self, now: float) -> None:
        """Draw what time or a late picture asks for."""
        fresh = self._pictures.fresh()
        if fresh & self._back.missing and self._fading is None:
            self._back = _Frame(self._back.surface)
        if fresh & self._front.missing and self._front.scene is not None:
            self._front = self._draw(self._front.scene, self._front.surface)
            if self._fading is None:
                self._display.present(self._front.surface)
        if self._fading is not None:
            share = (now - self._fading) / FADE
            if share < 1:
                self._display.blend(self._back.surface, self._front.surface, share)
            else:
                self._fading = None
                self._display.present(self._front.surface)

    def patience(self, following: Scene) -> float | None:
        """Give the seconds until it has something to do: 0 when it could draw ahead, None when nothing moves."""
        if self._fading is not None:
            return _FRAME
        return 0.0 if self._wants(following) else None

    def prepare(self, following: Scene) -> None:
        """Draw ahead what probably comes next, so that its pictures and its text are there in time."""
        if self._fading is None and self._wants(following):
            self._back = self._draw(following, self._back.surface)

    def _wants(self, following: Scene) -> bool:
        return following not in (self._front.scene, self._back.scene)

    def _shown(self, at_ns: int) -> Shown:
        return Shown(at_ns=at_ns, texts=self._front.texts, drawn=self._front.drawn)

    def _draw(self, scene: Scene, surface: Surface) -> _Frame:
        try:
            sheet = layouts.draw(surface, scene, self._pictures, self._typesetter, self._theme)
        except Exception:  # The one of this process: a scene that nothing can draw must not darken the screen.
            log.exception("a scene could not be drawn", extra={"fields": {"layout": scene.layout}})
            self._counts["scenes_undrawable"] += 1
            sheet = layouts.draw(surface, STANDING, self._pictures, self._typesetter, self._theme)
            return _Frame(surface, scene, sheet.texts, frozenset(), drawn=False)
        return _Frame(surface, scene, sheet.texts, frozenset(sheet.missing))
