"""Packets that no library would send, on a connection of their own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from central.contract import topics
from edge import enrolment
from edge.enrolment import Enrolment

_WAIT_S = 30.0


def cut_off(me: Enrolment, packet: Iterator[bytes]) -> bool:
    """Send a packet's pieces on a connection of its own; whether the broker ended it."""
    here = me.brokers[0]
    with (
        socket.create_connection((here.host, here.port), _WAIT_S) as plain,
        enrolment.context(me).wrap_socket(plain, server_hostname=here.host) as connection,
    ):
        try:
            connection.sendall(b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0")
            assert connection.recv(4) == b"\x20\x02\0\0"
            for piece in packet:
                connection.sendall(piece)
            return connection.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True


def malformed(me: Enrolment) -> Iterator[Iterator[bytes]]:
    own = topics.of_agent(me.store, me.agent, "up").encode()
    for topic in (own + b"\xff", own + b"\xc3\x28", own + b"\xed\xa0\x80", own + b"\0", b"", own + b"/#"):
        body = len(topic).to_bytes(2, "big") + topic + b"{}"
        yield iter([b"\x30", _length(len(body)), body])
    yield iter([b"\x30\xff\xff\xff\xff\x7f"])  # A length of five bytes.
    yield iter([b"\xf0\0"])  # No packet of MQTT 3.1.1.
    yield iter([b"\x36", _length(len(own) + 4), len(own).to_bytes(2, "big"), own, b"\0\1"])  # QoS 3.


def large_one(me: Enrolment, size: int) -> Iterator[bytes]:
    topic = topics.of_agent(me.store, me.agent, "up").encode()
    yield b"\x30" + _length(size + 2 + len(topic)) + len(topic).to_bytes(2, "big") + topic
    for _ in range(size >> 16):
        yield bytes(1 << 16)


def _length(number: int) -> bytes:
    """MQTT's variable byte integer."""
    found = bytearray()
    while True:
        number, digit = divmod(number, 128)
        found.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(found)
