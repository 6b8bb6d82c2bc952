"""A scenario is repeatable, can happen, is busy enough, and has every kind of person in it."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from central import sample
from central.contract import member_code
from central.demo.casting import make
from central.demo.radios import advert, eddystone, ibeacon
from central.scenario import READER, ZONES, Scenario

CHAIN = sample.chain(now=datetime(2026, 4, 1, tzinfo=UTC), pictures=False)
STORES = [store.store for store in CHAIN.stores]
SEEDS = range(1, 6)


def made(seed: int, seconds: float = 60.0) -> Scenario:
    return make(CHAIN.members, STORES, seconds=seconds, seed=seed)


def test_the_same_seed_is_the_same_day_and_another_is_another() -> None:
    assert made(1) == made(1)
    assert made(1) != made(2)


def test_it_survives_the_file() -> None:
    scenario = made(1)
    assert msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario) == scenario


@pytest.mark.parametrize("seed", SEEDS)
def test_a_minute_is_busy(seed: int) -> None:
    scenario = made(seed)
    shoppers = [shopper for store in scenario.stores.values() for shopper in store.shoppers]
    assert len(shoppers) >= 20
    assert sum(show.end <= 60 for shopper in shoppers for show in shopper.shows) >= 10


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_walks_one_way_and_is_in_one_place(seed: int) -> None:
    scenario = made(seed, 600)
    visits: dict[str, list[tuple[float, float]]] = {}
    for store in scenario.stores.values():
        for shopper in store.shoppers:
            zones = [stay.zone for stay in shopper.stays]
            assert zones == list(ZONES[: len(zones)])
            assert all(stay.begin < stay.end for stay in shopper.stays)
            pairs = pairwise(shopper.stays)
            assert all(before.end == after.begin for before, after in pairs)
            for show in shopper.shows:
                till = shopper.stays[-1]
                assert show.reader == READER
                assert till.zone == "till"
                assert till.begin <= show.begin < show.end <= till.end
                assert show.end - show.begin >= 1.4
            customer = scenario.truth.shoppers[shopper.shopper].customer
            if customer:
                visits.setdefault(customer, []).append((shopper.stays[0].begin, shopper.stays[-1].end))
    for times in visits.values():
        ordered = sorted(times)
        assert all(after[0] - before[1] >= 59 for before, after in pairwise(ordered))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_reader_reads_one_code_at_a_time(seed: int) -> None:
    for store in made(seed, 600).stores.values():
        shows = sorted((show.begin, show.end) for shopper in store.shoppers for show in shopper.shows)
        assert all(before[1] < after[0] for before, after in pairwise(shows))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_person_comes(seed: int) -> None:
    roles = Counter(bearer.role for bearer in made(seed, 120).truth.shoppers.values())
    assert {
        "regular", "browser", "card-only", "no-presence", "no-signage", "elsewhere", "buyer", "other-chain",
        "passer-by", "nobody", "withdraws-at-shelf", "withdraws-at-till", "gives",
    } == set(roles)  # fmt: skip
    changes = Counter(change.gives for change in made(seed).truth.changes)
    assert changes[False] >= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_agrees_with_what_can_be_sensed(seed: int) -> None:
    scenario = made(seed, 300)
    members = {member.customer: member for member in CHAIN.members}
    numbers = {member.number for member in CHAIN.members}
    for name, store in scenario.stores.items():
        for shopper in store.shoppers:
            bearer = scenario.truth.shoppers[shopper.shopper]
            member = members.get(bearer.customer or "")
            own = member.beacon if member else None
            assert bearer.beacon == (own is not None and shopper.beacons[:1] != () and bearer.role != "card-only")
            if bearer.beacon and own:
                assert bytes.fromhex(shopper.beacons[0].data) == advert(own)
            for show in shopper.shows:
                assert (show.content in numbers) == show.own == (member is not None)
                is_card = member_code.number(show.content.encode()) is not None
                assert is_card == (bearer.role != "buyer")
            if member and bearer.role == "elsewhere":
                assert name not in scenario.truth.members[member.customer].stores


@pytest.mark.parametrize("seed", SEEDS)
def test_people_meet(seed: int) -> None:
    """Several consenting people at one shelf, and several people at one till: without them a demo shows nothing."""
    scenario = made(seed)
    both = {c for c, known in scenario.truth.members.items() if {"presence", "signage"} <= set(known.purposes)}
    shelf = till = 0
    for store in scenario.stores.values():
        stays = [(stay, scenario.truth.shoppers[s.shopper].customer) for s in store.shoppers for stay in s.stays]
        for place, (one, customer) in enumerate(stays):
            for other, companion in stays[place + 1 :]:
                if one.zone == other.zone and min(one.end, other.end) - max(one.begin, other.begin) > 5:
                    shelf += one.zone == "shelf" and {customer, companion} <= both
                    till += one.zone == "till"
    assert shelf >= 3
    assert till >= 1


def test_a_day_without_members_is_a_day_of_strangers() -> None:
    scenario = make([], STORES, seconds=60, seed=1)
    assert {bearer.customer for bearer in scenario.truth.shoppers.values()} == {None}


def test_hours_go_by_and_members_come_again() -> None:
    scenario = made(3, 1800)
    assert len(scenario.truth.shoppers) >= 600
    share = sum(bearer.role == "nobody" for bearer in scenario.truth.shoppers.values()) / len(scenario.truth.shoppers)
    assert share < 0.3


def test_beacons_are_real_bytes() -> None:
    uuid = "7d3f2c58-91a4-4e0b-b6d2-5a8c1e94f073"
    assert advert(f"ibeacon:{uuid}:258:3").hex() == "0201061aff4c000215" + uuid.replace("-", "") + "01020003c5"
    said = "0201060303aafe1716aafe00ee8b0ca750e7a7f14d2c910000000000010000"
    assert advert("eddystone-uid:8b0ca750e7a7f14d2c91:000000000001").hex() == said
    assert len(ibeacon(bytes(16), 1, 2)) == 30
    assert len(eddystone(bytes(10), bytes(6))) == 31
