"""The entry script, run on a copy beside a tiny project, so that a set-up is real and takes seconds."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "noren"

PYPROJECT = """
[project]
name = "tiny"
version = "1"
dependencies = []
optional-dependencies = { edge = [], signage = [], central = [], dev = [] }
"""

EDGE = """
import os, pathlib, sys

print(os.getpid(), pathlib.Path.cwd(), *sys.argv[1:], sep="|")
if "--die" in sys.argv:
    os.kill(os.getpid(), 9)
sys.exit(7)
"""

BENCH = '''"""How fast nothing is."""

import edge

print("measured")
'''


def lay_out(folder: Path) -> Path:
    """A project that the script can set up without any index; returns its script."""
    (folder / "edge").mkdir(parents=True)
    (folder / "bench").mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "constraints.txt").write_text("")
    (folder / "edge/__init__.py").write_text("")
    (folder / "edge/__main__.py").write_text(EDGE)
    (folder / "bench/nothing.py").write_text(BENCH)
    (folder / "bench/many").mkdir()
    (folder / "bench/many/__main__.py").write_text(BENCH.replace("nothing is", "many are"))
    return Path(shutil.copy(SCRIPT, folder / "noren"))


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([script, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script whose set-up is done, in a folder with a blank and with Japanese in its name."""
    made = lay_out(tmp_path_factory.mktemp("script") / "暖簾 two")
    first = run(made, "setup")
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    return made


