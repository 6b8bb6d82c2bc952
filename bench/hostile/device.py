"""A client with an agent's certificate that does what it is told, and what an honest one tells it."""

from __future__ import annotations

import queue
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from central.contract import codec, events, topics
from central.contract.batches import GENESIS, Ack, Batch, link, raw
from central.contract.events import Born, CrowdCounted
from edge import enrolment
from edge.enrolment import Enrolment

WAIT_S = 30.0
PATIENCE_S = 5.0
"""After which an edge sends a batch again (edge/uplink.py)."""
EVENTS = 100
"""Of one batch."""


class Device:
    """A client with an agent's certificate that does what it is told."""

    def __init__(self, who: Enrolment) -> None:
        self.who = who
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.answers: Counter[int] = Counter()
        """Reason codes of the broker for what was published with QoS 1."""
        self._up: queue.Queue[ReasonCode] = queue.Queue()
        self._subscribed: queue.Queue[list[ReasonCode]] = queue.Queue()
        self.client = client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.tls_set_context(enrolment.context(who))
        client.max_queued_messages_set(0)
        client.on_socket_open = _opened
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._up.put(reason)
        client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: self._subscribed.put(reasons)
        client.on_message = lambda _client, _data, message: self.heard.put((_topic(message), bytes(message.payload)))
        client.on_publish = lambda _client, _data, _mid, reason, _properties: self.answers.update([reason.value])

    def __enter__(self) -> Device:
        here = self.who.brokers[0]
        self.client.connect(here.host, here.port, clean_start=True)
        self.client.loop_start()
        reason = self._up.get(timeout=WAIT_S)
        assert not reason.is_failure, reason
        while max(self.answers, default=0x80) >= 0x80:  # Enrolled a moment ago: the broker has not heard of it.
            self.answers.clear()
            self.told()
        self.answers.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def listen(self, *filters: str) -> list[ReasonCode]:
        self.client.subscribe([(one, SubscribeOptions(qos=1)) for one in filters])
        return self._subscribed.get(timeout=WAIT_S)

    def topic(self, leaf: str) -> str:
        return topics.of_agent(self.who.store, self.who.agent, leaf)

    def say(self, topic: str, payload: bytes, qos: int = 1) -> None:
        self.client.publish(topic, payload, qos=qos)

    def everything(self) -> list[tuple[str, bytes]]:
        """What was heard and not looked at yet."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self.heard.get_nowait())
        return found

    def told(self) -> None:
        """Wait until the broker has answered all that was said."""
        last = self.client.publish(self.topic("reply"), b"{}", qos=1)
        last.wait_for_publish(WAIT_S * 10)


def _opened(_client: paho.Client, _data: object, connection: Any) -> None:
    # As edge/mqtt.py: small writes would wait 40 ms each for the other side's delayed TCP ack.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _topic(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"


@dataclass
class Log:
    """One epoch of an honest agent."""

    epoch: str
    made: list[bytes] = field(default_factory=list)
    chain: str = GENESIS

    def next(self, count: int) -> Batch:
        first, prev = len(self.made) + 1, self.chain
        for number in range(first, first + count):
            born = Born(wall=datetime.now(UTC), boot="b", up_ms=number, synced=True)
            self.made.append(events.make(CrowdCounted(zone="door", radios=number, over_ms=60_000), born))
            self.chain = link(self.chain, self.made[-1])
        sent = tuple(map(raw, self.made[first - 1 :]))
        return Batch(epoch=self.epoch, first=first, last=len(self.made), oldest=1, prev=prev, events=sent)


def send(device: Device, log: Log, batches: int) -> None:
    """Send as an edge does: one batch at a time, the next after its acknowledgement, again when none comes."""
    for _ in range(batches):
        batch = log.next(EVENTS)
        payload = codec.pack(batch)
        device.say(device.topic("up"), payload)
        while (ack := _ack(device)) is None or (ack.epoch, ack.seq) < (batch.epoch, batch.last):
            device.say(device.topic("up"), payload)


def _ack(device: Device) -> Ack | None:
    try:
        topic, payload = device.heard.get(timeout=PATIENCE_S)
    except queue.Empty:
        return None
    assert topic == device.topic("ack"), topic
    return codec.unpack(payload, Ack)
