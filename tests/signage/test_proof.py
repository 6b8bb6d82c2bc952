"""Proof of play on a real database: kept until noted, told as lost after a crash, never in the way of the screen."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ground import sqlite
from ground.errors import StorageError
from signage import storage
from signage.contract import Played, Playlist, Scene, for_agent
from signage.proof import Proof
from signage.storage import Store

PLAY = Played(play="a", scene="s", layout="greeting", cause="scan", first_frame_ns=7, wall=1.5, carry={"level": 2})
ENDED = replace(PLAY, ended_ns=9, ended="cleared")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "player.db"


def opened(path: Path, counts: Counter[str]) -> Proof:
    return Proof(storage.opened(path, counts), lambda: None, counts)


def heard(lines: list[bytes]) -> list[Played]:
    read = [for_agent(line.rstrip()) for line in lines]
    return [message for message in read if isinstance(message, Played)]


def after_restart(path: Path, counts: Counter[str]) -> list[Played]:
    with opened(path, counts) as proof:
        proof.settled()
        return heard(proof.waiting())


def test_a_play_is_told_when_it_is_durable_and_kept_until_noted(path: Path, counts: Counter[str]) -> None:
    with opened(path, counts) as proof:
        proof.begin(PLAY)
        assert proof.settled() == []
        proof.end(ENDED)
        proof.finish()
        assert heard(proof.settled()) == [ENDED]
        assert heard(proof.waiting()) == [ENDED]
    assert after_restart(path, counts) == [ENDED]
    with opened(path, counts) as proof:
        proof.settled()
        proof.noted("unknown")
        proof.noted("a")
        assert proof.waiting() == []
    assert after_restart(path, counts) == []


def test_a_play_open_at_a_crash_is_told_as_lost(path: Path, counts: Counter[str]) -> None:
    with opened(path, counts) as proof:
        proof.begin(PLAY)
    lost = replace(PLAY, ended="lost")
    assert after_restart(path, counts) == [lost]
    assert after_restart(path, counts) == [lost]  # And again, until it is noted.


def test_a_full_disk_stops_nothing(path: Path, counts: Counter[str]) -> None:
    connection = sqlite.connect(path)
    sqlite.migrate(connection, storage.MIGRATIONS, path)
    connection.execute("PRAGMA max_page_count=1")  # SQLite takes the pages in use: not one more, as on a full card.
    store = Store(connection, counts)
    large = replace(ENDED, carry={"long": "x" * 100_000})
    with Proof(store, lambda: None, counts) as proof:
        proof.begin(PLAY)
        proof.end(large)
        proof.finish()
        assert heard(proof.settled()) == [large]
    assert counts["writes_failed"] > 0


def test_without_a_database_plays_are_told_from_memory(counts: Counter[str]) -> None:
    with Proof(None, lambda: None, counts) as proof:
        proof.begin(PLAY)
        proof.end(ENDED)
        assert heard(proof.settled()) == [ENDED]
        proof.noted("a")
        assert proof.waiting() == []


def test_an_agent_that_never_comes_does_not_fill_the_memory(counts: Counter[str]) -> None:
    with Proof(None, lambda: None, counts, most=10) as proof:
        for number in range(15):
            proof.end(replace(ENDED, play=f"p{number}"))
            proof.settled()
        assert [play.play for play in heard(proof.waiting())] == [f"p{number}" for number in range(5, 15)]
    assert counts["plays_dropped"] == 5


def test_the_playlist_is_there_after_a_restart(path: Path, counts: Counter[str]) -> None:
    playlist = Playlist(version="v1", items=(Scene(scene="a", layout="notice", language="ja", title="夏"),))
    with opened(path, counts) as proof:
        proof.keep(playlist)
        proof.keep(replace(playlist, version="v2"))
    store = storage.opened(path, counts)
    assert store.playlist() == replace(playlist, version="v2")
    store.close()


def test_rows_that_cannot_be_read_are_set_aside_and_counted(path: Path, counts: Counter[str]) -> None:
    store = storage.opened(path, counts)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO plays VALUES ('bad', 'no json', 1)")
    connection.execute("INSERT INTO playlist VALUES (1, '{}')")
    connection.commit()
    connection.close()
    store.end(ENDED)
    assert store.playlist() is None
    assert store.unnoted() == [ENDED]
    store.close()
    assert counts["kept_unreadable"] == 2


@pytest.mark.parametrize("kept", [b"this is no database" * 100, b""], ids=["spoiled", "empty"])
def test_a_spoiled_file_is_a_sentence_and_an_empty_one_a_new_beginning(
    kept: bytes, path: Path, counts: Counter[str]
) -> None:
    path.write_bytes(kept)
    if kept:
        with pytest.raises(StorageError, match=r"player\.db"):
            storage.opened(path, counts)
    else:
        assert after_restart(path, counts) == []


def test_a_database_of_a_newer_program_is_not_touched(path: Path, counts: Counter[str]) -> None:
    storage.opened(path, counts).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('signage', '9999', 'tomorrow')"
    )
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="newer program"):
        storage.opened(path, counts)


def test_together_is_all_or_nothing(path: Path, counts: Counter[str]) -> None:
    store: Store = storage.opened(path, counts)

    def interrupted() -> None:
        with store.together():
            store.end(ENDED)
            raise RuntimeError("between two writes")

    with pytest.raises(RuntimeError, match="between"):
        interrupted()
    assert store.unnoted() == []
    store.close()
