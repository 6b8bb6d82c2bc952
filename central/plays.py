"""Proof of play as tables: every play once, when it was by central's time, and how many could have seen it."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection, select

from central import times
from central.contract import events as contract
from central.contract.events import Event, Played, VisitEnded
from central.storage.tables import events, store
from central.times import Boots
from ground.programme import calendar

PLAYS = (
    *("play", "store", "agent", "screen", "region", "scene", "content", "campaign", "names", "cause"),
    *("first_frame", "last_frame", "within_s", "shown_ms", "ended", "late_frames"),
)
"""Columns, one row a play; times of the store's own clock, right within so many seconds (empty: nobody knows)."""
ADS = ("campaign", "store", "day", "plays", "seconds", "opportunities_to_see", "visits")
"""Columns, one row a campaign, store and day of the store's calendar.

A visit whose dwell, in a zone from which the screen is seen, overlaps a play by a second is one opportunity to see it;
`visits` are those that had any. Only who agreed to presence has visits: it is the least that there were.
"""
SEEN = timedelta(seconds=1)
_LONGEST = timedelta(hours=24)
"""Of a visit: one that lasts longer is a beacon left behind."""
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
"""What a clock may say and still be reckoned with."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # As Japanese is typed, too.
"""What makes a spreadsheet take a cell for a formula."""


class Lines(Protocol):
    """What a table is written to."""

    def write(self, text: str, /) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """From the first to the last, both of them whole, by each store's calendar; None: no end."""

    first: date | None = None
    last: date | None = None

    def hold(self, at: datetime) -> bool:
        return (self.first is None or self.first <= at.date()) and (self.last is None or at.date() <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One play, with whose it was and when."""

    store: str
    agent: str
    begun: datetime
    ended: datetime
    within_s: float | None
    body: Played


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    visit: str
    begun: datetime
    ended: datetime


class _Zone:
    """The visits of one zone, by when they began."""

    def __init__(self, visits: Iterable[_Visit]) -> None:
        self._visits = sorted(visits, key=lambda one: one.begun)
        self._longest = max(one.ended - one.begun for one in self._visits)

    def saw(self, play: Play) -> Iterator[str]:
        """Which of them had a second of this play."""
        first = bisect_left(self._visits, play.begun - self._longest, key=lambda one: one.begun)
        for visit in islice(self._visits, first, None):
            if visit.begun >= play.ended:
                return
            if min(visit.ended, play.ended) - max(visit.begun, play.begun) >= SEEN:
                yield visit.visit


def plays(connection: Connection, days: Days) -> Iterator[Play]:
    """Give the plays that began then, by store and agent, in the order in which they were told.

    A play that was told twice (a card was set back, and its player with it) is given once.
    """
    told: set[str] = set()
    teller = ""
    boots, zones = times.boots(connection), _zones(connection)
    for row in _events(connection, "played", days):
        if row.agent != teller:
            told, teller = set(), row.agent
        event, body = contract.read(row.data.encode())
        if not isinstance(body, Played) or body.play in told:
            continue
        told.add(body.play)
        at, within_s = _happened(event, row.agent, boots)
        zone = zones.get(row.store, UTC)
        ended = _before(at, body.ago_ms).astimezone(zone)
        begun = _before(at, body.ago_ms + body.shown_ms).astimezone(zone)
        if days.hold(begun):
            yield Play(store=row.store, agent=row.agent, begun=begun, ended=ended, within_s=within_s, body=body)


def write(connection: Connection, days: Days, to: Lines) -> int:
    """Write the table of plays as CSV, and give how many there are."""
    table, count = _table(to, PLAYS), 0
    for play in plays(connection, days):
        table.writerow(_cells(_row(play)))
        count += 1
    return count


def write_ads(connection: Connection, days: Days, to: Lines) -> int:
    """Write the table of campaigns as CSV, and give how many rows there are."""
    table, count = _table(to, ADS), 0
    of_store: list[Play] = []

    def tell() -> int:
        rows = _ads(connection, days, of_store) if of_store else []
        for row in rows:
            table.writerow(_cells(row))
        return len(rows)

    for play in plays(connection, days):
        if of_store and of_store[0].store != play.store:
            count += tell()
            of_store = []
        if play.body.campaign is not None:
            of_store.append(play)
    return count + tell()


def _events(connection: Connection, kind: str, days: Days, of_store: str | None = None) -> Iterable[Any]:
    ask = select(events.c.store, events.c.agent, events.c.data).where(events.c.kind == kind)
    if days.first is not None:  # Nothing is received before it happened.
        begins = datetime.combine(days.first, datetime.min.time(), UTC)
        ask = ask.where(events.c.received >= begins - timedelta(days=2))
    if of_store is not None:
        ask = ask.where(events.c.store == of_store)
    ordered = ask.order_by(events.c.store, events.c.agent, events.c.epoch, events.c.seq)
    return connection.execute(ordered.execution_options(yield_per=1000))


def _zones(connection: Connection) -> dict[str, tzinfo]:
    return {
        row.store: calendar.zone(row.timezone) for row in connection.execute(select(store.c.store, store.c.timezone))
    }


def _happened(event: Event, agent: str, boots: Boots) -> tuple[datetime, float | None]:
    happened = times.corrected(event.born, boots.get((agent, event.born.boot), ()))
    return min(max(happened.at, _EARLIEST), _LATEST), happened.within_s


def _before(at: datetime, ms: int) -> datetime:
    try:
        return max(at - timedelta(milliseconds=ms), _EARLIEST)
    except OverflowError:
        return _EARLIEST


def _row(play: Play) -> tuple[object, ...]:
    body = play.body
    return (
        *(body.play, play.store, play.agent, body.screen, body.region, body.scene, body.content, body.campaign),
        *(" | ".join(body.names), body.cause, _moment(play.begun), _moment(play.ended), play.within_s),
        *(body.shown_ms, body.ended, body.late),
    )


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _ads(connection: Connection, days: Days, of_store: Sequence[Play]) -> list[tuple[object, ...]]:
    """Sum one store's plays up."""
    visits = _visits(connection, days, of_store[0].store)
    counts: Counter[tuple[str, date]] = Counter()
    shown: Counter[tuple[str, date]] = Counter()
    chances: Counter[tuple[str, date]] = Counter()
    reached: dict[tuple[str, date], set[str]] = {}
    for play in of_store:
        assert play.body.campaign is not None
        where = (play.body.campaign, play.begun.date())
        counts[where] += 1
        shown[where] += play.body.shown_ms
        seen = {name for zone in play.body.zones if zone in visits for name in visits[zone].saw(play)}
        chances[where] += len(seen)
        reached.setdefault(where, set()).update(seen)
    return [
        (
            *(campaign, of_store[0].store, at.isoformat(), count, f"{shown[campaign, at] / 1000:.1f}"),
            *(chances[campaign, at], len(reached[campaign, at])),
        )
        for (campaign, at), count in sorted(counts.items())
    ]


def _visits(connection: Connection, days: Days, of_store: str) -> dict[str, _Zone]:
    """The visits of a store's zones; each once, and never whose."""
    found: dict[str, dict[str, _Visit]] = {}
    boots = times.boots(connection)
    for row in _events(connection, "visit-ended", days, of_store):
        event, body = contract.read(row.data.encode())
        if not isinstance(body, VisitEnded):
            continue
        name = f"{row.agent}/{body.visit}"
        ended, _ = _happened(event, row.agent, boots)
        begun = max(_before(ended, body.dwell_ms), ended - _LONGEST)
        found.setdefault(body.zone, {}).setdefault(name, _Visit(visit=name, begun=begun, ended=ended))
    return {zone: _Zone(visits.values()) for zone, visits in found.items()}


def _table(to: Lines, columns: Sequence[str]) -> Any:
    table = csv.writer(to, lineterminator="\r\n")  # RFC 4180.
    table.writerow(columns)
    return table


def _cells(row: Iterable[object]) -> list[object]:
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row]
