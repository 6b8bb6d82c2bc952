"""The way up on a real database: stored once, answered after the commit, and hostile bytes set aside."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import chain_keys
import pytest
from edge_log import NOON, EdgeLog, event
from ingest_bench import Bench
from sqlalchemy import Engine, select

from central import agents
from central.contract import codec, events, topics
from central.contract.batches import MAX_EVENT, Ack, Batch, Nack, Origin, digest, raw
from central.contract.commands import Reply, Status
from central.ingest.keep import MOST_EPOCHS
from central.ingest.report import report
from central.ingest.worker import STRANGER
from central.storage import tables
from central.storage.alarms import forked
from central.storage.aside import MOST
from central.storage.database import reading, writing

BORN = b'"born":{"wall":"2026-11-24T03:00:00Z","boot":"b","up_ms":1,"synced":true}'


@pytest.fixture
def bench(enrolled: Engine) -> Bench:
    return Bench(enrolled)


def log_of(count: int) -> EdgeLog:
    return EdgeLog().add(*(event(number) for number in range(1, count + 1)))


def test_stores_a_batch_and_acknowledges_it_with_the_chain(bench: Bench) -> None:
    log = log_of(5)
    bench.take(log.message(log.batch(1, 5)))
    assert bench.stored() == [("e1", seq, log.made[seq - 1]) for seq in range(1, 6)]
    ((topic, payload),) = bench.sent
    assert topic == topics.of_agent("ginza", "pi-1", "ack")
    assert codec.unpack(payload, Ack) == Ack(epoch="e1", seq=5, chain=log.chain[5], time=NOON)
    assert bench.counted("stored.crowd-counted") == 5


def test_doubled_late_and_partly_held_batches_store_each_event_once(bench: Bench) -> None:
    log = log_of(9)
    for first, last in ((4, 6), (1, 3), (1, 3), (2, 5), (7, 9), (6, 6), (6, 9)):
        bench.take(log.message(log.batch(first, last)))
    assert [seq for _, seq, _ in bench.stored()] == list(range(1, 10))
    assert bench.acks() == [0, 3, 3, 5, 5, 6, 9]


def test_what_central_lost_is_a_gap_and_what_follows_is_stored(bench: Bench) -> None:
    log = log_of(9)
    bench.take(log.message(log.batch(6, 9, oldest=6)))
    assert bench.acks() == [9]
    (gap,) = bench.report()["gaps"]
    assert (gap["first"], gap["last"], gap["cause"]) == (1, 5, "central_lost")


def test_a_declared_gap_is_kept_and_the_chain_goes_on_behind_it(bench: Bench) -> None:
    log = log_of(9)
    bench.take(log.message(log.batch(1, 6, gaps=(log.gap(2, 4),))))
    bench.take(log.message(log.batch(7, 9)))
    assert [seq for _, seq, _ in bench.stored()] == [1, 5, 6, 7, 8, 9]
    assert [(gap["first"], gap["last"], gap["drop"]) for gap in bench.report()["gaps"]] == [(2, 4, "counts")]


def test_a_fork_is_shown_to_the_edge_and_counted_and_stores_nothing(bench: Bench) -> None:
    log, copy = log_of(4), log_of(3).add(event(99), event(100))
    bench.take(log.message(log.batch(1, 4)))
    bench.take(copy.message(copy.batch(5, 5)), copy.message(copy.batch(4, 5)))
    (fork,) = bench.report()["forks"]
    assert (fork["agent"], fork["epoch"], fork["seq"], fork["count"]) == ("pi-1", "e1", 4, 2)
    assert len(bench.stored()) == 4
    told = codec.unpack(bench.sent[-1][1], Ack)
    assert (told.seq, told.chain) == (4, log.chain[4]), "our own chain, so that the edge sees that it is not its own"


def test_after_a_fork_what_was_held_is_skipped_and_a_stranger_in_its_place_is_not(bench: Bench) -> None:
    log = log_of(4)
    bench.take(log.message(log.batch(1, 4)))
    # A cloned card: its seq 4 is another event than ours; its seq 3 was stored, but the ack was lost.
    copy = EdgeLog(epoch="e2").add(event(3), event(99))
    origins = (Origin(seq=1, epoch="e1", was=3), Origin(seq=2, epoch="e1", was=4))
    bench.take(copy.message(copy.batch(1, 2, origins=origins)))
    assert [(epoch, seq) for epoch, seq, _ in bench.stored()] == [("e1", 1), ("e1", 2), ("e1", 3), ("e1", 4), ("e2", 2)]
    assert bench.acks() == [4, 2]


def test_origins_are_known_again_over_a_second_fork(bench: Bench) -> None:
    first = EdgeLog(epoch="e2").add(event(7))
    bench.take(first.message(first.batch(1, 1, origins=(Origin(seq=1, epoch="e1", was=7),))))
    for epoch, origin in (("e3", Origin(seq=1, epoch="e1", was=7)), ("e4", Origin(seq=1, epoch="e3", was=1))):
        again = EdgeLog(epoch=epoch).add(event(7))
        bench.take(again.message(again.batch(1, 1, origins=(origin,))))
    assert bench.stored() == [("e2", 1, event(7))]
    assert bench.acks() == [1, 1, 1]


def test_an_unknown_kind_is_kept_and_counted(bench: Bench) -> None:
    new = b'{"kind":"shelf-lifted",' + BORN + b',"body":{"a":[1]}}'
    log = EdgeLog().add(new)
    bench.take(log.message(log.batch(1, 1)))
    assert bench.stored() == [("e1", 1, new)]
    assert bench.counted("stored.unknown") == 1


BAD = {
    "no time zone": b'{"kind":"scanned",' + BORN.replace(b"00Z", b"00") + b',"body":{}}',
    "body of another kind": b'{"kind":"played",' + BORN + b',"body":{"visit":"v"}}',
    "giant integer": b'{"kind":"x",' + BORN.replace(b'"up_ms":1', b'"up_ms":' + b"9" * 400) + b',"body":{}}',
    "not an object": b'"what"',
    "year before the calendar": b'{"kind":"x",'
    + BORN.replace(b"2026-11-24T03:00:00Z", b"0001-01-01T00:00:00+09:00")
    + b',"body":{}}',
    "broken UTF-8": b'{"kind":"x",' + BORN + b',"body":{"a":"\xff"}}',
    "too large": b'{"kind":"x",' + BORN + b',"body":{"a":"' + b"a" * MAX_EVENT + b'"}}',
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_one_bad_event_is_set_aside_and_its_neighbours_are_stored(bench: Bench, bad: bytes) -> None:
    log = EdgeLog().add(event(1), bad, event(3))
    bench.take(log.message(log.batch(1, 3)))
    assert [seq for _, seq, _ in bench.stored()] == [1, 3]
    assert bench.acks() == [3]
    (aside,) = bench.report()["quarantine"]
    assert (aside["agent"], aside["epoch"], aside["seq"]) == ("pi-1", "e1", 2)
    with reading(bench.engine) as connection:
        assert connection.scalar(select(tables.quarantine.c.data)) == bad[:MOST]


def test_one_event_that_the_database_will_not_have_is_found_by_halving(bench: Bench) -> None:
    log = log_of(40)
    with writing(bench.engine) as connection:  # Something stands in the place of seq 17 already.
        born = {"born_wall": NOON, "boot": "b", "up_ms": 1, "synced": True, "received": NOON}
        row = {"agent": "pi-1", "epoch": "e1", "seq": 17, "kind": "x", "store": "ginza", "data": "{}"}
        connection.execute(tables.events.insert(), row | born)
    bench.take(log.message(log.batch(1, 40)))
    assert bench.acks() == [40]
    assert len(bench.stored()) == 40
    (aside,) = bench.report()["quarantine"]
    assert aside["seq"] == 17


def test_a_passing_trouble_is_not_answered_and_nothing_is_set_aside(bench: Bench) -> None:
    log = log_of(3)
    with writing(bench.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE gap RENAME TO away")
    bench.take(log.message(log.batch(1, 3, gaps=(log.gap(2, 2),))), *([log.message(log.batch(1, 1))]))
    assert bench.acks() == [1], "the other of the group is stored all the same"
    assert bench.ingest.counts["deferred"] == 2
    with writing(bench.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO gap")
    bench.take(log.message(log.batch(1, 3, gaps=(log.gap(2, 2),))))
    assert bench.acks() == [1, 3]
    assert bench.report()["quarantine"] == []


def test_events_that_cannot_be_stored_now_wait_at_the_edge(bench: Bench) -> None:
    log = log_of(3)
    for old, new in (("event", "away"), ("away", "event")):
        with writing(bench.engine) as connection:
            connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
        bench.take(log.message(log.batch(1, 3)))
    assert bench.acks() == [3]
    assert len(bench.stored()) == 3
    assert bench.report()["quarantine"] == []


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"x",
        b"x\x9c\x00",
        b"{}",
        b"[" * 50_000,
        b'{"epoch":"\\u0000"}',
        b"\xff" * 100,
        b"9" * 10_000,
        zlib.compress(b'["' * 40 + b'\\"' * 4_000_000),
        zlib.compress(b" " * (9 << 20)),
    ],
    ids=range(10),
)
def test_an_unreadable_batch_is_answered_with_its_digest_and_set_aside(bench: Bench, junk: bytes) -> None:
    bench.take(EdgeLog().said("up", junk))
    ((topic, payload),) = bench.sent
    assert topic == topics.of_agent("ginza", "pi-1", "nack")
    assert codec.unpack(payload, Nack).digest == digest(junk)
    assert bench.ingest.counts["unreadable"] == 1
    assert len(bench.report()["quarantine"]) == 1


def test_an_event_that_breaks_its_envelope_is_left_to_the_edge_to_find(bench: Bench) -> None:
    log = EdgeLog().add(event(1), b'{"kind":"x",' + BORN + b',"body":{"a":"\x00"}}', event(3))
    for first, last in ((1, 3), (1, 1), (2, 3)):
        bench.take(log.message(log.batch(first, last)))
    assert [topic.rsplit("/", 1)[1] for topic, _ in bench.sent] == ["nack", "ack", "nack"]
    gap = replace(log.gap(2, 2), cause="unreadable", drop="plays")
    bench.take(log.message(log.batch(2, 3, gaps=(gap,))))
    assert bench.acks() == [1, 3]


def test_events_that_do_not_fill_their_seqs_are_unreadable(bench: Bench) -> None:
    log = log_of(3)
    whole = log.batch(1, 3)
    for broken in (
        Batch(epoch="e1", first=1, last=4, oldest=1, prev=whole.prev, events=whole.events),
        Batch(epoch="e1", first=1, last=2, oldest=1, prev=whole.prev, events=whole.events),
        Batch(
            epoch="e1",
            first=1,
            last=3,
            oldest=1,
            prev=whole.prev,
            events=(raw(event(1)),),
            gaps=(replace(log.gap(2, 3), last=9),),
        ),
    ):
        bench.take(log.message(broken))
    assert [topic.rsplit("/", 1)[1] for topic, _ in bench.sent] == ["nack"] * 3
    assert bench.stored() == []


def revoke(engine: Engine) -> None:
    with writing(engine) as connection:
        agents.revoke(connection, "pi-1", NOON)


def move(engine: Engine) -> None:
    with writing(engine) as connection:
        chain_keys.known(connection, "shibuya", "pi-1")


@pytest.mark.parametrize("change", [revoke, move])
def test_what_an_agent_may_not_say_is_refused_without_an_answer(bench: Bench, change: Callable[[Engine], None]) -> None:
    change(bench.engine)
    log = log_of(2)
    bench.take(log.message(log.batch(1, 2)), log.said("status", b"{}"))
    assert bench.sent == []
    assert bench.stored() == []
    assert bench.ingest.counts["refused"] == 2
    assert {row["agent"] for row in bench.report()["quarantine"]} == {"pi-1"}


def test_strangers_share_one_quarantine(bench: Bench) -> None:
    for name in ("a", "b"):
        log = EdgeLog(agent=name).add(event(1))
        bench.take(log.message(log.batch(1, 1)))
    assert bench.sent == []
    assert {row["agent"] for row in bench.report()["quarantine"]} == {STRANGER}


def test_why_something_was_set_aside_is_counted(bench: Bench) -> None:
    log = EdgeLog(store="shibuya").add(event(1))
    bench.take(log.message(log.batch(1, 1)), log.said("status", b"{}"), EdgeLog().said("up", b"junk"))
    stranger = EdgeLog(agent="x").add(event(1))
    bench.take(stranger.message(stranger.batch(1, 1)))
    assert bench.report()["aside"]["reasons"] == {"misplaced": 2, "stranger": 1, "unreadable": 1}


def test_new_epochs_of_one_agent_are_bounded_by_the_day(bench: Bench) -> None:
    logs = [EdgeLog(epoch=f"e{n}").add(event(1), event(2)) for n in range(MOST_EPOCHS + 1)]
    for log in logs:
        bench.take(log.message(log.batch(1, 1)))
    assert len(bench.acks()) == MOST_EPOCHS
    assert len(bench.stored()) == MOST_EPOCHS
    assert bench.report()["aside"]["reasons"] == {"epochs": 1}
    bench.take(logs[0].message(logs[0].batch(2, 2)))
    assert len(bench.acks()) == MOST_EPOCHS + 1, "what began before goes on"
    bench.now = NOON + timedelta(days=1, seconds=1)
    bench.take(logs[-1].message(logs[-1].batch(1, 1)))
    assert len(bench.stored()) == MOST_EPOCHS + 2


def test_the_epochs_of_one_agent_cost_another_nothing(bench: Bench) -> None:
    with writing(bench.engine) as connection:
        chain_keys.known(connection, "ginza", "pi-2")
    for n in range(MOST_EPOCHS + 1):
        log = EdgeLog(epoch=f"e{n}").add(event(1))
        bench.take(log.message(log.batch(1, 1)))
    other = EdgeLog(agent="pi-2").add(event(1))
    bench.take(other.message(other.batch(1, 1)))
    assert bench.acks() == [1] * (MOST_EPOCHS + 1)


def test_the_report_names_who_forked_and_when(bench: Bench) -> None:
    log, copy = log_of(4), log_of(3).add(event(99))
    bench.take(log.message(log.batch(1, 4)))
    bench.now = NOON + timedelta(hours=1)
    bench.take(copy.message(copy.batch(4, 4)), copy.message(copy.batch(4, 4)))
    with reading(bench.engine) as connection:
        assert forked(connection) == [{"agent": "pi-1", "epochs": 1, "count": 2, "at": bench.now}]


def speaks(bench: Bench, boot: str, *, online: bool = True) -> None:
    status = Status(online=online, version="1", epoch="e1", boot=boot)
    bench.take(EdgeLog().said("status", codec.pack(status)))
    bench.now += timedelta(seconds=2)


def test_two_devices_that_are_one_agent_are_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for boot in ("a", "b") * 20:
        speaks(bench, boot)
    assert bench.report()["copied"] == {"pi-1": 1}
    assert [record.message for record in caplog.records] == [
        "two devices are the agent pi-1: a card was copied; enrol both anew"
    ], "once, not two thousand times an hour"
    bench.now += timedelta(minutes=20)
    for boot in ("a", "b") * 20:
        speaks(bench, boot)
    assert bench.report()["copied"] == {"pi-1": 2}


def test_a_device_that_starts_again_and_again_is_one(bench: Bench) -> None:
    for boot in range(40):
        speaks(bench, f"boot-{boot}")
        speaks(bench, f"boot-{boot}")
        if boot:
            speaks(bench, f"boot-{boot - 1}", online=False)  # Its will comes late.
    speaks(bench, "boot-38")  # A broker had kept it.
    assert bench.report()["copied"] == {}


def test_an_answer_goes_back_by_the_broker_that_the_question_came_by(bench: Bench) -> None:
    log = log_of(1)
    there: list[str] = []
    bench.take(replace(log.message(log.batch(1, 1)), answer=lambda topic, _: there.append(topic)))
    assert there == [topics.of_agent("ginza", "pi-1", "ack")]
    assert bench.sent == []


def test_status_is_kept_and_replies_are_counted(bench: Bench) -> None:
    status = Status(online=True, version="1", epoch="e1", boot="b", counts={"dropped": 3})
    bench.take(
        EdgeLog().said("status", codec.pack(status)), EdgeLog().said("reply", codec.pack(Reply(command="c", ok=True)))
    )
    with reading(bench.engine) as connection:
        row = connection.execute(select(tables.agent)).one()
    assert codec.decode(row.status.encode(), Status) == status
    assert row.status_at == NOON
    assert bench.ingest.counts["reply_strange"] == 1, "nobody asked"


def test_a_status_that_would_fill_the_table_is_set_aside(bench: Bench) -> None:
    status = Status(online=True, version="1", epoch="e1", boot="b", counts={f"count-{n}": n for n in range(9000)})
    bench.take(EdgeLog().said("status", codec.pack(status)), EdgeLog().said("status", b"junk"))
    assert bench.ingest.counts["unreadable"] == 2
    assert bench.sent == [], "only a batch is answered"


def test_agents_share_a_transaction_and_each_gets_its_own_ack(enrolled: Engine) -> None:
    with writing(enrolled) as connection:
        chain_keys.known(connection, "ginza", "pi-0")
    bench = Bench(enrolled)
    logs = [EdgeLog(agent=name).add(event(1), event(2)) for name in ("pi-1", "pi-0")]
    bench.take(*(log.message(log.batch(1, 2)) for log in logs))
    assert {topic.split("/")[4] for topic, _ in bench.sent} == {"pi-0", "pi-1"}
    assert [(row["agent"], row["count"], row["distinct"], row["max_seq"]) for row in bench.report()["events"]] == [
        ("pi-0", 2, 2, 2),
        ("pi-1", 2, 2, 2),
    ]


def test_the_report_shows_every_play_with_its_body(bench: Bench) -> None:
    born = events.Born(wall=datetime(2026, 11, 24, 4, tzinfo=UTC), boot="b", up_ms=1, synced=True)
    play = events.Played(
        play="p", screen="shelf-1", scene="s", layout="loop", cause="schedule", level=0, shown_ms=900, ended="over"
    )
    log = EdgeLog().add(events.make(play, born), event(2))
    bench.take(log.message(log.batch(1, 2)))
    with reading(bench.engine) as connection:
        (shown,) = report(connection, plays=True)["plays"]
    assert codec.decode(bytes(shown["body"]), events.Played) == play
    assert (shown["agent"], shown["seq"], shown["born"]) == ("pi-1", 1, born)
