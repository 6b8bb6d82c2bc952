"""The content model: contents, playlists, campaigns, layouts and stores, as feeds, files and players have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

Id = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}\\Z", description="1 to 64 of a-z, 0-9 and -")]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=2000)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z", description="a SHA-256 in 64 hex digits")]
Link = Annotated[str, Meta(max_length=300, pattern="^(https?://[!-~]+)?\\Z", description="an http(s) address")]
"""Nothing, or where a code on the screen leads."""

Language = Literal["ja", "en", "zh-hans", "zh-hant", "ko"]
"""What a screen is set in: each has its own face of the CJK fonts."""
Texts = dict[Language, Text]
"""One text in each language; Japanese is always there."""

LAYOUTS = (
    "campaign",
    "recommendation",
    "greeting",
    "numbers",
    "picture",
    "notice",
    "emergency",
    "noren",
)
"""What a scene may ask for; a player that does not know one yet draws a notice."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Clock = Annotated[
    str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]\\Z|^24:00\\Z", description="a time of day such as 09:30")
]
"""Hours and minutes of the store's wall clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPart:
    """From `begins` to just before `ends`; where that is not later, it is on the next day."""

    begins: Clock
    ends: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Days and parts of them, by the store's own calendar; nothing named means all of it.

    A day-part across midnight belongs to the day on which it begins.
    """

    first: date | None = None
    last: date | None = None
    """Inclusive."""
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    parts: Annotated[tuple[DayPart, ...], Meta(max_length=12)] = ()


Whens: TypeAlias = Annotated[tuple[When, ...], Meta(max_length=50)]
"""Due when any of them is; none at all means always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One scene of a slot and how long it stays."""

    scene: Id
    seconds: Annotated[int, Meta(ge=2, le=3600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A campaign as one screen plays it: scenes in their order, and when they may come.

    Of what is due, the highest `priority` comes first. Within one priority a slot with a `share` gets that part of the
    time, in percent; those without one divide the rest equally, and what then is left falls to the next priority.
    """

    campaign: Id
    turns: Annotated[tuple[Turn, ...], Meta(max_length=500)]
    when: Whens = ()
    priority: Annotated[int, Meta(ge=0, le=9)] = 5
    share: Annotated[int, Meta(ge=1, le=100)] | None = None
    per_hour: Annotated[int, Meta(ge=1, le=1800)] | None = None
    """Most plays of it on one screen in any 3,600 seconds."""
    emergency: bool = False
    """Cuts in at once and hides everything else, whoever stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One thing that a screen can show, in its languages."""

    content: Id
    layout: Id
    title: Texts
    text: Texts = field(default_factory=dict)
    picture: Digest | None = None
    """Also what stands for a film that cannot be played."""
    film: Digest | None = None
    products: Annotated[tuple[Word, ...], Meta(max_length=6)] = ()
    """Shown with it, by sku, with name, picture and today's price."""
    popular: Annotated[int, Meta(ge=0, le=6)] = 0
    """So many of what sells best in the store, in place of `products`."""
    link: Link = ""
    """Drawn as a code for the phone; the device adds store and zone."""
    sensitive: bool = False
    """Never chosen for a person."""
    seconds: Annotated[int, Meta(ge=2, le=3600)] = 8
    order: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    """Its place in the loop that plays when nothing else is due; None: only where a playlist or campaign names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """Contents in an order, under a name that campaigns and layouts use."""

    playlist: Id
    contents: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a campaign is for; nobody named: everybody, in the anonymous loop.

    For persons it is shown only to who agreed to personalised signage, and to a group only if it is for each of them.
    """

    members: bool = False
    segments: Annotated[tuple[Id, ...], Meta(max_length=50)] = ()
    """Of any of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is to be shown to whom, where, when and how often; the rules of time are Slot's."""

    campaign: Id
    name: Word
    playlist: Id | None = None
    contents: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    """In place of a playlist."""
    audience: Audience = field(default_factory=Audience)
    when: Whens = ()
    stores: Annotated[tuple[Id, ...], Meta(max_length=10_000)] = ()
    """Nothing: all."""
    zones: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    """Screens that can be seen from any of these; nothing: all."""
    priority: Annotated[int, Meta(ge=0, le=9)] = 5
    share: Annotated[int, Meta(ge=1, le=100)] | None = None
    per_hour: Annotated[int, Meta(ge=1, le=1800)] | None = None
    per_member: Annotated[int, Meta(ge=1, le=100)] | None = None
    """Most plays for one member in one store and day."""
    emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the screen and what it shows."""

    region: Id
    at: tuple[int, int, int, int]
    """x, y, width, height in thousandths of the screen."""
    shows: Literal["main", "playlist", "clock", "ticker"]
    """`main` is what campaigns and the loop show; `ticker` runs the titles of its playlist."""
    playlist: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a screen is divided; the first, by name, that fits a screen is its own. Without one it is one part."""

    layout: Id
    regions: Annotated[tuple[Region, ...], Meta(min_length=1, max_length=8)]
    stores: Annotated[tuple[Id, ...], Meta(max_length=10_000)] = ()
    zones: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    portrait: bool | None = None
    """For screens that stand, or lie; None: for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What a store knows of itself."""

    store: Id
    name: Texts
    timezone: Annotated[str, Meta(pattern="^[A-Za-z0-9_+/-]{1,64}\\Z")] = "Asia/Tokyo"
    link: Link = ""
    """The web shop's address that product codes lead to; sku, store and zone are added."""
