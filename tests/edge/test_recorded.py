"""Recordings of a radio: played in their own time, faster, and whatever is in the file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import SensorError
from edge.model import Advert, Scan
from edge.sensors.recorded import Recorded


def line(**changed: Any) -> str:
    return json.dumps({"time": 50.0, "address": "C2:00:00:00:00:01", "rssi": -60, "data": "020106"} | changed)


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


async def play(folder: Path, text: str | bytes, speed: float = 1.0) -> tuple[list[Advert], Recorded, Time]:
    file = folder / "morning.jsonl"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    time = Time()
    recorded = Recorded("replay", "shelf", file, speed=speed, clock=time.clock, sleep=time.sleep)
    got: list[Advert | Scan] = []
    await recorded.run(got.append)
    return [advert for advert in got if isinstance(advert, Advert)], recorded, time


async def test_a_recording_is_played_in_its_own_time(tmp_path: Path) -> None:
    adverts, recorded, time = await play(tmp_path, "\n".join([line(), line(time=52.5, rssi=None), line(time=60)]))
    assert adverts[0] == Advert(
        at=1000.0, receiver="replay", zone=recorded.zone, address="C2:00:00:00:00:01", rssi=-60, data=b"\x02\x01\x06"
    )
    assert [advert.at for advert in adverts] == [1000.0, 1002.5, 1010.0]
    assert adverts[1].rssi is None
    assert time.now == 1010.0


@pytest.mark.parametrize(("speed", "seconds"), [(4.0, 2.5), (0.0, 0.0)])
async def test_a_faster_one_keeps_the_intervals_that_were_heard(tmp_path: Path, speed: float, seconds: float) -> None:
    adverts, _, time = await play(tmp_path, "\n".join([line(), line(time=60)]), speed)
    assert time.slept == seconds
    assert adverts[1].at - adverts[0].at == 10.0


async def test_times_may_be_written_as_dates(tmp_path: Path) -> None:
    times = ["2026-11-24T10:00:00Z", "2026-11-24T19:00:01+09:00", "2026-11-24T10:00:02.500"]
    adverts, _, _ = await play(tmp_path, "\n".join(line(time=time) for time in times))
    assert [advert.at for advert in adverts] == [1000.0, 1001.0, 1002.5]


async def test_a_line_out_of_order_is_played_at_once(tmp_path: Path) -> None:
    adverts, _, _ = await play(tmp_path, "\n".join([line(), line(time=51), line(time=40), line(time=52)]))
    assert [advert.at for advert in adverts] == [1000.0, 1001.0, 1000.0, 1002.0]


@pytest.mark.parametrize("rssi", [0, -127, 127])
async def test_an_rssi_that_is_none_is_none(tmp_path: Path, rssi: int) -> None:
    adverts, _, _ = await play(tmp_path, line(rssi=rssi))
    assert adverts[0].rssi is None


UNREADABLE = [
    b"not json",
    b"{",
    b"[]",
    b"\xff\xfe",
    b"[" * 50_000,
    b'{"more": ' + b"[" * 50_000,
    line(data="abc").encode(),
    line(data="zz").encode(),
    line(data=None).encode(),
    line(rssi=-400).encode(),
    line(rssi="loud").encode(),
    line(time="yesterday").encode(),
    line(time=-5).encode(),
    line(time=1e300).encode(),
    line(time="0001-01-01T00:00:00+00:00").encode(),
    line(address="x" * 65).encode(),
    b'{"time": 1e999, "address": "a", "rssi": -60, "data": ""}',
    b'{"time": 1, "rssi": -60, "data": ""}',
]


async def test_unreadable_lines_are_counted_and_told_by_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    text = b"\n".join([line().encode(), b"", *UNREADABLE, line(time=51.0).encode()])
    adverts, recorded, _ = await play(tmp_path, text)
    assert len(adverts) == 2
    assert recorded.unreadable == len(UNREADABLE)
    assert "line 3 is no advertisement" in caplog.text
    assert f"{len(UNREADABLE)} unreadable lines" in caplog.text


async def test_a_file_full_of_junk_does_not_fill_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, recorded, _ = await play(tmp_path, "junk\n" * 1000)
    assert recorded.unreadable == 1000
    assert len(caplog.records) <= 25


async def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="cannot be read: No such file"):
        await Recorded("replay", "shelf", tmp_path / "none").run(lambda _: None)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
async def test_any_bytes_are_played_or_set_aside(tmp_path: Path, text: bytes) -> None:
    adverts, recorded, _ = await play(tmp_path, text, 0.0)
    assert len(adverts) + recorded.unreadable <= text.count(b"\n") + 1
