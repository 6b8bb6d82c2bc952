"""The commands of the player: run it, check its configuration, draw one scene to a file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ground import log
from ground.errors import NorenError
from ground.settings import SettingsError
from signage import config

_FAILED, _MISCONFIGURED = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give its exit code."""
    given = _parser().parse_args(arguments)
    # pygame prints a greeting when it is imported, into what may be a pipe.
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    try:
        match given.command:
            case "run":
                _run(given.config)
            case "check":
                config.read(given.file)
                print(f"{given.file}: no problems in section signage")
            case "snapshot":
                _snapshot(given)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return _MISCONFIGURED
    except NorenError as error:
        print(error, file=sys.stderr)
        return _FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="signage", description="The player of one screen.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="play until SIGTERM",
        description="Play until SIGTERM. SIGUSR1 writes what is on the screen to screen.png in the player's folder.",
    )
    run.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file with a section signage:")
    check = commands.add_parser("check", help="list every problem of a configuration; exit code 2 if there is one")
    check.add_argument("file", type=Path, metavar="FILE")
    snapshot = commands.add_parser("snapshot", help="draw one scene to a PNG")
    snapshot.add_argument("scene", type=Path, metavar="SCENE.json", help="a scene as signage/contract.py describes it")
    snapshot.add_argument("out", type=Path, metavar="OUT.png")
    snapshot.add_argument("--size", type=_size, default=(1920, 1080), metavar="WIDTHxHEIGHT")
    snapshot.add_argument("--assets", type=Path, metavar="DIR", help="a folder of pictures named by their SHA-256")
    snapshot.add_argument("--brand", default=config.Theme().brand, help="the name on the curtain")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        made = config.DisplayConfig(mode="headless", width=int(width), height=int(height))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 1920x1080") from error
    for problem in made.problems():
        raise argparse.ArgumentTypeError(f"{text!r} is no size: {problem}")
    return made.width, made.height


def _run(file: Path) -> None:
    settings = config.read(file)
    log.set_up(settings.log)
    # sqlite-utils takes numpy along where it finds it: 16 MB that a player has no use for.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # None is how the import system spells "absent".
    from signage import app  # It imports pygame, which `check` can do without.

    app.run(settings)


def _snapshot(given: argparse.Namespace) -> None:
    from signage import preview

    preview.draw(given.scene, given.out, given.size, given.assets, config.Theme(brand=given.brand))
