"""Whose beacon, whose code: by keyed hashes in the local feed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from edge_pages import take

from central.contract import feeds, member_code
from edge import beacons
from edge.beacons import Beacon
from edge.identity import Identity
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
KEY = b"k" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")


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
        identity = Identity(KEY, replica)
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
        assert identity.code(NUMBER.encode(), NOON) == ("member", "c1")
        assert Identity(b"x" * 32, replica).beacon(beacon(1), NOON) is None
        await take(replica, "tokens", {mine: None})
        assert identity.renew(frozenset({mine}), NOON) == {"c1"}
        assert identity.beacon(beacon(1), NOON) is None


async def test_a_token_of_another_means_opens_nothing(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        row = {member_code.token(KEY, "code", NUMBER): feeds.Token(customer="c1", means="beacon")}
        await take(replica, "tokens", row)
        assert Identity(KEY, replica).code(NUMBER.encode(), NOON) == ("unknown", None)


async def test_what_is_no_member_code(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        identity = Identity(KEY, replica)
        wrong = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
        for other in (b"4901234567894", b"", b"\x00\xff", wrong.encode(), b"2" * 14, NUMBER.encode() + b"\n"):
            assert identity.code(other, NOON) == ("other", None)


async def test_only_tokens_that_changed_are_looked_up_anew(tmp_path: Path) -> None:
    one, two = (member_code.token(KEY, "beacon", beacon(n).id) for n in (1, 2))
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage, Seal(bytes(32)), "ginza")
        await replica.open()
        identity = Identity(KEY, replica)
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
        identity = Identity(None, replica)
        assert identity.locked
        assert identity.beacon(beacon(1), NOON) is None
        assert identity.code(NUMBER.encode(), NOON) == ("unknown", None)
        assert identity.code(b"4901234567894", NOON) == ("other", None)
        assert identity.renew(frozenset({mine}), NOON) == set()
        identity.unlock(KEY)
        assert identity.beacon(beacon(1), NOON) == "c1"
