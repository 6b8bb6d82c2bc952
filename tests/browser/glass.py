"""A player's mirror as its process writes it, with a process behind it that can be killed."""

from __future__ import annotations

import functools
import mmap
import struct
import subprocess
import time
from pathlib import Path

from PIL import Image

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_HEAD = struct.Struct("<8sIIQQI4xQ16x")


@functools.cache
def picture(name: str) -> Image.Image:
    """One of the product's own screens, as small as a mirror is."""
    return Image.open(PICTURES / f"{name}.png").convert("RGB").resize((640, 360))


class Glass:
    """A player's mirror, with a process of its own that can be killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._player: subprocess.Popen[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._size = (0, 0)

    def start(self, width: int = 640, height: int = 360) -> None:
        self.stop()
        self._player = subprocess.Popen(["/bin/sleep", "600"])
        new = self.path.with_suffix(".new")
        with new.open("w+b") as file:
            file.truncate(_HEAD.size + width * height * 3)
            self._map = mmap.mmap(file.fileno(), 0)
        self._size, self.count = (width, height), 0
        self._head()
        new.replace(self.path)

    def begin(self) -> None:
        """Be in the middle of a picture."""
        self.count += 1
        self._head()

    def draw(self, image: Image.Image) -> None:
        assert self._map is not None
        self.begin()
        self._map[_HEAD.size :] = image.convert("RGB").resize(self._size).tobytes()
        self.count += 1
        self._head()

    def stop(self) -> None:
        if self._player is not None:
            self._player.kill()
            self._player.wait()
            self._player = None
        if self._map is not None:
            self._map.close()
            self._map = None

    def _head(self) -> None:
        assert self._map is not None
        assert self._player is not None
        width, height = self._size
        now = time.monotonic_ns()
        self._map[: _HEAD.size] = _HEAD.pack(b"NORENMIR", width, height, self.count, now, self._player.pid, now)
