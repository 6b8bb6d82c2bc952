"""The commands by which head office says what the screens show."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from central.errors import CentralError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def parsers(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Make the parsers of these commands."""
    imported = command("import", "take a programme in: contents, playlists, campaigns, layouts, stores; all or nothing")
    imported.add_argument("file", type=Path, metavar="FILE", help="YAML; pictures and films by paths from where it is")
    imported.add_argument("--replace", action="store_true", help="withdraw what it does not name")
    imported.add_argument(
        "--device", default="any", choices=("any", "pi3", "pi4", "pi5"), help="the weakest that shows its films (any)"
    )
    command("export", "print the programme as such a file").add_argument("--store", help="only what this one has")
    withdrawn = command("withdraw", "take one thing out of the programme")
    withdrawn.add_argument("kind", choices=("contents", "playlists", "campaigns", "layouts"))
    withdrawn.add_argument("name")
    called = command("emergency", "call something out on every screen at once, or take it back")
    called.add_argument("what", choices=("begin", "end"))
    called.add_argument("title", nargs="?", help="in Japanese")
    called.add_argument("--text", default="", help="what to do, in Japanese")
    called.add_argument("--en", default="", metavar="TITLE", help="the title in English")
    called.add_argument("--en-text", default="", metavar="TEXT")
    called.add_argument("--stores", default="", metavar="STORES", help="separated by commas; nothing: all")
    called.add_argument("--hours", type=float, default=4.0, help="after which it is taken back (4)")


def _import(engine: Engine, folder: Path, given: argparse.Namespace) -> str:
    from central import catalogue, importing, programme
    from central.storage.database import reading, writing
    from ground.programme import file

    wanted = file.read(given.file)
    with reading(engine) as connection:
        known = catalogue.assets(connection, wanted.files)
    # Decoding a film takes minutes: nobody waits for that with the database held.
    kept, wrong = importing.bring(folder, wanted, known, given.device, datetime.now(UTC))
    with writing(engine) as connection:
        return _json(programme.take(connection, wanted, datetime.now(UTC), kept=kept, wrong=wrong, alone=given.replace))


def _export(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import programme
    from central.storage.database import reading
    from ground.programme import file

    with reading(engine) as connection:
        return file.write(programme.written(connection, given.store))


def _withdraw(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import programme
    from central.storage.database import writing

    with writing(engine) as connection:
        programme.withdraw(connection, given.kind, given.name)
    return ""


def _emergency(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import emergency
    from central.storage.database import writing

    if given.what == "end":
        with writing(engine) as connection:
            return _json({"ended": emergency.end(connection)})
    if not given.title:
        raise CentralError("There is nothing to call out.", fix="Give a title: what everybody must know.")
    if not 0 < given.hours <= emergency.LONGEST / timedelta(hours=1):
        raise CentralError("An emergency cannot last so long.", fix="Give hours within 7 days: call it out again.")
    call = emergency.Call(
        title={"ja": given.title} | ({"en": given.en} if given.en else {}),
        text=({"ja": given.text} if given.text else {}) | ({"en": given.en_text} if given.en_text else {}),
        stores=tuple(store.strip() for store in given.stores.split(",") if store.strip()),
        until=datetime.now(UTC) + timedelta(hours=given.hours),
    )
    with writing(engine) as connection:
        emergency.begin(connection, call, datetime.now(UTC))
    return _json({"until": call.until, "stores": call.stores})


def _json(said: object) -> str:
    return msgspec.json.encode(said).decode() + "\n"


DO: dict[str, Callable[[Engine, Path, argparse.Namespace], str]] = {
    "import": _import,
    "export": _export,
    "withdraw": _withdraw,
    "emergency": _emergency,
}
"""Each is given the database, the folder of the files and what was asked for, and gives what to print."""
