"""Settings of central's are tried, kept only when the agent does well with them, and gone back from by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from edge_wire import turn

from central.contract.feeds import Levels, Settings
from edge import settings
from edge.config import EdgeConfig, Zone
from edge.settings import FILE, MOST_FAILED, MOST_STARTS, OWN, SETTLED, STEADY, WITHIN, Kept, Trial

Later = Callable[[float], Awaitable[None]]
TREE = Path(__file__).parents[2]
ONE, TWO = Settings(settings="one", outbox_mb=64), Settings(settings="two", log="debug")


def config(folder: Path) -> EdgeConfig:
    zones = Zone(zone="shelf", enter_dbm=-70, exit_dbm=-78), Zone(zone="till", enter_dbm=-60, exit_dbm=-65)
    return EdgeConfig(folder=folder, zones=zones, sensors=(), screens=())


class Agent:
    """What a trial sees of an agent, run after run, on the loop's own clock."""

    def __init__(self, folder: Path, later: Later) -> None:
        self.folder = folder
        self.later = later
        self.works = frozenset({"radio", "screen-s"})
        self.linked = True
        self.row: Settings | None = None
        self.told = 0
        self.trial: Trial

    async def start(self) -> asyncio.Event:
        """A run begins; the event is set when it is to end."""
        again = asyncio.Event()

        def tell() -> None:
            self.told += 1

        self.trial = Trial(
            self.folder,
            settings.begin(self.folder),
            works=lambda: self.works,
            linked=lambda: self.linked,
            again=again.set,
            told=tell,
        )
        self.trial.ask(self.row)
        self.task = asyncio.create_task(self.trial.run())
        await turn()
        return again

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    async def passes(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            await self.later(1.0)

    async def run(self, seconds: float) -> bool:
        """A run of so many seconds; whether it ended by itself."""
        again = await self.start()
        for _ in range(int(seconds)):
            await self.later(1.0)
            if again.is_set():
                break
        await self.stop()
        return again.is_set()


@pytest.fixture
def agent(tmp_path: Path, still: Later) -> Agent:
    return Agent(tmp_path, still)


async def test_without_a_row_nothing_is_tried(agent: Agent) -> None:
    assert not await agent.run(60)
    assert agent.trial.kept == Kept()
    assert (agent.trial.good, agent.trial.failed) == (None, None)
    assert not (agent.folder / FILE).exists()


async def test_what_central_asks_for_is_tried_found_good_and_kept(agent: Agent) -> None:
    agent.row = ONE
    assert not await agent.run(SETTLED - 1), "first it must be known what works here"
    assert await agent.run(SETTLED + 1)
    assert agent.trial.kept == Kept(trial=ONE, worked=("radio", "screen-s"))
    again = await agent.start()
    assert agent.trial.kept.running == ONE
    await agent.passes(STEADY)
    assert (agent.trial.good, agent.told) == (None, 0), "nobody is told before they are good"
    await agent.passes(2)
    assert (agent.trial.good, agent.told) == ("one", 1)
    await agent.passes(WITHIN)
    assert not again.is_set()
    await agent.stop()
    assert settings.begin(agent.folder) == Kept(good=ONE)
    agent.row = None  # No store has settings any more.
    assert await agent.run(60)
    assert not await agent.run(60)
    assert agent.trial.kept == Kept(good=OWN)
    assert agent.trial.good is None


@pytest.mark.parametrize("fault", ["sensor", "screen"])
async def test_an_agent_that_does_not_do_well_goes_back_and_never_tries_them_again(agent: Agent, fault: str) -> None:
    agent.row = ONE
    await agent.run(30)
    await agent.run(30)
    agent.row = TWO
    assert await agent.run(30)
    agent.works -= {{"sensor": "radio", "screen": "screen-s"}.get(fault, "")}
    assert not await agent.run(WITHIN - 1)
    assert agent.trial.kept.running == TWO
    assert agent.trial.kept.starts == 1
    assert await agent.run(WITHIN + 1)
    assert settings.begin(agent.folder) == Kept(good=ONE, failed=("two",))
    assert not await agent.run(400)
    assert (agent.trial.good, agent.trial.failed) == ("one", "two")
    agent.row = replace(TWO, settings="three")
    agent.works = frozenset({"radio", "screen-s"})
    await agent.run(30)
    await agent.run(30)
    assert (agent.trial.good, agent.trial.failed) == ("three", "two")


async def test_without_a_link_it_goes_back_and_tries_once_more_when_there_is_one(agent: Agent) -> None:
    agent.row = ONE
    assert await agent.run(30)
    agent.linked = False
    assert await agent.run(WITHIN + 1)
    assert settings.begin(agent.folder) == Kept(unheard="one")
    agent.linked = True
    assert await agent.run(30)
    assert agent.trial.failed is None, "central may have been away"
    assert not await agent.run(30)
    assert settings.begin(agent.folder) == Kept(good=ONE)


async def test_settings_that_cost_the_link_each_time_are_at_fault(agent: Agent) -> None:
    agent.row = ONE
    for _ in range(2):
        agent.linked = True
        assert await agent.run(30)
        agent.linked = False
        assert await agent.run(WITHIN + 1)
    agent.linked = True
    assert not await agent.run(30)
    assert agent.trial.failed == "one"


async def test_what_did_not_work_before_is_not_asked_of_it(agent: Agent) -> None:
    agent.works = frozenset({"radio"})
    agent.row = ONE
    await agent.run(30)
    await agent.run(30)
    assert agent.trial.good == "one"


async def test_doing_well_for_a_moment_is_not_enough(agent: Agent) -> None:
    agent.row = ONE
    await agent.run(30)
    again = await agent.start()
    for _ in range(int(WITHIN / 4)):
        for linked in (False, True, True, True):
            agent.linked = linked
            await agent.later(1)
    await agent.later(1)
    assert again.is_set()
    assert agent.trial.failed == "one"
    await agent.stop()


async def test_settings_that_kill_the_agent_get_no_third_start(agent: Agent) -> None:
    agent.row = ONE
    await agent.run(30)
    for start in range(1, MOST_STARTS + 1):
        assert settings.begin(agent.folder).starts == start  # And there it dies.
    assert settings.begin(agent.folder) == Kept(failed=("one",))
    assert not await agent.run(60)
    assert agent.trial.failed == "one"


async def test_what_is_taken_back_while_it_is_tried_is_left_at_once(agent: Agent) -> None:
    agent.row = ONE
    await agent.run(30)
    again = await agent.start()
    agent.linked = False
    await agent.passes(SETTLED)
    agent.trial.ask(None)
    await agent.later(1)
    assert again.is_set()
    await agent.stop()
    assert settings.begin(agent.folder) == Kept()
    assert agent.trial.failed is None


async def test_newer_settings_are_tried_instead_and_asked_for_what_worked_before_the_first(agent: Agent) -> None:
    agent.row = ONE
    await agent.run(30)
    agent.row, agent.linked, agent.works = TWO, False, frozenset()
    assert await agent.run(30)
    assert agent.trial.kept == Kept(trial=TWO, worked=("radio", "screen-s"))


async def test_what_failed_is_remembered_within_bounds(agent: Agent) -> None:
    kept = Kept()
    for n in range(MOST_FAILED + 3):
        kept = settings.gone_back(replace(kept, trial=Settings(settings=f"s{n}")))
    assert kept.failed == tuple(f"s{n}" for n in range(3, MOST_FAILED + 3))


async def test_a_disk_that_keeps_nothing_begins_no_trial_and_ends_none(agent: Agent) -> None:
    agent.row = ONE
    (agent.folder / "settings.json.new").mkdir()  # Nothing can be written there.
    assert not await agent.run(60)
    assert agent.trial.kept == Kept()
    (agent.folder / "settings.json.new").rmdir()
    await agent.run(30)
    (agent.folder / "settings.json.new").mkdir()
    assert settings.begin(agent.folder).running == OWN, "what cannot be counted is not tried"
    (agent.folder / "settings.json.new").rmdir()
    again = await agent.start()
    (agent.folder / "settings.json.new").mkdir()
    await agent.passes(STEADY + 5)
    before = agent.trial.good
    (agent.folder / "settings.json.new").rmdir()
    await agent.later(1)
    assert before is None
    assert agent.trial.good == "one"
    assert not again.is_set()
    await agent.stop()


@pytest.mark.parametrize("junk", [b"", b"{", b'{"good": 7}', b"[" * 100_000, b"\xff\x00"])
async def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / FILE).write_bytes(junk)
    assert settings.begin(tmp_path) == Kept()


