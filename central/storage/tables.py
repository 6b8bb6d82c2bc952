"""The tables: the way up, other systems, the way down, one customer, and what the chain has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as UTC also where the database knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows by itself only in an INTEGER column."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _customer() -> Column[str]:
    return Column("customer", String, ForeignKey("customer.customer", ondelete="CASCADE"), primary_key=True)


# The way up.
agent = Table(
    "agent",
    metadata,
    Column("agent", String, primary_key=True),
    Column("store", String, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", Text),
    Column("status_at", Instant),
)
certificate = Table(  # What the enrolment CA gave out, until it has run out: the revoked ones make the revocation list.
    "certificate",
    metadata,
    Column("serial", String, primary_key=True),  # In hex.
    Column("issuer", String, nullable=False),  # The id of the key that signed it.
    Column("agent", String, nullable=False, index=True),
    Column("made", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("revoked", Instant),
)
code = Table(  # Good once, for one agent; the code itself is kept nowhere.
    "code",
    metadata,
    Column("digest", String, primary_key=True),
    Column("store", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("made", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)
command = Table(
    "command",
    metadata,
    Column("command", String, primary_key=True),
    Column("agent", String, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("body", Text),
    Column("made", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("ok", Boolean),  # Nothing: no reply yet.
    Column("said", Text),
    Column("replied", Instant),
)
settings = Table(  # One roll-out each; at most one is under way.
    "settings",
    metadata,
    Column("settings", String, primary_key=True),
    Column("body", Text, nullable=False),
    Column("made", Instant, nullable=False),
    Column("state", String, nullable=False),  # rolling, good, failed, replaced.
    Column("stage", Integer, nullable=False),  # 0: one store, 1: a tenth, 2: all.
    Column("staged", Instant, nullable=False),
    Column("first", String, nullable=False),  # The store that tries them.
    Column("hold_s", Integer, nullable=False),  # How long a step must be well before the next.
    Column("online", JSON, nullable=False),  # The agents of the step that were there when it began.
    Column("said", Text, nullable=False),
)
store_settings = Table(  # What a store is to have now.
    "store_settings",
    metadata,
    Column("store", String, primary_key=True),
    Column("settings", String, ForeignKey("settings.settings"), nullable=False),
)
boot = Table(  # When each machine's boots were, by central's time: corrects what was born without a clock.
    "boot",
    metadata,
    Column("agent", String, primary_key=True),
    Column("boot", String, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),  # Measured anew as its crystal drifts.
    Column("boot_at", Instant, nullable=False),
    Column("within_ms", BigInteger, nullable=False),
    Column("wall_offset_ms", BigInteger, nullable=False),
)
cursor = Table(
    "cursor",
    metadata,
    Column("agent", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("chain", String, nullable=False),
    Column("begun", Instant),  # How many an agent may begin in a day is bounded.
)
events = Table(
    "event",
    metadata,
    Column("agent", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", String, nullable=False),
    Column("store", String, nullable=False),
    Column("born_wall", Instant, nullable=False),
    Column("boot", String, nullable=False),
    Column("up_ms", BigInteger, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("data", Text, nullable=False),  # The event's own JSON, byte for byte: the chain can be checked again.
    Column("received", Instant, nullable=False),
    sqlite_with_rowid=False,
)
gap = Table(
    "gap",
    metadata,
    Column("agent", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("drop", String, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("cause", String, nullable=False),
    Column("received", Instant, nullable=False),
)
held = Table(  # Where an event also stood, before or after a fork: the same place may have held two events.
    "held",
    metadata,
    Column("agent", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("digest", String, primary_key=True),
)
fork = Table(
    "fork",
    metadata,
    Column("agent", String, primary_key=True),
    Column("epoch", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Number, primary_key=True),
    Column("agent", String, nullable=False, index=True),
    Column("epoch", String),
    Column("seq", BigInteger),
    Column("data", LargeBinary, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("leaf", String),  # Of a whole message; nothing: the bytes are one event's.
)
counter = Table(
    "counter",
    metadata,
    Column("agent", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)


def _use() -> tuple[Column[Any], ...]:
    return (
        Column("store", String, nullable=False),
        Column("agent", String, nullable=False),
        Column("reader", String, nullable=False),
        Column("scan", String, nullable=False),
        Column("at", Instant, nullable=False),  # As its agent knew it.
        Column("noted", Instant, nullable=False),  # When central heard of it.
    )


# What is read in stores.
code_use = Table(  # Where each signed member code was read first, as central heard of it.
    "code_use",
    metadata,
    Column("code", String, primary_key=True),
    *_use(),
    Index(None, "noted"),
)
code_again = Table(  # And at which other readers.
    "code_again",
    metadata,
    Column("code", String, ForeignKey("code_use.code", ondelete="CASCADE")),
    *_use(),
    PrimaryKeyConstraint("code", "agent", "reader"),
)
newcomer = Table(  # How many a store has come to know on one day (UTC) by asking: that is bounded.
    "newcomer",
    metadata,
    Column("store", String, primary_key=True),
    Column("day", Instant, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
poster_scan = Table(  # A poster's or a label's code, read by a phone or by one of our cameras.
    "poster_scan",
    metadata,
    Column("id", Number, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String, nullable=False),  # phone, camera.
    Column("store", String, nullable=False),  # Where it hangs, as it says itself.
    Column("zone", String),
    Column("sku", String, nullable=False),
    Column("who", String, nullable=False),  # The source or the agent that told it.
    Column("read_store", String),  # Where the camera is.
    Column("read_zone", String),
    Index(None, "store", "at"),
)

# What other systems of the chain tell over HTTP.
source = Table(
    "source",
    metadata,
    Column("source", String, primary_key=True),
    Column("digest", String, nullable=False, unique=True),  # SHA-256 of its key: the key itself is kept nowhere.
    Column("made", Instant, nullable=False),
    Column("scopes", String, nullable=False, server_default="track consents"),  # Separated by spaces.
)
message = Table(  # What was taken already: a client that heard no answer sends it again.
    "message",
    metadata,
    Column("source", String, ForeignKey("source.source", ondelete="CASCADE"), primary_key=True),
    Column("digest", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Index(None, "source", "at"),
    sqlite_with_rowid=False,
)

# The way down.
generation = Table(
    "generation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", String, nullable=False),
    Column("incarnation", String, nullable=False, server_default=""),  # Also in a file: after a restore they differ.
    Column("restored", Instant),  # When that was last found.
)
dirty = Table(
    "dirty",
    metadata,
    Column("id", Number, primary_key=True),
    Column("subject", String, nullable=False),
    Column("key", String, nullable=False),
)
head = Table(
    "head",
    metadata,
    Column("scope", String, primary_key=True),
    Column("feed", String, primary_key=True),
    Column("head", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
)
feed_row = Table(
    "feed_row",
    metadata,
    Column("scope", String, primary_key=True),
    Column("feed", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("owner", String, nullable=False),  # The subject that it was made from, to find its old scopes.
    Column("version", BigInteger, nullable=False),
    Column("body", Text),
    Column("until", Instant),
    Column("at", Instant, nullable=False),
    Index(None, "owner", "feed"),
    Index(None, "scope", "feed", "version", unique=True),
)

# One customer, and what the chain has.
customer = Table(
    "customer",
    metadata,
    Column("customer", String, primary_key=True),
    Column("nickname", String, nullable=False),
    Column("language", String, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("segments", JSON, nullable=False, server_default="[]"),
)
member_id = Table(  # What a signed code says instead of a number; it says nothing to anybody else.
    "member_id",
    metadata,
    _customer(),
    Column("id", String, nullable=False, unique=True),
)
token = Table(
    "token",
    metadata,
    Column("means", String, primary_key=True),
    Column("value", String, primary_key=True),
    Column("customer", String, ForeignKey("customer.customer", ondelete="CASCADE"), nullable=False, index=True),
)
interest = Table(
    "interest",
    metadata,
    _customer(),
    Column("kind", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("at", Instant, nullable=False),
)
coupon = Table(
    "coupon",
    metadata,
    _customer(),
    Column("coupon", String, primary_key=True),
    Column("title", JSON, nullable=False),
    Column("worth", JSON, nullable=False),
)
customer_store = Table(
    "customer_store",
    metadata,
    _customer(),
    Column("store", String, primary_key=True),
    Column("relation", String, primary_key=True),
)
consent = Table(
    "consent",
    metadata,
    _customer(),
    Column("purpose", String, primary_key=True),
    Column("given", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)
store = Table(
    "store",
    metadata,
    Column("store", String, primary_key=True),
    Column("name", JSON, nullable=False),
    Column("timezone", String, nullable=False, server_default="Asia/Tokyo"),
    Column("link", String, nullable=False, server_default=""),
)
product = Table(
    "product",
    metadata,
    Column("sku", String, primary_key=True),
    Column("name", JSON, nullable=False),
    Column("yen", BigInteger, nullable=False),
    Column("category", String, nullable=False),
    Column("picture", String),
    Column("note", JSON, nullable=False),
    Column("sensitive", Boolean, nullable=False),
)
stock = Table(
    "stock",
    metadata,
    Column("store", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
)
content = Table(
    "content",
    metadata,
    Column("content", String, primary_key=True),
    Column("layout", String, nullable=False),
    Column("title", JSON, nullable=False),
    Column("text", JSON, nullable=False),
    Column("picture", String),
    Column("seconds", Integer, nullable=False),
    Column("order", BigInteger),  # Nothing: not in the loop.
    Column("film", String),
    Column("products", JSON, nullable=False, server_default="[]"),
    Column("popular", Integer, nullable=False, server_default="0"),
    Column("link", String, nullable=False, server_default=""),
    Column("sensitive", Boolean, nullable=False, server_default=false()),
)
playlist = Table(
    "playlist",
    metadata,
    Column("playlist", String, primary_key=True),
    Column("contents", JSON, nullable=False),
)
campaign = Table(  # Nobody asks for a part of it: its record is kept whole, as JSON.
    "campaign",
    metadata,
    Column("campaign", String, primary_key=True),
    Column("body", Text, nullable=False),
)
layout = Table(
    "layout",
    metadata,
    Column("layout", String, primary_key=True),
    Column("body", Text, nullable=False),
)
asset = Table(  # What was checked and lies in the folder under its SHA-256.
    "asset",
    metadata,
    Column("digest", String, primary_key=True),
    Column("kind", String, nullable=False),  # png, jpg, webp or mp4.
    Column("size", BigInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("seconds", Float),
    Column("name", String, nullable=False),  # What the file was called.
    Column("made", Instant, nullable=False),
    Column("poster", String),  # The digest of the picture that stands for a film.
)
snapshot = Table(  # The latest of each screen.
    "snapshot",
    metadata,
    Column("agent", String, primary_key=True),
    Column("screen", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
