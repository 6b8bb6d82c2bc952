"""The link on real brokers, with and without TLS, on none, and on some that are no good."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from edge_broker import Agent, chain, free_port, mosquitto
from edge_certificates import NOW, Authority
from edge_wire import turn, until
from mqtt_peer import Peer

from central.contract.codec import MAX_WIRE
from edge import enrolment
from edge.config import Broker
from edge.errors import LinkError
from edge.mqtt import ANSWER, MOST_WAITING, UNHEARD, WINDOW, waits
from edge.supervise import Supervisor

Later = Callable[[float], Awaitable[None]]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with mosquitto(tmp_path, port, "allow_anonymous true"):
        yield port


async def test_what_comes_is_handed_on_and_what_is_published_arrives(port: int) -> None:
    agent = Agent(port, "ack", "page")
    assert not agent.link.publish("up", b"too early")
    with Peer(port, "", "", "up") as central:
        async with agent.running():
            central.say("page", b"p" * 1000)
            central.say("ack", b"\x00\xff")
            assert [await agent.heard.get(), await agent.heard.get()] == [("page", b"p" * 1000), ("ack", b"\x00\xff")]
            assert agent.link.publish("up", b"batch")
            assert await asyncio.to_thread(central.hears) == ("up", b"batch")
            assert agent.link.counts["mqtt_connections"] == 1
    assert not agent.link.connected
    assert not agent.link.publish("up", b"too late")


async def test_a_retained_hint_comes_with_the_connection(port: int) -> None:
    with Peer(port) as central:
        central.say("heads", b"hint", retain=True)
    agent = Agent(port, "heads")
    async with agent.running():
        assert await agent.heard.get() == ("heads", b"hint")


async def test_the_last_word_is_retained_when_it_ends_in_order(port: int) -> None:
    agent = Agent(port)
    async with agent.running():
        assert agent.link.publish("status", b"here", retain=True)
    with Peer(port, "", "", "status") as central:
        assert await asyncio.to_thread(central.hears) == ("status", b"gone")


async def test_a_connection_that_breaks_ends_the_run_and_leaves_the_will(port: int) -> None:
    agent = Agent(port)
    with Peer(port, "", "", "status") as central:
        task = await agent.connects()
        assert agent.link._client is not None
        connection = agent.link._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        with pytest.raises(LinkError, match="ended"):
            await task
        assert await asyncio.to_thread(central.hears) == ("status", b"gone")


async def test_after_a_broker_that_forgot_everything_it_subscribes_again(tmp_path: Path, later: Later) -> None:
    port = free_port()
    agent = Agent(port, "ack")
    supervisor = Supervisor()
    with mosquitto(tmp_path, port, "allow_anonymous true") as broker:
        task = asyncio.create_task(supervisor.keep("broker", agent.link.run))
        await agent.connections.get()
        os.kill(broker.pid, signal.SIGKILL)
        await until(lambda: not agent.link.connected)
    with mosquitto(tmp_path, port, "allow_anonymous true"):
        await until(lambda: supervisor.troubles)
        await turn()
        await later(60)
        await agent.connections.get()
        with Peer(port) as central:
            central.say("ack", b"again")
        assert await agent.heard.get() == ("ack", b"again")
        assert supervisor.counts["broker_restarts"] >= 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_stores_come_back_one_after_the_other_and_none_is_forgotten() -> None:
    chain = [list(islice(waits(), 8)) for _ in range(500)]
    for nth, (least, most) in enumerate(((1, 2), (1.5, 3), (2.25, 4.5), (3.375, 6.75), (4, 8), (4, 8), (4, 8))):
        waited = [store[nth] for store in chain]
        assert least <= min(waited) < least * 1.1
        assert most * 0.9 < max(waited) <= most


async def test_a_connection_that_breaks_soon_and_often_comes_back_soon(port: int, later: Later) -> None:
    agent = Agent(port, "ack")
    supervisor = Supervisor()
    agent.link.on_connected.append(partial(supervisor.well, "broker"))
    task = asyncio.create_task(supervisor.keep("broker", agent.link.run, waits=waits))
    await agent.connections.get()
    for restarts in range(1, 7):
        assert agent.link._client is not None
        connection = agent.link._client.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        await until(lambda: supervisor.troubles)
        await turn()
        await later(2.0)
        await agent.connections.get()
        assert not supervisor.troubles
        assert supervisor.counts["broker_restarts"] == restarts
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_line_that_confirms_nothing_is_soon_dead(port: int) -> None:
    agent = Agent(port)
    async with agent.running():
        assert agent.link._client is not None
        connection = agent.link._client.socket()
        assert isinstance(connection, socket.socket)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNHEARD * 1000


async def test_no_broker_is_said_in_a_sentence() -> None:
    with socket.socket() as held:  # Nobody else can listen there meanwhile.
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(LinkError, match=f"No broker answers at 127.0.0.1:{port}"):
            await Agent(port).link.run()
        with pytest.raises(LinkError, match="No broker answers at"):
            await Agent(port, brokers=[Broker(host="a..b", port=port)]).link.run()


async def test_a_broker_that_refuses_us_is_said_in_a_sentence(tmp_path: Path) -> None:
    port = free_port()
    with mosquitto(tmp_path, port, "allow_anonymous false"):
        agent = Agent(port)
        refused: list[bool] = []
        agent.link.on_refused.append(lambda: refused.append(True))
        with pytest.raises(LinkError, match="refuses us: Not authorized"):
            await agent.link.run()
        assert not agent.link.connected
        assert refused == [True]


async def test_a_publish_that_the_broker_throws_away_is_counted(tmp_path: Path) -> None:
    port = free_port()
    rights = tmp_path / "acl"
    rights.write_text("topic read ack\n")
    with mosquitto(tmp_path, port, "allow_anonymous true", f"acl_file {rights}"):
        agent = Agent(port, "ack")
        async with agent.running():
            assert agent.link.publish("up", b"batch")
            await until(lambda: agent.link.counts["mqtt_refused"])


async def test_what_is_too_large_is_dropped_and_counted(port: int) -> None:
    agent = Agent(port, "page")
    async with agent.running():
        with Peer(port) as central:
            central.say("page", b"x" * (MAX_WIRE + 1))
            central.say("page", b"x" * MAX_WIRE)
        _, payload = await agent.heard.get()
        assert len(payload) == MAX_WIRE
        assert agent.link.counts["mqtt_too_large"] == 1


async def test_more_than_can_wait_is_dropped_and_counted(port: int) -> None:
    agent = Agent(port, "ack")
    hold = asyncio.Event()
    seen: list[bytes] = []

    async def slow(payload: bytes) -> None:
        await hold.wait()
        seen.append(payload)

    agent.link.subscriptions["page"] = slow
    async with agent.running():
        with Peer(port) as central:
            for n in range(MOST_WAITING + 20):
                central.say("page", b"%d" % n)
        await until(lambda: agent.link.counts["mqtt_dropped"])
        hold.set()
        await until(lambda: len(seen) + agent.link.counts["mqtt_dropped"] == MOST_WAITING + 20)
        assert seen[0] == b"0"


# With TLS: an authority of the test's own, and brokers that it has certified, or not.


def agent_of(authority: Authority, folder: Path, port: int, **more: Any) -> Agent:
    return Agent(port, "ack", tls=enrolment.context(authority.enrolled(folder / "agent")), **more)


async def test_with_certificates_both_know_each_other(tmp_path: Path) -> None:
    authority = Authority()
    with chain(tmp_path, authority, authority.server(tmp_path)) as port:
        agent = agent_of(authority, tmp_path, port)
        async with agent.running():
            assert agent.link.publish("ack", b"to myself")
            assert await agent.heard.get() == ("ack", b"to myself")
            assert agent.link._client is not None
            connection = agent.link._client.socket()
            assert isinstance(connection, ssl.SSLSocket)
            assert connection.version() == "TLSv1.3"
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNHEARD * 1000
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_broker_that_somebody_else_has_certified_is_not_believed(tmp_path: Path) -> None:
    stranger, authority = Authority(), Authority()
    with chain(tmp_path, stranger, stranger.server(tmp_path)) as port:
        agent = agent_of(authority, tmp_path, port)
        with pytest.raises(LinkError, match="is not to be trusted"):
            await agent.link.run()
        assert agent.link.counts["mqtt_strangers"] == 1


async def test_a_broker_with_the_certificate_of_another_name_is_not_believed(tmp_path: Path) -> None:
    authority = Authority()
    refused = pytest.raises(LinkError, match=r"not to be trusted: .*127\.0\.0\.1")
    with chain(tmp_path, authority, authority.server(tmp_path, ["other.test"])) as port, refused:
        await agent_of(authority, tmp_path, port).link.run()


async def test_an_agents_certificate_makes_no_broker(tmp_path: Path) -> None:
    authority = Authority()
    thief = authority.enrolled(tmp_path / "thief")
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join((thief.folder / name).read_bytes() for name in (enrolment.KEY, enrolment.CERTIFICATE)))
    with chain(tmp_path, authority, both) as port, pytest.raises(LinkError, match="is not to be trusted"):
        await agent_of(authority, tmp_path, port).link.run()


async def test_what_does_not_speak_tls_is_not_spoken_to(port: int, tmp_path: Path) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(4096)
        assert b"ginza" not in hello
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with served(other) as at:
        with pytest.raises(LinkError, match=r"does not speak TLS 1\.3"):
            await agent_of(Authority(), tmp_path, at).link.run()
    with pytest.raises(LinkError, match=f"127.0.0.1:{port}"):  # Mosquitto hangs up without a word.
        await agent_of(Authority(), tmp_path, port).link.run()


async def test_an_agent_that_the_broker_does_not_believe_is_told_so(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    with chain(tmp_path, authority, authority.server(tmp_path)) as port:
        papers = stranger.papers()
        (tmp_path / "agent").mkdir()
        enrolled = enrolment.keep(tmp_path / "agent", dataclasses.replace(papers, trust=authority.roots))
        agent = Agent(port, tls=enrolment.context(enrolled))
        refused: list[bool] = []
        agent.link.on_refused.append(lambda: refused.append(True))
        with pytest.raises(LinkError, match=r"ended: .*See whether this agent is enrolled and not revoked"):
            await agent.link.run()
        assert refused == [True]


async def test_without_a_clock_a_broker_is_believed_until_the_time_is_known(tmp_path: Path) -> None:
    authority = Authority()
    ended = authority.server(tmp_path, since=NOW - timedelta(days=100), lasts=timedelta(days=90))
    with chain(tmp_path, authority, ended) as port:
        agent = agent_of(authority, tmp_path, port)
        heard = agent.link.subscriptions["ack"]

        async def tells_the_time(payload: bytes) -> None:
            await heard(payload)
            agent.now = datetime.now(UTC)

        agent.link.subscriptions["ack"] = tells_the_time
        task = await agent.connects()
        assert agent.link.publish("ack", b"it is today")
        with pytest.raises(LinkError, match="ran out on"):
            await task
        assert agent.heard.get_nowait() == ("ack", b"it is today")
        with pytest.raises(LinkError, match="ran out on"):
            await agent.link.run()
        assert agent.link.counts["mqtt_connections"] == 1
        assert agent.link.counts["mqtt_run_out"] == 2


async def test_a_clock_that_is_decades_behind_does_not_keep_us_out(tmp_path: Path) -> None:
    # What a device without a battery shows OpenSSL: every certificate is of the future.
    authority = Authority()
    server = authority.server(tmp_path, since=NOW + timedelta(days=20_000))
    with chain(tmp_path, authority, server) as port:
        agent = agent_of(authority, tmp_path, port)
        agent.now = datetime(1970, 1, 1, tzinfo=UTC)
        async with agent.running():
            assert agent.link.connected


async def test_of_two_brokers_the_other_takes_over(tmp_path: Path, later: Later) -> None:
    authority = Authority()
    folders = [tmp_path / "a", tmp_path / "b"]
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        brokers = {
            port: stack.enter_context(
                mosquitto(folder, port, *authority.listener(folder, port, authority.server(folder)))
            )
            for folder, port in zip(folders, ports, strict=True)
        }
        both = [Broker(host="127.0.0.1", port=port) for port in ports]
        agent = agent_of(authority, tmp_path, 0, brokers=both)
        supervisor = Supervisor()
        agent.link.on_connected.append(partial(supervisor.well, "mqtt"))
        task = asyncio.create_task(supervisor.keep("mqtt", agent.link.run, waits=waits))
        await agent.connections.get()
        at = int(agent.link._where.partition(":")[2])
        os.kill(brokers[at].pid, signal.SIGKILL)
        await until(lambda: supervisor.troubles)
        await turn()
        await later(2.0)
        await agent.connections.get()
        assert agent.link._where == f"127.0.0.1:{sum(ports) - at}"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_stores_begin_with_different_brokers() -> None:
    brokers = [Broker(host="127.0.0.1", port=port) for port in (1, 2, 3)]
    assert {Agent(0, brokers=brokers).link._turn for _ in range(200)} == {0, 1, 2}


async def test_other_brokers_and_certificates_are_used_from_the_next_connection_on(tmp_path: Path) -> None:
    authority, later_one = Authority(), Authority()
    with chain(tmp_path, later_one, later_one.server(tmp_path)) as port:
        agent = agent_of(authority, tmp_path, 1)
        with pytest.raises(LinkError, match="No broker answers"):
            await agent.link.run()
        agent.link.brokers = (Broker(host="127.0.0.1", port=port),)
        agent.link.tls = enrolment.context(later_one.enrolled(tmp_path / "new"))
        async with agent.running():
            assert agent.link.connected


# Brokers that are no good, made here.

CONNACK_5, CONNACK_3 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    tasks = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for task in tasks:
        assert task is not None
        task.cancel()
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b""])
@pytest.mark.parametrize("with_tls", [False, True])
async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(
    port: int, refusal: bytes, with_tls: bool, tmp_path: Path
) -> None:
    authority = Authority()
    own = enrolment.context(authority.enrolled(tmp_path / "agent"))
    its = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    its.load_cert_chain(authority.server(tmp_path))

    async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await reader.read(4096)
        if connect[connect.index(b"MQTT") + 4] == 5:
            writer.write(refusal)
            return
        up, down = await asyncio.open_connection("127.0.0.1", port)
        down.write(connect)
        try:
            await asyncio.gather(_pipe(reader, down), _pipe(up, writer))
        finally:
            down.close()

    async with served(front, its if with_tls else None) as at:
        agent = Agent(at, "ack", tls=own if with_tls else None)
        for _ in range(2):
            async with agent.running():
                with Peer(port) as central:
                    central.say("ack", b"hello")
                assert await agent.heard.get() == ("ack", b"hello")


async def test_a_line_that_is_joined_again_is_used_at_once_and_no_reason_to_speak_3_1_1_for_ever(port: int) -> None:
    cut, asked = asyncio.Event(), asyncio.Event()
    spoken: list[int] = []

    async def line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await reader.read(4096)
        spoken.append(connect[connect.index(b"MQTT") + 4])
        if not asked.is_set():
            asked.set()
            await cut.wait()  # And what was connected is broken.
            return
        up, down = await asyncio.open_connection("127.0.0.1", port)
        down.write(connect)
        try:
            await asyncio.gather(_pipe(reader, down), _pipe(up, writer))
        finally:
            down.close()

    async with served(line) as at:
        agent = Agent(at, "ack")
        running = asyncio.create_task(agent.link.run())
        await asked.wait()
        cut.set()
        await agent.connections.get()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with agent.running():
            assert spoken == [5, 4, 5]


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)


async def test_a_broker_that_confirms_nothing_is_sent_only_so_much(later: Later) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(CONNACK_5)
        while await reader.read(4096):
            pass

    async with served(deaf) as port:
        agent = Agent(port)
        task = await agent.connects()
        assert [agent.link.publish("up", b"x") for _ in range(WINDOW + 2)] == [True] * WINDOW + [False] * 2
        assert agent.link.counts["mqtt_unsent"] == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_port_that_says_nothing_is_left(later: Later) -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        asked.set()
        await reader.read()

    async with served(silent) as port:
        task = asyncio.create_task(Agent(port).link.run())
        await asked.wait()
        await later(ANSWER)
        with pytest.raises(LinkError, match="says nothing"):
            await task


@pytest.mark.parametrize(
    "junk",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 64,
        b"\xff" * 64,
        CONNACK_3,
        CONNACK_5 + b"\x30\xff\xff\xff\xff\xff",
        CONNACK_5 + b"\x32\x05\x00\x09ack",
        CONNACK_5 + b"\x90\x01\x00",
        CONNACK_5 + b"\x30\x05\x00\x02\xff\xfe\x00",
    ],
)
async def test_junk_from_a_broker_ends_the_connection_and_nothing_else(junk: bytes) -> None:
    async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(junk)

    async with served(babbling) as port:
        with pytest.raises(LinkError):
            await Agent(port, "ack").link.run()
