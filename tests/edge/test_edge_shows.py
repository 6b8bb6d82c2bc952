"""A whole agent and a player's end: what it is handed, what it says of itself, and what central hears of that."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from edge_certificates import Authority
from edge_pages import take

from central.contract import codec, commands
from edge.app import App, opened
from edge.config import Broker, EdgeConfig, ScreenConfig, Zone
from ground.programme.records import Campaign, Content
from signage.contract import Hello, Now, Order, Playlist, Snapshot, ToPlayer, Vitals, for_player, line

CHAIN = Authority()


class Listener:
    """Stands where a player would."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[ToPlayer | None] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line(Hello(screen="s", width=1920, height=1080, playlist="", layouts=())))
        vitals = Vitals(driver="x", connected=True, powered=True, fps=30, counts={}, troubles=("its font is broken.",))
        writer.write(line(vitals))
        while data := await reader.readline():
            self.heard.put_nowait(for_player(data))
        writer.close()


async def asked(app: App, name: str) -> commands.Reply:
    """What an agent replies to this command."""
    made = commands.Command(command=f"c-{name}", name=name, expires=datetime(2099, 1, 1, tzinfo=UTC))
    return await app.commands._do(made)


async def test_an_agent_hands_its_player_the_programme_and_passes_orders_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "edge"
    CHAIN.enrolled(folder, [Broker(host="127.0.0.1", port=1)])  # Nobody listens there.
    screens = (ScreenConfig(screen="s", socket=tmp_path / "s", zones=("shelf",)),)
    config = EdgeConfig(folder=folder, zones=(Zone(zone="shelf"),), sensors=(), screens=screens)
    listener, stop = Listener(), asyncio.Event()
    async with (
        await asyncio.start_unix_server(listener.serve, tmp_path / "s"),
        opened(config) as app,
    ):
        contents: dict[str, object | None] = {
            name: Content(content=name, layout="campaign", title={"ja": name}, order=0) for name in ("a", "b")
        }
        await take(app.replica, "content", contents, scope="chain")
        running = asyncio.create_task(app.run(stop))
        assert isinstance(await listener.heard.get(), Now)
        first = await listener.heard.get()
        assert isinstance(first, Playlist)
        assert [item.scene for item in first.items] == ["a-ja", "b-ja"]
        await take(app.replica, "campaigns", {"k": Campaign(campaign="k", name="k", contents=("b",))}, scope="chain")
        app._changed("campaigns", frozenset("k"))
        second = await listener.heard.get()
        assert isinstance(second, Playlist)
        assert [slot.campaign for slot in second.slots] == ["k", "loop"]
        assert (await asked(app, "screen-off")).ok
        assert await listener.heard.get() == Order(order="off")
        assert (await asked(app, "snapshot")).ok
        assert isinstance(await listener.heard.get(), Snapshot)
        told = codec.decode(codec.encode(app._status(app.counts())), commands.Status)
        assert told.counts["s-fps"] == 30
        assert "disk_free_mb" in told.counts
        assert "screen-s: its font is broken." in told.troubles
        stop.set()
        await running
    assert not capsys.readouterr().err
