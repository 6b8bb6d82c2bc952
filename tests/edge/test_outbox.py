"""What is put is there, once and in order, or lies in a gap that says so."""

from __future__ import annotations

import asyncio
import copy
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from edge_wire import Central
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from central.contract.batches import GENESIS, MAX_BATCH, MAX_EVENT, MAX_EVENTS, Ack, Batch, DropClass, link, walk
from edge import ledger
from edge.errors import EdgeError, OutboxFull, Unwritable
from edge.ledger import CLASSES, MANY_GAPS, MARK, REMEMBER, REWIND, State
from edge.outbox import Outbox
from edge.seal import OVER, Seal, about
from edge.storage import Storage

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LARGE = 1 << 30
SEAL = Seal(bytes(32))
ROW = ledger.ROW + OVER
"""What an event takes beside its own bytes."""


def event(number: object, size: int = 0) -> bytes:
    """An event; `size` bytes long, where it is given."""
    short = f'{{"n":"{number}"}}'
    return short.replace('"}', "." * (size - len(short)) + '"}').encode()


async def opened(storage: Storage, budget: int = LARGE, **more: object) -> Outbox:
    outbox = Outbox(storage, budget, more.pop("seal", SEAL), "pi-1", **more)  # type: ignore[arg-type]
    await outbox.open()
    return outbox


async def put(outbox: Outbox, count: int, drop: DropClass = "plays", *, size: int = 0, name: str = "") -> list[bytes]:
    made = [event(f"{name}{n}", size) for n in range(count)]
    await asyncio.gather(*(outbox.put(one, drop=drop) for one in made))
    return made


def next_batch(outbox: Outbox, limit: int = MAX_EVENTS) -> Batch:
    batch = outbox.batch(limit)
    assert batch is not None
    return batch


def sent(batch: Batch) -> list[bytes]:
    return [bytes(one) for one in batch.events]


async def drain(outbox: Outbox, central: Central) -> None:
    """Send until nothing waits, as an uplink does on a link that loses nothing."""
    while batch := outbox.batch():
        if await outbox.acknowledged(central.take(batch)) == "fork":
            await outbox.fork()


@pytest.fixture
async def outbox(storage: Storage) -> Outbox:
    return await opened(storage)


async def test_events_are_numbered_and_chained(outbox: Outbox) -> None:
    made = await put(outbox, 300)
    batch = next_batch(outbox)
    assert (batch.first, batch.last, batch.oldest, batch.prev) == (1, 300, 1, GENESIS)
    assert sent(batch) == made
    chain = GENESIS
    for step, one in zip(walk(batch), made, strict=True):
        chain = link(chain, one)
        assert step.chain == chain
    assert outbox.state.chain == chain


async def test_a_put_returns_its_seq(outbox: Outbox) -> None:
    assert [await outbox.put(event(n), drop="vital", now=True) for n in range(3)] == [1, 2, 3]
    assert outbox.waiting == 3


