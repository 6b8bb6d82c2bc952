"""Calls something out on every screen at once, until a time by the stores' clocks, and takes it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from central import catalogue, content, programme
from central.contract.codec import Unreadable, decode, encode
from central.errors import CentralError, ProgrammeRefused, Unknown
from central.programme import EMERGENCY
from central.storage.tables import agent
from ground.programme import calendar, check
from ground.programme.records import Campaign, Content, DayPart, Store, Texts, When

LONGEST = timedelta(days=7)
_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is called out, where (nowhere named: everywhere), and until when."""

    title: Texts
    until: datetime
    text: Texts
    stores: tuple[str, ...] = ()


def begin(connection: Connection, call: Call, at: datetime) -> None:
    """Show it on every screen of these stores, over everything else; what was called out before is taken back.

    Raises Unknown for a store that is not there, ProgrammeRefused, and CentralError for a time that cannot be.
    """
    if not at < call.until <= at + LONGEST:
        raise CentralError(
            f"An emergency cannot last until {call.until:%Y-%m-%d %H:%M %Z}.",
            fix=f"Give a time to come, within {LONGEST.days} days: it can be called out again.",
        )
    programme.alone_with(connection)
    known = _stores(connection)
    if unknown := set(call.stores) - known.keys():
        raise Unknown(f"There is no store {', '.join(sorted(unknown))}.", fix=f"Name some of {', '.join(known)}.")
    shown = Content(content=EMERGENCY, layout="emergency", title=call.title, text=call.text, seconds=_SECONDS)
    try:
        decode(encode(shown), Content)
    except Unreadable as error:  # No store could read it: it would be called out, and stand nowhere.
        said = f"What is to be called out cannot be sent: {error}."
        raise CentralError(said, fix="Shorten it: 2,000 letters are the most.") from error
    if found := check.problems(programme.of((shown,)), at.date()):
        raise ProgrammeRefused(found)
    end(connection)
    content.save(connection, (shown, *_campaigns(call, known, at)))


def end(connection: Connection) -> bool:
    """Take back what is called out; gives whether anything was."""
    programme.alone_with(connection)
    shown = [name for name, campaign in content.campaigns(connection).items() if EMERGENCY in campaign.contents]
    content.delete(connection, "campaigns", shown)
    if EMERGENCY in content.contents(connection, [EMERGENCY]):
        content.delete(connection, "contents", [EMERGENCY])
    return bool(shown)


def _stores(connection: Connection) -> dict[str, Store]:
    """Those that were put in, and those that have a device before anybody put them in: their clocks are Japan's."""
    with_devices = connection.scalars(select(agent.c.store).where(agent.c.revoked.is_(False)).distinct())
    known = {store: Store(store=store, name={}) for store in with_devices} | catalogue.stores(connection)
    return dict(sorted(known.items()))


def _campaigns(call: Call, known: Mapping[str, Store], at: datetime) -> tuple[Campaign, ...]:
    """One for each time zone: the end stands in the stores' calendars, so that a screen alone keeps to it too."""
    here = call.stores or tuple(known)
    zones: dict[str, list[str]] = {}
    for store in here:
        zones.setdefault(known[store].timezone, []).append(store)
    if len(zones) <= 1:
        zone = next(iter(zones), Store(store="any", name={}).timezone)
        return (_campaign(EMERGENCY, call, call.stores, zone, at),)
    return tuple(
        _campaign(f"{EMERGENCY}-{number}", call, stores, zone, at)
        for number, (zone, stores) in enumerate(sorted(zones.items()), 1)
    )


def _campaign(name: str, call: Call, stores: Collection[str], zone: str, at: datetime) -> Campaign:
    title = call.title.get("ja") or next(iter(call.title.values()), EMERGENCY)
    return Campaign(
        campaign=name,
        name=title[:200],
        contents=(EMERGENCY,),
        stores=tuple(stores),
        when=_when(call.until, calendar.zone(zone), at),
        priority=9,
        emergency=True,
    )


def _when(until: datetime, zone: ZoneInfo, at: datetime) -> tuple[When, ...]:
    """From today until then, to the minute, by the clocks of that zone."""
    end = until.astimezone(zone)
    if end.second or end.microsecond:
        end += timedelta(minutes=1)
    today, last = at.astimezone(zone).date(), end.date()
    before = last - timedelta(days=1)
    found = [When(first=today, last=before)] if today <= before else []
    if end.time().replace(second=0, microsecond=0) != time():
        found.append(When(first=last, last=last, parts=(DayPart(begins="00:00", ends=f"{end:%H:%M}"),)))
    return tuple(found)
