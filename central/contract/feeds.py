"""The way down: feeds of rows with versions, pulled page by page, and the records they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Raw

from central.contract.codec import Count, Digest, Id, Time, Word, decode
from central.contract.member_code import Card
from ground.programme.records import Campaign, Content, Language, Layout, Playlist, Store, Texts

PURPOSES = ("presence", "signage", "messages", "analysis")
"""What a customer agrees to, each by itself."""
Key = Annotated[str, Meta(min_length=1, max_length=128)]
# msgspec (issue 659) decodes no `Raw | None`: it reads a null as Raw(b"null"), which Row then takes for what it is.
if TYPE_CHECKING:
    Body = Raw | None
else:
    Body = Raw
MAX_ROWS = 500
MAX_ROW = 512 << 10
"""Bytes of one row's body: alone on a page it still fits on the wire."""
CODES = "codes"
"""The key of the one row in the feed `codes`."""
AGENT = "agent"
"""The key of the one row that a store has in the feed `settings`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The latest state of one key, or (body None) its tombstone; `until` is enforced by the edge itself."""

    key: Key
    version: Count
    body: Body = None
    until: Time | None = None

    def __post_init__(self) -> None:
        if self.body is not None and bytes(self.body) == b"null":
            object.__setattr__(self, "body", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """Give me what changed in this feed of this scope after my cursor."""

    scope: Id
    feed: Id
    after: Count
    generation: str
    limit: Annotated[int, Meta(ge=1, le=MAX_ROWS)] = MAX_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows with versions after..upto. `generation` is not the puller's, or after < horizon: a snapshot from 0."""

    scope: Id
    feed: Id
    after: Count
    upto: Count
    head: Count
    generation: Id
    horizon: Count
    """Below this, tombstones are forgotten: a cursor older than it must begin anew."""
    rows: Annotated[tuple[Row, ...], Meta(max_length=MAX_ROWS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """A hint, retained: how far each feed of a scope has come."""

    scope: Id
    generation: Id
    heads: dict[str, Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """A product that a customer bought or looked at, and when last."""

    sku: Word
    at: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    coupon: Id
    title: Texts
    """What it is for."""
    worth: Texts = field(default_factory=dict)
    """What it gives, in a word or two: 10%引き."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a store may know of one customer who agreed; a customer who did not has no row."""

    customer: Id
    purposes: Annotated[tuple[Id, ...], Meta(max_length=16)]
    language: Language = "ja"
    nickname: Annotated[str, Meta(max_length=40)] = ""
    points: Count = 0
    bought: Annotated[tuple[Interest, ...], Meta(max_length=200)] = ()
    viewed: Annotated[tuple[Interest, ...], Meta(max_length=200)] = ()
    coupons: Annotated[tuple[Coupon, ...], Meta(max_length=50)] = ()
    segments: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    """Groups of customers that campaigns are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Whose beacon or code this is; the row's key is the token's keyed hash (see member_code)."""

    customer: Id
    means: Literal["beacon", "code"]
    number: Annotated[str, Meta(max_length=32)] = ""
    """What the register knows the member of a signed code by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What member codes are in this chain; the feed's one row has the key `codes`."""

    cards: Annotated[tuple[Card, ...], Meta(max_length=32)]
    keys: Annotated[tuple[Annotated[str, Meta(max_length=10_000)], ...], Meta(max_length=16)]
    """Certificates (PEM, Ed25519) of the keys that sign codes, each up to a root of the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    sku: Word
    name: Texts
    yen: Count
    category: Id
    picture: Digest | None = None
    note: Texts = field(default_factory=dict)
    sensitive: bool = False
    """Never on a screen for a person: medicine, underwear, and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One product in one store."""

    sku: Word
    on_hand: Count
    sold: Count
    """Pieces sold here in the last 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Between which smoothed RSSI, in dBm, a beacon is in a zone."""

    enter_dbm: float
    exit_dbm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What central may set of an agent; None stays as the device's own file has it. The row's key is `agent`."""

    settings: Id
    """Names this state of them: an agent reports it, and never tries one again that it went back from."""
    languages: Annotated[tuple[Language, ...], Meta(min_length=1, max_length=5)] | None = None
    confirm_hours: Annotated[int, Meta(ge=1, le=720)] | None = None
    outbox_mb: Annotated[int, Meta(ge=1, le=4096)] | None = None
    log: Literal["debug", "info", "warning", "error"] | None = None
    zones: dict[Id, Levels] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file that screens may need, as a manifest lists it."""

    digest: Digest
    size: Count
    kind: Annotated[str, Meta(max_length=32)]
    """png, jpg, webp or mp4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A part of the list of files, signed; the row's key is the first hex digits that its files share."""

    assets: Annotated[str, Meta(max_length=450_000)]
    """JSON: a list of Asset, in the order of digests; these very bytes are signed."""
    signature: Annotated[str, Meta(max_length=400)]
    """Base64, over the row's key, a line end and `assets`, by the key whose certificate follows (central/keys.py)."""
    certificate: Annotated[str, Meta(max_length=10_000)]
    """PEM, up to a root of the chain."""


FEEDS: dict[str, type[Any] | None] = {
    "profiles": Profile,
    "tokens": Token,
    "products": Product,
    "stock": Stock,
    "content": Content,
    "playlists": Playlist,
    "campaigns": Campaign,
    "layouts": Layout,
    "stores": Store,
    "manifest": Manifest,
    "codes": Codes,
    "coupons": None,
    "orders": None,
    "settings": Settings,
    "model": None,
}
"""Every feed and its record; None where the feed is named and its record comes with its issue."""


def read(feed: str, body: bytes) -> Any:
    """Decode a row's body by its feed. Raises Unreadable; KeyError for a feed that has no record."""
    shape = FEEDS[feed]
    if shape is None:
        raise KeyError(feed)
    return decode(body, shape)