async def test_a_neighbour_that_fails_costs_no_number(outbox: Outbox, storage: Storage) -> None:
    put, neighbour = outbox.put(event("a"), drop="vital"), storage.write(lambda _: 1 // 0)
    assert await put == 1
    with pytest.raises(ZeroDivisionError):
        await neighbour
    await outbox.put(event("b"), drop="vital")
    assert [step.seq for step in walk(next_batch(outbox))] == [1, 2]


async def test_an_ack_that_goes_back_wakes_who_sends(outbox: Outbox) -> None:
    await put(outbox, 3)
    central = Central()
    batch = next_batch(outbox)
    await outbox.acknowledged(central.take(batch))
    outbox.arrived.clear()
    await outbox.acknowledged(Ack(epoch=batch.epoch, seq=0, chain=GENESIS, time=NOON))
    assert outbox.arrived.is_set()


async def test_the_same_key_is_kept_once(outbox: Outbox) -> None:
    twice = await asyncio.gather(*(outbox.put(event("a"), drop="plays", key="play-1") for _ in range(2)))
    assert twice == [1, 1]
    assert await outbox.put(event("b"), drop="plays", key="play-2") == 2
    assert await outbox.put(event("a"), drop="plays", key="play-1") == 1
    assert len(sent(next_batch(outbox))) == 2


async def test_a_key_outlives_the_process_and_the_event(tmp_path: Path) -> None:
    now = 0.0
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        outbox = await opened(storage, wall=lambda: now)
        await outbox.put(event("a"), drop="plays", key="play-1")
        await drain(outbox, Central())
        now = REWIND + MARK
        await put(outbox, 1)
        await drain(outbox, Central(cursors={}))
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        outbox = await opened(storage, wall=lambda: now)
        assert await outbox.put(event("a"), drop="plays", key="play-1") == 1
        assert outbox.state.last == 2


async def test_what_no_message_may_hold_is_refused(outbox: Outbox) -> None:
    assert await outbox.put(event("a", MAX_EVENT), drop="plays") == 1
    with pytest.raises(EdgeError, match="65537 bytes"):
        await outbox.put(event("a", MAX_EVENT + 1), drop="plays")
    assert outbox.counts["events_refused"] == 1
    assert outbox.state.last == 1


async def test_white_space_around_an_event_breaks_no_chain(outbox: Outbox) -> None:
    await outbox.put(b' {"n": 1}\n', drop="plays")
    central = Central()
    assert await outbox.acknowledged(central.take(next_batch(outbox))) == "ok"
    assert list(central.events.values()) == [b'{"n": 1}']


async def test_a_batch_is_bounded_in_events_and_bytes(outbox: Outbox) -> None:
    assert outbox.batch() is None
    await put(outbox, MAX_EVENTS + 1)
    assert next_batch(outbox).last == MAX_EVENTS
    assert next_batch(outbox, 7).last == 7
    await outbox.acknowledged(Central().take(next_batch(outbox)))
    await put(outbox, 9, size=MAX_EVENT)
    batch = next_batch(outbox)
    assert (batch.first, batch.last) == (MAX_EVENTS + 1, MAX_EVENTS + 4)
    assert sum(map(len, batch.events)) <= MAX_BATCH


async def test_an_ack_moves_the_cursor_forward_and_back(outbox: Outbox) -> None:
    made = await put(outbox, 10)
    chains = [GENESIS]
    for one in made:
        chains.append(link(chains[-1], one))
    for seq in (4, 10, 10, 2, 0, 7):
        ack = Ack(epoch=outbox.state.epoch, seq=seq, chain=chains[seq], time=NOON)
        assert await outbox.acknowledged(ack) == "ok"
        assert outbox.waiting == 10 - seq
        if seq < 10:
            assert next_batch(outbox).prev == chains[seq]
            assert sent(next_batch(outbox)) == made[seq:]
    assert next_batch(outbox).oldest == 1


async def test_what_is_no_ack_of_ours_moves_nothing(outbox: Outbox) -> None:
    await put(outbox, 3)
    good = Ack(epoch=outbox.state.epoch, seq=2, chain=next(walk(next_batch(outbox, 1))).chain, time=NOON)
    before = outbox.state
    assert await outbox.acknowledged(replace(good, epoch="other")) == "ignored"
    assert await outbox.acknowledged(good) == "fork"  # The chain at 1, said of 2.
    assert await outbox.acknowledged(replace(good, seq=4)) == "fork"
    assert await outbox.acknowledged(replace(good, seq=0, chain="1" * 64)) == "fork"
    assert outbox.state == before


async def test_what_central_has_is_kept_for_72_hours(storage: Storage) -> None:
    now = 0.0
    outbox = await opened(storage, wall=lambda: now)
    central = Central()
    await put(outbox, 10)
    await drain(outbox, central)
    backup = copy.deepcopy(central)
    now += REWIND - 1
    await put(outbox, 5)
    await drain(outbox, central)
    assert outbox.state.floor == 0
    await put(outbox, 1)
    await drain(outbox, backup)  # Central was restored from it.
    assert len(backup.events) == 16
    assert backup.events.items() >= central.events.items()
    now += MARK
    await put(outbox, 1)
    await drain(outbox, central)
    assert outbox.state.floor >= 10


async def test_a_central_from_too_old_a_backup_is_told_what_is_lost(storage: Storage) -> None:
    now = 0.0
    outbox = await opened(storage, wall=lambda: now)
    await put(outbox, 10)
    await drain(outbox, Central())
    now += REWIND + 1
    await put(outbox, 1)
    await drain(outbox, Central(cursors={}))
    restored = Central()
    await put(outbox, 3)
    batch = next_batch(outbox)
    assert await outbox.acknowledged(restored.take(batch)) == "ok"
    await drain(outbox, restored)
    [(_, gap)] = restored.gaps
    assert (gap.first, gap.last, gap.cause) == (1, 10, "central_lost")
    assert len(restored.events) == 4


async def test_an_old_key_is_forgotten_at_last(storage: Storage) -> None:
    now = 0.0
    outbox = await opened(storage, wall=lambda: now)
    await outbox.put(event("a"), drop="plays", key="play-1")
    now += REMEMBER + 1
    await drain(outbox, Central())
    assert storage.read("SELECT * FROM seen") == []


async def test_a_full_outbox_gives_up_what_is_worth_least_and_says_so(storage: Storage) -> None:
    outbox = await opened(storage, 40 * 200)
    for drop in reversed(CLASSES):  # The most droppable is the oldest: 10 of each fill it.
        await put(outbox, 10, drop, size=200 - ROW, name=drop)
    assert outbox.counts["events_dropped"] == 0
    await put(outbox, 10, "vital", size=200 - ROW)
    batch = next_batch(outbox)
    assert {gap.drop for gap in batch.gaps} == {"counts"}
    assert outbox.counts["events_dropped"] == sum(gap.count for gap in batch.gaps) >= 10
    await put(outbox, 15, "vital", size=200 - ROW)
    assert {gap.drop for gap in next_batch(outbox).gaps} == {"counts", "visits", "plays"}
    with pytest.raises(OutboxFull, match="class vital"):
        await put(outbox, 30, "vital", size=200 - ROW)
    assert outbox.counts["events_refused"] > 0
    assert outbox.counts["outbox_bytes"] <= 40 * 200
    central = Central()
    await drain(outbox, central)
    assert all(b'"' in one for one in central.events.values())
    assert len(central.events) + sum(gap.count for _, gap in central.gaps) == outbox.state.last


async def test_nothing_is_given_up_for_what_is_worth_less(storage: Storage) -> None:
    outbox = await opened(storage, 10 * 200)
    await put(outbox, 10, "plays", size=200 - ROW)
    with pytest.raises(OutboxFull, match="class counts"):
        await outbox.put(event("crowd", 200 - ROW), drop="counts")
    assert outbox.counts["events_dropped"] == 0


async def test_a_known_key_needs_no_room(storage: Storage) -> None:
    outbox = await opened(storage, 10 * 200)
    await outbox.put(event("a", 200 - ROW), drop="vital", key="one")
    await put(outbox, 9, "vital", size=200 - ROW)
    assert await outbox.put(event("a", 200 - ROW), drop="vital", key="one") == 1


async def test_what_central_has_goes_before_anything_is_given_up(storage: Storage) -> None:
    outbox = await opened(storage, 20 * 200)
    await put(outbox, 15, "counts", size=200 - ROW)
    await drain(outbox, Central())
    await put(outbox, 15, "counts", size=200 - ROW)
    assert outbox.counts["events_dropped"] == 0
    assert outbox.state.floor > 0
    assert next_batch(outbox).first == 16


async def test_neighbouring_gaps_of_a_class_become_one(storage: Storage) -> None:
    outbox = await opened(storage, 20 * 200)
    await put(outbox, 200, "counts", size=200 - ROW)
    [gap] = next_batch(outbox).gaps
    assert gap.first == 1
    assert gap.count == gap.last == outbox.state.dropped
    assert gap.last + len(next_batch(outbox).events) == 200


async def test_with_very_many_gaps_also_those_of_other_classes_become_one(storage: Storage) -> None:
    outbox = await opened(storage, 20 * 200)
    for n in range(20):
        await put(outbox, 1, "counts" if n % 2 else "visits", size=200 - ROW)
    far = [(n, n, 3, "outbox_full", b"x" * 32) for n in range(10**6, 10**6 + 2 * MANY_GAPS, 2)]
    await storage.write(lambda db: db.executemany("INSERT INTO gap VALUES (?, ?, ?, ?, ?)", far))
    await put(outbox, 40, "plays", size=200 - ROW)
    [gap, *_] = next_batch(outbox, 5).gaps
    assert (gap.first, gap.drop) == (1, "plays")
    assert gap.count == gap.last == outbox.state.dropped


async def test_an_ack_inside_a_gap_is_believed_where_a_batch_of_ours_ended(storage: Storage) -> None:
    outbox = await opened(storage, 20 * 200)
    await put(outbox, 20, "counts", size=200 - ROW)
    central = Central()
    unheard = central.take(next_batch(outbox, 5))
    await put(outbox, 15, "counts", size=200 - ROW)
    assert next_batch(outbox).gaps[0].last > 5
    assert await outbox.acknowledged(unheard) == "ok"
    batch = next_batch(outbox)
    assert (batch.first, batch.gaps[0].first, batch.prev) == (6, 6, unheard.chain)
    await drain(outbox, central)
    assert len(central.events) + sum(gap.count for _, gap in central.gaps) == 35
    assert central.forks == 0


async def test_a_card_set_back_is_found_though_central_is_inside_a_gap(tmp_path: Path) -> None:
    file, central = tmp_path / "a.sqlite", Central()
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        first = await put(outbox, 10)
        await drain(outbox, central)
    shutil.copy(file, tmp_path / "backup")
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        first += await put(outbox, 10, name="later")
        await drain(outbox, central)
    shutil.copy(tmp_path / "backup", file)
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        made = await put(outbox, 4, name="again")
        await outbox.declare(8, "counts")
        made += await put(outbox, 3, name="after")
        heard = Ack(epoch=outbox.state.epoch, seq=20, chain=central.cursors[outbox.state.epoch].chain, time=NOON)
        assert await outbox.acknowledged(heard) == "fork"
        await outbox.fork()
        await drain(outbox, central)
    assert list(central.events.values()) == first + made
    assert sum(gap.count for _, gap in central.gaps) == 8


async def test_a_fork_sends_all_that_is_held_again_with_its_origin(storage: Storage) -> None:
    outbox = await opened(storage)
    made = await put(outbox, 6)
    central = Central()
    await outbox.acknowledged(central.take(next_batch(outbox, 2)))
    old = outbox.state.epoch
    await outbox.fork()
    assert outbox.state.epoch != old
    batch = next_batch(outbox)
    assert (batch.first, batch.last, batch.oldest, batch.prev) == (1, 6, 1, GENESIS)
    assert [(one.seq, one.epoch, one.was) for one in batch.origins] == [(n, old, n) for n in range(1, 7)]
    assert sent(batch) == made
    await outbox.fork()
    assert [one.was for one in next_batch(outbox).origins] == [1, 2, 3, 4, 5, 6]
    assert await outbox.put(event("new"), drop="plays") == 7
    assert [one.seq for one in next_batch(outbox).origins] == [1, 2, 3, 4, 5, 6]
    await drain(outbox, central)
    assert list(central.events.values()) == [*made, event("new")], "central has skipped what it held"


async def test_after_a_fork_a_central_restored_from_before_gets_also_what_was_acknowledged(storage: Storage) -> None:
    outbox = await opened(storage)
    made = await put(outbox, 6)
    await drain(outbox, Central())
    await outbox.fork()
    made += await put(outbox, 2, name="new")
    restored = Central()
    await drain(outbox, restored)
    assert list(restored.events.values()) == made
    assert not restored.gaps


async def test_a_fork_keeps_gaps_keys_and_order(storage: Storage) -> None:
    outbox = await opened(storage, 20 * 200)
    await put(outbox, 3, "vital", size=200 - ROW)
    central = Central()
    await drain(outbox, central)
    await outbox.put(event("play", 200 - ROW), drop="vital", key="play-1")
    await put(outbox, 15, "counts", size=200 - ROW)
    await put(outbox, 10, "vital", size=200 - ROW, name="new")
    [gap] = next_batch(outbox).gaps
    await outbox.fork()
    [moved] = next_batch(outbox).gaps
    assert (moved.first, moved.last, moved.count) == (gap.first - 3, gap.last - 3, gap.count)
    assert await outbox.put(event("play", 200 - ROW), drop="vital", key="play-1") == 1
    await drain(outbox, central)
    assert len(central.events) + gap.count == outbox.state.last + 3


async def test_a_copied_card_is_found_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "a.sqlite") as storage:
        outbox = await opened(storage)
        made = await put(outbox, 10, name="before")
    shutil.copy(tmp_path / "a.sqlite", tmp_path / "b.sqlite")
    central = Central()
    for card in ("a", "b"):
        async with Storage.open(tmp_path / f"{card}.sqlite") as storage:
            outbox = await opened(storage)
            made += await put(outbox, 10, name=card)
            await drain(outbox, central)
    assert central.forks == 1
    assert sorted(central.events.values()) == sorted(made)


