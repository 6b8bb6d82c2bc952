"""Guests go where a button sends them, and the file for the senses says what the judge is told."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import json

from central import sample
from central.demo.casting import GUESTS, invite, make
from central.demo.guests import BREATH_S, Guests
from central.scenario import Scenario, Shopper, Show, Stay, Store, Truth
from edge.sensors import shoppers as sensed

NOW = datetime(2026, 11, 24, tzinfo=UTC)
STORES = ["ginza", "umeda", "tenjin"]


@pytest.fixture(scope="module")
def chain() -> sample.Chain:
    return sample.chain(now=NOW, pictures=False)


def scenario(*shoppers: Shopper) -> Scenario:
    stores = {store: Store(shoppers=shoppers if store == "ginza" else ()) for store in STORES}
    return Scenario(name="s", seconds=600, stores=stores, truth=Truth(shoppers={}, members={}))


def of(file: Path, person: str) -> sensed.Shopper:
    """The last that the senses were told of somebody, as they read it."""
    lines = [json.decode(line) for line in file.read_bytes().splitlines()]
    return [
        json.decode(json.encode(line["shopper"]), type=sensed.Shopper)
        for line in lines
        if line["shopper"]["shopper"] == person
    ][-1]


def test_each_store_has_guests_of_every_mind_and_the_script_has_no_part_for_them(chain: sample.Chain) -> None:
    guests = invite(chain.members, STORES, seed=1)
    assert [guest.store for guest in guests] == [store for store in STORES for _ in GUESTS]
    assert len({guest.member.customer for guest in guests}) == len(guests)
    minds = [frozenset(guest.member.purposes) & {"presence", "signage"} for guest in guests[:4]]
    assert minds == [mind for _, mind in GUESTS]
    played = make(chain.members, STORES, seconds=600, seed=1, quiet=("tenjin",), guests=guests)
    assert played.stores["tenjin"].shoppers == ()
    called = {guest.member.customer for guest in guests}
    scripted = {name for store in played.stores.values() for name in (one.shopper for one in store.shoppers)}
    assert scripted
    assert not {played.truth.shoppers[name].customer for name in scripted} & called
    assert {played.truth.shoppers[guest.person].customer for guest in guests} == called


def test_without_guests_a_seed_gives_the_day_it_always_gave(chain: sample.Chain) -> None:
    one = make(chain.members, STORES, seconds=60, seed=3)
    assert one == make(chain.members, STORES, seconds=60, seed=3, quiet=(), guests=())


def test_a_guest_walks_in_shows_a_code_and_leaves(chain: sample.Chain, tmp_path: Path) -> None:
    invited = invite(chain.members, STORES, seed=1)
    guests = Guests(tmp_path / "live", invited, scenario())
    person = invited[0].person
    assert guests.walk_in("ginza", "", 10.0) == {}
    assert [stay.zone for stay in guests.way(person).stays] == ["entrance", "shelf"]
    assert guests.show_code(person, 30.0, "1234") == {}
    entrance, shelf, till = guests.way(person).stays
    (show,) = guests.way(person).shows
    assert entrance.end == shelf.begin
    assert shelf.end == pytest.approx(30.2)
    assert till.begin > shelf.end
    assert till.begin < show.begin < show.end < till.end
    assert (show.content, show.own) == ("1234", True)
    assert guests.leave(person, 31.5) == {}
    assert guests.way(person).stays[-1].end == pytest.approx(31.7)
    assert guests.way(person).shows == (show,) or guests.way(person).shows[-1].end == pytest.approx(31.7)
    told = of(tmp_path / "live", person)
    assert told == json.decode(json.encode(guests.way(person)), type=sensed.Shopper)
    assert guests.in_scenario().stores["ginza"].shoppers == (guests.way(person),)


def test_who_was_never_called_is_in_no_scenario(chain: sample.Chain, tmp_path: Path) -> None:
    guests = Guests(tmp_path / "live", invite(chain.members, STORES, seed=1), scenario())
    assert all(store.shoppers == () for store in guests.in_scenario().stores.values())


def test_two_stand_at_one_shelf(chain: sample.Chain, tmp_path: Path) -> None:
    invited = invite(chain.members, STORES, seed=1)
    guests = Guests(tmp_path / "live", invited, scenario())
    guests.walk_in("ginza", invited[1].person, 5.0)
    assert guests.meet("ginza", 20.0) == {}
    zones = {person: guests.place(person, 21.0) for person in (invited[0].person, invited[1].person)}
    assert {stay.zone for stay in zones.values() if stay} == {"shelf"}
    assert len(guests.way(invited[1].person).stays) == 2  # They stay where they are.


def test_all_are_in_or_nobody_is_meant(chain: sample.Chain, tmp_path: Path) -> None:
    guests = Guests(tmp_path / "live", invite(chain.members, STORES, seed=1), scenario())
    for _ in GUESTS:
        assert guests.walk_in("umeda", "", 1.0) == {}
    assert set(guests.walk_in("umeda", "", 2.0)) == {"ja", "en"}
    assert set(guests.meet("nowhere", 2.0)) == {"ja", "en"}
    assert set(guests.show_code("nobody", 2.0, "")) == {"ja", "en"}
    assert set(guests.leave("", 2.0)) == {"ja", "en"}


def test_one_code_at_a_time_is_before_the_reader(chain: sample.Chain, tmp_path: Path) -> None:
    busy = tuple(
        Show(reader="till-camera", begin=begin, end=begin + 2.0, format="QRCode", content="x") for begin in (11.0, 14.0)
    )
    scripted = Shopper(shopper="ginza-1", stays=(Stay(zone="till", begin=10, end=20),), shows=busy)
    invited = invite(chain.members, STORES, seed=1)
    guests = Guests(tmp_path / "live", invited, scenario(scripted))
    for guest in invited[:2]:
        guests.show_code(guest.person, 10.0, guest.member.number)
    shows = sorted(
        (show for shopper in guests.shoppers("ginza") for show in shopper.shows), key=lambda show: show.begin
    )
    assert len(shows) == 4
    for before, after in pairwise(shows):
        assert after.begin >= before.end + BREATH_S - 0.01 or after in busy
