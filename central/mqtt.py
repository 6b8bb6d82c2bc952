"""Speaks MQTT: the only module that knows paho, and the one place where its thread is crossed."""

from __future__ import annotations

import logging
import queue
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.contract.topics import Address
from central.errors import BrokerError

log = logging.getLogger(__name__)

_WAITS = 256
"""Messages in an inbox; the next is dropped and counted: edges send again what was not acknowledged."""
_UNSENT = 200
"""Answers in paho's own queue while the broker is slow; the next is dropped and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came in, and whom it claims to be from."""

    address: Address
    payload: bytes


class Inbox:
    """A bounded queue between paho's thread and one worker: when full, the newest is dropped and counted."""

    def __init__(self) -> None:
        self.dropped = 0
        self._queue: queue.Queue[Message] = queue.Queue(_WAITS)
        self._closed = threading.Event()

    def put(self, message: Message) -> None:
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            self.dropped += 1

    def take(self, most: int) -> list[Message]:
        """Wait for a message and give it with those that lie behind it; none once closed."""
        group: list[Message] = []
        while not self._closed.is_set():
            try:
                while len(group) < most:
                    group.append(self._queue.get(block=not group, timeout=0.5))
                return group
            except queue.Empty:
                if group:
                    return group
        return []

    def close(self) -> None:
        """Let the worker end; what lies here was never acknowledged and is sent again."""
        self._closed.set()


class Mqtt:
    """A connection that subscribes anew each time, and sorts what comes into inboxes by the topic's leaf."""

    def __init__(self, *, host: str, port: int, username: str = "", password: str = "") -> None:
        self.port = port
        self.counts: Counter[str] = Counter()
        self._where = f"{host}:{port}"
        self._inboxes: Mapping[str, Inbox] = {}
        self._on_ready: Callable[[], None] = lambda: None
        self._ready = threading.Event()
        self._refused = ""
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"central-{secrets.token_hex(4)}", protocol=paho.MQTTv311
        )
        client.max_queued_messages_set(_UNSENT)
        client.reconnect_delay_set(1, 5)
        if username:
            client.username_pw_set(username, password)
        client.on_socket_open = self._opened
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.connect_async(host, port, keepalive=30)

    def open(self, inboxes: Mapping[str, Inbox], on_ready: Callable[[], None], seconds: float) -> None:
        """Connect and subscribe; `on_ready` is called after every subscription. Raises BrokerError after `seconds`."""
        self._inboxes, self._on_ready = inboxes, on_ready
        self._client.loop_start()
        if not self._ready.wait(seconds):
            self.close()
            raise BrokerError(
                f"The broker at {self._where} {self._refused or 'does not answer'}.",
                fix="Check that it runs, and host, port, username and password under central.broker.",
            )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send now, from any thread; without a connection it is dropped and counted: all of it is asked for again."""
        if not self._client.is_connected() or self._client.publish(topic, payload, qos=1, retain=retain).rc:
            self.counts["unsent"] += 1

    # From here on paho's thread; each may run twice.

    def _opened(self, _client: Any, _data: Any, connection: Any) -> None:
        # Small writes that follow one another wait up to 40 ms each for the other side's delayed TCP ack (measured).
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = f"refuses us: {reason}"
            log.error("the broker refuses us: %s", reason)
            return
        # A broker may have forgotten everything (reference: sync, $share after a restart): subscribe each time.
        self._client.subscribe([(topics.every(leaf), 1) for leaf in self._inboxes])

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = "refuses our subscriptions"
            log.error("the broker refuses our subscriptions")
            return
        log.info("the broker is there")
        self._ready.set()
        self._on_ready()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self.counts["disconnected"] += 1
        log.info("the connection to the broker ended: %s", reason)

    def _received(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.counts["received"] += 1
        try:
            address = topics.read(message.topic)
        except UnicodeDecodeError:
            address = None
        inbox = self._inboxes.get(address.leaf) if address else None
        if address is None or inbox is None:
            self.counts["malformed"] += 1
        elif len(message.payload) > MAX_WIRE:
            self.counts["too_large"] += 1
        else:
            inbox.put(Message(address=address, payload=bytes(message.payload)))
