"""The agent's end of a player's socket, against a listener that behaves and one that does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.model import ScreenId
from edge.screen import Player
from signage.contract import Clear, Hello, Played, for_player, line

SCREEN = ScreenId("s")
HELLO = Hello(screen="s", width=1920, height=1080, playlist="", layouts=("notice",))
PLAYED = Played(play="p1", scene="a", layout="notice", cause="scan")


class Listener:
    """Stands where a player would: says what it is told, keeps what it hears."""

    def __init__(self, says: bytes) -> None:
        self.says = says
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(self.says)
        while data := await reader.readline():
            self.heard.put_nowait(data)
        writer.close()


async def test_hello_played_and_a_message_each_way(tmp_path: Path) -> None:
    listener = Listener(line(HELLO) + b"junk\n" + b'{"kind":"from-the-future","body":1}\n' + line(PLAYED))
    got: asyncio.Queue[object] = asyncio.Queue()
    player = Player(
        SCREEN,
        str(tmp_path / "s"),
        hello=lambda screen, hello: got.put_nowait((screen, hello)),
        played=lambda screen, played: got.put_nowait((screen, played)),
    )
    assert not player.send(Clear(scene="a"))
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        assert await got.get() == (SCREEN, HELLO)
        assert await got.get() == (SCREEN, PLAYED)
        assert player.garbled == 1
        assert player.send(Clear(scene="a"))
        assert for_player(await listener.heard.get()) == Clear(scene="a")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_it_comes_back_when_the_player_does(tmp_path: Path) -> None:
    listener = Listener(line(HELLO))
    hellos: asyncio.Queue[Hello] = asyncio.Queue()
    player = Player(
        SCREEN, str(tmp_path / "s"), hello=lambda _, hello: hellos.put_nowait(hello), played=lambda *_: None
    )
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        await hellos.get()
        listener.writers[0].transport.abort()
        await hellos.get()
        assert player.connected
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not player.connected


async def test_a_line_without_end_closes_the_connection_and_nothing_else(tmp_path: Path) -> None:
    listener = Listener(line(HELLO) + b"x" * (3 << 20))
    hellos: asyncio.Queue[Hello] = asyncio.Queue()
    player = Player(
        SCREEN, str(tmp_path / "s"), hello=lambda _, hello: hellos.put_nowait(hello), played=lambda *_: None
    )
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        await hellos.get()
        await hellos.get()  # It connected again after giving the flood up.
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_player_is_asked_for_its_plays_by_a_new_connection(tmp_path: Path) -> None:
    listener = Listener(line(HELLO) + line(PLAYED))
    played: asyncio.Queue[Played] = asyncio.Queue()
    player = Player(SCREEN, str(tmp_path / "s"), hello=lambda *_: None, played=lambda _, play: played.put_nowait(play))
    player.again()  # Nobody is there to ask: it tells them when it comes.
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        assert await played.get() == PLAYED
        player.again()
        assert await played.get() == PLAYED
        assert len(listener.writers) == 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
