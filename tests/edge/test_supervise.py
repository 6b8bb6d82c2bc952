"""What fails is run again, later each time; what is a surprise shows where it came from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice

import pytest
from edge_wire import turn

from edge.errors import LinkError, SensorError
from edge.supervise import LONGEST, NEAR, SETTLED, WORKS, Supervisor, delays, soon

Later = Callable[[float], Awaitable[None]]


class Radio:
    """Fails as it is told to; None lets it run until it is stopped."""

    def __init__(self, *fates: Exception | None) -> None:
        self.runs = 0
        self._fates = list(fates)

    async def run(self) -> None:
        self.runs += 1
        fate = self._fates.pop(0) if self._fates else None
        if fate is not None:
            raise fate
        await asyncio.Event().wait()


def test_delays_grow_to_the_longest_and_differ() -> None:
    waits = list(islice(delays(1.0, 60.0), 12))
    assert 0.5 <= waits[0] <= 1.0
    assert all(wait <= LONGEST for wait in waits)
    assert waits[-1] >= LONGEST / 2
    assert len({next(delays()) for _ in range(20)}) > 1


async def test_what_fails_is_run_again_and_counted(later: Later, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor()
    radio = Radio(SensorError("hci0 is gone.", fix="Plug it in."), SensorError("hci0 is gone.", fix="Plug it in."))
    kept = asyncio.create_task(supervisor.keep("radio", radio.run))
    await turn()
    assert radio.runs == 1
    assert supervisor.troubles == {"radio": "hci0 is gone. Plug it in."}
    await later(1.0)
    await later(2.0)
    assert radio.runs == 3
    assert supervisor.counts["radio_restarts"] == 2
    assert [record.getMessage() for record in caplog.records] == ["radio: hci0 is gone. Plug it in."]
    assert caplog.records[0].exc_info is None
    assert supervisor.troubles
    await later(SETTLED)
    assert not supervisor.troubles
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept


async def test_a_surprise_is_logged_with_its_trace(later: Later, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    supervisor = Supervisor()
    kept = asyncio.create_task(supervisor.keep("camera", Radio(ZeroDivisionError()).run))
    await turn()
    assert caplog.records[0].exc_info is not None
    assert supervisor.troubles == {"camera": "ZeroDivisionError"}
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept


async def test_after_a_long_run_the_next_wait_is_short_again(later: Later) -> None:
    supervisor = Supervisor()
    fail = asyncio.Event()
    runs = []

    async def run() -> None:
        runs.append(1)
        await fail.wait()
        fail.clear()
        raise SensorError("again")

    kept = asyncio.create_task(supervisor.keep("radio", run))
    await turn()
    for _ in range(8):  # Fails at once, eight times: the wait has grown to half a minute and more.
        fail.set()
        await turn()
        await later(LONGEST)
    assert len(runs) == 9
    await later(SETTLED + 1)
    fail.set()
    await turn()
    await later(1.0)
    assert len(runs) == 10
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept


async def test_what_says_that_it_is_well_fails_for_the_first_time_again(still: Later) -> None:
    supervisor = Supervisor()
    fail = asyncio.Event()
    runs = []

    async def run() -> None:
        runs.append(1)
        await fail.wait()
        fail.clear()
        raise LinkError("The line is cut.")

    async def fails() -> None:
        fail.set()
        await turn()

    kept = asyncio.create_task(supervisor.keep("link", run, waits=lambda: iter((1.0, 2.0, 4.0))))
    await turn()
    for wait in (1.0, 2.0):
        await fails()
        await still(wait)
    assert len(runs) == 3
    assert supervisor.troubles == {"link": "The line is cut."}
    supervisor.well("link")
    assert not supervisor.troubles
    for wait in (1.0, 2.0):  # It was well once: then it only fails.
        await fails()
        await still(wait - 0.1)
        before = len(runs)
        await still(0.2)
        assert len(runs) == before + 1
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept


async def test_what_ends_by_itself_is_done() -> None:
    supervisor = Supervisor()

    async def run() -> None:
        return None

    await supervisor.keep("recording", run)
    assert not supervisor.counts


async def test_a_sensor_is_tried_again_soon_and_is_well_sooner(later: Later) -> None:
    supervisor = Supervisor()
    camera = Radio(*[SensorError("There is no camera /dev/video0.", fix="Plug it in.")] * 20)
    kept = asyncio.create_task(supervisor.keep("camera", camera.run, waits=soon, settled=WORKS))
    await turn()
    for _ in range(20):
        assert supervisor.troubles
        await later(NEAR)
    assert camera.runs == 21
    await later(WORKS)
    assert not supervisor.troubles
    kept.cancel()
    with pytest.raises(asyncio.CancelledError):
        await kept
