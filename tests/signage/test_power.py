"""When the display is on, and what goes over CEC, byte by byte, to a device that behaves as the kernel's does."""

from __future__ import annotations

import errno
import os
import struct
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ground.programme.records import DayPart, When
from ground.settings import SettingsError
from signage import cec, config
from signage.config import DisplayConfig
from signage.power import Power, Switch

FULL = DisplayConfig()
TOKYO = ZoneInfo("Asia/Tokyo")
WEEK = (
    When(weekdays=("mon", "tue", "wed", "thu", "fri"), parts=(DayPart(begins="09:30", ends="20:00"),)),
    When(weekdays=("sat",), parts=(DayPart(begins="10:00", ends="01:00"),)),
)


class Kernel:
    """What drivers/media/cec does with the requests of linux/cec.h; numbers and offsets are the header's, in hex."""

    TRANSMIT, G_LOG_ADDRS, S_LOG_ADDRS = 0xC0386105, 0x805C6103, 0xC05C6104
    G_PHYS_ADDR, G_CONNECTOR_INFO = 0x80026101, 0x8044610A

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.claimed = bytearray(0x5C)
        self.claimed[0:4] = b"\xff" * 4
        self.gives = 4
        self.place = 0x1000
        self.status = 1
        self.fault = 0
        self.connectors: dict[str, int] = {}

    def __call__(self, file: int, request: int, told: bytearray) -> int:
        name = Path(f"/proc/self/fd/{file}").readlink().name
        assert len(told) == request >> 16 & 0x3FFF, "the structure has the size that the request says"
        if self.fault:
            raise OSError(self.fault, os.strerror(self.fault))
        match request:
            case self.G_LOG_ADDRS:
                told[:] = self.claimed
            case self.S_LOG_ADDRS:
                assert self.claimed[7] == 0, "EBUSY: it is claimed"
                assert told[6] == 5, "version 1.4"
                assert (told[7], told[0x1F], told[0x23], told[0x27]) == (1, 4, 3, 0x10), "one player"
                assert struct.unpack_from("=II", told, 8) == (0xFFFFFFFF, 1)
                assert told[0x10:0x1F].rstrip(b"\0") == b"Noren"
                self.claimed[:] = told
                self.claimed[0] = told[0] = self.gives
            case self.G_PHYS_ADDR:
                struct.pack_into("=H", told, 0, self.place)
            case self.G_CONNECTOR_INFO:
                if name not in self.connectors:
                    raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
                struct.pack_into("=III", told, 0, 1, 0, self.connectors[name])
            case self.TRANSMIT:
                if self.claimed[7] == 0:
                    raise OSError(errno.EPERM, "Operation not permitted")
                length, timeout = struct.unpack_from("=II", told, 0x10)
                assert struct.unpack_from("=II", told, 0x18) == (0, 0)
                assert timeout == 0
                self.sent.append(bytes(told[0x20 : 0x20 + length]))
                told[0x32] = self.status
            case _:
                raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        return 0


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "cec0").touch()
    return folder


def switch(tmp_path: Path, kernel: Kernel, display: DisplayConfig = FULL, counts: Counter[str] | None = None) -> Switch:
    return Switch(
        display,
        Counter() if counts is None else counts,
        dev=tmp_path / "dev",
        drm=tmp_path / "drm",
        backlights=tmp_path / "backlight",
        ioctl=kernel,
        pause=0,
    )


def test_the_requests_are_those_of_the_header() -> None:
    assert (cec.TRANSMIT, cec.G_LOG_ADDRS, cec.S_LOG_ADDRS, cec.G_PHYS_ADDR, cec.G_CONNECTOR_INFO) == (
        Kernel.TRANSMIT,
        Kernel.G_LOG_ADDRS,
        Kernel.S_LOG_ADDRS,
        Kernel.G_PHYS_ADDR,
        Kernel.G_CONNECTOR_INFO,
    )


def test_on_wakes_the_display_and_makes_us_the_active_source(dev: Path, kernel: Kernel) -> None:
    cec.switch(dev / "cec0", True, kernel)
    assert kernel.sent == [b"\x40\x04", b"\x4f\x82\x10\x00"]
    kernel.sent.clear()
    cec.switch(dev / "cec0", True, kernel)
    assert len(kernel.sent) == 2, "an address that is claimed is kept"


def test_off_is_standby_to_the_display_alone(dev: Path, kernel: Kernel) -> None:
    cec.switch(dev / "cec0", False, kernel)
    assert kernel.sent == [b"\x40\x36"]


def test_a_display_that_sleeps_so_deeply_that_there_is_no_address_is_told_all_the_same(
    dev: Path, kernel: Kernel
) -> None:
    kernel.gives, kernel.place = 0xFF, 0xFFFF
    cec.switch(dev / "cec0", True, kernel)
    assert kernel.sent == [b"\xf0\x04"]


