"""The agent's end of a player's socket, against a listener that behaves and one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from edge.model import ScreenId
from edge.screen import Player
from edge.seal import Seal, seal_carry
from signage.contract import MAX_LINE, Clear, Hello, Picture, Played, Scene, Show, Vitals, for_player, line

SCREEN = ScreenId("s")
SEAL = Seal(bytes(32))
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
        seal=SEAL,
        store="ginza",
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


async def test_how_it_is_is_known_while_it_is_there_and_its_pictures_are_passed_on(tmp_path: Path) -> None:
    well = Vitals(driver="kmsdrm", connected=True, powered=True, fps=59.6, counts={"late": 3})
    pulled = replace(well, connected=False, troubles=("its font is broken.",))
    picture = Picture(snapshot="x", png=b"png")
    listener = Listener(line(HELLO) + line(well) + line(picture))
    got: asyncio.Queue[object] = asyncio.Queue()
    player = Player(
        SCREEN,
        str(tmp_path / "s"),
        seal=SEAL,
        store="ginza",
        hello=lambda *_: None,
        played=lambda *_: None,
        picture=lambda screen, one: got.put_nowait((screen, one)),
    )

    def told() -> tuple[dict[str, int], tuple[str, ...]]:
        return player.counts, player.troubles

    assert told() == ({}, ())
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        assert await got.get() == (SCREEN, picture)
        assert told() == ({"s-late": 3, "s-fps": 60, "s-powered": 1}, ())
        listener.writers[0].write(line(pulled) + line(picture))
        await got.get()
        assert told()[1] == (
            "screen-s: its font is broken.",
            "screen-s: no display answers: look at its cable and its power.",
        )
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told() == ({}, ())


async def test_it_comes_back_when_the_player_does(tmp_path: Path) -> None:
    listener = Listener(line(HELLO))
    hellos: asyncio.Queue[Hello] = asyncio.Queue()
    player = Player(
        SCREEN,
        str(tmp_path / "s"),
        seal=SEAL,
        store="ginza",
        hello=lambda _, hello: hellos.put_nowait(hello),
        played=lambda *_: None,
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
    listener = Listener(line(HELLO) + b"x" * (MAX_LINE + (1 << 20)))
    hellos: asyncio.Queue[Hello] = asyncio.Queue()
    player = Player(
        SCREEN,
        str(tmp_path / "s"),
        seal=SEAL,
        store="ginza",
        hello=lambda _, hello: hellos.put_nowait(hello),
        played=lambda *_: None,
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
    player = Player(
        SCREEN,
        str(tmp_path / "s"),
        seal=SEAL,
        store="ginza",
        hello=lambda *_: None,
        played=lambda _, play: played.put_nowait(play),
    )
    player.again()  # Nobody is there to ask: it tells them when it comes.
    async with await asyncio.start_unix_server(listener.serve, tmp_path / "s"):
        running = asyncio.create_task(player.run())
        assert await played.get() == PLAYED
        player.again()
        assert await played.get() == PLAYED
        assert len(listener.writers) == 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


SHOW = Show(
    scene=Scene(scene="a", layout="notice", language="ja", title="t"),
    cause="scan",
    trigger_ns=1,
    decided_ns=2,
    carry={"customers": ["c-minami"], "level": 2},
)


class Ends:
    """An agent's end, and what it was told; `listener` says what a player says."""

    def __init__(self, folder: Path, seal: Seal, listener: Listener) -> None:
        self.socket, self.listener = folder / "s", listener
        self.heard: asyncio.Queue[Played] = asyncio.Queue()
        self.player = Player(
            SCREEN,
            str(self.socket),
            seal=seal,
            store="ginza",
            hello=lambda *_: None,
            played=lambda _, play: self.heard.put_nowait(play),
        )

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        async with await asyncio.start_unix_server(self.listener.serve, self.socket):
            running = asyncio.create_task(self.player.run())
            try:
                yield
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


async def test_whom_a_scene_is_for_a_player_only_keeps(tmp_path: Path) -> None:
    listener = Listener(line(HELLO) + line(PLAYED))
    ends = Ends(tmp_path, SEAL, listener)
    async with ends.connected():
        await ends.heard.get()  # By then it is connected.
        assert ends.player.send(SHOW)
        data = await listener.heard.get()
        assert b"c-minami" not in data
        told = for_player(data)
        assert isinstance(told, Show)
        assert replace(told, carry={}) == replace(SHOW, carry={})
        listener.writers[-1].write(line(replace(PLAYED, carry=told.carry)))
        assert (await ends.heard.get()).carry == SHOW.carry
        listener.writers[-1].write(line(replace(PLAYED, carry={"sealed": "bm90IG91cnM="})))
        assert (await ends.heard.get()).carry == {}, "a play that was for nobody knows whom is a play"
        assert ends.player.carries_broken == 1


async def test_a_play_that_cannot_be_opened_yet_is_asked_for_again(tmp_path: Path) -> None:
    carry = seal_carry(SEAL, SHOW.carry, "ginza")
    listener = Listener(line(HELLO) + line(replace(PLAYED, carry=carry)) + line(replace(PLAYED, play="p2")))
    seal = Seal()
    ends = Ends(tmp_path, seal, listener)
    async with ends.connected():
        assert (await ends.heard.get()).play == "p2"
        seal.unlock(bytes(32))
        told = [await ends.heard.get() for _ in range(2)]
        assert [(play.play, play.carry) for play in told] == [("p1", SHOW.carry), ("p2", {})]
