"""The player's SQLite file: the last playlist, the last time known, and the plays that the agent has not yet noted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ground import sqlite
from signage.contract import Played, Playlist

MIGRATIONS = Migrations("signage")


@MIGRATIONS(name="0001-playlist-and-plays")
def _first(database: Database) -> None:
    database.table("playlist").create({"one": int, "body": bytes}, pk="one")
    database.table("plays").create({"play": str, "body": bytes, "ended": int}, pk="play")


@MIGRATIONS(name="0002-clock-and-hour")
def _second(database: Database) -> None:
    database.table("clock").create({"one": int, "wall": float}, pk="one")
    database.table("hour").create({"play": str, "campaign": str, "wall": float}, pk="play")


_HOUR = 3600.0


class Store:
    """Plain statements on the open file; one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, counts: Counter[str]) -> None:
        self._connection = connection
        self._counts = counts

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit what is inside at once, with one fsync."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def playlist(self) -> Playlist | None:
        """Give the playlist kept last; None if there is none, or none that this program reads."""
        row = self._connection.execute("SELECT body FROM playlist WHERE one = 1").fetchone()
        try:
            return msgspec.json.decode(row[0], type=Playlist) if row else None
        except msgspec.DecodeError:
            self._counts["kept_unreadable"] += 1
            return None

    def keep(self, playlist: Playlist) -> None:
        body = msgspec.json.encode(playlist)
        self._connection.execute("INSERT OR REPLACE INTO playlist (one, body) VALUES (1, ?)", (body,))

    def begin(self, play: Played, *, again: bool = False) -> None:
        """Keep that it is on the screen, and with it, in the one fsync, what time it is and whose hour it counts in."""
        self._write(play, ended=False)
        self._connection.execute("INSERT OR REPLACE INTO clock (one, wall) VALUES (1, ?)", (play.wall,))
        if play.campaign is not None and play.cause == "schedule" and not again:
            self._connection.execute(
                "INSERT OR REPLACE INTO hour (play, campaign, wall) VALUES (?, ?, ?)",
                (play.play, play.campaign, play.wall),
            )
            self._connection.execute(
                "DELETE FROM hour WHERE wall < ? OR wall > ?", (play.wall - _HOUR, play.wall + _HOUR)
            )

    def clock(self) -> float:
        """Give the last time known, in seconds since 1970; 0 where there is none."""
        row = self._connection.execute("SELECT wall FROM clock WHERE one = 1").fetchone()
        return float(row[0]) if row and isinstance(row[0], (int, float)) else 0.0

    def hour(self) -> list[tuple[str, float]]:
        """Give the campaigns played within an hour of that time, and when."""
        rows = self._connection.execute("SELECT campaign, wall FROM hour ORDER BY wall").fetchall()
        return [(str(campaign), float(wall)) for campaign, wall in rows]

    def end(self, play: Played) -> None:
        self._write(play, ended=True)

    def forget(self, play: str) -> None:
        self._connection.execute("DELETE FROM plays WHERE play = ?", (play,))

    def unnoted(self) -> list[Played]:
        """Give the plays not noted, in the order of their first frames; one still open was lost with its player."""
        plays: list[Played] = []
        for body, ended in self._connection.execute("SELECT body, ended FROM plays ORDER BY rowid").fetchall():
            try:
                play = msgspec.json.decode(body, type=Played)
            except msgspec.DecodeError:
                self._counts["kept_unreadable"] += 1
                continue
            if not ended:
                play = replace(play, ended="lost")
                self.end(play)
            plays.append(play)
        return plays

    def close(self) -> None:
        self._connection.close()

    def _write(self, play: Played, *, ended: bool) -> None:
        self._connection.execute(
            "INSERT INTO plays (play, body, ended) VALUES (?, ?, ?)"
            " ON CONFLICT (play) DO UPDATE SET body = excluded.body, ended = excluded.ended",
            (play.play, msgspec.json.encode(play), ended),
        )


def opened(path: Path, counts: Counter[str]) -> Store:
    """Open the file and bring it up to date. Raises StorageError."""
    connection = sqlite.connect(path)
    try:
        sqlite.migrate(connection, MIGRATIONS, path)
    except BaseException:
        connection.close()
        raise
    return Store(connection, counts)
