"""How an agent says how it is: to a file, to central, to systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from central.contract import codec, commands
from edge import health
from edge.disk import Written
from edge.health import Health


class Line:
    connected = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bool]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        self.sent.append((topic, payload, retain))
        return True


def made(folder: Path, line: Line) -> Health:
    def status(counts: health.Counts) -> commands.Status:
        return commands.Status(online=True, version="1", epoch="e", boot="b", counts=dict(counts))

    return Health(folder, lambda: {"scans": 3}, status, line, "a/status")


def test_the_counts_are_left_for_a_command(tmp_path: Path) -> None:
    assert health.last(tmp_path) == {}
    made(tmp_path, Line()).look()
    assert health.last(tmp_path) == {"scans": 3, "written_kb_hour": 0}
    assert [file.name for file in tmp_path.iterdir()] == [health.FILE]


def test_a_torn_file_is_no_counts(tmp_path: Path) -> None:
    (tmp_path / health.FILE).write_bytes(b'{"scans": 3')
    assert health.last(tmp_path) == {}


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    made(tmp_path / "gone", Line()).look()


def test_the_status_is_retained(tmp_path: Path) -> None:
    line = Line()
    made(tmp_path, line).tell()
    [(topic, payload, retain)] = line.sent
    assert (topic, retain) == ("a/status", True)
    assert codec.decode(payload, commands.Status).counts == {"scans": 3, "written_kb_hour": 0}


def test_where_systemd_gives_memory_the_card_gets_only_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, folder = tmp_path / "run", tmp_path / "edge"
    run.mkdir()
    folder.mkdir()
    (folder / health.FILE).write_bytes(b'{"scans":1}')
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{run}:/elsewhere")
    first, second = made(folder, Line()), made(tmp_path, Line())
    first.look()
    second.look()
    link = (folder / health.FILE).lstat()
    first.look()
    assert (folder / health.FILE).lstat() == link
    assert health.last(folder)["scans"] == health.last(tmp_path)["scans"] == 3
    assert len(list(run.iterdir())) == 2
    for file in run.iterdir():
        file.unlink()  # The device was switched off.
    assert health.last(folder) == {}


def test_what_is_written_in_an_hour_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "io"
    written = Written(file)
    assert written.kilobytes(0.0) == 0
    for minute in range(180):
        file.write_text(f"rchar: 7\nwrite_bytes: {minute * 10 << 10}\ncancelled_write_bytes: 0\n")
        kilobytes = written.kilobytes(minute * 60.0)
    assert kilobytes == 600
