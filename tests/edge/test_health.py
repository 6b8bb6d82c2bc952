"""How an agent says how it is: to a file, to central, to systemd."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from central.contract import codec, commands
from edge import health
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
    assert health.last(tmp_path) == {"scans": 3}
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
    assert codec.decode(payload, commands.Status).counts == {"scans": 3}


def test_systemd_is_told_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    health.notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        health.notify("READY=1")
        assert listening.recv(100) == b"READY=1"
