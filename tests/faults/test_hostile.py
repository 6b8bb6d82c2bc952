"""Hostile agents for real: a central process, its mosquitto, and a device with a good certificate that goes bad."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.hostile.attack import attack, forged, junk, never_right
from bench.hostile.chain import Chain
from bench.hostile.device import Device, Log, send
from central.contract import codec, topics
from central.contract.batches import Ack
from edge.enrolment import Enrolment

pytestmark = pytest.mark.system


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with Chain(tmp_path).serving() as made:
        yield made


@pytest.fixture
def honest(chain: Chain) -> Enrolment:
    return chain.enrol("ginza", "pi-1")


@pytest.fixture
def rogue(chain: Chain) -> Enrolment:
    return chain.enrol("ueno", "pi-2")


@pytest.fixture
def colleague(chain: Chain) -> Enrolment:
    """In the same store as the honest one."""
    return chain.enrol("ginza", "pi-3")


def test_whatever_another_sends_an_honest_agents_events_arrive_once_and_in_order(
    chain: Chain, honest: Enrolment, rogue: Enrolment
) -> None:
    log = Log("e1")
    with Device(honest) as device, ThreadPoolExecutor(1) as beside:
        device.listen(device.topic("ack"))
        doing = beside.submit(attack, rogue, honest, messages=200, large=3 << 20)
        while not doing.done() or len(log.made) < 1000:
            send(device, log, 1)
        came_of_it = doing.result()
    assert chain.stored("pi-1", "e1") == log.made
    leaves = len(topics.TO_CENTRAL) + len(topics.FROM_CENTRAL)
    assert came_of_it["topics_refused"] == 2 * leaves + len(topics.FROM_CENTRAL) + 4
    assert came_of_it["overheard"] == 0
    assert came_of_it["cut_off"] == 10
    counted = chain.settled()["since_start"]
    assert counted["ingest_forked"] >= 2
    assert counted["ingest_unreadable"] > 20
    assert counted["pages_refused"] + counted["pages_unreadable"] > 5
    assert counted["renewals_refused"] > 10
    assert counted["asks_unreadable"] > 10


def test_somebody_in_the_same_store_is_a_stranger_too(chain: Chain, honest: Enrolment, colleague: Enrolment) -> None:
    log = Log("e1")
    with Device(honest) as device, Device(colleague) as other:
        device.listen(device.topic("ack"))
        other.listen("#", topics.of_agent("ginza", "pi-1", "ack"))
        send(device, log, 1)
        other.say(device.topic("up"), codec.pack(Log("e2").next(3)))
        other.say(device.topic("ack"), codec.pack(Ack(epoch="e1", seq=10**9, chain="0" * 64, time=datetime.now(UTC))))
        other.told()
        assert {reason for reason in other.answers if reason >= 0x80} == {0x87}
        send(device, log, 1)
        assert device.everything() == []
        assert [topic for topic, _ in other.everything() if "/pi-1/" in topic] == []
    assert chain.stored("pi-1", "e1") == log.made
    assert chain.stored("pi-1", "e2") == []


def test_a_forged_batch_changes_nothing_that_is_held(chain: Chain, rogue: Enrolment) -> None:
    first, *rest = forged("pi-2")
    with Device(rogue) as device:
        device.listen(device.topic("ack"))
        device.say(device.topic("up"), codec.pack(first))
        assert codec.unpack(device.heard.get(timeout=30)[1], Ack).seq == 3
        held = chain.stored("pi-2", "e1")
        acks = []
        for batch in rest:
            device.say(device.topic("up"), codec.pack(batch))
            acks.append(codec.unpack(device.heard.get(timeout=30)[1], Ack))
    assert chain.stored("pi-2", "e1") == held == [bytes(event) for event in first.events]
    assert {ack.chain for ack in acks if ack.epoch == "e1"} == {acks[0].chain}
    assert chain.stored("pi-2", "again") == [], "what it says was there before is known"
    health = chain.settled()
    assert health["ok"], "numbers at the end of what a database counts stop no report"
    assert (health["since_start"]["ingest_forked"], health["since_start"]["ingest_early"]) == (2, 2)


def test_what_can_never_be_read_is_set_aside_or_refused_and_counted(chain: Chain, rogue: Enrolment) -> None:
    sent = list(never_right())
    with Device(rogue) as device:
        for leaf, payload in sent:
            device.say(device.topic(leaf), payload)
            device.told()
    # `told` says something each time, and once first.
    health = chain.settled(at_least=2 * len(sent) + 1)
    counted = health["since_start"]
    assert counted["mqtt_received"] == 2 * len(sent) + 1
    assert counted["ingest_unreadable"] + counted["up_dropped"] + counted["pages_unreadable"] > len(sent)
    assert health["quarantined"] == counted["ingest_unreadable"] + counted["asks_unreadable"]


def test_who_floods_loses_its_rights_and_nobody_else_does(
    chain: Chain, honest: Enrolment, rogue: Enrolment, colleague: Enrolment
) -> None:
    log, stop = Log("e1"), threading.Event()

    def flood() -> int:
        with Device(rogue) as device:
            said = 0
            while not stop.is_set() and said < 60_000:
                for payload in junk(1000):
                    device.say(device.topic("up"), payload, qos=0)
                device.told()
                said += 1000
            return said

    with Device(honest) as device, Device(colleague) as other, ThreadPoolExecutor(1) as beside:
        for one in (device, other):
            one.listen(one.topic("ack"))
        doing = beside.submit(flood)
        while not doing.done() and not chain.health()["since_start"].get("gate_put_out"):
            send(device, log, 1)
        send(device, log, 3)
        send(other, Log("e1"), 1)
        stop.set()
        assert doing.result() > 0
    health = chain.settled()
    assert health["since_start"]["gate_put_out"] == 1
    assert chain.stored("pi-1", "e1") == log.made
    assert health["quarantine"]["pi-2"]["rows"] <= 200
