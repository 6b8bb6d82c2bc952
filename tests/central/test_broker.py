"""The private mosquitto, a real one with TLS: who comes in, who may do what, how sessions end, that it comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from chain_keys import Device, device, now, old
from mqtt_peer import WAIT_S, Peer

from central.broker import _CONNECT, Admission, Broker
from central.certificates import Revoked
from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.errors import BrokerError, PortTaken
from central.gate import admission
from central.keys import CENTRAL, Keys

UP = topics.of_agent("ginza", "pi-1", "up")
OTHER_UP = topics.of_agent("ueno", "pi-2", "up")
AGENTS = [("pi-1", "ginza"), ("pi-2", "ueno")]
HOSTS = ("localhost", "127.0.0.1")
TRIES = 40
"""How often it is looked whether the broker has read its files, which it does when it comes to it."""


@asynccontextmanager
async def running(folder: Path, keys: Keys) -> AsyncIterator[Broker]:
    made = Broker(folder / "broker", "127.0.0.1", 0, keys.server(HOSTS, now()))
    made.admit(admission(keys, AGENTS, (), now()))
    async with made:
        yield made


def central(made: Broker, keys: Keys, *filters: str) -> Peer:
    context = keys.trust(now())
    context.load_cert_chain(keys.client(now()))
    return Peer(made.port, "", "", *(filters or (f"{topics.ROOT}/#",)), tls=context)


@pytest.fixture
def first(tmp_path: Path, keys: Keys) -> Device:
    return device(tmp_path, keys, "pi-1", "ginza")


@pytest.fixture
def second(tmp_path: Path, keys: Keys) -> Device:
    return device(tmp_path, keys, "pi-2", "ueno")


def shows(keys: Keys, file: Path) -> ssl.SSLContext:
    """Somebody who believes our broker and shows the certificate in this file."""
    context = keys.trust(now())
    context.load_cert_chain(file)
    return context


def dial(port: int, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> tuple[bytes, ssl.SSLSession | None]:
    """Say that one is there; gives the broker's answer, and the TLS session to take up again."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        tls.wrap_socket(plain, server_hostname="localhost", session=session) as opened,
    ):
        opened.sendall(_CONNECT)
        return opened.recv(4), opened.session


async def has_read(made: Broker, gone: Device) -> None:
    """Wait until the broker knows that this certificate is revoked: it reads its files when it comes to it."""
    for _ in range(TRIES):
        with Peer(made.port, tls=gone.tls) as again:
            if again.refused is not None:
                return
    raise AssertionError("the broker lets it in for ever")


async def test_nobody_comes_in_without_a_certificate_of_this_chains_that_is_good_now(tmp_path: Path) -> None:
    keys = old(tmp_path / "keys")
    other = Keys.open(tmp_path / "other", now())
    outlived = device(tmp_path, keys, "pi-1", "ginza", now() - timedelta(days=366))
    early = device(tmp_path, keys, "pi-1", "ginza", now() + timedelta(days=2))
    forged = device(tmp_path, other, "pi-1", "ginza", trusts=keys)
    async with running(tmp_path, keys) as made:
        for name, tls in {
            "no certificate": keys.trust(now()),
            "one that ran out": outlived.tls,
            "one that is not good yet": early.tls,
            "one of another root": forged.tls,
            "a server's": shows(keys, keys.server(HOSTS, now())),
        }.items():
            with Peer(made.port, tls=tls) as peer:
                assert peer.refused is not None, name
        with Peer(made.port, tls=device(tmp_path, keys, "pi-1", "ginza").tls) as good:
            assert good.refused is None


async def test_neither_plain_mqtt_nor_older_tls_is_spoken(tmp_path: Path, keys: Keys, first: Device) -> None:
    async with running(tmp_path, keys) as made:
        with Peer(made.port) as plain:
            assert plain.refused is not None
        first.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        first.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol version|handshake"):
            dial(made.port, first.tls)


async def test_a_device_refuses_a_broker_of_another_root_or_name(tmp_path: Path, keys: Keys) -> None:
    other = Keys.open(tmp_path / "other", now())
    victim = device(tmp_path, keys, "pi-1", "ginza")
    async with running(tmp_path / "wrong", other) as false:
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            dial(false.port, victim.tls)
    elsewhere = Broker(tmp_path / "elsewhere", "127.0.0.1", 0, keys.server(("elsewhere.example",), now()))
    elsewhere.admit(admission(keys, AGENTS, (), now()))
    async with elsewhere:
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
            dial(elsewhere.port, victim.tls)