def test_a_kill_in_the_middle_of_writing_leaves_the_one_before_or_the_one_after(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from edge import settings; from edge.settings import *\n"
        "folder = Path(sys.argv[1]); row = Settings(settings='one', outbox_mb=64)\n"
        "while True:\n"
        "    trial = settings.asked(Kept(), row, frozenset('ab'))\n"
        "    for kept in (trial, settings.found_good(trial), settings.gone_back(trial)):\n"
        "        settings._keep(folder, kept); print('.', flush=True)\n"
    )
    trial = settings.asked(Kept(), ONE, frozenset("ab"))
    assert trial is not None
    good, back = settings.found_good(trial), settings.gone_back(trial)
    # As `begin` reads them: it counts a trial's start, and starts it a second time.
    may_be = [replace(trial, starts=1), replace(trial, starts=2), good, back]
    for rounds in range(12):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=TREE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(3 + 7 * rounds):
            process.stdout.read(2)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert settings.begin(tmp_path) in may_be


# Over the device's own file.


def test_what_is_not_set_stays_as_the_device_has_it(tmp_path: Path) -> None:
    own = config(tmp_path)
    assert settings.apply(own, OWN) == (own, ())
    assert settings.apply(own, ONE) == (replace(own, outbox_mb=64), ())


def test_everything_that_can_be_set_is(tmp_path: Path) -> None:
    own = config(tmp_path)
    wanted = Settings(
        settings="a",
        languages=("en", "ja"),
        confirm_hours=48,
        outbox_mb=32,
        log="warning",
        zones={"shelf": Levels(enter_dbm=-50, exit_dbm=-55)},
    )
    made, troubles = settings.apply(own, wanted)
    assert troubles == ()
    assert made == replace(
        own,
        languages=("en", "ja"),
        confirm_hours=48,
        outbox_mb=32,
        log="warning",
        zones=(Zone(zone="shelf", enter_dbm=-50, exit_dbm=-55), own.zones[1]),
    )


def test_what_does_not_fit_here_is_left_out_and_said(tmp_path: Path) -> None:
    own = config(tmp_path)
    zones = {"cellar": Levels(enter_dbm=-50, exit_dbm=-55), "till": Levels(enter_dbm=-80, exit_dbm=-55)}
    made, troubles = settings.apply(own, Settings(settings="a", languages=("ja", "ja"), zones=zones))
    assert made == replace(own, languages=("ja",))
    assert len(troubles) == 2
    assert troubles[0] == "settings: there is no zone cellar here"
    assert troubles[1].startswith("settings: zone till: exit_dbm: must not be above enter_dbm")
