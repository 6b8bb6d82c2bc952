"""Makes addresses that say in which store and zone they were read, and knows its own again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

LONGEST = 300
"""Letters of an address: what a scene takes."""
_PLAIN = re.compile(r"https?://[!-~]+")
_ID = re.compile("[a-z0-9-]{1,64}")
_LONGEST_SKU = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an address hangs, as it says itself, and for which product."""

    store: str
    zone: str | None = None
    sku: str | None = None


def placed(link: str, **where: str) -> str:
    """A link that says in which store and zone it was read; nothing where it is none, or too long for a scene."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    if not link:
        return ""
    added = urlencode(where)
    made = urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
    return made if len(made) <= LONGEST else ""


def poster(link: str, place: Place) -> str:
    """The address of a poster or label; nothing as `placed`."""
    sku = {"sku": place.sku} if place.sku else {}
    return placed(link, store=place.store, zone=place.zone or "", **sku)


def read(text: str, link: str) -> Place | None:
    """The inverse: what an address says that was made of `link`; None for every other, however near it comes.

    It is compared as browsers write addresses: scheme and host in small letters, and a path.
    """
    made, own = _split(text), _split(link)
    if made is None or own is None or made._replace(query="") != own._replace(query="") or text.endswith("#"):
        return None
    before = f"{own.query}&" if own.query else ""
    if not made.query.startswith(before):
        return None
    said = made.query.removeprefix(before)
    where = dict(parse_qsl(said, keep_blank_values=True, errors="replace"))
    # What we write is written one way only: doubled names, other orders and other encodings are not ours.
    if urlencode(where) != said or list(where) not in (["store", "zone"], ["store", "zone", "sku"]):
        return None
    store, zone, sku = where["store"], where["zone"], where.get("sku")
    if not _ID.fullmatch(store) or (zone and not _ID.fullmatch(zone)):
        return None
    if sku is not None and not (0 < len(sku) <= _LONGEST_SKU and sku.isprintable()):
        return None
    return Place(store=store, zone=zone or None, sku=sku)


def claimed(text: str) -> str | None:
    """The store that an address names: by whose link `read` then looks whether it is ours."""
    parts = _split(text)
    named = parse_qs(parts.query, errors="replace").get("store", []) if parts else []
    return named[-1] if named and _ID.fullmatch(named[-1]) else None


def _split(text: str) -> SplitResult | None:
    # Before urlsplit, which drops line ends and tabs without a word.
    if len(text) > LONGEST or not _PLAIN.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path or "/")
