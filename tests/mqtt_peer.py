"""Somebody on the other side of a broker: what they receive lies in a queue, what happens to them is counted."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

WAIT_S = 20.0
"""How long a test waits for what must come: never a measure, only an end."""


class Peer:
    """A plain MQTT client for `with`; inside it is connected, or was refused."""

    def __init__(
        self, port: int, username: str = "", password: str = "", *topics: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.refused: str | None = None
        self.left = threading.Event()
        self.acknowledged = threading.Event()
        self.came: queue.Queue[bool] = queue.Queue()
        self._port = port
        self._topics = topics
        self._decided = threading.Event()
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2, client_id="peer", protocol=paho.MQTTv311)
        if tls is not None:
            client.tls_set_context(tls)
        if username:
            client.username_pw_set(username, password)
        client.on_connect = self._connected
        client.on_socket_open = self._opened
        client.on_subscribe = lambda *_: self._decided.set()
        client.on_message = lambda _client, _data, message: self.received.put((message.topic, bytes(message.payload)))
        client.on_disconnect = self._disconnected
        client.on_publish = lambda *_: self.acknowledged.set()

    def _opened(self, _client: Any, _data: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
            self._decided.set()
            return
        self.came.put(True)
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self._decided.set()

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        # With TLS 1.3 a certificate is refused after the client's side of the handshake is done.
        if self.came.empty() and self.refused is None:
            self.refused = str(reason)
        self.left.set()
        self._decided.set()

    def __enter__(self) -> Peer:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._decided.wait(WAIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish and wait until the broker has taken it (which says nothing of whether it passes it on)."""
        self.acknowledged.clear()
        self._client.publish(topic, payload, qos=1, retain=retain)
        assert self.acknowledged.wait(WAIT_S)

    def hears(self) -> tuple[str, bytes]:
        return self.received.get(timeout=WAIT_S)