async def test_a_card_set_back_is_found_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    central = Central()
    file, old = tmp_path / "a.sqlite", tmp_path / "old.sqlite"
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        made = await put(outbox, 10, name="before")
    shutil.copy(file, old)
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        made += await put(outbox, 10, name="forgotten")
        await drain(outbox, central)
    shutil.copy(old, file)
    async with Storage.open(file) as storage:
        outbox = await opened(storage)
        made += await put(outbox, 10, name="after")
        await drain(outbox, central)
        assert outbox.waiting == 0
    assert sorted(central.events.values()) == sorted(made)


async def test_another_board_is_a_copied_card_before_its_first_write(tmp_path: Path) -> None:
    epochs = []
    for board in ("", "10000000aaaa", "10000000aaaa", "", "10000000bbbb"):
        async with Storage.open(tmp_path / "a.sqlite") as storage:
            epochs.append((await opened(storage, board=board)).state.epoch)
    assert len(set(epochs)) == 2
    assert epochs[3] != epochs[4]


async def test_an_unreadable_event_is_set_aside_and_declared(outbox: Outbox, storage: Storage) -> None:
    await outbox.put(event("good"), drop="vital")
    await outbox.put(b"\xff no JSON", drop="vital")
    await outbox.put(event("good"), drop="vital")
    await outbox.set_aside(2)
    await outbox.set_aside(2)
    batch = next_batch(outbox)
    [gap] = batch.gaps
    assert (gap.first, gap.last, gap.cause, gap.drop) == (2, 2, "unreadable", "vital")
    assert list(walk(batch))[-1].chain == outbox.state.chain
    [(epoch, seq, data)] = storage.read("SELECT epoch, seq, data FROM aside")
    assert SEAL.open(data, about("event", epoch, seq)) == b"\xff no JSON"
    assert outbox.counts["events_aside"] == 1


