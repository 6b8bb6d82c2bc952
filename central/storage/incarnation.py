"""Finds out that the database was restored from a backup, by a name that only the newest one shares with a file."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from central.storage.database import writing
from central.storage.tables import generation
from ground import files

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two renewals: a backup is known for one when it is older than that. The database must be one
central's alone."""


class Incarnation:
    """The name that database and file share, renewed again and again: first the database, then the file.

    The database also holds the name before, so that a power cut between the two is no alarm. Of a database that was
    restored they differ (or the file is gone): what stores have of it is not what it has, so it becomes another
    generation and they take everything anew. Where the file was restored with it nothing is seen here; the stores
    see it themselves, by acknowledgements that go back.
    """

    def __init__(self, engine: Engine, file: Path, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._file = file
        self._now = now
        self._said = ""
        """What the file holds."""
        self._one_at_a_time = threading.Lock()

    def begin(self) -> bool:
        """Compare and renew; True, and an alarm in the log and in `generation.restored`, where it was restored."""
        with self._one_at_a_time:
            return self._begin()

    def renew(self) -> None:
        """Take another name; where somebody restored the database meanwhile, as `begin`. Raises DBAPIError."""
        with self._one_at_a_time:
            with writing(self._engine) as connection:
                held = connection.scalar(select(generation.c.incarnation)) or ""
                name = self._rename(connection) if self._said in held.split(" ") else None
            if name is None:
                self._begin()
            else:
                self._write(name)

    def _begin(self) -> bool:
        try:
            self._said = self._file.read_text(errors="replace").strip()
        except FileNotFoundError:
            self._said = ""
        with writing(self._engine) as connection:
            held = connection.scalar(select(generation.c.incarnation)) or ""
            restored = bool(held) and self._said not in held.split(" ")
            if not held and not self._said:
                self._write(secrets.token_hex(8))  # A power cut before the first name's file must be no alarm either.
            if restored:
                other = secrets.token_hex(8)
                connection.execute(generation.update().values(generation=other, restored=self._now()))
            name = self._rename(connection)
        if restored:
            log.error("the database was restored from a backup, or is another: every store takes its feeds anew")
        self._write(name)
        return restored

    def _rename(self, connection: Connection) -> str:
        name = secrets.token_hex(8)
        connection.execute(generation.update().values(incarnation=f"{name} {self._said}".strip()))
        return name

    def _write(self, name: str) -> None:
        try:
            files.put(self._file, name.encode())
        except OSError as error:  # The database still knows the name of before.
            log.warning("the file %s could not be renewed: %s", self._file, error)
        else:
            self._said = name
