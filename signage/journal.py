"""Writes every word that was on the screen to a file, for tests and demonstrations."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from signage.contract import Played

log = logging.getLogger(__name__)


class Journal:
    """One JSON line at each first frame and each end, written at once; without a path it writes nothing."""

    def __init__(self, path: Path | None, screen: str, counts: Counter[str]) -> None:
        self._path = path
        self._screen = screen
        self._counts = counts
        self._file: BinaryIO | None = None

    def __enter__(self) -> Journal:
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self._path, "ab", buffering=0, opener=lambda path, flags: os.open(path, flags, 0o600))
            except OSError as error:
                self._failed(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def shown(self, play: Played, texts: Sequence[str], hold_ms: int) -> None:
        """`hold_ms` is the time after which the player itself replaces it; 0 where it may stand for ever."""
        what: dict[str, object] = {
            "play": play.play,
            "layout": play.layout,
            "cause": play.cause,
            "content": play.content,
            "campaign": play.campaign,
            "texts": texts,
            "items": play.items,
            "carry": play.carry,
            "hold_ms": hold_ms,
            "trigger_ns": play.trigger_ns,
            "decided_ns": play.decided_ns,
        }
        self._write("shown", play.first_frame_ns, play, what)

    def ended(self, play: Played) -> None:
        self._write("ended", play.ended_ns, play, {"ended": play.ended})

    def _write(self, event: str, at_ns: int, play: Played, what: dict[str, object]) -> None:
        if self._file is None:
            return
        head = {"event": event, "at_ns": at_ns, "screen": self._screen, "region": play.region, "scene": play.scene}
        try:
            self._file.write(msgspec.json.encode(head | what) + b"\n")
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        if not self._counts["journal_failed"]:
            log.error("the journal cannot be written; playing goes on", extra={"fields": {"why": str(error)}})
        self._counts["journal_failed"] += 1
