"""Takes a picture or film in: written beside the others, checked, and laid down under its SHA-256, or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType

import msgspec

from central.catalogue import Kept
from central.errors import Unfit
from central.media import heads
from central.media.decode import MEMORY, SECONDS
from central.media.devices import Device

MOST = max(heads.MOST.values())
_PREFIX = ".incoming-"
_LEFT_OVER = 86400.0
"""Seconds after which what was begun and never ended is cleared away: central was killed in between."""
_CHUNK = 1 << 20


class _Seen(msgspec.Struct, frozen=True, kw_only=True, tag="seen"):
    width: int
    height: int
    seconds: float | None = None


class _Refused(msgspec.Struct, frozen=True, kw_only=True, tag="unfit"):
    unfit: str
    fix: str


class Incoming:
    """One file on its way in. What was not kept is gone at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sum = hashlib.sha256()
        self._made: list[Path] = []
        self.size = 0

    def __enter__(self) -> Incoming:
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob(f"{_PREFIX}*"):
            with suppress(FileNotFoundError):
                if old.stat().st_mtime < time.time() - _LEFT_OVER:
                    old.unlink()
        self._place = self._new()
        self._file = self._place.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        for file in self._made:
            file.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Take the next bytes. Raises Unfit for one too many, and OSError."""
        self.size += len(data)
        if self.size > MOST:
            raise Unfit(f"It has more than the {MOST} bytes that a film may have.", fix="Save it smaller.")
        self._sum.update(data)
        self._file.write(data)

    def copy(self, file: Path) -> None:
        """Take all of a file. Raises Unfit and OSError."""
        with file.open("rb") as source:
            while data := source.read(_CHUNK):
                self.write(data)

    def keep(self, name: str, device: Device, at: datetime) -> list[Kept]:
        """Look at it and lay it down, with its poster if it is a film. Raises Unfit: then nothing was.

        The file itself comes first. Takes seconds for a picture, up to minutes for a film.
        """
        self._file.close()
        found = heads.kind(self._place, name)
        poster = self._new()
        seen = _decoded(self._place, found, name, device, poster)
        kept = Kept(
            digest=self._sum.hexdigest(),
            kind=found,
            size=self.size,
            name=name[:200],
            made=at,
            width=seen.width,
            height=seen.height,
        )
        if found != "mp4":
            self._lay_down([(self._place, kept.digest)])
            return [kept]
        data = poster.read_bytes()
        still = replace(
            kept,
            digest=hashlib.sha256(data).hexdigest(),
            kind="jpg",
            size=len(data),
            name=f"{Path(name or 'film').stem}.jpg"[:200],
        )
        self._lay_down([(poster, still.digest), (self._place, kept.digest)])
        return [replace(kept, seconds=seen.seconds, poster=still.digest), still]

    def _new(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=self._folder)
        os.close(handle)
        self._made.append(Path(name))
        return self._made[-1]

    def _lay_down(self, files: list[tuple[Path, str]]) -> None:
        for file, digest in files:
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
            file.chmod(0o600)
            file.replace(self._folder / digest)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _decoded(file: Path, kind: heads.Kind, name: str, device: Device, poster: Path) -> _Seen:
    """Have a process of its own decode it; one that dies of it has said enough. Raises Unfit."""
    called, seconds = name or "It", SECONDS[kind]
    command = [sys.executable, "-m", "central.media.decode", str(file), kind, name, device, str(poster)]
    env = {**os.environ, "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"}
    try:
        # Computing is bounded to half of that; on a busy machine it takes longer.
        ended = subprocess.run(command, capture_output=True, env=env, timeout=2 * seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unfit(
            f"{called} takes more than {2 * seconds} s to decode.", fix="Save it smaller or shorter."
        ) from error
    if ended.returncode:
        why = f"more than {seconds} s or {MEMORY >> 20} MB, or it breaks the decoder"
        raise Unfit(f"{called} cannot be decoded: it takes {why}.", fix="Save it anew, smaller or shorter.")
    said = msgspec.json.decode(ended.stdout, type=_Seen | _Refused)
    if isinstance(said, _Refused):
        raise Unfit(f"{called} cannot be shown: {said.unfit}.", fix=said.fix)
    return said