async def test_who_one_is_the_certificate_says_and_no_user_name(tmp_path: Path, keys: Keys, first: Device) -> None:
    async with running(tmp_path, keys) as made:
        with central(made, keys) as ours, Peer(made.port, "pi-2", "x", tls=first.tls) as agent:
            agent.say(OTHER_UP, b"as another")
            agent.say(UP, b"as itself")
            assert ours.hears() == (UP, b"as itself")
        with central(made, keys) as ours, Peer(made.port, CENTRAL, "x", tls=first.tls) as agent:
            agent.say(topics.heads(topics.CHAIN), b"as central")
            agent.say(UP, b"as itself")
            assert ours.hears() == (UP, b"as itself")


async def test_an_agent_writes_only_its_own_topics(tmp_path: Path, keys: Keys, first: Device) -> None:
    forbidden = [
        OTHER_UP,
        topics.of_agent("ginza", "pi-1", "ack"),
        topics.of_agent("ginza", "pi-2", "up"),
        topics.heads("ginza"),
        topics.heads(topics.CHAIN),
        "noren/v1/anything",
    ]
    allowed = [topics.of_agent("ginza", "pi-1", leaf) for leaf in topics.TO_CENTRAL]
    async with running(tmp_path, keys) as made:
        with central(made, keys) as ours, Peer(made.port, tls=first.tls) as agent:
            for topic in forbidden + allowed:
                agent.say(topic, b"x")
            assert [ours.hears()[0] for _ in allowed] == allowed


async def test_an_agent_reads_only_what_is_for_it(tmp_path: Path, keys: Keys, first: Device) -> None:
    own = [topics.of_agent("ginza", "pi-1", leaf) for leaf in topics.FROM_CENTRAL]
    own += [topics.heads("ginza"), topics.heads(topics.CHAIN)]
    others = [
        topics.of_agent("ueno", "pi-2", "page"),
        topics.heads("ueno"),
        UP,
        topics.of_agent("ginza", "pi-9", "page"),
    ]
    async with running(tmp_path, keys) as made:
        with central(made, keys) as ours, Peer(made.port, "", "", "#", *own, *others, tls=first.tls) as agent:
            for topic in others + own:
                ours.say(topic, b"x")
            heard = {agent.hears()[0] for _ in own}
            assert heard == set(own)


async def test_one_agent_cannot_end_anothers_session_by_its_client_id(
    tmp_path: Path, keys: Keys, first: Device, second: Device
) -> None:
    async with running(tmp_path, keys) as made:
        with Peer(made.port, tls=first.tls) as one, Peer(made.port, tls=second.tls):
            one.say(UP, b"x")  # Both call themselves "peer".
            assert not one.left.is_set()


async def test_a_message_over_the_limit_ends_its_own_session_and_no_other(
    tmp_path: Path, keys: Keys, first: Device, second: Device
) -> None:
    async with running(tmp_path, keys) as made:
        with (
            central(made, keys) as ours,
            Peer(made.port, tls=first.tls) as loud,
            Peer(made.port, tls=second.tls) as quiet,
        ):
            quiet.say(OTHER_UP, b"y" * MAX_WIRE)
            assert len(ours.hears()[1]) == MAX_WIRE
            loud._client.publish(UP, b"x" * (MAX_WIRE * 4))
            assert loud.left.wait(WAIT_S)
            quiet.say(OTHER_UP, b"z")
            assert ours.hears() == (OTHER_UP, b"z")


def revoked(one: Device) -> Revoked:
    return Revoked(serial=one.issued.serial, issuer=one.issued.issuer, at=now())


async def test_a_revoked_agent_has_no_rights_at_once_and_no_session_once_it_is_taken_over(
    tmp_path: Path, keys: Keys, first: Device, second: Device
) -> None:
    down = topics.of_agent("ginza", "pi-1", "command")
    third = device(tmp_path, keys, "pi-3", "ginza")
    async with running(tmp_path, keys) as made:
        with (
            central(made, keys) as ours,
            Peer(made.port, "", "", down, tls=first.tls) as gone,
            Peer(made.port, tls=second.tls) as stays,
        ):
            made.admit(admission(keys, AGENTS[1:], [revoked(first), revoked(third)], now()))
            await has_read(made, third)
            assert not gone.left.is_set(), "mosquitto ends no session by itself"
            gone.say(UP, b"late")
            ours.say(down, b"secret")
            await made.end_session(await asyncio.to_thread(keys.passing, "pi-1", now()))
            assert await asyncio.to_thread(gone.left.wait, WAIT_S)
            stays.say(OTHER_UP, b"on")
            assert ours.hears() == (down, b"secret"), "central hears itself; of the revoked agent nothing came"
            assert ours.hears() == (OTHER_UP, b"on")
            assert gone.received.empty()
            assert not stays.left.is_set()
            with Peer(made.port, tls=first.tls) as again:
                assert again.refused is not None


