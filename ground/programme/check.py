"""Finds what is wrong with a programme before anybody shows it: every problem at once, with field and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from ground import document as documents
from ground.document import Problem, Where
from ground.programme import calendar
from ground.programme.file import SECTIONS, Programme
from ground.programme.records import LAYOUTS, Campaign, Content, Layout, Region, Texts, When
from ground.programme.slots import LOOP, contents_of, has_audience, is_for

_AHEAD = 400
"""Days in which shares that are due together are looked for."""
_WHOLE = 1000
"""A screen's width and height, in the units of regions."""

Found = Iterator[tuple[Where, str]]


def problems(programme: Programme, today: date) -> list[Problem]:
    """Everything that is in the way of this programme from that day on, in the order of its file."""
    found = [*_doubles(programme), *_texts(programme)]
    zones, in_zones = _zones(programme)
    found += in_zones
    for index, content in enumerate(programme.contents):
        found += (((("contents", index, *where)), said) for where, said in _content(content, programme))
    contents = {content.content for content in programme.contents}
    for index, playlist in enumerate(programme.playlists):
        where: Where = ("playlists", index, "contents")
        found += (((*where, place), _nothing("content", name)) for place, name in _missing(playlist.contents, contents))
    for index, campaign in enumerate(programme.campaigns):
        found += ((("campaigns", index, *where), said) for where, said in _campaign(campaign, programme, zones, today))
    for index, layout in enumerate(programme.layouts):
        found += ((("layouts", index, *where), said) for where, said in _layout(layout, programme))
    found += _shares(programme, zones, today)
    made = [Problem(path=documents.path(where), line=programme.line(where), text=said) for where, said in found]
    return sorted(made, key=lambda problem: problem.line)


def _doubles(programme: Programme) -> Found:
    for section, name in SECTIONS.items():
        seen: set[str] = set()
        for index, record in enumerate(getattr(programme, section)):
            if getattr(record, name) in seen:
                yield (section, index, name), f"{getattr(record, name)!r} is there twice: rename one, or take it out"
            seen.add(getattr(record, name))


def _texts(programme: Programme) -> Found:
    named: list[tuple[Where, Texts]] = []
    named += [(("contents", index, "title"), content.title) for index, content in enumerate(programme.contents)]
    named += [(("contents", index, "text"), content.text) for index, content in enumerate(programme.contents)]
    named += [(("stores", index, "name"), store.name) for index, store in enumerate(programme.stores)]
    named += [(("products", index, "name"), product.name) for index, product in enumerate(programme.products)]
    for where, texts in named:
        if (texts or where[-1] != "text") and not texts.get("ja", "").strip():
            yield where, "has no Japanese text: add ja, which every language falls back to"


def _zones(programme: Programme) -> tuple[dict[str, ZoneInfo], list[tuple[Where, str]]]:
    zones, found = dict[str, ZoneInfo](), list[tuple[Where, str]]()
    for index, store in enumerate(programme.stores):
        try:
            zones[store.store] = calendar.zone(store.timezone)
        except calendar.NoZone as error:
            found.append((("stores", index, "timezone"), str(error)))
    return zones, found


def _content(content: Content, programme: Programme) -> Found:
    if content.layout not in LAYOUTS:
        yield ("layout",), f"{content.layout!r} is no layout: use one of {', '.join(LAYOUTS)}"
    if content.products and content.popular:
        yield ("popular",), "what is popular comes in place of products: keep one of the two"
    # A single edit is checked without the catalogue; whoever has one gives all of it.
    skus = {product.sku for product in programme.products}
    for place, sku in _missing(content.products, skus) if skus else ():
        yield ("products", place), _nothing("product", sku)


