"""A real disk so small that a test can fill it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class Disk:
    """A file system of its own at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Take all the room there is, but for so many bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            with suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            file.truncate(max(0, file.tell() - leave))

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()


@contextmanager
def disk(at: Path, kilobytes: int) -> Iterator[Disk]:
    """A disk of this size while inside; where nobody may make one, the test is skipped."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "noren-test", str(at)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can make a disk that is soon full")
    try:
        yield Disk(at)
    finally:
        subprocess.run(["umount", str(at)], check=True)
