"""Plays films: has a decoder for each that is open, and gives the picture that is due."""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections import Counter, deque
from types import TracebackType

import pygame
from pygame import Surface

from signage.assets import Assets
from signage.decoding import Broken, Decoder

log = logging.getLogger(__name__)

_MOST = 4
"""Films that are open at once; each is a process."""
_TICK = 1 / 60
"""What comes later than a screen's next frame is late."""
_BEHIND = 0.25
"""Seconds; a film that hangs back further goes on from where it is."""
_LOOK = 0.005
"""Seconds between two looks for a picture that should be there."""
_AGAIN = 1.0
"""The same for a file that is not there yet."""
_HANGS = 10.0
"""Seconds after which a decoder that gives nothing is given up."""


class Films:
    """Opens films; `open` and all of Film belong to the thread that draws."""

    def __init__(self, assets: Assets, counts: Counter[str], rotate: int = 0) -> None:
        """`rotate` is by how many degrees clockwise pictures are turned, in steps of 90."""
        self._assets = assets
        self._counts = counts
        self._rotate = rotate
        self._open: set[Film] = set()
        self._jobs: queue.SimpleQueue[Film | Decoder | None] = queue.SimpleQueue()
        """Films to start, decoders to bury; never more than a few for each film that is open."""
        self._thread = threading.Thread(target=self._run, name="films", daemon=True)

    def __enter__(self) -> Films:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for film in list(self._open):
            film.close()
        self._jobs.put(None)
        self._thread.join()

    def open(self, digest: str, size: tuple[int, int]) -> Film:
        """Have the film made ready to fill the size, which is as the scene is drawn, before it is turned."""
        film = Film(self, digest, size)
        if len(self._open) >= _MOST:
            film.fail("too many films are open")
        else:
            self._open.add(film)
            self.start(film)
        return film

    def start(self, film: Film) -> None:
        """Have the film's decoder started, in the other thread; if its file is missing, nothing comes of it."""
        self._jobs.put(film)

    def gone(self, film: Film, decoder: Decoder | None) -> None:
        """Forget the film."""
        self._open.discard(film)
        if decoder is not None:
            self._jobs.put(decoder)

    def failed(self, digest: str, why: str) -> None:
        """Count and tell it."""
        self._counts["films_failed"] += 1
        log.warning("a film cannot be played; its picture stays", extra={"fields": {"asset": digest, "why": why}})

    def _run(self) -> None:
        # All decoders are children of this thread: the kernel kills them (PR_SET_PDEATHSIG) when it ends.
        while (job := self._jobs.get()) is not None:
            if isinstance(job, Film):
                self._begin(job)
            else:
                job.bury()

    def _begin(self, film: Film) -> None:
        path = self._assets.file(film.digest)
        if path is None:
            film.begun(None)
            return
        turned = film.size if self._rotate % 180 == 0 else film.size[::-1]
        try:
            decoder = Decoder(path, turned, self._rotate)
        except (OSError, ValueError, MemoryError, pygame.error) as error:
            film.begun(None, why=f"no decoder could be started: {error}")
            return
        if not film.begun(decoder):
            decoder.kill()
            decoder.bury()


class Film:
    """One film, from where it is prepared until it is closed. Times are seconds of CLOCK_MONOTONIC."""

    def __init__(self, films: Films, digest: str, size: tuple[int, int]) -> None:
        self.digest = digest
        self.size = size
        self.failed = False
        """It will show nothing more: what stands in its place stays."""
        self.over = False
        """It has run out; its last picture stays."""
        self.late = 0
        """Pictures that came later than the screen's next frame, or never."""
        self._films = films
        self._lock = threading.Lock()
        """What `begun` brings from the other thread."""
        self._decoder: Decoder | None = None
        self._why = ""
        self._starting = True
        self._closed = False
        self._began: float | None = None
        """When its first picture was due: what every other one is counted from."""
        self._paused: float | None = None
        self._ready: deque[tuple[int, float]] = deque()
        self._ends = math.inf
        self._shown: int | None = None
        self._look_at = 0.0
        self._starved_since: float | None = None

    def frame(self, now: float) -> Surface | None:
        """Give the picture if a new one is due; it is good until the next is given. The first call starts the film."""
        if self.failed or self.over or self._paused is not None or not self._listened(now):
            return None
        if self._began is None:
            if not self._ready:
                self._starve(now)
                return None
            self._began = now - self._ready[0][1]
        if now >= self._began + self._ends and not self._ready:
            self.over = True
            return None
        return self._next(now, self._began)

    def due(self) -> float | None:
        """Give when `frame` is to be asked again; None when nothing will come."""
        if self.failed or self.over or self._paused is not None:
            return None
        if self._began is None or not (self._ready or math.isfinite(self._ends)):
            return self._look_at
        return self._began + (self._ready[0][1] if self._ready else self._ends)

    def pause(self, now: float) -> None:
        """Stand still."""
        if self._paused is None:
            self._paused = now
            self._starved_since = None

    def resume(self, now: float) -> None:
        """Go on from where it stood still."""
        if self._paused is not None:
            if self._began is not None:
                self._began += now - self._paused
            self._paused = None

    def close(self) -> None:
        """End the decoder; the last picture given stays good for as long as somebody holds it."""
        with self._lock:
            self._closed = True
            decoder, self._decoder = self._decoder, None
        self.over = True
        if decoder is not None:
            decoder.kill()
        self._films.gone(self, decoder)

    def fail(self, why: str) -> None:
        """Give up."""
        self.failed = True
        self._films.failed(self.digest, why)
        self.close()

    def begun(self, decoder: Decoder | None, why: str = "") -> bool:
        """Take the decoder, from the thread that started it; False if the film was closed meanwhile."""
        with self._lock:
            self._starting, self._why = False, why
            if not self._closed:
                self._decoder = decoder
            return not self._closed

    def _listened(self, now: float) -> bool:
        """Hear what the decoder has to say; False while there is none."""
        with self._lock:
            decoder, starting, why = self._decoder, self._starting, self._why
        if why:
            self.fail(why)
        elif decoder is not None:
            try:
                self._ends = min(self._ends, decoder.listen(self._ready))
            except Broken as error:
                self.fail(str(error))
        elif starting:
            self._look_at = now + _LOOK
        elif now >= self._look_at:  # Its file is still to be fetched.
            self._look_at = now + _AGAIN
            self._starting = True
            self._films.start(self)
        return decoder is not None and not self.failed

    def _next(self, now: float, began: float) -> Surface | None:
        if not self._ready:
            self._starve(now)
            return None
        self._starved_since = None
        given: tuple[int, float] | None = None
        while self._ready and began + self._ready[0][1] <= now:
            if given is not None:
                self.late += 1
                self._free(given[0])
            given = self._ready.popleft()
        if given is None or self._decoder is None:
            return None
        slot, seconds = given
        behind = now - began - seconds
        self.late += behind > _TICK
        if behind > _BEHIND:
            self._began = now - seconds
        if self._shown is not None:
            self._free(self._shown)
        self._shown = slot
        return self._decoder.picture(slot)

    def _starve(self, now: float) -> None:
        """Its decoder owes a picture."""
        self._look_at = now + _LOOK
        if self._starved_since is None:
            self._starved_since = now
        elif now - self._starved_since > _HANGS:
            self.fail("its decoder hangs")

    def _free(self, slot: int) -> None:
        if self._decoder is not None:
            self._decoder.free(slot)