def _campaign(campaign: Campaign, programme: Programme, zones: Mapping[str, ZoneInfo], today: date) -> Found:
    if campaign.campaign == LOOP:
        yield ("campaign",), f"{LOOP!r} is the name of what plays when nothing else is due: choose another"
    yield from _names(campaign, programme)
    yield from _audience(campaign)
    if campaign.emergency:
        for name in ("share", "per_hour"):
            if getattr(campaign, name) is not None:
                yield (name,), "an emergency takes all the time there is: take this out"
    for index, when in enumerate(campaign.when):
        yield from (((("when", index, *where)), said) for where, said in _parts(when))
    # Where it names no store that has a zone, midnights of another zone are near enough to tell what is past.
    theirs = [zones[store] for store in campaign.stores or zones if store in zones] or [ZoneInfo("UTC")]
    reasons = [calendar.never(campaign.when, today, zone) for zone in dict.fromkeys(theirs)]
    if all(reasons):
        yield ("when",), f"it can never play: {reasons[0]}"
        return
    for index, when in enumerate(campaign.when):
        if when.first and when.last and when.first > when.last:
            yield ("when", index, "first"), f"{when.first} is after its last day, {when.last}"


def _names(campaign: Campaign, programme: Programme) -> Found:
    playlists = {playlist.playlist: playlist for playlist in programme.playlists}
    contents = {content.content: content for content in programme.contents}
    if campaign.playlist is not None and campaign.contents:
        yield ("contents",), "contents come in place of a playlist: keep one of the two"
    elif campaign.playlist is not None and campaign.playlist not in playlists:
        yield ("playlist",), _nothing("playlist", campaign.playlist)
    elif campaign.playlist is None and not campaign.contents:
        yield ("contents",), "it can never play: it names neither contents nor a playlist"
    for place, name in _missing(campaign.contents, contents):
        yield ("contents", place), _nothing("content", name)
    theirs = [contents[name] for name in contents_of(campaign, playlists) if name in contents]
    if has_audience(campaign) and theirs and all(content.sensitive for content in theirs):
        yield ("contents",), "it can never play: all of them are sensitive, which is never shown for a person"
    stores = {store.store for store in programme.stores}
    for place, name in _missing(campaign.stores, stores) if stores else ():
        yield ("stores", place), _nothing("store", name)


def _audience(campaign: Campaign) -> Found:
    if not has_audience(campaign):
        if campaign.per_member is not None:
            yield ("per_member",), "it has no audience, and the loop knows nobody: name one, or take this out"
        return
    if campaign.emergency:
        yield ("emergency",), "an emergency is for everybody: take its audience out"
    for name in ("share", "per_hour"):
        if getattr(campaign, name) is not None:
            yield (name,), "it is shown when its audience is there, not for a part of the time: take this out"


def _parts(when: When) -> Found:
    for index, part in enumerate(when.parts):
        if part.begins == part.ends:
            yield ("parts", index, "ends"), "it is empty: end it later, or write 00:00 to 24:00 for the whole day"
        elif part.begins == "24:00":
            yield ("parts", index, "begins"), "24:00 is over: begin at 00:00, on the next day"


def _layout(layout: Layout, programme: Programme) -> Found:
    for index, region in enumerate(layout.regions):
        yield from ((("regions", index, *where), said) for where, said in _region(region, programme))
    for (_, one), (index, other) in combinations(enumerate(layout.regions), 2):
        if one.region == other.region:
            yield ("regions", index, "region"), f"{other.region!r} is there twice: rename one"
        if _overlap(one, other):
            yield ("regions", index, "at"), f"it lies over {one.region!r}: move it, or make it smaller"
    mains = [index for index, region in enumerate(layout.regions) if region.shows == "main"]
    for index in mains[1:]:
        yield ("regions", index, "shows"), "a screen has one main part: let this one show a playlist"
    if not mains:
        yield ("regions",), "no part of it is main, and nothing of the loop would be seen: let one show main"
    stores = {store.store for store in programme.stores}
    for place, name in _missing(layout.stores, stores) if stores else ():
        yield ("stores", place), _nothing("store", name)


def _region(region: Region, programme: Programme) -> Found:
    left, top, width, height = region.at
    if min(left, top) < 0 or min(width, height) < 1 or left + width > _WHOLE or top + height > _WHOLE:
        yield ("at",), f"it is not on the screen: x and width, y and height must each come to {_WHOLE} at most"
    if region.shows in ("playlist", "ticker"):
        if region.playlist is None:
            yield ("playlist",), f"is missing: say which one the {region.shows} shows"
        elif region.playlist not in {playlist.playlist for playlist in programme.playlists}:
            yield ("playlist",), _nothing("playlist", region.playlist)
    elif region.playlist is not None:
        yield ("playlist",), f"a part that shows {region.shows} has none: take it out"


