"""Makes what a player shows by itself of what central has said: scenes, when they are due, and files to hold ready."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from central.contract.feeds import Product, Stock
from edge.recommender import skus_of
from edge.scenes import Links, item, popular
from ground.programme import calendar
from ground.programme.records import Campaign, Content, Language, Layout, Slot, Store, Turn, When
from ground.programme.records import Playlist as Contents
from ground.programme.records import Region as Part
from ground.programme.slots import contents_of, has_audience, is_for, layout_for, slots_for
from signage.contract import MAX_LINE, Item, Playlist, Region, Scene
from signage.contract.content import scenes_of, text

AHEAD = timedelta(days=7)
"""How long before it begins a campaign is handed over: an agent may be dead for days."""
MOST_ITEMS = 500
MOST_WANTED = 5000
MOST_IN_REGION = 200
"""What the player's contract takes."""
_ROOM = 1024
"""Bytes of a line beside the playlist's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What central has said of what screens show."""

    contents: Mapping[str, Content]
    playlists: Mapping[str, Contents]
    campaigns: Mapping[str, Campaign]
    layouts: Mapping[str, Layout]
    store: Store
    products: Mapping[str, Product]
    stock: Mapping[str, Stock]
    sizes: Mapping[str, int]
    """Bytes of files by the manifest; nothing where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """The player it is for."""

    zones: Sequence[str]
    portrait: bool
    languages: Sequence[Language]
    assets: str
    """Where it fetches files, for which the certificates of `trust` (PEM) may vouch."""
    trust: str = ""


def playlist(said: Said, screen: For, now: datetime) -> tuple[Playlist, str]:
    """The programme of a player, and a sentence where not all of it fits.

    What is due today and the loop comes first. Of files beside the scenes': those of campaigns for members, the
    products' by how they sell, and last (again) those of campaigns that are not due before tomorrow.
    """
    made = _Maker(said, screen, now)
    most = MOST_ITEMS
    while True:
        whole, left_out = made.playlist(most)
        encoded = msgspec.json.encode(whole)
        if len(encoded) <= MAX_LINE - _ROOM or not most:
            break
        most //= 2
    version = hashlib.sha256(encoded).hexdigest()[:16]
    return replace(whole, version=version), _trouble(said.store, left_out)


class _Maker:
    def __init__(self, said: Said, screen: For, now: datetime) -> None:
        self._said = said
        self._screen = screen
        self._now = now
        self._zone = zone_of(said.store)
        self._links = Links(store=said.store.store, zone=screen.zones[0], shop=said.store.link)
        self._scenes: dict[str, Scene] = {}
        slots = slots_for(
            said.contents,
            said.playlists,
            [campaign for campaign in said.campaigns.values() if self._comes(campaign.when, now + AHEAD)],
            store=said.store.store,
            zones=screen.zones,
            turns=self._turns,
        )
        tomorrow = calendar.midnight(now.astimezone(self._zone).date() + timedelta(days=1), self._zone)
        self._later = frozenset(slot.campaign for slot in slots if not self._comes(slot.when, tomorrow))
        self._slots = sorted(slots, key=lambda slot: (slot.campaign in self._later, not slot.emergency, -slot.priority))
        layout = layout_for(said.layouts.values(), said.store.store, screen.zones, screen.portrait)
        self._regions = tuple(self._region(region) for region in layout.regions) if layout else ()

    def playlist(self, most: int) -> tuple[Playlist, int]:
        """One with at most so many scenes, and how many of them are left out."""
        names = [turn.scene for slot in self._slots for turn in slot.turns]
        names += [scene for region in self._regions for scene in region.scenes]
        all_named = list(dict.fromkeys(names))
        named = set(all_named[:most])
        slots = [replace(slot, turns=_turns_of(slot, named)) for slot in self._slots]
        regions = [
            replace(region, scenes=tuple(scene for scene in region.scenes if scene in named))
            for region in self._regions
        ]
        items = tuple(self._scenes[name] for name in all_named[:most])
        wanted = tuple(dict.fromkeys(self._wanted()))[:MOST_WANTED]
        made = Playlist(
            version="new",
            items=items,
            assets=self._screen.assets,
            wanted=wanted,
            trust=self._screen.trust,
            timezone=self._zone.key,
            slots=tuple(slot for slot in slots if slot.turns)[:MOST_ITEMS],
            regions=tuple(regions),
            sizes=_listed(self._said.sizes, [*_files(items), *wanted]),
        )
        return made, len(self._scenes) - len(items)

    def _turns(self, content: Content) -> list[Turn]:
        made = scenes_of(content, self._screen.languages, self._items, self._links.to(content.link))
        if (content.products or content.popular) and not made[0].items:
            return []  # Nothing of what it is about is there.
        self._scenes |= {scene.scene: scene for scene in made}
        return [Turn(scene=scene.scene, seconds=content.seconds) for scene in made]

    def _items(self, content: Content, language: Language) -> tuple[Item, ...]:
        products = self._said.products
        note = popular(language) if content.popular else ""
        return tuple(
            item(products[sku], note or text(products[sku].note, language), language, self._links)
            for sku in skus_of(content, products, self._said.stock)
        )

    def _region(self, part: Part) -> Region:
        playlist = self._said.playlists.get(part.playlist or "")
        named = playlist.contents if playlist else ()
        contents = [self._said.contents[name] for name in named if name in self._said.contents]
        return Region(
            region=part.region,
            at=part.at,
            shows="list" if part.shows == "playlist" else part.shows,
            scenes=tuple(turn.scene for content in contents for turn in self._turns(content))[:MOST_IN_REGION],
            language=self._screen.languages[0],
        )

    def _comes(self, whens: Sequence[When], before: datetime) -> bool:
        """Whether it is due now or begins before then."""
        if calendar.is_due(whens, self._now, self._zone):
            return True
        begins = calendar.begins(whens, self._now, self._zone)
        return begins is not None and begins < before

    def _wanted(self) -> Iterable[str]:
        for campaign in self._said.campaigns.values():
            if has_audience(campaign) and self._is_here(campaign) and self._comes(campaign.when, self._now + AHEAD):
                names = contents_of(campaign, self._said.playlists)
                yield from _files(self._said.contents[name] for name in names if name in self._said.contents)
        stock = self._said.stock
        best = sorted(self._said.products.values(), key=lambda one: -stock[one.sku].sold if one.sku in stock else 1)
        yield from (product.picture for product in best if product.picture)
        later = [slot for slot in self._slots if slot.campaign in self._later]
        yield from _files(self._scenes[turn.scene] for slot in later for turn in slot.turns)

    def _is_here(self, campaign: Campaign) -> bool:
        return is_for(campaign, self._said.store.store, self._screen.zones)


def _trouble(store: Store, left_out: int) -> str:
    if left_out:
        return f"{left_out} scenes are left out: there are too many, or too long ones, for one player."
    if zone_of(store).key != store.timezone:
        return f"The time zone {store.timezone} is not known here; install the package tzdata."
    return ""


def _turns_of(slot: Slot, named: Collection[str]) -> tuple[Turn, ...]:
    return tuple(turn for turn in slot.turns if turn.scene in named)


def _files(things: Iterable[Scene | Content]) -> Iterable[str]:
    for thing in things:
        yield from (digest for digest in (thing.picture, thing.film) if digest)
        if isinstance(thing, Scene):
            yield from (item.picture for item in thing.items if item.picture)


def _listed(sizes: Mapping[str, int], files: Iterable[str]) -> dict[str, int]:
    found = {digest: sizes[digest] for digest in files if digest in sizes}
    # With none at all a player would fetch what nobody has signed for.
    return found or dict(islice(sizes.items(), 1))


def zone_of(store: Store) -> ZoneInfo:
    """The store's time zone; one that this device does not know counts as Japan's."""
    try:
        return calendar.zone(store.timezone)
    except calendar.NoZone:
        return calendar.zone("Asia/Tokyo")
