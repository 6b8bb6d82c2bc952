"""The command that prints product codes: posters, and labels for shelves."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from central.errors import CentralError, Unknown
from ground import links
from ground.programme.records import Id

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from central.contract.feeds import Product
    from central.sheets import Panel
    from ground.programme.records import Store

_PAPERS = ("label", "a5", "a4", "a3")
_ANY_DISTANCE = (0.1, 20.0)


def parsers(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Make the parser of this command."""
    made = command("make-codes", "print posters or labels whose codes open products and say where they hang")
    made.add_argument("store")
    made.add_argument("--zone", required=True, help="of the store, where they will hang")
    made.add_argument("--sku", action="append", default=[], help="a product; may be given again")
    made.add_argument("--category", help="all products of it that are not sensitive")
    made.add_argument("--all", action="store_true", help="all products that are not sensitive")
    smallest = "label: ten on a sheet of A4 (the smallest that the distance allows)"
    made.add_argument("--paper", choices=_PAPERS, help=smallest)
    usual = "from where it is read (without --paper 0.3; label 0.3, a5 1, a4 1.5, a3 2)"
    made.add_argument("--distance", type=float, metavar="M", help=usual)
    made.add_argument("--out", type=Path, metavar="FILE.pdf", help="where to (STORE-ZONE.pdf)")


def _make_codes(engine: Engine, _: Path, given: argparse.Namespace) -> str:
    from central import catalogue, sheets
    from central.storage.database import reading

    zone = _zone(given.zone)
    with reading(engine) as connection:
        store = catalogue.stores(connection, [given.store]).get(given.store)
        products = catalogue.products(connection)
    if store is None:
        raise Unknown(f"There is no store {given.store}.", fix="Bring it in with a programme: noren central import.")
    if not store.link:
        raise CentralError(
            f"The store {store.store} has no link: nobody knows where its codes lead to.",
            fix="Give it the web shop's address for a product: `link:` of the store in a programme (central import).",
        )
    chosen, left_out = _chosen(products, given.sku, given.category, every=given.all)
    metres = sheets.PAPERS[given.paper or "label"].metres if given.distance is None else given.distance
    if not _ANY_DISTANCE[0] <= metres <= _ANY_DISTANCE[1]:
        raise CentralError(f"Nobody reads a code from {metres:g} m.", fix="Give 0.1 to 20 metres.")
    panels = [panel(store, zone, product) for product in chosen]
    paper = sheets.PAPERS[given.paper] if given.paper else sheets.smallest(panels, metres)
    out: Path = given.out or Path(f"{store.store}-{zone}.pdf")
    printed = sheets.write(panels, paper, metres, out)
    return _json({"file": str(out), **asdict(printed), "distance_m": metres, "sensitive_left_out": left_out})


def _chosen(
    products: dict[str, Product], skus: Collection[str], category: str | None, *, every: bool
) -> tuple[list[Product], int]:
    """The products that are meant, each once, and how many were left out: sensitive ones must be asked for by name."""
    strange = [sku for sku in skus if sku not in products]
    if strange:
        raise Unknown(f"There is no product {', '.join(strange)}.", fix="Give the sku that the chain knows it by.")
    of_kind = [product for product in products.values() if every or product.category == category]
    shown = [product for product in of_kind if not product.sensitive]
    chosen = {product.sku: product for product in (*(products[sku] for sku in skus), *shown)}
    if not chosen:
        known = ", ".join(sorted({product.category for product in products.values()})) or "none"
        raise CentralError(
            "No product is chosen that may be printed.",
            fix=f"Give --sku, --all, or --category; there are {known}. Sensitive ones are printed by --sku only.",
        )
    return list(chosen.values()), sum(product.sku not in chosen for product in of_kind)


def panel(store: Store, zone: str, product: Product) -> Panel:
    """What is printed of a product that hangs there. Raises CentralError."""
    from central.sheets import Panel

    address = links.poster(store.link, links.Place(store=store.store, zone=zone, sku=product.sku))
    if not address:
        raise CentralError(
            f"The address of {product.sku} would have more than {links.LONGEST} letters.",
            fix=f"Make the link of the store {store.store} shorter.",
        )
    name = product.name.get("ja") or next(iter(product.name.values()), product.sku)
    second = product.name.get("en", "")
    return Panel(
        address=address,
        name=name,
        second=second if second != name else "",
        price=f"¥{product.yen:,}",
        small=f"{store.store} / {zone} / {product.sku}",
    )


def _zone(given: str) -> str:
    try:
        return msgspec.convert(given, Id)
    except msgspec.ValidationError as error:
        raise CentralError(f"{given!r} is no zone.", fix="Zones have 1 to 64 of a-z, 0-9 and -.") from error


def _json(said: object) -> str:
    return msgspec.json.encode(said).decode() + "\n"


DO: dict[str, Callable[[Engine, Path, argparse.Namespace], str]] = {"make-codes": _make_codes}
"""Each is given the database, the folder of the files and what was asked for, and gives what to print."""
