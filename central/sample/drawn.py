"""Draws the sample's pictures, and keeps them in a folder under names that change with all that they are drawn from."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import PIL

from central.sample.pictures import look, shapes
from central.sample.pictures.campaigns import CAMPAIGNS

_KEPT = re.compile(r"(?P<origin>[0-9a-f]{64})-(?P<digest>[0-9a-f]{64})\.png")
_PAYS = 20
"""Pictures for which another process is worth its start: it takes about as long as ten of them."""


def pictures(wanted: Iterable[str], folder: Path | None) -> dict[str, bytes]:
    """The PNG for each name: a campaign, or the words of a look; `folder` may hold some and then holds all.

    Raises OSError where that folder cannot be used.
    """
    names = list(dict.fromkeys(wanted))
    if folder is None:
        return {name: draw(name) for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    origins = {origin(name): name for name in names}
    kept = _kept(folder, origins)
    missing = [name for name in names if name not in kept]
    if missing:
        _draw_all(missing, folder)
        kept = _kept(folder, origins)
    # Drawn here is what another demo, of another version, cleared away in between.
    return {name: kept.get(name) or draw(name) for name in names}


def draw(name: str) -> bytes:
    return (CAMPAIGNS[name]() if name in CAMPAIGNS else shapes.draw(look.read(name))).png()


def origin(name: str) -> str:
    """A hash of all that the picture depends on: its name, the programs that draw, and Pillow."""
    return hashlib.sha256(f"{_programs()} {PIL.__version__} {name}".encode()).hexdigest()


@cache
def _programs() -> str:
    sources = [file for file in files("central.sample.pictures").iterdir() if file.name.endswith(".py")]
    read = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(sources, key=lambda file: file.name)]
    return " ".join(read)


def _kept(folder: Path, origins: Mapping[str, str]) -> dict[str, bytes]:
    """Those that are there and whole; what was drawn by other programs is cleared away, what is not ours is let be."""
    found: dict[str, bytes] = {}
    for file in folder.iterdir():
        named = _KEPT.fullmatch(file.name)
        if named is None:
            continue
        name = origins.get(named["origin"])
        if name is None:
            file.unlink(missing_ok=True)
            continue
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            continue
        # One that was only half written, or changed, is not what its name says, and is drawn and written again.
        if hashlib.sha256(data).hexdigest() == named["digest"]:
            found[name] = data
    return found


def _draw_all(names: Sequence[str], folder: Path) -> None:
    count = min(len(os.sched_getaffinity(0)), max(1, len(names) // _PAYS))
    shares = [names[first::count] for first in range(count)]
    # Started anew: a copy of a process that has threads may hang. They need nothing but the folder to answer in.
    others = [
        get_context("spawn").Process(target=_draw_into, args=(folder, share), daemon=True) for share in shares[1:]
    ]
    for other in others:
        other.start()
    _draw_into(folder, shares[0])
    for other in others:
        other.join()


def _draw_into(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        data = draw(name)
        (folder / f"{origin(name)}-{hashlib.sha256(data).hexdigest()}.png").write_bytes(data)
