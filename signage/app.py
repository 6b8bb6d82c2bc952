"""Puts a player together from its configuration, and takes it apart."""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ground import memory, sqlite
from ground.errors import StorageError
from signage import storage
from signage.assets import Assets
from signage.bell import Bell
from signage.chimes import Chimes
from signage.config import DisplayConfig, SignageConfig
from signage.contract import Playlist
from signage.display import Display
from signage.errors import NoScreen
from signage.films import Films
from signage.journal import Journal
from signage.likeness import Likeness
from signage.link import Link
from signage.mirror import Mirror
from signage.pictures import Pictures
from signage.player import Player
from signage.playlist import Programme
from signage.power import Power, Switch
from signage.proof import Proof
from signage.showing import Showing
from signage.stage import STANDING, Stage
from signage.storage import Store
from signage.text import Typesetter
from signage.wall import Wall

log = logging.getLogger(__name__)


def run(config: SignageConfig) -> None:
    """Play until SIGTERM or SIGINT; SIGUSR1 writes a snapshot. Raises NorenError if it cannot begin."""
    memory.give_back()
    counts: Counter[str] = Counter()
    database = config.folder / "player.db"
    with ExitStack() as open_:
        _hold(database, open_)
        _claim(config.display, open_)
        selector = open_.enter_context(selectors.DefaultSelector())
        bell = open_.enter_context(Bell(selector))
        link = open_.enter_context(Link(config.socket, selector, counts))
        display = open_.enter_context(Display(config.display))
        typesetter = open_.enter_context(Typesetter(counts, own=(config.theme.regular, config.theme.bold)))
        assets = open_.enter_context(Assets(config.folder / "assets", counts))
        pictures = open_.enter_context(Pictures(assets, bell.ring, counts))
        films = open_.enter_context(Films(assets, counts, config.display.rotate))
        kept = _kept(database, counts)
        wall = Wall(kept.clock)
        programme = Programme(STANDING, time.monotonic(), wall.at)
        stage = Stage(display, pictures, typesetter, config.theme, counts, films)
        open_.callback(stage.close)
        proof = open_.enter_context(Proof(kept.store, bell.ring, counts))
        journal = open_.enter_context(Journal(config.journal, config.screen, counts))
        player = Player(
            screen=config.screen,
            display=display,
            stage=stage,
            programme=programme,
            selector=selector,
            link=link,
            proof=proof,
            showing=Showing(stage, programme, proof, journal, wall),
            assets=assets,
            mirror=open_.enter_context(Mirror(config.mirror, counts)),
            likeness=Likeness(pictures, typesetter, config.theme, counts, bell.ring),
            power=Power(config.hours, open_.enter_context(Switch(config.display, counts))),
            wall=wall,
            chimes=open_.enter_context(Chimes(config.volume, counts)),
            picture=config.folder / "screen.png",
            counts=counts,
        )
        _listen_to_signals(player, bell, open_)
        player.run(kept.playlist, kept.hour)


def _hold(database: Path, open_: ExitStack) -> None:
    """Keep other players off the folder. Raises StorageError if there is one."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        open_.enter_context(sqlite.hold(database, "player"))
    except OSError as error:
        why = {"folder": str(database.parent), "why": error.strerror}
        log.error("the player's folder takes no files; it plays without memory", extra={"fields": why})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What an earlier player has left on the disk."""

    store: Store | None = None
    playlist: Playlist | None = None
    clock: float = 0.0
    hour: Sequence[tuple[str, float]] = ()


def _kept(database: Path, counts: Counter[str]) -> _Kept:
    """Open what was kept; without it the screen plays all the same, and remembers nothing."""
    try:
        store = storage.opened(database, counts)
        return _Kept(store=store, playlist=store.playlist(), clock=store.clock(), hour=store.hour())
    except (StorageError, sqlite3.Error) as error:
        counts["database_failed"] += 1
        log.error("%s The player goes on without it.", error)
        return _Kept()


def _claim(config: DisplayConfig, open_: ExitStack) -> None:
    """Keep other players off the display. Raises NoScreen if there is one.

    A name that is no file: Linux takes it away with its process, however that ends, and no folder hides it.
    """
    if config.mode != "full":
        return
    claimed = open_.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    try:
        claimed.bind(f"\0noren-display-{config.output}")
    except OSError as error:
        raise NoScreen(
            f"Another player already shows on the display {config.output or 'of this device'}.",
            fix="Stop it, or give each player a display of its own by display.output.",
        ) from error


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