async def test_a_full_disk_refuses_and_recovers(outbox: Outbox, storage: Storage) -> None:
    await put(outbox, 10)
    [[pages]] = storage.read("PRAGMA page_count")
    await storage.write(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 3}"))
    answers = await asyncio.gather(
        *(outbox.put(event(n, 3000), drop="vital") for n in range(30)), return_exceptions=True
    )
    assert any(isinstance(answer, Unwritable) for answer in answers)
    await storage.write(lambda db: db.execute(f"PRAGMA max_page_count = {1 << 20}"))
    assert await outbox.put(event("room"), drop="vital") == outbox.state.last
    kept = [answer for answer in answers if isinstance(answer, int)]
    assert sorted(kept) == list(range(11, outbox.state.last))
    assert len(list(walk(next_batch(outbox)))) == outbox.state.last


async def test_the_state_is_the_same_after_a_restart(tmp_path: Path) -> None:
    states: list[State] = []
    for _ in range(2):
        async with Storage.open(tmp_path / "a.sqlite") as storage:
            outbox = await opened(storage, 100 * 200)
            if not states:
                for drop in CLASSES:
                    await put(outbox, 40, drop, size=200 - ROW)
                await outbox.acknowledged(Central().take(next_batch(outbox, 30)))
                await put(outbox, 20)
            states.append(outbox.state)
    assert states[0] == states[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
@example(seed=208532327)
async def test_whatever_happens_all_is_at_central_once_or_declared(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    file = tmp_path_factory.mktemp("outbox") / "a.sqlite"
    central, kept, number = Central(), dict[bytes, DropClass](), 0
    for _ in range(chance.randint(1, 4)):  # Each time a new process.
        async with Storage.open(file) as storage:
            outbox = await opened(storage, 60 * 200)
            for _ in range(chance.randint(1, 12)):
                what = chance.choice(["put", "put", "send", "unheard", "old", "fork", "restore"])
                if what == "put":
                    made = {event(number + n, chance.randint(40, 400)): chance.choice(CLASSES) for n in range(20)}
                    number += 20
                    answers = await asyncio.gather(
                        *(outbox.put(one, drop=drop) for one, drop in made.items()), return_exceptions=True
                    )
                    kept |= {one: made[one] for one, seq in zip(made, answers, strict=True) if isinstance(seq, int)}
                elif what == "fork":
                    await outbox.fork()
                elif what == "restore" and outbox.state.floor == 0:
                    await outbox.acknowledged(Ack(epoch=outbox.state.epoch, seq=0, chain=GENESIS, time=NOON))
                elif batch := outbox.batch(chance.randint(1, 30)):
                    ack = central.take(batch)
                    if what == "send":
                        # Inside a gap, of a batch before this one: nobody can compare that.
                        if await outbox.acknowledged(ack) == "fork":
                            assert ack.seq > batch.last or any(gap.first <= ack.seq < gap.last for gap in batch.gaps)
                            await outbox.fork()
                    elif what == "old":
                        await outbox.acknowledged(replace(ack, epoch="another"))
            assert sum(outbox.state.sizes) <= 60 * 200
    async with Storage.open(file) as storage:
        outbox = await opened(storage, 60 * 200)
        await drain(outbox, central)
    arrived = list(central.events.values())
    assert len(arrived) == len(set(arrived))
    missing = kept.keys() - set(arrived)
    assert set(arrived) <= kept.keys()
    assert not [one for one in missing if kept[one] == "vital"]
    assert len(missing) <= sum(gap.count for _, gap in central.gaps)
    assert central.forks == 0
