"""How often a member has seen a campaign: counted once a play, over a restart, and forgotten."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from pathlib import Path

import pytest
from edge_wire import turn

from edge.audience import Offer
from edge.errors import Locked
from edge.frequency import HOUR, UNHEARD, Frequency
from edge.model import ScreenId
from edge.seal import Seal
from edge.storage import Storage
from ground.programme.records import Audience, Campaign, Content

DAY = date(2026, 11, 24)
S, T = ScreenId("s"), ScreenId("t")
A, B = ("c-hana",), ("c-taro",)
SEAL = Seal(bytes(32))


def offer(per_member: int | None = 2, per_hour: int | None = None, campaign: str = "gold") -> Offer:
    return Offer(
        campaign=Campaign(
            campaign=campaign,
            name="x",
            contents=("x",),
            audience=Audience(members=True),
            per_member=per_member,
            per_hour=per_hour,
        ),
        content=Content(content="x", layout="campaign", title={"ja": "x"}),
    )


async def opened(storage: Storage, seal: Seal = SEAL, day: date = DAY) -> Frequency:
    frequency = Frequency(storage, seal, "ginza")
    await frequency.open()
    frequency.begin(day)
    return frequency


async def test_a_member_sees_it_so_often_a_day_and_another_too(storage: Storage) -> None:
    counted = await opened(storage)
    for play in ("p1", "p2"):
        assert counted.may(offer(), A, S, 0.0)
        counted.played("gold", "scene", play, A, DAY)
    assert not counted.may(offer(), A, S, 0.0)
    assert not counted.may(offer(), (*A, *B), S, 0.0), "a group waits for the one who has seen it"
    assert counted.may(offer(), B, S, 0.0)
    assert counted.may(offer(campaign="silver"), A, S, 0.0)
    assert counted.may(offer(per_member=None), A, S, 0.0)
    counted.begin(DAY + timedelta(days=1))
    assert counted.may(offer(), A, S, 0.0)


async def test_the_same_play_again_counts_once(storage: Storage) -> None:
    counted = await opened(storage)
    for _ in range(5):
        counted.played("gold", "scene", "p1", A, DAY)
    assert counted.may(offer(), A, S, 0.0)


async def test_it_is_kept_over_a_restart(tmp_path: Path) -> None:
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        counted = await opened(storage)
        counted.played("gold", "scene", "p1", A, DAY)
        counted.played("gold", "scene", "p2", A, DAY)
    async with Storage.open(tmp_path / "edge.sqlite") as storage:
        counted = await opened(storage)
        assert not counted.may(offer(), A, S, 0.0)
        counted.played("gold", "scene", "p2", A, DAY)
        assert counted.may(offer(per_member=3), A, S, 0.0)


async def test_what_stands_on_a_screen_counts_until_its_play_is_told_or_never_comes(storage: Storage) -> None:
    counted = await opened(storage)
    counted.shown(offer(1), "one", A, S, 10.0)
    assert not counted.may(offer(1), A, T, 11.0)
    assert counted.may(offer(2), A, T, 11.0)
    counted.played("gold", "one", "p1", A, DAY)
    assert counted.may(offer(2), A, S, 20.0)
    counted.shown(offer(2), "two", A, S, 20.0)
    assert not counted.may(offer(2), A, S, 20.0 + UNHEARD)
    assert counted.may(offer(2), A, S, 20.1 + UNHEARD), "its player died with it"


async def test_so_many_an_hour_on_one_screen(storage: Storage) -> None:
    counted = await opened(storage)
    hourly = offer(None, 2)
    for at in (0.0, 100.0):
        assert counted.may(hourly, A, S, at)
        counted.shown(hourly, "x", A, S, at)
    assert not counted.may(hourly, B, S, HOUR - 0.1)
    assert counted.may(hourly, B, T, 200.0)
    assert counted.may(hourly, B, S, HOUR)


async def test_nobody_can_be_read_from_the_disk_and_after_two_days_it_is_gone(storage: Storage) -> None:
    counted = await opened(storage)
    counted.played("gold", "scene", "p1", A, DAY)
    await storage.keep("x", "x")
    [(mark, play, day)] = storage.read("SELECT * FROM member_play")
    assert (len(mark), play, day) == (16, "p1", "2026-11-24")
    for days, left in ((1, 1), (2, 1), (3, 0)):
        counted.begin(DAY + timedelta(days=days))
        await storage.keep("x", "x")
        assert len(storage.read("SELECT * FROM member_play")) == left


async def test_another_sealing_key_begins_anew_and_none_counts_nobody(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    counted = await opened(storage)
    counted.played("gold", "scene", "p1", A, DAY)
    await storage.keep("x", "x")
    with caplog.at_level(logging.WARNING):
        other = await opened(storage, Seal(bytes([1] * 32)))
        assert other.may(offer(1), A, S, 0.0)
    assert "counted anew" in caplog.text
    locked = await opened(storage, Seal())
    with pytest.raises(Locked):
        locked.may(offer(1), A, S, 0.0)
    locked.played("gold", "scene", "p9", A, DAY)
    await turn()
