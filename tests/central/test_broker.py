"""The private mosquitto, a real one: who may do what, what is refused, and that it comes back when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from mqtt_peer import WAIT_S, Peer

from central import agents, broker
from central.broker import Broker
from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.errors import BrokerError, PortTaken

UP = topics.of_agent("ginza", "pi-1", "up")
OTHER_UP = topics.of_agent("ueno", "pi-2", "up")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Broker]:
    made = Broker(folder / "broker", "127.0.0.1", 0, broker.central(agents.hashed("root-word")))
    accounts = (("pi-1", "ginza", "word-1"), ("pi-2", "ueno", "word-2"))
    made.admit(broker.agent(name, store, agents.hashed(word)) for name, store, word in accounts)
    async with made:
        yield made


def central(port: int, *filters: str) -> Peer:
    return Peer(port, broker.CENTRAL, "root-word", *(filters or (f"{topics.ROOT}/#",)))


@pytest.mark.parametrize(("name", "word"), [("", ""), ("pi-1", "word-2"), ("pi-3", "word-1"), ("central", "root-word")])
async def test_nobody_comes_in_without_their_own_password(tmp_path: Path, name: str, word: str) -> None:
    async with running(tmp_path) as made:
        with Peer(made.port, name, word) as peer:
            assert peer.refused is not None


async def test_an_agent_writes_only_its_own_topics(tmp_path: Path) -> None:
    forbidden = [
        OTHER_UP,
        topics.of_agent("ginza", "pi-1", "ack"),
        topics.of_agent("ginza", "pi-2", "up"),
        topics.heads("ginza"),
        topics.heads(topics.CHAIN),
        "noren/v1/anything",
    ]
    allowed = [topics.of_agent("ginza", "pi-1", leaf) for leaf in ("pull", "status", "reply", "up")]
    async with running(tmp_path) as made:
        with central(made.port) as ours, Peer(made.port, "pi-1", "word-1") as agent:
            for topic in forbidden + allowed:
                agent.say(topic, b"x")
            assert [ours.hears()[0] for _ in allowed] == allowed


async def test_an_agent_reads_only_what_is_for_it(tmp_path: Path) -> None:
    own = [topics.of_agent("ginza", "pi-1", leaf) for leaf in ("ack", "nack", "page", "command")]
    own += [topics.heads("ginza"), topics.heads(topics.CHAIN)]
    others = [
        topics.of_agent("ueno", "pi-2", "page"),
        topics.heads("ueno"),
        UP,
        topics.of_agent("ginza", "pi-9", "page"),
    ]
    async with running(tmp_path) as made:
        with central(made.port) as ours, Peer(made.port, "pi-1", "word-1", "#", *own, *others) as agent:
            for topic in others + own:
                ours.say(topic, b"x")
            heard = {agent.hears()[0] for _ in own}
            assert heard == set(own)


async def test_one_agent_cannot_end_anothers_session_by_its_client_id(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        with Peer(made.port, "pi-1", "word-1") as first, Peer(made.port, "pi-2", "word-2"):
            first.say(UP, b"x")  # Both call themselves "peer".
            assert not first.left.is_set()


async def test_a_message_over_the_limit_ends_its_own_session_and_no_other(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        with (
            central(made.port) as ours,
            Peer(made.port, "pi-1", "word-1") as loud,
            Peer(made.port, "pi-2", "word-2") as quiet,
        ):
            quiet.say(OTHER_UP, b"y" * MAX_WIRE)
            assert len(ours.hears()[1]) == MAX_WIRE
            loud._client.publish(UP, b"x" * (MAX_WIRE * 4))
            assert loud.left.wait(WAIT_S)
            quiet.say(OTHER_UP, b"z")
            assert ours.hears() == (OTHER_UP, b"z")


async def test_enrolment_and_revocation_reach_a_running_broker(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        with Peer(made.port, "pi-1", "word-1") as agent:
            made.admit([broker.agent("pi-3", "ueno", agents.hashed("word-3"))])
            assert await asyncio.to_thread(agent.left.wait, WAIT_S), "a revoked agent's session ends at once"
        with Peer(made.port, "pi-3", "word-3") as new, Peer(made.port, "pi-1", "word-1") as old:
            assert (new.refused, old.refused is None) == (None, False)


async def test_it_is_started_again_when_it_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path) as made:
        watch = asyncio.create_task(made.watch())
        assert made._process is not None
        with central(made.port) as ours:
            assert ours.came.get(timeout=WAIT_S)
            made._process.send_signal(signal.SIGKILL)
            assert await asyncio.to_thread(ours.came.get, timeout=WAIT_S), "paho connects again by itself"
        assert made.restarts == 1
        watch.cancel()


async def test_a_port_that_is_taken_is_told_with_the_fix(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        made = Broker(tmp_path / "broker", "127.0.0.1", other.getsockname()[1], broker.central("x"))
        with pytest.raises(PortTaken, match=r"already in use.*choose another central.broker.port"):
            await made.__aenter__()


async def test_what_mosquitto_says_when_it_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "broker" / "access").mkdir(parents=True)
    made = Broker(tmp_path / "broker", "127.0.0.1", 0, broker.central(agents.hashed("x")))
    with pytest.raises(BrokerError, match=r"mosquitto does not start.*passwords"):
        await made.__aenter__()


def test_it_ends_with_central_also_when_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from central import agents, broker\n"
        "async def main():\n"
        "    made = broker.Broker(pathlib.Path(sys.argv[1]), '127.0.0.1', 0, broker.central(agents.hashed('x')))\n"
        "    made.admit(())\n"
        "    async with made:\n"
        "        print(made._process.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.name() == "mosquitto"
        os.kill(parent.pid, signal.SIGKILL)
    child.wait(WAIT_S)


def test_files_with_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    made = Broker(tmp_path / "broker", "127.0.0.1", 0, broker.central(agents.hashed("x")))
    made.admit([broker.agent("pi-1", "ginza", agents.hashed("y"))])
    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "broker").iterdir()} == {0o600}
