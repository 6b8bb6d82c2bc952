"""Who is in which zone: arrivals, moves and leave-takings out of simulated signals, in simulated time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import Zone
from edge.model import Change, CustomerId, Sighting, ZoneId
from edge.presence import FORGET, LONGEST, SHORTEST, Presence

ANNA, BEN = CustomerId("anna"), CustomerId("ben")
SHELF, TILL, DOOR = ZoneId("shelf"), ZoneId("till"), ZoneId("door")
ZONES = (SHELF, TILL, DOOR)
Levels = Sequence[float | None]
"""Mean dBm in each of ZONES; None where nothing is heard."""


def presence(most: int = 100) -> Presence:
    numbers = count(1)
    return Presence([Zone(zone=zone) for zone in ZONES], new_visit=lambda: f"visit-{next(numbers)}", most=most)


def heard(at: float, zone: ZoneId, rssi: int | None, customer: CustomerId = ANNA, receiver: str = "") -> Sighting:
    return Sighting(at=at, customer=customer, receiver=receiver or f"radio-{zone}", zone=zone, rssi=rssi)


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.what, change.zone) for change in changes]


def walk(
    where: Callable[[float], Levels | None],
    seconds: float,
    seed: int,
    *,
    interval: float = 1.0,
    loss: float = 0.15,
    fading: float = 4.0,
) -> list[Change]:
    """What one beacon gives that is carried about: fading and loss at each receiver, ticks four times a second."""
    dice = random.Random(seed)
    decided = presence()
    changes = []
    at, ticks = dice.random() * interval, 0.0
    while at < seconds:
        while ticks <= at:
            changes += decided.tick(ticks)
            ticks += 0.25
        for zone, level in zip(ZONES, where(at) or (), strict=False):
            if level is not None and dice.random() >= loss:
                changes += decided.hear(heard(at, zone, round(dice.gauss(level, fading))))
        at += interval + dice.uniform(-0.01, 0.01)
    return changes


def test_two_clear_sightings_make_an_arrival() -> None:
    decided = presence()
    assert decided.hear(heard(10.0, SHELF, -58)) == []
    assert decided.where(ANNA) is None
    (arrived,) = decided.hear(heard(11.0, SHELF, -58))
    assert arrived == Change(
        what="arrived", customer=ANNA, zone=SHELF, at=11.0, heard_at=11.0, since=10.0, visit="visit-1"
    )
    assert decided.where(ANNA) == SHELF
    assert decided.people(SHELF) == {ANNA}
    assert decided.people(TILL) == frozenset()


def test_one_packet_told_many_times_is_one_sighting() -> None:
    decided = presence()
    assert [decided.hear(heard(10.0 + ms / 1000, SHELF, -40)) for ms in range(20)] == [[]] * 20


def test_a_sighting_without_rssi_keeps_alive_and_brings_nobody_in() -> None:
    decided = presence()
    assert [decided.hear(heard(at, SHELF, None)) for at in (1.0, 2.0, 3.0)] == [[]] * 3
    decided.hear(heard(4.0, SHELF, -58))
    assert told(decided.hear(heard(5.0, SHELF, -58))) == [("arrived", SHELF)]
    for at in range(6, 60):
        assert decided.hear(heard(float(at), SHELF, None)) + decided.tick(float(at)) == []


@pytest.mark.parametrize("level", [-71, -78, -90])
def test_who_is_only_faintly_heard_never_arrives(level: int) -> None:
    decided = presence()
    assert not any(decided.hear(heard(float(at), SHELF, level)) for at in range(600))


def test_silence_is_a_leave_taking_after_what_the_beacon_has_taught() -> None:
    decided = presence()
    for at in range(30):
        decided.hear(heard(float(at), SHELF, -58))
    assert decided.tick(29 + SHORTEST - 0.01) == []
    (left,) = decided.tick(29 + SHORTEST + 1.0)
    assert (left.what, left.heard_at, left.since, left.visit) == ("left", 29.0, 0.0, "visit-1")
    assert decided.where(ANNA) is None
    assert decided.tick(60.0) == []


def test_a_slow_beacon_is_given_more_time_but_not_for_ever() -> None:
    decided = presence()
    for at in range(0, 90, 3):
        decided.hear(heard(float(at), SHELF, -58))
    assert decided.tick(87 + 11.9) == []
    assert told(decided.tick(87 + LONGEST)) == [("left", SHELF)]


def test_who_moves_leaves_the_old_zone_first() -> None:
    decided = presence()
    at = 0.0
    for _ in range(10):
        decided.hear(heard(at, SHELF, -58))
        decided.hear(heard(at + 0.01, TILL, -84))
        at += 1
    changes: list[Change] = []
    for _ in range(3):
        changes += decided.hear(heard(at, SHELF, -84))
        changes += decided.hear(heard(at + 0.01, TILL, -58))
        at += 1
    assert told(changes) == [("left", SHELF), ("arrived", TILL)]
    assert changes[0].visit != changes[1].visit
    assert changes[1].since == 10.01


def test_who_goes_where_no_radio_is_leaves_by_growing_faint() -> None:
    decided = presence()
    for at in range(10):
        decided.hear(heard(float(at), SHELF, -58))
    changes = [change for at in range(10, 20) for change in decided.hear(heard(float(at), SHELF, -84))]
    assert told(changes) == [("left", SHELF)]


def test_a_zone_is_heard_by_all_of_its_receivers() -> None:
    decided = presence()
    for at in range(60):
        decided.hear(heard(float(at), SHELF, -58, receiver="left end"))
        assert told(decided.hear(heard(at + 0.02, SHELF, -88, receiver="right end"))) == []
    assert decided.where(ANNA) == SHELF


def test_a_receiver_that_fell_silent_does_not_speak_for_its_zone() -> None:
    decided = presence()
    for at in range(10):
        decided.hear(heard(float(at), SHELF, -58, receiver="left end"))
        decided.hear(heard(at + 0.02, SHELF, -88, receiver="right end"))
    changes = [
        change for at in range(10, 20) for change in decided.hear(heard(at + 0.02, SHELF, -88, receiver="right end"))
    ]
    assert told(changes) == [("left", SHELF)]


def test_what_was_heard_long_ago_counts_no_more() -> None:
    decided = presence()
    assert decided.hear(heard(0.0, SHELF, -58)) == []
    assert decided.hear(heard(LONGEST + 1, SHELF, -58)) == []
    assert told(decided.hear(heard(LONGEST + 2, SHELF, -58))) == [("arrived", SHELF)]
    for at in range(18, 60):
        assert decided.hear(heard(float(at), SHELF, -77)) == []
        if at in (20, 40):
            assert decided.hear(heard(at + 0.5, TILL, -50)) == []


def test_of_two_zones_that_hear_a_newcomer_the_clearer_one_has_them() -> None:
    decided = presence()
    changes = []
    for at in range(4):
        changes += decided.hear(heard(float(at), SHELF, -60))
        changes += decided.hear(heard(at + 0.05, TILL, -55))
    assert told(changes) == [("arrived", TILL)]


def test_going_back_takes_more_than_going_on() -> None:
    def ahead(zone: ZoneId) -> list[tuple[str, str]]:
        decided = presence()
        for at in range(10):
            decided.hear(heard(float(at), SHELF, -58))
        decided.place(ANNA, TILL, 10.0)
        changes = []
        for at in range(16, 39):
            changes += decided.hear(heard(float(at), TILL, -66))
            changes += decided.hear(heard(at + 0.05, zone, -58))
        return told(changes)

    assert ahead(SHELF) == []
    assert ahead(DOOR) == [("left", TILL), ("arrived", DOOR)]


def test_a_zone_that_could_not_be_entered_takes_nobody_over() -> None:
    decided = presence()
    decided.place(ANNA, TILL, 0.0)
    assert not any(decided.hear(heard(float(at), SHELF, -72)) for at in range(15))
    assert decided.where(ANNA) == TILL


def test_who_scanned_has_time_to_stand_there_though_the_radio_misses_them() -> None:
    decided = presence()
    for at in range(10):
        decided.hear(heard(float(at), TILL, -58))
    decided.place(ANNA, TILL, 10.0)
    assert decided.tick(10 + LONGEST - 0.1) == []
    assert told(decided.tick(10 + LONGEST)) == [("left", TILL)]


def test_who_scanned_and_is_heard_stays_as_long_as_anybody() -> None:
    decided = presence()
    decided.place(ANNA, TILL, 0.0)
    for at in range(60):
        assert decided.hear(heard(float(at), TILL, -58)) + decided.tick(float(at)) == []


def test_a_scan_puts_its_owner_before_the_reader_whatever_the_radios_say() -> None:
    decided = presence()
    for at in range(10):
        decided.hear(heard(float(at), SHELF, -58))
    left, arrived = decided.place(ANNA, TILL, 10.0)
    assert told([left, arrived]) == [("left", SHELF), ("arrived", TILL)]
    assert (arrived.since, arrived.heard_at, arrived.at) == (10.0, 10.0, 10.0)
    assert [decided.hear(heard(10.5 + at, SHELF, -50)) for at in range(4)] == [[]] * 4
    assert decided.where(ANNA) == TILL
    assert decided.place(ANNA, TILL, 15.0) == []


def test_who_scanned_without_a_beacon_is_gone_after_a_while() -> None:
    decided = presence()
    assert told(decided.place(BEN, TILL, 1.0)) == [("arrived", TILL)]
    assert decided.tick(1.0 + LONGEST - 0.1) == []
    assert told(decided.tick(1.0 + LONGEST)) == [("left", TILL)]


def test_who_withdraws_is_forgotten_at_once() -> None:
    decided = presence()
    decided.place(ANNA, TILL, 1.0)
    assert told(decided.forget(ANNA)) == [("left", TILL)]
    assert decided.where(ANNA) is None
    assert decided.forget(ANNA) == []
    assert decided.forget(BEN) == []


def test_no_more_are_followed_than_there_is_room_for() -> None:
    decided = presence(most=2)
    decided.hear(heard(1.0, SHELF, -90))
    decided.place(BEN, TILL, 1.5)
    assert told(decided.place(CustomerId("carl"), TILL, 2.0)) == [("arrived", TILL)], "quiet Anna makes room"
    assert decided.place(ANNA, TILL, 3.0) == []
    assert decided.hear(heard(3.0, SHELF, -50)) == []
    assert decided.refused == 2


def test_who_was_quiet_longest_makes_room() -> None:
    decided = presence(most=2)
    decided.hear(heard(1.0, SHELF, -64))
    decided.hear(heard(2.0, SHELF, -64, BEN))
    decided.hear(heard(3.0, SHELF, -64))
    decided.hear(heard(4.0, SHELF, -64, CustomerId("carl")))
    decided.hear(heard(4.1, SHELF, -64))
    assert told(decided.hear(heard(5.1, SHELF, -64))) == [("arrived", SHELF)], "Anna's evidence was kept"


def test_the_quiet_are_forgotten() -> None:
    decided = presence(most=1)
    decided.hear(heard(1.0, SHELF, -90))
    decided.tick(1.0 + FORGET)
    decided.place(BEN, TILL, 1.5 + FORGET)
    assert decided.where(BEN) == TILL
    assert decided.refused == 0


def test_walks_in_are_decided_within_a_few_sightings() -> None:
    """A newcomer at -58 dBm, an advert a second, 15 % of them lost, 4 dB of fading; seeds not used for tuning."""
    entered = []
    for seed in range(10_000, 10_200):
        arrived = walk(lambda at: (-58, -84, -84) if at >= 5 else None, 30, seed)
        assert told(arrived) == [("arrived", SHELF)]
        entered.append(arrived[0].at - 5)
    entered.sort()
    assert entered[100] <= 2.5
    assert entered[190] <= 5.0


def test_moves_and_goodbyes_are_decided_within_a_few_sightings() -> None:
    moved, gone = [], []

    def where(at: float) -> Levels | None:
        return (-58, -84, -84) if at < 30 else (-84, -58, -84) if at < 60 else None

    for seed in range(20_000, 20_200):
        changes = walk(where, 90, seed)
        assert [zone for what, zone in told(changes) if what == "arrived"] == [SHELF, TILL]
        moved.append(changes[2].at - 30)
        gone.append(changes[3].at - 60)
    assert sorted(moved)[100] <= 3.0
    assert sorted(moved)[190] <= 6.0
    assert sorted(gone)[100] <= 8.0
    assert max(gone) <= LONGEST + 0.5


@pytest.mark.parametrize(
    "levels",
    [
        (-60, -60, -84),
        (-62, -62, -62),
        (-60, -64, -84),
        (-70, -90, None),
        (-74, -90, None),
        (-78, -90, None),
        (-74, -74, -74),
    ],
)
def test_a_beacon_lying_still_on_a_border_does_not_flap(levels: Levels) -> None:
    """Four simulated hours between zones, or between coming in and going out: at most one arrival, and no move."""
    arrivals = [what for what, _ in told(walk(lambda _: levels, 4 * 3600, 30_000)) if what == "arrived"]
    assert len(arrivals) <= 1


def test_a_fast_beacon_on_a_border_does_not_flap_either() -> None:
    changes = walk(lambda _: (-60, -60, -84), 1800, 30_001, interval=0.1)
    assert len(changes) == 1


Step = tuple[str, float, int, int, int | None]


def _steps() -> st.SearchStrategy[list[Step]]:
    rssi = st.one_of(st.none(), st.integers(-95, -40))
    what = st.sampled_from(["hear"] * 12 + ["tick", "tick", "place", "forget"])
    gap = st.sampled_from([0.0, 0.01, 0.3, 1.0, 1.0, 1.0, 3.0, 20.0])
    return st.lists(st.tuples(what, gap, st.integers(0, 3), st.integers(0, 2), rssi), max_size=120)


def _play(decided: Presence, steps: list[Step]) -> Iterator[tuple[float, list[Change]]]:
    at = 0.0
    for what, gap, person, zone, rssi in steps:
        at += gap
        customer = CustomerId(f"c{person}")
        if what == "hear":
            yield at, decided.hear(heard(at, ZONES[zone], rssi, customer))
        elif what == "tick":
            yield at, decided.tick(at)
        elif what == "place":
            yield at, decided.place(customer, ZONES[zone], at)
        else:
            yield at, decided.forget(customer)


@settings(max_examples=300, deadline=None)
@given(_steps())
def test_arrivals_and_leave_takings_alternate_and_nobody_is_in_two_zones(steps: list[Step]) -> None:
    decided = presence(most=3)
    inside: dict[CustomerId, Change] = {}
    visits = set()
    at = 0.0
    for at, changes in _play(decided, steps):
        for change in changes:
            assert change.since <= change.heard_at <= change.at <= at
            if change.what == "arrived":
                assert change.customer not in inside
                assert change.visit not in visits
                visits.add(change.visit)
                inside[change.customer] = change
            else:
                came = inside.pop(change.customer)
                assert (came.zone, came.visit, came.since) == (change.zone, change.visit, change.since)
        for zone in ZONES:
            assert decided.people(zone) == {who for who, came in inside.items() if came.zone == zone}
        assert all(decided.where(who) == came.zone for who, came in inside.items())
    assert {change.customer for change in decided.tick(at + LONGEST)} == set(inside)
