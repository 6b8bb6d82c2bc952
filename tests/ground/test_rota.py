"""What plays when: priorities, shares of a day, most plays an hour, and clocks that jump."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.programme.records import DayPart, Slot, Turn, When
from ground.programme.rota import Choice, Rota

TOKYO = ZoneInfo("Asia/Tokyo")
START = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""Midnight in Tokyo."""
DAY = 86_400


def slot(name: str, *seconds: int, **rest: object) -> Slot:
    turns = tuple(Turn(scene=f"{name}-{index}", seconds=length) for index, length in enumerate(seconds or (8,)))
    return Slot(campaign=name, turns=turns, **rest)  # type: ignore[arg-type]  # The fields of Slot.


def play(rota: Rota, at: datetime, seconds: float, playable: object = None) -> list[tuple[datetime, Choice, float]]:
    """Play on from `at` for so long: each turn, and how long it stood."""
    end, played = at + timedelta(seconds=seconds), []
    while at < end:
        choice = rota.choose(at, playable) if callable(playable) else rota.choose(at)
        if choice is None:
            at += timedelta(seconds=1)
            continue
        stop = min(at + timedelta(seconds=choice.seconds), choice.ends or end, end)
        length = (stop - at).total_seconds()
        rota.played(choice, stop, length)
        played.append((at, choice, length))
        at = stop
    return played


def parts(played: list[tuple[datetime, Choice, float]]) -> dict[str, float]:
    """Which part of the time each had."""
    seconds = Counter[str]()
    for _, choice, length in played:
        seconds[choice.campaign] += length  # type: ignore[assignment]  # A counter of seconds.
    return {name: length / sum(seconds.values()) for name, length in seconds.items()}


def names(played: list[tuple[datetime, Choice, float]]) -> list[str]:
    return [choice.campaign for _, choice, _ in played]


def test_a_higher_priority_without_a_share_takes_all_the_time() -> None:
    rota = Rota([slot("loop", priority=0), slot("sale", priority=5), slot("top", priority=7)], TOKYO)
    assert set(names(play(rota, START, 600))) == {"top"}


def test_what_shares_leave_falls_to_those_without_one_and_else_to_the_next_priority() -> None:
    with_rest = [slot("a", share=40), slot("b"), slot("c"), slot("loop", priority=0)]
    assert parts(play(Rota(with_rest, TOKYO), START, DAY)) == pytest.approx({"a": 0.4, "b": 0.3, "c": 0.3}, abs=0.01)
    falls = [slot("a", share=40), slot("low", 8, priority=3, share=25), slot("loop", priority=0)]
    assert parts(play(Rota(falls, TOKYO), START, DAY)) == pytest.approx({"a": 0.4, "low": 0.25, "loop": 0.35}, abs=0.01)


def test_too_many_shares_get_proportionally_less_and_too_few_alone_are_stretched() -> None:
    many = [slot("a", share=90), slot("b", share=60), slot("loop", priority=0)]
    assert parts(play(Rota(many, TOKYO), START, DAY)) == pytest.approx({"a": 0.6, "b": 0.4}, abs=0.01)
    few = [slot("a", share=10), slot("b", share=20)]
    assert parts(play(Rota(few, TOKYO), START, DAY)) == pytest.approx({"a": 1 / 3, "b": 2 / 3}, abs=0.01)


