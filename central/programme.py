"""The programme as a whole: taken in if nothing is wrong with it, all or nothing, given out, and taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from central import catalogue, content
from central.catalogue import Kept
from central.content import KINDS, Kind, Part, id_of, named_by
from central.errors import ProgrammeRefused, StillNamed, Unknown
from central.storage.tables import generation
from ground import document as documents
from ground.document import Problem
from ground.programme import check
from ground.programme.file import SECTIONS, Product, Programme, Written
from ground.programme.records import Campaign, Content, Layout, Playlist
from ground.programme.slots import is_for

EMERGENCY = "emergency"
"""The content of what is called out, and of nothing else."""
_ITS_NAMES = re.compile(rf"{EMERGENCY}(-[0-9]+)?")
_PLACE = re.compile(r"(?P<section>\w+)\[(?P<index>\d+)\](?P<rest>.*)")
_BEHIND = timedelta(hours=12)
"""Somewhere it is still yesterday: nothing is past before it is past everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """One thing wrong, by what it is wrong with, wherever that stands in a file."""

    section: str
    name: str
    text: str


def whole(connection: Connection, store: str | None = None) -> Programme:
    """Give everything, or what one store has of it, with so much of the products as is shown. Raises Unknown."""
    stores = catalogue.stores(connection)
    if store is not None and store not in stores:
        raise Unknown(f"There is no store {store}.", fix=f"Name one of {', '.join(stores)}." if stores else "")
    contents = tuple(content.contents(connection).values())
    skus = {sku for one in contents for sku in one.products}
    every = any(one.popular for one in contents)
    products = catalogue.products(connection, None if every else skus)
    return Programme(
        contents=contents,
        playlists=tuple(content.playlists(connection).values()),
        campaigns=tuple(one for one in content.campaigns(connection).values() if _is_of(one, store)),
        layouts=tuple(one for one in content.layouts(connection).values() if _is_of(one, store)),
        stores=tuple(one for name, one in stores.items() if store in (None, name)),
        products=tuple(
            Product(sku=one.sku, name=one.name, yen=one.yen, picture=one.picture) for one in products.values()
        ),
    )


def written(connection: Connection, store: str | None = None) -> Programme:
    """As `whole`, without what is called out: taken in again, such a file would call it out anew. Raises Unknown."""
    said = whole(connection, store)
    return replace(
        said,
        contents=tuple(one for one in said.contents if not _is_called_out(one)),
        campaigns=tuple(one for one in said.campaigns if not _is_called_out(one)),
    )


def of(parts: Collection[Part]) -> Programme:
    """Make a programme of these parts only."""
    return Programme(
        contents=tuple(one for one in parts if isinstance(one, Content)),
        playlists=tuple(one for one in parts if isinstance(one, Playlist)),
        campaigns=tuple(one for one in parts if isinstance(one, Campaign)),
        layouts=tuple(one for one in parts if isinstance(one, Layout)),
    )


def take(
    connection: Connection,
    given: Programme,
    at: datetime,
    *,
    kept: Collection[Kept] = (),
    wrong: Collection[Problem] = (),
    alone: bool = False,
) -> dict[str, int]:
    """Put this in, and (`alone`) take away what it does not name; stores and the catalogue stay.

    `kept` are files that came with it, and `wrong` is what is wrong with others that did. Gives the numbers.
    Raises ProgrammeRefused: nothing has changed.
    """
    alone_with(connection)
    catalogue.save_assets(connection, kept)
    given = _with_posters(given, catalogue.assets(connection, _files(given)))
    there = _without_products(whole(connection))
    found = [*wrong, *_files_missing(connection, given), *_products_missing(connection, given), *_kept_back(given)]
    found += _wrong(given, there, _merged(given, there, alone=alone), (at - _BEHIND).date())
    if found:
        raise ProgrammeRefused(sorted(found, key=lambda problem: problem.line))
    gone = 0
    for kind in KINDS:
        names = _ids(given, kind)
        rest = [one for one in getattr(there, kind) if id_of(one) not in names and not _is_called_out(one)]
        if alone:
            content.delete(connection, kind, [id_of(one) for one in rest])
            gone += len(rest)
        content.save(connection, getattr(given, kind))
    catalogue.save_stores(connection, given.stores)
    counts = {section: len(getattr(given, section)) for section in (*KINDS, "stores")}
    return counts | {"files": len(kept), "withdrawn": gone}


def withdraw(connection: Connection, kind: Kind, name: str) -> None:
    """Take one thing away. Raises Unknown, and StillNamed with who names it."""
    alone_with(connection)
    if name not in content.every(connection, kind):
        raise Unknown(f"There is no {SECTIONS[kind]} {name}.")
    by = [
        f"{SECTIONS[other]} {id_of(part)}"
        for other in KINDS
        for part in content.every(connection, other).values()
        if (kind, name) in named_by(part)
    ]
    if by:
        raise StillNamed(
            f"The {SECTIONS[kind]} {name} is still named by {', '.join(by)}.", fix="Take it out there first."
        )
    content.delete(connection, kind, [name])


