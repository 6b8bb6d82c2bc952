"""The commands of central; each loads only what it needs."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from central import config, editing, operating, printing
from central.config import CentralConfig, External
from central.contract import member_code
from central.contract.feeds import PURPOSES
from central.errors import CentralError
from ground import log, owner
from ground.errors import NorenError, StorageError
from ground.settings import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from central.commands import Asked
    from central.contract.events import Means
    from central.profiles import Customer
    from central.sample import Chain, Member


DEFAULT = Path("/etc/noren/noren.yaml")
"""The configuration that is meant where none is named."""
PURPOSES_OF_KEYS = ("root", "enrolment", "codes", "manifests", "releases")


def main(argv: Sequence[str]) -> int:
    """Run one command; 0 is good, 1 is trouble told in a sentence, 2 is a configuration with problems."""
    if argv[:1] == ["demo"]:
        from central.demo import command

        return command(argv[1:])
    given = _parser().parse_args(_with_config(argv))
    try:
        if given.command == "page":
            from central.page import app

            app.run(given.socket, given.port)
            return 0
        settings = config.read(given.config)
        owner.become(settings.folder)
        log.set_up(settings.log)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        _COMMANDS[given.command](settings, given)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (NorenError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _with_config(argv: Sequence[str]) -> Sequence[str]:
    """Put the default in where no configuration is named: what ends as one does, or is a file, is one."""
    if not argv or argv[0] not in _COMMANDS or {"-h", "--help"} & set(argv):
        return argv
    wanted = 2 if argv[0] == "import" else 1  # What it imports is such a file as well.
    if sum(word.endswith((".yaml", ".yml")) for word in argv[1:]) >= wanted:
        return argv
    if argv[0] not in ("import", "add-asset") and argv[1:] and Path(argv[1]).is_file():
        return argv
    return [argv[0], str(DEFAULT), *argv[1:]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noren central", description="The central service of a chain.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=says, description=says)
        says_what = f"a file with a section central:; without one {DEFAULT}"
        added.add_argument("config", type=Path, metavar="CONFIG", help=says_what)
        return added

    command("serve", "run central until it is told to stop")
    command("check", "list every problem of a configuration")
    command("migrate", "bring the database up to date")
    load_sample = command("load-sample", "fill the database with a sample chain")
    load_sample.add_argument("--seed", type=int, default=1)
    load_sample.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="keep there what was drawn, for the next time"
    )
    enrol = command("enrol", "let a device in as an agent of a store, once, and print the code that it is told")
    enrol.add_argument("store")
    enrol.add_argument("agent", nargs="?", help="the next of the store; one that is there gives way to the new device")
    command("revoke", "take nothing from an agent any more").add_argument("agent")
    _keys_parser(command)
    command("store-key", "print the key of a store's tokens").add_argument("store")
    editing.parsers(command)
    operating.parsers(command)
    printing.parsers(command)
    consent = command("consent", "note what a customer agrees to, or no longer")
    consent.add_argument("customer")
    consent.add_argument("what", choices=("give", "withdraw"))
    consent.add_argument("purposes", nargs="+", choices=PURPOSES, metavar="PURPOSE", help=", ".join(PURPOSES))
    asked = command("command", "have agents do something, and print what each replied, one line of JSON an agent")
    asked.add_argument("of", metavar="AGENT|STORE|all")
    asked.add_argument(
        "name",
        help="ping, resync, renew, restart, vacuum; of screens: "
        "snapshot, screen-on, screen-off, screen-auto, restart-player, verify",
    )
    asked.add_argument("body", nargs="?", metavar="JSON")
    asked.add_argument("--wait", type=_seconds, default=15.0, metavar="S", help="for replies; 0 waits for none (15)")
    asked.add_argument("--expires", type=_seconds, default=300.0, metavar="S", help="after so many seconds (300)")
    rolled = command("settings", "bring settings to the agents: one store, a tenth, all; without a file tell how far")
    rolled.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a file with a section settings:")
    rolled.add_argument("--first", metavar="STORE", help="that tries them (one that is there)")
    rolled.add_argument("--hold", type=_seconds, default=60.0, metavar="S", help="a step is well before the next (60)")
    report = command("report", "tell what is stored, by agent and epoch")
    report.add_argument("--json", action="store_true", help="as one line of JSON")
    report.add_argument("--plays", action="store_true", help="with every proof of play")
    report.add_argument("--posters", action="store_true", help="with what posters and labels brought")
    again = command("replay", "try again to store what could not be read, and tell what became of it")
    again.add_argument("--agent", metavar="AGENT", help="only what came from it")
    page = commands.add_parser("page", help="the store page beside a demo, which starts it")
    page.add_argument("--socket", type=Path, required=True, help="the demo's window")
    page.add_argument("--port", type=int, default=8711, help="on loopback; any free one where it is taken")
    commands.add_parser("demo", help="three stores on this machine", add_help=False)
    return parser


def _keys_parser(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    command("keys", "list the keys of the chain, one line of JSON each")
    command("rotate-key", "make the next key of a purpose").add_argument("purpose", choices=PURPOSES_OF_KEYS)
    key = command("key", "let a web shop, a register or a monitor in, and print its key once")
    key.add_argument("name")
    key.add_argument(
        "--may",
        default="track,consents",
        metavar="SCOPES",
        help="separated by commas: track, consents, health, programme, codes",
    )
    member = command("member-code", "print the codes that a member's phone would show, one line of JSON each")
    member.add_argument("customer")
    member.add_argument("--svg", type=Path, metavar="FILE", help="draw the first there, for a screen")
    member.add_argument("--count", type=int, choices=range(1, 21), default=1, metavar="N", help="1 to 20, ahead (1)")
    renew = command("renew-code", "have all codes of a member that were made count no more: a phone was stolen")
    renew.add_argument("customer")
    command("revoke-key", "take nothing from a web shop or a register any more").add_argument("name")
    access = command("access", "print what brokers of your own need: who may do what, and what is revoked")
    access.add_argument("what", nargs="?", choices=("access", "trust", "revoked"), default="access")


def _serve(settings: CentralConfig, _: argparse.Namespace) -> None:
    import asyncio

    from central import app

    asyncio.run(app.serve(settings, lambda ports: print(_json(ports), flush=True)))


def _check(_: CentralConfig, given: argparse.Namespace) -> None:
    print(f"{given.config}: the section central is good")


def _migrate(settings: CentralConfig, _: argparse.Namespace) -> None:
    from central.storage.database import HEAD, open_database

    open_database(settings.url).dispose()
    print(f"the database is of version {HEAD}")


def _load_sample(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import sample

    now = datetime.now(UTC)
    print(_json(load(settings, sample.chain(seed=given.seed, now=now, kept=given.pictures), now)))


def load(settings: CentralConfig, chain: Chain, now: datetime) -> dict[str, int]:
    """Put a chain in, in one transaction; what is there already is replaced. Gives the numbers."""
    from central import catalogue, consent, content, profiles

    for digest, picture in chain.pictures.items():
        catalogue.keep_picture(settings.pictures, digest, picture)
    with _database(settings) as connection:
        catalogue.save_stores(connection, chain.stores)
        catalogue.save_products(connection, chain.products)
        for store, items in chain.stock.items():
            catalogue.save_stock(connection, store, items)
        content.save(connection, (*chain.content, *chain.playlists, *chain.campaigns, *chain.layouts))
        catalogue.adopt(connection, settings.pictures, now)
        profiles.save(connection, [_customer(member) for member in chain.members])
        for member in chain.members:
            consent.give(connection, member.customer, member.purposes, now)
            consent.withdraw(connection, member.customer, set(PURPOSES) - set(member.purposes), now)
    counts = {"stores": len(chain.stores), "products": len(chain.products), "members": len(chain.members)}
    return counts | {"pictures": len(chain.pictures)}


def _customer(member: Member) -> Customer:
    from central.profiles import Customer

    beacon: tuple[tuple[Means, str], ...] = (("beacon", member.beacon),) if member.beacon else ()
    return Customer(
        customer=member.customer,
        home=member.home,
        visited=member.visited,
        nickname=member.nickname,
        language=member.language,
        points=member.points,
        tokens=(("code", member.number), *beacon),
        bought=member.bought,
        viewed=member.viewed,
        coupons=member.coupons,
        segments=member.segments,
    )


def _enrol(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents
    from central.gate import address
    from central.keys import Keys

    now = _now()
    with _database(settings) as connection:
        root = Keys.open(settings.keys, now, begun=agents.certified(connection)).anchor(now)
        name, secret = agents.make_code(connection, given.store, given.agent, now)
    said = secret + root.fingerprint
    groups = "-".join(said[at : at + 4] for at in range(0, len(said), 4))
    where = address(settings.names[0], _http_port(settings))
    until = now + agents.CODE_LASTS
    print(_json({"agent": name, "store": given.store, "code": f"{where}/{groups}", "until": until}))


def _http_port(settings: CentralConfig) -> int:
    if settings.http.port:
        return settings.http.port
    try:
        return int((settings.folder / "http.port").read_text())
    except (OSError, ValueError) as error:
        raise CentralError(
            "Nobody knows the port of central.http.", fix="Give it one, or start central first."
        ) from error


def _keys(settings: CentralConfig, _: argparse.Namespace) -> None:
    from central.keys import Keys

    for key in Keys.open(settings.keys, _now()).all():
        print(_json({"id": key.id, "purpose": key.purpose, "from": key.start, "until": key.until}))


def _rotate_key(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central.keys import Keys

    key = Keys.open(settings.keys, _now()).rotate(given.purpose, _now())
    print(_json({"id": key.id, "purpose": key.purpose, "from": key.start, "until": key.until}))


def _member_code(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents, codes
    from central.keys import Keys

    now = _now()
    with _database(settings) as connection:
        keys = Keys.open(settings.keys, now, begun=agents.certified(connection))
        issued = codes.issue(connection, keys, given.customer, now, given.count, settings.codes.good_for)
    if given.svg is not None:
        given.svg.write_text(codes.symbol(issued[0].code))
    for one in issued:
        print(_json(codes.told(one)))


def _renew_code(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import codes

    with _database(settings) as connection:
        codes.renew(connection, given.customer)


def _access(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents
    from central.gate import admission
    from central.keys import Keys

    with _database(settings, writes=False) as connection:
        everyone = [(one.agent, one.store) for one in agents.admitted(connection, _now())]
        revoked = agents.revoked_certificates(connection, _now())
    made = admission(Keys.open(settings.keys, _now()), everyone, revoked, _now())
    print({"access": made.access, "trust": made.believed, "revoked": made.revocations}[given.what], end="")


def _revoke(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents

    with _database(settings) as connection:
        agents.revoke(connection, given.agent, _now())
    if isinstance(settings.broker, External):
        print("Give your brokers what `noren central access` prints, or they go on to let it in.", file=sys.stderr)


def _print_store_key(settings: CentralConfig, given: argparse.Namespace) -> None:
    print(_store_key(settings, given.store))


def _key(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import sources

    scopes = [scope.strip() for scope in given.may.split(",")]
    with _database(settings) as connection:
        key = sources.make_key(connection, given.name, scopes, datetime.now(UTC))
    print(_json({"name": given.name, "key": key}))


def _revoke_key(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import sources

    with _database(settings) as connection:
        sources.revoke_key(connection, given.name)


def _edit(settings: CentralConfig, given: argparse.Namespace) -> None:
    with _engine(settings) as engine:
        print({**editing.DO, **operating.DO, **printing.DO}[given.command](engine, settings.pictures, given), end="")


def _consent(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import consent

    change = consent.give if given.what == "give" else consent.withdraw
    with _database(settings) as connection:
        change(connection, given.customer, given.purposes, datetime.now(UTC))


def _command(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import commands

    body = None if given.body is None else given.body.encode()
    try:
        msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fix = 'Quote it for the shell: \'{"feed": "stock"}\'.'
        raise CentralError(f"The body is not JSON: {error}.", fix=fix) from error
    with _database(settings) as connection:
        agents = commands.targets(connection, given.of)
        good_for = timedelta(seconds=given.expires)
        waiting = {one.command: one for one in commands.ask(connection, agents, given.name, body, _now(), good_for)}
    failed = _replies(settings, waiting, given.wait) if given.wait > 0 else 0
    for one in waiting.values():
        print(_json(one))
    unanswered = len(waiting) if given.wait > 0 else 0
    if failed or unanswered:
        raise CentralError(f"{failed} of {len(agents)} agents could not do it, {unanswered} did not answer.")


def _replies(settings: CentralConfig, waiting: dict[str, Asked], seconds: float) -> int:
    """Print replies as they come and take them out of those that are waited for; gives how many say no."""
    from central import commands
    from central.storage.database import open_database, reading

    failed, end = 0, time.monotonic() + seconds
    engine = open_database(settings.url)
    try:
        # Polled: it is another process that takes the replies.
        while waiting and time.monotonic() < end:
            time.sleep(0.1)
            with reading(engine) as connection:
                found = commands.outcomes(connection, waiting)
            for one in found:
                if one.ok is not None:
                    print(_json(one), flush=True)
                    failed += not one.ok
                    del waiting[one.command]
    finally:
        engine.dispose()
    return failed


def _settings(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import rollout
    from ground import settings as files

    if given.file is not None:
        chosen = files.read(given.file, "settings", rollout.Chosen)
        with _database(settings) as connection:
            rollout.begin(connection, chosen, given.first, timedelta(seconds=given.hold), _now())
    with _database(settings, writes=False) as connection:
        print(_json(rollout.show(connection, _now())))


def _report(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central.ingest.report import report

    with _database(settings, writes=False) as connection:
        found = report(connection, plays=given.plays, posters=given.posters)
    print(_json(found) if given.json else msgspec.json.format(_json(found)))


def _replay(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central.ingest.replay import replay

    with _engine(settings) as engine:
        print(_json(replay(engine, datetime.now(UTC), given.agent)))


@contextmanager
def _database(settings: CentralConfig, *, writes: bool = True) -> Iterator[Connection]:
    from central.storage.database import reading, writing

    with _engine(settings) as engine, writing(engine) if writes else reading(engine) as connection:
        yield connection


@contextmanager
def _engine(settings: CentralConfig) -> Iterator[Engine]:
    from sqlalchemy.exc import DBAPIError

    from central.storage.database import open_database

    engine = open_database(settings.url)
    try:
        yield engine
    except DBAPIError as error:
        raise StorageError(
            f"The database cannot be used now: {error.orig}.", fix="Try again; if it stays so, see who holds it."
        ) from error
    finally:
        engine.dispose()


def _store_key(settings: CentralConfig, store: str) -> str:
    return member_code.store_key(settings.chain_key, store).hex()


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 <= seconds <= 31 * 86400:
        raise ValueError("not within a month")
    return seconds


def _now() -> datetime:
    return datetime.now(UTC)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_COMMANDS = {
    "serve": _serve,
    "check": _check,
    "migrate": _migrate,
    "load-sample": _load_sample,
    "enrol": _enrol,
    "revoke": _revoke,
    "keys": _keys,
    "rotate-key": _rotate_key,
    "member-code": _member_code,
    "renew-code": _renew_code,
    "access": _access,
    "store-key": _print_store_key,
    "key": _key,
    "revoke-key": _revoke_key,
    "consent": _consent,
    "command": _command,
    "settings": _settings,
    "report": _report,
    "replay": _replay,
    **dict.fromkeys((*editing.DO, *operating.DO, *printing.DO), _edit),
}
