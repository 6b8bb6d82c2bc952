"""Has a command that root runs leave files that the service can use."""

from __future__ import annotations

import os
from pathlib import Path

from ground.errors import NorenError


class NotOwner(NorenError):
    """Root runs a program that the folder's owner may not read."""


def become(folder: Path) -> None:
    """As root, go on as whom the folder belongs to; where it is not there yet, as whom the nearest above it does.

    Raises NotOwner where they cannot run us.
    """
    if os.geteuid() != 0:
        return
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    owner = place.stat()
    if owner.st_uid == 0:
        return
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    for program in (os.__file__, __file__):  # Python's own, and ours: more of both is loaded as it is needed.
        if not os.access(program, os.R_OK, effective_ids=True):
            raise NotOwner(
                f"{place} is not root's, and its owner may not read {program}.",
                fix="Use /opt/noren/noren, where systemd/install has put the programs.",
            )
