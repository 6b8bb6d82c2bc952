"""Says when something is due by a store's own calendar: dates, weekdays, day-parts, whatever daylight saving does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from ground.errors import NorenError
from ground.programme.records import WEEKDAYS, DayPart, When

HORIZON = timedelta(days=400)
"""So far is looked ahead."""
_DAY = timedelta(days=1)
_MINUTES = 24 * 60
_LATEST = date(9000, 1, 1)
"""Nobody plans further; arithmetic on dates still works there."""
Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Minutes of one day's wall clock, each from one to just before another."""


class NoZone(NorenError):
    """A time zone that this machine does not know."""


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises NoZone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise NoZone(
            f"{name!r} is no time zone.",
            fix="Write one as Asia/Tokyo or Europe/Berlin; if it is right, install the package tzdata.",
        ) from error


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which this day begins on the wall clocks of the zone."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def is_due(whens: Sequence[When], at: datetime, zone: ZoneInfo) -> bool:
    """Whether any of these is due at an instant; none at all is always due.

    What counts is what the wall clock shows: minutes that are skipped do not happen, those that are repeated do twice.
    """
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(begins <= minute < ends for begins, ends in _due_on(whens, local.date()))


def ends(whens: Sequence[When], at: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant, in UTC, at which what is due now stops being due; None if that is not within 400 days."""
    return change(whens, at, zone) if is_due(whens, at, zone) else None


def begins(whens: Sequence[When], at: datetime, zone: ZoneInfo) -> datetime | None:
    """The next instant after this one, in UTC, at which it becomes due; None if that is not within 400 days."""
    found = change(whens, at, zone)
    if found is None or is_due(whens, found, zone):
        return found
    return _change(whens, found, zone, at.astimezone(UTC) + HORIZON)


def change(whens: Sequence[When], at: datetime, zone: ZoneInfo, within: timedelta = HORIZON) -> datetime | None:
    """The next instant after this one, in UTC, at which it begins or stops to be due; None: not within so long."""
    return _change(whens, at, zone, at.astimezone(UTC) + within)


def spans(whens: Sequence[When], day: date) -> Spans:
    """The spans of a wall clock's minutes, on this day, in which any of these is due: in order, none over another."""
    made: list[tuple[int, int]] = []
    for begins, ends in sorted(_due_on(whens, day)):
        if made and begins <= made[-1][1]:
            made[-1] = made[-1][0], max(ends, made[-1][1])
        else:
            made.append((begins, ends))
    return tuple(made)


def never(whens: Sequence[When], since: date, zone: ZoneInfo) -> str:
    """Why this is not due at any time from that day on; nothing if it is."""
    reasons = [_never(when, since, zone) for when in whens]
    return "; ".join(dict.fromkeys(reasons)) if reasons and all(reasons) else ""


def _never(when: When, since: date, zone: ZoneInfo) -> str:
    start = min(max(since, when.first or since), _LATEST)
    from_then = midnight(start, zone)
    if is_due((when,), from_then, zone) or change((when,), from_then, zone):
        return ""
    if when.first and when.last and when.first > when.last:
        return f"its first day, {when.first}, is after its last, {when.last}"
    if when.last and when.last < since:
        return f"its last day, {when.last}, is past"
    if when.weekdays and when.last and not any(_is_day(when, start + _DAY * day) for day in range(7)):
        return f"there is no {' or '.join(when.weekdays)} from {start} to {when.last}"
    return "the clocks skip its hours on its only days"


def _change(whens: Sequence[When], at: datetime, zone: ZoneInfo, limit: datetime) -> datetime | None:
    now = at.astimezone(UTC)
    due = is_due(whens, now, zone)
    while whens and now < limit:
        local = now.astimezone(zone)
        offset = local.utcoffset() or timedelta()
        wall = local.replace(tzinfo=None)
        day = datetime.combine(wall, time())
        # One stretch: to the end of this day, or to where the clocks are changed before that.
        end = _steady(now, (day + _DAY - offset).replace(tzinfo=UTC), offset, zone)
        edges = sorted({edge for span in _due_on(whens, wall.date()) for edge in span})
        for minute in edges:
            instant = (day + timedelta(minutes=minute) - offset).replace(tzinfo=UTC)
            if now < instant < end and is_due(whens, instant, zone) != due:
                return instant if instant < limit else None
        if is_due(whens, end, zone) != due:
            return end if end < limit else None
        now = end
    return None


def _steady(now: datetime, end: datetime, offset: timedelta, zone: ZoneInfo) -> datetime:
    """The end, or the first instant before it at which the zone's offset is another one."""
    if end.astimezone(zone).utcoffset() == offset:
        return end
    same, other = int(now.timestamp()), int(end.timestamp())
    while other - same > 1:
        middle = (same + other) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            same = middle
        else:
            other = middle
    return datetime.fromtimestamp(other, UTC)


def _due_on(whens: Sequence[When], day: date) -> list[tuple[int, int]]:
    """The spans of a wall clock's minutes, on this day, in which any of these is due."""
    if not whens:
        return [(0, _MINUTES)]
    spans: list[tuple[int, int]] = []
    for when in whens:
        today, yesterday = _is_day(when, day), _is_day(when, day - _DAY)
        if not when.parts and today:
            spans.append((0, _MINUTES))
        for part in when.parts:
            begins, ends = _minutes(part)
            if today:
                spans.append((begins, min(ends, _MINUTES)))
            if yesterday and ends > _MINUTES:
                spans.append((max(begins - _MINUTES, 0), ends - _MINUTES))
    return [(begins, ends) for begins, ends in spans if begins < ends]


def _minutes(part: DayPart) -> tuple[int, int]:
    """The part in minutes since the midnight of its day; it may go on into the next one."""
    begins, ends = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (part.begins, part.ends))
    return begins, ends if ends > begins else ends + _MINUTES


def _is_day(when: When, day: date) -> bool:
    return (
        (when.first is None or when.first <= day)
        and (when.last is None or day <= when.last)
        and (not when.weekdays or WEEKDAYS[day.weekday()] in when.weekdays)
    )
