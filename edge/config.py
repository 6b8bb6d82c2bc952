"""What an agent is told on its device: its folder, its senses and its screens; the rest is its enrolment's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from central.contract import topics
from ground import settings
from ground.programme.records import Language

_SOCKET_PATH = 100
"""Bytes of a Unix socket's path that every Linux takes (the kernel's limit is 108 with the NUL)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    host: str
    port: int = 8883

    def problems(self) -> Iterator[str]:
        if not self.host:
            yield "host: must be a name or an address"
        yield from _port("port", self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ble:
    """A real Bluetooth adapter, through BlueZ."""

    kind: Literal["ble"]
    name: str
    zone: str
    adapter: str = "hci0"

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A real camera, through V4L2."""

    kind: Literal["camera"]
    name: str
    zone: str
    device: int = 0

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRadio:
    """A radio that hears the beacons of a scenario's shoppers."""

    kind: Literal["simulated-radio"]
    name: str
    zone: str
    scenario: Path
    start: float = 0.0
    """CLOCK_MONOTONIC at the scenario's second 0; 0: when the sensor starts."""
    live: Path | None = None
    """A file that may come later and grows; each line replaces what a shopper does."""

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCamera:
    """A camera that sees the codes which a scenario's shoppers show to the reader of this name."""

    kind: Literal["simulated-camera"]
    name: str
    zone: str
    scenario: Path
    start: float = 0.0
    live: Path | None = None
    frames_per_second: int = 15

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)
        if not 1 <= self.frames_per_second <= 60:
            yield "frames_per_second: must be 1 to 60"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Adverts from a file of JSON lines, in the time they were recorded in."""

    kind: Literal["recorded"]
    name: str
    zone: str
    file: Path
    speed: float = 1.0
    """1: as recorded; 0: as fast as it goes."""

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)


SensorConfig = Ble | Camera | SimulatedRadio | SimulatedCamera | Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A part of the store that one can stand in; the levels are of a smoothed RSSI in dBm."""

    zone: str
    enter_dbm: float = -70.0
    exit_dbm: float = -78.0

    def problems(self) -> Iterator[str]:
        yield from _id("zone", self.zone)
        if self.exit_dbm > self.enter_dbm:
            yield "exit_dbm: must not be above enter_dbm, or who stands on the border comes and goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenConfig:
    """A player, by its socket, and the zones from which it is seen."""

    screen: str
    socket: Path
    zones: tuple[str, ...]
    use: Literal["shelf", "till"] = "shelf"

    def problems(self) -> Iterator[str]:
        yield from _id("screen", self.screen)
        if len(str(self.socket).encode()) > _SOCKET_PATH:
            yield f"socket: is longer than {_SOCKET_PATH} bytes: choose a shorter folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """The section `edge:`."""

    folder: Path
    brokers: tuple[Broker, ...] = ()
    """Instead of those that central names at enrolment."""
    assets: str = ""
    """Where players fetch pictures, instead of where central says."""
    sealing: Literal["disk", "otp", "credential", "central"] = "disk"
    """Where the key comes from that seals what lies on the device; `disk`: beside it, so it is not protected."""
    zones: tuple[Zone, ...]
    sensors: tuple[SensorConfig, ...]
    screens: tuple[ScreenConfig, ...]
    languages: tuple[Language, ...] = ("ja", "en")
    outbox_mb: int = 256
    confirm_hours: int = 24
    """How old unconfirmed consent may be before everything is anonymous."""
    log: Literal["debug", "info", "warning", "error"] = "info"

    def problems(self) -> Iterator[str]:
        if self.outbox_mb < 1 or self.confirm_hours < 1:
            yield "outbox_mb: it and confirm_hours must be at least 1"
        if not self.languages:
            yield f"languages: name at least one of {', '.join(get_args(Language))}"
        zones = [zone.zone for zone in self.zones]
        for what, names in (
            ("zones", zones),
            ("sensors", [sensor.name for sensor in self.sensors]),
            ("screens", [screen.screen for screen in self.screens]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                yield f"{what}: {', '.join(sorted(twice))} is named twice: names are for one each"
        for sensor in self.sensors:
            if sensor.zone not in zones:
                yield f"sensors: {sensor.name} stands in {sensor.zone}, which is no zone: add it to zones"
        for screen in self.screens:
            strange = set(screen.zones) - set(zones)
            if strange or not screen.zones:
                yield f"screens: {screen.screen} must name zones of this store, not {sorted(strange)}"


def read(file: Path) -> EdgeConfig:
    """Read the section `edge:` of a file. Raises ground.settings.SettingsError with every problem."""
    return settings.read(file, "edge", EdgeConfig)


def replayed(config: EdgeConfig, file: Path, zone: str | None, speed: float) -> EdgeConfig:
    """The same agent with all its radios replaced by one recording. Raises SettingsError for a zone it has not."""
    zone = zone or config.zones[0].zone
    if zone not in [one.zone for one in config.zones]:
        said = f"there is no zone {zone!r}: name one of {', '.join(one.zone for one in config.zones)}"
        raise settings.SettingsError(file, [settings.Problem(path="--zone", line=0, text=said)])
    kept = tuple(sensor for sensor in config.sensors if isinstance(sensor, Camera | SimulatedCamera))
    recorded = Recorded(kind="recorded", name="replay", zone=zone, file=file, speed=speed)
    return replace(config, sensors=(*kept, recorded))


def _id(name: str, value: str) -> Iterator[str]:
    if not topics.is_id(value):
        yield f"{name}: must be 1 to 64 of a-z, 0-9 and '-', not {value!r}"


def _port(name: str, value: int) -> Iterator[str]:
    if not 1 <= value <= 65535:
        yield f"{name}: must be 1 to 65535"
