"""Pictures as files named by their SHA-256: fetched ahead in a thread, verified while they stream, never torn."""

from __future__ import annotations

import functools
import hashlib
import http.client
import logging
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

_LARGEST = 32 << 20
_BUDGET = 1 << 30
"""Bytes of files kept; beyond it those go that were not used for longest and that nobody wants."""
_TIMEOUT = 10.0
_CHUNK = 1 << 16
_MOST_WANTED = 6000
_PART = ".part"
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: after a power cut this machine may not know what day it is."""


class Assets:
    """The files of a folder, and the thread that fetches what is missing."""

    def __init__(
        self,
        folder: Path,
        counts: Counter[str],
        *,
        patience: tuple[float, float] = (1.0, 60.0),
        budget: int = _BUDGET,
    ) -> None:
        """`patience` is the first and the longest wait after a failure."""
        self._folder = folder
        self._arrived: Callable[[str], None] = lambda _digest: None
        self._counts = counts
        self._patience = patience
        self._budget = budget
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
            for part in self._folder.glob(f"*{_PART}"):
                part.unlink()
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

    def follow(self, source: str, wanted: Iterable[str], trust: str = "") -> None:
        """Fetch these ahead, in this order, from `source`/digest; what was followed before is forgotten.

        `trust` is PEM: who else than the system's authorities may vouch for the source.
        """
        ahead = dict.fromkeys(wanted)
        with self._changed:
            if (source, trust) != (self._source, self._trust):
                self._refused.clear()
                self._pause = (0.0, self._patience[0])
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
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == digest:
                os.utime(path)
                return data
            self._counts["files_spoiled"] += 1
            log.warning("a picture's file was spoiled and is fetched again", extra={"fields": {"asset": digest}})
            path.unlink()
        except OSError:
            pass  # Missing, or unreadable on a dying card: the same to a screen.
        self.want(digest)
        return None

    def _run(self) -> None:
        self._bytes = sum(size for _, size, _ in self._files())
        while (found := self._next()) is not None:
            digest, source, trust = found
            try:
                if not (self._folder / digest).exists():
                    self._bytes += self._fetch(source, digest, _context(source, trust))
            except (urllib.error.HTTPError, ValueError) as error:
                self._failed("a picture was refused or is another one", error)
                self._refused[digest] = self._later(self._refused.get(digest))
                continue
            except (OSError, http.client.HTTPException) as error:
                self._failed("a picture could not be fetched", error)
                self._pause = self._later(self._pause)
                continue
            with self._changed:
                self._urgent.pop(digest, None)
                self._ahead.pop(digest, None)
                self._refused.pop(digest, None)
                self._pause = (0.0, self._patience[0])
            self._arrived(digest)
            if self._bytes > self._budget:
                self._make_room()

    def _next(self) -> tuple[str, str, str] | None:
        """Wait for something to fetch; None when closing."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                soonest: float | None = None
                for digest in (*self._urgent, *self._ahead) if self._source else ():
                    due = max(self._pause[0], self._refused.get(digest, (0.0, 0.0))[0])
                    if due <= now:
                        return digest, self._source, self._trust
                    soonest = due if soonest is None else min(soonest, due)
                self._changed.wait(None if soonest is None else soonest - now)
            return None

    def _later(self, before: tuple[float, float] | None) -> tuple[float, float]:
        first, longest = self._patience
        wait = before[1] if before else first
        return time.monotonic() + wait, min(longest, wait * 2)

    def _fetch(self, source: str, digest: str, tls: ssl.SSLContext | None) -> int:
        part = self._folder / (digest + _PART)
        hashed = hashlib.sha256()
        size = 0
        request = urllib.request.Request(f"{source.rstrip('/')}/{digest}")  # noqa: S310 - `follow` takes http(s) only.
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=tls) as answer, part.open("wb") as file:  # noqa: S310
            while chunk := answer.read(_CHUNK):
                size += len(chunk)
                if size > _LARGEST:
                    raise ValueError(f"it is larger than {_LARGEST >> 20} MB")
                hashed.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if hashed.hexdigest() != digest:
            part.unlink()
            raise ValueError("its SHA-256 is another one")
        part.rename(self._folder / digest)
        return size

    def _files(self) -> list[tuple[float, int, Path]]:
        """Give the time of last use, the size and the path of each file."""
        try:
            stats = [(path.stat(), path) for path in self._folder.iterdir() if path.suffix != _PART]
        except OSError as error:
            self._failed("the folder of pictures cannot be read", error)
            return []
        return [(stat.st_mtime, stat.st_size, path) for stat, path in stats]

    def _make_room(self) -> None:
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._bytes <= self._budget:
                return
            if path.name not in self._named and path.name not in self._urgent:
                path.unlink(missing_ok=True)
                self._bytes -= size

    def _failed(self, what: str, error: Exception) -> None:
        if not self._counts["asset_failures"]:
            log.warning(what, extra={"fields": {"why": str(error)}})
        self._counts["asset_failures"] += 1


@functools.lru_cache(maxsize=1)
def _context(source: str, trust: str) -> ssl.SSLContext | None:
    """Who may vouch for a source. Raises ssl.SSLError (an OSError) where `trust` is not to be read."""
    if not source.startswith("https://"):
        return None
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.verify_flags |= _NO_CHECK_TIME
    if trust:
        tls.load_verify_locations(cadata=trust)
    return tls
