"""Writes the configurations of the demo's processes from one template."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from central.demo.processes import DemoFailed
from central.judge.truth import Place
from central.scenario import READER, ZONES

Section = dict[str, Any]
USES: Mapping[str, Literal["shelf", "till"]] = {"shelf": "shelf", "till": "till"}
"""The zones that have a screen, and what it is for."""
WINDOW_WIDTH, WINDOW_HEIGHT = 640, 360
"""Six of them fit side by side on one desk."""
WINDOW = {"mode": "window", "width": WINDOW_WIDTH, "height": WINDOW_HEIGHT}
_ELSEWHERE = ("database", "assets", "brokers", "assets_url")
"""What a template may say of other machines."""
HEADLESS = {"mode": "headless", "width": 1280, "height": 720}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One player of the demo, and where its files are."""

    screen: str
    place: Place
    socket: Path
    journal: Path
    mirror: Path
    config: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Real senses for the first store, beside the simulated ones."""

    camera: int | None = None
    radio: str | None = None

    def check(self) -> None:
        """Raises DemoFailed where they are not on this machine."""
        if self.camera is not None and not Path(f"/dev/video{self.camera}").exists():
            there = ", ".join(sorted(str(each) for each in Path("/dev").glob("video*"))) or "none"
            raise DemoFailed(
                f"There is no camera /dev/video{self.camera} on this machine (there: {there}).",
                fix="Plug one in, or leave out --camera.",
            )
        if self.radio is not None and not Path("/sys/class/bluetooth", self.radio).exists():
            there = ", ".join(sorted(each.name for each in Path("/sys/class/bluetooth").glob("hci*"))) or "none"
            raise DemoFailed(
                f"There is no Bluetooth adapter {self.radio} on this machine (there: {there}).",
                fix="Plug one in (`bluetoothctl list` names it), or leave out --radio.",
            )

    def sensors(self) -> list[Section]:
        camera = {"kind": "camera", "name": "real-camera", "zone": "till", "device": self.camera}
        radio = {"kind": "ble", "name": "real-radio", "zone": "shelf", "adapter": self.radio}
        return [each for each, given in ((camera, self.camera), (radio, self.radio)) if given is not None]


class Configs:
    """The template's three sections, and the folder where each process gets a file and a folder of its own."""

    def __init__(self, template: Path, folder: Path, sockets: Path) -> None:
        self._folder = folder
        self._sockets = sockets
        self._central, self._edge, self._signage = _sections(template)
        http, broker = self._central.get("http") or {}, self._central.get("broker") or {}
        self.http_port = int(http.get("port", 8710))
        self.mqtt_port = int(broker.get("port", 8883)) if broker.get("kind") != "external" else 8883
        """The ports that are wanted, and once central is up those that it has."""

    def central(self) -> Path:
        """Central with a broker and a database of its own, whatever the template names.

        Of a port that is taken now the next free one is taken.
        """
        section = {name: value for name, value in self._central.items() if name not in _ELSEWHERE}
        section |= {
            "names": ["127.0.0.1"],
            "folder": str(self._folder / "central"),
            "http": {"host": "127.0.0.1", "port": free(self.http_port)},
            "broker": {"kind": "embedded", "host": "127.0.0.1", "port": free(self.mqtt_port)},
        }
        return self._write("central", "central", section)

    @property
    def central_file(self) -> Path:
        return self._folder / "central.yaml"

    def settle(self) -> None:
        """Write central's configuration with the ports that it has, so that it comes back to them."""
        file = self.central_file
        section = yaml.safe_load(file.read_text(encoding="utf-8"))["central"]
        section["http"]["port"], section["broker"]["port"] = self.http_port, self.mqtt_port
        self._write("central", "central", section)

    def agent_folder(self, store: str) -> Path:
        return self._folder / "edge" / store

    def screen(self, store: str, zone: str, *, display: Section) -> Screen:
        name = f"{store}-{zone}"
        journal = self._folder / "journals" / f"{name}.jsonl"
        mirror = self._sockets / f"{name}.mirror"
        journal.parent.mkdir(exist_ok=True)
        section = self._signage | {
            "screen": name,
            "socket": str(self._sockets / f"{name}.sock"),
            "folder": str(self._folder / "signage" / name),
            "journal": str(journal),
            "mirror": str(mirror),
            "display": display,
        }
        return Screen(
            screen=name,
            place=Place(store=store, zone=zone, use=USES[zone]),
            socket=self._sockets / f"{name}.sock",
            journal=journal,
            mirror=mirror,
            config=self._write(f"signage-{name}", "signage", section),
        )

    def edge(
        self,
        store: str,
        screens: list[Screen],
        *,
        scenario: Path,
        live: Path,
        start: float,
        ports: Mapping[str, int],
        sensors: list[Section],
    ) -> Path:
        """An agent whose simulated senses begin the scenario at `start` (CLOCK_MONOTONIC).

        It reaches central's "mqtt" and "http" at these ports.
        """
        played = {"scenario": str(scenario), "live": str(live), "start": start}
        radios = [{"kind": "simulated-radio", "name": f"{zone}-radio", "zone": zone} | played for zone in ZONES]
        camera = {"kind": "simulated-camera", "name": READER, "zone": "till"} | played
        zones = {each.get("zone"): each for each in self._edge.get("zones") or [] if isinstance(each, dict)}
        section = self._edge | {
            "folder": str(self.agent_folder(store)),
            "brokers": [{"host": "127.0.0.1", "port": ports["mqtt"]}],
            "assets": f"https://127.0.0.1:{ports['http']}/assets",
            "sealing": "disk",
            "zones": [zones.get(zone, {"zone": zone}) for zone in ZONES],
            "sensors": [*radios, camera, *sensors],
            "screens": [
                {"screen": each.screen, "socket": str(each.socket), "zones": [each.place.zone], "use": each.place.use}
                for each in screens
            ],
        }
        return self._write(f"edge-{store}", "edge", section)

    def _write(self, name: str, section: str, content: Section) -> Path:
        file = self._folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump({section: content}, allow_unicode=True, sort_keys=False), encoding="utf-8")
        file.chmod(0o600)  # The chain's key stands in central's.
        return file


def window(number: int) -> dict[str, str]:
    """What tells SDL where to open the window of this number (two rows, left to right)."""
    left, top = 20 + number // 2 * (WINDOW_WIDTH + 20), 20 + number % 2 * (WINDOW_HEIGHT + 60)
    return {"SDL_VIDEO_WINDOW_POS": f"{left},{top}"}


def free(port: int) -> int:
    """The port where nobody listens there, else one of the next hundred; 0 where all are taken.

    Those that the kernel gives away (ip_local_port_range) lie elsewhere: a killed central comes back to its own.
    """
    for wanted in range(port, port + 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return wanted
    return 0


def _sections(template: Path) -> tuple[Section, Section, Section]:
    try:
        read = yaml.safe_load(template.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DemoFailed(
            f"The configuration {template} cannot be read: {error}.", fix="Name one with --config."
        ) from error
    found = [read.get(name) if isinstance(read, dict) else None for name in ("central", "edge", "signage")]
    central, edge, signage = found
    if not (isinstance(central, dict) and isinstance(edge, dict) and isinstance(signage, dict)):
        raise DemoFailed(
            f"The configuration {template} needs the sections central, edge and signage.",
            fix="Copy config.example.yaml.",
        )
    return central, edge, signage