async def test_a_tls_session_of_before_cannot_be_taken_up_by_a_revoked_agent(
    tmp_path: Path, keys: Keys, first: Device
) -> None:
    async with running(tmp_path, keys) as made:
        answer, session = dial(made.port, first.tls)
        assert answer == b"\x20\x02\x00\x00"
        assert session is not None
        assert dial(made.port, first.tls, session)[0] == answer
        made.admit(admission(keys, AGENTS, [revoked(first)], now()))
        await has_read(made, first)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            dial(made.port, first.tls, session)


async def test_enrolment_rotation_and_a_new_server_certificate_reach_a_running_broker(
    tmp_path: Path, keys: Keys, first: Device
) -> None:
    async with running(tmp_path, keys) as made:
        with Peer(made.port, tls=first.tls) as stays:
            keys.rotate("enrolment", now())
            keys.server(HOSTS, now())
            made.admit(admission(keys, [*AGENTS, ("pi-3", "ueno")], (), now()))
            third = device(tmp_path, keys, "pi-3", "ueno")
            assert third.issued.issuer != first.issued.issuer
            for _ in range(TRIES):
                with Peer(made.port, tls=third.tls) as new:
                    if new.refused is None:
                        break
            assert new.refused is None
            with Peer(made.port, tls=device(tmp_path, keys, "pi-2", "ueno").tls) as other:
                assert other.refused is None
            stays.say(UP, b"x")
            assert not stays.left.is_set()
        with Peer(made.port, tls=first.tls) as old_one:
            assert old_one.refused is None, "the key before is believed until it ends"


async def test_a_session_that_cannot_be_ended_is_told(tmp_path: Path, keys: Keys) -> None:
    nobody = Broker(tmp_path / "broker", "127.0.0.1", 0, keys.server(HOSTS, now()))
    with pytest.raises(BrokerError, match="could not be taken over"):
        await nobody.end_session(keys.passing("pi-1", now()))
    other = Keys.open(tmp_path / "other", now())
    async with running(tmp_path, other) as false:
        with pytest.raises(BrokerError, match="could not be taken over"):
            await false.end_session(keys.passing("pi-1", now()))


async def test_it_may_have_more_sessions_than_a_process_usually_has_files(tmp_path: Path, keys: Keys) -> None:
    async with running(tmp_path, keys) as made:
        assert made._process is not None
        soft, hard = psutil.Process(made._process.pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft == min(hard, 1 << 16)


async def test_it_is_started_again_when_it_is_killed(tmp_path: Path, keys: Keys) -> None:
    async with running(tmp_path, keys) as made:
        assert made._process is not None
        with central(made, keys) as ours:
            assert ours.came.get(timeout=WAIT_S)
            made._process.send_signal(signal.SIGKILL)
            assert await asyncio.to_thread(ours.came.get, timeout=WAIT_S), "paho connects again by itself"
        assert made.restarts == 1


async def test_a_port_that_is_taken_is_told_with_the_fix(tmp_path: Path, keys: Keys) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        made = Broker(tmp_path / "broker", "127.0.0.1", other.getsockname()[1], keys.server(HOSTS, now()))
        with pytest.raises(PortTaken, match=r"already in use.*choose another central.broker.port"):
            await made.__aenter__()


async def test_what_mosquitto_says_when_it_does_not_start_is_told(tmp_path: Path, keys: Keys) -> None:
    made = Broker(tmp_path / "broker", "127.0.0.1", 0, keys.server(HOSTS, now()))
    made.admit(Admission(access="", believed="junk", revocations=""))
    with pytest.raises(BrokerError, match=r"mosquitto does not start.*believed.pem"):
        await made.__aenter__()


def test_it_ends_with_central_also_when_that_is_killed(tmp_path: Path, keys: Keys) -> None:
    keys.server(HOSTS, now())
    program = (
        "import asyncio, datetime, pathlib, sys\n"
        "from central.broker import Broker\n"
        "from central.gate import admission\n"
        "from central.keys import Keys\n"
        "async def main():\n"
        "    folder, now = pathlib.Path(sys.argv[1]), datetime.datetime.now(datetime.UTC)\n"
        "    made = Broker(folder / 'broker', '127.0.0.1', 0, folder / 'keys' / 'server.pem')\n"
        "    made.admit(admission(Keys.open(folder / 'keys', now), (), (), now))\n"
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


def test_its_files_are_the_owners_alone(tmp_path: Path, keys: Keys) -> None:
    made = Broker(tmp_path / "broker", "127.0.0.1", 0, keys.server(HOSTS, now()))
    made.admit(admission(keys, AGENTS, (), now()))
    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "broker").iterdir()} == {0o600}
