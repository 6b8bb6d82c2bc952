"""Speaks MQTT: the only module that knows paho, and the one place where its thread is crossed."""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.contract.enrolment import Where
from central.contract.topics import Address
from central.errors import BrokerError

log = logging.getLogger(__name__)

_WAITS, _BYTES = 256, 64 << 20
"""Messages in an inbox, and their bytes; the next is dropped and counted: edges send again what is not acknowledged."""
_OF_ONE, _BYTES_OF_ONE, _OF_ONE_AT_ONCE = 32, 4 << 20, 4
"""Of one agent: in an inbox, and in what a worker takes at once."""
_UNSENT = 200
"""Answers in paho's own queue while the broker is slow; the next is dropped and counted."""
Answer = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came in, whom it claims to be from, and how to answer by the broker that it came by."""

    address: Address
    payload: bytes
    answer: Answer | None = None


class Inbox:
    """A bounded queue between paho's threads and one worker, fair between agents: each has its turn.

    When an agent's share is full its newest is dropped and counted; when the inbox is, the newest of who has most.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._lanes: dict[str, deque[Message]] = {}
        """What waits of each agent; whose turn it is comes first."""
        self._dropped_of: Counter[str] = Counter()
        self._some = threading.Condition()
        self._closed = False

    def put(self, message: Message) -> None:
        """Take a message, from any thread; it never waits."""
        with self._some:
            lane = self._lanes.get(message.address.agent, deque())
            if len(lane) >= _OF_ONE or _size(lane) + len(message.payload) > _BYTES_OF_ONE:
                self._count_drop(message.address.agent)
            elif self._make_room(lane, message):
                lane.append(message)
                self._lanes[message.address.agent] = lane
                self._some.notify()

    def take(self, most: int) -> list[Message]:
        """Wait for a message and give it with others that lie there, a few of each agent in turn; none once closed."""
        with self._some:
            self._some.wait_for(lambda: self._closed or self._lanes)
            group: list[Message] = []
            for _ in range(_OF_ONE_AT_ONCE):
                for agent in list(self._lanes)[: most - len(group)]:
                    group.append(self._lanes[agent].popleft())
                    lane = self._lanes.pop(agent)
                    if lane:
                        self._lanes[agent] = lane  # Behind the others.
            return [] if self._closed else group

    def close(self) -> None:
        """Let the worker end; what lies here was never acknowledged and is sent again."""
        with self._some:
            self._closed = True
            self._some.notify_all()

    def floods(self) -> Counter[str]:
        """How many were dropped of whom since this was asked last."""
        with self._some:
            since, self._dropped_of = self._dropped_of, Counter()
            return since

    def _count_drop(self, agent: str) -> None:
        self.dropped += 1
        if agent in self._dropped_of or len(self._dropped_of) < _WAITS:  # Names are a foreign broker's word.
            self._dropped_of[agent] += 1

    def _make_room(self, lane: deque[Message], newest: Message) -> bool:
        """Drop what is newest of who has most, until there is room; False where that is the newcomer itself."""
        while True:
            if sum(map(len, self._lanes.values())) >= _WAITS:
                measure: Callable[[deque[Message]], int] = len
                own = len(lane) + 1
            elif sum(map(_size, self._lanes.values())) + len(newest.payload) > _BYTES:
                measure = _size
                own = _size(lane) + len(newest.payload)
            else:
                return True
            agent, longest = max(self._lanes.items(), key=lambda item: measure(item[1]))
            if measure(longest) <= own:
                self._count_drop(newest.address.agent)
                return False
            self._count_drop(agent)
            longest.pop()
            if not longest:
                del self._lanes[agent]


def _size(lane: deque[Message]) -> int:
    return sum(len(message.payload) for message in lane)


