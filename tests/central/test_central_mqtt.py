"""Central's side of real brokers: what comes is sorted, bounded and counted; each connect subscribes anew."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from chain_keys import Device, device, now
from edge_log import EdgeLog
from mqtt_peer import WAIT_S, Peer

from central.broker import Broker
from central.contract import topics
from central.contract.enrolment import Where
from central.errors import BrokerError
from central.gate import admission
from central.keys import Keys
from central.mqtt import Inbox, Message, Mqtt

UP = topics.of_agent("ginza", "pi-1", "up")
ACK = topics.of_agent("ginza", "pi-1", "ack")
HEADS = topics.heads("ginza")
HOSTS = ("localhost", "127.0.0.1")


@asynccontextmanager
async def running(folder: Path, keys: Keys) -> AsyncIterator[Broker]:
    made = Broker(folder / "broker", "127.0.0.1", 0, keys.server(HOSTS, now()))
    usual = admission(keys, [("pi-1", "ginza")], (), now())
    made.admit(replace(usual, access=usual.access + "\nuser anybody\ntopic readwrite #\n"))
    async with made:
        yield made


@pytest.fixture
def tls(keys: Keys) -> ssl.SSLContext:
    """Central's."""
    context = keys.trust(now())
    context.load_cert_chain(keys.client(now()))
    return context


@pytest.fixture
def pi(tmp_path: Path, keys: Keys) -> Device:
    return device(tmp_path, keys, "pi-1", "ginza")


def at(made: Broker) -> Where:
    return Where(host="127.0.0.1", port=made.port)


@contextmanager
def opened(
    tls: ssl.SSLContext, inboxes: dict[str, Inbox], *brokers: Broker, on_ready: Callable[[], None] = lambda: None
) -> Iterator[Mqtt]:
    mqtt = Mqtt([at(made) for made in brokers], tls=tls)
    mqtt.open(inboxes, on_ready, WAIT_S)
    yield mqtt
    mqtt.close()


async def test_messages_go_to_the_inbox_of_their_leaf(
    tmp_path: Path, keys: Keys, tls: ssl.SSLContext, pi: Device
) -> None:
    ups, pulls = Inbox(), Inbox()
    async with running(tmp_path, keys) as made:
        with opened(tls, {"up": ups, "pull": pulls}, made), Peer(made.port, tls=pi.tls) as agent:
            agent.say(UP, b"1")
            agent.say(topics.of_agent("ginza", "pi-1", "pull"), b"2")
            (up,) = ups.take(1)
            (pull,) = pulls.take(1)
    assert (up.address.store, up.address.agent, up.payload) == ("ginza", "pi-1", b"1")
    assert pull.payload == b"2"


async def test_topics_that_are_none_of_ours_are_counted(tmp_path: Path, keys: Keys, tls: ssl.SSLContext) -> None:
    ups = Inbox()
    anybody = device(tmp_path, keys, "anybody", "ginza")
    async with running(tmp_path, keys) as made:
        with opened(tls, {"up": ups}, made) as mqtt, Peer(made.port, tls=anybody.tls) as other:
            for topic in ("noren/v1/00/ginza/pi-1/up", "noren/v1/aa/Ginza/pi-1/up", "noren/v1/zz/g i/p/up", UP):
                other.say(topic, b"x")
            assert [message.payload for message in ups.take(5)] == [b"x"]
            assert mqtt.counts["malformed"] == 3


async def test_it_subscribes_again_after_the_broker_forgot_everything(
    tmp_path: Path, keys: Keys, tls: ssl.SSLContext, pi: Device
) -> None:
    ups, ready = Inbox(), threading.Semaphore(0)
    async with running(tmp_path, keys) as made:
        with opened(tls, {"up": ups}, made, on_ready=ready.release) as mqtt:
            assert ready.acquire(timeout=WAIT_S)
            await made._stop()
            await made._start()
            assert ready.acquire(timeout=WAIT_S), "told again, so that the heads are repaired"
            with Peer(made.port, tls=pi.tls) as agent:
                agent.say(UP, b"after")
                assert [message.payload for message in ups.take(1)] == [b"after"]
            assert mqtt.counts["disconnected"] >= 1


