"""The calendar against an oracle that looks at every minute of a year, and what cannot be due."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.programme import calendar
from ground.programme.records import WEEKDAYS, DayPart, When

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo")
START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = 366 * 24 * 60
TOKYO = ZoneInfo("Asia/Tokyo")


@cache
def walls(zone: str) -> list[tuple[date, int]]:
    """What the wall clock shows in every minute of the year."""
    there = ZoneInfo(zone)
    shown = []
    for minute in range(YEAR):
        local = (START + timedelta(minutes=minute)).astimezone(there)
        shown.append((local.date(), local.hour * 60 + local.minute))
    return shown


def minutes(clock: str) -> int:
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def oracle(whens: tuple[When, ...], day: date, minute: int) -> bool:
    """The rule as the records state it, told in another way: by the day-parts of today and of yesterday."""
    if not whens:
        return True
    for when in whens:
        for back in (0, 1):
            of = day - timedelta(days=back)
            if (when.first and of < when.first) or (when.last and of > when.last):
                continue
            if when.weekdays and WEEKDAYS[of.weekday()] not in when.weekdays:
                continue
            if not when.parts and back == 0:
                return True
            for part in when.parts:
                begins, length = minutes(part.begins), (minutes(part.ends) - minutes(part.begins)) % 1440 or 1440
                if begins <= back * 1440 + minute < begins + length:
                    return True
    return False


clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 1, 15, 30, 59)))
ends_at = st.one_of(clocks, st.just("24:00"))
days = st.dates(date(2025, 12, 20), date(2027, 1, 10))
whens = st.lists(
    st.builds(
        When,
        first=st.none() | days,
        last=st.none() | days,
        weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=3, unique=True).map(tuple),
        parts=st.lists(st.builds(DayPart, begins=clocks, ends=ends_at), max_size=3).map(tuple),
    ),
    max_size=3,
).map(tuple)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(whens, st.sampled_from(ZONES), st.lists(st.integers(0, YEAR - 1), min_size=3, max_size=6))
def test_it_is_due_begins_and_ends_as_the_oracle_says(whens: tuple[When, ...], name: str, looks: list[int]) -> None:
    zone = ZoneInfo(name)
    by_oracle = [oracle(whens, *wall) for wall in walls(name)]
    edges = [minute for minute in range(1, YEAR) if by_oracle[minute] != by_oracle[minute - 1]]
    # Walk from edge to edge as a player would, and look at some instants between them.
    for at in [*edges[:40], *looks]:
        instant = START + timedelta(minutes=at, seconds=at % 60)
        assert calendar.is_due(whens, instant, zone) == by_oracle[at], (name, instant)
        following = bisect_right(edges, at)
        change = START + timedelta(minutes=edges[following]) if following < len(edges) else None
        found = calendar.change(whens, instant, zone)
        if change is None:
            assert found is None or found >= START + timedelta(minutes=YEAR)
            continue
        assert found == change
        assert calendar.ends(whens, instant, zone) == (change if by_oracle[at] else None)
        if by_oracle[edges[following]]:
            assert calendar.begins(whens, instant, zone) == change
        elif following + 1 < len(edges):
            assert calendar.begins(whens, instant, zone) == START + timedelta(minutes=edges[following + 1])


@pytest.mark.parametrize("name", ZONES)
def test_every_minute_of_a_year_with_parts_where_the_clocks_change(name: str) -> None:
    zone = ZoneInfo(name)
    whens = (
        When(weekdays=("sun",), parts=(DayPart(begins="01:45", ends="02:15"), DayPart(begins="23:30", ends="00:30"))),
        When(first=date(2026, 3, 28), last=date(2026, 11, 1), parts=(DayPart(begins="02:20", ends="02:40"),)),
    )
    by_oracle = [oracle(whens, *wall) for wall in walls(name)]
    made = [calendar.is_due(whens, START + timedelta(minutes=minute), zone) for minute in range(YEAR)]
    assert made == by_oracle
    assert 0 < sum(made) < YEAR
    walked, at = [], START
    while (found := calendar.change(whens, at, zone)) and found < START + timedelta(minutes=YEAR):
        walked.append(int((found - START).total_seconds() // 60))
        at = found
    assert walked == [minute for minute in range(1, YEAR) if by_oracle[minute] != by_oracle[minute - 1]]


def test_a_skipped_half_hour_does_not_happen_and_a_repeated_one_happens_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    part = (When(parts=(DayPart(begins="02:10", ends="02:20"),)),)
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)

    def due_minutes(day: datetime) -> int:
        return sum(calendar.is_due(part, day + timedelta(minutes=minute), berlin) for minute in range(3 * 60))

    assert (due_minutes(spring), due_minutes(autumn)) == (0, 20)


def test_nothing_said_is_always_due_and_has_no_edge() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    assert calendar.is_due((), at, TOKYO)
    assert calendar.change((), at, TOKYO) is calendar.ends((), at, TOKYO) is calendar.begins((), at, TOKYO) is None
    far = (When(first=date(2040, 1, 1)),)
    assert not calendar.is_due(far, at, TOKYO)
    assert calendar.begins(far, at, TOKYO) is None
    assert calendar.ends(far, at, TOKYO) is None


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (When(last=date(2026, 11, 23)), "its last day, 2026-11-23, is past"),
        (When(first=date(2026, 12, 2), last=date(2026, 12, 1)), "is after its last"),
        (When(first=date(2026, 12, 1), last=date(2026, 12, 2), weekdays=("sun",)), "there is no sun from 2026-12-01"),
        (
            When(first=date(2027, 3, 28), last=date(2027, 3, 28), parts=(DayPart(begins="02:05", ends="02:55"),)),
            "the clocks skip its hours",
        ),
        (When(first=date(9999, 12, 31), last=date(2026, 12, 31)), "is after its last"),
    ],
)
def test_what_can_never_be_due_says_why(when: When, reason: str) -> None:
    today, berlin = date(2026, 11, 24), ZoneInfo("Europe/Berlin")
    assert reason in calendar.never((when,), today, berlin)
    assert reason in calendar.never((when, when), today, berlin)
    assert calendar.never((when, When()), today, berlin) == ""


@pytest.mark.parametrize(
    "when",
    [
        When(),
        When(first=date(2031, 5, 1), weekdays=("mon",)),
        When(last=date(2026, 11, 23), parts=(DayPart(begins="22:00", ends="01:00"),)),
        When(parts=(DayPart(begins="02:05", ends="02:55"),)),
        When(parts=(DayPart(begins="00:00", ends="00:00"),)),
    ],
)
def test_what_can_be_due_gives_no_reason(when: When) -> None:
    assert calendar.never((when,), date(2026, 11, 24), ZoneInfo("Europe/Berlin")) == ""


@pytest.mark.parametrize("name", ["Asia/Tokio", "", "../../etc/passwd", "Asia", "/etc/localtime", "a" * 300])
def test_an_unknown_zone_names_the_fix(name: str) -> None:
    with pytest.raises(calendar.NoZone, match="Asia/Tokyo"):
        calendar.zone(name)


def test_midnight_is_that_of_the_zone_also_where_the_clocks_skip_it() -> None:
    assert calendar.midnight(date(2026, 11, 24), TOKYO) == datetime(2026, 11, 23, 15, tzinfo=UTC)
    cairo = ZoneInfo("Africa/Cairo")  # 2026-04-24 begins at one o'clock.
    assert calendar.midnight(date(2026, 4, 24), cairo) == datetime(2026, 4, 23, 22, tzinfo=UTC)
