"""Keeps who may come in as enrolments say: access list, revocations and the sessions they end, our own certificates."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from central import agents, broker
from central.agents import Reach
from central.broker import Admission, Broker
from central.certificates import Revoked
from central.config import CentralConfig, External
from central.contract.enrolment import Where
from central.errors import BrokerError, KeysUnusable
from central.keys import Keys
from central.storage.database import reading

log = logging.getLogger(__name__)

_LOOKS_S = 1.0
"""How often enrolments and revocations, made by a command of their own, are looked for."""
_ENDS_S = (0.3, 1.2)
"""When sessions are ended after the broker was told to read its files: twice, for it may have been slow to."""
_CARES_S = 3600.0
_FLOOD = 100
"""Messages dropped of one agent between two looks: an honest one has never so many on their way."""
_OUT = timedelta(minutes=5)
"""How long who floods has no rights at the broker: so the flood ends there, and comes back for a second at most."""
_AT_ONCE = 16


class Gate:
    """The task that watches, and the contexts that show our certificates, which it renews in place."""

    def __init__(self, config: CentralConfig, engine: Engine, keys: Keys, now: Callable[[], datetime]) -> None:
        """Raises KeysUnusable for certificates that cannot be read."""
        self.counts: Counter[str] = Counter()
        self.http = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.http.minimum_version = ssl.TLSVersion.TLSv1_3
        self.server = keys.server(config.hosts, now())
        self.mqtt = keys.trust(now())
        self._config, self._engine, self._keys, self._now = config, engine, keys, now
        self._said: tuple[Any, ...] = ()
        self._admitted: set[str] = set()
        self._revoked: set[Revoked] = set()
        self._out: dict[str, datetime] = {}
        if isinstance(config.broker, External):
            _believe(self.mqtt, config.broker)
        self._show()

    def admit(self, own: Broker) -> set[str]:
        """Bring the broker's files up to date where something changed; gives the agents whose sessions have to end."""
        at = self._now()
        with reading(self._engine) as connection:
            said = (
                *(agents.revision(connection), at.date(), self.server.stat().st_mtime_ns),
                *(key.id for key in self._keys.all()),
                *sorted(self._out),
            )
            if said == self._said:
                return set()
            everyone = {one.agent: one.store for one in agents.admitted(connection, at) if one.agent not in self._out}
            revoked = agents.revoked_certificates(connection, at)
        # A database that was restored has forgotten revocations; the broker's own list has not.
        every = {(one.issuer, one.serial): one for one in (*self._keys.listed(own.revocations(), at), *revoked)}
        own.admit(admission(self._keys, everyone.items(), every.values(), at))
        # Who is new here had no session before the first time.
        ended = {whose for one, whose in revoked.items() if one not in self._revoked} if self._said else set()
        # Also whose certificates have run out; who was put out keeps the session, which could do nothing but come back.
        ended |= self._admitted - everyone.keys() - self._out.keys()
        self._said, self._admitted, self._revoked = said, set(everyone), set(revoked)
        return ended

    def put_out(self, floods: Mapping[str, int]) -> None:
        """Take their rights from those of whom so much was dropped lately, for a while."""
        at = self._now()
        self._out = {agent: until for agent, until in self._out.items() if until > at}
        for agent, dropped in floods.items():
            if dropped >= _FLOOD and agent not in self._out:
                self._out[agent] = at + _OUT
                self.counts["put_out"] += 1
                log.error("agent %s floods the broker and has no rights there for %s", agent, _OUT)

    async def watch(self, own: Broker | None, floods: Callable[[], Mapping[str, int]]) -> None:
        """Watch until cancelled; `floods` gives how many messages of whom were dropped since it was asked last."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._care())
            if own is not None:
                group.create_task(self._watch(own, floods, group))

    async def _watch(self, own: Broker, floods: Callable[[], Mapping[str, int]], group: asyncio.TaskGroup) -> None:
        while True:
            self.put_out(floods())
            try:
                ended = await asyncio.to_thread(self.admit, own)
                if ended:
                    group.create_task(self._end(own, ended))
            except DBAPIError as error:
                log.warning("enrolments could not be read now: %s", error.orig)
            except (KeysUnusable, OSError) as error:
                log.error("the broker could not be told who may come in: %s", error)
            await asyncio.sleep(_LOOKS_S)

    async def _end(self, own: Broker, names: Iterable[str]) -> None:
        free = asyncio.Semaphore(_AT_ONCE)

        async def end(name: str) -> None:
            async with free:
                try:
                    passing = await asyncio.to_thread(self._keys.passing, name, self._now())
                    await own.end_session(passing)
                    self.counts["sessions_ended"] += 1
                except (BrokerError, KeysUnusable) as error:
                    log.error("the session of %s: %s", name, error)

        for pause in _ENDS_S:
            await asyncio.sleep(pause)
            await asyncio.gather(*map(end, names))

    async def _care(self) -> None:
        while True:
            await asyncio.sleep(_CARES_S)
            try:
                await asyncio.to_thread(self.care)
            except KeysUnusable as error:
                log.error("certificates could not be renewed: %s", error)

    def care(self) -> None:
        """Make anew what ends soon, and show from now on what is there. Raises KeysUnusable."""
        self._keys.care(self._now())
        self._keys.server(self._config.hosts, self._now())
        self.mqtt.load_verify_locations(cadata=self._keys.trusted(self._now()))
        self._show()

    def _show(self) -> None:
        http = self._config.http
        try:
            self.http.load_cert_chain(http.certificate or self.server, http.private_key)
            self.mqtt.load_cert_chain(self._keys.client(self._now()))
        except (OSError, ssl.SSLError) as error:
            raise KeysUnusable(
                f"The certificate {http.certificate or self.server} cannot be used: {error}.",
                fix="See that it, its private key and those between belong together and can be read.",
            ) from error


def admission(keys: Keys, everyone: Iterable[tuple[str, str]], revoked: Iterable[Revoked], at: datetime) -> Admission:
    """Give a broker's files for these agents (name, store)."""
    return Admission(
        access=broker.access(everyone), believed=keys.believed(at), revocations=keys.revocations(revoked, at)
    )


def reach(config: CentralConfig, http: int, mqtt: int) -> Reach:
    """What agents are told, where central listens at these ports. Raises KeysUnusable."""
    name = config.names[0]
    external = config.broker.brokers if isinstance(config.broker, External) else ()
    places = [Where(host=place.host, port=place.port) for place in config.brokers or external]
    ca = config.broker.ca if isinstance(config.broker, External) else None
    return Reach(
        brokers=tuple(places) or (Where(host=name, port=mqtt),),
        assets=config.assets_url or f"https://{address(name, http)}/assets",
        ca="" if ca is None else _read(ca),
    )


def address(name: str, port: int) -> str:
    """Write a host and port as a URL has them."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _believe(context: ssl.SSLContext, there: External) -> None:
    if there.ca is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cadata=_read(there.ca))
    except ssl.SSLError as error:
        raise KeysUnusable(f"{there.ca} holds no certificates in PEM.", fix="Name another under broker.ca.") from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysUnusable(f"{file} cannot be read: {error}.", fix="Name another under broker.ca.") from error
