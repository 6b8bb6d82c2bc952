"""What central commands of screens reaches players, and only a picture that was asked for reaches central."""

from __future__ import annotations

import pytest
from edge_wire import Wire

from central.contract.codec import Unreadable, encode
from central.contract.commands import ScreenPicture
from edge.clock import Clock
from edge.errors import EdgeError
from edge.model import ScreenId
from edge.orders import MOST_ASKED, MOST_BYTES, ORDERS, Orders
from signage.contract import Order, Picture, Snapshot, ToPlayer

S, T = ScreenId("s"), ScreenId("t")
PNG = b"\x89PNG"


class Wall:
    def __init__(self) -> None:
        self.sent: list[ToPlayer] = []
        self.there = True

    def send(self, message: ToPlayer) -> bool:
        if self.there:
            self.sent.append(message)
        return self.there

    def again(self) -> None:
        raise AssertionError


class Desk:
    def __init__(self, *screens: ScreenId) -> None:
        self.walls = {screen: Wall() for screen in screens}
        self.wire = Wire()
        self.wire.connected = True
        self.orders = Orders(self.walls, self.wire, Clock(), "ginza", "ginza-1")

    async def do(self, name: str, screen: str | None = None) -> str:
        return await self.orders.known[name](b"{}" if screen is None else encode({"screen": screen}))


@pytest.mark.parametrize("name", ORDERS)
async def test_an_order_goes_to_one_screen_or_to_all(name: str) -> None:
    desk = Desk(S, T)
    assert "told s, t" in await desk.do(name)
    assert "told t" in await desk.do(name, "t")
    assert (len(desk.walls[S].sent), len(desk.walls[T].sent)) == (1, 2)
    [order] = desk.walls[S].sent
    assert isinstance(order, Order)
    assert order.order in name or name == "restart-player"


async def test_what_cannot_be_done_is_said() -> None:
    desk = Desk(S)
    with pytest.raises(EdgeError, match=r"no screen door here\. Its screens: s"):
        await desk.do("screen-on", "door")
    desk.walls[S].there = False
    with pytest.raises(EdgeError, match="player of s does not answer"):
        await desk.do("screen-off")
    with pytest.raises(EdgeError, match="no screen"):
        await Desk().do("verify")
    with pytest.raises(Unreadable):
        await desk.orders.known["snapshot"](b'{"screen": 7}')


async def test_a_picture_that_was_asked_for_goes_to_central_once() -> None:
    desk = Desk(S, T)
    await desk.do("snapshot", "s")
    [asked] = desk.walls[S].sent
    assert isinstance(asked, Snapshot)
    picture = Picture(snapshot=asked.snapshot, png=PNG)
    desk.orders.picture(T, picture)
    assert not desk.wire.sent
    for _ in range(2):
        desk.orders.picture(S, picture)
    [sent] = desk.wire.take("picture", ScreenPicture)
    assert (sent.screen, sent.png) == ("s", PNG)
    assert desk.orders.counts == {"pictures": 1, "pictures_unasked": 2}


async def test_a_picture_that_is_too_large_or_comes_without_a_link_is_counted() -> None:
    desk = Desk(S)
    for png, connected in ((b"x" * (MOST_BYTES + 1), True), (b"", True), (PNG, False)):
        await desk.do("snapshot")
        asked = desk.walls[S].sent[-1]
        assert isinstance(asked, Snapshot)
        desk.wire.connected = connected
        desk.orders.picture(S, Picture(snapshot=asked.snapshot, png=png))
    assert not desk.wire.sent
    assert desk.orders.counts == {"pictures_misfit": 2, "pictures_unsent": 1}


async def test_a_player_that_never_answers_fills_nothing() -> None:
    desk = Desk(S)
    for _ in range(100):
        await desk.do("snapshot")
    assert len(desk.orders._asked) == MOST_ASKED