async def test_an_answer_goes_where_the_question_came_from_and_hints_go_everywhere(
    tmp_path: Path, keys: Keys, tls: ssl.SSLContext, pi: Device
) -> None:
    ups, ready = Inbox(), threading.Semaphore(0)
    async with running(tmp_path / "a", keys) as one, running(tmp_path / "b", keys) as two:
        with (
            opened(tls, {"up": ups}, one, two, on_ready=ready.release) as mqtt,
            Peer(one.port, "", "", ACK, HEADS, tls=pi.tls) as here,
            Peer(two.port, "", "", ACK, HEADS, tls=pi.tls) as there,
        ):
            assert all(ready.acquire(timeout=WAIT_S) for _ in range(2))
            for peer, other, said in ((here, there, b"1"), (there, here, b"2")):
                peer.say(UP, said)
                (message,) = ups.take(1)
                assert message.answer is not None
                message.answer(ACK, b"for " + message.payload)
                assert peer.hears() == (ACK, b"for " + said)
                mqtt.publish(HEADS, said, retain=True)
                assert (peer.hears(), other.hears()) == ((HEADS, said), (HEADS, said))


async def test_one_of_two_brokers_is_enough_and_the_other_is_used_when_it_comes(
    tmp_path: Path, keys: Keys, tls: ssl.SSLContext, pi: Device
) -> None:
    ups, ready = Inbox(), threading.Semaphore(0)
    async with running(tmp_path / "a", keys) as one, running(tmp_path / "b", keys) as two:
        await one._stop()
        with opened(tls, {"up": ups}, one, two, on_ready=ready.release) as mqtt:
            assert ready.acquire(timeout=WAIT_S)
            with Peer(two.port, tls=pi.tls) as agent:
                agent.say(UP, b"by the second")
                assert [message.payload for message in ups.take(1)] == [b"by the second"]
            await one._start()
            assert ready.acquire(timeout=WAIT_S)
            await two._stop()
            with Peer(one.port, "", "", ACK, tls=pi.tls) as agent:
                agent.say(UP, b"by the first")
                assert [message.payload for message in ups.take(1)] == [b"by the first"]
                mqtt.publish(ACK, b"heard")
                assert agent.hears() == (ACK, b"heard")
            assert mqtt.counts["unsent"] == 0


async def test_a_certificate_that_is_renewed_in_place_is_shown_the_next_time(
    tmp_path: Path, keys: Keys, pi: Device
) -> None:
    context, ready = keys.trust(now()), threading.Semaphore(0)
    context.load_cert_chain(device(tmp_path, keys, "anybody", "ginza").file)
    async with running(tmp_path, keys) as made:
        with opened(context, {"up": Inbox()}, made, on_ready=ready.release) as mqtt:
            assert ready.acquire(timeout=WAIT_S)
            context.load_cert_chain(keys.client(now()))
            await made._stop()
            await made._start()
            assert ready.acquire(timeout=WAIT_S)
            mine = device(tmp_path, keys, "anybody", "ginza")
            with Peer(made.port, "", "", ACK, tls=mine.tls) as other:  # Would end its session if that were its name.
                mqtt.publish(ACK, b"x")
                assert other.hears() == (ACK, b"x")
            assert mqtt.counts["disconnected"] >= 1


async def test_what_cannot_be_sent_is_dropped_and_counted(tmp_path: Path, keys: Keys, tls: ssl.SSLContext) -> None:
    async with running(tmp_path, keys) as made:
        mqtt = Mqtt([at(made)], tls=tls)
        mqtt.publish(UP, b"x")
        assert mqtt.counts["unsent"] == 1


async def test_retained_heads_are_there_for_who_comes_later(
    tmp_path: Path, keys: Keys, tls: ssl.SSLContext, pi: Device
) -> None:
    async with running(tmp_path, keys) as made:
        with opened(tls, {"up": Inbox()}, made) as mqtt, Peer(made.port, "", "", HEADS, tls=pi.tls) as early:
            mqtt.publish(HEADS, b"heads", retain=True)
            assert early.hears() == (HEADS, b"heads")
            with Peer(made.port, "", "", HEADS, tls=pi.tls) as late:
                assert late.hears() == (HEADS, b"heads")


