"""The services: systemd and the programs take them, and their installer refuses what it does not know."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PYTHON = "/opt/noren/.venv/bin/python"
"""Where the installer puts it; not there on the machine that tests."""


def command(unit: Path) -> list[str]:
    (line,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=").split()


def test_there_is_one_service_a_program() -> None:
    assert [unit.name for unit in UNITS] == [
        "noren-central.service",
        "noren-edge.service",
        "noren-register.service",
        "noren-signage@.service",
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_has_nothing_to_say_against_it(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace(PYTHON, sys.executable))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", here],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, [line for line in told.stderr.splitlines() if unit.stem in line]) == (0, [])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_can_do_little_more_than_it_must(unit: Path) -> None:
    asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=25", str(unit)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_watched(unit: Path) -> None:
    assert {"Type=notify", "NotifyAccess=main", "WatchdogSec=60", "Restart=always"} <= set(
        unit.read_text().splitlines()
    )


def test_the_agent_may_ask_whether_the_clock_is_right() -> None:
    lines = (FOLDER / "noren-edge.service").read_text().splitlines()
    assert "SystemCallFilter=adjtimex clock_adjtime clock_adjtime64" in lines
    assert "ProtectClock=yes" not in lines, "it denies adjtimex(2) too, and every offline event were unsure of its time"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_program_takes_the_command_line(unit: Path) -> None:
    python, *arguments, settings = command(unit)
    assert python == PYTHON
    assert settings.startswith("/etc/noren/")
    asked = subprocess.run([sys.executable, *arguments, "--help"], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr


def test_what_is_copied_to_a_store_is_right_and_centrals_wants_a_key_of_its_own() -> None:
    def checked(program: str, file: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", program, "check", str(FOLDER / file)]
        return subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=False)

    assert [checked(program, "store.yaml").returncode for program in ("edge", "signage")] == [0, 0]
    told = checked("central", "central.yaml").stderr
    assert "1 problem(s)" in told
    assert "central.key: must be 64 hex digits" in told


@pytest.mark.parametrize("parts", [[], ["nix"], ["edge", "signage@"]])
def test_the_installer_refuses_what_it_does_not_know(parts: list[str]) -> None:
    told = subprocess.run([FOLDER / "install", *parts], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "usage: sudo systemd/install" in told.stderr
