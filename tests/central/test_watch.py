"""A screen shows nothing from its player's kill to the next picture, while that is black, and while a player hangs."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from central.demo.processes import SIGNAGE, Process, Troupe
from central.demo.watch import FROZEN_S, Watch
from central.page.mirror import HEAD, MAGIC, Mirror

WAITS = [sys.executable, "-c", "import time; time.sleep(600)"]
SIZE = (64, 36)
TREE = Path(__file__).parents[2]


class Show(Protocol):
    """Writes a picture of one colour; `alive` in seconds of CLOCK_MONOTONIC, 0 from an older player."""

    def __call__(self, pid: int, count: int, colour: int, alive: float = 0.0) -> None: ...


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Process]:
    with Troupe(tmp_path / "logs", tmp_path) as troupe:
        yield troupe.start("player", WAITS)


@pytest.fixture
def show(tmp_path: Path) -> Show:
    def show(pid: int, count: int, colour: int, alive: float = 0.0) -> None:
        head = HEAD.pack(MAGIC, *SIZE, count * 2, 1, pid, round(alive * 1e9))
        (tmp_path / "mirror").write_bytes(head + bytes([colour]) * (SIZE[0] * SIZE[1] * 3))

    return show


def test_the_longest_black_is_told_and_whether_the_player_was_killed(
    player: Process, show: Show, tmp_path: Path
) -> None:
    watch = Watch({"s": (player, Mirror(tmp_path / "mirror"))})
    show(player.pid, 1, 200)
    watch.look(0.0)
    assert watch.shows("s")
    assert (watch.worst_s, watch.worst_killed_s) == (0.0, 0.0)
    show(player.pid, 2, 3)
    watch.look(1.0)
    watch.look(1.4)
    assert watch.worst_s == pytest.approx(0.4)
    show(player.pid, 3, 200)
    watch.look(1.5)
    assert watch.worst_s == pytest.approx(0.5)
    before = player.pid
    player.kill()
    watch.killed("s", 2.0)
    watch.look(2.2)  # Its last picture is still in the file.
    player.start()
    show(before, 4, 200)
    watch.look(4.0)
    assert watch.worst_killed_s == pytest.approx(2.0)
    show(player.pid, 1, 200)
    watch.look(4.6)
    assert watch.worst_killed_s == pytest.approx(2.6)
    assert watch.worst_s == pytest.approx(0.5)
    show(player.pid, 2, 0)
    watch.look(5.0)
    watch.look(5.8)
    assert watch.worst_s == pytest.approx(0.8)
    assert watch.worst_killed_s == pytest.approx(2.6)


def test_without_a_mirror_there_is_no_picture(player: Process, tmp_path: Path) -> None:
    watch = Watch({"s": (player, Mirror(tmp_path / "mirror"))})
    watch.look(0.0)
    watch.look(3.0)
    assert watch.worst_s == 3.0


def test_a_hang_is_told_whole_from_the_last_beat_on(player: Process, show: Show, tmp_path: Path) -> None:
    clock = 7000.0
    watch = Watch({"s": (player, Mirror(tmp_path / "mirror"))}, clock=lambda: clock)
    show(player.pid, 1, 200, alive=7000.0)
    watch.look(10.0)
    clock += FROZEN_S
    watch.look(10.0 + FROZEN_S)
    assert watch.shows("s")
    assert watch.worst_s == 0.0
    clock += 0.5
    watch.look(10.5 + FROZEN_S)
    assert not watch.shows("s")
    assert watch.worst_s == pytest.approx(FROZEN_S + 0.5)
    clock = 7005.0
    show(player.pid, 1, 200, alive=7005.0)
    watch.look(15.0)
    assert watch.shows("s")
    assert watch.worst_s == pytest.approx(5.0)
    clock = 7006.0
    watch.look(16.0)
    assert watch.worst_s == pytest.approx(5.0)
    assert watch.worst_killed_s == 0.0


def test_a_beat_makes_no_other_picture(player: Process, show: Show, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror")
    show(player.pid, 1, 200, alive=1.0)
    before = mirror.glance()
    show(player.pid, 1, 200, alive=2.0)
    after = mirror.glance()
    assert before is not None
    assert after is not None
    assert before == after
    assert (before.alive_ns, after.alive_ns) == (1_000_000_000, 2_000_000_000)


def test_a_player_that_is_stopped_is_frozen_until_it_goes_on(tmp_path: Path) -> None:
    config = tmp_path / "signage.yaml"
    config.write_text(
        f"signage:\n  screen: s\n  socket: {tmp_path}/s\n  folder: {tmp_path}/player\n  mirror: {tmp_path}/mirror\n"
        "  display: {mode: headless, width: 640, height: 360}\n"
    )
    with Troupe(tmp_path / "logs", TREE) as troupe:
        player = troupe.start("s", [*SIGNAGE, "run", str(config)])
        watch = Watch({"s": (player, Mirror(tmp_path / "mirror"))})

        def look_when(*, shows: bool) -> float:
            while watch.shows("s") is not shows:
                assert player.dead is None, player.tail()
                os.sched_yield()
            watch.look(now := time.monotonic())
            return now

        look_when(shows=True)
        assert watch.worst_s == 0.0
        stopped = time.monotonic()
        os.kill(player.pid, signal.SIGSTOP)
        look_when(shows=False)
        assert watch.worst_s > FROZEN_S
        os.kill(player.pid, signal.SIGCONT)
        again = look_when(shows=True)
        assert watch.worst_s >= again - stopped
        assert watch.worst_killed_s == 0.0
