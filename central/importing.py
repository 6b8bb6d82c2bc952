"""Brings in the pictures and films that a programme's file names by their paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from central.catalogue import Kept
from central.errors import Unfit
from central.media.devices import Device
from central.media.intake import Incoming
from ground import document as documents
from ground.document import Problem
from ground.programme.file import Programme


def bring(
    folder: Path, given: Programme, known: Collection[str], device: Device, at: datetime
) -> tuple[list[Kept], list[Problem]]:
    """Look at what is not known yet and lay it down; gives what was kept, and what is wrong with the rest.

    What is laid down is nothing yet: only what the database lists is given to anybody.
    """
    kept: list[Kept] = []
    wrong: list[Problem] = []
    seen = set(known)
    for digest, where in _named(given):
        if digest not in given.files or digest in seen:
            continue
        seen.add(digest)
        file = given.files[digest]
        try:
            with Incoming(folder) as incoming:
                incoming.copy(file)
                kept += incoming.keep(file.name, device, at)
        except (Unfit, OSError) as error:
            said = str(error) if isinstance(error, Unfit) else f"{file} cannot be read: {error.strerror}"
            wrong.append(Problem(path=documents.path(where), line=given.line(where), text=said))
    return kept, wrong


def _named(given: Programme) -> Iterator[tuple[str, documents.Where]]:
    for index, one in enumerate(given.contents):
        for name, digest in (("picture", one.picture), ("film", one.film)):
            if digest is not None:
                yield digest, ("contents", index, name)
