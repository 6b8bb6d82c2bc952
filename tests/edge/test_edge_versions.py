"""A card that an older program wrote: nothing of it is lost, sent twice, or shown to somebody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from edge_wire import Central

from central.contract import events
from central.contract.feeds import Profile
from edge.commands import Commands
from edge.outbox import Outbox
from edge.replica import Replica
from edge.seal import Seal
from edge.storage import Storage
from ground.errors import StorageError

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
VERSIONS = sorted((Path(__file__).parents[1] / "versions").glob("edge-*.sql"))


@pytest.fixture(params=VERSIONS, ids=lambda file: file.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database as that version left it, with rows in every table."""
    file: Path = tmp_path / "edge.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(request.param.read_text())
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert all(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names)
    return file


def opened(storage: Storage) -> tuple[Outbox, Replica]:
    return Outbox(storage, 1 << 20, Seal(bytes(32)), "ginza-1"), Replica(storage, Seal(bytes(32)), "ginza")


async def test_what_waited_is_sent_and_continues_what_central_has(old: Path) -> None:
    async with Storage.open(old) as storage:
        outbox, _ = opened(storage)
        await outbox.open()
        batch = outbox.batch()
        assert batch is not None
        assert (batch.first, batch.last, outbox.state.acked) == (4, 15, 3)
        kinds = [events.read(bytes(event))[0].kind for event in batch.events]
        assert kinds == ["crowd-counted"] * 3 + ["played"] * 8
        assert [gap.cause for gap in batch.gaps] == ["unreadable"]
        central = Central()
        await outbox.acknowledged(central.take(batch))
        while again := outbox.batch():  # A central that has nothing takes all that the card still holds.
            await outbox.acknowledged(central.take(again))
        assert outbox.waiting == 0
        assert (central.forks, len(central.events)) == (0, 11)


async def test_what_was_told_once_is_not_told_again(old: Path) -> None:
    async with Storage.open(old) as storage:
        outbox, _ = opened(storage)
        await outbox.open()
        before = outbox.state.last
        assert await outbox.put(b'{"again":1}', drop="plays", key="p-0") <= before
        assert outbox.state.last == before
        assert await outbox.put(b'{"new":1}', drop="plays", key="p-99") == before + 1


async def test_who_was_known_is_known_or_asked_for_anew_and_nobody_is_mixed_up(old: Path) -> None:
    async with Storage.open(old) as storage:
        _, replica = opened(storage)
        await replica.open()
        assert storage.last_wall() == NOON
        hana = replica.profile("c-1", NOON)
        # What an older program left unsealed may be refused; then its feed is pulled anew.
        assert hana in (None, Profile(customer="c-1", purposes=("presence", "signage"), nickname="はな"))
        assert [product.yen for product in replica.products(NOON).values()] == [800]
        assert [stock.on_hand for stock in replica.stock(NOON).values()] == [5]
        assert set(replica.contents(NOON)) == {"c-1"}


async def test_a_card_of_a_newer_program_is_refused_with_what_to_install(old: Path) -> None:
    async with Storage.open(old) as storage:
        outbox, replica = opened(storage)
        await outbox.open()
        await replica.open()
        await Commands(storage, None, None, "ginza", "ginza-1").open()  # type: ignore[arg-type]  # Only its tables.
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('outbox', 'x', '')"
        )
        connection.execute("UPDATE program SET version = '9.1.0'")
        connection.commit()
    async with Storage.open(old) as storage:
        outbox, _ = opened(storage)
        with pytest.raises(StorageError, match=r"newer program .*: x\. Install Noren 9\.1\.0 or a later"):
            await outbox.open()
