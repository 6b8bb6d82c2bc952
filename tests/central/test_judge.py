"""The judge is right about a good run, and finds each kind of wrong in a doctored one."""

import json
from typing import Any

import pytest

from central.judge.truth import Place
from central.judge.verdict import Verdict, judge
from central.scenario import Beacon, Bearer, Change, Known, Scenario, Shopper, Show, Stay, Store, Truth

START = 1000.0
SCREENS = {
    "ginza-shelf": Place(store="ginza", zone="shelf", use="shelf"),
    "ginza-till": Place(store="ginza", zone="till", use="till"),
}
ALL = ("presence", "signage")
RADIO = Beacon(data="020106", address="C0:00:00:00:00:01", interval_ms=200)


def known(nickname: str, *purposes: str, number: str = "", stores: tuple[str, ...] = ("ginza",)) -> Known:
    return Known(number=number, nickname=nickname, language="ja", stores=stores, purposes=purposes)


def visit(
    name: str, *, shelf: tuple[float, float] | None = None, till: tuple[float, float] | None = None, code: str = ""
) -> Shopper:
    stays = [Stay(zone=zone, begin=at[0], end=at[1]) for zone, at in (("shelf", shelf), ("till", till)) if at]
    shows = []
    if till and code:
        shows = [Show(reader="till-camera", begin=till[0] + 1, end=till[0] + 3, format="QRCode", content=code)]
    return Shopper(shopper=name, beacons=(RADIO,), stays=tuple(stays), shows=tuple(shows))


def scenario(*visits: Shopper, bearers: dict[str, Bearer], changes: tuple[Change, ...] = ()) -> Scenario:
    return Scenario(
        name="test",
        seconds=60.0,
        stores={"ginza": Store(shoppers=visits)},
        truth=Truth(
            shoppers=bearers,
            members={
                "c-1": known("さくら", *ALL, number="2000000000015"),
                "c-2": known("ハル", *ALL, number="2000000000022"),
                "c-3": known("Ken", "signage", number="2000000000039"),
                "c-4": known("りん", "presence", number="2000000000046"),
                "c-5": known("ゆき", *ALL, number="2000000000053", stores=("ueno",)),
            },
            changes=changes,
        ),
    )


def at(seconds: float) -> int:
    return int((START + seconds) * 1e9)


def scene(
    begin: float,
    end: float | None,
    *texts: str,
    to: tuple[str, ...] = (),
    level: int = 1,
    screen: str = "ginza-shelf",
    cause: str = "beacon",
    layout: str = "recommendation",
) -> list[bytes]:
    name = f"{screen}-{begin}"
    carry: dict[str, Any] = {"customers": list(to), "level": level}
    shown = {"event": "shown", "at_ns": at(begin), "screen": screen, "scene": name, "layout": layout, "cause": cause}
    lines = [json.dumps(shown | {"texts": texts, "items": [], "carry": carry}).encode()]
    if end is not None:
        ended = {"event": "ended", "at_ns": at(end), "screen": screen, "scene": name, "ended": "over"}
        lines.append(json.dumps(ended).encode())
    return lines


def greeting(begin: float, end: float | None, *texts: str, to: str, level: int = 2) -> list[bytes]:
    return scene(begin, end, *texts, to=(to,), level=level, screen="ginza-till", cause="scan", layout="greeting")


def judged(play: Scenario, *journals: list[bytes], seconds: float = 60.0) -> Verdict:
    return judge(play, SCREENS, journals, start=START, seconds=seconds)


def counts(verdict: Verdict) -> dict[str, int]:
    named = ("wrong_person", "without_consent", "after_leaving", "missed", "should")
    return {name: getattr(verdict, name) for name in named if getattr(verdict, name)}


ONE = {"s-1": Bearer(role="regular", customer="c-1", beacon=True)}
TWO = ONE | {"s-2": Bearer(role="regular", customer="c-2", beacon=True)}
SHELF = scenario(visit("s-1", shelf=(10, 24)), bearers=ONE)
TILL = scenario(visit("s-1", till=(10, 21), code="2000000000015"), bearers=ONE)
LOOP = scene(0, 3, "本日のおすすめ", cause="schedule", layout="campaign", level=0)


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
    moment = Show(reader="till-camera", begin=12, end=12.5, format="QRCode", content="2000000000015")
    shopper = Shopper(shopper="s-1", stays=(Stay(zone="till", begin=10, end=20),), shows=(moment,))
    assert judged(scenario(shopper, bearers=ONE), LOOP).should == 0


def test_torn_lines_and_strange_screens_are_counted() -> None:
    torn = [*LOOP, b'{"event":"shown","at_ns":1', b"", b"[]", *scene(1, 2, screen="attic")]
    assert judged(SHELF, torn).unreadable == 4
