"""What central's tests stand on: a real SQLite file, the keys of a chain, an enrolled agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import chain_keys
import pytest
from sqlalchemy import Engine

from central.keys import Keys
from central.storage.database import open_database, writing


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path / 'central.db'}")
    yield made
    made.dispose()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.open(tmp_path / "keys", chain_keys.now())


@pytest.fixture
def enrolled(engine: Engine) -> Engine:
    """A database that knows the agent pi-1 of the store ginza."""
    with writing(engine) as connection:
        chain_keys.known(connection, "ginza", "pi-1")
    return engine
