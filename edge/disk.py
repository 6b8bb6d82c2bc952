"""The disk under an agent's folder: room kept back for when it is full, and how much is written to it."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

RESERVE = 8 << 20
"""Bytes kept back, or an eighth of a small disk: some ten thousand events."""
HOUR = 3600.0
SAMPLE = 60.0
OPENS = 1 << 20
"""Bytes that a beginning needs at least: a log with its index, notes."""


class Reserve:
    """A file that holds room and nothing else: given up when the disk is full, made again when there is room."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "reserve"

    @property
    def there(self) -> bool:
        """Whether the room is kept back."""
        return self._file.exists()

    def make(self) -> bool:
        """Keep room back, where there is plenty; asked for, not written, so that it wears no card (fallocate(2)).

        Whether it is kept back now.
        """
        with suppress(OSError):
            disk = os.statvfs(self._file.parent)
            size = min(RESERVE, disk.f_blocks * disk.f_frsize // 8)
            if self.there or disk.f_bavail * disk.f_frsize < 2 * size:
                return self.there
            number = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(number, 0, size)
            except OSError:
                self._file.unlink()
            finally:
                os.close(number)
        return self.there

    def give_to_open(self) -> bool:
        """Give the room where there is not even enough to begin; whether it did."""
        try:
            disk = os.statvfs(self._file.parent)
        except OSError:
            return False
        return disk.f_bavail * disk.f_frsize < OPENS and self.give()

    def give(self) -> bool:
        """Give the room to whoever needs it now; False where there was none."""
        try:
            self._file.unlink()
        except OSError:
            return False
        return True


class Written:
    """How many bytes this process has had written to disks in the last hour, as the kernel counts them (proc(5))."""

    def __init__(self, file: Path = Path("/proc/self/io")) -> None:
        self._file = file
        self._samples: deque[tuple[float, int]] = deque()

    def kilobytes(self, now: float) -> int:
        """Look again; `now` in seconds of a clock that nobody sets."""
        total = self.total()
        while self._samples and self._samples[0][0] < now - HOUR:
            self._samples.popleft()
        if not self._samples or self._samples[-1][0] <= now - SAMPLE:
            self._samples.append((now, total))
        return (total - self._samples[0][1]) >> 10

    def total(self) -> int:
        """Bytes since the process began."""
        try:
            lines = self._file.read_text().splitlines()
        except OSError:  # A kernel without it.
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), 0)
