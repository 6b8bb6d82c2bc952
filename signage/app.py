"""Puts a player together from its configuration, and takes it apart."""

from __future__ import annotations

import logging
import selectors
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from ground import memory, sqlite
from ground.errors import StorageError
from signage import storage
from signage.assets import Assets
from signage.bell import Bell
from signage.config import SignageConfig
from signage.contract import Playlist
from signage.display import Display
from signage.journal import Journal
from signage.link import Link
from signage.mirror import Mirror
from signage.pictures import Pictures
from signage.player import Player
from signage.playlist import Programme
from signage.proof import Proof
from signage.stage import STANDING, Stage
from signage.storage import Store
from signage.text import Typesetter

log = logging.getLogger(__name__)


def run(config: SignageConfig) -> None:
    """Play until SIGTERM or SIGINT; SIGUSR1 writes a snapshot. Raises NorenError if it cannot begin."""
    memory.give_back()
    counts: Counter[str] = Counter()
    database = config.folder / "player.db"
    with ExitStack() as open_:
        _hold(database, open_)
        selector = open_.enter_context(selectors.DefaultSelector())
        bell = open_.enter_context(Bell(selector))
        link = open_.enter_context(Link(config.socket, selector, counts))
        display = open_.enter_context(Display(config.display))
        typesetter = open_.enter_context(Typesetter(counts))
        assets = open_.enter_context(Assets(config.folder / "assets", counts))
        pictures = open_.enter_context(Pictures(assets, bell.ring, counts))
        store, kept = _kept(database, counts)
        player = Player(
            screen=config.screen,
            display=display,
            stage=Stage(display, pictures, typesetter, config.theme, counts),
            programme=Programme(STANDING, time.monotonic()),
            selector=selector,
            link=link,
            proof=open_.enter_context(Proof(store, bell.ring, counts)),
            assets=assets,
            journal=open_.enter_context(Journal(config.journal, config.screen, counts)),
            mirror=open_.enter_context(Mirror(config.mirror, counts)),
            picture=config.folder / "screen.png",
            counts=counts,
        )
        _listen_to_signals(player, bell, open_)
        player.run(kept)


def _hold(database: Path, open_: ExitStack) -> None:
    """Keep other players off the folder. Raises StorageError if there is one."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        open_.enter_context(sqlite.hold(database, "player"))
    except OSError as error:
        why = {"folder": str(database.parent), "why": error.strerror}
        log.error("the player's folder takes no files; it plays without memory", extra={"fields": why})


def _kept(database: Path, counts: Counter[str]) -> tuple[Store | None, Playlist | None]:
    """Open what was kept; without it the screen plays all the same, and remembers nothing."""
    try:
        store = storage.opened(database, counts)
        return store, store.playlist()
    except (StorageError, sqlite3.Error) as error:
        counts["database_failed"] += 1
        log.error("%s The player goes on without it.", error)
        return None, None


def _listen_to_signals(player: Player, bell: Bell, open_: ExitStack) -> None:
    open_.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False))
    for number, act in (
        (signal.SIGTERM, player.stop),
        (signal.SIGINT, player.stop),
        (signal.SIGUSR1, player.snapshot),
    ):
        open_.callback(signal.signal, number, signal.signal(number, _handler(act)))


def _handler(act: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: act()
