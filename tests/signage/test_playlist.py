"""What is shown when: a loop, its interruptions and its resumption, with a clock of our own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signage.contract import Ended, Playlist, Scene, Show
from signage.playlist import Programme
from signage.turns import Turn as PlayedTurn

STANDING = Scene(scene="standing", layout="noren", language="ja", title="いらっしゃいませ", hold_ms=3_600_000)
ITEMS = tuple(Scene(scene=f"i{n}", layout="campaign", language="ja", title="夏", hold_ms=8000) for n in range(3))


def personal(name: str, hold_ms: int = 5000, decided: float = 0.0) -> Show:
    """A Show decided at this second; 0: nobody knows when."""
    scene = Scene(scene=name, layout="greeting", language="ja", title="さくらさん", hold_ms=hold_ms)
    return Show(scene=scene, cause="scan", trigger_ns=0, decided_ns=round(decided * 1e9))


NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
"""Of a Tuesday, in Tokyo: what the wall says when the clock says 0."""


def wall(now: float) -> datetime:
    return NOON + timedelta(seconds=now)


def playlist(*items: Scene, **changes: Any) -> Playlist:
    return Playlist(version="v", items=items, **changes)


def playing(now: float = 0.0) -> Programme:
    programme = Programme(STANDING, now, wall)
    programme.load(playlist(*ITEMS), now)
    programme.ended()
    return programme


def on(programme: Programme) -> PlayedTurn:
    """The one turn that is on the screen."""
    (turn,) = programme.turns
    return turn


def on_screen(programme: Programme, now: float) -> str:
    programme.advance(now)
    return on(programme).scene.scene


def reasons(programme: Programme) -> list[Ended]:
    return [why for _, why in programme.ended()]


def following(programme: Programme, now: float) -> str:
    return dict(programme.coming(now))["main"].scene


def test_without_a_playlist_the_curtain_stands_and_is_nobodys_content() -> None:
    programme = Programme(STANDING, 0.0, wall)
    assert on_screen(programme, 5.0) == "standing"
    assert not on(programme).content
    programme.load(playlist(*ITEMS), 5.0)
    assert on_screen(programme, 5.0) == "i0"
    programme.load(playlist(), 6.0)
    assert on_screen(programme, 6.0) == "standing"


def test_the_loop_goes_round() -> None:
    programme = playing()
    assert [on_screen(programme, now) for now in (0, 7.9, 8, 16, 24, 31)] == ["i0", "i0", "i1", "i2", "i0", "i0"]
    assert programme.ended() == [(1, "over"), (2, "over"), (3, "over")]


def test_an_interruption_cuts_in_and_the_loop_goes_on_where_it_was() -> None:
    programme = playing()
    programme.show(personal("p"), 3.0)
    assert on_screen(programme, 3.0) == "p"
    assert following(programme, 3.0) == "i0"
    assert on_screen(programme, 7.9) == "p"
    assert on_screen(programme, 8.0) == "i0"
    assert on_screen(programme, 12.9) == "i0"  # Five of its eight seconds were left.
    assert on_screen(programme, 13.0) == "i1"
    assert [why for _, why in programme.ended()] == ["replaced", "over", "over"]


def test_a_rest_too_short_to_be_read_is_not_shown() -> None:
    programme = playing()
    programme.show(personal("p"), 7.5)
    assert following(programme, 7.5) == "i1"
    assert on_screen(programme, 12.5) == "i1"


def test_clear_takes_off_only_the_scene_that_is_shown() -> None:
    programme = playing()
    programme.show(personal("p"), 1.0)
    programme.clear("another", 2.0)
    assert on_screen(programme, 2.0) == "p"
    programme.clear("p", 2.0)
    assert on_screen(programme, 2.0) == "i0"
    programme.clear("i0", 2.0)  # The loop is not for an agent to clear.
    assert on_screen(programme, 2.0) == "i0"
    assert [why for _, why in programme.ended()] == ["replaced", "cleared"]


def test_a_newer_interruption_replaces_the_one_before() -> None:
    programme = playing()
    programme.show(personal("p"), 1.0)
    programme.show(personal("q"), 2.0)
    assert on_screen(programme, 2.0) == "q"
    programme.clear("p", 3.0)
    assert on_screen(programme, 3.0) == "q"
    assert on_screen(programme, 7.0) == "i0"
    assert on(programme).until == 14.0  # i0 still has seven seconds.


def test_a_withdrawn_item_leaves_at_once_and_one_that_stays_is_not_touched() -> None:
    programme = playing()
    assert on_screen(programme, 9.0) == "i1"
    programme.load(playlist(ITEMS[1], ITEMS[0]), 10.0)
    assert (on(programme).scene, on(programme).until) == (ITEMS[1], 17.0)
    programme.load(playlist(ITEMS[2]), 11.0)
    assert on_screen(programme, 11.0) == "i2"
    assert reasons(programme)[-1] == "withdrawn"


def test_a_new_playlist_under_an_interruption_waits_for_its_end() -> None:
    programme = playing()
    programme.show(personal("p"), 1.0)
    programme.load(playlist(ITEMS[2]), 2.0)
    assert on_screen(programme, 2.0) == "p"
    assert on_screen(programme, 6.0) == "i2"
    assert on(programme).until == 14.0


def test_a_turn_promises_when_it_is_over_unless_there_is_nothing_else() -> None:
    programme = Programme(STANDING, 0.0, wall)
    assert on(programme).hold_ms == 0
    programme.load(playlist(*ITEMS), 0.0)
    assert on(programme).hold_ms == 8000
    programme.show(personal("p"), 3.0)
    assert on(programme).hold_ms == 5000
    programme.advance(8.0)
    assert (on(programme).scene, on(programme).hold_ms) == (ITEMS[0], 5000)  # What was left of it.
    programme.load(playlist(*ITEMS[1:2]), 9.0)
    assert (on(programme).scene, on(programme).hold_ms) == (ITEMS[1], 0)
    programme.load(playlist(), 10.0)
    assert (on(programme).scene, on(programme).hold_ms) == (STANDING, 0)


def test_the_hold_counts_from_the_decision() -> None:
    programme = playing(100.0)
    assert not programme.show(personal("p", decided=98.0), 100.0)
    assert (on(programme).until, on(programme).hold_ms) == (103.0, 3000)
    assert on_screen(programme, 102.9) == "p"
    assert on_screen(programme, 103.0) == "i0"


def test_the_hold_counts_from_the_reading_where_the_decision_is_unknown_or_to_come() -> None:
    programme = playing(100.0)
    for decided in (0.0, 100.001, 1e9):
        assert not programme.show(personal("p", decided=decided), 100.0)
        assert on(programme).until == 105.0


def test_what_is_read_when_its_time_is_over_is_not_shown() -> None:
    programme = playing(100.0)
    turn = on(programme)
    assert programme.show(personal("p", decided=95.0), 100.0) == "late"
    assert on(programme) is turn
    assert programme.ended() == []


def test_what_it_should_have_replaced_ends_all_the_same() -> None:
    programme = playing(100.0)
    programme.show(personal("p", hold_ms=20_000, decided=101.0), 101.0)
    assert programme.show(personal("q", decided=105.0), 110.0) == "late"
    assert on_screen(programme, 110.0) == "i0"
    assert not programme.show(personal("r", decided=109.0), 110.0)
    assert on_screen(programme, 110.0) == "r"
    assert [why for _, why in programme.ended()] == ["replaced", "replaced", "replaced"]


STEP = st.tuples(st.sampled_from(["advance", "show", "late", "clear", "load"]), st.floats(0, 20), st.integers(0, 3))


@given(st.lists(STEP, max_size=40))
@settings(max_examples=200)
def test_nothing_personal_outstays_its_hold_and_every_turn_ends_once(steps: list[tuple[str, float, int]]) -> None:
    programme = Programme(STANDING, 0.0, wall)
    acts: dict[str, Callable[[float, int], object]] = {
        "advance": lambda now, _: programme.advance(now),
        "show": lambda now, n: programme.show(personal(f"p{n}", 500 + 1000 * n), now),
        "late": lambda now, n: programme.show(personal(f"p{n}", 2500, decided=max(0.0, now - n)), now),
        "clear": lambda now, n: programme.clear(f"p{n}", now),
        "load": lambda now, n: programme.load(playlist(*ITEMS[:n]), now),
    }
    now = 0.0
    ended: list[int] = []
    for act, wait, number in steps:
        now += wait
        acts[act](now, number)
        programme.advance(now)
        ended += [turn for turn, _ in programme.ended()]
        assert on(programme).until > now
        assert on(programme).until - now <= on(programme).scene.hold_ms / 1000 + 1e-6
        if (show := on(programme).show) is not None and show.decided_ns:
            assert on(programme).until <= (show.decided_ns / 1e9) + show.scene.hold_ms / 1000 + 1e-6
        assert ended == list(range(on(programme).number))
