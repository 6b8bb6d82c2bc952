"""What root does for the services, on a machine where they run as somebody else, is theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

TREE = Path(__file__).parents[2]
NOBODY = 65534


def readable(program: str) -> bool:
    """Whether anybody may read it: a Python in root's home nobody else may."""
    return all(folder.stat().st_mode & 0o001 for folder in Path(program).parents)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_keys_and_the_database_belong_to_whom_the_folder_above_does(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    for each in (tmp_path, *tmp_path.parents):  # Pytest's are root's alone.
        if each.stat().st_uid == 0 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)
    file = tmp_path / "noren.yaml"
    section = {"folder": str(state / "central"), "key": "ab" * 32, "names": ["central.example"]}
    file.write_text(yaml.safe_dump({"central": section}))
    file.chmod(0o644)
    command = [sys.executable, "-m", "central", "enrol", str(file), "ginza"]
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    if not readable(os.__file__):
        assert (done.returncode, list(state.iterdir())) == (1, [])
        assert "Use /opt/noren/noren" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    made = list(state.rglob("*"))
    assert {"keys", "central.db"} <= {path.name for path in made}
    assert {path.stat().st_uid for path in made} == {NOBODY}
