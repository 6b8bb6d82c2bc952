"""Whose beacon, whose code: by keyed hashes in the local feed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec

from central.contract import feeds, member_code
from central.contract.codec import encode
from edge import beacons
from edge.beacons import Beacon
from edge.identity import Identity
from edge.replica import Replica
from edge.storage import Storage

KEY = b"k" * 32
NUMBER = "290000000012" + member_code.check_digit("290000000012")


def beacon(minor: int) -> Beacon:
    parsed = beacons.parse(beacons.ibeacon("11111111-2222-3333-4444-555555555555", 1, minor, -59))
    assert parsed is not None
    return parsed


async def tokens(replica: Replica, rows: dict[str, feeds.Token | None]) -> None:
    after = replica.cursor("ginza", "tokens").after
    upto = after + len(rows)
    made = tuple(
        feeds.Row(key=key, version=after + place + 1, body=None if token is None else msgspec.Raw(encode(token)))
        for place, (key, token) in enumerate(rows.items())
    )
    for start, content in ((after, made), *([] if after else [(upto, ())])):
        page = feeds.Page(
            scope="ginza",
            feed="tokens",
            after=start,
            upto=upto,
            head=upto,
            generation="g",
            horizon=0,
            rows=content,
        )
        assert await replica.apply(page) is not None


async def test_tokens_are_found_by_hash_and_forgotten_with_their_row(tmp_path: Path) -> None:
    mine = member_code.token(KEY, "beacon", beacon(1).id)
    code = member_code.token(KEY, "code", NUMBER)
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage)
        await replica.open()
        identity = Identity(KEY, replica)
        assert identity.beacon(beacon(1)) is None
        await tokens(
            replica,
            {mine: feeds.Token(customer="c1", means="beacon"), code: feeds.Token(customer="c1", means="code")},
        )
        assert identity.beacon(beacon(1)) is None  # Remembered as nobody's until it is told.
        assert identity.renew() == set()
        assert identity.beacon(beacon(1)) == "c1"
        assert identity.beacon(beacon(2)) is None
        assert identity.code(NUMBER.encode()) == ("member", "c1")
        assert Identity(b"x" * 32, replica).beacon(beacon(1)) is None
        await tokens(replica, {mine: None})
        assert identity.renew() == {"c1"}
        assert identity.beacon(beacon(1)) is None


async def test_a_token_of_another_means_opens_nothing(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage)
        await replica.open()
        row = {member_code.token(KEY, "code", NUMBER): feeds.Token(customer="c1", means="beacon")}
        await tokens(replica, {**row})
        assert Identity(KEY, replica).code(NUMBER.encode()) == ("unknown", None)


async def test_what_is_no_member_code(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        replica = Replica(storage)
        await replica.open()
        identity = Identity(KEY, replica)
        wrong = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
        for other in (b"4901234567894", b"", b"\x00\xff", wrong.encode(), b"2" * 14, NUMBER.encode() + b"\n"):
            assert identity.code(other) == ("other", None)