slots = st.lists(
    st.tuples(
        st.lists(st.integers(2, 60), min_size=1, max_size=3),
        st.integers(0, 3),
        st.none() | st.integers(1, 60),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(slots, st.integers(0, 59))
def test_shares_are_kept_within_one_percent_of_a_day(
    given_slots: list[tuple[list[int], int, int | None]], second: int
) -> None:
    made = [slot(f"c{i}", *seconds, priority=p, share=share) for i, (seconds, p, share) in enumerate(given_slots)]
    made.append(slot("loop", 8, 10, priority=0))
    # The rule once more, with whole numbers of a million.
    wanted, left = dict.fromkeys((one.campaign for one in made), 0.0), 1_000_000.0
    for priority in (3, 2, 1, 0):
        level = [one for one in made if one.priority == priority]
        shares = [one.share * 10_000 for one in level if one.share]
        shrink = left / sum(shares) if shares and sum(shares) > left else 1
        for one in level:
            if one.share:
                wanted[one.campaign] = one.share * 10_000 * shrink
        left -= sum(shares) * shrink
        free = [one for one in level if not one.share]
        for one in free:
            wanted[one.campaign] = left / len(free)
        left = 0 if free else max(left, 0)
    had = parts(play(Rota(made, TOKYO), START + timedelta(seconds=second), DAY))
    for name, part in wanted.items():
        assert had.get(name, 0) == pytest.approx(part / 1_000_000, abs=0.01), (name, wanted, had)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(2, 90), st.none() | st.integers(1, 100), st.integers(2, 50))
def test_no_hour_has_more_plays_than_it_may(most: int, seconds: int, share: int | None, loop: int) -> None:
    rota = Rota([slot("capped", seconds, per_hour=most, share=share), slot("loop", loop, priority=0)], TOKYO)
    began = [at for at, choice, _ in play(rota, START, 4 * 3600) if choice.campaign == "capped"]
    for first, following in zip(began, began[most:], strict=False):
        assert following - first >= timedelta(hours=1)
    if share is None:
        assert len(began) >= 4 * min(most, 3600 // (seconds + loop)) - 1, "what it may, it plays"


def test_the_cap_counts_what_was_played_before_a_restart_and_a_new_playlist() -> None:
    rota = Rota([slot("capped", per_hour=2), slot("loop", priority=0)], TOKYO)
    rota.recall("capped", START - timedelta(minutes=50), START)
    rota.recall("capped", START - timedelta(hours=2), START)
    rota.recall("unknown", START, START)
    assert names(play(rota, START, 600)).count("capped") == 1
    rota.load([slot("loop", priority=0), slot("capped", 9, per_hour=2)], TOKYO)
    at = START + timedelta(seconds=600)
    assert names(play(rota, at, 600)).count("capped") == 1, "the one of fifty minutes ago has left its hour"


def test_turns_come_in_their_order_and_a_new_list_goes_on_after_the_last_one() -> None:
    rota = Rota([slot("loop", 5, 5, 5, priority=0)], TOKYO)
    assert [choice.scene for _, choice, _ in play(rota, START, 10)] == ["loop-0", "loop-1"]
    fewer = Slot(campaign="loop", priority=0, turns=(Turn(scene="new", seconds=5), Turn(scene="loop-1", seconds=5)))
    rota.load([fewer], TOKYO)
    assert [choice.scene for _, choice, _ in play(rota, START + timedelta(seconds=10), 10)] == ["new", "loop-1"]
    twice = Slot(campaign="loop", priority=0, turns=tuple(Turn(scene=name, seconds=5) for name in "abac"))
    again = Rota([twice], TOKYO)
    assert [choice.scene for _, choice, _ in play(again, START, 40)] == list("abacabac")


def test_what_cannot_be_played_is_passed_over_and_does_not_save_time_up() -> None:
    rota = Rota([slot("a", share=50), slot("b", 8, 8), slot("loop", priority=0)], TOKYO)
    assert set(names(play(rota, START, 3600, lambda scene: scene[0] != "a"))) == {"b"}
    later = play(rota, START + timedelta(hours=1), 64)
    assert names(later).count("a") == 4, "no burst"
    scenes = {choice.scene for _, choice, _ in play(rota, START + timedelta(hours=2), 64, lambda scene: scene != "b-1")}
    assert scenes == {"a-0", "b-0"}
    assert rota.choose(START, lambda _: False) is None
    assert Rota([], TOKYO).choose(START) is None


def test_looking_ahead_changes_nothing() -> None:
    rota = Rota([slot("a", share=30), slot("b", 5, 6), slot("loop", priority=0)], TOKYO)
    play(rota, START, 100)
    at = START + timedelta(seconds=100)
    first = rota.choose(at)
    for ahead in (0, 5, 3600, 10**8):
        rota.choose(at + timedelta(seconds=ahead))
    other = rota.copy()
    play(other, at, 1000)
    assert rota.choose(at) == first


def test_a_turn_ends_with_its_slot() -> None:
    noon = When(parts=(DayPart(begins="12:00", ends="12:30"),))
    rota = Rota([slot("lunch", 3600, when=(noon,)), slot("loop", priority=0)], TOKYO)
    at = START + timedelta(hours=12, minutes=10)
    choice = rota.choose(at)
    assert choice is not None
    assert (choice.campaign, choice.ends) == ("lunch", START + timedelta(hours=12, minutes=30))
    loop = rota.choose(START + timedelta(hours=12, minutes=30))
    assert loop is not None
    assert (loop.campaign, loop.ends) == ("loop", None)


def test_what_the_calendar_said_is_not_believed_for_ever() -> None:
    until = When(last=date(2026, 11, 30))
    rota = Rota([slot("sale", when=(until,)), slot("loop", priority=0)], TOKYO)
    for days, name in ((0, "sale"), (5, "sale"), (6.99, "sale"), (7, "loop"), (900, "loop"), (1, "sale")):
        choice = rota.choose(START + timedelta(days=days))
        assert choice is not None
        assert choice.campaign == name
    last = rota.choose(START + timedelta(days=6, hours=23))
    assert last is not None
    assert last.ends == START + timedelta(days=7)


def test_an_emergency_hides_all_else_and_takes_no_time_from_anybody_s_share() -> None:
    quake = When(parts=(DayPart(begins="01:00", ends="02:00"),))
    rota = Rota(
        [
            slot("a", share=50, priority=9),
            slot("b", priority=9),
            slot("quake", priority=1, when=(quake,), emergency=True),
        ],
        TOKYO,
    )
    assert rota.emergency(START) is None
    before = play(rota, START, 3600)
    assert "quake" not in names(before)
    at = START + timedelta(hours=1)
    due = rota.emergency(at)
    assert due is not None
    assert due.campaign == "quake"
    during = play(rota, at, 3600)
    assert set(names(during)) == {"quake"}
    assert all(choice.emergency for _, choice, _ in during)
    assert parts(play(rota, at + timedelta(hours=1), 800)) == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.02)
    assert names(play(rota, at, 60, lambda scene: scene != "quake-0"))[0] in "ab", "better something than nothing"


@pytest.mark.parametrize("years", [-30, -1, 1, 30])
def test_a_clock_that_jumps_by_years_starves_nobody_and_lets_nobody_burst(years: int) -> None:
    made = [slot("a", 8, share=20), slot("b", 12, share=30), slot("capped", per_hour=6), slot("loop", priority=0)]
    rota = Rota(made, TOKYO)
    play(rota, START, 1800)
    at = START + timedelta(days=365 * years)
    jumped = play(rota, at, 3600)
    assert parts(jumped)["a"] == pytest.approx(0.2, abs=0.02)
    assert parts(jumped)["b"] == pytest.approx(0.3, abs=0.02)
    assert 1 <= names(jumped).count("capped") <= 6
    back = play(rota, START + timedelta(seconds=1800), 7200)
    assert parts(back)["a"] == pytest.approx(0.2, abs=0.02)
    assert 1 <= names(back).count("capped") <= 12
    assert max(later - earlier for earlier, later in pairwise(times(back, "a"))) < timedelta(minutes=2)


def times(played: list[tuple[datetime, Choice, float]], name: str) -> list[datetime]:
    return [at for at, choice, _ in played if choice.campaign == name]


def test_a_player_that_hung_for_hours_owes_nobody_those_hours() -> None:
    rota = Rota([slot("a", share=50), slot("b"), slot("loop", priority=0)], TOKYO)
    choice = rota.choose(START)
    assert choice is not None
    rota.played(choice, START + timedelta(hours=5), 5 * 3600)
    rota.played(choice, START, -5)
    following = names(play(rota, START + timedelta(hours=5), 80))
    assert abs(following.count("a") - following.count("b")) <= 1


def test_what_many_owe_who_have_left_does_not_hold_back_who_comes() -> None:
    def at(clock: str, end: str) -> tuple[When]:
        return (When(parts=(DayPart(begins=clock, ends=end),)),)

    brief = [slot(f"c{i}", 60, share=50, when=at(f"10:{i:02}", f"10:{i + 1:02}")) for i in range(30)]
    late = slot("late", share=50, when=at("10:40", "10:50"))
    rota = Rota([*brief, late, slot("loop", priority=0)], TOKYO)
    played = play(rota, START + timedelta(hours=10), 40 * 60)
    assert [name for name in names(played) if name != "loop"] == [one.campaign for one in brief]
    assert parts(play(rota, START + timedelta(hours=10, minutes=40), 600))["late"] == pytest.approx(0.5, abs=0.02)


def test_why_is_a_sentence() -> None:
    rota = Rota([slot("a", share=90), slot("b", share=60), slot("loop", priority=0)], TOKYO)
    choice = rota.choose(START)
    assert choice is not None
    assert choice.why == "priority 5, 60.0% of the time (a share of 90 % in what is left): its turn"
    alone = Rota([slot("loop", priority=0)], TOKYO).choose(START)
    assert alone is not None
    assert alone.why == "priority 0: nothing else may play now"