async def test_a_broker_that_refuses_is_told_with_the_fix(tmp_path: Path, keys: Keys) -> None:
    async with running(tmp_path, keys) as made:
        mqtt = Mqtt([at(made)], tls=keys.trust(now()))
        with pytest.raises(BrokerError, match=r"ends our connections.*username, password and ca"):
            mqtt.open({"up": Inbox()}, lambda: None, 2.0)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_of_another_root_is_not_spoken_to(tmp_path: Path, keys: Keys, tls: ssl.SSLContext) -> None:
    async with running(tmp_path, Keys.open(tmp_path / "other", now())) as false:
        mqtt = Mqtt([at(false)], tls=tls)
        with pytest.raises(BrokerError, match=r"does not answer"):
            mqtt.open({"up": Inbox()}, lambda: None, 1.0)


def test_no_broker_is_told_with_the_fix() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        mqtt = Mqtt([Where(host="127.0.0.1", port=nobody.getsockname()[1])])
        with pytest.raises(BrokerError, match=r"does not answer.*Check that it runs"):
            mqtt.open({"up": Inbox()}, lambda: None, 0.2)


def of(agent: str, payload: bytes) -> Message:
    return EdgeLog(agent=agent).said("up", payload)


def test_one_agent_has_so_much_room_and_what_is_newer_is_dropped_and_counted() -> None:
    inbox = Inbox()
    for number in range(40):
        inbox.put(of("pi-1", b"%d" % number))
    assert inbox.dropped == 40 - 32
    assert [message.payload for message in inbox.take(2)] == [b"0", b"1"]
    large = Inbox()
    for _ in range(6):
        large.put(of("pi-1", bytes(1 << 20)))
    assert large.dropped == 2


def test_agents_take_turns_and_each_keeps_its_order() -> None:
    inbox = Inbox()
    for number in range(20):
        inbox.put(of("floods", b"%d" % number))
    for agent in ("pi-1", "pi-2"):
        for number in range(2):
            inbox.put(of(agent, b"%d" % number))
    taken = [(message.address.agent, message.payload) for message in inbox.take(32)]
    assert taken[:3] == [("floods", b"0"), ("pi-1", b"0"), ("pi-2", b"0")]
    assert [payload for agent, payload in taken if agent == "floods"] == [b"0", b"1", b"2", b"3"], "no more at once"
    assert [payload for agent, payload in taken if agent == "pi-2"] == [b"0", b"1"]
    assert [len(inbox.take(32)) for _ in range(4)] == [4] * 4


def test_a_hundred_thousand_of_one_agent_cost_another_no_turn() -> None:
    inbox = Inbox()
    for number in range(100_000):
        inbox.put(of("floods", b"junk %d" % number))
    for agent in range(20):
        inbox.put(of(f"pi-{agent}", b"honest"))
    first = [message.address.agent for message in inbox.take(32)]
    assert {f"pi-{agent}" for agent in range(20)} <= set(first[:21])
    assert first.count("floods") == 4


def test_many_that_flood_push_out_one_another_and_nobody_else() -> None:
    inbox = Inbox()
    for number in range(32):
        for agent in range(16):
            inbox.put(of(f"floods-{agent}", b"%d" % number))
    inbox.put(of("pi-1", b"honest"))
    held = drained(inbox)
    assert (len(held), inbox.dropped) == (256, 16 * 32 + 1 - 256)
    assert [message.payload for message in held if message.address.agent == "pi-1"] == [b"honest"]


def test_large_messages_of_many_push_out_one_another_and_no_small_one() -> None:
    inbox = Inbox()
    for number in range(90):
        inbox.put(of(f"heavy-{number}", bytes(1 << 20)))
    inbox.put(of("pi-1", b"honest"))
    held = drained(inbox)
    assert (len(held), held[-1].payload) == (64, b"honest")


def drained(inbox: Inbox) -> list[Message]:
    found: list[Message] = []
    while inbox._lanes:
        found += inbox.take(8)
    return found


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
    mqtt = Mqtt([Where(host="127.0.0.1", port=1)])
    message = paho.MQTTMessage(topic=topic)
    (link,) = mqtt._links
    link._received(None, None, message)
    link._received(None, None, message)
    assert mqtt.counts == {"received": 2, "malformed": 2}


def test_it_tells_once_of_whom_something_was_dropped() -> None:
    inbox = Inbox()
    for _ in range(40):
        inbox.put(of("floods", b"junk"))
    inbox.put(of("pi-1", b"honest"))
    assert [dict(inbox.floods()) for _ in range(2)] == [{"floods": 8}, {}]
