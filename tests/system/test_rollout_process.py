"""Commands and settings reach real agents from a real central, and what breaks an agent is taken back everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_processes import STORES, Chain, command, running

from edge.settings import MOST_STARTS

pytestmark = pytest.mark.system


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with running(tmp_path) as made:
        yield made


def test_commands_are_done_and_answered_also_over_a_restart(chain: Chain) -> None:
    done = command("central", "command", chain.file, "all", "ping")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((one["agent"], one["ok"], one["said"]) for one in said) == [
        (f"{store}-1", True, "here") for store in STORES
    ]
    assert done.returncode == 0, done.stderr
    done = command("central", "command", chain.file, "ginza", "resync", '{"feed": "nonsense"}')
    assert done.returncode == 1
    assert "There is no feed nonsense." in json.loads(done.stdout)["said"]
    assert done.stderr.startswith("1 of 1 agents could not do it, 0 did not answer.")
    before = (chain.folder / "edge.log").read_text().count("connected to the broker")
    assert command("central", "command", chain.file, "ginza-1", "restart").returncode == 0
    chain.until(lambda: (chain.folder / "edge.log").read_text().count("connected to the broker") > before)
    assert command("central", "command", chain.file, "ginza-1", "ping").returncode == 0
    chain.kill("ueno")
    done = command("central", "command", chain.file, "ueno", "ping", "--wait", "1")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, None)
    chain.agent("ueno")
    assert command("central", "command", chain.file, "ueno", "ping", "--wait", "60").returncode == 0
    for wrong in (("ueno", "ping", "{"), ("nobody", "ping"), ("ueno", "Ping!")):
        done = command("central", "command", chain.file, *wrong)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_settings_that_are_good_reach_every_store_though_central_is_killed_in_the_middle(chain: Chain) -> None:
    mine = chain.begin(
        "--first", "ginza", "--hold", "1", outbox_mb=32, zones={"cellar": {"enter_dbm": -50, "exit_dbm": -60}}
    )
    chain.until(lambda: chain.kept("ginza")["trial"])
    assert [store for store in STORES if chain.agents()[store]["wanted"] == mine] == ["ginza"]
    chain.kill("central")
    chain.central()
    chain.until(lambda: chain.state() == "good")
    assert {one["good"] for one in chain.agents().values()} == {mine}
    assert {chain.kept(store)["good"]["outbox_mb"] for store in STORES} == {32}
    chain.kill("ueno")
    chain.agent("ueno")
    assert command("central", "command", chain.file, "ueno", "ping", "--wait", "60").returncode == 0
    assert chain.agents()["ueno"]["good"] == mine


def test_settings_that_kill_an_agent_are_taken_back_by_it_and_by_central(chain: Chain) -> None:
    good = chain.begin("--hold", "1", outbox_mb=64)
    chain.until(lambda: chain.state() == "good")
    bad = chain.begin("--first", "ueno", "--hold", "1", log="debug")
    for start in range(1, MOST_STARTS + 1):

        def dying(start: int = start) -> bool:
            kept = chain.kept("ueno")
            return bool(kept["trial"]) and kept["starts"] == start

        chain.until(dying)
        chain.kill("ueno")  # As a fault would that the settings bring.
        chain.agent("ueno")  # As systemd would.
    chain.until(lambda: chain.state() == "failed")
    assert chain.kept("ueno")["failed"] == [bad]
    assert chain.kept("ueno")["good"]["settings"] == good
    chain.until(lambda: all((one["good"], one["wanted"]) == (good, good) for one in chain.agents().values()))
    assert chain.agents()["ueno"]["failed"] == bad
    assert [chain.kept(store)["failed"] for store in STORES] == [[], [], [bad]]
    assert chain.shown()["settings"][0]["said"] == "ueno-1 tried them and went back"
