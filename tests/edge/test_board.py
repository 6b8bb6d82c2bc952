"""What is read of a board, from files as the kernel has them, and what is said of it."""

from __future__ import annotations

from pathlib import Path

from edge import board


def put(sys: Path, **files: str) -> None:
    for name, content in files.items():
        path = sys / FILES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


FILES = {
    "heat": "class/thermal/thermal_zone0/temp",
    "other_heat": "class/thermal/thermal_zone1/temp",
    "chip": "class/hwmon/hwmon1/name",
    "alarm": "class/hwmon/hwmon1/in0_lcrit_alarm",
    "fan": "class/hwmon/hwmon0/name",
    "fan_alarm": "class/hwmon/hwmon0/in0_lcrit_alarm",
    "errors": "fs/ext4/mmcblk0p2/errors_count",
    "more_errors": "fs/ext4/mmcblk0p3/errors_count",
    "life": "block/mmcblk0/device/life_time",
    "spare": "block/mmcblk0/device/pre_eol_info",
}


def test_a_machine_that_shows_nothing_is_in_no_trouble(tmp_path: Path) -> None:
    read = board.look(tmp_path, tmp_path / "nowhere")
    assert list(read.counts) == ["disk_free_mb"]
    assert read.troubles == ()
    assert board.look(tmp_path / "gone", tmp_path).counts == {}


def test_a_board_that_is_well(tmp_path: Path) -> None:
    put(tmp_path, heat="48312\n", chip="rpi_volt\n", alarm="0\n", errors="0\n", life="0x01 0x02\n", spare="0x01\n")
    read = board.look(tmp_path, tmp_path)
    assert (
        read.counts.items()
        >= {
            "board_celsius": 48,
            "board_undervoltage": 0,
            "disk_errors": 0,
            "card_worn_percent": 20,
            "card_spare_blocks": 1,
        }.items()
    )
    assert read.troubles == ()


def test_everything_at_once_each_with_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, heat="70000", other_heat="84600", chip="rpi_volt", alarm="1", errors="3", more_errors="4")
    put(tmp_path, life="0x0b 0x02", spare="0x03")
    read = board.look(tmp_path, tmp_path)
    said = "\n".join(read.troubles)
    for part in ("85 °C", "under-voltage", "7 errors", "110 % of its life", "nearly all of its spare blocks"):
        assert part in said
    assert len(read.troubles) == 5


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    read = board.Board(
        celsius=None, undervoltage=None, free=20 << 20, total=16 << 30, errors=None, worn=None, reserve=None
    )
    assert read.troubles == ("The disk is nearly full: 20 MB are free. Make room, or lower outbox_mb.",)


def test_only_the_boards_own_supply_is_looked_at(tmp_path: Path) -> None:
    put(tmp_path, fan="pwmfan", fan_alarm="1")
    assert board.look(tmp_path, tmp_path).undervoltage is None


def test_what_a_driver_does_not_give_is_nothing(tmp_path: Path) -> None:
    put(tmp_path, heat="", chip="rpi_volt", alarm="?", errors="many", life="0x00 zz 0xff", spare="0x00")
    (tmp_path / FILES["other_heat"]).mkdir(parents=True)
    read = board.look(tmp_path, tmp_path)
    assert list(read.counts) == ["disk_free_mb"]
    assert read.troubles == ()
