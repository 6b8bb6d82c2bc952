"""Pictures and films as files named by their SHA-256: fetched ahead in a thread, resumed, verified, never torn."""

from __future__ import annotations

import errno
import hashlib
import http.client
import logging
import os
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

from signage import download
from signage.download import PART

log = logging.getLogger(__name__)

_LARGEST = 512 << 20
"""Bytes of a file of which no manifest says how large it is."""
_PICTURE = 32 << 20
"""Bytes of a file that is read into memory."""
_BUDGET = 2 << 30
"""Bytes of files kept; beyond it those go that were not used for longest and that nobody wants."""
_SCRUB = 60.0
"""Seconds between two files that are read to see whether they are still what they should be."""
_CHUNK = 1 << 16
_MOST_WANTED = 6000


class Assets:
    """The files of a folder, and the thread that fetches what is missing."""

    def __init__(
        self,
        folder: Path,
        counts: Counter[str],
        *,
        patience: tuple[float, float] = (1.0, 60.0),
        budget: int = _BUDGET,
        scrub: float = _SCRUB,
    ) -> None:
        """`patience` is the first and the longest wait after a failure."""
        self._folder = folder
        self._arrived: Callable[[str], None] = lambda _digest: None
        self._counts = counts
        self._patience = patience
        self._budget = budget
        self._scrub = scrub
        self._scrub_at = time.monotonic() + scrub
        self._to_scrub: list[str] = []
        self._verify = False
        self._sound: dict[str, tuple[int, int]] = {}
        """Films that were read whole in this run: their time of change and size then."""
        self._sizes: Mapping[str, int] = {}
        self._source = ""
        self._trust = ""
        self._named: frozenset[str] = frozenset()
        """What the playlist names: never removed to make room."""
        self._ahead: dict[str, None] = {}
        self._urgent: dict[str, None] = {}
        self._refused: dict[str, tuple[float, float]] = {}
        """Digest → the time before which it is not asked for again, and the wait after the next refusal."""
        self._pause = (0.0, patience[0])
        """The same for the whole source, when it cannot be reached or the card takes no file."""
        self._bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="assets", daemon=True)

    def __enter__(self) -> Assets:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._failed("the folder of pictures cannot be written", error)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout=1.0)  # A fetch under way ends with the process; its file is only a part.

    def on_arrival(self, call: Callable[[str], None]) -> None:
        """Have this called in the thread with the digest of each file that arrives."""
        self._arrived = call

    def follow(
        self, source: str, wanted: Iterable[str], trust: str = "", sizes: Mapping[str, int] | None = None
    ) -> None:
        """Fetch these ahead, in this order, from `source`/digest; what was followed before is forgotten.

        `trust` is PEM: who else than the system's authorities may vouch for the source. `sizes` are the bytes of each
        file by the manifest; where there is one, what it does not list is not fetched.
        """
        ahead = dict.fromkeys(wanted)
        listed = dict(sizes or {})
        unlisted = [digest for digest in ahead if digest not in listed] if listed else []
        if unlisted:
            self._counts["files_unlisted"] += len(unlisted)
            log.warning("files are in no manifest and are not fetched", extra={"fields": {"files": len(unlisted)}})
        with self._changed:
            if (source, trust, listed) != (self._source, self._trust, self._sizes):
                self._refused.clear()
                self._pause = (0.0, self._patience[0])
            self._sizes = listed
            self._source = source if source.startswith(("http://", "https://")) else ""
            self._trust = trust
            self._named = frozenset(ahead)
            self._ahead = ahead
            self._changed.notify()

    def want(self, digest: str) -> None:
        """Fetch this one first: a scene that needs it is on the screen."""
        with self._changed:
            if len(self._urgent) < _MOST_WANTED:
                self._urgent[digest] = None
                self._changed.notify()

    def read(self, digest: str) -> bytes | None:
        """Give the file's verified bytes; None if it is missing or was spoiled, and then it is fetched first."""
        path = self._folder / digest
        try:
            if path.stat().st_size <= _PICTURE:
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() == digest:
                    os.utime(path)
                    return data
            self._spoiled(digest)
        except OSError:
            pass  # Missing, or unreadable on a dying card: the same to a screen.
        self.want(digest)
        return None

    def file(self, digest: str) -> Path | None:
        """Give the path of a verified file, for what is too large for memory; None as in `read`.

        It is read whole once in a run: call it off the frame loop.
        """
        path = self._folder / digest
        try:
            stat = path.stat()
            if self._sound.get(digest) != (stat.st_ctime_ns, stat.st_size) and not self._is_sound(digest):
                self.want(digest)
                return None
            os.utime(path)
            stat = path.stat()
            self._sound[digest] = (stat.st_ctime_ns, stat.st_size)
        except OSError:
            self.want(digest)
            return None
        return path

    def verify(self) -> None:
        """Have every file read now; what was spoiled is fetched again."""
        with self._changed:
            self._verify = True
            self._changed.notify()

    def _is_sound(self, digest: str) -> bool:
        hashed = hashlib.sha256()
        with (self._folder / digest).open("rb") as file:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
        if hashed.hexdigest() == digest:
            return True
        self._spoiled(digest)
        return False

    def _spoiled(self, digest: str) -> None:
        self._counts["files_spoiled"] += 1
        log.warning("a file was spoiled and is fetched again", extra={"fields": {"asset": digest}})
        (self._folder / digest).unlink(missing_ok=True)

    def _run(self) -> None:
        self._bytes = sum(size for _, size, _ in self._files())
        while (found := self._next()) is not None:
            digest, source, trust = found
            if not source:
                self._look_at(digest)
                continue
            try:
                if not (self._folder / digest).exists():
                    most = self._sizes.get(digest, _LARGEST)
                    self._bytes += download.fetch(self._folder, source, digest, most, trust, self._counts)
            except (urllib.error.HTTPError, ValueError) as error:
                self._failed("a file was refused or is another one", error)
                self._refused[digest] = self._later(self._refused.get(digest))
                continue
            except (OSError, http.client.HTTPException) as error:
                self._failed("a file could not be fetched", error)
                self._pause = self._later(self._pause)
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    self._make_room(below=self._bytes * 3 // 4)
                continue
            with self._changed:
                self._urgent.pop(digest, None)
                self._ahead.pop(digest, None)
                self._refused.pop(digest, None)
                self._pause = (0.0, self._patience[0])
            self._arrived(digest)
            if self._bytes > self._budget:
                self._make_room(below=self._budget)

    def _next(self) -> tuple[str, str, str] | None:
        """Wait for something to fetch, or (without a source) to look at; None when closing."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                if self._verify:
                    self._verify, self._scrub_at = False, now
                    self._to_scrub = [path.name for _, _, path in self._files() if path.suffix != PART]
                    self._to_scrub.extend([""])  # The end of what was ordered.
                soonest = self._scrub_at
                for digest in (*self._urgent, *self._ahead) if self._source else ():
                    if self._sizes and digest not in self._sizes:
                        continue
                    due = max(self._pause[0], self._refused.get(digest, (0.0, 0.0))[0])
                    if due <= now:
                        return digest, self._source, self._trust
                    soonest = min(soonest, due)
                if self._scrub_at <= now and (digest := self._scrubbed(now)):
                    return digest, "", ""
                self._changed.wait(max(0.0, min(soonest, self._scrub_at) - now))
            return None

    def _scrubbed(self, now: float) -> str:
        """Give the next file to look at: all at once where that was ordered, else one now and then, round and round."""
        if not self._to_scrub:
            self._to_scrub = [path.name for _, _, path in self._files() if path.suffix != PART]
        digest = self._to_scrub.pop(0) if self._to_scrub else ""
        if "" not in self._to_scrub:
            self._scrub_at = now + self._scrub
        return digest

    def _look_at(self, digest: str) -> None:
        try:
            sound = self._is_sound(digest)
        except FileNotFoundError:
            return
        except OSError as error:
            self._failed("a file cannot be read", error)
            return
        if not sound:
            self.want(digest)

    def _later(self, before: tuple[float, float] | None) -> tuple[float, float]:
        first, longest = self._patience
        wait = before[1] if before else first
        return time.monotonic() + wait, min(longest, wait * 2)

    def _files(self) -> list[tuple[float, int, Path]]:
        """Give the time of last use, the size and the path of each file."""
        try:
            stats = [(path.stat(), path) for path in self._folder.iterdir()]
        except OSError as error:
            self._failed("the folder of pictures cannot be read", error)
            return []
        return [(stat.st_mtime, stat.st_size, path) for stat, path in stats]

    def _make_room(self, below: int) -> None:
        """Remove what nobody names, what was used last longest ago first."""
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= below:
                return
            digest = path.name.removesuffix(PART)
            if digest not in self._named and digest not in self._urgent:
                path.unlink(missing_ok=True)
                self._bytes -= size

    def _failed(self, what: str, error: Exception) -> None:
        if not self._counts["asset_failures"]:
            log.warning(what, extra={"fields": {"why": str(error)}})
        self._counts["asset_failures"] += 1
