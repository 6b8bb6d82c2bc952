"""What central is told: its folder, its database, its broker, and the key of the chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ground import settings

_DATABASES = ("sqlite:///", "postgresql+psycopg://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where assets and health are served, and events and consents taken; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8710

    def problems(self) -> Iterator[str]:
        yield from _port(self.port, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A private mosquitto that central starts and stops; port 0 takes any free one."""

    kind: Literal["embedded"]
    host: str = "127.0.0.1"
    port: int = 1883

    def problems(self) -> Iterator[str]:
        yield from _port(self.port, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Any broker of MQTT 3.1.1 or 5; who may do what there is set up there."""

    kind: Literal["external"]
    host: str
    port: int = 1883
    username: str = ""
    password: str = ""

    def problems(self) -> Iterator[str]:
        yield from _port(self.port, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralConfig:
    """The section `central:`."""

    folder: Path
    key: str
    """64 hex digits: the chain's key, from which the keys of the stores' tokens are made."""
    http: Http = field(default_factory=Http)
    broker: Embedded | External = field(default_factory=lambda: Embedded(kind="embedded"))
    database: str = ""
    """SQLAlchemy URL; without it a SQLite file in the folder."""
    assets: Path | None = None
    """Where pictures lie; without it `assets` in the folder."""
    log: Literal["debug", "info", "warning", "error"] = "info"

    def problems(self) -> Iterator[str]:
        if not re.fullmatch("[0-9a-f]{64}", self.key):
            yield "key: must be 64 hex digits: make one with `openssl rand -hex 32`"
        if self.database and not self.database.startswith(_DATABASES):
            yield f"database: must start with one of {' '.join(_DATABASES)}"

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'central.db'}"

    @property
    def pictures(self) -> Path:
        return self.assets or self.folder / "assets"

    @property
    def chain_key(self) -> bytes:
        return bytes.fromhex(self.key)


def read(file: Path) -> CentralConfig:
    """Read the section `central:` of a file. Raises ground.settings.SettingsError with every problem."""
    return settings.read(file, "central", CentralConfig)


def _port(value: int, *, least: int) -> Iterator[str]:
    if not least <= value <= 65535:
        yield f"port: must be {least} to 65535"
