"""What the chain has: its stores, its products, what lies in which store, and the files that screens show."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select, tuple_

from central import dirty
from central.contract.feeds import Product, Stock
from central.storage.database import put
from central.storage.tables import asset, campaign, content, product, stock, store
from ground.programme.records import Store

_KINDS = (
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("jpg", re.compile(rb"\xff\xd8\xff")),
    ("webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("mp4", re.compile(rb"....ftyp", re.DOTALL)),
)
"""What a file of each kind begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture or film that lies in the folder under its SHA-256."""

    digest: str
    kind: str
    """png, jpg, webp or mp4."""
    size: int
    name: str
    """What the file was called."""
    made: datetime
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    poster: str | None = None
    """The picture that stands for a film."""


def save_stores(connection: Connection, stores: Collection[Store]) -> None:
    """Put stores in, or change them."""
    put(connection, store, [asdict(one) for one in stores])
    dirty.mark(connection, "store", [one.store for one in stores])
    # When a campaign is over depends on the clocks of its stores.
    dirty.mark(connection, "campaign", connection.scalars(select(campaign.c.campaign)).all() if stores else ())


def stores(connection: Connection, ids: Iterable[str] | None = None) -> dict[str, Store]:
    """Give these stores, or all; what is not there is left out."""
    ask = select(store).order_by(store.c.store)
    if ids is not None:
        ask = ask.where(store.c.store.in_(list(ids)))
    return {row["store"]: Store(**row) for row in connection.execute(ask).mappings()}


def save_products(connection: Connection, products: Collection[Product]) -> None:
    put(connection, product, [asdict(one) for one in products])
    dirty.mark(connection, "product", [one.sku for one in products])


def products(connection: Connection, skus: Collection[str] | None = None) -> dict[str, Product]:
    """Give these products, or all; what is not there is left out."""
    ask = select(product).order_by(product.c.sku)
    if skus is not None:
        ask = ask.where(product.c.sku.in_(skus))
    return {row["sku"]: Product(**row) for row in connection.execute(ask).mappings()}


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


def save_assets(connection: Connection, kept: Collection[Kept]) -> None:
    """Note what lies in the folder now, so that the manifests list it."""
    put(connection, asset, [asdict(one) for one in kept])
    dirty.mark(connection, "asset", sorted({one.digest[0] for one in kept}))


def assets(connection: Connection, digests: Iterable[str] | None = None, *, prefix: str = "") -> dict[str, Kept]:
    """Give these files, or all, or all that begin so, by their digests."""
    ask = select(asset).where(asset.c.digest.startswith(prefix)).order_by(asset.c.digest)
    if digests is not None:
        ask = ask.where(asset.c.digest.in_(list(digests)))
    return {row["digest"]: Kept(**row) for row in connection.execute(ask).mappings()}


def adopt(connection: Connection, folder: Path, at: datetime) -> int:
    """Note the pictures of products and contents that lie in the folder and are not noted, and give how many.

    They came from a Noren that had no list of files, or from the sample.
    """
    named = {one for one in connection.scalars(select(product.c.picture).union(select(content.c.picture))) if one}
    new = [_adopted(folder / digest, at) for digest in sorted(named - assets(connection, named).keys())]
    found = [one for one in new if one is not None]
    save_assets(connection, found)
    return len(found)


def _adopted(file: Path, at: datetime) -> Kept | None:
    try:
        with file.open("rb") as opened:
            head = opened.read(24)
        size = file.stat().st_size
    except FileNotFoundError:
        return None
    kind = next((kind for kind, begins in _KINDS if begins.match(head)), None)
    if kind is None:
        return None
    sides = (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) if kind == "png" else (None, None)
    return Kept(digest=file.name, kind=kind, size=size, name="", made=at, width=sides[0], height=sides[1])
