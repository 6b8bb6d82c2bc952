"""What an agent is told on its device: its folder, its senses and its screens; the rest is its enrolment's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from central.contract import topics
from ground import settings
from ground.programme.records import Language

_SOCKET_PATH = 100
"""Bytes of a Unix socket's path that every Linux takes (the kernel's limit is 108 with the NUL)."""
_PLAIN = re.compile("[!-~]*")


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
    device: int | Path = 0
    """N of /dev/videoN; or a path that stays the same whatever else is plugged in: /dev/v4l/by-id/…"""
    width: int = 1280
    height: int = 720
    exposure_ms: float | None = None
    """Fixed, so that what moves is not smeared; None: the camera's own choice."""

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)
        if not (160 <= self.width <= 4096 and 120 <= self.height <= 2304):
            yield "width: and height must be a camera's, from 160x120 to 4096x2304"
        if self.exposure_ms is not None and not 0.1 <= self.exposure_ms <= 1000:
            yield "exposure_ms: must be 0.1 to 1000; short ones (4 to 8) smear less and need more light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """A USB scanner that types what it reads, as a keyboard."""

    kind: Literal["keyboard"]
    name: str
    zone: str
    device: Path
    """/dev/input/by-id/…-event-kbd"""
    layout: Literal["us", "jp"] = "us"
    """The keyboard that it believes to be: its own setting, not this machine's."""
    shared: bool = False
    """The register's own, which the process `noren edge register` stands before."""

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """A scanner on a serial port, also one that makes itself one on USB."""

    kind: Literal["serial"]
    name: str
    zone: str
    device: Path
    """/dev/serial/by-id/…"""
    baud: int = 9600
    shared: bool = False

    def problems(self) -> Iterator[str]:
        yield from _id("name", self.name)
        yield from _baud(self.baud)


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


SensorConfig = Ble | Camera | Keyboard | Serial | SimulatedRadio | SimulatedCamera | Recorded

READERS = (Camera, Keyboard, Serial, SimulatedCamera)
"""Sensors that read codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTo:
    """The register gets codes as from a keyboard of its own, on this machine."""

    kind: Literal["keyboard"]
    layout: Literal["us", "jp"] = "us"
    """The one that the register's system believes to have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredTo:
    """The register gets codes over a serial port."""

    kind: Literal["serial"]
    device: Path
    baud: int = 9600

    def problems(self) -> Iterator[str]:
        yield from _baud(self.baud)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedTo:
    """The register is told a member by `POST url {"member": …, "reader": …}`."""

    kind: Literal["http"]
    url: str
    key: str = ""
    """Sent as `Authorization: Bearer …`, where there is one."""

    def problems(self) -> Iterator[str]:
        if not _is_address(self.url):
            yield "url: must be like http://127.0.0.1:9000/member, without spaces and without a name before an @"
        if not _PLAIN.fullmatch(self.key):
            yield "key: must be of ASCII letters, digits and signs, without spaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The register beside us, reached by the process `noren edge register`."""

    socket: Path
    """Where that process is found; in a folder of memory, like the players' sockets."""
    passes: TypedTo | WiredTo | None = None
    """Where the codes of shared scanners go that are none of ours; None: no scanner is shared."""
    members: TypedTo | WiredTo | PostedTo | None = None
    """How it is told a member that we recognised; None: as codes are passed."""

    def problems(self) -> Iterator[str]:
        yield from _socket(self.socket)
        if self.passes is None and self.members is None:
            yield "members: say how the register is told of members, or in `passes` where codes go"

    def ports(self) -> list[tuple[str, Path]]:
        """The serial ports to it, each with the setting that names it."""
        ways = {
            "register.passes": self.passes,
            "register.members": self.members if self.members != self.passes else None,
        }
        return [(name, way.device) for name, way in ways.items() if isinstance(way, WiredTo)]


def _is_address(url: str) -> bool:
    # Before urlsplit, which drops line ends: in a request they would begin another header.
    if not _PLAIN.fullmatch(url):
        return False
    try:
        to = urlsplit(url)
        return to.scheme in ("http", "https") and bool(to.hostname) and to.port != 0 and "@" not in to.netloc
    except ValueError:
        return False


def _baud(baud: int) -> Iterator[str]:
    if baud not in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200):
        yield "baud: must be one of 1200, 2400, 4800, 9600, 19200, 38400, 57600 and 115200"


def _twice(what: str, named: list[tuple[str, Path]]) -> Iterator[str]:
    users: dict[Path, list[str]] = {}
    for name, path in named:
        users.setdefault(path, []).append(name)
    for path, names in users.items():
        if len(names) > 1:
            yield f"{what}: {' and '.join(names)} have the same {path}: each needs its own"


def _socket(path: Path) -> Iterator[str]:
    if len(str(path).encode()) > _SOCKET_PATH:
        yield f"socket: is longer than {_SOCKET_PATH} bytes: choose a shorter folder"


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
        yield from _socket(self.socket)


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
    register: Register | None = None
    languages: tuple[Language, ...] = ("ja", "en")
    outbox_mb: int = 256
    confirm_hours: int = 24
    """How old unconfirmed consent may be before everything is anonymous."""
    log: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def shared(self) -> tuple[Keyboard | Serial, ...]:
        """The scanners that the register's process holds."""
        return tuple(one for one in self.sensors if isinstance(one, Keyboard | Serial) and one.shared)

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
        shared = [one.name for one in self.shared]
        if shared and (self.register is None or self.register.passes is None):
            yield f"sensors: {', '.join(shared)} is shared with the register: say in register.passes where codes go"
        scanners = [(one.name, one.device) for one in self.sensors if isinstance(one, Keyboard | Serial)]
        yield from _twice("sensors", scanners + (self.register.ports() if self.register else []))
        sockets = [(screen.screen, screen.socket) for screen in self.screens]
        yield from _twice("screens", sockets + ([("register", self.register.socket)] if self.register else []))
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
    kept = tuple(sensor for sensor in config.sensors if isinstance(sensor, READERS))
    recorded = Recorded(kind="recorded", name="replay", zone=zone, file=file, speed=speed)
    return replace(config, sensors=(*kept, recorded))


def _id(name: str, value: str) -> Iterator[str]:
    if not topics.is_id(value):
        yield f"{name}: must be 1 to 64 of a-z, 0-9 and '-', not {value!r}"


def _port(name: str, value: int) -> Iterator[str]:
    if not 1 <= value <= 65535:
        yield f"{name}: must be 1 to 65535"
