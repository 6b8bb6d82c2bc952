"""Scenarios and live shoppers: what a simulated radio hears of them and a simulated camera sees, at any speed."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import beacons, codes
from edge.errors import SensorError
from edge.model import Advert, Scan
from edge.sensors import shoppers, simulated
from edge.sensors.camera import Camera
from edge.sensors.shoppers import Live
from edge.sensors.simulated import Air, SimulatedRadio

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
    """A clock that nobody has to wait for, from a second of CLOCK_MONOTONIC until another; `then` things happen."""

    def __init__(self, now: float, until: float, then: Mapping[float, Callable[[], object]] | None = None) -> None:
        self.now = now
        self.until = until
        self.sleeps = 0
        self._then = sorted((then or {}).items(), key=lambda event: event[0])

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1
        while self._then and self._then[0][0] <= self.now:
            self._then.pop(0)[1]()
        if self.now > self.until:
            raise Over

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds)


def hear(
    file: Path,
    zone: str = "shelf",
    *,
    begin: float = 1000.0,
    until: float = 1099.0,
    live: Path | None = None,
    then: Mapping[float, Callable[[], object]] | None = None,
) -> list[Advert]:
    """What a radio hears of a scenario that began at 1000, run from a moment until another."""
    got: list[Advert | Scan] = []
    time = Time(begin, until, then)
    radio = SimulatedRadio(
        f"radio-{zone}", zone, store="ginza", scenario=file, start=1000.0, live=live, clock=time.clock, sleep=time.sleep
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


def on_air(file: Path) -> list[tuple[float, int]]:
    """When something is sent, and the interval of the beacon that sends it."""
    air = Air()
    air.add(shoppers.read(file, "ginza")[1].shoppers, random.Random(1), 0.0)
    sent = []
    while air.due() < 1000:
        sent.append((air.due(), air.first()[0].beacon.interval_ms))
        air.go_on()
    return sent


def test_every_beacon_keeps_its_own_interval_within_its_jitter(tmp_path: Path) -> None:
    everything = on_air(scenario(tmp_path))
    sent = [due for due, interval in everything if interval == 1000]
    gaps = numpy.diff([due for due in sent if due < 70])
    assert len(gaps) == 59
    assert gaps.min() >= 1 - 2 * simulated.JITTER
    assert gaps.max() <= 1 + 2 * simulated.JITTER
    assert len({round(gap, 4) for gap in gaps}) > 10
    assert everything == sorted(everything)


def see(
    file: Path,
    reader: str,
    *,
    begin: float,
    until: float,
    live: Path | None = None,
    then: Mapping[float, Callable[[], object]] | None = None,
) -> Callable[[], list[codes.Gray]]:
    time = Time(begin, until, then)
    frames = simulated.frames(
        reader, store="ginza", scenario=file, start=1000.0, live=live, clock=time.clock, sleep=time.wait
    )

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


async def scan(
    file: Path,
    *,
    begin: float,
    until: float,
    live: Path | None = None,
    then: Mapping[float, Callable[[], object]] | None = None,
) -> list[Scan]:
    """What the camera at till-1 reports."""
    time = Time(begin, until, then)
    opened = simulated.frames(
        "till-1", store="ginza", scenario=file, start=1000.0, live=live, clock=time.clock, sleep=time.wait
    )
    got: list[Advert | Scan] = []
    with pytest.raises(Over):
        await Camera("till-1", "till", opened, clock=time.clock).run(got.append)
    await asyncio.sleep(0)
    return [scan for scan in got if isinstance(scan, Scan)]


async def test_a_simulated_camera_is_a_camera(tmp_path: Path) -> None:
    scans = await scan(scenario(tmp_path), begin=1100.0, until=1120.0)
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
    show = shoppers.Showing(reader="till-1", begin=0, end=1, format="QRCode", content="おかえりなさい")
    assert [code.content.decode() for code in codes.read(simulated.phone(show))] == ["おかえりなさい"]


def test_what_is_no_code_is_a_sentence(tmp_path: Path) -> None:
    show = shoppers.Showing(reader="till-1", begin=0, end=1, format="EAN13", content="not digits")
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
        shoppers.read(file, "ginza")


def test_a_missing_scenario_and_a_missing_store_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="cannot be read"):
        shoppers.read(tmp_path / "none.json", "ginza")
    with pytest.raises(SensorError, match=r"no store kyoto.*It has: ginza, ueno"):
        shoppers.read(scenario(tmp_path), "kyoto")


def line(shopper: Mapping[str, Any], *, store: str = "ginza") -> bytes:
    return json.dumps({"store": store, "shopper": shopper}).encode() + b"\n"


def guest(zone: str = "shelf", *, begin: float = 0.0, end: float = 1e6, content: str = "") -> dict[str, Any]:
    """Somebody whom no script knows; their beacon is quick, so that a moment tells whether it is heard."""
    shows = [{"reader": "till-1", "begin": begin, "end": end, "format": "QRCode", "content": content}]
    return {
        "shopper": "guest",
        "beacons": [{"data": "020106", "address": "C2:00:00:00:00:09", "interval_ms": 20}],
        "stays": [{"zone": zone, "begin": begin, "end": end}],
        "shows": shows if content else [],
    }


def saying(file: Path, *said: bytes) -> Callable[[], object]:
    """Adds to a live file when called."""

    def say() -> None:
        with file.open("ab") as lines:
            lines.write(b"".join(said))

    return say


def of_guest(adverts: list[Advert]) -> list[float]:
    return [advert.at for advert in adverts if advert.address == "C2:00:00:00:00:09"]


def test_who_is_called_in_is_heard_at_once_and_changes_nothing_for_the_others(tmp_path: Path) -> None:
    file, live, again = scenario(tmp_path), tmp_path / "live.jsonl", tmp_path / "again.jsonl"
    adverts = hear(file, live=live, then={1040.13: saying(live, line(guest()))})
    heard = of_guest(adverts)
    assert 1040.13 <= heard[0] <= 1040.13 + 0.1 + 0.1, "the time to look, and that of five adverts"
    assert numpy.diff(heard).min() > 0, "nothing from before is made up for"
    assert numpy.diff(heard).max() < 0.3
    assert hear(file, live=again, then={1040.13: saying(again, line(guest()))}) == adverts
    assert [advert for advert in adverts if advert.address != "C2:00:00:00:00:09"] == hear(file)


def test_the_last_word_on_a_shopper_silences_all_before_it(tmp_path: Path) -> None:
    file, live = scenario(tmp_path), tmp_path / "live.jsonl"
    adverts = hear(
        file,
        until=1130.0,
        live=live,
        then={
            1002.02: saying(live, line({"shopper": "ben"})),
            1020.02: saying(live, line(guest(begin=20.0)), line(ANNA | {"stays": []})),
            1030.0: saying(live, line(guest(end=40.0)), line(guest("till", begin=35.0, end=36.0))),
        },
    )
    ben = [advert.at for advert in adverts if advert.address == "C2:00:00:00:00:08"]
    assert 1001.0 < ben[-1] <= 1002.12
    assert 1018.0 < max(advert.at for advert in adverts if advert.address == "C2:00:00:00:00:07") <= 1020.12
    gone, back = [at for at in of_guest(adverts) if at < 1032], [at for at in of_guest(adverts) if at > 1032]
    assert 1029.9 < gone[-1] <= 1030.1
    assert back[0] > 1034.9
    assert back[-1] < 1036.1
    assert numpy.mean([advert.rssi or 0 for advert in adverts if advert.at > 1032]) == pytest.approx(
        simulated.FAR, abs=2
    )


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    live, said = tmp_path / "live.jsonl", line(guest())
    then = {1010.0: saying(live, said[:40]), 1020.0: saying(live, said[40:-1]), 1030.0: saying(live, said[-1:])}
    assert 1030.0 <= of_guest(hear(scenario(tmp_path), live=live, then=then))[0] <= 1030.2


def test_a_radio_that_is_run_again_reads_its_live_file_again(tmp_path: Path) -> None:
    live = tmp_path / "live.jsonl"
    live.write_bytes(line(guest(end=65.0)) + line(ANNA | {"stays": []}))
    adverts = hear(scenario(tmp_path), begin=1060.0, live=live)
    assert len(of_guest(adverts)) == len(adverts), "of the script's shopper, who is silent now, not even the first"
    assert 1060.0 <= adverts[0].at < 1060.3
    assert 1064.5 < adverts[-1].at < 1065.1


def test_a_radio_with_nothing_to_hear_only_looks_at_its_file(tmp_path: Path) -> None:
    time = Time(1000.0, 1060.0)
    radio = SimulatedRadio(
        "r",
        "shelf",
        store="ueno",
        scenario=scenario(tmp_path),
        start=1000.0,
        live=tmp_path / "never.jsonl",
        clock=time.clock,
        sleep=time.sleep,
    )
    with pytest.raises(Over):
        asyncio.run(radio.run(lambda _: None))
    assert time.sleeps == pytest.approx(60 / simulated.LOOK, abs=2)


def test_a_live_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    radio = SimulatedRadio("r", "shelf", store="ginza", scenario=scenario(tmp_path), live=tmp_path)
    with pytest.raises(SensorError, match=r"The live shoppers .* cannot be read: Is a directory"):
        asyncio.run(radio.run(lambda _: None))


RUBBISH = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"{",
    b"[" * 100_000,
    b"{}",
    b'{"store": "ginza", "x": ' + b"[" * 100_000,
    b"null",
    line({"shopper": "guest", "stays": [{"zone": "shelf", "begin": -1, "end": 2}]})[:-1],
    line({"shopper": "guest", "beacons": [{"data": "zz", "address": "a", "interval_ms": 100}]})[:-1],
    line({"shopper": "guest", "beacons": [{"data": "00", "address": "a", "interval_ms": 0}]})[:-1],
    line({"shopper": "x" * shoppers.LONGEST})[:-1],
    line({"shopper": 7})[:-1],
]


def test_what_is_no_shopper_is_set_aside_and_said_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = tmp_path / "live.jsonl"
    secret = line(guest(content="29-SECRET"))[:-1].replace(b"QRCode", b"29-SECRET")
    lines = [line(guest("till"))[:-1], *RUBBISH, secret, line(guest("shelf"), store="kyoto")[:-1]]
    live.write_bytes(b"\n".join([*lines, line({"shopper": "dora"})]))
    with closing(Live(live, "ginza")) as reading:
        said = reading.news()
        assert reading.news() == {}
    assert [(name, [stay.zone for stay in shopper.stays]) for name, shopper in said.items()] == [
        ("guest", ["till"]),
        ("dora", []),
    ]
    assert reading.unreadable == len(RUBBISH) + 1
    assert [record.levelname for record in caplog.records] == ["WARNING"] * reading.unreadable
    assert f"line {len(RUBBISH) + 2} is no shopper" in caplog.text
    assert "SECRET" not in caplog.text


def test_endless_rubbish_fills_neither_memory_nor_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    live = tmp_path / "live.jsonl"
    tracemalloc.start()
    with closing(Live(live, "ginza")) as reading:
        for _ in range(5):
            saying(live, b"x" * shoppers.LONGEST)()
            assert reading.news() == {}
        assert tracemalloc.get_traced_memory()[0] < 2 * shoppers.LONGEST
        tracemalloc.stop()
        saying(live, b"\n" + b"\n" * 1000, line(guest()))()
        assert list(reading.news()) == ["guest"]
    assert reading.unreadable == 1001
    assert len(caplog.records) == shoppers.TOLD


@settings(max_examples=40, deadline=None)
@given(data=st.data(), order=st.lists(st.sampled_from(["anna", "ben", "{", "kyoto"]), max_size=12))
def test_it_does_not_matter_in_which_pieces_a_file_grows(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, order: list[str]
) -> None:
    live = tmp_path_factory.mktemp("live") / "live.jsonl"
    lines = [
        b"{\n"
        if what == "{"
        else line(
            {"shopper": what, "stays": [{"zone": "shelf", "begin": number, "end": number + 1}]},
            store="kyoto" if what == "kyoto" else "ginza",
        )
        for number, what in enumerate(order)
    ]
    whole = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    said: dict[str, shoppers.Shopper] = {}
    with closing(Live(live, "ginza")) as reading:
        for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            saying(live, whole[begin:end])()
            said |= reading.news()
    last = {what: number for number, what in enumerate(order) if what in ("anna", "ben")}
    assert {name: shopper.stays[0].begin for name, shopper in said.items()} == last
    assert reading.unreadable == order.count("{")


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_ends_no_sensor(tmp_path: Path, rubbish: bytes) -> None:
    file, live = scenario(tmp_path), tmp_path / "live.jsonl"
    live.write_bytes(rubbish + b"\n" + line(guest(content="NOREN-31")))
    assert of_guest(hear(file, live=live, until=1001.0))
    frames = see(file, "till-1", begin=1000.0, until=1000.5, live=live)()
    assert [code.content for code in codes.read(frames[-1])] == [b"NOREN-31"]


async def test_a_code_that_is_held_up_by_who_was_called_in_is_read_at_once(tmp_path: Path) -> None:
    file, live = scenario(tmp_path), tmp_path / "live.jsonl"
    then = {
        1050.0: saying(live, line(guest(content="NOREN-31")), line(guest(content="NOREN-99"), store="ueno")),
        # They hold it a moment longer than was said first, and then no more: the same code all the while.
        1052.0: saying(live, line(guest(end=54.0, content="NOREN-31"))),
        1060.0: saying(live, line(guest(begin=62.0, end=64.0, content="NOREN-32"))),
        # Of the script's first code a second is left, and of the second nothing.
        1102.0: saying(live, line({"shopper": "anna"})),
    }
    scans = await scan(file, begin=1040.0, until=1120.0, live=live, then=then)
    assert [scan.content for scan in scans] == [b"NOREN-31", b"NOREN-32", EAN.encode()]
    assert [scan.at for scan in scans] == pytest.approx([1050.05, 1062.0, 1101.0], abs=0.1)


async def test_a_code_that_was_replaced_is_no_longer_in_view(tmp_path: Path) -> None:
    live = tmp_path / "live.jsonl"
    live.write_bytes(line(guest(content="NOREN-31")))
    then = {1050.0: saying(live, line({"shopper": "guest"}))}
    frames = see(scenario(tmp_path), "till-1", begin=1049.9, until=1050.2, live=live, then=then)()
    read = [[code.content for code in codes.read(frame)] for frame in frames]
    assert read[0] == [b"NOREN-31"]
    assert read[-2:] == [[], []]


def test_a_live_code_that_cannot_be_drawn_is_said_once_and_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live, wrong = tmp_path / "live.jsonl", guest(content="no digits")
    wrong["shows"][0] |= {"format": "EAN13", "end": 51.0}
    live.write_bytes(line(wrong))
    frames = see(scenario(tmp_path), "till-1", begin=1050.0, until=1052.0, live=live)()
    assert len(frames) == 31
    assert codes.read(frames[3]) == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "no digits" not in caplog.text


def test_a_script_whose_code_cannot_be_drawn_is_a_sentence(tmp_path: Path) -> None:
    shows = [{"reader": "till-1", "begin": 0, "end": 9, "format": "EAN13", "content": "no digits"}]
    file = scenario(tmp_path, stores={"ginza": {"shoppers": [{"shopper": "anna", "shows": shows}]}})
    with pytest.raises(SensorError, match="shows a code that is none"):
        next(simulated.frames("till-1", store="ginza", scenario=file)())


async def test_an_agent_that_is_started_again_in_the_middle_reads_what_is_held_up_once_more(tmp_path: Path) -> None:
    file = scenario(tmp_path)
    first, again = [await scan(file, begin=begin, until=begin + 1.4) for begin in (1101.0, 1102.5)]
    assert [scan.content for scan in first] == [scan.content for scan in again] == [EAN.encode()]
    assert again[0].at < 1102.7


def test_a_camera_that_is_there_before_the_scenario_begins_sees_the_counter(tmp_path: Path) -> None:
    frames = see(scenario(tmp_path), "till-1", begin=990.0, until=992.0)()
    assert len(frames) == 31, "and so it also notices that it is to stop"
    assert codes.read(frames[0]) == []
