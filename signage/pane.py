"""One part of the screen: the picture on it, the one drawn ahead or fading out, and the film that runs in it."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field

import pygame
from pygame import Color, Rect, Surface

from signage import layouts
from signage.config import Theme
from signage.contract import Digest, Scene
from signage.display import SMALL, Display
from signage.films import Film, Films
from signage.layer import Layer, Part
from signage.pictures import Pictures
from signage.text import Typesetter

log = logging.getLogger(__name__)

FADE = 0.2
FRAME = 1 / 60
STANDING = Scene(
    scene="standing",
    layout="noren",
    language="ja",
    title="いらっしゃいませ",
    text="Welcome",
    hold_ms=3_600_000,
)
"""What stands while there is nothing to play."""


@dataclass(slots=True, kw_only=True)
class Studio:
    """What all panes draw with; `board` is what they draw on, one at a time, before it goes to the graphics."""

    display: Display
    pictures: Pictures
    typesetter: Typesetter
    theme: Theme
    counts: Counter[str]
    films: Films | None
    board: Surface = field(init=False)

    def __post_init__(self) -> None:
        self.board = self.display.frame()

    @property
    def paper(self) -> Color:
        return Color(self.theme.paper)

    @property
    def accent(self) -> Color:
        return Color(self.theme.accent)


@dataclass(slots=True)
class _Picture:
    layer: Layer
    scene: Scene | None = None
    texts: tuple[str, ...] = ()
    missing: frozenset[Digest] = frozenset()
    drawn: bool = True
    film_place: Rect | None = None
    checksum: int = 0


class Pane:
    """Belongs to the thread that opened the display; times are seconds of CLOCK_MONOTONIC."""

    def __init__(self, studio: Studio, place: Rect, *, ahead: bool = True) -> None:
        """Without `ahead` it can neither fade nor draw ahead, and takes half of the memory."""
        self.place = place
        self._studio = studio
        self._front = _Picture(studio.display.layer(place.size, studio.paper))
        self._back = _Picture(studio.display.layer(place.size, studio.paper)) if ahead else self._front
        self._fading: float | None = None
        """When the fade began."""
        self._stepped = 0.0
        self._film: Film | None = None
        self._frame: Surface | None = None
        """The film's picture that stands in the front one."""
        self._late = 0
        self.broken = False
        """The film of its scene gave up."""

    @property
    def scene(self) -> Scene | None:
        return self._front.scene

    @property
    def texts(self) -> tuple[str, ...]:
        return self._front.texts

    @property
    def drawn(self) -> bool:
        """False if the scene could not be drawn and STANDING stands in its place."""
        return self._front.drawn

    @property
    def checksum(self) -> int:
        """Give a number that changes when what was drawn last does, whether or not it came to the screen."""
        front = self._front.checksum
        return front if self._frame is None else zlib.crc32(_small(self._frame), front)

    @property
    def fading(self) -> bool:
        return self._fading is not None

    @property
    def moving(self) -> bool:
        """Whether its picture changes by itself."""
        film = self._film
        return self.fading or (self._frame is not None and film is not None and not (film.failed or film.over))

    def cut(self, scene: Scene) -> None:
        """Take the scene at once."""
        self._fading = None
        if self._front.scene != scene:
            self._turn(scene)
            self._play()
        elif self._film is None or self._film.over or self._film.failed:
            self._play()

    def fade(self, scene: Scene, now: float) -> None:
        """Begin to fade to the scene: its first frame is a mixed one."""
        if self._front.scene in (scene, None) or self._front is self._back:
            self.cut(scene)
            return
        self._turn(scene)
        self._play()
        self._stepped, self._fading = now, now - FRAME

    def prepare(self, scene: Scene) -> None:
        """Draw ahead what probably comes next, so that its pictures and its text are there in time."""
        if not self.prepared(scene):
            self._draw(self._back, scene)

    def prepared(self, scene: Scene) -> bool:
        """Whether there is nothing to draw ahead, or it cannot be."""
        return self.fading or self._front is self._back or scene in (self._front.scene, self._back.scene)

    def step(self, now: float, fresh: Set[Digest]) -> bool:
        """Do what time, a film or late pictures ask for; tell whether it looks different then."""
        changed = self._renewed(fresh)
        if self._fading is not None and (now >= self._stepped + FRAME or now >= self._fading + FADE):
            self._late += now > self._stepped + 2 * FRAME
            self._stepped, changed = now, True
            if now >= self._fading + FADE:
                self._fading = None
        return self._filmed(now) or changed

    def due(self) -> float:
        """When it has something to do."""
        times = [self._stepped + FRAME] if self._fading is not None else []
        if self._film is not None and (asked := self._film.due()) is not None:
            times.append(asked)
        return min(times, default=float("inf"))

    def parts(self) -> list[Part]:
        """What it looks like now."""
        if self._fading is None:
            return [Part(self._front.layer, self.place)]
        share = min(1.0, max(0.0, (self._stepped - self._fading) / FADE))
        return [Part(self._back.layer, self.place), Part(self._front.layer, self.place, share)]

    def rest(self, now: float) -> None:
        """Something hides it: films stand still, and a fade is over."""
        self._fading = None
        if self._film is not None:
            self._film.pause(now)

    def wake(self, now: float) -> None:
        if self._film is not None:
            self._film.resume(now)

    def late(self) -> int:
        """Give how many frames of fades and films came late since the last call."""
        films = self._film.late if self._film is not None else 0
        late, self._late = self._late + films, -films
        return late

    def empty(self) -> None:
        """Show nothing but paper."""
        self.forget()
        self._fading = None
        board = self._studio.board.subsurface(Rect((0, 0), self.place.size))
        board.fill(self._studio.paper)
        self._front.texts, self._front.checksum = (), zlib.crc32(_small(board))
        self._front.layer.put(board)

    def forget(self) -> None:
        """Keep nothing of its scene: the next one is drawn whatever it is."""
        self.close()
        self._front.scene, self._front.missing = None, frozenset()

    def close(self) -> None:
        """End its film."""
        if self._film is not None:
            self._late += self._film.late
            self._film.close()
        self._film = self._frame = None

    def _turn(self, scene: Scene) -> None:
        """Bring the scene to the front; what was there lies behind it."""
        filmed = self._frame is not None
        self.close()
        if self._back.scene != scene:
            self._draw(self._back, scene)
        self._front, self._back = self._back, self._front
        if filmed and self._back is not self._front:
            self._back.scene = None  # The film went over its picture.

    def _play(self) -> None:
        """Open the film of the scene in front, from its beginning; its picture stands until it runs."""
        self.close()
        self.broken = False
        place, scene, films = self._front.film_place, self._front.scene, self._studio.films
        if films is not None and scene is not None and scene.film is not None and place is not None:
            self._film = films.open(scene.film, place.size)

    def _filmed(self, now: float) -> bool:
        film, place = self._film, self._front.film_place
        if film is None or place is None:
            return False
        frame = film.frame(now)
        if frame is not None:
            self._frame = frame
            self._front.layer.put_turned(frame, place)
        elif film.failed and not self.broken:
            self.broken = True
            self.close()
            if self._front.scene is not None:
                self._draw(self._front, self._front.scene)
            return True
        return frame is not None

    def _renewed(self, fresh: Set[Digest]) -> bool:
        """Put late pictures in; of what is drawn ahead only forget it, for it is drawn again when there is time."""
        front, back = self._front, self._back
        if fresh & back.missing and self._fading is None and back is not front:
            back.scene, back.missing = None, frozenset()
        if not fresh & front.missing or front.scene is None:
            return False
        self._draw(front, front.scene)
        if self._frame is not None and front.film_place is not None:
            front.layer.put_turned(self._frame, front.film_place)
        return True

    def _draw(self, picture: _Picture, scene: Scene) -> None:
        studio = self._studio
        board = studio.board.subsurface(Rect((0, 0), self.place.size))
        screen = None if self.place.size == studio.board.get_size() else studio.board.get_size()

        def sheet(wanted: Scene) -> layouts.Sheet:
            return layouts.draw(board, wanted, studio.pictures, studio.typesetter, studio.theme, screen)

        picture.scene = scene
        try:
            made = sheet(scene)
            picture.missing, picture.film_place, picture.drawn = frozenset(made.missing), made.film_place, True
            picture.texts = tuple(made.texts)
        except Exception:  # The one of this process: a scene that nothing can draw must not darken the screen.
            log.exception("a scene could not be drawn", extra={"fields": {"layout": scene.layout}})
            studio.counts["scenes_undrawable"] += 1
            picture.missing, picture.film_place, picture.drawn = frozenset(), None, False
            picture.texts = self._instead(board, sheet)
        picture.checksum = zlib.crc32(_small(board))
        picture.layer.put(board)

    def _instead(self, board: Surface, sheet: Callable[[Scene], layouts.Sheet]) -> tuple[str, ...]:
        try:
            return tuple(sheet(STANDING).texts)
        except (ArithmeticError, ValueError, pygame.error):  # A part of the screen may be too small for any letter.
            board.fill(self._studio.paper)
            return ()


def _small(picture: Surface) -> bytes:
    """Enough of a picture to tell whether it is another one."""
    width, height = picture.get_size()
    return pygame.transform.scale(picture, (max(1, width // SMALL), max(1, height // SMALL))).get_buffer().raw
