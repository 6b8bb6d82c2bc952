"""The judge is right about a good run, and finds each kind of wrong in a doctored one."""

import pytest
from judge_cases import (
    LATER,
    LOOP,
    ONE,
    RADIO,
    SHELF,
    TILL,
    TWO,
    counts,
    greeting,
    judged,
    scenario,
    scene,
    trouble,
    visit,
)

from central.scenario import Bearer, Change, Shopper, Show, Stay


def test_a_good_run_has_only_zeros() -> None:
    play = scenario(visit("s-1", shelf=(10, 24), till=(24, 35), code="2000000000015"), bearers=ONE)
    verdict = judged(
        play,
        [*LOOP, *scene(13, 30, "こちらはいかがですか", to=("c-1",))],
        greeting(25.2, 33.2, "さくらさま、いらっしゃいませ", to="c-1"),
    )
    assert counts(verdict) == {"should": 2}
    assert (verdict.scenes, verdict.personal_scenes, verdict.first_personal_s) == (3, 2, 13.0)
    assert verdict.findings == ()


def test_nothing_shown_is_a_miss_each() -> None:
    play = scenario(visit("s-1", shelf=(10, 24), till=(24, 35), code="2000000000015"), bearers=ONE)
    assert counts(judged(play, LOOP)) == {"should": 2, "missed": 2}


@pytest.mark.parametrize(("shelf", "should"), [((10, 15.9), 0), ((10, 16.5), 1), ((55, 62), 0)])
def test_who_stays_for_a_moment_need_see_nothing(shelf: tuple[float, float], should: int) -> None:
    verdict = judged(scenario(visit("s-1", shelf=shelf), bearers=ONE), LOOP)
    assert (verdict.should, verdict.missed) == (should, should)


def test_too_late_is_missed() -> None:
    assert counts(judged(SHELF, scene(24.5, 30, to=("c-1",)))) == {"should": 1, "missed": 1}
    assert counts(judged(TILL, greeting(13.5, 20, "さくらさま", to="c-1"))) == {"should": 1, "missed": 1}


def test_somebody_elses_scene_on_the_way_in_is_the_wrong_persons() -> None:
    assert counts(judged(SHELF, scene(9, 20, to=("c-1",)))) == {"should": 1, "wrong_person": 1}
    assert counts(judged(SHELF, scene(13, 20, to=("c-1", "c-2")))) == {"should": 1, "wrong_person": 1}


def test_a_personal_scene_for_nobody_is_wrong() -> None:
    assert judged(SHELF, scene(13, 20)).wrong_person == 1


@pytest.mark.parametrize(
    "text", ["ハルさま、いらっしゃいませ", "Welcome, ハル", "ハル", "ハルさんへ", "お客様：ハル様"]
)
def test_a_name_is_found_in_the_texts_whatever_the_carry_says(text: str) -> None:
    verdict = judged(TILL, greeting(11.2, 19, text, to="c-1"))
    assert verdict.wrong_person == 1


def test_a_name_in_the_loop_is_found() -> None:
    assert judged(SHELF, scene(3, 6, "さくらさま", cause="schedule", layout="campaign", level=0)).wrong_person == 1


def test_a_name_without_a_code_is_wrong() -> None:
    assert judged(SHELF, scene(13, 20, "さくらさま", to=("c-1",))).wrong_person == 1


def test_no_group_no_name() -> None:
    play = scenario(visit("s-1", till=(20, 31), code="2000000000015"), visit("s-2", till=(12, 31)), bearers=TWO)
    assert counts(judged(play, greeting(21.2, 29, "さくらさま", to="c-1"))) == {"should": 1, "wrong_person": 1}
    assert counts(judged(play, greeting(21.2, 29, "いらっしゃいませ", to="c-1", level=1))) == {"should": 1}


def test_a_name_stays_no_longer_than_the_reaction_when_somebody_steps_in() -> None:
    play = scenario(visit("s-1", till=(20, 31), code="2000000000015"), visit("s-2", till=(22, 31)), bearers=TWO)
    assert counts(judged(play, greeting(21.2, 26.5, "さくらさま", to="c-1"))) == {"should": 1}
    assert counts(judged(play, greeting(21.2, 29, "さくらさま", to="c-1"))) == {"should": 1, "wrong_person": 1}


