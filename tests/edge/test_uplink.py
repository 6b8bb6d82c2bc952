"""Everything in the outbox reaches central once, over a link that loses, doubles and delays."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from edge_wire import Central, Wire, turn, until
from hypothesis import given
from hypothesis import strategies as st

from central.contract import events, topics
from central.contract.batches import MAX_EVENTS, Ack, Batch, Nack, digest
from central.contract.codec import Unreadable, pack, unpack
from edge.clock import Clock
from edge.outbox import Outbox
from edge.seal import Seal
from edge.storage import Storage
from edge.uplink import ANSWER, GATHER, SOON, Uplink

Later = Callable[[float], Awaitable[None]]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Store:
    """An outbox with its uplink on a wire, and central at the other end."""

    def __init__(self, storage: Storage, later: Later, *, synced: bool = True) -> None:
        self.later = later
        self.wire = Wire()
        self.central = Central()
        self.outbox = Outbox(storage, 1 << 26, Seal(bytes(32)), "ginza-1")
        self.up = 1000.0
        self.clock = Clock(system=lambda: NOON.timestamp(), uptime=lambda: self.up, synced=lambda: synced)
        if synced:  # Central knows this boot already.
            boot_at = NOON - timedelta(seconds=1000)
            self.clock.told(events.ClockOffset(boot="b", offset_ms=0, within_ms=9999, boot_at=boot_at, at_ms=10**6))
        self.uplink = Uplink(self.outbox, self.wire, self.clock, "ginza", "pi-1")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.outbox.open()
        task = asyncio.create_task(self.uplink.run())
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def connect(self) -> None:
        self.wire.connected = True
        self.uplink.connected()

    async def put(self, count: int) -> None:
        await asyncio.gather(*(self.outbox.put(b'{"n":%d}' % n, drop="visits") for n in range(count)))

    async def sent(self) -> tuple[bytes, Batch]:
        """The next batch on the wire, as its payload and read."""
        await until(lambda: self.wire.sent)
        topic, payload = self.wire.sent.pop(0)
        assert topic == topics.of_agent("ginza", "pi-1", "up")
        return payload, unpack(payload, Batch)

    async def offset(self) -> events.ClockOffset:
        """What the outbox holds now, which is only what central must know of the clock."""
        batch = self.outbox.batch()
        assert batch is not None
        [event] = batch.events
        _, body = events.read(bytes(event))
        assert isinstance(body, events.ClockOffset)
        return body

    async def answered(self, batch: Batch) -> None:
        await self.uplink.on_ack(pack(self.central.take(batch)))


@pytest.fixture
def store(storage: Storage, later: Later) -> Store:
    return Store(storage, later)


async def test_what_is_put_is_sent_when_connected_and_done_when_acknowledged(store: Store) -> None:
    async with store.running():
        await store.put(3)
        await store.later(GATHER)
        assert not store.wire.sent
        store.connect()
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        assert (batch.first, batch.last) == (1, 3)
        assert store.outbox.waiting == 3
        await store.answered(batch)
        assert store.outbox.waiting == 0
        await store.later(60)
        assert not store.wire.sent
        assert store.uplink.counts["acks_ok"] == 1


async def test_few_events_wait_a_moment_for_company_and_many_do_not(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.put(1)
        assert not store.wire.sent
        await store.later(GATHER)
        _, batch = await store.sent()
        assert batch.last == 2
        await store.put(MAX_EVENTS)
        await store.answered(batch)
        _, batch = await store.sent()
        assert (batch.first, batch.last) == (3, 2 + MAX_EVENTS)


async def test_one_batch_is_under_way_at_a_time_and_is_sent_again_later_and_later(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(2)
        await turn()
        await store.later(GATHER)
        first, _ = await store.sent()
        await store.later(ANSWER / 3)
        assert not store.wire.sent
        for wait in (ANSWER, 2 * ANSWER, 4 * ANSWER):
            await store.later(wait)
            await store.later(GATHER)
            again, batch = await store.sent()
            assert again == first
        assert store.uplink.counts["acks_missed"] == 3
        await store.answered(batch)
        assert store.outbox.waiting == 0


async def test_a_new_connection_sends_at_once(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(2)
        await turn()
        await store.later(GATHER)
        first, _ = await store.sent()
        store.connect()
        await turn()
        await store.later(GATHER)
        assert (await store.sent())[0] == first


async def test_a_hint_sends_again_what_nobody_has_heard(store: Store) -> None:
    async with store.running():
        store.uplink.hinted()
        store.connect()
        await store.put(2)
        await turn()
        await store.later(GATHER)
        first, batch = await store.sent()
        store.uplink.hinted()
        await turn()
        assert not store.wire.sent  # The answer may well be on its way.
        await store.later(ANSWER * SOON)
        await store.later(GATHER)
        assert (await store.sent())[0] == first
        await store.later(2 * ANSWER * SOON)
        assert not store.wire.sent
        store.uplink.hinted()
        await turn()
        await store.later(GATHER)
        assert (await store.sent())[0] == first
        await store.answered(batch)
        store.uplink.hinted()
        await store.later(60)
        assert not store.wire.sent


async def test_hints_do_not_hurry_a_central_that_is_slow(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(2)
        await turn()
        sent = 0
        for _ in range(600):
            await store.later(0.1)
            store.uplink.hinted()
            await turn()
            sent += len(store.wire.sent)
            store.wire.sent.clear()
        assert 5 <= sent <= 15


async def test_an_answer_that_moves_nothing_is_no_reason_to_send_at_once(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(2)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        behind = Ack(epoch=batch.epoch, seq=0, chain=batch.prev, time=NOON)
        await store.uplink.on_ack(pack(behind))
        await turn()
        await store.later(GATHER)
        for _ in range(10):  # Time enough for the thread that deflates.
            await asyncio.to_thread(lambda: None)
            await turn()
        assert not store.wire.sent
        await store.later(2 * ANSWER)
        await store.later(GATHER)
        await store.answered((await store.sent())[1])
        assert store.outbox.waiting == 0


async def test_a_doubled_answer_delays_nothing(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        _, first = await store.sent()
        await store.answered(first)
        await store.put(1)
        await turn()
        await store.later(GATHER)
        _, second = await store.sent()
        await store.answered(first)
        await turn()
        await store.answered(second)
        await store.put(MAX_EVENTS)
        _, third = await store.sent()
        assert third.first == 3


async def test_what_a_broker_confirms_is_not_believed(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        await store.sent()  # Confirmed by the broker, and lost there.
        assert store.outbox.waiting == 1


async def test_central_from_a_backup_gets_again_what_it_lost(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(20)
        await turn()
        await store.later(GATHER)
        await store.answered((await store.sent())[1])
        store.central = Central()
        await store.put(1)
        await store.later(GATHER)
        _, batch = await store.sent()
        assert batch.first == 21
        await store.answered(batch)
        await store.later(GATHER)
        _, batch = await store.sent()
        assert (batch.first, batch.last) == (1, 21)
        await store.answered(batch)
        assert len(store.central.events) == 21


async def test_a_foreign_chain_begins_a_new_epoch_and_loses_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with store.running():
        store.connect()
        await store.put(5)
        old = store.outbox.state.epoch
        await turn()
        await store.later(GATHER)
        await store.sent()
        await store.uplink.on_ack(pack(Ack(epoch=old, seq=3, chain="a" * 64, time=NOON)))
        assert store.outbox.state.epoch != old
        assert "copied or set back" in caplog.text
        await store.later(GATHER)
        _, batch = await store.sent()
        assert [origin.was for origin in batch.origins] == [1, 2, 3, 4, 5]
        assert {origin.epoch for origin in batch.origins} == {old}
        await store.answered(batch)
        await store.uplink.on_ack(pack(Ack(epoch=old, seq=3, chain="a" * 64, time=NOON)))
        assert store.uplink.counts["acks_ignored"] == 1
        assert store.outbox.waiting == 0


async def test_a_nack_halves_until_the_culprit_is_alone_and_set_aside(store: Store) -> None:
    async with store.running():
        await store.put(6)
        await store.outbox.put(b'{"bad":', drop="vital")
        await store.put(5)
        store.connect()
        for _ in range(30):
            await turn()
            await store.later(GATHER)
            if not store.outbox.waiting:
                break
            await until(lambda: store.wire.sent)
            _, payload = store.wire.sent.pop(0)
            try:
                batch = unpack(payload, Batch)
            except Unreadable as error:
                await store.uplink.on_nack(pack(Nack(reason=str(error)[:200], digest=digest(payload))))
            else:
                await store.answered(batch)
        assert store.outbox.waiting == 0
        assert len(store.central.events) == 11
        [(_, gap)] = store.central.gaps
        assert (gap.first, gap.count, gap.cause) == (7, 1, "unreadable")
        assert store.outbox.counts["events_aside"] == 1


async def test_a_nack_of_something_else_changes_nothing(store: Store) -> None:
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        await store.sent()
        await store.uplink.on_nack(pack(Nack(reason="no", digest="0" * 64)))
        assert store.uplink.counts["nacks_ignored"] == 1
        assert store.outbox.counts["events_aside"] == 0


async def test_an_ack_that_cannot_be_kept_is_asked_for_again(store: Store, storage: Storage) -> None:
    async with store.running():
        store.connect()
        await store.put(3)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        await storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
        await store.answered(batch)
        for failed in range(1, 6):
            assert store.uplink.counts["acks_failed"] == failed
            await store.later(ANSWER)  # No later than the first time.
            await store.later(GATHER)
            await store.answered((await store.sent())[1])
        storage._writer.execute("PRAGMA query_only = 0")
        await store.later(ANSWER)
        await store.later(GATHER)
        await store.answered((await store.sent())[1])
        assert store.outbox.waiting == 0


async def test_acks_tell_the_time_and_the_offset_of_this_boot_goes_up(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        born = store.clock.born()
        assert not store.clock.safe()
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        ack = replace(store.central.take(batch), time=NOON + timedelta(hours=1))
        await store.uplink.on_ack(pack(ack))
        await store.later(GATHER)
        _, batch = await store.sent()
        [event] = batch.events
        envelope, body = events.read(bytes(event))
        assert isinstance(body, events.ClockOffset)
        assert (envelope.kind, body.boot, body.offset_ms) == ("clock-offset", born.boot, 3_600_000)


async def test_the_time_is_as_sure_as_the_first_question_is_old(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        await store.sent()
        store.up += 6
        await store.later(ANSWER)
        await store.later(GATHER)
        _, batch = await store.sent()
        store.up += 0.2  # Central may have said this when it was first asked, six seconds ago.
        await store.uplink.on_ack(pack(store.central.take(batch)))
        offset = await store.offset()
        assert 3_100 <= offset.within_ms <= 3_102


async def test_a_machine_that_slept_while_it_waited_is_less_sure(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        store.up += 600  # The loop's clock stands still in sleep, CLOCK_BOOTTIME does not.
        await store.uplink.on_ack(pack(store.central.take(batch)))
        assert (await store.offset()).within_ms >= 300_000


async def test_an_answer_to_another_question_says_nothing_of_the_time(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        store.connect()
        await store.put(2)
        await turn()
        await store.later(GATHER)
        _, first = await store.sent()
        await store.put(1)
        await store.later(ANSWER)
        await store.later(GATHER)
        await store.sent()
        await store.answered(first)  # It comes late: central said the time long ago.
        assert not store.clock.safe()
        assert store.outbox.waiting == 1


async def test_an_offset_that_the_disk_refuses_is_owed_until_it_is_stored(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        store.connect()
        await store.put(1)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        events_before = store.outbox.state.last

        def fills() -> None:
            storage._writer.execute("PRAGMA query_only = 1")

        storage.committed.append(fills)
        await store.uplink.on_ack(pack(store.central.take(batch)))
        assert store.uplink.counts["offsets_failed"] == 1
        assert store.uplink.counts["acks_failed"] == 0, "the acknowledgement itself was kept"
        await store.uplink.owe()
        assert store.uplink.counts["offsets_failed"] == 2
        storage.committed.pop()
        storage._writer.execute("PRAGMA query_only = 0")
        await store.uplink.owe()
        await store.uplink.owe()
        assert store.outbox.state.last == events_before + 1
        assert (await store.offset()).boot == store.clock.boot


async def test_a_restored_central_is_told_from_an_old_answer_that_comes_late(store: Store) -> None:
    set_back: list[int] = []
    store.uplink.on_set_back.append(lambda: set_back.append(1))
    async with store.running():
        store.connect()
        await store.put(5)
        await turn()
        await store.later(GATHER)
        _, batch = await store.sent()
        early = store.central.take(batch, NOON)
        await store.uplink.on_ack(pack(early))
        await store.put(5)
        await store.later(GATHER)
        _, batch = await store.sent()
        await store.uplink.on_ack(pack(store.central.take(batch, NOON + timedelta(milliseconds=1))))
        await store.uplink.on_ack(pack(early))
        assert store.outbox.waiting > 0
        assert not set_back
        assert store.uplink.counts["acks_set_back"] == 0
        await store.uplink.on_ack(pack(replace(early, time=NOON + timedelta(milliseconds=2))))
        assert not set_back, "it does not go back behind what is acknowledged now"
        await store.later(GATHER)
        _, batch = await store.sent()
        await store.uplink.on_ack(pack(store.central.take(batch, NOON + timedelta(milliseconds=2))))
        await store.uplink.on_ack(pack(replace(early, time=NOON + timedelta(milliseconds=3))))
        assert set_back == [1]


async def test_an_agent_that_was_away_sees_at_once_that_central_was_restored(storage: Storage, later: Later) -> None:
    before = Store(storage, later)
    set_back: list[int] = []
    async with before.running():
        before.connect()
        await before.put(5)
        await turn()
        await before.later(GATHER)
        await before.answered((await before.sent())[1])
    uplink = Uplink(before.outbox, before.wire, before.clock, "ginza", "pi-1")
    uplink.on_set_back.append(lambda: set_back.append(1))
    await uplink.on_ack(pack(Ack(epoch=before.outbox.state.epoch, seq=0, chain="0" * 64, time=NOON)))
    assert set_back == [1]


async def test_a_nack_that_comes_twice_halves_once(store: Store) -> None:
    async with store.running():
        await store.put(8)
        store.connect()
        await turn()
        await store.later(GATHER)
        payload, _ = await store.sent()
        nack = pack(Nack(reason="no", digest=digest(payload)))
        await store.uplink.on_nack(nack)
        await store.uplink.on_nack(nack)
        await store.later(GATHER)
        again, batch = await store.sent()
        assert (batch.first, batch.last) == (1, 4)
        await store.uplink.on_nack(nack)
        assert store.uplink.counts["nacks_ignored"] == 2
        await store.uplink.on_nack(pack(Nack(reason="no", digest=digest(again))))
        await store.later(GATHER)
        assert (await store.sent())[1].last == 2


async def test_an_answer_to_no_question_says_nothing_of_the_time(storage: Storage, later: Later) -> None:
    store = Store(storage, later, synced=False)
    async with store.running():
        await store.put(1)
        ack = Ack(epoch=store.outbox.state.epoch, seq=0, chain="0" * 64, time=NOON)
        await store.uplink.on_ack(pack(ack))
        assert not store.clock.safe()


@given(st.binary(max_size=200))
def test_whatever_comes_as_an_answer_is_counted_and_survived(payload: bytes) -> None:
    async def hear() -> Uplink:
        outbox = Outbox(None, 1, Seal(), "ginza-1")  # type: ignore[arg-type]  # It must not come as far as the file.
        uplink = Uplink(outbox, Wire(), Clock(), "ginza", "pi-1")
        await uplink.on_ack(payload)
        await uplink.on_nack(payload)
        return uplink

    counts = asyncio.run(hear()).counts
    assert counts["acks_unreadable"] == counts["nacks_unreadable"] == 1


@pytest.mark.parametrize("seed", range(4))
async def test_over_a_link_that_loses_doubles_and_delays_nothing_is_lost_or_doubled(
    storage: Storage, later: Later, seed: int
) -> None:
    chance = random.Random(seed)
    store = Store(storage, later)
    on_the_way: list[bytes] = []
    async with store.running():
        store.connect()
        for _ in range(60):
            if chance.random() < 0.4:
                await store.put(chance.randint(1, 30))
            await later(chance.choice([GATHER, ANSWER, 10 * ANSWER]))
            await turn()
            for _, payload in store.wire.sent:
                ack = pack(store.central.take(unpack(payload, Batch)))
                on_the_way += [ack] * chance.choice([0, 1, 1, 2])
            store.wire.sent.clear()
            chance.shuffle(on_the_way)
            while on_the_way and chance.random() < 0.7:
                await store.uplink.on_ack(on_the_way.pop())
            if chance.random() < 0.1:
                store.connect()
        for _ in range(40):
            await later(60)
            for _, payload in store.wire.sent:
                await store.answered(unpack(payload, Batch))
            store.wire.sent.clear()
            if not store.outbox.waiting:
                break
        assert store.outbox.waiting == 0
        assert store.central.forks == 0
        assert sorted(seq for _, seq in store.central.events) == list(range(1, store.outbox.state.last + 1))
