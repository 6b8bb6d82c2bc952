"""Counts what posters and labels bring: by which store, zone and product their codes were read, by a phone or by us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, case, func, select

from central.storage.tables import poster_scan, store


@dataclass(frozen=True, slots=True, kw_only=True)
class PosterScan:
    """A code that hangs in a store was read; by whom, nobody keeps."""

    at: datetime
    by: Literal["phone", "camera"]
    store: str
    """Where it hangs, as it says itself."""
    zone: str | None
    sku: str
    who: str
    """The source or the agent that told it."""
    read_store: str | None = None
    read_zone: str | None = None
    """Where the camera is."""


def note(connection: Connection, scans: Sequence[PosterScan]) -> None:
    """Note them; one that names a store which is none of ours is noted without it."""
    if not scans:
        return
    asked = {scan.store for scan in scans}
    ours = set(connection.scalars(select(store.c.store).where(store.c.store.in_(asked))))
    rows = [asdict(scan) | ({} if scan.store in ours else {"store": "", "zone": None}) for scan in scans]
    connection.execute(poster_scan.insert(), rows)


def counts(connection: Connection) -> list[dict[str, Any]]:
    """Scans by phone and by camera, for each store, zone and product; the store is empty where it is none of ours."""
    by = (poster_scan.c.store, poster_scan.c.zone, poster_scan.c.sku)
    sums = [func.sum(case((poster_scan.c.by == how, 1), else_=0)).label(how) for how in ("phone", "camera")]
    ask = select(*by, *sums, func.max(poster_scan.c.at).label("last")).group_by(*by).order_by(*by)
    return [
        dict(row) | {"phone": int(row["phone"]), "camera": int(row["camera"])}
        for row in connection.execute(ask).mappings()
    ]
