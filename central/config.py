"""What central is told: its folder, its database, its brokers, its names, the key of the chain, its members' codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from central.contract.member_code import CARDS, Card
from ground import settings

_WILD = ("", "0.0.0.0", "::")  # noqa: S104 - Named to be left out.
_HERE = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9a-fA-F:.]{2,45}")
_MOST_CARDS = 32
"""As many as one row takes to the stores (central.contract.feeds.Codes)."""
_DATABASES = ("sqlite:///", "postgresql+psycopg://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a broker listens with TLS."""

    host: str
    port: int = 8883

    def problems(self) -> Iterator[str]:
        yield from _host(self.host)
        yield from _port(self.port, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where assets and health are served, and events and consents taken, with TLS; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8710
    certificate: Path | None = None
    """Of a public CA, with those between; without it the chain's own root answers for central."""
    private_key: Path | None = None

    def problems(self) -> Iterator[str]:
        yield from _port(self.port, least=0)
        if (self.certificate is None) != (self.private_key is None):
            yield "certificate: give it together with private_key, or neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A private mosquitto that central starts and stops; port 0 takes any free one."""

    kind: Literal["embedded"]
    host: str = "127.0.0.1"
    port: int = 8883

    def problems(self) -> Iterator[str]:
        yield from _port(self.port, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Any brokers of MQTT 3.1.1 or 5 with TLS 1.3; who may do what there, `noren central access` prints."""

    kind: Literal["external"]
    brokers: tuple[Place, ...]
    username: str = ""
    password: str = ""
    ca: Path | None = None
    """Whom to believe beside the chain's root, in PEM; without it the system's."""

    def problems(self) -> Iterator[str]:
        if not self.brokers:
            yield "brokers: must name one at least"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCodes:
    """How long a code is good that a phone shows."""

    seconds: Annotated[int, Meta(ge=15, le=240, multiple_of=15, description="15, 30, 45 … or 240")] = 60
    """Steps of central.contract.signed_code."""

    @property
    def good_for(self) -> timedelta:
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralConfig:
    """The section `central:`."""

    folder: Path
    key: str
    """64 hex digits: the chain's key, from which the keys of the stores' tokens are made."""
    http: Http = field(default_factory=Http)
    broker: Embedded | External = field(default_factory=lambda: Embedded(kind="embedded"))
    names: tuple[str, ...] = ("localhost",)
    """The host names and addresses that agents reach central by, the one that they are told first."""
    brokers: tuple[Place, ...] = ()
    """What agents are told of brokers; without it what `broker` says, by the first of `names`."""
    assets_url: str = ""
    """What agents are told of assets; without it the HTTP server's own, by the first of `names`."""
    database: str = ""
    """SQLAlchemy URL; without it a SQLite file in the folder."""
    assets: Path | None = None
    """Where pictures lie; without it `assets` in the folder."""
    cards: tuple[Card, ...] = CARDS
    """What numbers plain member cards have."""
    codes: MemberCodes = field(default_factory=MemberCodes)
    log: Literal["debug", "info", "warning", "error"] = "info"

    def problems(self) -> Iterator[str]:
        yield from _cards(self.cards)
        if not re.fullmatch("[0-9a-f]{64}", self.key):
            yield "key: must be 64 hex digits: make one with `openssl rand -hex 32`"
        if self.database and not self.database.startswith(_DATABASES):
            yield f"database: must start with one of {' '.join(_DATABASES)}"
        if not self.names:
            yield "names: must name one at least"
        for name in self.names:
            if not _HOST.fullmatch(name):
                yield f"names: {name!r} is no host name and no address"

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'central.db'}"

    @property
    def pictures(self) -> Path:
        return self.assets or self.folder / "assets"

    @property
    def keys(self) -> Path:
        """The folder of the key tree."""
        return self.folder / "keys"

    @property
    def hosts(self) -> tuple[str, ...]:
        """All names that central's own certificate is for."""
        listening = [self.http.host, *([self.broker.host] if isinstance(self.broker, Embedded) else [])]
        every = (*self.names, *(host for host in listening if host not in _WILD), *_HERE)
        return tuple(dict.fromkeys(every))

    @property
    def chain_key(self) -> bytes:
        return bytes.fromhex(self.key)


def read(file: Path) -> CentralConfig:
    """Read the section `central:` of a file. Raises ground.settings.SettingsError with every problem."""
    return settings.read(file, "central", CentralConfig)


def _cards(cards: tuple[Card, ...]) -> Iterator[str]:
    if len(cards) > _MOST_CARDS:
        yield f"cards: must be {_MOST_CARDS} at most"
    for card in cards:
        if len(card.prefix) > card.length:
            yield f"cards: prefix {card.prefix} is longer than the whole number, of length {card.length}"
    for card in dict.fromkeys(card for card in cards if cards.count(card) > 1):
        yield f"cards: prefix {card.prefix} with length {card.length} is named twice"


def _port(value: int, *, least: int) -> Iterator[str]:
    if not least <= value <= 65535:
        yield f"port: must be {least} to 65535"


def _host(host: str) -> Iterator[str]:
    if not _HOST.fullmatch(host):
        yield f"host: {host!r} is no host name and no address"
