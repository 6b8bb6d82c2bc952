"""What a device with a good certificate could try: topics of others, batches that are not true, bytes that are none."""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from bench.hostile.device import Device, Log
from bench.hostile.packets import cut_off, large_one, malformed
from central.contract import codec, topics
from central.contract.batches import GENESIS, Ack, Batch, Gap, Origin
from central.contract.feeds import Pull
from edge.enrolment import Enrolment

_FAR = 2**63 - 1


def attack(me: Enrolment, other: Enrolment, *, messages: int, large: int, seed: int = 1) -> dict[str, int]:
    """Do all of it once, and send so many messages that cannot be read; give what came of it."""
    with Device(me) as rogue:
        theirs = topics.of_agent(other.store, other.agent, "+")
        rogue.listen("#", "+/#", f"{topics.ROOT}/#", theirs, topics.every("ack"), "$SYS/#")
        topics_refused = _topics_of_others(rogue, other)
        for batch in forged(me.agent):
            rogue.say(rogue.topic("up"), codec.pack(batch))
        for leaf, payload in never_right():
            rogue.say(rogue.topic(leaf), payload)
        leaves = cycle(topics.TO_CENTRAL)
        for number, payload in enumerate(junk(messages, seed)):
            # QoS 0 goes through faster; the broker answers QoS 1.
            rogue.say(rogue.topic(next(leaves)), payload, qos=number % 2)
        rogue.told()
        heard = [topic for topic, _ in rogue.everything()]
    ours = (rogue.topic(""), topics.heads(me.store), topics.heads(topics.CHAIN))
    answered = Counter(topic.rpartition("/")[2] for topic in heard if topic.startswith(ours))
    return {
        "topics_refused": topics_refused,
        "overheard": sum(not topic.startswith(ours) for topic in heard),
        "cut_off": sum(cut_off(me, packet) for packet in (*malformed(me), large_one(me, large))),
        **{f"answered_{leaf}": count for leaf, count in answered.items()},
    }


def _topics_of_others(rogue: Device, other: Enrolment) -> int:
    """Speak as others, and as central; give how often the broker refused."""
    batch = codec.pack(Log("e1").next(1))
    ack = codec.pack(Ack(epoch="e1", seq=_FAR, chain=GENESIS, time=datetime.now(UTC)))
    for leaf in (*topics.TO_CENTRAL, *topics.FROM_CENTRAL):
        payload = ack if leaf == "ack" else batch
        rogue.say(topics.of_agent(other.store, other.agent, leaf), payload)
        rogue.say(topics.of_agent("elsewhere", rogue.who.agent, leaf), payload)
    for leaf in topics.FROM_CENTRAL:  # Its own answers are central's to give.
        rogue.say(rogue.topic(leaf), ack)
    for topic in (topics.heads(topics.CHAIN), topics.heads(other.store), f"{topics.ROOT}/x", "$SYS/broker/version"):
        rogue.say(topic, b"{}")
    rogue.told()
    return sum(count for reason, count in rogue.answers.items() if reason >= 0x80)


def forged(agent: str) -> Sequence[Batch]:
    """Batches that can be read and are not true."""
    true = Log("e1").next(3)
    other = "f" * 64
    far = Gap(first=1, last=_FAR, drop="vital", count=_FAR, cause="outbox_full", chain=other)
    return (
        true,
        _like(true, prev=other),  # The same events on another chain: a fork.
        _like(true, first=4, last=6, prev=other),  # Goes on from a chain that nobody has.
        _like(true, first=_FAR - 2, last=_FAR, prev=other),  # Much too early.
        _like(true, first=_FAR - 2, last=_FAR, oldest=_FAR - 2, prev=other, epoch="lost"),  # All before is gone.
        Batch(epoch="gap", first=1, last=_FAR, oldest=1, prev=GENESIS, events=(), gaps=(far,)),
        Batch(epoch=f"of-{agent}", first=2, last=4, oldest=1, prev=other, events=true.events),
        _like(true, epoch="again", origins=tuple(Origin(seq=seq, epoch="e1", was=seq) for seq in (1, 2, 3))),
    )


def _like(batch: Batch, **changes: Any) -> Batch:
    return Batch(**({name: getattr(batch, name) for name in Batch.__dataclass_fields__} | changes))


def never_right() -> Iterator[tuple[str, bytes]]:
    true = codec.encode(Log("e1").next(1))
    far = Pull(scope="chain", feed="profiles", after=_FAR, generation="x", limit=1)
    yield "up", true.replace(b'"first":1', b'"first":' + b"9" * 5000)
    yield "up", true.replace(b'"first":1', b'"first":-1')
    yield "up", true.replace(b'"first":1', b'"first":1e400')
    yield "up", true.replace(b'"e1"', b'"e\\u0000"')
    yield "up", true.replace(b'"e1"', b'"e\0"')
    yield "up", b"[" * 500_000
    yield "up", b'{"events":[' + b'{"a":' * 100_000
    yield "up", zlib.compress(bytes(100 << 20))  # 100 MB of nothing in 100 kB.
    yield "up", zlib.compress(b"[" * (8 << 20))
    yield "up", b"x\x9c" + bytes(1000)
    yield "up", bytes(codec.MAX_WIRE)
    yield "pull", codec.encode(far)
    yield "pull", codec.encode(far).replace(b'"chain"', b'"other-store"')
    yield "status", b'{"online":true,"version":"' + b"v" * 900_000 + b'"}'
    yield "status", b'{"online":true,"counts":{' + b",".join(b'"%d":1' % n for n in range(50_000)) + b"}}"
    for leaf in topics.TO_CENTRAL:
        yield from ((leaf, payload) for payload in (b"", b"\0", b"\xff\xfe", b"null", b"[]", b'"', b"{}"))


def junk(messages: int, seed: int = 1) -> Iterator[bytes]:
    """Small ones, wrong in many ways."""
    chance = random.Random(seed)
    return (_junk(chance) for _ in range(messages))


def _junk(chance: random.Random) -> bytes:
    which = chance.randrange(6)
    if which == 0:
        return chance.randbytes(chance.randrange(200))
    if which == 1:
        return b"[" * chance.randrange(200)
    if which == 2:
        return b'{"epoch":"e1","first":' + b"9" * chance.randrange(1, 200) + b"}"
    if which == 3:
        return zlib.compress(bytes(100_000))
    if which == 4:
        return b'{"epoch":"\\u0000","seq":NaN}'
    return json.dumps({"epoch": "e1", "first": chance.randrange(99), "last": 3, "events": [{}] * 3}).encode()
