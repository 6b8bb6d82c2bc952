"""What the screens show and when: contents, playlists, campaigns and layouts, kept where the feeds are made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from central import dirty
from central.contract.codec import decode, encode
from central.storage import tables
from central.storage.database import put
from ground.programme.records import Campaign, Content, Layout, Playlist

Kind = Literal["contents", "playlists", "campaigns", "layouts"]
Part: TypeAlias = Content | Playlist | Campaign | Layout
T = TypeVar("T", bound=Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    subject: Literal["content", "playlist", "campaign", "layout"]
    """Also the name of its table, and of the column and field of its id."""
    shape: type[Part]

    @property
    def table(self) -> Table:
        return tables.metadata.tables[self.subject]


_PLACES: dict[Kind, _Place] = {
    "contents": _Place(subject="content", shape=Content),
    "playlists": _Place(subject="playlist", shape=Playlist),
    "campaigns": _Place(subject="campaign", shape=Campaign),
    "layouts": _Place(subject="layout", shape=Layout),
}
KINDS: tuple[Kind, ...] = tuple(_PLACES)


def shape_of(kind: Kind) -> type[Part]:
    return _PLACES[kind].shape


def kind_of(part: Part) -> Kind:
    return next(kind for kind, place in _PLACES.items() if isinstance(part, place.shape))


def id_of(part: Part) -> str:
    name: str = getattr(part, _PLACES[kind_of(part)].subject)
    return name


def save(connection: Connection, parts: Collection[Part]) -> None:
    """Put these in, or in place of what has their ids."""
    for kind, place in _PLACES.items():
        mine = [part for part in parts if kind_of(part) == kind]
        put(connection, place.table, [_row(part) for part in mine])
        dirty.mark(connection, place.subject, [id_of(part) for part in mine])


def delete(connection: Connection, kind: Kind, ids: Collection[str]) -> None:
    """Withdraw these; what is not there is let be. Nothing else may name them."""
    place = _PLACES[kind]
    connection.execute(place.table.delete().where(place.table.c[place.subject].in_(ids)))
    dirty.mark(connection, place.subject, sorted(ids))


def contents(connection: Connection, ids: Iterable[str] | None = None) -> dict[str, Content]:
    """Give these contents, or all; what is not there is left out."""
    return _read(connection, "contents", Content, ids)


def playlists(connection: Connection, ids: Iterable[str] | None = None) -> dict[str, Playlist]:
    """Give these playlists, or all; what is not there is left out."""
    return _read(connection, "playlists", Playlist, ids)


def campaigns(connection: Connection, ids: Iterable[str] | None = None) -> dict[str, Campaign]:
    """Give these campaigns, or all; what is not there is left out."""
    return _read(connection, "campaigns", Campaign, ids)


def layouts(connection: Connection, ids: Iterable[str] | None = None) -> dict[str, Layout]:
    """Give these layouts, or all; what is not there is left out."""
    return _read(connection, "layouts", Layout, ids)


def every(connection: Connection, kind: Kind) -> Mapping[str, Part]:
    """Give all of a kind, by their ids."""
    return _read(connection, kind, shape_of(kind), None)


def named_by(part: Part) -> Iterator[tuple[Kind, str]]:
    """What a part names of the others."""
    if isinstance(part, Playlist | Campaign):
        yield from (("contents", one) for one in part.contents)
    if isinstance(part, Campaign) and part.playlist is not None:
        yield "playlists", part.playlist
    if isinstance(part, Layout):
        yield from (("playlists", region.playlist) for region in part.regions if region.playlist is not None)


def _read(connection: Connection, kind: Kind, shape: type[T], ids: Iterable[str] | None) -> dict[str, T]:
    place = _PLACES[kind]
    key = place.table.c[place.subject]
    ask = select(place.table).order_by(key)
    if ids is not None:
        ask = ask.where(key.in_(list(ids)))
    return {row[place.subject]: _part(dict(row), shape) for row in connection.execute(ask).mappings()}


def _row(part: Part) -> dict[str, Any]:
    if isinstance(part, Content | Playlist):
        return asdict(part)
    return {_PLACES[kind_of(part)].subject: id_of(part), "body": encode(part).decode()}


def _part(row: dict[str, Any], shape: type[T]) -> T:
    if "body" in row:
        return decode(row["body"].encode(), shape)
    # SQLAlchemy has a kind of text of its own for names such as "order".
    return msgspec.convert({str(name): value for name, value in row.items()}, shape)
