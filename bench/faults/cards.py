"""Gives an agent a card of its own, an ext4 in a file, that can lose its power, be filled, copied and put back."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MEGABYTES = 32
LOOPED = ("power_cut", "disk_filled")
"""What needs a file system of our own."""
_INSIDE = "NOREN_BENCH_MOUNTS"
_BALLAST = "ballast"


def go_inside(command: Sequence[str]) -> None:
    """Become `command` where only it and its children see what it mounts, so that nothing stays when it is killed."""
    if os.environ.get(_INSIDE) or os.geteuid() or not shutil.which("unshare"):
        return
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        sys.stdout.flush()
        os.execvpe("unshare", ["unshare", "--mount", *command], os.environ | {_INSIDE: "1"})


async def can_loop(folder: Path) -> bool:
    """Whether this machine lets us mount a file; tried in a folder that is there."""
    if not os.environ.get(_INSIDE) or not (shutil.which("mke2fs") and shutil.which("mount")):
        return False
    trial = Card(folder / "trial", looped=True)
    try:
        await trial.make()
        await trial.unmount()
    except OSError:
        return False
    trial.file.unlink()
    return True


class Card:
    """A folder that an agent lives in; `looped`, or a plain one where this machine mounts nothing."""

    def __init__(self, folder: Path, *, looped: bool) -> None:
        self.folder = folder
        self.looped = looped
        self.file = folder.with_suffix(".img")

    @property
    def source(self) -> Path:
        """What is to be copied to make another."""
        return self.file if self.looped else self.folder

    async def make(self) -> None:
        """Raises OSError where it cannot be mounted."""
        if self.looped:
            with self.file.open("wb") as file:
                file.truncate(MEGABYTES << 20)
            await _run("mke2fs", "-q", "-t", "ext4", "-F", "-m", "0", "-J", "size=4", str(self.file))
        await self.mount()

    async def mount(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.looped:
            await _run("mount", "-o", "loop", str(self.file), str(self.folder))

    async def unmount(self) -> None:
        """Give it back; who used it must be gone."""
        if self.looped:
            await _run("umount", str(self.folder))
            self.folder.rmdir()

    async def copy(self, to: Path) -> None:
        """Take what is on it at this moment: in its file is only what was fsynced, or written back by chance.

        Who writes to it must stand still. A plain folder is copied as it looks to its programs.
        """
        await _run("cp", "-a", "--sparse=always", str(self.source), str(to))

    async def put_back(self, taken: Path) -> None:
        """Be the copy from now on; who used the card must be gone."""
        if self.looped:
            await self.unmount()
        else:
            shutil.rmtree(self.folder)
        shutil.move(taken, self.source)
        await self.mount()

    async def throw_away(self) -> None:
        with suppress(OSError):
            await self.unmount()
        self.file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self) -> None:
        """Leave not one byte free."""
        with suppress(OSError), (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        ballast.write(bytes(size))

    def free(self) -> None:
        (self.folder / _BALLAST).unlink(missing_ok=True)


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise OSError(f"{' '.join(command)}: {said.decode(errors='replace').strip()}")