def test_who_is_nobody_here_does_not_cost_a_name() -> None:
    """No consent to presence, no beacon on the air, or a member whom this store does not know."""
    bearers = ONE | {
        "s-2": Bearer(role="no-presence", customer="c-3", beacon=True),
        "s-3": Bearer(role="card-only", customer="c-2", beacon=False),
        "s-4": Bearer(role="elsewhere", customer="c-5", beacon=True),
        "s-5": Bearer(role="nobody"),
    }
    beside = [visit(f"s-{number}", till=(5, 31)) for number in (2, 3, 4, 5)]
    play = scenario(visit("s-1", till=(20, 31), code="2000000000015"), *beside, bearers=bearers)
    assert counts(judged(play, greeting(21.2, 29, "さくらさま", to="c-1"))) == {"should": 1}


def test_alone_and_nameless_is_a_miss() -> None:
    assert counts(judged(TILL, greeting(11.2, 19, "いらっしゃいませ", to="c-1", level=1))) == {
        "should": 1,
        "missed": 1,
    }


def test_without_consent_by_purpose() -> None:
    bearers = {"s-1": Bearer(role="no-signage", customer="c-4", beacon=True)}
    play = scenario(visit("s-1", shelf=(10, 24)), bearers=bearers)
    assert counts(judged(play, scene(13, 20, to=("c-4",)))) == {"without_consent": 1}
    bearers = {"s-1": Bearer(role="no-presence", customer="c-3", beacon=True)}
    play = scenario(visit("s-1", shelf=(10, 24), till=(24, 33), code="2000000000039"), bearers=bearers)
    assert counts(judged(play, scene(13, 20, to=("c-3",)), greeting(25.3, 31, "Welcome, Ken", to="c-3"))) == {
        "without_consent": 1,
        "should": 1,
    }


@pytest.mark.parametrize(("end", "against"), [(24.0, 0), (26.0, 1), (None, 1)])
def test_a_withdrawal_ends_what_is_shown(end: float | None, against: int) -> None:
    change = Change(at=18.0, done=19.5, customer="c-1", purpose="signage", gives=False)
    play = scenario(visit("s-1", shelf=(10, 40)), bearers=ONE, changes=(change,))
    verdict = judged(play, scene(13, end, to=("c-1",)), seconds=40)
    assert (verdict.without_consent, verdict.should, verdict.missed) == (against, 1, 0)


def test_what_is_given_is_expected_only_after_it_has_spread() -> None:
    changes = (Change(at=12.0, done=13.0, customer="c-4", purpose="signage", gives=True),)
    bearers = {"s-1": Bearer(role="gives", customer="c-4", beacon=True)}
    short = scenario(visit("s-1", shelf=(10, 23)), bearers=bearers, changes=changes)
    assert counts(judged(short, LOOP)) == {}
    long = scenario(visit("s-1", shelf=(10, 30)), bearers=bearers, changes=changes)
    assert counts(judged(long, LOOP)) == {"should": 1, "missed": 1}
    assert counts(judged(long, scene(12.5, 28, to=("c-4",)))) == {"should": 1}
    assert counts(judged(long, scene(19.5, 23, to=("c-4",)))) == {"should": 1, "missed": 1}
    assert counts(judged(long, scene(11, 28, to=("c-4",)))) == {"should": 1, "without_consent": 1}


@pytest.mark.parametrize(("end", "late"), [(39.5, 0), (40.5, 1)])
def test_after_leaving_the_shelf(end: float, late: int) -> None:
    assert judged(SHELF, scene(13, end, to=("c-1",))).after_leaving == late


@pytest.mark.parametrize(("end", "late"), [(29.5, 0), (30.5, 1)])
def test_after_leaving_the_till(end: float, late: int) -> None:
    assert judged(TILL, greeting(11.2, end, "さくらさま", to="c-1")).after_leaving == late


def test_who_comes_back_has_not_left() -> None:
    back = Shopper(
        shopper="s-1",
        beacons=(RADIO,),
        stays=(Stay(zone="shelf", begin=10, end=20), Stay(zone="shelf", begin=35, end=50)),
    )
    assert judged(scenario(back, bearers=ONE), scene(13, 50, to=("c-1",))).after_leaving == 0


def test_the_next_scene_ends_the_one_before_and_the_end_of_the_run_the_last() -> None:
    lines = scene(13, None, to=("c-1",)) + scene(30, None, "本日", cause="schedule", layout="campaign", level=0)
    assert counts(judged(SHELF, lines)) == {"should": 1}
    assert judged(SHELF, scene(13, None, to=("c-1",)), seconds=30).after_leaving == 0
    assert judged(SHELF, scene(13, None, to=("c-1",)), seconds=50).after_leaving == 1