def test_a_display_that_takes_nothing_names_what_to_look_at(dev: Path, kernel: Kernel) -> None:
    kernel.status = 0x24
    with pytest.raises(cec.NotSwitched, match=r"status 0x24.*Anynet"):
        cec.switch(dev / "cec0", False, kernel)
    kernel.fault = errno.ENODEV
    with pytest.raises(cec.NotSwitched, match="HDMI cable"):
        cec.switch(dev / "cec0", False, kernel)
    with pytest.raises(cec.NotSwitched, match="cannot be opened"):
        cec.switch(dev / "cec7", False, kernel)


def test_each_player_switches_the_display_on_its_own_connector(dev: Path, tmp_path: Path, kernel: Kernel) -> None:
    (dev / "cec1").touch()
    (dev / "cecil").touch()
    drm = tmp_path / "drm"
    for name, number in (("HDMI-A-1", 32), ("HDMI-A-2", 41)):
        (drm / f"card1-{name}").mkdir(parents=True)
        (drm / f"card1-{name}" / "connector_id").write_text(f"{number}\n")

    def names(output: str) -> list[str]:
        return [path.name for path in cec.adapters(output, dev, drm, kernel)]

    assert names("") == ["cec0", "cec1"]
    assert names("1") == ["cec1"]
    assert names("HDMI-A-2") == ["cec1"], "by its number: this kernel does not tell"
    kernel.connectors = {"cec0": 41, "cec1": 32}
    assert names("HDMI-A-2") == ["cec0"]
    assert names("DP-9") == []


def test_what_switches_nothing_says_so_and_what_has_no_cec_uses_its_backlight(tmp_path: Path, kernel: Kernel) -> None:
    assert "no CEC and no backlight" in switch(tmp_path, kernel).now(False)
    light = tmp_path / "backlight" / "panel" / "bl_power"
    light.parent.mkdir(parents=True)
    light.write_text("0")
    assert switch(tmp_path, kernel).now(False) == ""
    assert light.read_text() == "4"
    assert switch(tmp_path, kernel, DisplayConfig(output="DSI-1")).now(True) == ""
    assert light.read_text() == "0"
    assert switch(tmp_path, kernel, DisplayConfig(output="HDMI-A-1")).now(True) != ""


def test_the_thread_carries_the_last_word_out_and_a_window_leaves_the_display_alone(
    dev: Path, tmp_path: Path, kernel: Kernel
) -> None:
    counts = Counter[str]()
    made = switch(tmp_path, kernel, counts=counts)
    power = Power(WEEK, made)
    with made:
        power.turn(on=False)
        while counts["power_switched"] < 1:
            os.sched_yield()
    assert kernel.sent == [b"\x40\x36"]
    assert power.troubles == ()
    kernel.status = 4
    with switch(tmp_path, kernel, counts=counts) as deaf:
        deaf.turn(True)
        while not counts["power_failed"]:
            os.sched_yield()
    assert "Anynet" in Power((), deaf).troubles[0]
    assert kernel.sent[1:] == [b"\x40\x04"] * 3, "some displays need to be told twice"
    kernel.sent.clear()
    with switch(tmp_path, kernel, DisplayConfig(mode="window")) as window:
        window.turn(False)
    assert kernel.sent == []


@pytest.mark.parametrize(
    ("now", "on"),
    [
        (datetime(2026, 11, 24, 0, 29, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 0, 30, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 11, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 28, 15, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 28, 16, 0, tzinfo=UTC), False),
    ],
)
def test_the_week_s_hours_are_the_store_s_and_an_order_stands_until_auto(
    tmp_path: Path, kernel: Kernel, now: datetime, on: bool
) -> None:
    power = Power(WEEK, switch(tmp_path, kernel), TOKYO)
    assert power.wanted(now) is on
    power.order("on")
    assert power.wanted(now)
    power.order("off")
    assert not power.wanted(now)
    power.order("auto")
    assert power.wanted(now) is on
    assert Power((), switch(tmp_path, kernel)).wanted(now)
    noon = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert power.wanted(noon)
    power.follow(ZoneInfo("America/New_York"))
    assert not power.wanted(noon)


def test_hours_are_read_and_their_faults_named(tmp_path: Path) -> None:
    file = tmp_path / "signage.yaml"
    text = f"signage:\n  screen: a\n  socket: {tmp_path}/s\n  folder: {tmp_path}\n  hours:\n"
    file.write_text(text + "  - {weekdays: [mon], parts: [{begins: 09:30, ends: 20:00}]}\n")
    assert config.read(file).hours == (When(weekdays=("mon",), parts=(DayPart(begins="09:30", ends="20:00"),)),)
    file.write_text(text + "  - {weekdays: [monday], parts: [{begins: 9:30, ends: 20:00}]}\n")
    with pytest.raises(SettingsError) as caught:
        config.read(file)
    assert "weekdays[0]: must be one of mon" in str(caught.value)
    assert "begins: must be a time of day such as 09:30, not '9:30'" in str(caught.value)
    file.write_text(text + "  - {parts: [{begins: 10:00, ends: 10:00}]}\n")
    with pytest.raises(SettingsError, match="a part is empty"):
        config.read(file)
