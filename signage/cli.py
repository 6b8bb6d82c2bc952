"""The commands of the player: run it, check its configuration, draw scenes to files, tell what plays when."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

from ground import log
from ground.errors import NorenError
from ground.programme.records import Language
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
            case "schedule":
                _schedule(given)
            case "preview":
                _preview(given)
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
    _add_schedule(commands)
    _add_preview(commands)
    return parser


def _add_schedule(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    schedule = commands.add_parser(
        "schedule",
        help="tell what would play when, and why",
        description="Tell each turn of a day on a screen: when, whose, which scene, how long and why. "
        "What is wrong with the programme is said too.",
    )
    schedule.add_argument("file", type=Path, nargs="?", default=Path("programme.yaml"), metavar="FILE")
    schedule.add_argument("--store", help="the first of the file if it is not given")
    schedule.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="today if it is not given")
    schedule.add_argument("--zone", action="append", default=[], help="from which the screen is seen; more than once")
    schedule.add_argument("--language", action="append", choices=get_args(Language), help="ja and en if none is given")
    schedule.add_argument("--summary", action="store_true", help="the sums of each campaign only")
    schedule.add_argument("--json", action="store_true", help="JSON, for programs")


def _add_preview(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    preview = commands.add_parser(
        "preview",
        help="draw a content, or a screen's day, of a programme",
        description="Draw a content to a PNG, or what a screen shows on a day: each scene once on a contact sheet "
        "(.png), or for a second and a half each in a film (.mp4).",
    )
    preview.add_argument("file", type=Path, metavar="FILE", help="a programme")
    what = preview.add_mutually_exclusive_group(required=True)
    what.add_argument("--content", metavar="ID")
    what.add_argument("--day", type=_day, metavar="YYYY-MM-DD")
    preview.add_argument("--language", action="append", choices=get_args(Language), help="ja and en if none is given")
    preview.add_argument("--size", type=_size, default=(1920, 1080), metavar="WIDTHxHEIGHT")
    preview.add_argument("--store", help="the first of the file if it is not given")
    preview.add_argument("--zone", action="append", default=[], help="from which the screen is seen; more than once")
    preview.add_argument("--assets", type=Path, metavar="DIR", help="a folder of pictures and films named by SHA-256")
    preview.add_argument("--brand", default=config.Theme().brand, help="the name on the curtain")
    preview.add_argument("--config", type=Path, help="a player's configuration, whose theme is taken")
    preview.add_argument("out", type=Path, metavar="OUT", help="a file that ends with .png, or of a day with .mp4")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-24") from error


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


def _schedule(given: argparse.Namespace) -> None:
    import msgspec

    from ground.programme import calendar, check, file
    from ground.programme.day import store_of
    from signage import schedule

    programme = file.read(given.file)
    store = store_of(programme, given.store)
    day = given.day or datetime.now(UTC).astimezone(calendar.zone(store.timezone)).date()
    for problem in check.problems(programme, day):
        print(f"{given.file}: {problem}", file=sys.stderr)
    turns = schedule.plan(programme, store.store, given.zone, day, tuple(given.language or ("ja", "en")))
    if given.json:
        _print([msgspec.json.encode(schedule.sums(turns) if given.summary else turns).decode()])
        return
    told = schedule.table(schedule.sums(turns)) if given.summary else schedule.lines(turns)
    _print([f"{store.store}, {day}, {store.timezone}", *told])


def _preview(given: argparse.Namespace) -> None:
    from ground.programme import check, file
    from signage import preview

    programme = file.read(given.file)
    theme = config.read(given.config).theme if given.config else config.Theme(brand=given.brand)
    languages = tuple(given.language or ("ja", "en"))
    look = preview.Look(
        size=given.size, theme=theme, languages=languages, store=given.store, zones=given.zone, folder=given.assets
    )
    if given.content:
        seen = preview.content(programme, given.content, look, given.out)
    else:
        for problem in check.problems(programme, given.day):
            print(f"{given.file}: {problem}", file=sys.stderr)
        seen = preview.day(programme, given.day, look, given.out)
    for digest in seen.missing:
        print(f"{given.file}: there is no file {digest}: its place holder was drawn", file=sys.stderr)


def _print(lines: list[str]) -> None:
    """Ten thousand lines are often cut short by `head`, which is no error."""
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
