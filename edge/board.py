"""Reads how the board does, from what Linux shows of it: heat, power, free disk, and a card that wears out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")
HOT = 80
"""Degrees Celsius from which a Raspberry Pi runs slower (its documentation: soft limit 60 to 80, throttled at 85)."""
FULL = 0.9
"""The part of a disk past which it is nearly full."""
LITTLE = 32 << 20
"""Bytes that should be free on any disk."""
WORN = 80
"""Percent of a card's life after which it should be exchanged."""
_RESERVE = {2: "most of its spare blocks are", 3: "nearly all of its spare blocks are"}
"""PRE_EOL_INFO of JEDEC's eMMC 5: 2 is 80 % used, 3 is 90 % and more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What was read; None where this machine does not show it."""

    celsius: int | None
    undervoltage: bool | None
    """Whether the power supply is too weak, now."""
    free: int | None
    """Bytes of the agent's disk."""
    total: int
    errors: int | None
    """What ext4 has met of them, on all disks together."""
    worn: int | None
    """Percent of a card's life that are over, at most."""
    reserve: int | None
    """Of its spare blocks: 1 is well, see _RESERVE."""

    @property
    def counts(self) -> dict[str, int]:
        """By name, for a status."""
        read = {
            "board_celsius": self.celsius,
            "board_undervoltage": self.undervoltage,
            "disk_free_mb": None if self.free is None else self.free >> 20,
            "disk_errors": self.errors,
            "card_worn_percent": self.worn,
            "card_spare_blocks": self.reserve,
        }
        return {name: int(value) for name, value in read.items() if value is not None and value >= 0}

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each thing that needs a hand, with what to do."""
        return tuple(self._said())

    def _said(self) -> Iterator[str]:
        if self.celsius is not None and self.celsius >= HOT:
            yield f"The board is {self.celsius} °C hot and runs slower: give it air or a heat sink."
        if self.undervoltage:
            yield "The power is too weak (under-voltage): use the board's own power supply and a short cable."
        if self.free is not None and self.free < max(LITTLE, (1 - FULL) * self.total):
            yield f"The disk is nearly full: {self.free >> 20} MB are free. Make room, or lower outbox_mb."
        if self.errors:
            yield f"The file system has met {self.errors} errors: exchange the card before it fails, then run e2fsck."
        if self.worn is not None and self.worn >= WORN:
            yield f"The card has used up to {self.worn} % of its life: exchange it soon."
        if self.reserve in _RESERVE:
            yield f"The card wears out: {_RESERVE[self.reserve]} used. Exchange it now."


def look(folder: Path, sys: Path = SYS) -> Board:
    """Read it all; `folder` is on the agent's disk, `sys` is where sysfs is."""
    free, total = _disk(folder)
    alarms = [
        _number(file.parent / "in0_lcrit_alarm")
        for file in sys.glob("class/hwmon/hwmon*/name")
        if _text(file) == "rpi_volt"  # raspberrypi-hwmon.c of the kernel.
    ]
    worn = [_life(part) for file in sys.glob("block/mmcblk*/device/life_time") for part in _text(file).split()]
    millis = _most(_number(file) for file in sys.glob("class/thermal/thermal_zone*/temp"))
    alarm = _most(alarms)
    return Board(
        celsius=None if millis is None else round(millis / 1000),
        undervoltage=None if alarm is None else alarm > 0,
        free=free,
        total=total,
        errors=_sum(_number(file) for file in sys.glob("fs/ext4/*/errors_count")),
        worn=_most(worn),
        reserve=_most(_number(file) or None for file in sys.glob("block/mmcblk*/device/pre_eol_info")),
    )


def _disk(folder: Path) -> tuple[int | None, int]:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None, 0
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


def _life(part: str) -> int | None:
    # DEVICE_LIFE_TIME_EST of JEDEC's eMMC 5: in tenths begun; 0 is not said, 11 is over.
    with suppress(ValueError):
        tenths = int(part, 16)
        return 10 * tenths if 0 < tenths <= 11 else None
    return None


def _number(file: Path) -> int | None:
    with suppress(ValueError):
        return int(_text(file), 0)
    return None


def _text(file: Path) -> str:
    """A file of sysfs; nothing where the kernel or its driver gives none."""
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _most(numbers: Iterable[int | None]) -> int | None:
    return max((number for number in numbers if number is not None), default=None)


def _sum(numbers: Iterable[int | None]) -> int | None:
    found = [number for number in numbers if number is not None]
    return sum(found) if found else None
