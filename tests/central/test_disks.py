"""A small disk is really full, and really has room again; a machine that lets us mount nothing is told."""

import errno
import json
import subprocess
import sys
from pathlib import Path

from central.demo.disks import Disks

INSIDE = """
import errno, json, sys
from pathlib import Path
from central.demo.disks import Disks, go_inside

go_inside([sys.executable, *sys.argv])
folder = Path(sys.argv[1])
disks, said = Disks(), {}
disks.give("ginza", folder)
if not disks.trouble:
    disks.fill("ginza")
    said["full"] = disks.is_full("ginza")
    try:
        (folder / "more").write_bytes(b"x" * 10)
    except OSError as error:
        said["errno"] = error.errno
    disks.free("ginza")
    (folder / "more").write_bytes(b"x" * 10)
    said["free"] = not disks.is_full("ginza")
print(json.dumps(said | {"trouble": bool(disks.trouble)}))
"""


def test_a_full_disk_refuses_and_a_freed_one_takes_again(tmp_path: Path) -> None:
    script = tmp_path / "inside.py"
    script.write_text(INSIDE)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "disk")],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    # Where a container lets nobody mount, that is what is told.
    assert said in (
        {"trouble": False, "full": True, "errno": errno.ENOSPC, "free": True},
        {"trouble": True},
    )
    assert list((tmp_path / "disk").iterdir()) == []  # Nobody outside sees it, and nothing is left.


def test_outside_nothing_can_be_filled(tmp_path: Path) -> None:
    disks = Disks()
    disks.give("ginza", tmp_path / "disk")
    assert set(disks.trouble) == {"ja", "en"}
    assert not disks.is_full("ginza")