def test_what_began_before_the_scenario_is_nobodys() -> None:
    assert judged(SHELF, scene(-3, -1, to=("c-1",)), LOOP).scenes == 1


def test_a_code_that_is_not_theirs_or_shown_for_a_moment_expects_nothing() -> None:
    play = scenario(visit("s-1", till=(10, 21), code="4900000000016"), bearers=ONE)
    assert judged(play, LOOP).should == 0
    moment = Show(reader="till-camera", begin=12, end=12.5, format="QRCode", content="2000000000015", own=True)
    shopper = Shopper(shopper="s-1", stays=(Stay(zone="till", begin=10, end=20),), shows=(moment,))
    assert judged(scenario(shopper, bearers=ONE), LOOP).should == 0


def test_whom_a_store_has_not_heard_of_it_need_not_greet() -> None:
    # It asks central, which may be away: then the greeting names nobody.
    bearers = {"s-5": Bearer(role="member", customer="c-5")}
    assert judged(scenario(visit("s-5", till=(10, 21), code="2000000000053"), bearers=bearers), LOOP).should == 0


# A scene that stands too long.


@pytest.mark.parametrize(("end", "frozen", "over"), [(25.0, 0, 0.0), (26.5, 0, 1.5), (27.5, 1, 2.5), (None, 1, 35.0)])
def test_a_scene_that_stands_longer_than_it_was_to_is_frozen(end: float | None, frozen: int, over: float) -> None:
    verdict = judged(SHELF, scene(13, end, to=("c-1",), hold=12))
    assert (verdict.frozen, verdict.worst_frozen_s) == (frozen, over)
    assert [each.at for each in verdict.findings if each.what == "frozen"] == [25.0] * frozen


@pytest.mark.parametrize("hold", [None, 0.0])
def test_what_may_stand_for_ever_or_nobody_knows_how_long_is_not(hold: float | None) -> None:
    verdict = judged(SHELF, scene(1, None, cause="schedule", layout="campaign", level=0, hold=hold))
    assert (verdict.frozen, verdict.worst_frozen_s) == (0, 0.0)


def test_the_loop_can_freeze_too_and_has_since_before_the_beginning() -> None:
    assert judged(SHELF, scene(-20, 5, cause="schedule", layout="campaign", level=0, hold=8)).worst_frozen_s == 17


def test_a_dead_player_does_not_freeze() -> None:
    lines = scene(13, None, to=("c-1",), hold=12) + LATER
    assert judged(SHELF, lines).worst_frozen_s == 25
    assert judged(SHELF, lines, troubles=(trouble("player", 20, 23),)).worst_frozen_s == 0
    assert judged(SHELF, lines, troubles=(trouble("player", 26, 29),)).worst_frozen_s == 1
    assert judged(SHELF, lines, troubles=(trouble("agent", 20, 23),)).frozen == 1


# What is nobody else's business.


def test_what_somebody_bought_is_shown_after_a_code_only() -> None:
    assert counts(judged(SHELF, scene(13, 20, to=("c-1",), items=("beans", "tea")))) == {"should": 1, "private": 1}
    assert counts(judged(SHELF, scene(13, 20, to=("c-1",), items=("beans",)))) == {"should": 1}
    assert judged(TILL, greeting(11.2, 19, "さくらさま", to="c-1", items=("tea",))).private == 0
    assert judged(TILL, greeting(11.2, 19, "いらっしゃいませ", to="c-1", items=("tea",), level=1)).private == 1
    assert judged(SHELF, scene(13, 20, to=("c-1",), items=("tea",), level=2)).private == 1
    assert judged(SHELF, scene(13, 20, to=("c-2",), items=("tea",))).private == 0
    assert judged(SHELF, scene(13, 20, to=("c-2", "c-1"), items=("tea",))).private == 1


def test_nothing_sensitive_is_shown_whatever_was_shown_to_the_reader() -> None:
    assert judged(SHELF, scene(13, 20, to=("c-2",), items=("beans", "pills"))).private == 1
    assert judged(TILL, greeting(11.2, 19, "さくらさま", to="c-1", items=("pills",))).private == 1
    assert judged(SHELF, scene(1, 3, cause="schedule", layout="campaign", level=0, items=("pills",))).private == 1
