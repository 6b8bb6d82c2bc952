"""The commands on files, on proof of play, and on what a screen shows now."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from central.errors import CentralError, Unfit
from central.media.devices import Device

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from central.catalogue import Kept

_ASKS_S = 0.2
_GOOD_FOR = timedelta(minutes=5)


def parsers(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Make the parsers of these commands."""
    added = command("add-asset", "check pictures and films and lay them down, all or none; print their digests")
    added.add_argument("files", type=Path, nargs="+", metavar="FILE")
    added.add_argument("--device", default="any", choices=get_args(Device), help="the weakest that shows them (any)")
    plays = command("plays", "print proof of play as CSV, one line a play")
    plays.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="by each store's calendar")
    plays.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="the last, to its end")
    plays.add_argument("--ad", action="store_true", help="sums by campaign, store and day, with who could see them")
    pictured = command("snapshot", "have a screen drawn anew with place holders for all that is personal")
    pictured.add_argument("agent")
    pictured.add_argument("screen")
    pictured.add_argument("out", type=Path, nargs="?", metavar="OUT.png", help="where to (SCREEN.png)")
    pictured.add_argument("--wait", type=float, default=30.0, metavar="S", help="for the picture (30)")


def _add_asset(engine: Engine, folder: Path, given: argparse.Namespace) -> str:
    from central import catalogue
    from central.media.intake import Incoming
    from central.storage.database import writing

    kept: list[list[Kept]] = []
    wrong: list[str] = []
    for file in given.files:
        try:
            with Incoming(folder) as incoming:
                incoming.copy(file)
                kept.append(incoming.keep(file.name, given.device, datetime.now(UTC)))
        except Unfit as error:
            wrong.append(str(error))
        except OSError as error:
            wrong.append(f"{file} cannot be brought in: {error.strerror}.")
    if wrong:
        # What lies in the folder and is in no list is given to nobody.
        raise CentralError("\n".join(wrong), fix="\nNothing was added." if len(given.files) > 1 else "")
    with writing(engine) as connection:
        catalogue.save_assets(connection, [one for both in kept for one in both])
    return "".join(_json(first) for first, *_ in kept)


def _plays(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import plays
    from central.storage.database import reading

    with reading(engine) as connection:
        days = plays.Days(first=given.first, last=given.last)
        (plays.write_ads if given.ad else plays.write)(connection, days, sys.stdout)
    return ""


def _snapshot(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import agents, commands, screens
    from central.errors import Unknown
    from central.storage.database import reading, writing

    body = msgspec.json.encode({"screen": given.screen})
    with writing(engine) as connection:
        if agents.find(connection, given.agent) is None:
            raise Unknown(
                f"There is no agent {given.agent}.", fix="Look at `noren central report` for those there are."
            )
        before = screens.picture(connection, given.agent, given.screen)
        (asked,) = commands.ask(connection, [given.agent], "snapshot", body, datetime.now(UTC), _GOOD_FOR)
    end = time.monotonic() + given.wait
    while time.monotonic() < end:  # It is another process that takes the picture.
        time.sleep(_ASKS_S)
        with reading(engine) as connection:
            found = screens.picture(connection, given.agent, given.screen)
            (reply,) = commands.outcomes(connection, [asked.command])
        if reply.ok is False:
            raise CentralError(f"{given.agent} cannot do it: {reply.said}")
        if found is not None and found != before:
            out: Path = given.out or Path(f"{given.screen}.png")
            out.write_bytes(found[1])
            return _json({"file": str(out), "at": found[0]})
    raise CentralError(f"No picture came within {given.wait:g} s.", fix="See whether the agent and its player run.")


def _json(said: object) -> str:
    return msgspec.json.encode(said).decode() + "\n"


DO: dict[str, Callable[[Engine, Path, argparse.Namespace], str]] = {
    "add-asset": _add_asset,
    "plays": _plays,
    "snapshot": _snapshot,
}
"""Each is given the database, the folder of the files and what was asked for, and gives what to print."""
