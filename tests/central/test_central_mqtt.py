"""Central's side of a real broker: what comes is sorted, bounded and counted; each connect subscribes anew."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from edge_log import EdgeLog
from mqtt_peer import WAIT_S, Peer

from central import agents, broker
from central.broker import Broker
from central.contract import topics
from central.errors import BrokerError
from central.mqtt import Inbox, Mqtt

UP = topics.of_agent("ginza", "pi-1", "up")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Broker]:
    made = Broker(folder / "broker", "127.0.0.1", 0, broker.central(agents.hashed("root-word")))
    anybody = broker.Account(username="anybody", secret=agents.hashed("x"), rights=("readwrite #",))
    made.admit([broker.agent("pi-1", "ginza", agents.hashed("word-1")), anybody])
    async with made:
        yield made


@contextmanager
def opened(made: Broker, inboxes: dict[str, Inbox], on_ready: Callable[[], None] = lambda: None) -> Iterator[Mqtt]:
    mqtt = Mqtt(host=made.host, port=made.port, username=broker.CENTRAL, password="root-word")
    mqtt.open(inboxes, on_ready, WAIT_S)
    yield mqtt
    mqtt.close()


async def test_messages_go_to_the_inbox_of_their_leaf(tmp_path: Path) -> None:
    ups, pulls = Inbox(), Inbox()
    async with running(tmp_path) as made:
        with opened(made, {"up": ups, "pull": pulls}), Peer(made.port, "pi-1", "word-1") as agent:
            agent.say(UP, b"1")
            agent.say(topics.of_agent("ginza", "pi-1", "pull"), b"2")
            (up,) = ups.take(1)
            (pull,) = pulls.take(1)
    assert (up.address.store, up.address.agent, up.payload) == ("ginza", "pi-1", b"1")
    assert pull.payload == b"2"


async def test_topics_that_are_none_of_ours_are_counted(tmp_path: Path) -> None:
    ups = Inbox()
    async with running(tmp_path) as made:
        with opened(made, {"up": ups}) as mqtt, Peer(made.port, "anybody", "x") as other:
            for topic in ("noren/v1/00/ginza/pi-1/up", "noren/v1/aa/Ginza/pi-1/up", "noren/v1/zz/g i/p/up", UP):
                other.say(topic, b"x")
            assert [message.payload for message in ups.take(5)] == [b"x"]
            assert mqtt.counts["malformed"] == 3


async def test_it_subscribes_again_after_the_broker_forgot_everything(tmp_path: Path) -> None:
    ups, ready = Inbox(), threading.Semaphore(0)
    async with running(tmp_path) as made:
        with opened(made, {"up": ups}, ready.release) as mqtt:
            assert ready.acquire(timeout=WAIT_S)
            await made._stop()
            await made._start()
            assert ready.acquire(timeout=WAIT_S), "told again, so that the heads are repaired"
            with Peer(made.port, "pi-1", "word-1") as agent:
                agent.say(UP, b"after")
                assert [message.payload for message in ups.take(1)] == [b"after"]
            assert mqtt.counts["disconnected"] == 1


async def test_what_cannot_be_sent_is_dropped_and_counted(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        mqtt = Mqtt(host=made.host, port=made.port, username=broker.CENTRAL, password="root-word")
        mqtt.publish(UP, b"x")
        assert mqtt.counts["unsent"] == 1


async def test_retained_heads_are_there_for_who_comes_later(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        with opened(made, {"up": Inbox()}) as mqtt, Peer(made.port, "pi-1", "word-1", topics.heads("ginza")) as early:
            mqtt.publish(topics.heads("ginza"), b"heads", retain=True)
            assert early.hears() == (topics.heads("ginza"), b"heads")
            with Peer(made.port, "pi-1", "word-1", topics.heads("ginza")) as late:
                assert late.hears() == (topics.heads("ginza"), b"heads")


async def test_a_broker_that_refuses_is_told_with_the_fix(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        mqtt = Mqtt(host=made.host, port=made.port, username=broker.CENTRAL, password="wrong")
        with pytest.raises(BrokerError, match=r"refuses us: Not authorized.*username and password"):
            mqtt.open({"up": Inbox()}, lambda: None, 1.0)


def test_no_broker_is_told_with_the_fix() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        mqtt = Mqtt(host="127.0.0.1", port=nobody.getsockname()[1])
        with pytest.raises(BrokerError, match=r"does not answer.*Check that it runs"):
            mqtt.open({"up": Inbox()}, lambda: None, 0.2)


def test_a_full_inbox_drops_the_newest_and_counts() -> None:
    inbox, log = Inbox(), EdgeLog()
    for number in range(300):
        inbox.put(log.said("up", b"%d" % number))
    assert inbox.dropped == 300 - 256
    assert [message.payload for message in inbox.take(2)] == [b"0", b"1"]


def test_a_closed_inbox_lets_its_worker_go() -> None:
    inbox: Inbox = Inbox()
    taken: queue.Queue[list[Any]] = queue.Queue()
    worker = threading.Thread(target=lambda: taken.put(inbox.take(5)))
    worker.start()
    inbox.close()
    assert taken.get(timeout=WAIT_S) == []
    worker.join()


@pytest.mark.parametrize("topic", [b"noren/v1/\xff/a/b/up", b"", b"\xf0\x28\x8c\x28"])
def test_a_topic_that_is_no_text_is_counted_like_any_other_junk(topic: bytes) -> None:
    mqtt = Mqtt(host="127.0.0.1", port=1)
    message = paho.MQTTMessage(topic=topic)
    mqtt._received(None, None, message)
    mqtt._received(None, None, message)
    assert mqtt.counts == {"received": 2, "malformed": 2}
