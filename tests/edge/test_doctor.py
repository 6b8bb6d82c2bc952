"""What a doctor says of a device that is well, and of each thing that may not be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from edge_certificates import NOW, Authority
from edge_disk import disk

from edge import cli, doctor
from edge.config import Camera, EdgeConfig, Keyboard, Serial, Zone
from edge.seal import sealing_key
from edge.storage import DATABASE, Storage

CHAIN = Authority()


async def device(folder: Path) -> EdgeConfig:
    folder.mkdir(0o700)  # noqa: ASYNC240
    CHAIN.enrolled(folder)
    async with Storage.open(folder / DATABASE):
        pass
    return EdgeConfig(folder=folder, zones=(Zone(zone="door"),), sensors=(), screens=(), sealing="central")


def said(config: EdgeConfig, later: timedelta = timedelta(0), *, synced: bool = True) -> list[str]:
    """The first words of each."""
    return [one.split(":")[0] for one in doctor.look(config, NOW + later, lambda: synced, config.folder)]


async def test_a_device_that_is_well(tmp_path: Path) -> None:
    assert said(await device(tmp_path / "edge")) == []


async def test_what_is_not_there_yet(tmp_path: Path) -> None:
    config = EdgeConfig(folder=tmp_path / "edge", zones=(Zone(zone="door"),), sensors=(), screens=())
    found = doctor.look(config, NOW, lambda: True, tmp_path)
    assert "not enrolled" in found[0]
    assert "noren edge enrol CODE" in found[0]
    assert [one.split(":")[0] for one in found[1:]] == [
        "Not protected",
        f"The folder {config.folder} cannot be used",
        f"There is no database {config.folder / DATABASE} yet",
    ]


async def test_a_key_on_the_same_disk_protects_nothing(tmp_path: Path) -> None:
    config = replace(await device(tmp_path / "edge"), sealing="disk")
    sealing_key("disk", config.folder)
    assert said(config) == ["Not protected"]


async def test_a_key_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = await device(tmp_path / "edge")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert said(replace(config, sealing="otp")) == ["This board's one-time memory cannot be read"]
    assert said(replace(config, sealing="credential")) == ["The credential noren-sealing cannot be read"]


async def test_a_certificate_that_was_not_renewed_or_has_ended(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    assert said(config, timedelta(days=60)) == []
    [ends] = said(config, timedelta(days=80))
    assert "ends in 284 days" in ends
    assert said(config, timedelta(days=366)) == ["The certificate has ended"]


async def test_a_clock_that_nobody_has_set(tmp_path: Path) -> None:
    assert said(await device(tmp_path / "edge"), synced=False) == ["The clock is not synchronised"]


async def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 64 << 10) as card:
        config = await device(card.path / "edge")
        assert said(config) == []
        card.fill(20 << 20)
        assert said(config) == ["The disk is nearly full"]


async def test_a_database_that_was_set_aside_or_is_broken(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    path = config.folder / DATABASE
    broken = path.read_bytes()
    path.write_bytes(broken[:5000])
    assert said(config) == [f"The database {path} is broken"]
    async with Storage.open(path) as storage:
        assert storage.lost is not None
        storage.lost.forget()
    assert said(config) == ["A broken database was set aside lately"]
    assert said(config, timedelta(days=8)) == []


async def test_a_board_that_is_not_well(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    heat = tmp_path / "class/thermal/thermal_zone0/temp"
    heat.parent.mkdir(parents=True)
    heat.write_text("91000\n")
    [found] = doctor.look(config, NOW, lambda: True, tmp_path)
    assert found.startswith("The board is 91 °C hot")


async def test_what_others_may_read(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    config.folder.chmod(0o755)
    (config.folder / DATABASE).chmod(0o644)
    [found] = said(config)
    assert found.startswith(f"Others may read {config.folder}, {config.folder / DATABASE}")


async def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "noren.yaml"
    file.write_text(f"edge: {{folder: {tmp_path}/edge, zones: [{{zone: door}}], sensors: [], screens: []}}\n")
    assert cli.main(["doctor", str(file)]) == 1
    assert "not enrolled" in capsys.readouterr().out.splitlines()[0]


async def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    here = tmp_path / "video0"
    here.touch()
    cameras = (
        Camera(kind="camera", name="till-camera", zone="door", device=here),
        Camera(kind="camera", name="door-camera", zone="door", device=97),
    )
    (said,) = doctor.look(replace(config, sensors=cameras), NOW, lambda: True, config.folder)
    assert said.startswith("door-camera: There is no camera /dev/video97.")


async def test_scanners_that_are_not_there(tmp_path: Path) -> None:
    config = await device(tmp_path / "edge")
    here = tmp_path / "event-kbd"
    here.touch()
    scanners = (
        Keyboard(kind="keyboard", name="till", zone="door", device=here),
        Keyboard(kind="keyboard", name="desk", zone="door", device=tmp_path / "gone", shared=True),
        Serial(kind="serial", name="line", zone="door", device=tmp_path / "ttyACM9"),
    )
    assert doctor.look(replace(config, sensors=scanners), NOW, lambda: True, config.folder) == [
        f"desk: There is no scanner {tmp_path}/gone. Plug it in, or name another: ls /dev/input/by-id/",
        f"line: There is no scanner {tmp_path}/ttyACM9. Plug it in, or name another: ls /dev/serial/by-id/",
    ]
