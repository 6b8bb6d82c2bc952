"""What central's tests stand on: a real SQLite file, an enrolled agent, a real mosquitto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from central import agents
from central.storage.database import open_database, writing


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path / 'central.db'}")
    yield made
    made.dispose()


@pytest.fixture
def enrolled(engine: Engine) -> Engine:
    """A database that knows the agent pi-1 of the store ginza."""
    with writing(engine) as connection:
        agents.enrol(connection, "ginza", "pi-1")
    return engine
