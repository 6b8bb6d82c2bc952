"""What stands on the screen: regions with their scenes, clocks and bands, and over all of them one cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pygame import Color, Rect

from signage.config import Theme
from signage.contract import Region, Scene
from signage.display import Display
from signage.films import Films
from signage.layer import Layer, Part
from signage.pane import FADE as FADE
from signage.pane import STANDING as STANDING
from signage.pane import Pane, Studio
from signage.pictures import Pictures
from signage.text import Typesetter
from signage.widgets import Clock, Ticker

_MAIN = "main"
_WHOLE = Region(region=_MAIN, at=(0, 0, 1000, 1000), shows="main")
_BLACK = Color("black")
_LEGIBLE = 16
"""Pixels; what is smaller than that may change without a trace in a checksum."""
_APART = 0.5
"""Seconds between two frames that are no movement any more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A scene that was brought to its place, and where it can be seen, since when."""

    at_ns: int
    """CLOCK_MONOTONIC right after the flip; 0 if something covers its place, or the screen is dark."""
    texts: Sequence[str]
    drawn: bool
    """False if the scene could not be drawn and STANDING stands in its place, or there is no such place."""


class Stage:
    """Belongs to the thread that opened the display; times are seconds of CLOCK_MONOTONIC."""

    def __init__(
        self,
        display: Display,
        pictures: Pictures,
        typesetter: Typesetter,
        theme: Theme,
        counts: Counter[str],
        films: Films | None = None,
    ) -> None:
        self._display = display
        self._pictures = pictures
        self._counts = counts
        self._studio = Studio(
            display=display, pictures=pictures, typesetter=typesetter, theme=theme, counts=counts, films=films
        )
        self._wall: Callable[[], datetime] | None = None
        self._regions: tuple[Region, ...] = (_WHOLE,)
        self._titles: dict[str, str] = {}
        self._panes: dict[str, Pane] = {}
        self._clocks: dict[str, Clock] = {}
        self._tickers: dict[str, Ticker] = {}
        self._still: Layer | None = None
        """What was on the screen before it was divided anew, until each part has been filled."""
        self._covered = self._dark = False
        self._stale = False
        """What is on the screen is not what should be."""
        self._late = 0
        self._moved_at: float | None = None
        self._motion = (0, 0.0)
        """Frames that moved since `fps` was asked, and the seconds in which they did."""
        self._now = 0.0
        """The last time that was passed in."""
        self._open()

    @property
    def moving(self) -> bool:
        """Whether what can be seen changes by itself: a fade, a film, a band that runs."""
        return any(pane.moving for pane in self._seen()) or any(ticker.moving for ticker in self._running())

    @property
    def fading(self) -> bool:
        """Whether a fade is under way: for its fifth of a second nothing else should take time."""
        return any(pane.fading for pane in self._seen())

    def arrange(self, regions: Sequence[Region], scenes: Sequence[Scene] = ()) -> None:
        """Divide the screen; bands run the titles of the `scenes` that they name. None: all of it is `main`.

        What was there stands until each part is filled, at most until the next `step`; the same parts stay as they are.
        """
        wanted = tuple(regions) or (_WHOLE,)
        titles = {scene.scene: scene.title for scene in scenes}
        if wanted == self._regions and titles == self._titles:
            return
        before = {region.region: region for region in self._regions}
        if wanted != self._regions and not (self._covered or self._dark) and self._display.flipped_ns:
            self._still = self._display.layer(self._display.size, self._studio.paper)
            self._still.put(self._display.snapshot())
        said = self._titles
        self._regions, self._titles = wanted, titles
        kept = {
            region.region
            for region in wanted
            if (was := before.get(region.region)) is not None
            and replace(region, scenes=()) == replace(was, scenes=())
            and (region.shows != "ticker" or self._texts(region, said) == self._texts(region, titles))
        }
        self._divide(kept)
        self._stale = True

    def tell(self, wall: Callable[[], datetime]) -> None:
        """`wall` tells the time in the store's own zone: before that, clocks are empty."""
        self._wall = wall

    def cut(self, scene: Scene, now: float, region: str = _MAIN) -> Shown:
        """Put the scene into the region at once."""
        self._look(now)
        pane = self._pane(region)
        if pane is None:
            return Shown(0, (), drawn=False)
        pane.cut(scene)
        return self._shown(pane, now)

    def fade(self, scene: Scene, now: float, region: str = _MAIN) -> Shown:
        """Begin to fade to the scene; its first frame is the first mixed one."""
        self._look(now)
        pane = self._pane(region)
        if pane is None:
            return Shown(0, (), drawn=False)
        if self._covered or self._dark:
            pane.cut(scene)
        else:
            pane.fade(scene, now)
        return self._shown(pane, now)

    def cover(self, scene: Scene, now: float) -> Shown:
        """Put the scene over all regions at once; what lies under it stands still."""
        self._look(now)
        self._cover.cut(scene)
        if not self._covered:
            self._rest(now)
            self._covered = True
        return self._shown(self._cover, now)

    def uncover(self, now: float) -> Shown | None:
        """Take the cover off: what lay under it goes on where it was. Gives what is in `main`; None without a cover."""
        self._look(now)
        if not self._covered:
            return None
        self._covered = False
        self._cover.forget()
        pane = self._pane(_MAIN)
        if not self._dark:
            self._wake(now)
        if pane is None:
            return Shown(self._flip(now), (), drawn=False)
        return self._shown(pane, now)

    def empty(self, region: str) -> None:
        """Leave nothing in the region, with the next step at the latest."""
        pane = self._panes.get(region)
        if pane is not None and pane.scene is not None:
            pane.empty()
            self._stale = True

    def blank(self) -> None:
        """Make the screen black, until `unblank`: the display is to be off."""
        if not self._dark:
            self._rest(self._now)
            self._cover.rest(self._now)
            self._dark = True
            self._flip(self._now)

    def unblank(self) -> None:
        """Let the next thing that is brought, or the next step, be seen again."""
        if self._dark:
            self._dark, self._stale = False, True
            if self._covered:
                self._cover.wake(self._now)
            else:
                self._wake(self._now)

    def step(self, now: float) -> None:
        """Draw what time or a late picture asks for."""
        self._look(now)
        if self._still is not None:
            self._still, self._stale = None, True
        moving = self.moving
        fresh = self._pictures.fresh()
        changed = [pane for pane in (*self._panes.values(), self._cover) if pane.step(now, fresh)]
        ran = [ticker for ticker in self._running() if ticker.step(now)]
        if self._stale or ran or self._another_minute(now) or any(pane in self._seen() for pane in changed):
            self._flip(now)
            self._pace(now, moving=moving)

    def patience(self, now: float | None = None) -> float | None:
        """Give the seconds from `now` (or the time passed in last) until a step is due; None while nothing moves."""
        dues = [pane.due() for pane in self._seen()]
        if not (self._covered or self._dark):
            dues += [ticker.due() for ticker in self._tickers.values()]
            dues += [clock.due() for clock in self._clocks.values()]
        first = min(dues, default=float("inf"))
        if self._stale:
            return 0.0
        return None if first == float("inf") else max(0.0, first - (self._now if now is None else now))

    def prepare(self, scene: Scene, region: str = _MAIN) -> None:
        """Draw ahead what probably comes next in the region."""
        pane = self._pane(region)
        if pane is not None:
            pane.prepare(scene)

    def prepared(self, scene: Scene, region: str = _MAIN) -> bool:
        """Whether `prepare` would have nothing to do."""
        pane = self._pane(region)
        return pane is None or pane.prepared(scene)

    def broken(self, region: str = _MAIN) -> bool:
        """Whether the film of what is seen there gave up."""
        pane = self._cover if self._covered else self._pane(region)
        return pane is not None and pane.broken

    def late(self) -> int:
        """Give how many frames of fades, films and bands came late since the last call."""
        late, self._late = self._late + sum(pane.late() for pane in (*self._panes.values(), self._cover)), 0
        for ticker in self._tickers.values():
            late, ticker.late = late + ticker.late, 0
        self._counts["frames_late"] += late
        return late

    def fps(self) -> float:
        """Give the frames a second while something moved, since the last call; 0 if nothing did."""
        (frames, seconds), self._motion = self._motion, (0, 0.0)
        return round(frames / seconds, 1) if seconds else 0.0

    def drawn(self) -> Hashable:
        """Give what changes when what should be on the screen does, of all parts that are large enough."""
        panes = [pane.checksum for pane in self._seen() if min(pane.place.size) >= _LEGIBLE]
        return *panes, *(ticker.at for ticker in self._running() if ticker.height >= _LEGIBLE)

    def close(self) -> None:
        """End all films."""
        for pane in (*self._panes.values(), self._cover):
            pane.close()

    def _open(self) -> None:
        """Make everything for the display as it is now."""
        self._opened = self._display.opened
        self._studio.board = self._display.frame()
        self._cover = Pane(self._studio, self._place(_WHOLE), ahead=False)
        self._still = None
        self._divide(set())

    def _look(self, now: float) -> None:
        """Draw everything anew if the display was opened again: it may have another size."""
        self._now = now
        if self._opened == self._display.opened:
            return
        scenes = {name: pane.scene for name, pane in self._panes.items()}
        covering = self._cover.scene if self._covered else None
        self.close()
        self._open()
        if covering is not None:
            self._cover.cut(covering)
        for name, scene in scenes.items():
            if scene is not None:
                self._panes[name].cut(scene)
        if self._covered or self._dark:
            self._rest(now)
        self._stale = True

    def _divide(self, kept: set[str]) -> None:
        """Make the parts of the screen anew, but for those that are kept."""
        for name, pane in self._panes.items():
            if name not in kept:
                pane.close()
                self._late += pane.late()
        self._panes = {name: pane for name, pane in self._panes.items() if name in kept}
        self._clocks = {name: clock for name, clock in self._clocks.items() if name in kept}
        self._tickers = {name: ticker for name, ticker in self._tickers.items() if name in kept}
        for region in self._regions:
            name, place = region.region, self._place(region)
            if name in kept:
                continue
            if region.shows == "clock":
                self._clocks[name] = Clock(self._studio, place, region.language)
            elif region.shows == "ticker":
                said = self._texts(region, self._titles)
                self._tickers[name] = Ticker(self._studio, place, region.language, said)
            else:
                self._panes[name] = Pane(self._studio, place)

    def _place(self, region: Region) -> Rect:
        """Turn thousandths into pixels, so that neighbours touch."""
        width, height = self._display.size
        x, y, wide, high = region.at
        left, right = (round(width * side / 1000) for side in (x, x + wide))
        top, foot = (round(height * side / 1000) for side in (y, y + high))
        # Never of no size, which graphics do not take: that would end the player each time that it reads its playlist.
        left, top = min(left, width - 1), min(top, height - 1)
        return Rect(left, top, max(1, right - left), max(1, foot - top)).clip(Rect(0, 0, width, height))

    def _texts(self, region: Region, titles: dict[str, str]) -> list[str]:
        return [titles[scene] for scene in region.scenes if scene in titles]

    def _pane(self, region: str) -> Pane | None:
        """Find a part by its name; `main` is also the one that shows it, whatever it is called."""
        if region == _MAIN and _MAIN not in self._panes:
            region = next((each.region for each in self._regions if each.shows == "main"), _MAIN)
        return self._panes.get(region)

    def _seen(self) -> Sequence[Pane]:
        """The panes that can be seen now."""
        if self._dark:
            return ()
        return (self._cover,) if self._covered else tuple(self._panes.values())

    def _running(self) -> Iterator[Ticker]:
        """The bands that run now."""
        if not (self._covered or self._dark):
            yield from (ticker for ticker in self._tickers.values() if ticker.moving)

    def _another_minute(self, now: float) -> bool:
        if self._wall is None or self._covered or self._dark:
            return False
        at = self._wall()
        return sum(clock.step(now, at) for clock in self._clocks.values()) > 0

    def _rest(self, now: float) -> None:
        for pane in self._panes.values():
            pane.rest(now)
        for ticker in self._tickers.values():
            ticker.rest()

    def _wake(self, now: float) -> None:
        for pane in self._panes.values():
            pane.wake(now)

    def _shown(self, pane: Pane, now: float) -> Shown:
        seen = any(pane is each for each in self._seen())
        if not seen:
            pane.rest(now)
        return Shown(self._flip(now) if seen else 0, pane.texts, pane.drawn)

    def _flip(self, now: float) -> int:
        self._stale = False
        self._another_minute(now)
        self._counts["frames"] += 1
        if self._dark:
            return self._display.show((), _BLACK)
        parts = [
            part for pane in self._seen() for part in pane.parts() if self._still is None or pane.scene is not None
        ]
        if not self._covered:
            if self._still is not None:
                parts.insert(0, Part(self._still, Rect((0, 0), self._display.size)))
            parts += [part for clock in self._clocks.values() for part in clock.parts()]
            parts += [part for ticker in self._tickers.values() for part in ticker.parts()]
        return self._display.show(parts, self._studio.paper)

    def _pace(self, now: float, *, moving: bool) -> None:
        frames, seconds = self._motion
        if moving and self._moved_at is not None and now - self._moved_at < _APART:
            self._motion = (frames + 1, seconds + now - self._moved_at)
        self._moved_at = now if self.moving else None
