"""What an older player left on its disk is still shown, and still told."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from ground.errors import StorageError
from signage.storage import opened

VERSIONS = sorted((Path(__file__).parents[1] / "versions").glob("player-*.sql"))


@pytest.fixture(params=VERSIONS, ids=lambda file: file.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file: Path = tmp_path / "player.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(request.param.read_text())
    return file


def test_the_playlist_and_the_plays_of_before_are_there(old: Path) -> None:
    counts: Counter[str] = Counter()
    store = opened(old, counts)
    playlist, plays = store.playlist(), store.unnoted()
    store.close()
    assert playlist is not None
    assert playlist.items
    assert [play.ended for play in plays] == ["lost"], "it was open when its player ended"
    assert not counts


def test_a_disk_of_a_newer_player_is_refused_and_left_alone(old: Path) -> None:
    opened(old, Counter()).close()
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('signage', '0099-x', '')"
        )
        connection.commit()
    before = old.read_bytes()
    with pytest.raises(StorageError, match=r"newer program .*: 0099-x\. Install "):
        opened(old, Counter())
    assert old.read_bytes() == before
