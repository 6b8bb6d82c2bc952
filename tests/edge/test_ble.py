"""The radio: bleak as it is, against a fake BlueZ on a private D-Bus."""

from __future__ import annotations

import asyncio
import gc
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from edge import beacons
from edge.errors import SensorError
from edge.model import Advert, Scan
from edge.sensors.ble import Radio

ADAPTER = "/org/bluez/hci0"
UUID = "3f6d7a10-5b1c-4c4e-9a42-7d1e0a9b8c01"
IBEACON = beacons.ibeacon(UUID, 1, 7, -59)
FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
UID = beacons.eddystone_uid("0102030405060708090a", "a1a2a3a4a5a6", -18)

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
 <policy context="default">
  <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="signal"/>
  <allow receive_type="method_call"/><allow receive_type="method_return"/>
  <allow receive_type="error"/><allow receive_type="signal"/>{rules}
 </policy>
</busconfig>"""

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="needs dbus-daemon (Debian: dbus-daemon)")


class Bus:
    """A D-Bus of our own, which bleak takes for the system's."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "bus"
        self.folder = folder
        self.daemon: subprocess.Popen[str] | None = None

    def start(self, rules: str = "") -> None:
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(socket=self.socket, rules=rules))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"]
        self.daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.daemon.stdout is not None
        assert self.daemon.stdout.readline()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.communicate()
            self.daemon = None


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    bus = Bus(tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={bus.socket}")
    yield bus
    bus.stop()
    # dbus-fast leaves futures of a bus that died behind with their exception. Collected here they are a line in the
    # log; collected while Python parses something, the traceback of that line upsets its parser (3.11).
    gc.collect()


class BlueZ:
    """The part of org.bluez that a scan touches: one adapter, its discovery, the devices it has heard."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.filter: dict[str, Any] = {}
        self.scans: asyncio.Queue[None] = asyncio.Queue()
        self.scanning = False
        self.answers: dict[str, str] = {}
        """What to refuse, and with which error."""
        self.heard: set[str] = set()

    def answer(self, asked: Message) -> Message | None:
        """Answer a call to us; None leaves the rest to the library."""
        if asked.message_type is not MessageType.METHOD_CALL or asked.path not in ("/", ADAPTER):
            return None
        if error := self.answers.get(asked.member or ""):
            return Message.new_error(asked, error, "as the test wants it")
        if asked.member == "GetManagedObjects":
            adapter = {"Powered": Variant("b", True), "Roles": Variant("as", ["central"])}
            return Message.new_method_return(asked, "a{oa{sa{sv}}}", [{ADAPTER: {"org.bluez.Adapter1": adapter}}])
        if asked.member == "SetDiscoveryFilter":
            self.filter = {name: value.value for name, value in asked.body[0].items()}
        elif asked.member == "StartDiscovery":
            self.scanning = True
            self.scans.put_nowait(None)
        elif asked.member == "StopDiscovery":
            self.scanning = False
        return Message.new_method_return(asked)

    async def advertise(self, address: str, rssi: int | None, **said: Variant) -> None:
        """One advert: a new device the first time, changed properties afterwards."""
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        changed = dict(said) | ({} if rssi is None else {"RSSI": Variant("n", rssi)})
        if path in self.heard:
            await self._signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", [changed, []])
            return
        self.heard.add(path)
        named = {
            "Address": Variant("s", address),
            "Alias": Variant("s", address.replace(":", "-")),
            "Adapter": Variant("o", ADAPTER),
        }
        interfaces = {"org.bluez.Device1": named | changed}
        await self.bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="InterfacesAdded",
                signature="oa{sa{sv}}",
                body=[path, interfaces],
            )
        )

    async def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        await self.bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=["org.bluez.Device1", *body],
            )
        )


def ibeacon() -> Variant:
    return Variant("a{qv}", {0x004C: Variant("ay", IBEACON[7:])})


def eddystone() -> Variant:
    return Variant("a{sv}", {FEAA: Variant("ay", UID[11:])})


@asynccontextmanager
async def bluez(bus: Bus) -> AsyncIterator[BlueZ]:
    if bus.daemon is None:
        bus.start()
    connection = await MessageBus(bus_address=f"unix:path={bus.socket}", bus_type=BusType.SYSTEM).connect()
    fake = BlueZ(connection)
    connection.add_message_handler(fake.answer)
    await connection.request_name("org.bluez")
    try:
        yield fake
    finally:
        connection.disconnect()
        with suppress(EOFError, OSError):  # Where the bus was gone before us.
            await connection.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast gives it no types.


class Ears:
    """A radio that runs, and what it hears."""

    def __init__(self, radio: Radio) -> None:
        self.radio = radio
        self.heard: asyncio.Queue[Advert | Scan] = asyncio.Queue()
        self.task = asyncio.create_task(radio.run(self.heard.put_nowait))

    async def next(self) -> Advert:
        """The next advert; what ends the radio instead is raised."""
        waiting = asyncio.create_task(self.heard.get())
        await asyncio.wait([waiting, self.task], return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self.task.result()
        advert = await waiting
        assert isinstance(advert, Advert)
        return advert

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def listening(bus: Bus, radio: Radio | None = None) -> AsyncIterator[Ears]:
    ears = Ears(radio or Radio("radio-1", "shelf"))
    try:
        yield ears
    finally:
        await ears.stop()
        # bleak keeps its connection for the life of the loop; with the bus gone it lets go of it here.
        bus.stop()
        await _all_done()


async def _all_done() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)


async def test_adverts_of_both_formats_are_heard_as_raw_bytes(bus: Bus) -> None:
    async with bluez(bus) as fake, listening(bus) as ears:
        await fake.scans.get()
        await fake.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
        advert = await ears.next()
        assert (advert.receiver, advert.zone, advert.address) == ("radio-1", "shelf", "C2:00:00:00:00:07")
        assert (advert.rssi, advert.data) == (-61, IBEACON[3:])
        assert beacons.parse(advert.data) == beacons.parse(IBEACON)
        await fake.advertise("C2:00:00:00:00:08", -70, ServiceData=eddystone())
        assert beacons.parse((await ears.next()).data) == beacons.parse(UID)


async def test_a_beacon_that_lies_still_is_heard_every_time(bus: Bus) -> None:
    async with bluez(bus) as fake, listening(bus) as ears:
        await fake.scans.get()
        assert fake.filter == {"Transport": "le", "DuplicateData": True, "RSSI": -127}
        for _ in range(3):
            await fake.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
            assert (await ears.next()).rssi == -61


async def test_a_level_that_the_radio_did_not_know_is_none(bus: Bus) -> None:
    async with bluez(bus) as fake, listening(bus) as ears:
        await fake.scans.get()
        for number, rssi in enumerate([None, 0, -127, 127]):
            await fake.advertise(f"C2:00:00:00:00:0{number}", rssi, ManufacturerData=ibeacon())
            assert (await ears.next()).rssi is None


async def test_cancelling_ends_the_scan(bus: Bus) -> None:
    async with bluez(bus) as fake, listening(bus) as ears:
        await fake.scans.get()
        await fake.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
        await ears.next()
        await ears.stop()
        assert not fake.scanning


async def test_silence_begins_the_scan_anew_and_is_no_fault(bus: Bus) -> None:
    radio = Radio("radio-1", "shelf", silence=0.05)
    async with bluez(bus) as fake, listening(bus, radio) as ears:
        for _ in range(3):
            await fake.scans.get()
        assert radio.silences >= 2
        assert not ears.task.done()
        await fake.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
        assert (await ears.next()).rssi == -61


async def test_a_restarted_bluetoothd_is_listened_to_again(bus: Bus) -> None:
    radio = Radio("radio-1", "shelf", silence=0.2)
    async with bluez(bus) as first, listening(bus, radio) as ears:
        await first.scans.get()
        first.bus.disconnect()
        async with bluez(bus) as second:
            await asyncio.wait([asyncio.create_task(second.scans.get()), ears.task], return_when="FIRST_COMPLETED")
            assert not ears.task.done(), ears.task
            await second.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
            assert (await ears.next()).rssi == -61


async def test_a_bus_that_dies_is_a_fault_and_the_next_run_hears_again(bus: Bus) -> None:
    radio = Radio("radio-1", "shelf", silence=0.05)
    async with bluez(bus) as fake:
        ears = Ears(radio)
        await fake.scans.get()
        bus.stop()
        with pytest.raises(SensorError, match="no system D-Bus"):
            await ears.next()
    async with bluez(bus) as fake, listening(bus, radio) as ears:
        await fake.scans.get()
        await fake.advertise("C2:00:00:00:00:07", -61, ManufacturerData=ibeacon())
        assert (await ears.next()).rssi == -61


@pytest.mark.parametrize(
    ("member", "error", "said"),
    [
        ("StartDiscovery", "org.bluez.Error.NotReady", "the adapter is switched off"),
        ("StartDiscovery", "org.bluez.Error.InProgress", "another program holds the adapter"),
        ("SetDiscoveryFilter", "org.freedesktop.DBus.Error.AccessDenied", "this user may not use Bluetooth"),
        ("StartDiscovery", "org.bluez.Error.Failed", "as the test wants it"),
    ],
)
async def test_what_bluez_refuses_is_a_sentence_with_a_fix(bus: Bus, member: str, error: str, said: str) -> None:
    async with bluez(bus) as fake:
        fake.answers[member] = error
        async with listening(bus) as ears:
            with pytest.raises(SensorError, match=said) as raised:
                await ears.next()
            assert "radio-1" in raised.value.message
            assert "hci0" in raised.value.message
            assert raised.value.fix


async def test_an_adapter_that_is_not_there_is_a_sentence(bus: Bus) -> None:
    async with bluez(bus), listening(bus, Radio("radio-1", "shelf", "hci7")) as ears:
        with pytest.raises(SensorError, match="hci7: there is no such adapter"):
            await ears.next()


async def test_no_bluez_is_a_sentence(bus: Bus) -> None:
    bus.start()
    async with listening(bus) as ears:
        with pytest.raises(SensorError, match="BlueZ"):
            await ears.next()


async def test_no_bus_is_a_sentence(bus: Bus) -> None:
    async with listening(bus) as ears:
        with pytest.raises(SensorError, match="no system D-Bus"):
            await ears.next()


async def test_a_policy_that_forbids_bluez_is_a_sentence(bus: Bus) -> None:
    bus.start('<deny send_destination="org.bluez"/>')
    async with bluez(bus), listening(bus) as ears:
        with pytest.raises(SensorError, match="may not use Bluetooth"):
            await ears.next()
