"""What central takes away leaves the screens of real stores, the last of it too."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chain_processes import Chain, running
from sqlalchemy import Connection, Engine

from central import config, content, dirty
from central.storage import tables
from central.storage.database import open_database, writing
from ground.programme.records import Content
from signage.contract import Hello, Playlist, for_player, line

pytestmark = pytest.mark.system


@contextmanager
def playlists(at: Path) -> Iterator[Iterator[list[str]]]:
    """A player's place at its socket: what each playlist that comes has in it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(at))
        listening.listen()
        player, _ = listening.accept()
        with player, player.makefile("rb") as lines:
            player.settimeout(120)  # Never a measure, only an end.
            player.sendall(line(Hello(screen="s", width=1920, height=1080, playlist="", layouts=())))
            yield (
                [item.scene for item in message.items]
                for data in lines
                if isinstance(message := for_player(data), Playlist)
            )


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with running(tmp_path) as made:
        yield made


def remove(connection: Connection, *items: str) -> None:
    connection.execute(tables.content.delete().where(tables.content.c.content.in_(items)))
    dirty.mark(connection, "content", items)


@contextmanager
def database(chain: Chain) -> Iterator[Engine]:
    engine = open_database(config.read(chain.file).url)
    try:
        yield engine
    finally:
        engine.dispose()


def until(came: Iterator[list[str]], wanted: list[str]) -> None:
    for scenes in came:
        if scenes == wanted:
            return
    raise AssertionError(f"the agent left and never sent {wanted}")


def test_the_last_content_that_is_taken_away_leaves_the_player(chain: Chain) -> None:
    items = [
        Content(content=name, layout="campaign", title={"ja": "秋", "en": "Autumn"}, order=order)
        for order, name in enumerate(("one", "two"), 1)
    ]
    with database(chain) as engine, playlists(chain.folder / "ginza.sock") as came:
        with writing(engine) as connection:
            content.save(connection, items)
        until(came, ["one-ja", "one-en", "two-ja", "two-en"])
        with writing(engine) as connection:
            remove(connection, "one")
        until(came, ["two-ja", "two-en"])
        with writing(engine) as connection:
            remove(connection, "two")
        until(came, [])
    # Also where the agent was away when it went: what it shows is no longer what central has.
    with database(chain) as engine, playlists(chain.folder / "ueno.sock") as came:
        with writing(engine) as connection:
            content.save(connection, items)
        until(came, ["one-ja", "one-en", "two-ja", "two-en"])
        chain.kill("ueno")
        with writing(engine) as connection:
            remove(connection, "one", "two")
    (chain.folder / "ueno.sock").unlink()
    chain.agent("ueno")
    with playlists(chain.folder / "ueno.sock") as came:
        until(came, [])
