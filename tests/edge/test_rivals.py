"""Two devices with one identity: it is told, and each leaves the other time to send."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from edge_broker import Agent, free_port, mosquitto

from edge.errors import LinkError
from edge.mqtt import TAKEN
from edge.rivals import MANY, REST, WITHIN, Rivals


class Device:
    """Rivals by a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rivals = Rivals(lambda: self.now)

    def taken(self, times: int, every: float = 60.0) -> None:
        for _ in range(times):
            self.now += every
            self.rivals.taken()


def test_once_or_twice_is_nothing() -> None:
    device = Device()
    assert device.rivals.rest() == 0
    device.taken(MANY - 1)
    assert device.rivals.trouble is None
    assert device.rivals.rest() == 0


def test_many_within_a_short_time_are_another_device() -> None:
    device = Device()
    device.taken(MANY)
    assert "another device uses this agent's certificate" in (device.rivals.trouble or "")
    device.now += WITHIN
    assert device.rivals.trouble is None


def test_many_over_a_long_time_are_nothing() -> None:
    device = Device()
    device.taken(20, every=WITHIN)
    assert device.rivals.trouble is None
    assert device.rivals.rest() == 0


def test_each_leaves_the_other_time_and_the_trouble_lasts_as_long_as_the_two_do() -> None:
    device = Device()
    device.taken(MANY)
    for _ in range(10):
        rest = device.rivals.rest()
        assert 0.5 * REST <= rest <= 1.5 * REST
        assert device.rivals.rest() == 0, "once"
        device.now += rest
        assert device.rivals.trouble is not None
        device.taken(1, every=1.5 * REST)


async def takes_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A broker of MQTT 5 to which somebody else comes as soon as we are there.

    By hand: mosquitto 2.0.11 only hangs up (tried), which may be anything; EMQX and newer ones say why.
    """
    await reader.read(1000)
    writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK, success.
    writer.write(b"\xe0\x01\x8e")  # DISCONNECT, 0x8E.
    await writer.drain()
    writer.close()


async def test_a_broker_tells_that_our_connection_was_taken() -> None:
    async with await asyncio.start_server(takes_over, "127.0.0.1") as broker:
        agent = Agent(broker.sockets[0].getsockname()[1])
        for _ in range(MANY):
            with pytest.raises(LinkError, match=TAKEN):
                await agent.link.run()
    assert agent.link.counts["mqtt_taken_over"] == MANY
    assert agent.link.rivals.trouble is not None


async def test_a_broker_that_hangs_up_without_a_word_makes_no_rival(tmp_path: Path) -> None:
    port = free_port()
    with mosquitto(tmp_path, port, "allow_anonymous true"):
        first, second = Agent(port), Agent(port)
        for _ in range(MANY + 1):
            task = await first.connects()
            async with second.running():
                with pytest.raises(LinkError, match="ended"):
                    await task
    # Debian 12's mosquitto hangs up without a word, and central sees it by the boots that its agents tell; 13's tells.
    told = first.link.counts["mqtt_taken_over"] >= MANY
    assert (first.link.rivals.trouble is not None) == told
