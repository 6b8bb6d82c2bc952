"""A signed code is used at one reader, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from central.contract import signed_code
from central.contract.signed_code import SignedCode
from edge.replays import KEPT, MOST, Replays
from edge.storage import Storage

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def code(number: int = 1, made: datetime = NOON) -> SignedCode:
    head = signed_code.head("abcd", f"{number:012x}", made, timedelta(seconds=30))
    read = signed_code.read(signed_code.digits(head, bytes(64)).encode())
    assert read is not None
    return read


async def opened(storage: Storage, most: int = MOST) -> Replays:
    made = Replays(storage, most)
    await made.open()
    return made


async def settled(storage: Storage) -> None:
    """What was handed to the disk before is there."""
    await storage.write(lambda _: None, now=True)


async def test_the_same_reader_again_is_the_same_act_and_another_one_is_not(storage: Storage) -> None:
    used = await opened(storage)
    assert [used.used(code(), reader) for reader in ("one", "one", "two", "one", "two")] == [
        False, False, True, False, True,
    ]  # fmt: skip
    assert not used.used(code(2), "two")


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        used = await opened(storage)
        used.used(code(), "one")
        used.used(code(2), "one")
        used.elsewhere(code(2))
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        used = await opened(storage)
        assert used.used(code(), "two")
        assert not used.used(code(), "one")
        assert used.used(code(2), "one")


async def test_memory_answers_also_where_the_disk_refuses(storage: Storage) -> None:
    used = await opened(storage)
    storage._given_up = True
    assert not used.used(code(), "one")
    assert used.used(code(), "two")


async def test_what_is_long_over_is_forgotten(storage: Storage) -> None:
    used = await opened(storage)
    used.used(code(), "one")
    used.used(code(2, NOON + timedelta(minutes=5)), "one")
    await settled(storage)
    over = NOON + timedelta(seconds=30) + KEPT
    used.purge(over - timedelta(seconds=1))
    assert used.used(code(), "two")
    used.purge(over)
    await settled(storage)
    assert storage.read("SELECT count(*) FROM code_used") == [(1,)]
    assert not used.used(code(), "two")
    assert used.used(code(2, NOON + timedelta(minutes=5)), "two")


async def test_there_are_never_more_than_so_many(storage: Storage) -> None:
    used = await opened(storage, 50)
    for number in range(120):
        used.used(code(number), "one")
    await settled(storage)
    assert storage.read("SELECT count(*) FROM code_used") == [(50,)]
    assert used.used(code(119), "two")
    assert used.used(code(70), "two")
    assert not used.used(code(69), "two")
