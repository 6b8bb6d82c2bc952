"""The commands of central; each loads only what it needs."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from central import config
from central.config import CentralConfig
from central.contract import member_code
from central.contract.feeds import PURPOSES
from ground import log
from ground.errors import NorenError, StorageError
from ground.settings import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from central.contract.events import Means
    from central.profiles import Customer
    from central.sample import Chain, Member


def main(argv: Sequence[str]) -> int:
    """Run one command; 0 is good, 1 is trouble told in a sentence, 2 is a configuration with problems."""
    if argv[:1] == ["demo"]:
        from central.demo import command

        return command(argv[1:])
    given = _parser().parse_args(argv)
    try:
        if given.command == "page":
            from central.page import app

            app.run(given.socket, given.port)
            return 0
        settings = config.read(given.config)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="noren central", description="The central service of a chain.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=says, description=says)
        added.add_argument("config", type=Path, metavar="CONFIG", help="a file with a section central:")
        return added

    command("serve", "run central until it is told to stop")
    command("check", "list every problem of a configuration")
    command("migrate", "bring the database up to date")
    load_sample = command("load-sample", "fill the database with a sample chain")
    load_sample.add_argument("--seed", type=int, default=1)
    load_sample.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="keep there what was drawn, for the next time"
    )
    enrol = command("enrol", "let an agent of a store in, and print its password once")
    enrol.add_argument("store")
    enrol.add_argument("agent")
    command("revoke", "take nothing from an agent any more").add_argument("agent")
    command("store-key", "print the key of a store's tokens").add_argument("store")
    command("key", "let a web shop or a register in, and print its key once").add_argument("name")
    command("revoke-key", "take nothing from a web shop or a register any more").add_argument("name")
    consent = command("consent", "note what a customer agrees to, or no longer")
    consent.add_argument("customer")
    consent.add_argument("what", choices=("give", "withdraw"))
    consent.add_argument("purposes", nargs="+", choices=PURPOSES, metavar="PURPOSE", help=", ".join(PURPOSES))
    report = command("report", "tell what is stored, by agent and epoch")
    report.add_argument("--json", action="store_true", help="as one line of JSON")
    report.add_argument("--plays", action="store_true", help="with every proof of play")
    page = commands.add_parser("page", help="the store page beside a demo, which starts it")
    page.add_argument("--socket", type=Path, required=True, help="the demo's window")
    page.add_argument("--port", type=int, default=8711, help="on loopback; any free one where it is taken")
    commands.add_parser("demo", help="three stores on this machine", add_help=False)
    return parser


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
        catalogue.save_stores(connection, {one.store: one.name for one in chain.stores})
        catalogue.save_products(connection, chain.products)
        for store, items in chain.stock.items():
            catalogue.save_stock(connection, store, items)
        content.save(connection, chain.content)
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
    )


def _enrol(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents

    with _database(settings) as connection:
        password = agents.enrol(connection, given.store, given.agent)
    print(_json({"agent": given.agent, "password": password, "key": _store_key(settings, given.store)}))


def _revoke(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents

    with _database(settings) as connection:
        agents.revoke(connection, given.agent)


def _print_store_key(settings: CentralConfig, given: argparse.Namespace) -> None:
    print(_store_key(settings, given.store))


def _key(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents

    with _database(settings) as connection:
        key = agents.make_key(connection, given.name, datetime.now(UTC))
    print(_json({"name": given.name, "key": key}))


def _revoke_key(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import agents

    with _database(settings) as connection:
        agents.revoke_key(connection, given.name)


def _consent(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central import consent

    change = consent.give if given.what == "give" else consent.withdraw
    with _database(settings) as connection:
        change(connection, given.customer, given.purposes, datetime.now(UTC))


def _report(settings: CentralConfig, given: argparse.Namespace) -> None:
    from central.ingest.report import report

    with _database(settings, writes=False) as connection:
        found = report(connection, plays=given.plays)
    print(_json(found) if given.json else msgspec.json.format(_json(found)))


@contextmanager
def _database(settings: CentralConfig, *, writes: bool = True) -> Iterator[Connection]:
    from sqlalchemy.exc import DBAPIError

    from central.storage.database import open_database, reading, writing

    engine = open_database(settings.url)
    try:
        with writing(engine) if writes else reading(engine) as connection:
            yield connection
    except DBAPIError as error:
        raise StorageError(
            f"The database cannot be used now: {error.orig}.", fix="Try again; if it stays so, see who holds it."
        ) from error
    finally:
        engine.dispose()


def _store_key(settings: CentralConfig, store: str) -> str:
    return member_code.store_key(settings.chain_key, store).hex()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_COMMANDS = {
    "serve": _serve,
    "check": _check,
    "migrate": _migrate,
    "load-sample": _load_sample,
    "enrol": _enrol,
    "revoke": _revoke,
    "store-key": _print_store_key,
    "key": _key,
    "revoke-key": _revoke_key,
    "consent": _consent,
    "report": _report,
}
