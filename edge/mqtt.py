"""Speaks MQTT: the only module here that knows paho, and the one place where its thread is crossed."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.contract.codec import MAX_WIRE
from edge.config import Broker
from edge.errors import LinkError
from edge.rivals import Rivals
from edge.supervise import delays

log = logging.getLogger(__name__)

Handler = Callable[[bytes], Awaitable[None]]

_ALERT = re.compile(r"\[SSL: (\w+)\]")
"""How OpenSSL names what ended a connection."""
TAKEN = "Session taken over"
"""How paho calls MQTT 5's reason 0x8E; MQTT 3.1.1 knows none."""
KEEPALIVE = 15
"""Seconds of silence after which we ask whether the broker is there; after as many more it is not."""
UNHEARD = 10.0
"""Seconds after which a line that confirms nothing of what we send is dead. TCP itself would try for a quarter of an
hour, ever more rarely, so that a line that is whole again would not be used for as long as it was cut."""
WINDOW = 20
"""Messages that the broker has not confirmed; more are refused. paho's own queue must stay nearly empty."""
MOST_WAITING = 500
"""Messages that came in and wait for their handlers; past that they are dropped, and counted."""
ANSWER = 7.0
"""Seconds in which a broker must accept us and our subscriptions. Long enough for TCP to say everything again 6.2 s
after the first time (RFC 6298, from Linux' 0.2 s on): a line that is whole again before that is used at once."""
PARTING = 1.0
"""Seconds in which the broker may take the last word."""


def waits() -> Iterator[float]:
    """Seconds to wait before each further connection: 1 to 2, up to 3, 4.5, 6.75 and then always 4 to 8.

    As long as the outage has been, about, and never so long that a store is without central when central is there.
    Five thousand stores that a broker's restart cuts off at one moment come back over a whole second, and knock some
    800 times a second, not all at once, where it stays away.
    """
    return delays(2.0, 8.0, 1.5)


class _Refused(LinkError):
    """The broker does not take us as who we say we are, or we do not believe it: another identity may do."""


class _Older(_Refused):
    """The broker hung up at once: it may not speak the version of MQTT that we tried, or not believe our certificate.

    TLS 1.3 has no other way to say that: a client's certificate is looked at when the handshake is over for it.
    """


