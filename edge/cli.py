"""The commands of an agent: enrol, run, register, check, status, doctor, aim, decode-images, replay."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.errors import EdgeError
from ground import log
from ground.errors import NorenError
from ground.settings import Problem, SettingsError

CONFIG = Path("/etc/noren/noren.yaml")


def main(arguments: Sequence[str]) -> int:
    """Run a command. Exit code 0: done, 1: one sentence on standard error says why not, 2: wrong settings or usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except NorenError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noren edge", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="be the agent of a store until stopped")
    run.add_argument("config", type=Path)
    run.set_defaults(command=_run)

    enrol = commands.add_parser("enrol", help="let this device in, by the code that `noren central enrol` has made")
    enrol.add_argument("code", help="HOST:PORT/XXXX-XXXX-…, in one piece; upper or lower case")
    enrol.add_argument("config", type=Path, nargs="?", default=CONFIG, help=f"default: {CONFIG}")
    enrol.add_argument("--again", action="store_true", help="also where it is enrolled: as the code says from now on")
    enrol.set_defaults(command=_enrol)

    check = commands.add_parser("check", help="list every problem of a configuration; exit code 2 where there is one")
    check.add_argument("config", type=Path)
    check.set_defaults(command=_check)

    status = commands.add_parser("status", help="how an agent is, as JSON, from what it has left on disk")
    status.add_argument("config", type=Path)
    status.add_argument("--json", action="store_true", help="on one line")
    status.set_defaults(command=_status)

    doctor = commands.add_parser(
        "doctor", help="say what is not right with this device; exit code 1 where something is"
    )
    doctor.add_argument("config", type=Path, nargs="?", default=CONFIG, help=f"default: {CONFIG}")
    doctor.set_defaults(command=_doctor)

    register = commands.add_parser("register", help="stand between shared scanners and the register until stopped")
    register.add_argument("config", type=Path)
    register.set_defaults(command=_register)

    aim = commands.add_parser("aim", help="look through a camera while it is set up: light, focus, size, what is read")
    aim.add_argument("config", type=Path)
    aim.add_argument("camera", help="its name in the configuration")
    aim.add_argument("--page", action="store_true", help="also as a page for a phone in the same network, for 10 min")
    aim.add_argument("--for", type=float, dest="seconds", metavar="S", help="end after S seconds (default: Ctrl-C)")
    aim.set_defaults(command=_aim)

    images = commands.add_parser("decode-images", help="read codes out of photographs")
    images.add_argument("files", type=Path, nargs="+")
    images.add_argument("--json", action="store_true", help='one line a file: {"file", "codes": [{"format", "text"}]}')
    images.set_defaults(command=_decode_images)

    replay = commands.add_parser("replay", help="feed recorded advertisements through the path of the radio")
    replay.add_argument("file", type=Path, help='JSON lines: {"time", "address", "rssi", "data": raw bytes in hex}')
    replay.add_argument("config", type=Path, nargs="?", help="be this agent, its radios replaced; without: just listen")
    replay.add_argument("--zone", help="where it was recorded (default: the configuration's first zone)")
    replay.add_argument("--speed", type=float, default=0.0, help="1 is as recorded; 0 (default) as fast as it goes")
    replay.set_defaults(command=_replay)
    return parser


def _run(options: argparse.Namespace) -> int:
    from edge import app, config

    settings = config.read(options.config)
    log.set_up(settings.log)
    return asyncio.run(app.run(settings))


def _register(options: argparse.Namespace) -> int:
    from edge import config
    from edge.register import app

    settings = config.read(options.config)
    if settings.register is None:
        raise SettingsError(options.config, [Problem(path="edge.register", line=0, text="say how it is reached")])
    log.set_up(settings.log)
    return asyncio.run(app.run(settings))


def _enrol(options: argparse.Namespace) -> int:
    from edge import config, entry

    enrolled = entry.enrol(config.read(options.config), options.code, again=options.again)
    print(msgspec.json.encode({"agent": enrolled.agent, "store": enrolled.store}).decode())
    return 0


def _check(options: argparse.Namespace) -> int:
    from edge import config

    config.read(options.config)
    print(f"{options.config}: the section edge is right")
    return 0


def _status(options: argparse.Namespace) -> int:
    from edge import config, status

    told = status.of(config.read(options.config))
    line = msgspec.json.encode(told)
    print((line if options.json else msgspec.json.format(line)).decode())
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from edge import config, doctor
    from edge.clock import Clock

    found = doctor.look(config.read(options.config), datetime.now(UTC), Clock().synced)
    for said in found:
        print(said)
    return 1 if found else 0


def _aim(options: argparse.Namespace) -> int:
    from edge import config

    try:
        from edge.aim import app
    except ImportError as error:
        fix = "pip install zxing-cpp opencv-python-headless"
        raise EdgeError(f"Aiming needs {error.name}, which is missing.", fix=fix) from error
    app.aim(config.read(options.config), options.camera, page=options.page, seconds=options.seconds)
    return 0


def _decode_images(options: argparse.Namespace) -> int:
    from edge import codes

    unreadable = 0
    for file in options.files:
        try:
            found = codes.of_file(file)
        except NorenError as error:
            unreadable += 1
            print(error, file=sys.stderr)
            found = []
        # A code's bytes need not be text: what is not UTF-8 is shown byte by byte.
        read = [{"format": code.format, "text": code.content.decode("utf-8", "backslashreplace")} for code in found]
        # Nor need a file's name be.
        name = str(file).encode("utf-8", "backslashreplace").decode()
        if options.json:
            print(msgspec.json.encode({"file": name, "codes": read}).decode(), flush=True)
        else:
            print(
                f"{name}: " + (", ".join(f"{code['format']} {code['text']}" for code in read) or "no code"), flush=True
            )
    return 1 if unreadable else 0


def _replay(options: argparse.Namespace) -> int:
    from edge import app, config, listen

    if options.config is None:
        return asyncio.run(listen.listen(options.file, options.zone or "here", options.speed))
    settings = config.read(options.config)
    log.set_up(settings.log)
    return asyncio.run(app.run(config.replayed(settings, options.file, options.zone, options.speed)))
