"""Slots, parts of the screen, emergencies, hours: what is on the screen when, with a clock and a wall of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.programme.records import DayPart, Slot, Turn, When
from signage.contract import Playlist, Region, Scene, Show
from signage.playlist import Programme
from signage.turns import COVER

STANDING = Scene(scene="standing", layout="noren", language="ja", title="いらっしゃいませ", hold_ms=3_600_000)
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
"""Of a Tuesday, in Tokyo."""
MAIN = Region(region="main", at=(0, 0, 700, 1000), shows="main")
SIDE = Region(region="side", at=(700, 0, 300, 900), shows="list", scenes=("x", "y"))
CLOCK = Region(region="clock", at=(700, 900, 300, 100), shows="clock")


class Day:
    """A programme, its clock and its wall."""

    def __init__(self, noon: datetime = NOON) -> None:
        self.now = 0.0
        self.noon = noon
        self.programme = Programme(STANDING, 0.0, lambda now: self.noon + timedelta(seconds=now))

    def load(self, *slots: Slot, version: str = "v", **changes: Any) -> None:
        given: dict[str, Any] = {"items": tuple(map(scene, "abcdxy")), "slots": slots} | changes
        self.programme.load(Playlist(version=version, **given), self.now)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.programme.advance(self.now)

    def show(self, name: str = "p", hold_ms: int = 60_000, **changes: Any) -> str | None:
        given: dict[str, Any] = {"cause": "beacon", "trigger_ns": 0, "decided_ns": round(self.now * 1e9)} | changes
        return self.programme.show(Show(scene=scene(name, hold_ms=hold_ms), **given), self.now)

    @property
    def on(self) -> dict[str, str]:
        return {turn.region: turn.scene.scene for turn in self.programme.turns}

    @property
    def main(self) -> str:
        return self.on["main"]

    @property
    def why(self) -> list[str]:
        return [why for _, why in self.programme.ended()]


def scene(name: str, **changes: Any) -> Scene:
    given: dict[str, Any] = {"layout": "campaign", "language": "ja", "title": name, "hold_ms": 8000}
    return Scene(scene=name, **(given | changes))


def slot(campaign: str, scenes: str, seconds: int = 8, **changes: Any) -> Slot:
    return Slot(campaign=campaign, turns=tuple(Turn(scene=name, seconds=seconds) for name in scenes), **changes)


def part(begins: str, ends: str) -> tuple[When, ...]:
    return (When(parts=(DayPart(begins=begins, ends=ends),)),)


LOOP = slot("loop", "ab", priority=0)


@pytest.fixture
def day() -> Day:
    return Day()


def test_the_most_important_comes_first_and_what_is_over_makes_room_at_once(day: Day) -> None:
    day.load(LOOP, slot("lunch", "c", seconds=300, when=part("11:00", "12:03")))
    turn = day.programme.turns[0]
    assert (turn.scene.scene, turn.campaign, turn.until, turn.hold_ms) == ("c", "lunch", 180.0, 180_000)
    assert dict(day.programme.coming(0.0))["main"].scene == "a"
    day.programme.ended()
    day.pass_(179.9)
    assert day.main == "c"
    day.pass_(0.1)
    assert (day.main, day.why) == ("a", ["withdrawn"])
    assert day.programme.turns[0].campaign is None


def test_what_comes_next_is_known_and_asking_changes_nothing(day: Day) -> None:
    day.load(LOOP, slot("half", "cd", share=50))
    for _ in range(50):
        coming = dict(day.programme.coming(day.now))["main"].scene
        assert dict(day.programme.coming(day.now + 1))["main"].scene == coming
        day.pass_(8)
        assert day.main == coming


def test_a_campaign_that_is_withdrawn_leaves_at_once_and_a_new_price_replaces_the_old(day: Day) -> None:
    day.load(LOOP, slot("sale", "cd"))
    assert day.main == "c"
    day.pass_(3)
    day.programme.ended()
    dearer = tuple(scene(name, text="¥200" if name == "c" else "") for name in "abcd")
    day.load(LOOP, slot("sale", "cd"), items=dearer)
    turn = day.programme.turns[0]
    assert (turn.scene.text, turn.until, day.why) == ("¥200", 8.0, ["replaced"])
    day.load(LOOP, items=dearer)
    assert (day.main, day.why) == ("a", ["withdrawn"])


def test_the_same_campaigns_go_on_when_something_else_is_changed(day: Day) -> None:
    day.load(LOOP, slot("rare", "c", per_hour=1))
    assert day.main == "c"
    day.pass_(8)
    assert day.main == "a"
    day.load(LOOP, slot("rare", "c", per_hour=1), version="v2", wanted=("0" * 64,))
    for _ in range(20):
        day.pass_(8)
        assert day.main in "ab"


def test_plays_from_before_a_restart_count_in_their_hour(day: Day) -> None:
    noon = NOON.timestamp()
    day.programme.recall([("rare", noon - 1200.0), ("rare", noon - 600.0), ("gone", noon), ("rare", noon - 3601.0)])
    day.load(LOOP, slot("rare", "c", per_hour=2))
    while day.now < 2300.0:
        assert day.main in "ab"
        day.pass_(8)
    while day.main != "c":
        day.pass_(8)
    assert 2400.0 <= day.now < 2420.0


def test_an_emergency_cuts_in_over_everything_and_what_it_hid_goes_on(day: Day) -> None:
    day.load(LOOP)
    day.pass_(3)
    day.show()
    day.programme.ended()
    alarm = slot("quake", "d", emergency=True, when=part("12:01", "12:02"))
    day.load(LOOP, alarm)
    assert day.on == {COVER: "p"}
    assert day.programme.until == 60.0
    day.pass_(57)
    assert (day.on, day.why) == ({COVER: "d"}, ["replaced"])
    assert day.programme.turns[0].cause == "override"
    assert day.show("q") == "covered"
    assert day.on == {COVER: "d"}
    day.pass_(8)
    assert (day.on, day.why) == ({COVER: "d"}, ["over"])
    day.load(LOOP)
    assert (day.on, day.why) == ({"main": "a"}, ["withdrawn"])
    assert day.programme.turns[0].until == day.now + 5  # Three of its eight seconds were over when p came.


def test_an_emergency_ends_by_its_own_hours(day: Day) -> None:
    day.load(LOOP, slot("quake", "d", seconds=3000, emergency=True, when=part("12:00", "12:30")))
    assert day.on == {COVER: "d"}
    day.pass_(1800)
    assert day.on == {"main": "a"}


def test_an_emergency_without_a_scene_that_is_there_hides_nothing(day: Day) -> None:
    day.load(LOOP, slot("quake", "z", emergency=True))
    assert day.main == "a"


def test_each_part_turns_by_itself_and_an_interruption_covers_all(day: Day) -> None:
    items = (*map(scene, "abcd"), scene("x", hold_ms=5000), scene("y", hold_ms=20_000))
    day.load(LOOP, regions=(MAIN, SIDE, CLOCK), items=items)
    assert day.on == {"main": "a", "side": "x"}
    day.pass_(5)
    assert day.on == {"main": "a", "side": "y"}
    day.programme.ended()
    day.show(hold_ms=4000)
    assert (day.on, day.why) == ({COVER: "p"}, ["replaced", "replaced"])
    day.pass_(4)
    assert day.on == {"main": "a", "side": "y"}
    assert sorted(turn.until for turn in day.programme.turns) == [12.0, 29.0]
    day.load(LOOP, regions=(MAIN, replace(SIDE, scenes=("x",))), items=items)
    assert day.on == {"main": "a", "side": "x"}
    day.load(LOOP, items=items)
    assert day.on == {"main": "a"}


def test_a_list_whose_scenes_are_gone_shows_nothing_and_stops_nobody(day: Day) -> None:
    day.load(LOOP, regions=(MAIN, replace(SIDE, scenes=("gone",))))
    assert day.on == {"main": "a"}
    day.pass_(8)
    assert day.on == {"main": "b"}


def test_while_it_rests_nothing_is_shown_and_afterwards_it_goes_on(day: Day) -> None:
    day.load(LOOP)
    day.pass_(3)
    day.show()
    day.programme.ended()
    day.programme.rest(day.now)
    assert (day.on, day.why) == ({}, ["stopped"])
    assert day.show("q") == "covered"
    day.pass_(3600)
    day.load(LOOP, slot("quake", "d", emergency=True), version="v2")
    assert day.on == {}
    day.load(LOOP, version="v3")
    day.programme.wake(day.now)
    assert day.on == {"main": "a"}
    day.programme.rest(day.now)
    day.load(LOOP, slot("quake", "d", emergency=True), version="v4")
    day.programme.wake(day.now)
    assert day.on == {COVER: "d"}


def test_an_emergency_goes_on_after_a_rest(day: Day) -> None:
    day.load(LOOP, slot("quake", "d", emergency=True))
    day.programme.rest(day.now)
    day.programme.wake(day.now)
    assert day.on == {COVER: "d"}


def test_a_clock_that_is_put_right_ends_what_is_not_due(day: Day) -> None:
    day.load(LOOP, slot("lunch", "c", seconds=3000, when=part("11:00", "13:00")))
    assert day.main == "c"
    day.noon += timedelta(hours=5)
    day.programme.retime(day.now)
    assert day.main == "a"
    day.noon -= timedelta(days=4000)
    day.programme.retime(day.now)
    for _ in range(3):
        day.pass_(8)
        assert day.main in "abc"


def test_nothing_due_leaves_the_curtain_until_something_is(day: Day) -> None:
    day.load(slot("evening", "c", when=part("12:01", "13:00")))
    first = day.programme.turns[0]
    assert (first.scene, first.content) == (STANDING, False)
    day.pass_(30)
    assert day.programme.turns[0].number == first.number
    day.pass_(35)
    assert day.main == "c"


def test_a_time_zone_that_is_not_known_leaves_a_loop(day: Day) -> None:
    day.load(LOOP, timezone="Mars/Olympus")
    assert day.main == "a"


def test_last_days_are_the_stores_own(day: Day) -> None:
    day.noon = datetime(2026, 11, 24, 14, 59, 50, tzinfo=UTC)  # Ten seconds to midnight in Tokyo.
    day.load(LOOP, slot("sale", "c", seconds=60, when=(When(last=date(2026, 11, 24)),)))
    assert day.main == "c"
    day.pass_(10)
    assert day.main == "a"


ACT = st.tuples(
    st.sampled_from(["pass", "show", "clear", "load", "alarm", "rest", "wake", "jump", "part"]),
    st.floats(0, 30),
    st.integers(0, 5),
)


@given(st.lists(ACT, max_size=60))
@settings(max_examples=150, deadline=None)
def test_every_turn_ends_once_and_nothing_that_is_not_due_is_seen(acts: list[tuple[str, float, int]]) -> None:
    day = Day()
    loaded: list[Slot] = []
    resting = False
    seen: list[int] = []
    ended: list[int] = []
    slots = [LOOP, slot("lunch", "c", when=part("11:00", "12:02")), slot("sale", "d", share=30, per_hour=20)]
    alarm = slot("quake", "y", emergency=True, when=part("12:01", "12:05"))

    def load(n: int, *more: Slot) -> None:
        loaded[:] = [*slots[: 1 + n % 3], *more]
        day.load(*loaded, version=str(len(seen)), regions=(MAIN, SIDE) if n > 3 else ())

    does: dict[str, Callable[[int], object]] = {
        "pass": lambda _: None,
        "show": lambda n: day.show(f"p{n}", 2000 + 1000 * n),
        "clear": lambda n: day.programme.clear(f"p{n}", day.now),
        "load": lambda n: load(n),
        "alarm": lambda n: load(n, alarm),
        "rest": lambda _: day.programme.rest(day.now),
        "wake": lambda _: day.programme.wake(day.now),
        "jump": lambda n: setattr(day, "noon", NOON + timedelta(days=400 * (n - 2), minutes=n)),
        "part": lambda n: load(4 + n % 2),
    }
    for act, wait, number in acts:
        day.now += wait
        does[act](number)
        if act == "jump":
            day.programme.retime(day.now)
        day.programme.advance(day.now)
        resting = act == "rest" or (resting and act != "wake")
        turns = day.programme.turns
        assert bool(turns) != resting
        assert len({turn.region for turn in turns}) == len(turns)
        assert COVER not in day.on or len(turns) == 1
        assert all(turn.until > day.now for turn in turns)
        assert day.programme.until > day.now
        local = (day.noon + timedelta(seconds=day.now, hours=9)).strftime("%H:%M")
        names = {one.campaign for one in loaded}
        for turn in turns:
            assert turn.scene.scene != "c" or (turn.campaign in names and "11:00" <= local < "12:02")
            assert turn.cause != "override" or (alarm in loaded and "12:01" <= local < "12:05")
        if alarm in loaded and "12:01" <= local < "12:05" and not resting:
            assert day.on == {COVER: "y"}
        ended += [turn for turn, _ in day.programme.ended()]
        seen += [turn.number for turn in turns if turn.number not in seen]
        on_now = {turn.number for turn in turns}
        assert len(set(ended)) == len(ended)
        assert set(seen) - on_now <= set(ended)
        assert not on_now & set(ended)


def test_an_emergency_that_comes_while_it_rests_is_known_and_goes_on_when_it_wakes(day: Day) -> None:
    begins = part("12:05", "12:10")
    day.load(LOOP, slot("quake", "c", emergency=True, when=begins))
    day.programme.rest(day.now)
    assert (day.programme.until, day.programme.alarmed(day.now)) == (300, False)
    day.pass_(300)
    assert (day.on, day.programme.alarmed(day.now)) == ({}, True)
    day.programme.wake(day.now)
    assert day.on == {COVER: "c"}


def test_a_machine_whose_clock_is_set_without_a_word_plays_by_the_new_time(day: Day) -> None:
    day.load(LOOP, slot("quake", "c", emergency=True, when=part("14:00", "15:00")))
    day.noon += timedelta(hours=2, minutes=30)
    day.pass_(1)
    assert day.on == {COVER: "c"}
    day.noon -= timedelta(days=3650)
    day.noon = day.noon.replace(hour=3)
    day.pass_(1)
    assert day.main == "a"


def test_at_the_end_of_a_day_part_nothing_is_begun_for_an_instant(day: Day) -> None:
    day.noon -= timedelta(milliseconds=5)  # The clock is slowed: when the turn should end, it is not yet due to.
    day.load(LOOP, slot("noon", "c", seconds=10, when=part("11:00", "12:05")))
    day.pass_(290)
    for _ in range(4):
        day.pass_(max(0.0, min(day.programme.until - day.now, 10 - 0.005)))
    shown = [day.main]
    while day.now < 320:
        day.pass_(day.programme.until - day.now)
        shown.append(day.main)
    assert "c" not in shown[1:]


def test_another_list_in_one_part_interrupts_nothing_in_the_others(day: Day) -> None:
    day.load(LOOP, regions=(MAIN, SIDE, CLOCK))
    day.pass_(1)
    before = {turn.region: turn.number for turn in day.programme.turns}
    day.load(LOOP, version="v2", regions=(MAIN, replace(SIDE, scenes=("y", "x", "d")), CLOCK))
    assert {turn.region: turn.number for turn in day.programme.turns} == before
    day.load(LOOP, version="v3", regions=(replace(MAIN, at=(0, 0, 700, 900)), SIDE))
    assert day.on == {"main": "a", "side": "x"}
    after = {turn.region: turn.number for turn in day.programme.turns}
    assert after["main"] != before["main"]
    assert after["side"] == before["side"]


def test_what_goes_on_after_an_interruption_says_so(day: Day) -> None:
    day.load(slot("noon", "c", seconds=20))
    assert [turn.again for turn in day.programme.turns] == [False]
    day.pass_(5)
    day.show(hold_ms=2000)
    day.pass_(2)
    assert [(turn.scene.scene, turn.again) for turn in day.programme.turns] == [("c", True)]
    day.pass_(15)
    assert [turn.again for turn in day.programme.turns] == [False]
