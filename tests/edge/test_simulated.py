"""Scenarios: what a simulated radio hears of them and a simulated camera sees, at any speed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from edge import beacons, codes
from edge.errors import SensorError
from edge.model import Advert, Scan
from edge.sensors import simulated
from edge.sensors.camera import Camera
from edge.sensors.simulated import SimulatedRadio

UUID = "3f6d7a10-5b1c-4c4e-9a42-7d1e0a9b8c01"
EAN = "2900000000018"
ANNA = {
    "shopper": "anna",
    "beacons": [
        {"data": beacons.ibeacon(UUID, 1, 7, -59).hex(), "address": "C2:00:00:00:00:07", "interval_ms": 1000},
    ],
    "stays": [{"zone": "shelf", "begin": 10, "end": 70}, {"zone": "till", "begin": 100.0, "end": 130.5}],
    "shows": [
        {"reader": "till-1", "begin": 101, "end": 104, "format": "QRCode", "content": EAN},
        {"reader": "till-1", "begin": 110, "end": 113, "format": "EAN13", "content": "2900000000025"},
        {"reader": "till-2", "begin": 102, "end": 105, "format": "QRCode", "content": "NOREN-30"},
    ],
}
BEN = {
    "shopper": "ben",
    "beacons": [{"data": "020106", "address": "C2:00:00:00:00:08", "interval_ms": 200}],
    "stays": [{"zone": "shelf", "begin": 0, "end": 5}],
}


def scenario(folder: Path, **changed: Any) -> Path:
    saturday = {
        "name": "saturday",
        "seconds": 140,
        "stores": {"ginza": {"shoppers": [ANNA, BEN]}, "ueno": {"shoppers": []}},
        "truth": {"anna": ["anything"]},
    }
    file = folder / "saturday.json"
    file.write_text(json.dumps(saturday | changed))
    return file


class Over(Exception):
    """Enough has been played."""


class Time:
    """A clock that nobody has to wait for, from a second of CLOCK_MONOTONIC until another."""

    def __init__(self, now: float, until: float) -> None:
        self.now = now
        self.until = until

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self.until:
            raise Over

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds)


def hear(file: Path, zone: str = "shelf", *, begin: float = 1000.0, until: float = 1099.0) -> list[Advert]:
    """What a radio hears of a scenario that began at 1000, run from a moment until another."""
    got: list[Advert | Scan] = []
    time = Time(begin, until)
    radio = SimulatedRadio(
        f"radio-{zone}", zone, store="ginza", scenario=file, start=1000.0, clock=time.clock, sleep=time.sleep
    )

    async def run() -> None:
        with pytest.raises(Over):
            await radio.run(got.append)

    asyncio.run(run())
    return [advert for advert in got if isinstance(advert, Advert)]


def test_a_radio_hears_real_bytes_while_their_bearer_is_in_the_store(tmp_path: Path) -> None:
    adverts = hear(scenario(tmp_path), until=1120.0)
    anna = [advert for advert in adverts if advert.address == "C2:00:00:00:00:07"]
    ben = [advert for advert in adverts if advert.address == "C2:00:00:00:00:08"]
    beacon = beacons.parse(anna[0].data)
    assert beacon is not None
    assert beacon.id == f"ibeacon:{UUID}:1:7"
    assert all(1009.9 < advert.at < 1070.1 or advert.at > 1099.9 for advert in anna)
    assert 40 <= sum(advert.at < 1080 for advert in anna) <= 60, "60 seconds, one a second, 15 % lost"
    assert 15 <= len(ben) <= 25
    assert {advert.receiver for advert in adverts} == {"radio-shelf"}
    assert {advert.zone for advert in adverts} == {"shelf"}


def test_who_is_in_the_zone_is_heard_louder_than_who_is_elsewhere(tmp_path: Path) -> None:
    adverts = hear(scenario(tmp_path), until=1129.0)
    here = [advert.rssi for advert in adverts if advert.rssi is not None and 1010 < advert.at < 1070]
    elsewhere = [advert.rssi for advert in adverts if advert.rssi is not None and advert.at > 1100]
    assert numpy.mean(here) == pytest.approx(simulated.NEAR, abs=2)
    assert numpy.mean(elsewhere) == pytest.approx(simulated.FAR, abs=3)
    assert numpy.std(here) > 2


def test_a_scenario_is_the_same_each_time_and_for_each_radio_its_own(tmp_path: Path) -> None:
    file = scenario(tmp_path)
    assert hear(file) == hear(file)
    assert [advert.rssi for advert in hear(file)] != [advert.rssi for advert in hear(file, "till")]


def test_a_radio_that_is_run_again_goes_on_where_the_clock_is(tmp_path: Path) -> None:
    late = hear(scenario(tmp_path), begin=1060.0)
    assert late[0].at >= 1060.0
    assert 4 <= len(late) <= 10


def test_a_radio_that_is_held_up_makes_up_for_nothing_old(tmp_path: Path) -> None:
    time = Time(1010.0, 1060.0)
    got: list[float] = []

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds + (20.0 if 1020 < time.now < 1021 else 0.0))

    radio = SimulatedRadio(
        "r", "shelf", store="ginza", scenario=scenario(tmp_path), start=1000.0, clock=time.clock, sleep=sleep
    )
    with pytest.raises(Over):
        asyncio.run(radio.run(lambda advert: got.append(advert.at)))
    assert 1 <= sum(1040 <= at < 1044 for at in got) <= 6


def test_every_beacon_keeps_its_own_interval_within_its_jitter(tmp_path: Path) -> None:
    store = simulated.read(scenario(tmp_path), "ginza")[1]
    sent = [due for due, beacon, _ in simulated.on_air(store, random.Random(1), 0.0) if beacon.interval_ms == 1000]
    gaps = numpy.diff([due for due in sent if due < 70])
    assert len(gaps) == 59
    assert gaps.min() >= 1 - 2 * simulated.JITTER
    assert gaps.max() <= 1 + 2 * simulated.JITTER
    assert len({round(gap, 4) for gap in gaps}) > 10
    everything = [due for due, *_ in simulated.on_air(store, random.Random(1), 0.0)]
    assert everything == sorted(everything)


def see(file: Path, reader: str, *, begin: float, until: float) -> Callable[[], list[codes.Gray]]:
    time = Time(begin, until)
    frames = simulated.frames(reader, store="ginza", scenario=file, start=1000.0, clock=time.clock, sleep=time.wait)

    def all_of_them() -> list[codes.Gray]:
        seen: list[codes.Gray] = []
        with pytest.raises(Over):
            seen.extend(frame.copy() for frame in frames())
        return seen

    return all_of_them


def test_a_camera_sees_an_empty_counter_at_its_rate(tmp_path: Path) -> None:
    frames = see(scenario(tmp_path), "till-1", begin=1050.0, until=1052.0)()
    assert len(frames) == 31
    assert {frame.shape for frame in frames} == {(720, 1280)}
    assert {str(frame.dtype) for frame in frames} == {"uint8"}
    assert (frames[0] != frames[1]).mean() > 0.5, "the sensor's noise is never the same"
    assert codes.read(frames[0]) == []


@pytest.mark.parametrize(
    ("reader", "begin", "kind", "content"),
    [
        ("till-1", 1101.1, "QRCode", EAN.encode()),
        ("till-1", 1110.1, "EAN13", b"2900000000025"),
        ("till-2", 1102.1, "QRCode", b"NOREN-30"),
    ],
)
def test_a_code_is_in_view_while_it_is_shown(
    tmp_path: Path, reader: str, begin: float, kind: str, content: bytes
) -> None:
    frames = see(scenario(tmp_path), reader, begin=begin, until=begin + 2)()
    read = [[(code.format, code.content) for code in codes.read(frame)] for frame in frames]
    assert sum(found == [(kind, content)] for found in read) >= 0.9 * len(read)
    assert codes.read(see(scenario(tmp_path), reader, begin=begin + 3.5, until=begin + 4)()[0]) == []


async def test_a_simulated_camera_is_a_camera(tmp_path: Path) -> None:
    time = Time(1100.0, 1120.0)
    opened = simulated.frames(
        "till-1", store="ginza", scenario=scenario(tmp_path), start=1000.0, clock=time.clock, sleep=time.wait
    )
    got: list[Advert | Scan] = []
    with pytest.raises(Over):
        await Camera("till-1", "till", opened, clock=time.clock).run(got.append)
    await asyncio.sleep(0)
    scans = [scan for scan in got if isinstance(scan, Scan)]
    assert [(scan.format, scan.content) for scan in scans] == [("QRCode", EAN.encode()), ("EAN13", b"2900000000025")]
    assert scans[0].at == pytest.approx(1101.0, abs=0.1)
    assert scans[1].at == pytest.approx(1110.0, abs=0.3)


def test_frames_that_nobody_waited_for_are_left_out(tmp_path: Path) -> None:
    time = Time(1050.0, 1060.0)
    frames = simulated.frames(
        "till-1", store="ginza", scenario=scenario(tmp_path), start=1000.0, clock=time.clock, sleep=time.wait
    )()
    next(frames)
    time.now += 3.0
    next(frames)
    assert time.now == pytest.approx(1053.0, abs=0.1)


def test_japanese_is_shown_as_it_is_written(tmp_path: Path) -> None:
    show = simulated.Showing(reader="till-1", begin=0, end=1, format="QRCode", content="おかえりなさい")
    assert [code.content.decode() for code in codes.read(simulated.phone(show))] == ["おかえりなさい"]


def test_what_is_no_code_is_a_sentence(tmp_path: Path) -> None:
    show = simulated.Showing(reader="till-1", begin=0, end=1, format="EAN13", content="not digits")
    with pytest.raises(SensorError, match="shows a code that is none"):
        simulated.phone(show)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"name": "x", "truth": ' + b"[" * 100_000,
        b'{"name": "x", "seconds": -1, "stores": {}}',
        b'{"name": "x", "seconds": 1e999, "stores": {}}',
        b'{"name": "x", "seconds": 1, "stores": {"ginza": {"shoppers": [{}]}}}',
        b'{"name": "x", "seconds": 1, "stores": {"ginza": {"shoppers": [{"shopper": "a", "beacons": '
        b'[{"data": "zz", "address": "a", "interval_ms": 100}]}]}}}',
        b'{"name": "x", "seconds": 1, "stores": {"ginza": {"shoppers": [{"shopper": "a", "beacons": '
        b'[{"data": "00", "address": "a", "interval_ms": 0}]}]}}}',
    ],
)
def test_a_file_that_is_no_scenario_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(SensorError, match=r"x\.json is none"):
        simulated.read(file, "ginza")


def test_a_missing_scenario_and_a_missing_store_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="cannot be read"):
        simulated.read(tmp_path / "none.json", "ginza")
    with pytest.raises(SensorError, match=r"no store kyoto.*It has: ginza, ueno"):
        simulated.read(scenario(tmp_path), "kyoto")
