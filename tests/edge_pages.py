"""Puts rows into a replica as if central had sent them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Raw

from central.contract.codec import encode
from central.contract.feeds import Page, Row
from edge.replica import Applied, Replica


async def take(
    replica: Replica,
    feed: str,
    rows: Mapping[str, object | None],
    *,
    scope: str = "ginza",
    until: datetime | None = None,
) -> Applied:
    """Have a page applied, all of a feed's first rows or what has changed since; None is a tombstone."""
    after = replica.cursor(scope, feed).after
    upto = after + len(rows)
    made = tuple(
        Row(key=key, version=after + place, body=None if body is None else Raw(encode(body)), until=until)
        for place, (key, body) in enumerate(rows.items(), 1)
    )
    applied: Applied | None = None
    # A first page comes into use when central has continued it.
    for start, content in ((after, made), *([] if after else [(upto, ())])):
        applied = await replica.apply(
            Page(scope=scope, feed=feed, after=start, upto=upto, head=upto, generation="g", horizon=0, rows=content)
        )
    assert applied is not None
    return applied
