"""What of a batch is new: each case of the contract, and then any disorder."""

from __future__ import annotations

import random
from dataclasses import replace

from edge_log import EdgeLog, event
from hypothesis import given, settings
from hypothesis import strategies as st

from central.contract.batches import GENESIS, Batch, walk
from central.ingest.compare import Cursor, Verdict, compare

LOG = EdgeLog().add(*(event(number) for number in range(1, 21)))
OTHER = EdgeLog().add(*(event(number + 100) for number in range(1, 21)))


def judge(cursor: int, batch: Batch, log: EdgeLog = LOG) -> Verdict:
    return compare(Cursor(seq=cursor, chain=log.chain[cursor]), batch, tuple(walk(batch)))


def taken(verdict: Verdict) -> list[int]:
    return [link.seq for link in verdict.take]


def test_takes_what_follows() -> None:
    assert taken(judge(0, LOG.batch(1, 5))) == [1, 2, 3, 4, 5]
    assert taken(judge(5, LOG.batch(6, 6))) == [6]


def test_takes_nothing_twice() -> None:
    assert judge(5, LOG.batch(1, 5)) == Verdict()
    assert judge(5, LOG.batch(2, 3)) == Verdict()


def test_takes_the_tail_of_what_is_partly_held() -> None:
    assert taken(judge(3, LOG.batch(1, 5))) == [4, 5]


def test_waits_for_what_is_missing_between() -> None:
    assert judge(3, LOG.batch(5, 8)) == Verdict()
    assert judge(3, LOG.batch(7, 8, oldest=6)) == Verdict(), "the edge still has 6 and must send it first"


def test_declares_what_central_lost() -> None:
    verdict = judge(3, LOG.batch(6, 8, oldest=6))
    gap = verdict.take[0].gap
    assert taken(verdict) == [5, 6, 7, 8]
    assert gap is not None
    assert (gap.first, gap.last, gap.cause, gap.count) == (4, 5, "central_lost", 2)


def test_sees_a_fork_at_the_joint_in_the_tail_and_at_the_end() -> None:
    for batch in (OTHER.batch(4, 6), OTHER.batch(2, 6), OTHER.batch(1, 3)):
        assert judge(3, batch) == Verdict(fork=True)
    assert judge(0, replace(LOG.batch(1, 2), prev="f" * 64)) == Verdict(fork=True), "an epoch begins at the genesis"


def test_an_old_copy_that_ends_before_the_cursor_is_no_fork() -> None:
    assert judge(3, LOG.batch(1, 2)) == Verdict()


def test_a_gap_over_where_we_are_may_hide_a_fork_so_that_the_edge_has_to_say() -> None:
    assert judge(4, LOG.batch(2, 8, gaps=(LOG.gap(3, 6),))) == Verdict()
    assert judge(4, OTHER.batch(2, 8, gaps=(OTHER.gap(3, 6),))) == Verdict()


def test_a_gap_that_is_new_is_taken_whole() -> None:
    verdict = judge(2, LOG.batch(3, 8, gaps=(LOG.gap(3, 6),)))
    assert verdict.take[0].gap == LOG.gap(3, 6)


@settings(max_examples=200)
@given(seed=st.integers(), count=st.integers(min_value=1, max_value=20), loss=st.sampled_from((0.0, 0.3, 0.7)))
def test_any_loss_doubling_and_disorder_gives_each_event_once_in_order(seed: int, count: int, loss: float) -> None:
    chance = random.Random(seed)
    stored: list[bytes] = []
    cursor = Cursor()
    known = 0  # What the edge has seen acknowledged.
    air: list[Batch] = []
    while known < count:
        first = chance.randint(1, known + 1)
        air.append(LOG.batch(first, chance.randint(first, count)))
        chance.shuffle(air)
        for batch in [*air, *chance.choices(air, k=2)]:
            if chance.random() < loss:
                continue
            verdict = compare(cursor, batch, tuple(walk(batch)))
            assert not verdict.fork
            for link in verdict.take:
                assert link.event is not None
                stored.append(link.event)
                cursor = Cursor(seq=link.seq, chain=link.chain)
            if chance.random() >= loss:
                known = max(known, cursor.seq)
        del air[4:]
    assert stored == LOG.made[: len(stored)]
    assert cursor == Cursor(seq=len(stored), chain=LOG.chain[len(stored)])
    assert LOG.chain[0] == GENESIS
