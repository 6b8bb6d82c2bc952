"""An event that stood in two places is one event: forks, copies of cards and the quarantine, in any order."""

from __future__ import annotations

import pytest
from edge_log import EdgeLog, event
from ingest_bench import Bench
from sqlalchemy import Engine

from central.contract.batches import Origin

BAD = b'{"kind":"crowd-counted","born":{"wall":"2026-11-24T03:00:00","boot":"b","up_ms":1,"synced":true},"body":{}}'


@pytest.fixture
def bench(enrolled: Engine) -> Bench:
    return Bench(enrolled)


def log_of(count: int) -> EdgeLog:
    return EdgeLog().add(*(event(number) for number in range(1, count + 1)))


def test_what_a_copied_card_sent_first_is_not_stored_again_where_it_stood(bench: Bench) -> None:
    log, copy = log_of(3), EdgeLog(epoch="e2").add(event(3), event(30))
    bench.take(log.message(log.batch(1, 2)))
    bench.take(copy.message(copy.batch(1, 2, origins=(Origin(seq=1, epoch="e1", was=3),))))
    log.add(event(4))
    bench.take(log.message(log.batch(3, 4)))
    assert sorted(bench.stored()) == [
        ("e1", 1, event(1)),
        ("e1", 2, event(2)),
        ("e1", 4, event(4)),
        ("e2", 1, event(3)),
        ("e2", 2, event(30)),
    ]
    assert bench.acks() == [2, 2, 4]


def test_what_is_in_quarantine_is_held_there_and_nowhere_else(bench: Bench) -> None:
    log, later = log_of(2).add(BAD), EdgeLog(epoch="e2").add(BAD, event(4))
    bench.take(log.message(log.batch(1, 3)))
    bench.take(later.message(later.batch(1, 2, origins=(Origin(seq=1, epoch="e1", was=3),))))
    assert [(row["epoch"], row["seq"]) for row in bench.report()["quarantine"]] == [("e1", 3)]
    assert bench.acks() == [3, 2]


def test_a_gap_over_the_cursor_stores_nothing_before_the_edge_has_gone_back_to_it(bench: Bench) -> None:
    log = log_of(25)
    bench.take(log.message(log.batch(1, 20)))
    bench.take(log.message(log.batch(6, 25, gaps=(log.gap(15, 22),))))
    bench.take(log.message(log.batch(21, 25, gaps=(log.gap(21, 22),))))
    assert bench.acks() == [20, 20, 25]
    assert [(row["first"], row["last"]) for row in bench.report()["gaps"]] == [(21, 22)]
