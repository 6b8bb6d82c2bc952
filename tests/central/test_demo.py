"""The demo's processes die with it, its configurations are the template's, and its last line adds up."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import psutil
import pytest
import yaml

from central.contract.events import Born, Played, VisitStarted, make
from central.demo import main
from central.demo.configs import HEADLESS, Configs, Hardware, free
from central.demo.processes import DemoFailed, Troupe
from central.demo.report import ZEROS, AgentStatus, Report, lost, quantiles, stored
from central.storage import tables
from central.storage.database import open_database, writing
from ground.sqlite import hold

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0


def until(true: Callable[[], bool]) -> None:
    """Look again and again; a test that waits in vain fails."""
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end
        os.sched_yield()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


READY = "import sys, time; print('{\"ready\": true}', flush=True); time.sleep(600)"


def test_a_process_that_is_ready_is_stopped_by_sigterm(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python(READY))
        troupe.await_ready({one: lambda: one.said("ready") == {"ready": True}}, WAIT_S)
        troupe.measure()
        assert one.highest_rss > 1_000_000
        assert troupe.deaths() == []
        assert troupe.stop([one]) == [one]
        assert one.dead == -signal.SIGTERM


def test_what_one_of_the_same_name_said_before_is_not_heard_again(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python(READY))
        troupe.await_ready({one: lambda: one.said("ready") == {"ready": True}}, WAIT_S)
        troupe.stop([one])
        again = troupe.start("one", python("import time; time.sleep(600)"))
        assert again.said("ready") is None
        assert one.said("ready") == {"ready": True}


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python(deaf))
        troupe.await_ready({one: lambda: one.said("ready") == {"ready": True}}, WAIT_S)
        assert troupe.stop([one], grace=0.2) == [one]
        assert one.dead == -signal.SIGKILL


def test_a_death_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python("print('{broken'); raise SystemExit('the port is taken')"))
        with pytest.raises(DemoFailed, match=r"one ended with exit code 1:(.|\n)*the port is taken"):
            troupe.await_ready({one: lambda: one.said("ready") is not None}, WAIT_S)
        assert troupe.deaths() == [one]


def test_who_is_never_ready_is_told(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python("import time; time.sleep(600)"))
        with pytest.raises(DemoFailed, match="one was not ready after 0 s"):
            troupe.await_ready({one: lambda: False}, 0.0)


def test_a_command_gives_its_output_or_its_last_words(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        assert troupe.run("ask", python("print(6 * 7)")) == b"42\n"
        with pytest.raises(DemoFailed, match=r"ask ended with exit code 2:(.|\n)*no such store"):
            troupe.run("ask", python("import sys; print('no such store', file=sys.stderr); sys.exit(2)"))
        with pytest.raises(DemoFailed, match="was not done"):
            troupe.run("ask", python(READY), seconds=0.2)


def test_commands_that_run_at_once_give_each_its_own_or_fail_together(tmp_path: Path) -> None:
    meets = (
        "import sys, pathlib; me, other = map(pathlib.Path, sys.argv[1:]); me.touch()\n"
        "while not other.exists(): pass\n"
        "print(me.name)"
    )
    pair = [str(tmp_path / name) for name in ("one", "two")]
    with Troupe(tmp_path, tmp_path) as troupe:
        said = troupe.run_all({"one": [*python(meets), *pair], "two": [*python(meets), *reversed(pair)]})
        assert said == {"one": b"one\n", "two": b"two\n"}
        with pytest.raises(DemoFailed, match="bad ended with exit code 3"):
            troupe.run_all({"bad": python("raise SystemExit(3)"), "long": [*python(READY), str(tmp_path)]})
    assert processes_of(tmp_path) == []


def test_leaving_stops_all(tmp_path: Path) -> None:
    with Troupe(tmp_path, tmp_path) as troupe:
        one = troupe.start("one", python(READY))
    assert one.dead == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    """At Ctrl-C the demo stops its children; at kill -9 the kernel does."""
    demo = (
        "from pathlib import Path; from central.demo.processes import Troupe; import signal, sys, time\n"
        # Whoever runs us in the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with Troupe(Path({str(tmp_path)!r}), Path({str(tmp_path)!r})) as troupe:\n"
        f"    one = troupe.start('one', [sys.executable, '-c', {READY!r}])\n"
        "    troupe.await_ready({one: lambda: one.said('ready')}, 30)\n"
        "    print(one._child.pid, flush=True)\n"
        # Short naps: a signal that comes right before one is seen only after it.
        "    while True: time.sleep(0.05)\n"
    )
    with subprocess.Popen(
        python(demo), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout
        child = psutil.Process(int(process.stdout.readline()))
        assert child.is_running()
        process.send_signal(number)
        try:
            until(lambda: is_gone(child))
        finally:
            process.kill()


def template(folder: Path) -> Path:
    file = folder / "template.yaml"
    sections = {
        "central": {"key": "ab" * 32, "log": "debug", "database": "postgresql+psycopg://elsewhere/db"}
        | {"names": ["central.example"], "assets_url": "https://elsewhere/assets", "brokers": [{"host": "elsewhere"}]},
        "edge": {"zones": [{"zone": "shelf", "enter_dbm": -60.0, "exit_dbm": -66.0}], "confirm_hours": 12},
        "signage": {"theme": {"brand": "みせ"}},
    }
    file.write_text(yaml.safe_dump(sections, allow_unicode=True), encoding="utf-8")
    return file


def test_configurations_are_the_templates_with_a_place_of_their_own(tmp_path: Path) -> None:
    configs = Configs(template(tmp_path), tmp_path, tmp_path / "run")
    central = yaml.safe_load(configs.central().read_text(encoding="utf-8"))["central"]
    assert central["log"] == "debug"
    assert {"database", "assets_url", "brokers"} & set(central) == set()
    assert central["names"] == ["127.0.0.1"]
    assert central["broker"]["kind"] == "embedded"
    assert central["broker"]["port"] in (configs.mqtt_port, 0)
    screens = [configs.screen("ginza", zone, display=HEADLESS) for zone in ("shelf", "till")]
    assert yaml.safe_load(screens[0].config.read_text(encoding="utf-8"))["signage"]["theme"] == {"brand": "みせ"}
    file = configs.edge(
        "ginza",
        screens,
        scenario=tmp_path / "scenario.json",
        live=tmp_path / "live.jsonl",
        start=12.5,
        ports={"mqtt": 1234, "http": 5678},
        sensors=Hardware(camera=3).sensors(),
    )
    edge = yaml.safe_load(file.read_text(encoding="utf-8"))["edge"]
    assert file.stat().st_mode & 0o077 == 0
    assert edge["confirm_hours"] == 12
    assert [zone["zone"] for zone in edge["zones"]] == ["entrance", "shelf", "till"]
    assert edge["zones"][1]["enter_dbm"] == -60.0
    assert [screen["screen"] for screen in edge["screens"]] == ["ginza-shelf", "ginza-till"]
    simulated = [sensor for sensor in edge["sensors"] if "scenario" in sensor]
    assert [sensor["start"] for sensor in simulated] == [12.5] * 4
    assert {sensor["live"] for sensor in simulated} == {str(tmp_path / "live.jsonl")}
    assert (edge["brokers"], edge["assets"]) == ([{"host": "127.0.0.1", "port": 1234}], "https://127.0.0.1:5678/assets")
    assert {"store", "agent", "key"} & set(edge) == set(), "these are its enrolment's"
    assert edge["sensors"][-1] == {"kind": "camera", "name": "real-camera", "zone": "till", "device": 3}


def test_for_a_taken_port_the_next_is_taken(tmp_path: Path) -> None:
    configs = Configs(template(tmp_path), tmp_path, tmp_path / "run")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        configs.http_port = taken.getsockname()[1]
        section = yaml.safe_load(configs.central().read_text(encoding="utf-8"))["central"]
        assert configs.http_port < section["http"]["port"] < configs.http_port + 100
    assert free(configs.http_port) == configs.http_port
    configs.http_port, configs.mqtt_port = 4711, 4712
    configs.settle()
    section = yaml.safe_load((tmp_path / "central.yaml").read_text(encoding="utf-8"))["central"]
    assert (section["http"]["port"], section["broker"]["port"]) == (4711, 4712)


@pytest.mark.parametrize("text", ["", "[]", "central: {}\nedge: []\nsignage: {}", "central: {\n", "\x00"])
def test_a_template_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(text)
    with pytest.raises(DemoFailed, match="template"):
        Configs(file, tmp_path, tmp_path)


def test_hardware_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(DemoFailed, match=r"no camera /dev/video97 on this machine"):
        Hardware(camera=97).check()
    with pytest.raises(DemoFailed, match=r"no Bluetooth adapter hci97 on this machine"):
        Hardware(radio="hci97").check()
    assert Hardware().sensors() == []


def test_quantiles_are_of_the_nearest_rank() -> None:
    assert (quantiles([]).p50, quantiles([]).p99) == (None, None)
    assert (quantiles([7]).p50, quantiles([7]).p99) == (7, 7)
    hundred = quantiles(list(range(1, 101)))
    assert (hundred.p50, hundred.p99) == (50, 99)


def test_one_agents_surplus_hides_no_others_loss() -> None:
    made = {"a-1": AgentStatus(made=10), "b-1": AgentStatus(made=10)}
    assert lost(made, {"a-1": 12, "b-1": 8}) == 2
    assert lost(made, {"a-1": 10}) == 10


def test_a_status_that_says_more_than_we_know_is_read() -> None:
    line = {"epoch": "e", "made": 3, "acked": 3, "waiting": 0, "bytes": 0, "counts": {"scans": 1}}
    assert AgentStatus(made=3, counts={"scans": 1}) == json_status(line)


def json_status(line: dict[str, object]) -> AgentStatus:
    return msgspec.json.decode(json.dumps(line).encode(), type=AgentStatus)


def test_a_folder_of_somebody_elses_is_not_wiped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    precious = tmp_path / "documents" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")
    assert main(["--headless", "--for", "1", "--folder", str(precious.parent)]) == 1
    assert "no demo has left" in capsys.readouterr().err
    assert precious.read_text() == "years of work"


def test_a_second_demo_on_the_same_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hold(tmp_path / "demo", "demo"):
        assert main(["--headless", "--for", "1", "--folder", str(tmp_path / "demo")]) == 1
    assert "Another demo already uses" in capsys.readouterr().err


def test_hardware_that_is_not_there_ends_the_demo_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--headless", "--camera", "97", "--folder", str(tmp_path / "demo")]) == 1
    assert main(["--headless", "--radio", "hci97", "--folder", str(tmp_path / "demo")]) == 1
    assert capsys.readouterr().err.count("on this machine") == 2
    assert not (tmp_path / "demo").exists()


BORN = Born(wall=datetime(2026, 4, 1, tzinfo=UTC), boot="b", up_ms=1, synced=True)


def play(name: str, cause: Literal["beacon", "scan"], trigger_ms: int | None, decision_ms: int | None) -> bytes:
    body = Played(
        play=name,
        screen="ginza-shelf",
        scene="s",
        layout="recommendation",
        cause=cause,
        level=1,
        shown_ms=1,
        ended="over",
        trigger_ms=trigger_ms,
        decision_ms=decision_ms,
    )
    return make(body, BORN)


def test_what_central_holds_is_counted_and_measured(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'central.db'}")
    visit = VisitStarted(visit="v", customer="c", zone="shelf", means="beacon")
    told = [
        ("a-1", play("p-1", "scan", 20, 20)),
        ("a-1", play("p-2", "beacon", 2010, 10)),
        ("a-1", play("p-3", "beacon", None, 30)),
        ("a-1", make(visit, BORN)),
        ("a-1", play("p-1", "scan", 21, 21)),
        ("b-1", play("p-1", "scan", 40, 40)),
    ]
    rows = [
        {"agent": agent, "epoch": "e", "seq": seq, "kind": "played", "store": "s", "data": data.decode()}
        | {"born_wall": BORN.wall, "boot": "b", "up_ms": 1, "synced": True, "received": BORN.wall}
        for seq, (agent, data) in enumerate(told, start=1)
    ]
    with writing(engine) as connection:
        connection.execute(tables.events.insert(), rows)
    held = stored(engine)
    engine.dispose()
    assert held.by_agent == {"a-1": 4, "b-1": 1}
    assert held.doubled == 1
    assert (held.scan_to_frame_ms.p50, held.scan_to_frame_ms.p99) == (21, 40)
    assert (held.sighting_to_frame_ms.p50, held.sighting_to_frame_ms.p99) == (10, 30)
    assert held.presence_wait_ms.p99 == 2000


GOOD = Report(
    seconds=60.0,
    shoppers=24,
    sightings=2000,
    scans=15,
    visits=30,
    scenes=80,
    personal_scenes=30,
    wrong_person=0,
    without_consent=0,
    after_leaving=0,
    private=0,
    frozen=0,
    unreadable=0,
    refused=0,
    missed=1,
    should=100,
    events_made=160,
    events_stored=160,
    lost=0,
    doubled=0,
    quarantined=0,
    sighting_to_frame_ms=quantiles([10]),
    scan_to_frame_ms=quantiles([20]),
    presence_wait_ms=quantiles([]),
    first_frame_s=0.9,
    first_personal_s=15.0,
    edge_rss_mb=97.0,
    signage_rss_mb=95.0,
    faults=0,
    worst_black_s=0.0,
    worst_black_alive_s=0.0,
    worst_recovery_s=None,
    seed=1,
)


@pytest.mark.parametrize(
    ("what", "count"),
    [*((name, 1) for name in ZEROS), ("missed", 2)],
)
def test_each_count_alone_fails_the_demo(what: str, count: int) -> None:
    assert GOOD.failures() == []
    changes: dict[str, Any] = {what: count}
    (failure,) = replace(GOOD, **changes).failures()
    assert failure.startswith(f"{what} is {count}")


def test_a_demo_that_judged_nothing_has_not_passed() -> None:
    nothing = replace(GOOD, should=0, missed=0)
    assert len(nothing.failures()) == 1
    assert replace(nothing, seconds=5.0).failures() == []
    assert replace(nothing, faults=3).failures() == []
    assert len(replace(nothing, faults=3, seconds=300.0).failures()) == 1
    assert replace(nothing, shoppers=0).failures() == []


def test_a_screen_may_be_black_longer_after_its_player_was_killed() -> None:
    killed = replace(GOOD, faults=3, worst_black_s=4.9, worst_black_alive_s=1.9, worst_recovery_s=7.25)
    assert killed.failures() == []
    assert "3 faults: all as before after 7.25 s" in killed.words()
    assert "faults" not in GOOD.words()
    assert len(replace(killed, worst_black_s=5.1).failures()) == 1
    assert len(replace(killed, worst_black_alive_s=2.1).failures()) == 1


def test_the_last_line_has_what_was_promised_and_words_say_it_to_people() -> None:
    promised = {
        *("seconds", "shoppers", "sightings", "scans", "visits", "scenes", "personal_scenes", "wrong_person"),
        *("without_consent", "after_leaving", "missed", "should", "events_made", "events_stored", "lost", "doubled"),
        *("sighting_to_frame_ms", "scan_to_frame_ms", "first_frame_s", "edge_rss_mb", "signage_rss_mb", "seed"),
    }
    line = json.loads(GOOD.line())
    assert promised <= set(line)
    assert line["scan_to_frame_ms"] == {"p50": 20.0, "p99": 20.0}
    assert "160 events made, 160 stored: 0 lost, 0 doubled" in GOOD.words()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Everything that runs with a file in this folder, the broker too."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(folder) in " ".join(process.info["cmdline"] or [])
    ]


def until_the_shop_is_open(demo: subprocess.Popen[str]) -> None:
    assert demo.stderr
    said = []
    for line in demo.stderr:
        said.append(line)
        if line.startswith("The shop is open"):
            return
    pytest.fail("".join(said))


def a_demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    # Whoever runs us in the background has SIGINT ignored.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "central", "demo", "--headless", "--json"]
    command += ["--folder", str(folder), *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.system
def test_ctrl_c_closes_the_shop_and_everything_adds_up(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with a_demo(folder, "--for", "600", "--seed", "3") as demo:
        until_the_shop_is_open(demo)
        assert {process.cmdline()[2] for process in processes_of(folder)} >= {"central", "edge", "signage"}
        assert demo.stderr
        for line in demo.stderr:
            held = re.search(r"(\d+) scenes played", line)
            if held and int(held[1]) > 10:
                break
        demo.send_signal(signal.SIGINT)
        said, rest = demo.communicate()
    assert processes_of(folder) == []
    assert len(said.splitlines()) == 1
    report = json.loads(said)
    assert report["seconds"] < 600
    assert report["events_made"] == report["events_stored"] > 10
    assert [report[name] for name in ZEROS] == [0] * len(ZEROS), rest
    assert demo.returncode == (0 if report["missed"] <= report["should"] / 100 else 1)
    assert {"sightings", "scans", "visits", "personal_scenes", "first_frame_s", "edge_rss_mb"} <= set(report)


@pytest.mark.system
def test_a_death_is_told_and_fails_the_demo(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with a_demo(folder, "--for", "600") as demo:
        until_the_shop_is_open(demo)
        (agent,) = [each for each in processes_of(folder) if "edge-umeda.yaml" in " ".join(each.cmdline())]
        agent.kill()
        said, rest = demo.communicate()
    assert demo.returncode == 1
    assert "FAILED: edge-umeda ended with exit code -9" in rest
    assert json.loads(said)["seconds"] < 600
    assert processes_of(folder) == []


@pytest.mark.system
def test_faults_cost_nothing_but_time(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with a_demo(folder, "--for", "60", "--faults", "--seed", "2") as demo:
        said, rest = demo.communicate()
    assert processes_of(folder) == []
    report = json.loads(said)
    assert [report[name] for name in ZEROS] == [0] * len(ZEROS), rest
    assert report["faults"] >= 4
    assert report["worst_recovery_s"] > 0
    assert report["events_made"] == report["events_stored"] > 10


@pytest.mark.system
def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with a_demo(folder, "--for", "600") as demo:
        until_the_shop_is_open(demo)
        assert len(processes_of(folder)) >= 3 + 6 + 2
        demo.kill()
    until(lambda: processes_of(folder) == [])
