"""What an agent and a player say to each other over a Unix socket: one JSON line a message, no I/O here.

The player listens; the agent connects. Agent → player: Show, Clear, Playlist, Noted, Now, Snapshot, Order.
Player → agent: Hello, Played, Vitals, Picture. Times called *_ns are CLOCK_MONOTONIC of the machine that both run on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from ground.errors import NorenError
from ground.programme.records import Language, Link, Slot

T = TypeVar("T")

MAX_LINE = 4 << 20
"""Bytes of one message; a longer line closes the connection."""

Ended = Literal["over", "cleared", "replaced", "withdrawn", "broken", "stopped", "lost"]
"""Why a play ended: `withdrawn` by head office, `broken` because its film could not go on, `lost` with its player."""
Chime = Literal["none", "read", "unknown", "expired", "wrong"]
"""How reading somebody's code went, to be heard."""
Id = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}\\Z")]
Text = Annotated[str, Meta(max_length=400)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")]
Nanos = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Garbled(NorenError):
    """A line that is no message of this contract; the text names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One product, coupon or number on a scene."""

    id: Annotated[str, Meta(max_length=128)]
    title: Text
    price: Text = ""
    """As it is to be read, with its currency sign."""
    note: Text = ""
    """Why it is here, or what to do with it."""
    picture: Digest | None = None
    link: Link = ""
    """Drawn as a code that opens it on a phone, where there is room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A label and a value that is set large: points, a pick-up number."""

    label: Text
    value: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one picture of the screen says; the layout decides how. Texts are already in the one language wanted.

    `hold_ms` is how long it stays when nobody clears it: the player's own promise that nothing personal is left
    standing by a dead agent.
    """

    scene: Id
    layout: Id
    language: Language
    title: Text
    text: Text = ""
    items: Annotated[tuple[Item, ...], Meta(max_length=12)] = ()
    figures: Annotated[tuple[Figure, ...], Meta(max_length=6)] = ()
    picture: Digest | None = None
    film: Digest | None = None
    """Plays in place of the picture, which stands until it runs and where it cannot."""
    link: Link = ""
    """Drawn as a code for the phone."""
    content: Id | None = None
    campaign: Id | None = None
    """What it is proof of, where head office made it."""
    hold_ms: Annotated[int, Meta(ge=500, le=3_600_000)] = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Interrupt the loop with this scene, now. `carry` comes back in Played as it is; the player does not read it."""

    scene: Scene
    cause: Literal["beacon", "scan", "override"]
    trigger_ns: Nanos
    """When what caused it entered the agent."""
    decided_ns: Nanos
    """When the agent decided: `hold_ms` counts from here, so that what waited in a player that hung is not shown late.

    From its reading if this is 0 (unknown) or still to come.
    """
    carry: dict[str, str | int | list[str]] = field(default_factory=dict)
    chime: Chime = "none"
    """What is heard with it, where the player has sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Take this scene off, if it is the one shown; the loop goes on where it was."""

    scene: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the screen: `main` plays slots and the loop, `list` its scenes in turn, `ticker` runs their titles."""

    region: Id
    at: tuple[
        Annotated[int, Meta(ge=0, le=1000)],
        Annotated[int, Meta(ge=0, le=1000)],
        Annotated[int, Meta(ge=1, le=1000)],
        Annotated[int, Meta(ge=1, le=1000)],
    ]
    """x, y, width, height in thousandths of the screen."""
    shows: Literal["main", "list", "clock", "ticker"]
    scenes: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    """Names scenes of `items`."""
    language: Language = "ja"


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """The anonymous loop; the player keeps it on disk. The same `version` again changes nothing."""

    version: Id
    items: Annotated[tuple[Scene, ...], Meta(max_length=500)]
    assets: Annotated[str, Meta(max_length=500)] = ""
    """Where files are fetched: this URL, a slash, the hash."""
    wanted: Annotated[tuple[Digest, ...], Meta(max_length=5000)] = ()
    """Files to hold ready beside those of the items, most wanted first."""
    trust: Annotated[str, Meta(max_length=100_000)] = ""
    """Certificates (PEM) that vouch for who serves `assets`, beside those that the system knows."""
    timezone: Annotated[str, Meta(max_length=64)] = "Asia/Tokyo"
    """Of the store's calendar, by which slots are due."""
    slots: Annotated[tuple[Slot, ...], Meta(max_length=500)] = ()
    """What plays when; their turns name scenes of `items`. None: all items are one loop."""
    regions: Annotated[tuple[Region, ...], Meta(max_length=8)] = ()
    """None: the whole screen is `main`."""
    sizes: dict[Digest, Annotated[int, Meta(ge=0)]] = field(default_factory=dict)
    """Bytes of files, as the signed manifest lists them; a file that is not listed where any is, is not fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The agent has committed this play; the player may forget it."""

    play: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """It was this time when CLOCK_MONOTONIC was `at_ns`, by the agent, who knows better than the machine."""

    wall: Annotated[float, Meta(ge=0)]
    """Seconds since 1970."""
    at_ns: Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Send a picture of the screen, drawn anew with place holders for all that is anybody's own."""

    snapshot: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`on`, `off`: the display's power until `auto`, which is what the week's hours say. `verify`: read every file.

    `restart`: end, so that systemd starts a new one.
    """

    order: Literal["on", "off", "auto", "verify", "restart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The player's first word on every connection."""

    screen: Id
    width: int
    height: int
    playlist: str
    """The version it holds, or nothing."""
    layouts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One scene that left the screen; sent again until it is noted."""

    play: Id
    scene: Id
    layout: Id
    cause: Literal["schedule", "beacon", "scan", "override"]
    items: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    trigger_ns: Nanos = 0
    decided_ns: Nanos = 0
    first_frame_ns: Nanos = 0
    ended_ns: Nanos = 0
    wall: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds since 1970 at the first frame, by the player's clock."""
    ended: Ended = "over"
    content: Id | None = None
    campaign: Id | None = None
    names: Annotated[tuple[Text, ...], Meta(max_length=13)] = ()
    """Title of the content and names of the items as they were read; of a scene for a person without its title."""
    late: Annotated[int, Meta(ge=0)] = 0
    """Frames that came later than they should have, in fades and films."""
    region: Id = "main"
    boot: Annotated[str, Meta(max_length=64)] = ""
    """Of the machine, as the kernel names it, at the first frame: the nanoseconds are of that one's clock."""
    carry: dict[str, str | int | list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the player is, about once a minute."""

    driver: Text
    """SDL's video driver and renderer."""
    connected: bool
    """Whether a display answers; also true where nobody can tell."""
    powered: bool
    fps: Annotated[float, Meta(ge=0)]
    """Frames flipped a second while something moved."""
    counts: Annotated[dict[Annotated[str, Meta(max_length=64)], int], Meta(max_length=200)]
    troubles: Annotated[tuple[Text, ...], Meta(max_length=20)] = ()
    """Each a sentence for the engineer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The answer to Snapshot: a PNG of at most 640 pixels across."""

    snapshot: Id
    png: Annotated[bytes, Meta(max_length=1 << 20)]


ToPlayer: TypeAlias = Show | Clear | Playlist | Noted | Now | Snapshot | Order
ToAgent: TypeAlias = Hello | Played | Vitals | Picture

_TO_PLAYER: dict[str, type[ToPlayer]] = {
    "show": Show,
    "clear": Clear,
    "playlist": Playlist,
    "noted": Noted,
    "now": Now,
    "snapshot": Snapshot,
    "order": Order,
}
_TO_AGENT: dict[str, type[ToAgent]] = {"hello": Hello, "played": Played, "vitals": Vitals, "picture": Picture}
_NAMES = {shape: kind for kind, shape in [*_TO_PLAYER.items(), *_TO_AGENT.items()]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    kind: str
    body: msgspec.Raw


def line(message: ToPlayer | ToAgent) -> bytes:
    """Encode one message with its line end."""
    body = msgspec.Raw(msgspec.json.encode(message))
    return msgspec.json.encode(_Line(kind=_NAMES[type(message)], body=body)) + b"\n"


def for_player(data: bytes) -> ToPlayer | None:
    """Read a line that an agent sent; None for a kind from a newer agent. Raises Garbled."""
    return _read(data, _TO_PLAYER)


def for_agent(data: bytes) -> ToAgent | None:
    """Read a line that a player sent; None for a kind from a newer player. Raises Garbled."""
    return _read(data, _TO_AGENT)


def _read(data: bytes, kinds: Mapping[str, type[T]]) -> T | None:
    try:
        read = msgspec.json.decode(data, type=_Line)
        shape = kinds.get(read.kind)
        return msgspec.json.decode(read.body, type=shape) if shape else None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Garbled(str(error)) from error
