"""Trouble excuses what could not be, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_cases import (
    LATER,
    LOOP,
    ONE,
    SCREENS,
    SHELF,
    START,
    TILL,
    TWO,
    WAYS,
    counts,
    expected,
    greeting,
    judged,
    scenario,
    scene,
    trouble,
    visit,
)

from central.judge.carries import Carries
from central.judge.journals import Names, read
from central.judge.spans import EVER, Spans, longer, outside
from central.judge.troubles import CATCHES_UP_S, PROPAGATES_S, STARTS_S, Trouble, Troubles, What
from central.scenario import Bearer, Change, Scenario


@pytest.mark.parametrize(
    "torn", [b'{"event":"shown","at_ns":1', b"", b"[]", b'{"event":"shown","at_ns":1,"screen":"\xff"}']
)
def test_a_line_that_says_nothing_is_excused_by_a_kill_of_its_player(torn: bytes) -> None:
    journal = [*LOOP, torn, *scene(13, 30, to=("c-1",))]
    verdict = judged(SHELF, journal)
    assert counts(verdict) == {"should": 1, "unreadable": 1}
    assert [(each.what, each.screen) for each in verdict.findings] == [("unreadable", "ginza-shelf")]
    verdict = judged(SHELF, journal, troubles=(trouble("player", 4, 8),))
    assert (verdict.unreadable, verdict.torn) == (0, 1)
    for other in (trouble("player", 4, 8, screen="ginza-till"), trouble("agent", 4, 8), trouble("disk", 4, 8)):
        assert judged(SHELF, journal, troubles=(other,)).unreadable == 1


def test_a_kill_tears_one_line() -> None:
    verdict = judged(SHELF, [*LOOP, b"{", b"{", b"{"], troubles=(trouble("player", 4, 8), trouble("player", 9, 12)))
    assert (verdict.unreadable, verdict.torn) == (1, 2)


def test_a_journal_of_a_strange_screen_says_nothing() -> None:
    assert judged(SHELF, LOOP, scene(1, 2, screen="attic")).unreadable == 1
    assert judged(SHELF, [*LOOP, *scene(4, 5, screen="ginza-till")]).unreadable == 2
    assert judged(SHELF, [b"{"]).unreadable == 1


# A killed player.


def ends(lines: list[bytes], *troubles: Trouble) -> list[tuple[float, float]]:
    journal = read(lines, Names({}), lambda _, carry: Carries({}).open(carry, ""), Troubles(troubles), START, 60.0)
    return [(round(each.begin, 3), round(each.end, 3)) for each in journal.shown]


def test_a_killed_player_shows_nothing() -> None:
    lines = scene(13, None, to=("c-1",)) + LATER
    assert ends(lines) == [(13, 50), (50, 52)]
    assert ends(lines, trouble("player", 20, 23)) == [(13, 20), (50, 52)]
    assert counts(judged(SHELF, lines)) == {"should": 1, "after_leaving": 1}
    assert counts(judged(SHELF, lines, troubles=(trouble("player", 20, 23),))) == {"should": 1}


def test_nor_if_it_never_comes_back() -> None:
    assert ends(scene(13, None), trouble("player", 20, EVER)) == [(13, 20)]


def test_two_kills_in_a_row() -> None:
    lines = scene(13, None) + scene(23, None) + LATER
    both = trouble("player", 20, 23.1), trouble("player", 30, 33)
    assert ends(lines, *both) == [(13, 20), (23, 30), (50, 52)]
    assert ends(lines, both[1]) == [(13, 23), (23, 30), (50, 52)]
    before_a_frame = trouble("player", 20, 49), trouble("player", 22, 49)
    assert ends(scene(13, None) + LATER, *before_a_frame) == [(13, 20), (50, 52)]


def test_a_kill_between_scenes_or_before_the_first_ends_none() -> None:
    lines = scene(13, 15) + scene(20, 28) + LATER
    assert ends(lines, trouble("player", 16, 19)) == [(13, 15), (20, 28), (50, 52)]
    assert ends(lines, trouble("player", 2, 5)) == [(13, 15), (20, 28), (50, 52)]
    assert ends(scene(13, None) + LATER, trouble("player", 10, 12)) == [(13, 50), (50, 52)]


def test_a_scene_that_began_as_its_player_was_killed_is_over() -> None:
    assert ends(scene(20.05, None) + LATER, trouble("player", 20, 23)) == [(20.05, 20.05), (50, 52)]


def test_only_what_stands_in_the_judged_time_counts() -> None:
    assert ends(scene(-5, -1) + scene(-1, 5) + scene(5, 61) + scene(61, 65)) == [(0, 5), (5, 60)]
    assert ends(scene(55, None) + scene(61, 65)) == [(55, 60)]
    assert ends(scene(55, None), trouble("player", 62, 65)) == [(55, 60)]


def test_a_kill_is_of_one_screen() -> None:
    assert ends(scene(13, None) + LATER, trouble("player", 20, 23, screen="ginza-till")) == [(13, 50), (50, 52)]
    assert ends(scene(13, None) + LATER, trouble("agent", 20, 23)) == [(13, 50), (50, 52)]


# A killed agent.


@pytest.mark.parametrize(("end", "late"), [(47.5, 0), (48.5, 1)])
def test_what_a_killed_agent_leaves_may_stand_for_its_time(end: float, late: int) -> None:
    lines = scene(35, end, to=("c-1",), hold=12)
    assert judged(SHELF, lines, troubles=(trouble("agent", 36, 38),)).after_leaving == late


def test_only_what_a_killed_agent_leaves() -> None:
    lines = scene(35, 46, to=("c-1",), hold=12)
    assert judged(SHELF, lines).after_leaving == 1
    for other in (
        trouble("agent", 30, 33),
        trouble("agent", 47, 49),
        trouble("agent", 36, 38, store="ueno"),
        trouble("network", 36, 38),
        trouble("central", 36, 38),
    ):
        assert judged(SHELF, lines, troubles=(other,)).after_leaving == 1
    assert judged(SHELF, scene(35, 46, to=("c-1",)), troubles=(trouble("agent", 36, 38),)).after_leaving == 1


def test_a_name_goes_before_somebody_else_whoever_was_killed() -> None:
    play = scenario(visit("s-1", till=(20, 31), code="2000000000015"), visit("s-2", till=(22, 31)), bearers=TWO)
    lines = greeting(21.2, 29, "さくらさま", to="c-1", hold=8)
    assert judged(play, lines, troubles=(trouble("agent", 22, 25),)).wrong_person == 1


# What reaches a store.


def withdrawal(at: float) -> Scenario:
    change = Change(at=at, done=at + 0.1, customer="c-1", purpose="signage", gives=False)
    return scenario(visit("s-1", shelf=(2, 59)), bearers=ONE, changes=(change,))


def stood_until(end: float, play: Scenario, *troubles: Trouble) -> int:
    return judged(play, scene(8, end, to=("c-1",)), troubles=troubles).without_consent


@pytest.mark.parametrize("what", WAYS)
@pytest.mark.parametrize("changed", [16.0, 21.0, 27.0])
def test_a_withdrawal_in_trouble_counts_from_its_end(what: What, changed: float) -> None:
    """Also one that the trouble has met on its way, or that came while the store caught up."""
    broken = trouble(what, 20, 25)
    acts = max(25 + CATCHES_UP_S, changed + 0.1 + PROPAGATES_S)
    assert stood_until(acts + 0.05, withdrawal(changed), broken) == 0
    assert stood_until(acts + 0.2, withdrawal(changed), broken) == 1


def test_a_withdrawal_before_or_after_a_trouble_is_acted_on_as_ever() -> None:
    for changed in (14.5, 34.5):
        assert stood_until(changed + 0.4 + PROPAGATES_S, withdrawal(changed), trouble("network", 20, 25)) == 1


def test_an_agent_that_starts_has_soon_caught_up() -> None:
    assert stood_until(28 + STARTS_S, withdrawal(21), trouble("agent", 20, 28)) == 0
    assert stood_until(28.2 + STARTS_S, withdrawal(21), trouble("agent", 20, 28)) == 1


def test_who_had_no_trouble_gets_no_longer() -> None:
    for other in (
        trouble("network", 20, 25, store="ueno"),
        trouble("agent", 20, 25, store="ueno"),
        trouble("player", 20, 25, screen="ginza-till"),
        trouble("disk", 20, 25),
    ):
        assert stood_until(27, withdrawal(21), other) == 1


def test_troubles_that_touch_are_one() -> None:
    """The second one begins before the store has caught up from the first."""
    one, other = trouble("broker", 20, 21), trouble("network", 28, 31)
    assert stood_until(31 + CATCHES_UP_S, withdrawal(20.5), one, other) == 0
    assert stood_until(31.2 + CATCHES_UP_S, withdrawal(20.5), one, other) == 1
    assert stood_until(21.2 + CATCHES_UP_S, withdrawal(20.5), one, trouble("network", 29.3, 31)) == 1
    assert stood_until(31 + CATCHES_UP_S, withdrawal(20.5), trouble("network", 20, 31), one) == 0


def test_a_line_that_stays_cut_brings_nothing() -> None:
    assert stood_until(60, withdrawal(21), trouble("network", 20, EVER)) == 0
    assert stood_until(60, withdrawal(21), trouble("network", 20, 25)) == 1


def test_what_is_given_in_trouble_is_expected_only_after_it() -> None:
    changes = (Change(at=12.0, done=12.1, customer="c-4", purpose="signage", gives=True),)
    bearers = {"s-1": Bearer(role="gives", customer="c-4", beacon=True)}
    play = scenario(visit("s-1", shelf=(10, 35)), bearers=bearers, changes=changes)
    assert counts(judged(play, LOOP)) == {"should": 1, "missed": 1}
    assert counts(judged(play, LOOP, troubles=(trouble("central", 14, 21),))) == {}
    assert counts(judged(play, LOOP, troubles=(trouble("network", 14, EVER),))) == {}
    assert counts(judged(play, LOOP, troubles=(trouble("central", 14, 18),))) == {"should": 1, "missed": 1}
    assert counts(judged(play, scene(11, 28, to=("c-4",)), troubles=(trouble("central", 14, 21),))) == {
        "without_consent": 1
    }


def test_nor_is_a_code_answered_by_who_has_not_heard() -> None:
    change = Change(at=5.0, done=5.1, customer="c-4", purpose="signage", gives=True)
    bearers = {"s-1": Bearer(role="gives", customer="c-4", beacon=True)}
    came = visit("s-1", till=(20, 31), code="2000000000046")
    assert expected(scenario(came, bearers=bearers)) == (0, 0)
    play = scenario(came, bearers=bearers, changes=(change,))
    assert expected(play) == (1, 1)
    assert expected(play, trouble("network", 6, EVER)) == (0, 0)


def test_of_whom_a_store_has_not_heard_a_name_need_not_go() -> None:
    """Their consent to be known by their beacon was given while the store was cut off."""
    changes = (Change(at=3.0, done=3.1, customer="c-3", purpose="presence", gives=True),)
    bearers = ONE | {"s-2": Bearer(role="gives", customer="c-3", beacon=True)}
    play = scenario(
        visit("s-1", till=(20, 31), code="2000000000015"), visit("s-2", till=(5, 31)), bearers=bearers, changes=changes
    )
    lines = greeting(21.2, 29, "さくらさま", to="c-1")
    assert judged(play, lines).wrong_person == 1
    assert judged(play, lines, troubles=(trouble("network", 2, 16.5),)).wrong_person == 0
    assert judged(play, lines, troubles=(trouble("network", 2, 15),)).wrong_person == 1


# What could not be expected.


@pytest.mark.parametrize(
    "excused",
    [
        trouble("agent", 12, 17.5),  # Ready at 17.5, connected within 1 s, and then it has to find them.
        trouble("agent", 9, EVER),
        trouble("player", 15, 23.5),
        trouble("disk", 12, 13),
        *(trouble(what, 9, 10) for what in WAYS),
        *(trouble(what, 9, 16.5) for what in WAYS),  # Who is back a moment before we see it knows nobody.
    ],
)
def test_what_could_not_be_shown_is_not_missed(excused: Trouble) -> None:
    assert expected(SHELF, excused) == (0, 0)


@pytest.mark.parametrize(
    "no_excuse",
    [
        trouble("agent", 12, 16.5),  # There was still time to find them.
        trouble("agent", 16.5, 23.9),  # There had been.
        trouble("agent", 9, EVER, store="ueno"),
        trouble("player", 15, 22.5),
        trouble("player", 9, EVER, screen="ginza-till"),
        trouble("disk", 1, 8.5),
        *(trouble(what, 2, 8.5) for what in WAYS),
        *(trouble(what, 9, EVER) for what in WAYS),  # The store goes on alone.
        *(trouble(what, 9, 18) for what in WAYS),
    ],
)
def test_what_could_be_is(no_excuse: Trouble) -> None:
    assert expected(SHELF, no_excuse) == (1, 1)
    assert expected(SHELF, no_excuse, lines=scene(14, 30, to=("c-1",))) == (1, 0)


def test_a_line_cut_again_before_the_store_has_caught_up() -> None:
    """It was connected from the first join on, and knew nobody all through the second cut."""
    play = scenario(visit("s-1", shelf=(15, 40)), bearers=ONE)
    assert expected(play, trouble("network", 5, 10), trouble("network", 18, 26)) == (0, 0)
    assert expected(play, trouble("network", 5, 10), trouble("network", 20, 30)) == (1, 1)


@pytest.mark.parametrize(
    ("broken", "should"),
    [
        (trouble("agent", 8, 10.5), 0),
        (trouble("agent", 8, 9.9), 1),
        (trouble("agent", 12.5, 15), 0),
        (trouble("agent", 13.1, 15), 1),
        (trouble("player", 9, 10.5, screen="ginza-till"), 0),
        (trouble("player", 9, 10.5), 1),
        (trouble("network", 2, 3.1), 0),
        (trouble("network", 2, 2.9), 1),
        (trouble("broker", 2, EVER), 1),
    ],
)
def test_a_code_shown_in_trouble_need_not_be_answered(broken: Trouble, should: int) -> None:
    assert expected(TILL, broken) == (should, should)


def test_who_has_just_come_back_need_not_say_a_name() -> None:
    nameless = greeting(11.2, 19, "いらっしゃいませ", to="c-1", level=1)
    assert expected(TILL, lines=nameless) == (1, 1)
    for soon in (trouble("agent", 2, 5), trouble("network", 0, 1)):
        assert expected(TILL, soon, lines=nameless) == (1, 0)
    for long in (trouble("agent", 1, 3.9), trouble("network", -9, -4.1)):
        assert expected(TILL, long, lines=nameless) == (1, 1)
    beside = scenario(visit("s-1", till=(10, 21), code="2000000000015"), visit("s-2", till=(2, 21)), bearers=TWO)
    assert (
        judged(beside, greeting(11.2, 19, "さくらさま", to="c-1"), troubles=(trouble("agent", 2, 5),)).wrong_person == 1
    )


# Whatever happens.

SECONDS = st.integers(0, 59).map(float)
TROUBLES = st.lists(
    st.builds(
        lambda what, begin, lasts, store: trouble(what, begin, begin + lasts, store=store),
        st.sampled_from(("agent", "network", "broker", "central", "disk")),
        SECONDS,
        st.sampled_from((0.5, 3.0, 12.0, EVER)),
        st.sampled_from(("ginza", "ginza", "ueno")),
    ),
    max_size=5,
).map(tuple)


@st.composite
def plays(draw: st.DrawFn) -> tuple[Scenario, list[bytes], list[bytes]]:
    """Two people somewhere, and scenes for anybody at any time."""
    visits = []
    for shopper, number in (("s-1", "2000000000015"), ("s-2", "2000000000022")):
        begin, at_shelf, at_till = draw(SECONDS), draw(st.integers(1, 25)), draw(st.integers(4, 25))
        shelf = (begin, begin + at_shelf)
        visits.append(visit(shopper, shelf=shelf, till=(shelf[1], shelf[1] + at_till), code=number))
    begins = [draw(st.lists(SECONDS, max_size=4, unique=True)) for _ in SCREENS]
    who = st.sampled_from(("c-1", "c-2"))
    named = st.sampled_from(("さくらさま", "ハルさま", "いらっしゃいませ"))
    shelf_lines = [line for begin in sorted(begins[0]) for line in scene(begin, None, to=(draw(who),), hold=12)]
    till_lines = [
        line for begin in sorted(begins[1]) for line in greeting(begin, None, draw(named), to=draw(who), hold=8)
    ]
    return scenario(*visits, bearers=TWO), shelf_lines, till_lines


@settings(max_examples=150)
@given(plays(), TROUBLES, TROUBLES)
def test_trouble_only_excuses(
    play: tuple[Scenario, list[bytes], list[bytes]], some: tuple[Trouble, ...], more: tuple[Trouble, ...]
) -> None:
    before, after = (judged(*play, troubles=troubles) for troubles in (some, some + more))
    assert after.missed <= before.missed
    assert after.should <= before.should
    assert after.after_leaving <= before.after_leaving
    assert after.without_consent <= before.without_consent
    for never in ("wrong_person", "private", "frozen", "worst_frozen_s", "unreadable", "scenes"):
        assert getattr(after, never) == getattr(before, never)


@settings(max_examples=150)
@given(TROUBLES, st.lists(SECONDS, min_size=2, max_size=2).map(sorted))
def test_a_store_acts_in_order_and_at_a_time_without_trouble(
    troubles: tuple[Trouble, ...], moments: list[float]
) -> None:
    known = Troubles(troubles)
    first, second = (known.acts("ginza", moment) for moment in moments)
    assert moments[0] + PROPAGATES_S <= first <= second
    mine = [one for one in troubles if one.what != "disk" and one.store in ("", "ginza")]
    assert all(first <= one.begin or first >= one.end for one in mine)
    if not any(one.begin <= moments[0] + PROPAGATES_S and moments[0] <= one.end + CATCHES_UP_S for one in mine):
        assert first == moments[0] + PROPAGATES_S


@given(TROUBLES)
def test_a_store_sees_again_when_it_has_caught_up_and_while_it_is_alone(troubles: tuple[Trouble, ...]) -> None:
    blind = Troubles(troubles).blind("ginza")
    mine = [one for one in troubles if one.store in ("", "ginza")]
    ever: Spans = tuple((one.begin, one.end + CATCHES_UP_S) for one in mine)
    assert outside(blind, longer(ever)) == ()
    if all(one.end >= EVER and one.what in WAYS for one in mine):
        assert all(begin > EVER / 2 for begin, _ in blind)