def alone_with(connection: Connection) -> None:
    """Let nobody else change the programme until this transaction ends."""
    # Of two at once each could take away what the other names.
    connection.execute(select(generation.c.generation).with_for_update())


def _is_of(part: Campaign | Layout, store: str | None) -> bool:
    return store is None or is_for(replace(part, zones=()), store, ())


def _ids(programme: Written, kind: Kind) -> set[str]:
    return {id_of(part) for part in getattr(programme, kind)}


def _is_called_out(part: Part) -> bool:
    return (isinstance(part, Content) and part.content == EMERGENCY) or ("contents", EMERGENCY) in named_by(part)


def _without_products(programme: Programme) -> Programme:
    return replace(programme, products=())


def _merged(given: Programme, there: Programme, *, alone: bool) -> Programme:
    """What there would be: what is given comes first, so that it stands where its file has it."""

    def rest(section: str) -> Iterator[object]:
        named = SECTIONS[section]
        names = {getattr(one, named) for one in getattr(given, section)}
        for one in getattr(there, section):
            if getattr(one, named) not in names and (section == "stores" or not alone or _is_called_out(one)):
                yield one

    sections = {section: (*getattr(given, section), *rest(section)) for section in (*KINDS, "stores")}
    return Programme(**sections, files=given.files, lines=given.lines)


def _wrong(given: Programme, there: Programme, merged: Programme, today: date) -> Iterator[Problem]:
    """What is wrong with what is given, and what it makes wrong with the rest; what was wrong before hinders nobody."""
    before: set[_Named] | None = None
    for problem in check.problems(merged, today):
        place = _PLACE.fullmatch(problem.path)
        if place is None or int(place["index"]) < len(getattr(given, place["section"])):
            yield problem
            continue
        if before is None:
            before = {_named(one, there) for one in check.problems(there, today)}
        if (named := _named(problem, merged)) not in before:
            path = f"{named.section}.{named.name}{place['rest']}"
            yield Problem(path=path, line=0, text=problem.text)


def _named(problem: Problem, programme: Programme) -> _Named:
    place = _PLACE.fullmatch(problem.path)
    if place is None:
        return _Named(section="", name=problem.path, text=problem.text)
    one = getattr(programme, place["section"])[int(place["index"])]
    name: str = getattr(one, SECTIONS[place["section"]])
    return _Named(section=place["section"], name=name, text=place["rest"] + problem.text)


def _files(given: Programme) -> set[str]:
    return {file for one in given.contents for file in (one.picture, one.film) if file is not None}


def _with_posters(given: Programme, files: Mapping[str, Kept]) -> Programme:
    """A film that has no picture beside it gets its own first one."""

    def posed(one: Content) -> Content:
        film = files.get(one.film or "")
        return replace(one, picture=film.poster) if film is not None and one.picture is None else one

    return replace(given, contents=tuple(posed(one) for one in given.contents))


def _files_missing(connection: Connection, given: Programme) -> Iterator[Problem]:
    files = catalogue.assets(connection, _files(given))
    wanted: tuple[tuple[str, Callable[[Kept], bool], str], ...] = (
        ("picture", lambda one: one.kind != "mp4", "is a film: give it as film"),
        ("film", lambda one: one.kind == "mp4", "is a picture: give it as picture"),
    )
    for index, one in enumerate(given.contents):
        for name, fits, other in wanted:
            digest = getattr(one, name)
            where = ("contents", index, name)
            if digest is None or (digest in given.files and digest not in files):
                continue  # What came with it and is not there is told as wrong by who looked at it.
            if digest not in files:
                said = f"there is no file {digest[:12]}…: give it first (POST /v1/assets or noren central add-asset)"
                yield _problem(given, where, said)
            elif not fits(files[digest]):
                yield _problem(given, where, other)


def _products_missing(connection: Connection, given: Programme) -> Iterator[Problem]:
    known = catalogue.products(connection, {sku for one in given.contents for sku in one.products})
    for index, one in enumerate(given.contents):
        for place, sku in enumerate(one.products):
            if sku not in known:
                where = ("contents", index, "products", place)
                yield _problem(given, where, f"the catalogue has no product {sku!r}: correct the name")


def _kept_back(given: Programme) -> Iterator[Problem]:
    for section in ("contents", "campaigns"):
        for index, one in enumerate(getattr(given, section)):
            if _is_called_out(one) or _ITS_NAMES.fullmatch(id_of(one)):
                said = f"{EMERGENCY!r} is what `noren central emergency` calls out and takes away: choose another name"
                yield _problem(given, (section, index, SECTIONS[section]), said)


def _problem(given: Programme, where: Sequence[str | int], text: str) -> Problem:
    return Problem(path=documents.path(tuple(where)), line=given.line(tuple(where)), text=text)
