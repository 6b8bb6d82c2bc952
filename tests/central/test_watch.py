"""A screen is black from its player's kill to the next picture, and where the picture itself is."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central.demo.processes import Process, Troupe
from central.demo.watch import Watch
from central.page.mirror import HEAD, MAGIC, Mirror

WAITS = [sys.executable, "-c", "import time; time.sleep(600)"]
SIZE = (64, 36)


@pytest.fixture
def player(tmp_path: Path) -> Iterator[Process]:
    with Troupe(tmp_path / "logs", tmp_path) as troupe:
        yield troupe.start("player", WAITS)


@pytest.fixture
def show(tmp_path: Path) -> Callable[[int, int, int], None]:
    def show(pid: int, count: int, colour: int) -> None:
        head = HEAD.pack(MAGIC, *SIZE, count * 2, 1, pid)
        (tmp_path / "mirror").write_bytes(head + bytes([colour]) * (SIZE[0] * SIZE[1] * 3))

    return show


def test_the_longest_black_is_told_and_whether_the_player_was_killed(
    player: Process, show: Callable[[int, int, int], None], tmp_path: Path
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
