"""Hears advertisements on one Bluetooth adapter, through BlueZ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge import beacons
from edge.errors import SensorError
from edge.model import Advert, ZoneId
from edge.ports import Deliver

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

log = logging.getLogger(__name__)

SILENCE = 60.0
"""Seconds without any advert after which the scan is begun anew: when bluetoothd restarts, nobody is told."""

_WHY = {
    "org.freedesktop.DBus.Error.ServiceUnknown": (
        "BlueZ, the Bluetooth service, does not run",
        "apt install bluez; systemctl enable --now bluetooth",
    ),
    "org.freedesktop.DBus.Error.NameHasNoOwner": ("BlueZ does not run", "systemctl enable --now bluetooth"),
    "org.freedesktop.DBus.Error.AccessDenied": (
        "this user may not use Bluetooth",
        "Add it to the group: usermod -aG bluetooth USER; then start again.",
    ),
    "org.bluez.Error.NotReady": (
        "the adapter is switched off",
        "rfkill unblock bluetooth; bluetoothctl power on",
    ),
    "org.bluez.Error.InProgress": (
        "another program holds the adapter, or BlueZ is stuck",
        "If it stays so: systemctl restart bluetooth",
    ),
}
"""What D-Bus and BlueZ answer, and what it means to a person."""


class Radio:
    """One adapter that scans actively. `silences` counts scans begun anew because nothing was heard."""

    trouble = ""

    def __init__(
        self,
        name: str,
        zone: str,
        adapter: str = "hci0",
        *,
        silence: float = SILENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.zone = ZoneId(zone)
        self.adapter = adapter
        self.silence = silence
        self.silences = 0
        self._clock = clock
        self._heard_at = 0.0

    @property
    def counts(self) -> dict[str, int]:
        return {"radio_silences": self.silences}

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled. Raises SensorError when the adapter cannot be used.

        An empty store is as silent as a hung radio: a new scan tells them apart, and only one that fails is a fault.
        """
        while True:
            await self._listen(deliver)
            self.silences += 1
            log.info("%s has heard nothing for %.0f s and begins its scan anew", self.name, self.silence)

    async def _listen(self, deliver: Deliver) -> None:
        """One scan, until it has been silent too long."""
        try:
            from bleak import BleakScanner
            from bleak.exc import BleakError
        except ImportError as error:
            raise SensorError(f"{self.name} cannot listen: bleak is missing.", fix="pip install bleak") from error

        def heard(device: BLEDevice, said: AdvertisementData) -> None:
            self._heard_at = self._clock()
            deliver(self._advert(device, said))

        scanner = BleakScanner(
            heard,
            scanning_mode="active",
            # With a filter on RSSI, BlueZ reports each advert of a still beacon; without, only steps of 8 dB.
            bluez={"adapter": self.adapter, "filters": {"DuplicateData": True, "RSSI": -127}},
        )
        try:
            await scanner.start()
        except (BleakError, OSError, EOFError) as error:
            raise self._failed(error) from error
        try:
            self._heard_at = self._clock()
            left = self.silence
            while left > 0:
                await asyncio.sleep(left)
                left = self._heard_at + self.silence - self._clock()
        finally:
            try:
                await scanner.stop()
            except (BleakError, OSError, EOFError) as error:
                # A bluetoothd that was restarted knows of no scan to stop.
                log.info("%s could not stop its scan: %s", self.name, error)

    def _advert(self, device: BLEDevice, said: AdvertisementData) -> Advert:
        return Advert(
            at=self._heard_at,
            receiver=self.name,
            zone=self.zone,
            address=device.address,
            rssi=beacons.level(said.rssi),
            data=beacons.structures(said.manufacturer_data, said.service_data),
        )

    def _failed(self, error: Exception) -> SensorError:
        """The sentence for what bleak says."""
        answer = str(getattr(error, "dbus_error", ""))
        if answer in _WHY:
            why, fix = _WHY[answer]
        elif isinstance(error, OSError | EOFError):
            why, fix = "there is no system D-Bus to reach BlueZ by", "apt install dbus bluez; systemctl start dbus"
        elif "not found" in str(error):
            why, fix = "there is no such adapter", "Plug it in, or name another: bluetoothctl list"
        else:
            why, fix = str(error), "See journalctl -u bluetooth."
        return SensorError(f"{self.name} cannot listen on {self.adapter}: {why}.", fix=fix)
