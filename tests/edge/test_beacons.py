"""Beacons out of raw advertisement bytes: our own vectors, and whatever else a radio may hear."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge import beacons
from edge.beacons import Beacon

UUID = "3f6d7a10-5b1c-4c4e-9a42-7d1e0a9b8c01"
IBEACON = bytes.fromhex("0201061aff4c000215" + UUID.replace("-", "") + "0007012cc5")
UID = bytes.fromhex("0201060303aafe1716aafe00ee0102030405060708090aa1a2a3a4a5a60000")

few = settings(max_examples=300, deadline=None)


def test_an_ibeacon_is_read() -> None:
    assert beacons.parse(IBEACON) == Beacon(format="ibeacon", id=f"ibeacon:{UUID}:7:300", power_1m=-59)


def test_an_eddystone_uid_is_read_and_its_power_given_at_one_metre() -> None:
    wanted = Beacon(format="eddystone-uid", id="eddystone-uid:0102030405060708090a:a1a2a3a4a5a6", power_1m=-18 - 41)
    assert beacons.parse(UID) == wanted
    without_reserved = bytes.fromhex("0201060303aafe1516aafe00ee0102030405060708090aa1a2a3a4a5a6")
    assert beacons.parse(without_reserved) == wanted


@pytest.mark.parametrize("power", ["00", "1a", "64", "7f"])
def test_a_power_that_cannot_be_one_is_none(power: str) -> None:
    beacon = beacons.parse(IBEACON[:-1] + bytes.fromhex(power))
    assert beacon is not None
    assert beacon.power_1m is None


def test_an_eddystone_power_outside_of_its_range_is_none() -> None:
    beacon = beacons.parse(UID.replace(bytes.fromhex("aafe00ee"), bytes.fromhex("aafe0090")))
    assert beacon is not None
    assert beacon.power_1m is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "nothing"),
        ("00", "an end and nothing before it"),
        ("0201060303", "a structure that runs past the end"),
        ("30303030303030", "text"),
        ("0201061aff4c000216" + "00" * 21, "another Apple frame"),
        ("0201061aff4d000215" + "00" * 21, "another company"),
        ("02010619ff4c000215" + "00" * 20, "an iBeacon of one byte too few"),
        ("0201061aff4c000215" + "00" * 20, "an iBeacon cut off by the end of the data"),
        ("0201061716aafe01ee" + "00" * 18, "an Eddystone frame with a low nibble"),
        ("0201061716aafe10ee" + "00" * 18, "an Eddystone URL"),
        ("0201061616aafe00ee" + "00" * 17, "an Eddystone-UID of 19 bytes"),
        ("0201061816aafe00ee" + "00" * 19, "an Eddystone-UID of 21 bytes"),
        ("0201060016aafe00ee" + "00" * 18, "a beacon after the end"),
    ],
)
def test_what_is_no_beacon_is_none(data: str, why: str) -> None:
    assert beacons.parse(bytes.fromhex(data)) is None, why


def test_a_beacon_is_found_behind_other_structures_and_before_a_broken_one() -> None:
    name = bytes.fromhex("0409616263")
    assert beacons.parse(name + IBEACON + bytes.fromhex("e4")) == beacons.parse(IBEACON)
    assert beacons.parse(IBEACON[:3] + bytes.fromhex("03ff4c00") + IBEACON[3:]) == beacons.parse(IBEACON)


@few
@given(st.binary(max_size=80))
@example(b"\xff")
@example(b"\x01")
def test_random_bytes_give_a_beacon_or_none(data: bytes) -> None:
    beacon = beacons.parse(data)
    assert beacon is None or beacon.id.startswith(beacon.format)


@few
@given(st.sampled_from([IBEACON, UID]), st.data())
def test_mutated_and_truncated_frames_give_a_beacon_or_none(frame: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frame) - 1))
    beacons.parse(frame[:at] + data.draw(st.binary(max_size=4)) + frame[at + 1 :])
    assert beacons.parse(frame[:at]) is None


@few
@given(st.uuids(), st.integers(0, 65535), st.integers(0, 65535), st.integers(-127, -1))
def test_what_is_built_as_an_ibeacon_is_read(uuid: object, major: int, minor: int, power: int) -> None:
    wanted = Beacon(format="ibeacon", id=f"ibeacon:{uuid}:{major}:{minor}", power_1m=power)
    assert beacons.parse(beacons.ibeacon(str(uuid), major, minor, power)) == wanted


@few
@given(st.binary(min_size=10, max_size=10), st.binary(min_size=6, max_size=6), st.integers(-100, 20))
def test_what_is_built_as_an_eddystone_uid_is_read(namespace: bytes, instance: bytes, power: int) -> None:
    built = beacons.eddystone_uid(namespace.hex(), instance.hex(), power)
    wanted = f"eddystone-uid:{namespace.hex()}:{instance.hex()}"
    assert beacons.parse(built) == Beacon(format="eddystone-uid", id=wanted, power_1m=power - 41)


def test_an_eddystone_uid_of_the_wrong_length_is_not_built() -> None:
    with pytest.raises(ValueError, match="20 hex digits"):
        beacons.eddystone_uid("0102", "a1a2a3a4a5a6", -18)


def test_structures_put_together_what_a_library_took_apart() -> None:
    feaa = "0000feaa-0000-1000-8000-00805f9b34fb"
    assert beacons.structures({0x4C: IBEACON[7:]}, {}) == IBEACON[3:]
    assert beacons.structures({}, {feaa: UID[11:]}) == UID[7:]
    assert beacons.structures({}, {"12345678-0000-1000-8000-00805f9b34fb": b"a"}) == bytes.fromhex("06207856341261")
    assert beacons.structures({}, {UUID: b"a"}) == bytes.fromhex("1221018c9b0a1e7d429a4e4c1c5b107a6d3f61")


def test_structures_leave_out_what_no_advertisement_carries() -> None:
    assert beacons.structures({0x4C: b"a" * 260, -1: b"b", 70000: b"c"}, {"not a uuid": b"d"}) == b""


@few
@given(
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=3),
    st.dictionaries(st.uuids().map(str), st.binary(max_size=300), max_size=3),
)
def test_whatever_is_put_together_is_walked_to_its_end(makers: dict[int, bytes], services: dict[str, bytes]) -> None:
    assert beacons.parse(beacons.structures(makers, services) + IBEACON) is not None


@pytest.mark.parametrize(("said", "meant"), [(None, None), (0, None), (-127, None), (127, None), (5, None), (-60, -60)])
def test_a_level_is_none_where_the_radio_did_not_know_it(said: int | None, meant: int | None) -> None:
    assert beacons.level(said) == meant