def _overlap(one: Region, other: Region) -> bool:
    return all(
        one.at[axis] < other.at[axis] + other.at[axis + 2] and other.at[axis] < one.at[axis] + one.at[axis + 2]
        for axis in (0, 1)
    )


def _shares(programme: Programme, zones: Mapping[str, ZoneInfo], today: date) -> Found:
    """Shares of one priority that are over 100 % at some time, on a screen that all of them are for."""
    shared = [
        (index, campaign)
        for index, campaign in enumerate(programme.campaigns)
        if campaign.share is not None and not has_audience(campaign) and not campaign.emergency
    ]
    told: set[int] = set()
    looked: set[tuple[str, tuple[int, ...]]] = set()
    for level in {campaign.priority for _, campaign in shared}:
        theirs = [(index, campaign) for index, campaign in shared if campaign.priority == level]
        for store, place in _screens(campaign for _, campaign in theirs):
            here = [(index, one) for index, one in theirs if is_for(one, store, place)]
            if sum(campaign.share or 0 for _, campaign in here) <= 100 or here[-1][0] in told:
                continue
            zone = zones.get(store) or next(iter(zones.values()), ZoneInfo("UTC"))
            alike = zone.key, tuple(index for index, _ in here)
            if alike in looked:  # Most stores of a chain have the same.
                continue
            looked.add(alike)
            if (found := _crowded([campaign for _, campaign in here], today, zone)) is not None:
                at, due = found
                told.add(here[-1][0])
                yield (
                    ("campaigns", here[-1][0], "share"),
                    f"the shares of priority {level} come to {sum(one.share or 0 for one in due)} % at "
                    f"{at.astimezone(zone):%Y-%m-%d %H:%M} in {store or 'every store'}: "
                    f"{', '.join(f'{one.campaign} {one.share} %' for one in due)}",
                )


def _screens(campaigns: Iterable[Campaign]) -> list[tuple[str, list[str]]]:
    """Every store and zone that is named, and one that is not: what can differ in which campaigns it gets."""
    named = list(campaigns)
    stores = sorted({store for one in named for store in one.stores})
    zones = sorted({zone for one in named for zone in one.zones})
    return [(store, [zone]) for store in ("", *stores) for zone in ("", *zones)]


def _crowded(campaigns: Sequence[Campaign], today: date, zone: ZoneInfo) -> tuple[datetime, list[Campaign]] | None:
    """The first instant at which those that are due have more than all of the time.

    What is due depends on the wall clock alone, and most days are like one before: each kind is looked at once.
    """
    seen: set[tuple[calendar.Spans, ...]] = set()
    for number in range(_AHEAD):
        day = today + timedelta(days=number)
        spans = tuple(calendar.spans(campaign.when, day) for campaign in campaigns)
        if spans in seen:
            continue
        seen.add(spans)
        for minute in _full(campaigns, spans):
            at = datetime.combine(day, time(*divmod(minute, 60)), zone).astimezone(UTC)
            due = [campaign for campaign in campaigns if calendar.is_due(campaign.when, at, zone)]
            if sum(campaign.share or 0 for campaign in due) > 100:  # Or the clocks skip it.
                return at, due
    return None


def _full(campaigns: Sequence[Campaign], spans: Sequence[calendar.Spans]) -> Iterator[int]:
    """The minutes of a day at which something begins and there is more than all of the time."""
    changes: Counter[int] = Counter()
    for campaign, its in zip(campaigns, spans, strict=True):
        for begins, ends in its:
            changes[begins] += campaign.share or 0
            changes[ends] -= campaign.share or 0
    load = 0
    for minute in sorted(changes):
        load += changes[minute]
        if load > 100:
            yield minute


def _missing(names: Sequence[str], there: Iterable[str]) -> list[tuple[int, str]]:
    known = set(there)
    return [(place, name) for place, name in enumerate(names) if name not in known]


def _nothing(kind: str, name: str) -> str:
    return f"there is no {kind} {name!r}: add it, or correct the name"