class Mqtt:
    """Connections to all brokers, each of which subscribes anew each time; the leaf of what comes names its inbox."""

    def __init__(
        self,
        brokers: Sequence[Where],
        *,
        tls: ssl.SSLContext | None = None,
        username: str = "",
        password: str = "",
    ) -> None:
        """`tls` may be given another certificate later: the next connection shows it."""
        self.port = brokers[0].port
        self.counts: Counter[str] = Counter()
        self._links = tuple(_Link(where, tls, username, password, self.counts) for where in brokers)

    def open(self, inboxes: Mapping[str, Inbox], on_ready: Callable[[], None], seconds: float) -> None:
        """Connect and subscribe; `on_ready` is called after every subscription.

        Enough brokers is one: the others are tried until they are there. Raises BrokerError after `seconds`.
        """
        ready = threading.Event()
        for link in self._links:
            link.open(inboxes, ready, on_ready)
        if not ready.wait(seconds):
            self.close()
            raise BrokerError(
                " ".join(f"The broker at {link.where} {link.refused or 'does not answer'}." for link in self._links),
                fix="Check that it runs, and host, port, username, password and ca under central.broker.",
            )

    def close(self) -> None:
        for link in self._links:
            link.close()

    @property
    def connected(self) -> bool:
        """Whether any broker is there."""
        return any(link.connected for link in self._links)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send by all brokers now, from any thread; without a connection it is dropped and counted, and asked again."""
        if sum(link.publish(topic, payload, retain=retain) for link in self._links) == 0:
            self.counts["unsent"] += 1


class _Link:
    """The connection to one broker."""

    def __init__(
        self, where: Where, tls: ssl.SSLContext | None, username: str, password: str, counts: Counter[str]
    ) -> None:
        self.where = f"{where.host}:{where.port}"
        self.refused = ""
        self._counts = counts
        self._inboxes: Mapping[str, Inbox] = {}
        self._ready = threading.Event()
        self._on_ready: Callable[[], None] = lambda: None
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"central-{secrets.token_hex(4)}", protocol=paho.MQTTv311
        )
        client.max_queued_messages_set(_UNSENT)
        client.reconnect_delay_set(1, 5)
        if tls is not None:
            client.tls_set_context(tls)
        if username:
            client.username_pw_set(username, password)
        client.on_socket_open = self._opened
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.connect_async(where.host, where.port, keepalive=30)

    def open(self, inboxes: Mapping[str, Inbox], ready: threading.Event, on_ready: Callable[[], None]) -> None:
        self._inboxes, self._ready, self._on_ready = inboxes, ready, on_ready
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        return bool(self._client.is_connected())

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Whether it could be sent."""
        return self.connected and not self._client.publish(topic, payload, qos=1, retain=retain).rc

    def answer(self, topic: str, payload: bytes) -> None:
        """Send where a question came from; what cannot be sent is dropped and counted: it is asked again."""
        if not self.publish(topic, payload):
            self._counts["unsent"] += 1

    # From here on paho's thread; each may run twice.

    def _opened(self, _client: Any, _data: Any, connection: Any) -> None:
        # Small writes that follow one another wait up to 40 ms each for the other side's delayed TCP ack (measured).
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _failed(self, _client: Any, _data: Any) -> None:
        log.info("the broker at %s cannot be reached", self.where)

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self.refused = f"refuses us: {reason}"
            log.error("the broker at %s refuses us: %s", self.where, reason)
            return
        # A broker may have forgotten everything (reference: sync, $share after a restart): subscribe each time.
        self._client.subscribe([(topics.every(leaf), 1) for leaf in self._inboxes])

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self.refused = "refuses our subscriptions"
            log.error("the broker at %s refuses our subscriptions", self.where)
            return
        log.info("the broker at %s is there", self.where)
        self._ready.set()
        self._on_ready()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        # With TLS 1.3 a certificate is refused only after we believe to be in.
        self.refused = self.refused or "ends our connections"
        self._counts["disconnected"] += 1
        log.info("the connection to the broker at %s ended: %s", self.where, reason)

    def _received(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._counts["received"] += 1
        try:
            address = topics.read(message.topic)
        except UnicodeDecodeError:
            address = None
        inbox = self._inboxes.get(address.leaf) if address else None
        if address is None or inbox is None:
            self._counts["malformed"] += 1
        elif len(message.payload) > MAX_WIRE:
            self._counts["too_large"] += 1
        else:
            inbox.put(Message(address=address, payload=bytes(message.payload), answer=self.answer))
