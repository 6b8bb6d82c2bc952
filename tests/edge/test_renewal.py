"""A younger certificate in time, and the key that opens the seal: asked for, taken once, and never lost half-way."""

from __future__ import annotations

import asyncio
import dataclasses
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from edge_broker import Agent, chain
from edge_certificates import NOW, Authority
from edge_wire import Wire, turn, until

from central.contract.codec import pack
from central.contract.enrolment import Renew, Renewed, Unlock, Unlocked, Where
from edge import enrolment, renewal
from edge.config import Broker
from edge.enrolment import Enrolment
from edge.errors import EdgeError, LinkError
from edge.identity import Identity
from edge.keyring import Keyring
from edge.renewal import ANSWER, LOOK, PATIENCE, RENEW, Renewal, Unlocking
from edge.replays import Replays
from edge.replica import Replica
from edge.seal import Seal, about
from edge.storage import Storage

Later = Callable[[float], Awaitable[None]]
SEALING, TOKEN = b"s" * 32, b"t" * 32


class Renewing:
    """A renewal with what it says and what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.own = self.authority.enrolled(folder, [Broker(host="old.test")])
        self.now: datetime | None = None
        self.wire = Wire()
        self.used: list[Enrolment] = []
        self.renewal = Renewal(self.own, self.wire, lambda: self.now, self.used.append)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.renewal.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def connect(self) -> None:
        self.wire.connected = True
        self.renewal.connected()

    async def asked(self) -> EllipticCurvePublicKey:
        """The key of the next request."""
        requests: list[Renew] = []

        def came() -> bool:
            requests.extend(self.wire.take("renew", Renew))
            return bool(requests)

        await until(came)
        key = x509.load_pem_x509_csr(requests[0].request.encode()).public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        return key

    def answer(self, certificate: str, trust: str = "") -> bytes:
        brokers = (Where(host="new.test", port=8884),)
        return pack(
            Renewed(certificate=certificate, trust=trust or self.authority.roots, brokers=brokers, assets="https://new")
        )


async def test_a_certificate_is_renewed_when_it_is_thirty_days_old(tmp_path: Path, later: Later) -> None:
    here = Renewing(tmp_path)
    async with here.running():
        here.connect()
        await later(LOOK)
        assert not here.wire.sent  # The time is not known.
        here.now = NOW - timedelta(hours=1) + RENEW - timedelta(minutes=1)
        await later(LOOK)
        assert not here.wire.sent
        here.now += timedelta(minutes=2)
        await later(LOOK)
        key = await here.asked()
        await here.renewal.on_renewed(here.answer(here.authority.agent(key, since=here.now)))
        [new] = here.used
        assert new == enrolment.load(tmp_path)
        assert (new.brokers, new.assets) == ((Broker(host="new.test", port=8884),), "https://new")
        assert enrolment.own(new).public_key() == key
        assert enrolment.before(new) == here.own
        await later(LOOK)
        assert not here.wire.sent
        assert enrolment.before(new) == here.own  # No broker has taken the new one yet.
        here.renewal.connected()
        await until(lambda: not here.own.folder.exists())
        enrolment.context(new)


async def test_without_an_answer_it_asks_again_for_the_same_key(tmp_path: Path, later: Later) -> None:
    here = Renewing(tmp_path)
    here.now = NOW + RENEW
    async with here.running():
        here.connect()
        key = await here.asked()
        await later(ANSWER)
        assert await here.asked() == key
        assert here.renewal.counts["renewals_missed"] == 1
        await here.renewal.on_renewed(here.answer(here.authority.agent(key, since=here.now)))
        await here.renewal.on_renewed(here.answer(here.authority.agent(key, since=here.now)))
        assert here.renewal.counts["renewals"] == 1
        assert here.renewal.counts["renewals_ignored"] == 1


@pytest.mark.parametrize("wrong", ["key", "agent", "store", "maker", "root", "junk"])
async def test_an_answer_that_is_no_use_changes_nothing(tmp_path: Path, wrong: str) -> None:
    here = Renewing(tmp_path)
    here.now = NOW + RENEW
    async with here.running():
        here.connect()
        key = await here.asked()
        stranger = Authority()
        certificate = here.authority.agent(key)
        match wrong:
            case "key":
                certificate = here.authority.agent(enrolment.made_key())
            case "agent":
                certificate = here.authority.agent(key, agent="ginza-2")
            case "store":
                certificate = here.authority.agent(key, store="shibuya")
            case "maker":
                certificate = stranger.agent(key)
            case "junk":
                certificate = "no certificate"
        trust = stranger.roots if wrong == "root" else here.authority.roots
        await here.renewal.on_renewed(here.answer(certificate, trust))
        assert here.renewal.counts["renewals_failed"] == 1
        assert not here.used
        assert enrolment.load(tmp_path) == here.own
        await here.renewal.on_renewed(here.answer(here.authority.agent(key, since=here.now)))
        assert here.renewal.counts["renewals"] == 1, "nor did it end the waiting for the right one"


async def test_bytes_that_are_no_answer_are_counted(tmp_path: Path) -> None:
    here = Renewing(tmp_path)
    for junk in (b"", b"\xff" * 50, b"{}", b"[" * 10_000, pack(Unlock(boot="b"))):
        await here.renewal.on_renewed(junk)
    assert here.renewal.counts["renewals_unreadable"] == 5


async def test_a_disk_that_takes_nothing_leaves_the_old_and_is_tried_again(tmp_path: Path, later: Later) -> None:
    here = Renewing(tmp_path)
    here.now = NOW + RENEW
    (tmp_path / "identity.new").write_text("in the way")
    async with here.running():
        here.connect()
        key = await here.asked()
        await here.renewal.on_renewed(here.answer(here.authority.agent(key)))
        assert here.renewal.counts["renewals_failed"] == 1
        assert enrolment.load(tmp_path) == here.own
        (tmp_path / "identity.new").unlink()
        await later(LOOK)
        another = await here.asked()
        await here.renewal.on_renewed(here.answer(here.authority.agent(another, since=here.now)))
        assert enrolment.own(enrolment.load(tmp_path)).public_key() == another


async def test_central_may_have_it_renewed_at_once(tmp_path: Path) -> None:
    here = Renewing(tmp_path)
    async with here.running():
        here.connect()
        command = asyncio.create_task(here.renewal.renew(b"{}"))
        key = await here.asked()
        await here.renewal.on_renewed(here.answer(here.authority.agent(key)))
        assert "the next connection uses it" in await command


async def test_a_command_to_renew_that_central_does_not_answer_says_so(tmp_path: Path, later: Later) -> None:
    here = Renewing(tmp_path)
    async with here.running():
        here.connect()
        command = asyncio.create_task(here.renewal.renew(b"{}"))
        await here.asked()
        await later(PATIENCE)
        with pytest.raises(EdgeError, match="no new certificate"):
            await command


async def test_a_certificate_that_ends_soon_is_a_trouble(tmp_path: Path) -> None:
    here = Renewing(tmp_path)
    assert not here.renewal.trouble
    here.now = NOW + timedelta(days=330)
    assert not here.renewal.trouble
    here.now = NOW + timedelta(days=340)
    assert "ends on" in here.renewal.trouble


async def test_where_the_new_certificate_is_refused_the_old_one_is_used(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    old = authority.enrolled(tmp_path / "agent")
    new = enrolment.keep(tmp_path / "agent", dataclasses.replace(stranger.papers(), trust=authority.roots))
    with chain(tmp_path, authority, authority.server(tmp_path)) as port:
        agent = Agent(port, "ack", tls=enrolment.context(new))

        def use(chosen: Enrolment) -> None:
            agent.link.tls = enrolment.context(chosen)

        flow = Renewal(new, agent.link, lambda: None, use)
        agent.link.on_refused.append(flow.refused)
        agent.link.on_connected.append(flow.connected)
        running = asyncio.create_task(flow.run())
        with pytest.raises(LinkError):
            await agent.link.run()
        async with agent.running():
            await turn()
            assert flow.counts["certificates_refused"] == 1
            assert old.folder.exists()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_where_the_new_trust_does_not_fit_the_broker_the_old_one_is_used(tmp_path: Path) -> None:
    authority, stranger = Authority(), Authority()
    old = authority.enrolled(tmp_path / "agent")
    new = enrolment.keep(tmp_path / "agent", dataclasses.replace(authority.papers(), trust=stranger.roots))
    with chain(tmp_path, authority, authority.server(tmp_path)) as port:
        agent = Agent(port, "ack", tls=enrolment.context(new))

        def use(chosen: Enrolment) -> None:
            agent.link.tls = enrolment.context(chosen)

        flow = Renewal(new, agent.link, lambda: None, use)
        agent.link.on_refused.append(flow.refused)
        with pytest.raises(LinkError, match="not to be trusted"):
            await agent.link.run()
        async with agent.running():
            assert old.folder.exists()


async def test_who_has_one_identity_keeps_to_it(tmp_path: Path) -> None:
    here = Renewing(tmp_path)
    here.renewal.refused()
    assert not here.used


class Opening:
    """An unlocking with its seal, and what it says."""

    def __init__(self, folder: Path, storage: Storage, key: bytes | None = None) -> None:
        self.own = enrolment.load(folder)
        self.seal = Seal(key)
        self.identity = Identity(None, Replica(storage, self.seal, "ginza"), Keyring(), Replays(storage))
        self.wire = Wire()
        self.memory = folder / "memory"
        self.opened = 0
        self.unlocking = Unlocking(self.own, self.seal, self.identity, self.wire, boot="boot-1", memory=self.memory)
        self.unlocking.opened.append(self._open)

    def _open(self) -> None:
        assert not self.seal.locked
        self.opened += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.unlocking.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def connect(self) -> None:
        self.wire.connected = True
        self.unlocking.connected()

    async def asked(self) -> None:
        await until(lambda: Unlock(boot="boot-1") in self.wire.take("unlock", Unlock))


RELEASED = pack(Unlocked(sealing_key=SEALING.hex(), token_key=TOKEN.hex()))


async def test_nothing_begins_before_central_has_released_the_key(
    tmp_path: Path, storage: Storage, later: Later
) -> None:
    Authority().enrolled(tmp_path)
    here = Opening(tmp_path, storage)
    async with here.running():
        await turn()
        assert not here.wire.sent
        here.connect()
        await here.asked()
        await later(ANSWER)
        await here.asked()
        assert here.opened == 0
        assert "sealed until central" in here.unlocking.trouble
        await here.unlocking.on_unlocked(RELEASED)
        assert here.opened == 1
        assert not here.identity.locked
        assert not here.unlocking.trouble
        await here.unlocking.on_unlocked(RELEASED)
        assert here.unlocking.counts["unlocks"] == here.unlocking.counts["unlocks_ignored"] == 1
        await later(ANSWER)
        assert not here.wire.sent
        here.connect()
        assert here.opened == 2
    sealed = enrolment.token(here.own)
    assert sealed is not None
    assert TOKEN not in sealed
    assert here.seal.open(sealed, about("token-key", "ginza")) == TOKEN


async def test_a_restart_of_the_agent_alone_needs_no_central(tmp_path: Path, storage: Storage) -> None:
    Authority().enrolled(tmp_path)
    first = Opening(tmp_path, storage)
    await first.unlocking.on_unlocked(RELEASED)
    assert stat.S_IMODE(first.memory.stat().st_mode) == 0o600
    again = Opening(tmp_path, storage, renewal.remembered(first.memory))
    assert not again.seal.locked
    assert not again.identity.locked
    again.connect()
    assert again.opened == 1


async def test_a_machine_that_was_off_remembers_nothing(tmp_path: Path) -> None:
    assert renewal.remembered(tmp_path / "none") is None
    assert renewal.remembered(None) is None
    (tmp_path / "empty").touch()
    assert renewal.remembered(tmp_path / "empty") is None


async def test_what_came_without_the_token_key_works_and_asks_for_it(tmp_path: Path, storage: Storage) -> None:
    Authority().enrolled(tmp_path)
    here = Opening(tmp_path, storage, SEALING)
    async with here.running():
        here.connect()
        assert here.opened == 1
        await here.asked()
        assert "nobody is known" in here.unlocking.trouble
        await here.unlocking.on_unlocked(pack(Unlocked(sealing_key=b"x".hex() * 32, token_key=TOKEN.hex())))
        assert here.opened == 1
        assert not here.unlocking.trouble
    assert not Opening(tmp_path, storage, SEALING).identity.locked


async def test_a_token_key_that_another_key_has_sealed_is_asked_for_anew(tmp_path: Path, storage: Storage) -> None:
    own = Authority().enrolled(tmp_path)
    enrolment.keep_token(own, Seal(b"o" * 32).seal(TOKEN, about("token-key", "ginza")))
    here = Opening(tmp_path, storage, SEALING)
    assert here.identity.locked
    assert here.unlocking.counts["token_keys_broken"] == 1
    await here.unlocking.on_unlocked(RELEASED)
    assert not Opening(tmp_path, storage, SEALING).identity.locked


async def test_bytes_that_release_nothing_are_counted(tmp_path: Path, storage: Storage) -> None:
    Authority().enrolled(tmp_path)
    here = Opening(tmp_path, storage)
    for junk in (b"", b"\xff" * 50, b"{}", b'{"sealing_key":"00"}', pack(Renew(request="r"))):
        await here.unlocking.on_unlocked(junk)
    assert here.unlocking.counts["unlocks_unreadable"] == 5
    assert here.seal.locked
