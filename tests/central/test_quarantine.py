"""What cannot be used is kept within bounds, never pushed out by junk, and goes in when a newer central can read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import chain_keys
import pytest
from edge_log import NOON, EdgeLog, event
from ingest_bench import Bench
from sqlalchemy import Engine, select

from central import agents
from central.contract import codec
from central.contract.batches import MAX_EVENT, Gap
from central.ingest.replay import replay
from central.storage import tables
from central.storage.aside import EVENTS, MESSAGES, MOST, set_aside
from central.storage.database import reading, writing

BAD = b'{"kind":"crowd-counted","born":{"wall":"2026-11-24T03:00:00","boot":"b","up_ms":1,"synced":true},"body":{}}'


@pytest.fixture
def bench(enrolled: Engine) -> Bench:
    return Bench(enrolled)


def kept(bench: Bench) -> list[Any]:
    with reading(bench.engine) as connection:
        return list(connection.execute(select(tables.quarantine).order_by(tables.quarantine.c.id)))


def put_aside(bench: Bench, *data: bytes, seqs: Sequence[int] = (), leaf: str = "up", agent: str = "pi-1") -> None:
    """As an older central did that could not read them."""
    with writing(bench.engine) as connection:
        for nth, one in enumerate(data):
            place = ("e1", seqs[nth]) if seqs else None
            set_aside(connection, agent, one, "unreadable", "old", NOON, place=place, leaf=None if seqs else leaf)


def gaps(bench: Bench) -> list[tuple[int, int, int]]:
    return [(gap["first"], gap["last"], gap["count"]) for gap in bench.report()["gaps"]]


def unreadable(log: EdgeLog, first: int, last: int) -> Gap:
    return replace(log.gap(first, last), cause="unreadable")


def test_junk_is_bounded_in_rows_and_the_first_stays(bench: Bench) -> None:
    junk = [b"junk %d" % number for number in range(MESSAGES.rows + 5)]
    bench.take(*(EdgeLog().said("up", one) for one in junk))
    assert [row.data for row in kept(bench)] == junk[: MESSAGES.rows]
    aside = bench.report()["aside"]
    assert (aside["count"], aside["not_kept"]) == (MESSAGES.rows + 5, 5)
    assert aside["reasons"] == {"unreadable": MESSAGES.rows + 5}
    size = sum(len(one) for one in junk[: MESSAGES.rows])
    assert aside["kept"] == [{"agent": "pi-1", "events": 0, "messages": MESSAGES.rows, "bytes": size}]


def test_junk_is_bounded_in_bytes(bench: Bench) -> None:
    bench.take(*(EdgeLog().said("up", bytes([number]) * 500_000) for number in range(40)))
    rows = kept(bench)
    assert {len(row.data) for row in rows} == {MOST}
    assert len(rows) == MESSAGES.size // MOST
    assert rows[0].reason.startswith("unreadable: cut, it had 500000 bytes: ")


def test_junk_pushes_no_event_out_and_takes_none_of_its_room(bench: Bench) -> None:
    put_aside(bench, *[b"{}"] * (EVENTS.rows - 1), seqs=range(1001, 1000 + EVENTS.rows))
    bench.take(*(EdgeLog().said("up", b"junk %d" % number) for number in range(MESSAGES.rows + 5)))
    log = EdgeLog().add(event(1), BAD, event(3))
    bench.take(log.message(log.batch(1, 3)))
    assert len(kept(bench)) == EVENTS.rows + MESSAGES.rows
    assert kept(bench)[-1].data == BAD
    assert gaps(bench) == []


def test_an_event_that_has_no_room_becomes_a_gap_and_neighbours_one(bench: Bench) -> None:
    large = BAD[:-1] + b" " * (MAX_EVENT - len(BAD)) + b"}"
    many = EVENTS.size // MAX_EVENT
    put_aside(bench, *[large] * many, seqs=range(1001, 1001 + many))
    log = EdgeLog().add(event(1), *[BAD] * 3, event(5), BAD)
    bench.take(log.message(log.batch(1, 6)))
    assert [seq for _, seq, _ in bench.stored()] == [1, 5]
    assert bench.acks() == [6]
    assert gaps(bench) == [(2, 4, 3), (6, 6, 1)]
    assert bench.report()["aside"]["not_kept"] == 4


def test_rows_of_events_are_bounded_too(bench: Bench) -> None:
    put_aside(bench, *[b"{}"] * (EVENTS.rows + 1), seqs=range(1, EVENTS.rows + 2))
    assert len(kept(bench)) == EVENTS.rows


def test_the_room_of_one_agent_is_not_anothers(bench: Bench) -> None:
    put_aside(bench, *[b"x"] * MESSAGES.rows, agent="pi-0")
    bench.take(EdgeLog().said("up", b"junk"))
    assert kept(bench)[-1].agent == "pi-1"


def test_an_event_that_can_be_read_now_goes_to_its_own_place_and_is_deleted_here(bench: Bench) -> None:
    log = EdgeLog().add(*(event(number) for number in range(1, 4)))
    bench.take(log.message(log.batch(1, 1)), log.message(log.batch(2, 3, gaps=(log.gap(2, 2),))))
    put_aside(bench, event(9), BAD, seqs=(7, 8))
    assert replay(bench.engine, NOON) == {"stored": 1, "unreadable": 1, "there": 0, "left": 1}
    assert bench.stored() == [("e1", 1, event(1)), ("e1", 3, event(3)), ("e1", 7, event(9))]
    assert [row.seq for row in kept(bench)] == [8]
    assert bench.counted("stored.crowd-counted") == 3
    assert replay(bench.engine, NOON) == {"stored": 0, "unreadable": 1, "there": 0, "left": 1}


def test_what_stands_in_the_place_already_is_never_replaced(bench: Bench) -> None:
    log = EdgeLog().add(event(1), event(2))
    bench.take(log.message(log.batch(1, 2)))
    put_aside(bench, event(1), event(99), seqs=(1, 2))
    assert replay(bench.engine, NOON) == {"there": 1, "taken": 1, "stored": 0, "left": 1}
    assert bench.stored() == [("e1", 1, event(1)), ("e1", 2, event(2))]
    assert [row.data for row in kept(bench)] == [event(99)]


@pytest.mark.parametrize(
    ("declared", "left"),
    [((2, 2), []), ((2, 4), [(3, 4, 2)]), ((1, 2), [(1, 1, 1)]), ((1, 4), [(1, 1, 1), (3, 4, 2)])],
)
def test_a_batch_of_one_event_goes_into_the_gap_that_was_declared_for_it(
    bench: Bench, declared: tuple[int, int], left: list[tuple[int, int, int]]
) -> None:
    log = EdgeLog().add(*(event(number) for number in range(1, 6)))
    bench.take(log.message(log.batch(1, 5, gaps=(unreadable(log, *declared),))))
    put_aside(bench, codec.pack(log.batch(2, 2)))
    assert replay(bench.engine, NOON) == {"stored": 1, "there": 0, "left": 0}
    assert ("e1", 2, event(2)) in bench.stored()
    assert gaps(bench) == left
    assert kept(bench) == []


def test_a_batch_that_nothing_is_missing_for_stays(bench: Bench) -> None:
    log = EdgeLog().add(*(event(number) for number in range(1, 6)))
    bench.take(log.message(log.batch(1, 3, gaps=(log.gap(2, 2),))))  # Given up for want of room, not unreadable.
    put_aside(bench, codec.pack(log.batch(2, 2)), codec.pack(log.batch(4, 5)), codec.pack(log.batch(1, 1)))
    assert replay(bench.engine, NOON) == {"unplaced": 3, "there": 1, "stored": 0, "left": 2}
    assert [seq for _, seq, _ in bench.stored()] == [1, 3]
    bench.take(log.message(log.batch(4, 5)))
    assert [seq for _, seq, _ in bench.stored()] == [1, 3, 4, 5], "the edge's own way is still open"


def test_what_is_no_event_or_nobodys_stays(bench: Bench) -> None:
    log = EdgeLog().add(event(1))
    put_aside(bench, b'{"online":true}', leaf="status")
    put_aside(bench, codec.pack(log.batch(1, 1)), agent="")
    with writing(bench.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-2")
        agents.revoke(connection, "pi-2", NOON)
    put_aside(bench, codec.pack(log.batch(1, 1)), agent="pi-2")
    put_aside(bench, b"junk of a central of before", leaf="up")
    assert replay(bench.engine, NOON) == {"not replayed": 3, "unreadable": 1, "stored": 0, "there": 0, "left": 4}
    assert bench.stored() == []


def test_only_the_agent_that_was_asked_for_is_tried(bench: Bench) -> None:
    with writing(bench.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-2")
    put_aside(bench, event(1), seqs=(1,))
    put_aside(bench, event(2), seqs=(1,), agent="pi-2")
    assert replay(bench.engine, NOON, "pi-2") == {"stored": 1, "there": 0, "left": 0}
    assert [row.agent for row in kept(bench)] == ["pi-1"]