def test_a_second_start_sets_nothing_up(script: Path) -> None:
    again = run(script, "setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_arguments_folder_exit_code_and_process_are_the_callers(script: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(script)
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge/__main__.py").write_text("print('the wrong edge')")
    with subprocess.Popen([link, "edge", "a b", "*"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate()
    assert out == f"{process.pid}|{tmp_path}|a b|*\n"
    assert process.returncode == 7


def test_a_killed_program_is_seen_as_killed(script: Path) -> None:
    assert run(script, "edge", "--die").returncode == -signal.SIGKILL


def test_a_changed_source_runs_without_a_new_set_up(script: Path) -> None:
    source = script.parent / "edge/__main__.py"
    before = source.read_text()
    source.write_text("print('changed')")
    try:
        assert run(script, "edge").stdout == "changed\n"
    finally:
        source.write_text(before)


def test_without_a_command_it_tells_what_there_is(tmp_path: Path) -> None:
    script = lay_out(tmp_path / "project")
    for arguments in ((), ("help",), ("--help",)):
        told = run(script, *arguments)
        assert told.returncode == 0
        assert "bench NAME" in told.stdout
    assert not (tmp_path / "project/.venv").exists()


def test_an_unknown_command_is_refused(script: Path) -> None:
    told = run(script, "sing")
    assert told.returncode == 2
    assert "no command 'sing'" in told.stderr
    assert "usage:" in told.stderr


@pytest.mark.parametrize("name", ["", "nix", "../edge/__main__"])
def test_an_unknown_bench_lists_those_there_are(script: Path, name: str) -> None:
    told = run(script, "bench", *([name] if name else []))
    assert told.returncode == 2
    assert "nothing  How fast nothing is." in told.stderr
    assert "many  How fast many are." in told.stderr


def test_a_bench_runs_and_asks_for_the_development_packages(script: Path) -> None:
    first = run(script, "bench", "nothing")
    assert (first.returncode, first.stdout) == (0, "measured\n")
    assert "Python packages" in first.stderr
    assert f"{script.parent}/.venv …" not in first.stderr, "the virtual environment is kept, and only added to"
    assert run(script, "bench", "many").stdout == "measured\n"
    assert run(script, "setup").stderr == "", "what is set up for development is set up for the programs too"


def test_a_copied_folder_runs_its_own_sources(script: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(script.parent, copy, symlinks=True)
    (copy / "edge/__main__.py").write_text("print('the copy')")
    told = run(copy / "noren", "edge")
    assert (told.returncode, told.stdout) == (0, "the copy\n")


def test_a_killed_set_up_is_repaired_by_two_at_once(tmp_path: Path) -> None:
    script = lay_out(tmp_path / "project")
    half = tmp_path / "project/.venv/bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)  # A Python without a pip: as far as an earlier one came.
    with subprocess.Popen([script, "setup"], stderr=subprocess.PIPE, text=True, start_new_session=True) as killed:
        assert killed.stderr is not None
        while ".venv …" not in (line := killed.stderr.readline()):
            assert line, "the set-up ended before it was killed"
        os.killpg(killed.pid, signal.SIGKILL)
    both = [subprocess.Popen([script, "setup"], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert "".join(told).count("Python packages") == 1
    assert run(script, "edge").returncode == 7


def test_a_second_start_waits_for_the_first(tmp_path: Path) -> None:
    script = lay_out(tmp_path / "project")
    with (tmp_path / "project/.venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen([script, "setup"], stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None
            assert "waiting" in second.stderr.readline()
            assert not (tmp_path / "project/.venv").exists()
            second.kill()


class TestDebianPackages:
    """What the script does about them, on a PATH with nothing but what a test puts there."""

    @pytest.fixture
    def tools(self, tmp_path: Path) -> Path:
        folder = tmp_path / "tools"
        folder.mkdir()
        for name in ("dirname", "readlink", "cat", "sha256sum", "flock", "grep", "env"):
            found = shutil.which(name)
            assert found is not None
            (folder / name).symlink_to(found)
        self.stub(folder, "id", "echo 0")
        return folder

    def stub(self, folder: Path, name: str, body: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)

    def setup(self, tools: Path) -> subprocess.CompletedProcess[str]:
        script = lay_out(tools.parent / "project")
        environment = {"PATH": str(tools), "TOLD": str(tools.parent / "told")}
        return subprocess.run([script, "setup"], env=environment, capture_output=True, text=True, check=False)

    def test_no_debian_says_what_is_missing(self, tools: Path) -> None:
        told = self.setup(tools)
        assert told.returncode == 1
        assert "no Debian" in told.stderr
        assert "mosquitto libzbar0" in told.stderr

    def test_neither_root_nor_sudo_says_what_to_install(self, tools: Path) -> None:
        self.stub(tools, "id", "echo 1000")
        self.stub(tools, "apt-get", "exit 1")
        told = self.setup(tools)
        assert told.returncode == 1
        assert "sudo apt-get install --no-install-recommends python3-venv mosquitto" in told.stderr
        assert "no Debian" not in told.stderr

    def test_only_what_is_missing_is_installed_through_sudo_with_fresh_lists(self, tools: Path) -> None:
        self.stub(tools, "id", "echo 1000")
        self.stub(tools, "sudo", 'echo sudo "$@" >>"$TOLD"\nexec "$@"')
        self.stub(tools, "dpkg", "")
        # All but these two are there; one of them under the name that Debian 13 gives it.
        self.stub(
            tools, "dpkg-query", 'case "$*" in *mosquitto*|*libgl1\\ *) exit 1;; *libzbar0t64*) ;; esac; echo installed'
        )
        self.stub(tools, "apt-get", 'case "$*" in *update*) >"$TOLD.lists";; *install*) [ -f "$TOLD.lists" ];; esac')
        self.stub(tools, "systemctl", "")
        told = self.setup(tools)
        asked = (tools.parent / "told").read_text().splitlines()
        assert "no Python 3.11" in told.stderr, "the packages are there, and this PATH has no Python"
        assert [line for line in asked if " install " in line][-1].endswith(" mosquitto libgl1")
        assert sum(" update" in line for line in asked) == 1
        assert "sudo systemctl disable --now mosquitto" in asked

    def test_a_refused_installation_is_told(self, tools: Path) -> None:
        self.stub(tools, "apt-get", 'echo "E: no space left" >&2; exit 100')
        told = self.setup(tools)
        assert told.returncode == 1
        assert "E: no space left" in told.stderr
        assert "install them, then start again" in told.stderr