class _Socket(ssl.SSLSocket):
    """Closed when its handshake fails, which paho leaves to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class _News(NamedTuple):
    """What paho's thread has to say.

    `what` is accepted, subscribed, refused, broken (with the reason), lost, or message with its topic and payload.
    """

    what: str
    said: str = ""
    payload: bytes = b""


class Mqtt:
    """The link to central (edge.ports.Link). `run` holds one connection; run again, it makes the next, elsewhere.

    `brokers` are tried in order, beginning anywhere. They and `tls` may be replaced: the next connection goes by that.
    `now` is the time where it is known: OpenSSL need not look at it, so a broker's certificate is held against it here.
    `will_payload` is retained on `will_topic` whenever the connection ends. `subscriptions` may be added to before
    `run`; who wants to know of connections adds to `on_connected`, and to `on_refused` of brokers that do not let us in
    or that we do not believe.
    """

    def __init__(
        self,
        brokers: Sequence[Broker],
        *,
        tls: ssl.SSLContext | None,
        client_id: str,
        will_topic: str,
        will_payload: bytes,
        subscriptions: Mapping[str, Handler],
        now: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self.brokers = tuple(brokers)
        self.tls = tls
        self.connected = False
        self.on_connected: list[Callable[[], None]] = []
        self.on_refused: list[Callable[[], None]] = []
        self.subscriptions = dict(subscriptions)
        self.counts: Counter[str] = Counter()
        self.rivals = Rivals(time.monotonic)
        self._turn = random.randrange(len(self.brokers))  # noqa: S311 - it only spreads the stores.
        self._where = ""
        self._now = now
        self._ends: float | None = None
        """When the broker's certificate does, in seconds since 1970."""
        self._client_id = client_id
        self._will = (will_topic, will_payload)
        self._version = MQTTProtocolVersion.MQTTv5
        self._client: paho.Client | None = None
        self._news: deque[_News] = deque()
        self._some = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send now; False where there is no connection or the broker is behind (the caller sends again later)."""
        if not self.connected or self._client is None:
            return False
        sent = self._client.publish(topic, payload, qos=1, retain=retain).rc == paho.MQTT_ERR_SUCCESS
        if not sent:
            self.counts["mqtt_unsent"] += 1
        return sent

    async def run(self) -> None:
        """Connect, subscribe, and hand on what comes, until the connection ends. Raises LinkError when it does."""
        await asyncio.sleep(self.rivals.rest())
        broker = self.brokers[self._turn % len(self.brokers)]
        self._turn += 1
        try:
            try:
                await self._hold(broker, MQTTProtocolVersion.MQTTv5)
            except _Older:
                # A broker without MQTT 5 says so, or just closes (reference: RabbitMQ 3.10). It may also have been the
                # line: the next connection begins with 5 again.
                await self._hold(broker, MQTTProtocolVersion.MQTTv311)
        except _Refused:
            for told in self.on_refused:
                told()
            raise

    async def _hold(self, broker: Broker, version: MQTTProtocolVersion) -> None:
        self._where = f"{broker.host}:{broker.port}"
        self._version = version
        self._loop = asyncio.get_running_loop()
        self._news.clear()
        # A new client each time: an old one would send again what it still holds, all at once.
        client = self._new_client()
        properties = None
        if self._version is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped.
            properties.MaximumPacketSize = 2 * MAX_WIRE  # What is far too large shall not even come.
        try:
            await asyncio.to_thread(client.connect, broker.host, broker.port, KEEPALIVE, properties=properties)
        except (OSError, ValueError) as error:
            raise self._unreached(error) from error
        self._client = client
        try:
            opened = client.socket()
            self._ends = _ends(opened) if isinstance(opened, ssl.SSLSocket) else None
            self._check_time()
            client.loop_start()
            await self._follow()
        finally:
            await self._part(client)

    def _unreached(self, error: Exception) -> LinkError:
        if isinstance(error, ssl.SSLCertVerificationError):
            self.counts["mqtt_strangers"] += 1
            return _Refused(
                f"The broker at {self._where} is not to be trusted: {error.verify_message}.",
                fix="Its certificate must be for that name, and made by whom this device trusts: see central's brokers "
                "and names. Where they are right, somebody stands between.",
            )
        if isinstance(error, ssl.SSLError):
            said = f"What answers at {self._where} does not speak TLS 1.3: {error.reason or error}."
            return LinkError(said, fix="Give the broker a listener with TLS, or correct its port.")
        said = f"No broker answers at {self._where}: {error}."
        return LinkError(said, fix="Start it, or correct the brokers that central or edge.brokers names.")

    def _check_time(self) -> None:
        """See that the broker's certificate has not run out, where the time is known. Raises LinkError."""
        now = self._now()
        if self._ends is not None and now is not None and now.timestamp() > self._ends:
            self.counts["mqtt_run_out"] += 1
            until = datetime.fromtimestamp(self._ends, UTC)
            raise LinkError(
                f"The certificate of the broker at {self._where} ran out on {until:%Y-%m-%d}.",
                fix="Renew it. Central renews its own broker's by itself, as long as it runs.",
            )

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._version,
            reconnect_on_failure=False,
        )
        if self.tls is not None:
            self.tls.sslsocket_class = _Socket
            client.tls_set_context(self.tls)
        client.will_set(*self._will, qos=1, retain=True)
        client.max_inflight_messages_set(WINDOW)
        client.max_queued_messages_set(WINDOW)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_log = self._on_log
        return client

    async def _follow(self) -> None:
        accepted, broken = False, ""
        try:
            async with asyncio.timeout(ANSWER) as answer:
                while True:
                    await self._some.wait()
                    self._some.clear()
                    while self._news:
                        news = self._news.popleft()
                        if news.what == "message":
                            await self._hand_on(news)
                            self._check_time()  # It may be that message which told it.
                        elif news.what == "broken":
                            broken = news.said
                        elif news.what == "accepted":
                            accepted = True
                        elif news.what == "subscribed":
                            answer.reschedule(None)
                            self._begin()
                        else:
                            raise self._ended(news, accepted, broken)
        except TimeoutError as error:
            if self.connected:  # A handler's own.
                raise
            said = f"The broker at {self._where} takes the connection and says nothing."
            raise LinkError(said, fix="Check that this is an MQTT port.") from error

    def _begin(self) -> None:
        self.connected = True
        self.counts["mqtt_connections"] += 1
        log.info("connected to the broker", extra={"fields": {"broker": self._where, "mqtt": self._version.name}})
        for told in self.on_connected:
            told()

    async def _hand_on(self, news: _News) -> None:
        handler = self.subscriptions.get(news.said)
        if handler is None:
            self.counts["mqtt_strange"] += 1
        else:
            await handler(news.payload)

    def _ended(self, news: _News, accepted: bool, broken: str) -> LinkError:
        self.connected = False
        if news.what == "refused":
            fix = "See whether this agent is enrolled and not revoked, and what the broker lets it do."
            return _Refused(f"The broker at {self._where} refuses us: {news.said}.", fix=fix)
        if news.said == TAKEN:
            self.counts["mqtt_taken_over"] += 1
            self.rivals.taken()
        said = f"The connection to the broker at {self._where} ended: {broken or news.said}."
        fix = "See whether this agent is enrolled and not revoked, and that this is an MQTT port."
        return LinkError(said) if accepted else _Older(said, fix=fix)

    async def _part(self, client: paho.Client) -> None:
        # The will once more as a plain message: a broker forgets the will of who takes leave in order.
        if self.connected:
            self.publish(*self._will, retain=True)
            self.connected = False
            client.disconnect()
            with suppress(TimeoutError):
                async with asyncio.timeout(PARTING):
                    while not any(news.what == "lost" for news in self._news):
                        self._some.clear()
                        await self._some.wait()
        self.connected = False
        self._client = None
        still = client.socket()
        if isinstance(still, socket.socket):  # A broker that does not answer must not hold us up.
            with suppress(OSError):
                # Not SSLSocket's own: it takes TLS off at once, and paho's thread may be writing.
                socket.socket.shutdown(still, socket.SHUT_RDWR)
        await asyncio.to_thread(client.loop_stop)

    # From here on paho's thread; each may come twice.

    def _cross(self, news: _News) -> None:
        """Hand over to the loop, the only way there."""
        if news.what == "message" and len(self._news) >= MOST_WAITING:
            self.counts["mqtt_dropped"] += 1
            return
        self._news.append(news)
        assert self._loop is not None
        with suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._some.set)

    def _on_socket_open(self, _client: paho.Client, _data: Any, opened: Any) -> None:
        if isinstance(opened, socket.socket):
            # Nagle's algorithm and delayed acknowledgements together cost 40 ms on each small message.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNHEARD * 1000))

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason == "Unsupported protocol version":
            self._cross(_News("lost", str(reason)))
        elif reason.is_failure:
            self._cross(_News("refused", str(reason)))
        else:
            client.on_log = None  # It is called for everything, and no end after this one needs a reason.
            self._cross(_News("accepted"))
            # Each time: a broker may have forgotten everything.
            if self.subscriptions:
                client.subscribe([(topic, 1) for topic in self.subscriptions])
            else:
                self._cross(_News("subscribed"))

    def _on_log(self, _client: paho.Client, _data: Any, level: int, said: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:  # The only place where paho tells which alert of TLS ended a connection.
            alert = _ALERT.search(said)
            self._cross(_News("broken", alert[1].replace("_", " ").lower() if alert else said))

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._cross(_News("refused", f"subscription, {refused[0]}") if refused else _News("subscribed"))

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._cross(_News("lost", str(reason)))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if len(message.payload) > MAX_WIRE:
            self.counts["mqtt_too_large"] += 1
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._cross(_News("message", topic, bytes(message.payload)))

    def _on_publish(self, _client: paho.Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:  # MQTT 5 only: 3.1.1 confirms also what it throws away.
            self.counts["mqtt_refused"] += 1
            log.warning("the broker did not take a message: %s", reason)


def _ends(opened: ssl.SSLSocket) -> float | None:
    shown = opened.getpeercert() or {}
    until = shown.get("notAfter")
    return float(ssl.cert_time_to_seconds(until)) if isinstance(until, str) else None
