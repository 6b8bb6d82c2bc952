"""What is called out at central is on the screens of a real store, in all its languages, until it is taken back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chain_processes import Chain, running

from central import config, content, emergency
from central.storage.database import open_database, writing
from ground.programme.records import Content, Texts
from signage.contract import Hello, Playlist, for_player, line

pytestmark = pytest.mark.system


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with running(tmp_path) as made:
        yield made


@contextmanager
def player(at: Path) -> Iterator[Iterator[Playlist]]:
    """A player's place at its socket: the playlists that come."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(at))
        listening.listen()
        made, _ = listening.accept()
        with made, made.makefile("rb") as lines:
            made.settimeout(120)  # Never a measure, only an end.
            made.sendall(line(Hello(screen="s", width=1920, height=1080, playlist="", layouts=())))
            yield (message for data in lines if isinstance(message := for_player(data), Playlist))


def called_out(playlist: Playlist) -> list[str]:
    turns = [turn.scene for slot in playlist.slots if slot.emergency for turn in slot.turns]
    titles = {scene.scene: (scene.layout, scene.title) for scene in playlist.items}
    return [" ".join(titles[scene]) for scene in turns]


def test_an_emergency_comes_at_once_and_goes_when_it_is_taken_back(chain: Chain) -> None:
    engine = open_database(config.read(chain.file).url)
    now = datetime.now(UTC)
    with player(chain.folder / "ginza.sock") as came:
        with writing(engine) as connection:
            content.save(connection, [Content(content="one", layout="campaign", title={"ja": "秋"}, order=1)])
        next(playlist for playlist in came if playlist.items)
        with writing(engine) as connection:
            title: Texts = {"ja": "避難してください", "en": "Leave now"}
            call = emergency.Call(title=title, text={}, until=now + timedelta(hours=1))
            emergency.begin(connection, call, now)
        shown = next(playlist for playlist in came if called_out(playlist))
        assert called_out(shown) == ["emergency 避難してください", "emergency Leave now"]
        with writing(engine) as connection:
            emergency.end(connection)
        left = next(playlist for playlist in came if not called_out(playlist))
        assert [scene.content for scene in left.items] == ["one"] * len(left.items)
    engine.dispose()
