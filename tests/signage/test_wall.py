"""What time of day it is: by the agent's word, by the machine, by what was kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signage.wall import Wall


def test_the_machines_clock_counts_while_nobody_knows_better() -> None:
    assert Wall(100.0, lambda: 500.0).seconds(7.0) == 500.0
    assert Wall(0.0, lambda: 86400.0).at(7.0) == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_clock_that_was_set_back_begins_where_it_was_known_last_and_goes_on() -> None:
    wall = Wall(1000.0, lambda: 3.0)
    assert [wall.seconds(now) for now in (50.0, 51.0, 60.0)] == [1000.0, 1001.0, 1010.0]


def test_the_machine_is_believed_again_when_it_has_learned_the_time() -> None:
    said = iter([3.0, 4.0, 2000.0])
    wall = Wall(1000.0, lambda: next(said))
    assert [wall.seconds(now) for now in (50.0, 51.0, 52.0)] == [1000.0, 1001.0, 2000.0]


def test_the_agents_word_beats_both_and_may_set_it_back() -> None:
    wall = Wall(1000.0, lambda: 3000.0)
    wall.tell(500.0, 20_000_000_000)
    assert wall.seconds(25.0) == 505.0
    wall.tell(9000.0, 30_000_000_000)
    assert wall.seconds(30.0) == 9000.0


@pytest.mark.parametrize("said", [0.0, 1e300])
def test_a_time_that_nobody_can_mean_is_still_a_date(said: float) -> None:
    wall = Wall(0.0, lambda: 0.0)
    wall.tell(said, 2**63 - 1)
    assert 1970 <= wall.at(0.0).year <= 9000
