"""The agent as a process: its sentences, its exit codes, and what a kill leaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from edge_certificates import Authority

from edge.config import Broker

TREE = Path(__file__).parents[2]


CHAIN = Authority()


def config(folder: Path, port: int = 1, **changes: object) -> Path:
    """The settings of an agent that is enrolled, and whose broker is at this port."""
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps({"name": "empty", "seconds": 5, "stores": {"ginza": {"shoppers": []}}}))
    radio = {"kind": "simulated-radio", "name": "radio", "zone": "shelf", "scenario": str(scenario)}
    section: dict[str, object] = {
        "folder": str(folder / "edge"),
        "zones": [{"zone": "shelf"}],
        "sensors": [radio],
        "screens": [{"screen": "s", "socket": str(folder / "s.sock"), "zones": ["shelf"]}],
    }
    if not (folder / "edge").exists():
        CHAIN.enrolled(folder / "edge", [Broker(host="127.0.0.1", port=port)])
    file = folder / "noren.yaml"
    file.write_text(yaml.safe_dump({"edge": section | changes}))
    return file


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)], cwd=TREE, capture_output=True, text=True, check=False
    )


def status(file: Path) -> dict[str, Any]:
    """What an agent has left on disk so far."""
    told: dict[str, Any] = json.loads(command("status", file, "--json").stdout)
    return told


@contextmanager
def running(file: Path, *, says: str) -> Iterator[subprocess.Popen[str]]:
    """An agent that has said a word in its log."""
    memory = file.parent / "memory"
    memory.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", "run", str(file)],
        cwd=TREE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RUNTIME_DIRECTORY": str(memory)},
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if says in line:
                break
        else:
            pytest.fail(f"the agent ended and never said {says!r}")
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_without_a_broker_it_says_so_once_and_goes_on(tmp_path: Path) -> None:
    with running(config(tmp_path), says="No broker answers at 127.0.0.1:1") as process:
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


def test_a_second_agent_on_the_same_database_is_told(tmp_path: Path) -> None:
    file = config(tmp_path)
    with running(file, says="No broker"):
        second = command("run", file)
    assert second.returncode == 1
    assert "Another agent already uses" in second.stderr
    assert "Traceback" not in second.stderr


def test_what_was_committed_outlives_a_kill(tmp_path: Path) -> None:
    file = config(tmp_path)
    for round_ in (1, 2):
        with running(file, says="No broker") as process:
            while status(file)["made"] < round_:
                assert process.poll() is None
            process.kill()
    told = status(file)
    assert (told["made"], told["waiting"], told["refused"]) == (2, 2, 0)


def test_a_camera_that_hangs_in_a_read_does_not_keep_the_agent(tmp_path: Path) -> None:
    nobody_writes = tmp_path / "fifo"
    os.mkfifo(nobody_writes)
    hangs = {"kind": "simulated-camera", "name": "till-camera", "zone": "shelf", "scenario": str(nobody_writes)}
    file = config(tmp_path, sensors=[hangs])
    with running(file, says="No broker") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        said = process.stderr.read()
    assert "till-camera hangs" in said
    assert "Traceback" not in said
    assert "Warning" not in said
    assert (status(file)["made"], status(file)["refused"]) == (1, 0), "what happened last was still committed"


def test_simulated_senses_go_on_after_a_kill_where_the_clock_is(tmp_path: Path) -> None:
    live = tmp_path / "live.jsonl"
    senses = {
        "zone": "shelf",
        "scenario": str(tmp_path / "scenario.json"),
        "start": time.monotonic() - 1000,
        "live": str(live),
    }
    file = config(
        tmp_path,
        sensors=[
            {"kind": "simulated-radio", "name": "radio"} | senses,
            {"kind": "simulated-camera", "name": "till-camera"} | senses,
        ],
    )
    now = {"begin": 990, "end": 1_000_000}
    shopper = {
        "shopper": "guest",
        "beacons": [{"data": "020106", "address": "C2:00:00:00:00:09", "interval_ms": 100}],
        "stays": [{"zone": "shelf"} | now],
        "shows": [{"reader": "till-camera", "format": "QRCode", "content": "NOREN-29"} | now],
    }
    for round_ in (1, 2):
        with running(file, says="No broker") as process:
            if round_ == 1:
                live.write_text(json.dumps({"store": "ginza", "shopper": shopper}) + "\n")
            while not ((told := status(file))["made"] >= 2 * round_ and told["counts"].get("adverts_unknown")):
                assert process.poll() is None
            process.kill()
        (tmp_path / "edge" / "status.json").unlink()
        assert told["made"] == 2 * round_, "the agent's start, and the code that is held up: read once"
    assert told["counts"]["scans"] == 1


def test_an_unreadable_database_is_a_sentence_and_set_aside(tmp_path: Path) -> None:
    file = config(tmp_path)
    database = tmp_path / "edge" / "edge.sqlite"
    database.write_bytes(b"this is no database at all" * 100)
    done = command("status", file)
    assert done.returncode == 1
    assert "edge.sqlite cannot be" in done.stderr
    assert "Traceback" not in done.stderr
    with running(file, says="No broker"):
        assert Path(f"{database}.broken-1").read_bytes().startswith(b"this is no")
        while status(file)["made"] < 2:  # Its start, and that a database was lost.
            pass


def test_a_broker_that_refuses_is_said_and_survived(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CHAIN.server(tmp_path / "server"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        file = config(tmp_path, listening.getsockname()[1])
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", str(file)], cwd=TREE, stderr=subprocess.PIPE, text=True
        )
        try:
            for _ in range(2):  # MQTT 5, then 3.1.1: CONNACK, not authorised.
                peer = tls.wrap_socket(listening.accept()[0], server_side=True)
                packet = peer.recv(4096)
                version = packet[8]
                peer.sendall(b"\x20\x03\x00\x87\x00" if version == 5 else b"\x20\x02\x00\x05")
                peer.close()
                if version == 5:
                    break
            assert process.stderr is not None
            assert any("refuses us" in line for line in process.stderr)
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def test_every_problem_of_a_configuration_is_listed_with_its_line(tmp_path: Path) -> None:
    file = config(tmp_path, sealing="wax", colour="red", brokers=[{"host": "", "port": 99999}])
    done = command("check", file)
    assert done.returncode == 2
    assert "edge.colour: is not a setting here" in done.stderr
    assert "edge.brokers[0].port: must be 1 to 65535" in done.stderr
    assert "edge.sealing: must be one of disk, otp, credential, central" in done.stderr
    assert done.stderr.count("line ") == 4
    assert command("run", file).returncode == 2


def test_the_example_is_right() -> None:
    for program in ("edge", "signage", "central"):
        done = subprocess.run(
            [sys.executable, "-m", program, "check", "config.example.yaml"], cwd=TREE, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_photographs_one_line_each_and_the_rest_is_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = command("decode-images", "--json", broken, TREE / "docs" / "pictures" / "loop-ja.png")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["codes"] for line in lines] == [[], []]
    assert done.returncode == 1
    assert "broken.png" in done.stderr


def test_a_recording_is_listened_to(tmp_path: Path) -> None:
    data = "0201061aff4c00021511111111222233334444555555555555000100 02c5".replace(" ", "")
    lines = [json.dumps({"time": 100.0 + second, "address": "AA", "rssi": -50, "data": data}) for second in range(10)]
    recording = tmp_path / "adverts.jsonl"
    recording.write_text("\n".join([*lines, "junk", '{"time": 1}']))
    done = command("replay", recording)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("what") for line in told] == ["arrived", "left", None]
    assert told[-1] == {
        "adverts": 10,
        "unknown": 0,
        "unreadable": 2,
        "beacons": {"ibeacon:11111111-2222-3333-4444-555555555555:1:2": 10},
    }


def test_a_replayed_agent_ends_by_itself(tmp_path: Path) -> None:
    recording = tmp_path / "adverts.jsonl"
    recording.write_text(json.dumps({"time": 1.0, "address": "AA", "rssi": -50, "data": "020106"}))
    done = command("replay", recording, config(tmp_path))
    assert done.returncode == 0, done.stderr
    wrong = command("replay", recording, config(tmp_path), "--zone", "cellar")
    assert wrong.returncode == 2
    assert "there is no zone 'cellar'" in wrong.stderr
