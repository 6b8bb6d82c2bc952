"""What the chain has: its stores, its products with their pictures, and what lies in which store."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Connection, select, tuple_

from central import dirty
from central.contract.feeds import Product, Stock, Texts
from central.storage.database import put
from central.storage.tables import product, stock, store


def save_stores(connection: Connection, stores: Mapping[str, Texts]) -> None:
    """Put stores with their names in, or change the names."""
    put(connection, store, [{"store": one, "name": name} for one, name in stores.items()])


def save_products(connection: Connection, products: Collection[Product]) -> None:
    put(connection, product, [asdict(one) for one in products])
    dirty.mark(connection, "product", [one.sku for one in products])


def products(connection: Connection, skus: Collection[str]) -> dict[str, Product]:
    """Give these products; what is not there is left out."""
    rows = connection.execute(select(product).where(product.c.sku.in_(skus))).mappings()
    return {row["sku"]: Product(**row) for row in rows}


def save_stock(connection: Connection, of_store: str, items: Collection[Stock]) -> None:
    put(connection, stock, [{"store": of_store, **asdict(one)} for one in items])
    dirty.mark(connection, "stock", [f"{of_store}/{one.sku}" for one in items])


def stocks(connection: Connection, places: Collection[tuple[str, str]]) -> dict[tuple[str, str], Stock]:
    """Give the stock at these (store, sku); what is not there is left out."""
    rows = connection.execute(select(stock).where(tuple_(stock.c.store, stock.c.sku).in_(places)))
    return {(row.store, row.sku): Stock(sku=row.sku, on_hand=row.on_hand, sold=row.sold) for row in rows}


def keep_picture(folder: Path, digest: str, picture: bytes) -> None:
    """Lay a picture down under its SHA-256, whole or not at all. Raises ValueError where it is not its hash's."""
    if hashlib.sha256(picture).hexdigest() != digest:
        raise ValueError(f"a picture is not what its hash {digest} says")
    place = folder / digest
    if place.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(picture)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).rename(place)
