"""Whose beacon, whose code: by keyed hashes in the local feed, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chain_keys import now
from edge_pages import take
from signed_codes import MEMBER, Chain

from central.contract import feeds, member_code
from edge import beacons
from edge.beacons import Beacon
from edge.identity import EARLY, LATE, Identity
from edge.keyring import Keyring
from edge.model import CustomerId
from edge.replays import Replays
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEY = b"k" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")


def identity_of(replica: Replica, storage: Storage, key: bytes | None = KEY) -> Identity:
    return Identity(key, replica, Keyring(), Replays(storage))


def beacon(minor: int) -> Beacon:
    parsed = beacons.parse(beacons.ibeacon("11111111-2222-3333-4444-555555555555", 1, minor, -59))
    assert parsed is not None
    return parsed


async def test_tokens_are_found_by_hash_and_forgotten_with_their_row(tmp_path: Path) -> None:
    mine = member_code.token(KEY, "beacon", beacon(1).id)
    code = member_code.token(KEY, "code", NUMBER)
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        identity = identity_of(replica, storage)
        assert identity.beacon(beacon(1), NOON) is None
        await take(
            replica,
            "tokens",
            {mine: feeds.Token(customer="c1", means="beacon"), code: feeds.Token(customer="c1", means="code")},
        )
        assert identity.beacon(beacon(1), NOON) is None  # Remembered as nobody's until it is told.
        assert identity.renew(frozenset({mine, code}), NOON) == set()
        assert identity.beacon(beacon(1), NOON) == "c1"
        assert identity.beacon(beacon(2), NOON) is None
        known = identity.code(NUMBER.encode(), "cam", NOON, safe=True)
        assert (known.outcome, known.customer, known.number, known.how) == ("member", "c1", NUMBER, "card")
        assert known.ours
        assert not known.may_redeem
        assert identity_of(replica, storage, b"x" * 32).beacon(beacon(1), NOON) is None
        await take(replica, "tokens", {mine: None})
        assert identity.renew(frozenset({mine}), NOON) == {"c1"}
        assert identity.beacon(beacon(1), NOON) is None


async def test_a_token_of_another_means_opens_nothing(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        row = {member_code.token(KEY, "code", NUMBER): feeds.Token(customer="c1", means="beacon")}
        await take(replica, "tokens", row)
        known = identity_of(replica, storage).code(NUMBER.encode(), "cam", NOON, safe=True)
        assert (known.outcome, known.customer, known.number, known.value) == ("unknown", None, None, NUMBER)
        assert not known.ours, "the register may know it"


async def test_what_is_no_member_code(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        identity = identity_of(replica, storage)
        wrong = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
        in_store = "200123456789" + member_code.check_digit("200123456789")
        junk = (b"", b"\x00\xff", wrong.encode(), b"2" * 14, NUMBER.encode() + b"\n")
        for other in (b"4901234567894", in_store.encode(), *junk):
            known = identity.code(other, "cam", NOON, safe=True)
            assert (known.outcome, known.customer, known.ours) == ("other", None, False)


async def test_only_tokens_that_changed_are_looked_up_anew(tmp_path: Path) -> None:
    one, two = (member_code.token(KEY, "beacon", beacon(n).id) for n in (1, 2))
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        identity = identity_of(replica, storage)
        held = feeds.Token(customer="c1", means="beacon")
        await take(replica, "tokens", {one: held, two: held})
        assert [identity.beacon(beacon(n), NOON) for n in (1, 2, 3)] == ["c1", "c1", None]
        await take(replica, "tokens", {one: None})
        assert identity.renew(frozenset({one}), NOON) == set()  # The other beacon is still theirs.
        assert [identity.beacon(beacon(n), NOON) for n in (1, 2)] == [None, "c1"]
        await take(replica, "tokens", {two: feeds.Token(customer="c2", means="beacon")})
        assert identity.renew(frozenset({one}), NOON) == set()
        assert identity.beacon(beacon(2), NOON) == "c1"
        assert identity.renew(frozenset({two}), NOON) == {"c1"}
        assert identity.beacon(beacon(2), NOON) == "c2"


async def test_without_the_stores_key_nobody_is_known_until_it_is_there(tmp_path: Path) -> None:
    mine = member_code.token(KEY, "beacon", beacon(1).id)
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        await take(replica, "tokens", {mine: feeds.Token(customer="c1", means="beacon")})
        identity = identity_of(replica, storage, None)
        assert identity.locked
        assert identity.beacon(beacon(1), NOON) is None
        assert identity.code(NUMBER.encode(), "cam", NOON, safe=True).outcome == "unknown"
        assert identity.code(b"4901234567894", "cam", NOON, safe=True).outcome == "other"
        assert identity.renew(frozenset({mine}), NOON) == set()
        identity.unlock(KEY)
        assert identity.beacon(beacon(1), NOON) == "c1"


class Shop:
    """One agent's knowledge of codes; `opened` anew it is the same agent after a restart."""

    def __init__(self, storage: Storage, chain: Chain) -> None:
        self.replica, self.ring, self.replays = (
            Replica(storage, Seal(bytes(32)), "ginza"),
            Keyring(),
            Replays(storage),
        )
        self.identity = Identity(KEY, self.replica, self.ring, self.replays)
        self.ring.use(chain.row(), chain.trust)

    def outcome(self, content: bytes, reader: str = "one", at: datetime | None = None, *, safe: bool = True) -> str:
        return self.identity.code(content, reader, at or now(), safe).outcome

    async def know(self, member: str = MEMBER, number: str = "77") -> None:
        token = feeds.Token(customer="c1", means="code", number=number)
        await take(self.replica, "tokens", {member_code.token(KEY, "code", member): token})


