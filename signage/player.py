"""The frame loop: shows what the programme says, tells what was played, and sleeps while nothing changes."""

from __future__ import annotations

import logging
import selectors
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from pygame import Surface

from ground import systemd
from signage.assets import Assets
from signage.contract import Clear, Digest, Hello, Noted, Played, Playlist, Scene, Show, ToPlayer, line
from signage.display import Display, save
from signage.errors import SignageError
from signage.journal import Journal
from signage.layouts import LAYOUTS
from signage.link import Link
from signage.mirror import Mirror
from signage.playlist import Ended, Programme, Turn
from signage.proof import Proof
from signage.stage import Shown, Stage

log = logging.getLogger(__name__)

_WINDOW = 0.25
"""Seconds after which a window wants its events read."""
_BEAT = 1.0
"""Seconds after which the mirror is to say again that the loop turns."""


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
    assets: Assets
    journal: Journal
    mirror: Mirror
    picture: Path
    """Where a snapshot goes."""
    counts: Counter[str]
    clock: Callable[[], float] = time.monotonic
    """Seconds of CLOCK_MONOTONIC."""
    watchdog: systemd.Watchdog = field(default_factory=systemd.Watchdog)
    _version: str = field(default="", init=False)
    _turn: Turn | None = field(default=None, init=False)
    """The turn whose scene is on the screen."""
    _play: Played | None = field(default=None, init=False)
    _stopping: bool = field(default=False, init=False)
    _snapshot_wanted: bool = field(default=False, init=False)
    _saving: threading.Thread | None = field(default=None, init=False)

    def run(self, kept: Playlist | None) -> None:
        """Play, from the playlist kept on disk, until `stop`."""
        self.begin(kept)
        systemd.notify("READY=1")
        while not self._stopping:
            self.step(self.patience())
        systemd.notify("STOPPING=1")
        self.finish()

    def begin(self, kept: Playlist | None) -> None:
        """Put the first frame on the screen."""
        self.link.greet(self._greeting)
        if kept is not None:
            self._load(kept)
        self._put_on()
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
        self.programme.advance(self.clock())
        self._put_on()
        self.stage.step(self.clock())
        self.link.send(self.proof.settled())
        self._reflect()
        if not happened:
            self.stage.prepare(self.programme.following)
        if self._snapshot_wanted:
            self._save()
        if self.display.watched and self.display.closed_by_hand():
            self.stop()
        self.mirror.beat(time.monotonic_ns())
        self.watchdog.turned(self.clock())

    def patience(self) -> float:
        """Give the seconds for which nothing is due."""
        waits = [self.programme.turn.until - self.clock()]
        drawing = self.stage.patience(self.programme.following)
        if drawing is not None:
            waits.append(drawing)
        if self.display.watched:
            waits.append(_WINDOW)
        if self.mirror.wanted:
            waits.append(_BEAT)
        if self.watchdog.every is not None:
            waits.append(self.watchdog.every)
        return max(0.0, min(waits))

    def finish(self) -> None:
        """End the play and tell it, if the agent still listens."""
        ended = self._ended(time.monotonic_ns(), "stopped")
        if ended is not None:
            self.proof.end(ended)
        self.proof.finish()
        self.link.send(self.proof.settled())
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

    def _interrupt(self, show: Show) -> None:
        if self.programme.show(show, self.clock()):
            return
        if not self.counts["shows_late"]:
            log.warning("a scene came when its time was over; it is not shown")
        self.counts["shows_late"] += 1

    def _load(self, playlist: Playlist) -> None:
        self._version = playlist.version
        self.programme.load(playlist.items, self.clock())
        self.assets.follow(playlist.assets, [*_pictures(playlist.items), *playlist.wanted], playlist.trust)
        log.info("a playlist", extra={"fields": {"version": playlist.version, "items": len(playlist.items)}})

    def _greeting(self) -> list[bytes]:
        width, height = self.display.size
        hello = Hello(
            screen=self.screen, width=width, height=height, playlist=self._version, layouts=tuple(sorted(LAYOUTS))
        )
        return [line(hello), *self.proof.waiting()]

    def _put_on(self) -> None:
        """Bring the turn of the programme on the screen, if it is not there; the flip comes before all records."""
        turn = self.programme.turn
        why = dict(self.programme.ended())
        if turn is self._turn:
            return
        before = self._turn
        over = before is not None and before.show is None and turn.show is None and why[before.number] == "over"
        shown = self.stage.fade(turn.scene, self.clock()) if over else self.stage.cut(turn.scene)
        ended = self._ended(shown.at_ns, why[before.number]) if before is not None else None
        self._turn = turn
        self._begin(turn, shown)
        if ended is not None:
            # After the beginning of the next: once this play is told, that one is on the disk, whatever kills us.
            self.proof.end(ended)

    def _begin(self, turn: Turn, shown: Shown) -> None:
        if not shown.drawn:
            return
        scene, show = turn.scene, turn.show
        self._play = Played(
            play=uuid4().hex,
            scene=scene.scene,
            layout=scene.layout,
            cause=show.cause if show else "schedule",
            items=tuple(item.id for item in scene.items),
            trigger_ns=show.trigger_ns if show else 0,
            decided_ns=show.decided_ns if show else 0,
            first_frame_ns=shown.at_ns,
            wall=time.time(),
            carry=show.carry if show else {},
        )
        self.journal.shown(self._play, shown.texts, turn.hold_ms)
        if turn.content:
            self.proof.begin(self._play)

    def _ended(self, at_ns: int, why: Ended) -> Played | None:
        """Close the play that is open; give it if it is to be told."""
        if self._play is None:
            return None
        play = replace(self._play, ended_ns=at_ns, ended=why)
        self._play = None
        self.journal.ended(play)
        return play if self._turn is not None and self._turn.content else None

    def _reflect(self) -> None:
        """Have the mirror follow, when everything that somebody waits for is done."""
        self.mirror.follow(self.display.screen, self.display.flipped_ns, moving=self.stage.moving)

    def _save(self) -> None:
        """Write the snapshot in a thread, for a PNG takes longer than a frame."""
        self._snapshot_wanted = False
        if self._saving is not None and self._saving.is_alive():
            return
        self._saving = threading.Thread(target=_written, args=(self.display.snapshot(), self.picture), daemon=True)
        self._saving.start()
        log.info("counted so far", extra={"fields": dict(self.counts)})


def _pictures(scenes: Iterable[Scene]) -> list[Digest]:
    """Give the pictures that scenes need, in the order of playing."""
    return [
        picture
        for scene in scenes
        for picture in (scene.picture, *(item.picture for item in scene.items))
        if picture is not None
    ]


def _written(picture: Surface, path: Path) -> None:
    try:
        save(picture, path)
        log.info("a snapshot was written")
    except SignageError as error:
        log.error("%s", error)
