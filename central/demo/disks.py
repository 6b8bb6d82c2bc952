"""Gives each agent a small disk of its own in memory, so that it can be filled for real."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ground.programme.records import Texts

log = logging.getLogger(__name__)

MEGABYTES = 48
_BALLAST = "ballast"
_INSIDE = "NOREN_DEMO_MOUNTS"
"""In the environment of a demo that runs where it may mount."""
_NO_MOUNTS: Texts = {
    "ja": "このマシンでは小さなディスクをマウントできません",
    "en": "this machine lets us mount no small disk",
}


def go_inside(command: Sequence[str]) -> None:
    """Become `command` where only it and its children see what it mounts; return where this machine does not allow it.

    As root that needs a mount namespace, for others a user namespace as well (unshare(1)).
    """
    if os.environ.get(_INSIDE) or not shutil.which("unshare"):
        return
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    way = ["unshare", *own, "--mount"]
    with suppress(OSError):
        if subprocess.run([*way, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            sys.stdout.flush()
            sys.stderr.flush()
            os.execvpe(way[0], [*way, *command], os.environ | {_INSIDE: "1"})  # noqa: S606 - ourselves again.


class Disks:
    """The agents' folders; `trouble` says why none can be filled; empty where they can."""

    def __init__(self) -> None:
        self.trouble: Texts = {} if os.environ.get(_INSIDE) else _NO_MOUNTS
        self._folders: dict[str, Path] = {}

    def give(self, store: str, folder: Path) -> None:
        """Put a small disk at the folder, which is made; where that does not work, it lies on the machine's disk."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.trouble:
            return
        size = f"size={MEGABYTES}m,mode=0700"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "noren", str(folder)],  # noqa: S607 - where it lies differs.
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            log.warning("no disk could be mounted at %s: %s", folder, done.stderr.strip())
            self.trouble = _NO_MOUNTS
        else:
            self._folders[store] = folder

    def fill(self, store: str) -> None:
        """Leave not one byte free."""
        with suppress(OSError), (self._folders[store] / _BALLAST).open("wb", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        ballast.write(bytes(size))

    def free(self, store: str) -> None:
        (self._folders[store] / _BALLAST).unlink(missing_ok=True)

    def is_full(self, store: str) -> bool:
        folder = self._folders.get(store)
        return folder is not None and (folder / _BALLAST).exists()
