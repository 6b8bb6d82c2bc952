"""The frame loop: shows what the programme says, tells what was played, and sleeps while nothing changes."""

from __future__ import annotations

import logging
import selectors
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pygame import Surface

from ground import systemd
from signage import watch
from signage.assets import Assets
from signage.chimes import Chimes
from signage.contract import (
    Clear,
    Digest,
    Hello,
    Noted,
    Now,
    Order,
    Playlist,
    Scene,
    Show,
    Snapshot,
    ToPlayer,
    Vitals,
    line,
)
from signage.display import Display, save
from signage.errors import ScreenHangs, SignageError
from signage.layouts import LAYOUTS
from signage.likeness import Band, Face, Likeness, View
from signage.link import Link
from signage.mirror import Mirror
from signage.playlist import Programme
from signage.power import Power
from signage.proof import Proof
from signage.showing import Showing
from signage.stage import Stage
from signage.turns import COVER
from signage.wall import Wall

log = logging.getLogger(__name__)

_WINDOW = 0.25
"""Seconds after which a window wants its events read."""
_BEAT = 1.0
"""Seconds after which the mirror is to say again that the loop turns."""
_VITALS = 60.0
_MOST_COUNTS = 200
_WHOLE = (0, 0, 1000, 1000)


@dataclass(slots=True, kw_only=True)
class Player:
    """All of it belongs to the main thread, but for `stop` and `snapshot`, which signals may call."""

    screen: str
    display: Display
    stage: Stage
    programme: Programme
    selector: selectors.BaseSelector
    link: Link
    proof: Proof
    showing: Showing
    assets: Assets
    mirror: Mirror
    likeness: Likeness
    power: Power
    wall: Wall
    chimes: Chimes
    picture: Path
    """Where a snapshot goes."""
    counts: Counter[str]
    clock: Callable[[], float] = time.monotonic
    """Seconds of CLOCK_MONOTONIC."""
    watchdog: systemd.Watchdog = field(default_factory=systemd.Watchdog)
    watch: watch.Watch = field(default_factory=watch.Watch)
    _version: str = field(default="", init=False)
    _titles: dict[str, str] = field(default_factory=dict, init=False)
    _stopping: bool = field(default=False, init=False)
    _snapshot_wanted: bool = field(default=False, init=False)
    _saving: threading.Thread | None = field(default=None, init=False)
    _look_at: float = field(default=0.0, init=False)
    _vitals_at: float = field(default=0.0, init=False)
    _powered: bool = field(default=True, init=False)
    _size: tuple[int, int] = field(default=(0, 0), init=False)
    """Of the screen, as the agent was told."""

    def run(self, kept: Playlist | None, hour: Iterable[tuple[str, float]] = ()) -> None:
        """Play, from the playlist kept on disk, until `stop`; `hour` is what was played of late. Raises ScreenHangs."""
        self.begin(kept, hour)
        systemd.notify("READY=1")
        while not self._stopping:
            self.step(self.patience())
        systemd.notify("STOPPING=1")
        self.finish()

    def begin(self, kept: Playlist | None, hour: Iterable[tuple[str, float]] = ()) -> None:
        """Put the first frame on the screen."""
        self.programme.recall(hour)
        self._look_at = self.clock() + watch.EVERY
        self._vitals_at = self.clock() + _VITALS
        self.stage.tell(lambda: self.wall.at(self.clock()).astimezone(self.programme.zone))
        self.link.greet(self._greeting)
        if kept is not None:
            self._load(kept)
        self._mind_power()
        self.showing.put_on(self.clock())
        self._reflect()
        self.mirror.beat(time.monotonic_ns())

    def stop(self) -> None:
        self._stopping = True

    def snapshot(self) -> None:
        """Have a picture of the screen written to `picture`."""
        self._snapshot_wanted = True

    def step(self, wait: float | None) -> None:
        """Wait for something to happen, at most `wait` seconds, and do what is due."""
        happened = self.selector.select(wait)
        for key, events in happened:
            key.data(events)
        for message in self.link.received():
            self._take(message)
        self._mind_power()
        self.programme.advance(self.clock())
        self.showing.put_on(self.clock())
        self.stage.step(self.clock())
        self.link.send(self.proof.settled())
        self.link.send(line(picture) for picture in self.likeness.made())
        if self.display.size != self._size:  # Another display was plugged in, and the agent may have another programme.
            self.link.send([self._hello()])
        self._reflect()
        if not happened and not self.stage.fading:
            self._prepare()
        self._look_after()
        if self._snapshot_wanted:
            self._save()
        if self.display.watched and self.display.closed_by_hand():
            self.stop()
        self.mirror.beat(time.monotonic_ns())
        self.watchdog.turned(self.clock())

    def patience(self) -> float:
        """Give the seconds for which nothing is due."""
        now = self.clock()
        waits = [self.programme.until - now, self._look_at - now, self._vitals_at - now]
        drawing = self.stage.patience(now)
        if drawing is not None:
            waits.append(drawing)
        if not all(self.stage.prepared(scene, region) for region, scene in self.programme.coming(now)):
            waits.append(0.0)
        asked = self.likeness.patience(now)
        if asked is not None and not self.stage.fading:
            waits.append(asked)
        if self.display.watched:
            waits.append(_WINDOW)
        if self.mirror.wanted:
            waits.append(_BEAT)
        if self.watchdog.every is not None:
            waits.append(self.watchdog.every)
        return max(0.0, min(waits))

    def finish(self) -> None:
        """End what plays and tell it, if the agent still listens."""
        self.showing.finish()
        self.proof.finish()
        self.link.send(self.proof.settled())
        self.stage.close()
        self.likeness.finish()
        if self._saving is not None:
            self._saving.join()
        log.info("the player stops", extra={"fields": dict(self.counts)})

    def _take(self, message: ToPlayer | None) -> None:
        match message:
            case None:
                self.programme.abandon(self.clock())
            case Show():
                self._interrupt(message)
            case Clear():
                self.programme.clear(message.scene, self.clock())
            case Playlist():
                if message.version != self._version:
                    self._load(message)
                    self.proof.keep(message)
            case Noted():
                self.proof.noted(message.play)
            case Now():
                self.wall.tell(message.wall, message.at_ns)
                self.programme.retime(self.clock())
            case Snapshot():
                self.likeness.ask(message.snapshot)
            case Order():
                self._obey(message)

    def _interrupt(self, show: Show) -> None:
        refused = self.programme.show(show, self.clock())
        if refused == "late":
            if not self.counts["shows_late"]:
                log.warning("a scene came when its time was over; it is not shown")
            self.counts["shows_late"] += 1
        elif refused == "covered":
            self.counts["shows_refused"] += 1
            log.info("a scene is not shown: an emergency stands, or the display is off")
        else:
            self.chimes.play(show.chime)

    def _obey(self, order: Order) -> None:
        log.info("an order", extra={"fields": {"order": order.order}})
        match order.order:
            case "verify":
                self.assets.verify()
            case "restart":
                self.stop()
            case "on" | "off" | "auto":
                self.power.order(order.order)

    def _load(self, playlist: Playlist) -> None:
        self._version = playlist.version
        divided = playlist.regions != self.programme.regions
        self.programme.load(playlist, self.clock())
        self.power.follow(self.programme.zone)
        self.stage.arrange(playlist.regions, playlist.items)
        self._titles = {scene.scene: scene.title for scene in playlist.items}
        if divided:
            self.showing.arranged()
        # What is played now, then what is not named again among what is to be held ready: there is tomorrow's, last.
        due, ready = self.programme.due(self.clock()), set(playlist.wanted)
        wanted = [
            *_files(scene for scene in playlist.items if scene.scene in due),
            *(file for file in _files(playlist.items) if file not in ready),
            *playlist.wanted,
        ]
        self.assets.follow(playlist.assets, wanted, playlist.trust, playlist.sizes)
        fields = {"version": playlist.version, "items": len(playlist.items), "slots": len(playlist.slots)}
        log.info("a playlist", extra={"fields": fields})

    def _greeting(self) -> list[bytes]:
        return [self._hello(), *self.proof.waiting()]

    def _hello(self) -> bytes:
        width, height = self._size = self.display.size
        layouts = tuple(sorted(LAYOUTS))
        return line(Hello(screen=self.screen, width=width, height=height, playlist=self._version, layouts=layouts))

    def _mind_power(self) -> None:
        """Rest while the display is to be off; whoever is asked to look at it then is not shown anything."""
        now = self.clock()
        wanted = self.power.wanted(self.wall.at(now)) or self.programme.alarmed(now)
        if wanted == self._powered:
            return
        self._powered = wanted
        log.info("the display goes on" if wanted else "the display goes off")
        if wanted:
            self.power.turn(on=True)
            self.programme.wake(now)
            return
        self.programme.rest(now)
        self.showing.put_on(now)  # Black first: a display that cannot be switched shows nothing either.
        self.power.turn(on=False)

    def _prepare(self) -> None:
        """Use the time in which nothing moves: draw ahead what comes, and what somebody far away wants to see."""
        now = self.clock()
        for region, scene in self.programme.coming(now):
            self.stage.prepare(scene, region)
        if self.likeness.patience(now) == 0:
            self.likeness.step(self.display.size, self._views(), now)

    def _views(self) -> list[View | Face | Band]:
        places = {region.region: region.at for region in self.programme.regions}
        scenes = self.showing.scenes
        views: list[View | Face | Band] = [
            View(_WHOLE if region == COVER else places.get(region, _WHOLE), scene, personal)
            for region, scene, personal in scenes
        ]
        if any(region == COVER for region, _, _ in scenes):
            return views
        time_ = self.wall.at(self.clock()).astimezone(self.programme.zone)
        for region in self.programme.regions:
            if region.shows == "clock":
                views.append(Face(region.at, time_, region.language))
            elif region.shows == "ticker":
                texts = [self._titles[name] for name in region.scenes if name in self._titles]
                views.append(Band(region.at, texts, region.language))
        return views

    def _look_after(self) -> None:
        """Look whether the screen hangs, and say how the player is, when it is time."""
        now = self.clock()
        if now >= self._look_at:
            self._look_at = now + watch.EVERY
            self._look()
        if now >= self._vitals_at:
            self._vitals_at = now + _VITALS
            self.link.send([line(self._vitals())])

    def _look(self) -> None:
        """Raise ScreenHangs where the picture has stood still too long."""
        if not (self._powered and self.display.connected):
            self.watch.forget()
            return
        if self.watch.hangs(self.display.checksum(), self.stage.drawn()):
            raise ScreenHangs(
                "The screen has shown the same picture for a minute in which it should have changed.",
                fix="The player ends so that systemd starts it anew; if it comes again, look at the graphics driver.",
            )

    def _vitals(self) -> Vitals:
        troubles = [*self.display.troubles, *self.power.troubles]
        if self.counts["database_failed"] or self.counts["writes_failed"]:
            troubles.append("The player's database takes no writes: plays not told before it ends are lost.")
        if self.chimes.trouble:
            troubles.append(self.chimes.trouble)
        if self.counts["files_unlisted"]:
            troubles.append("The playlist names files that are in no signed manifest; they are not fetched.")
        return Vitals(
            driver=self.display.driver,
            connected=self.display.connected,
            powered=self._powered,
            fps=self.stage.fps(),
            counts=dict(self.counts.most_common(_MOST_COUNTS)),
            troubles=tuple(troubles),
        )

    def _reflect(self) -> None:
        """Have the mirror follow, when everything that somebody waits for is done."""
        self.mirror.follow(self.display.snapshot, self.display.flipped_ns, moving=self.stage.moving)

    def _save(self) -> None:
        """Write the snapshot in a thread, for a PNG takes longer than a frame."""
        self._snapshot_wanted = False
        if self._saving is not None and self._saving.is_alive():
            return
        self._saving = threading.Thread(target=_written, args=(self.display.snapshot(), self.picture), daemon=True)
        self._saving.start()
        log.info("counted so far", extra={"fields": dict(self.counts)})


def _files(scenes: Iterable[Scene]) -> list[Digest]:
    """Give the pictures and films that scenes need, in the order of playing."""
    return [
        file
        for scene in scenes
        for file in (scene.picture, scene.film, *(item.picture for item in scene.items))
        if file is not None
    ]


def _written(picture: Surface, path: Path) -> None:
    try:
        save(picture, path)
        log.info("a snapshot was written")
    except SignageError as error:
        log.error("%s", error)