@asynccontextmanager
async def shop(folder: Path, chain: Chain) -> AsyncIterator[Shop]:
    async with Storage.open(folder / "edge.sqlite") as storage:
        made = Shop(storage, chain)
        await made.replica.open()
        await made.replays.open()
        yield made


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("keys"))


async def test_a_signed_code_is_its_members_and_tells_the_register_their_number(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        unknown = here.identity.code(chain.code(), "one", now(), safe=True)
        assert (unknown.outcome, unknown.how, unknown.value, unknown.number) == ("unknown", "signed", MEMBER, None)
        assert unknown.code is not None
        assert unknown.ours, "its digits are nothing for a register"
        await here.know()
        known = here.identity.code(chain.code(), "one", now(), safe=True)
        assert (known.outcome, known.customer, known.number, known.may_redeem) == ("member", "c1", "77", True)
        assert here.identity.again(unknown, now()) == replace(
            unknown, outcome="member", customer=CustomerId("c1"), number="77"
        )


async def test_a_shared_screenshot_is_too_old(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        await here.know()
        at = now().replace(microsecond=0)
        content = chain.code(made=at)
        until = at + timedelta(seconds=30)
        second = timedelta(seconds=1)
        for when, outcome in (
            (at - EARLY - second, "expired"),
            (at - EARLY, "member"),
            (until + LATE, "member"),
            (until + LATE + second, "expired"),
            (until + timedelta(days=400), "expired"),
        ):
            assert here.outcome(content, at=when) == outcome, when
        expired = here.identity.code(content, "one", until + timedelta(hours=1), safe=True)
        assert (expired.customer, expired.number, expired.value, expired.may_redeem) == (None, None, None, False)
        assert expired.ours, "its digits are nothing for a register"


async def test_a_replay_at_another_checkout_is_refused(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        await here.know()
        content = chain.code()
        assert [here.outcome(content, reader) for reader in ("one", "two", "one")] == ["member", "used", "member"]
        used = here.identity.code(content, "two", now(), safe=True)
        assert (used.customer, used.number, used.value, used.may_redeem) == (None, None, None, False)
        assert here.outcome(chain.code(made=now() - timedelta(seconds=5)), "two") == "member"


async def test_what_was_used_long_ago_is_forgotten_by_a_clock_that_is_safe(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        later = now() + timedelta(hours=1)
        here.outcome(chain.code())
        here.outcome(chain.code(made=later), at=later, safe=False)
        assert len(here.replays._used) == 2
        here.outcome(chain.code(made=later), at=later)
        assert len(here.replays._used) == 1


async def test_a_replay_after_a_restart_is_refused(chain: Chain, tmp_path: Path) -> None:
    content = chain.code()
    async with shop(tmp_path, chain) as here:
        assert here.outcome(content, "one") == "unknown"
    async with shop(tmp_path, chain) as here:
        assert here.outcome(content, "two") == "used"
        assert here.outcome(content, "one") == "unknown"


async def test_a_code_that_was_used_in_another_store_is_refused_from_then_on(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        content = chain.code()
        here.identity.used_elsewhere(here.identity.code(content, "one", now(), safe=True))
        assert here.outcome(content, "one") == "used"


@pytest.mark.parametrize("wrong", [-timedelta(days=9000), -timedelta(hours=2), timedelta(hours=2)])
async def test_by_a_clock_that_is_not_safe_a_code_has_no_age_and_redeems_nothing(
    chain: Chain, tmp_path: Path, wrong: timedelta
) -> None:
    async with shop(tmp_path, chain) as here:
        await here.know()
        content = chain.code()
        known = here.identity.code(content, "one", now() + wrong, safe=False)
        assert (known.outcome, known.customer, known.timed, known.may_redeem) == ("member", "c1", False, False)
        assert here.outcome(content, "two", now() + wrong, safe=False) == "used"
        assert here.outcome(content[:-1] + b"0", "one", now() + wrong, safe=False) in ("wrong", "member")


async def test_a_forged_signed_code_is_wrong_and_says_nothing(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        await here.know()
        known = here.identity.code(Chain(tmp_path / "other").code(), "one", now(), safe=True)
        assert (known.outcome, known.customer, known.value, known.code, known.ours) == ("wrong", None, None, None, True)
        assert not here.identity._replays._used


async def test_before_the_keys_have_come_a_signed_code_is_unknown(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        await here.know()
        here.ring.use(None, chain.trust)
        known = here.identity.code(chain.code(), "one", now(), safe=True)
        assert (known.outcome, known.customer, known.value, known.ours) == ("unknown", None, None, True)


async def test_codes_of_an_old_and_a_new_key_are_both_taken_until_one_is_withdrawn(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "keys")
    async with shop(tmp_path, chain) as here:
        await here.know()
        chain.keys.rotate("codes", now())
        assert here.outcome(chain.code()) == "wrong", "this store has not heard of it yet"
        here.ring.use(chain.row(), chain.trust)
        assert [here.outcome(chain.code(place=place)) for place in (0, 1)] == ["member", "member"]
        here.ring.use(chain.row(chain.key().pem), chain.trust)
        assert [here.outcome(chain.code(place=place)) for place in (0, 1)] == ["wrong", "member"]


async def test_a_plain_card_is_as_the_chains_cards_are(chain: Chain, tmp_path: Path) -> None:
    async with shop(tmp_path, chain) as here:
        card = member_code.Card(prefix="M", length=8)
        here.ring.use(feeds.Codes(cards=(card,), keys=()), chain.trust)
        assert here.outcome(b"M1234567") == "unknown"
        assert here.outcome(NUMBER.encode()) == "other"
