"""Draws a scene, a content or a screen's day to a file, by the renderer of the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from pygame import Rect, Surface

from ground.links import placed
from ground.programme.day import Stay, stays, store_of
from ground.programme.file import Programme
from ground.programme.records import Content, Language, Playlist, Region, Store, Turn
from ground.programme.slots import layout_for
from signage import layouts, reel
from signage.config import Theme
from signage.contract import Item, Scene
from signage.contract.content import scenes_of, text
from signage.display import save
from signage.easel import Easel
from signage.errors import BadScene, NoPreview
from signage.pane import STANDING

_SAME = timedelta(minutes=30)
"""A campaign that comes back within this time was there all the while, for who looks at a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which screen is meant, and where pictures and films are beside those that the programme names by a path."""

    size: tuple[int, int]
    theme: Theme
    languages: Sequence[Language]
    store: str | None = None
    zones: Sequence[str] = ()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A preview that was written."""

    scenes: int
    missing: tuple[str, ...]
    """SHA-256 of pictures and films that were not to be had: their place holders were drawn."""


def draw(file: Path, out: Path, size: tuple[int, int], folder: Path | None, theme: Theme) -> None:
    """Draw the scene in `file` to `out`, with the pictures in `folder`. Raises BadScene, NoFont."""
    scene = _read(file)
    with Easel(size, theme, {}, folder) as easel:
        save(easel.scene(scene), out)


def content(programme: Programme, name: str, look: Look, out: Path) -> Seen:
    """Draw a content as the screen shows it, in the first of the languages. Raises NoPreview, NoStore, NoFont."""
    _check(out, ".png")
    book = _Book(programme, look)
    if name not in book.contents:
        known = ", ".join(sorted(book.contents)) or "none"
        raise NoPreview(f"The programme has no content {name!r}.", fix=f"It has: {known}.")
    [scene] = scenes_of(book.contents[name], look.languages[:1], book.items, book.link(book.contents[name].link))
    with Easel(look.size, look.theme, programme.files, look.folder) as easel:
        save(easel.scene(scene), out)
        return Seen(1, easel.missing)


def day(programme: Programme, when: date, look: Look, out: Path) -> Seen:
    """Draw what a screen shows on a day: a contact sheet (.png), or a film of a second and a half a scene (.mp4).

    Raises NoPreview, NoStore, NoZone, NoFont, SignageError.
    """
    _check(out, ".png", ".mp4")
    book = _Book(programme, look)
    shots = _shots(stays(programme, book.store, look.zones, when, book.turns))
    with Easel(look.size, look.theme, programme.files, look.folder) as easel:
        shown = [
            reel.Shot(picture=partial(book.screen, easel, shot), said=book.said(shot), note=shot.note())
            for shot in shots
        ]
        if out.suffix == ".mp4":
            reel.film(shown, look.size, out, easel.typesetter, look.theme)
        else:
            head = f"{text(book.store.name, look.languages[0])} ・ {when} ・ {book.store.timezone}"
            save(reel.sheet(shown, look.size, head, easel.typesetter, look.theme), out)
        return Seen(len(shots), easel.missing)


def _check(out: Path, *kinds: str) -> None:
    if out.suffix not in kinds:
        raise NoPreview(f"{out} must end with {' or '.join(kinds)}.", fix="The name says what is made.")


@dataclass(slots=True)
class _Shot:
    """A scene of a campaign, and its part of one day."""

    campaign: str
    scene: str
    begins: datetime
    emergency: bool
    spans: list[tuple[datetime, datetime]]
    """When the campaign plays."""
    seconds: float = 0.0
    plays: int = 0

    def note(self) -> str:
        times = ", ".join(f"{begins:%H:%M}–{_until(ends)}" for begins, ends in self.spans[:3])
        more = " …" if len(self.spans) > 3 else ""
        each = f" ・ {round(self.seconds / self.plays)} s × {self.plays:,}" if self.campaign else ""
        return f"{times}{more}{each}"


def _until(at: datetime) -> str:
    return "24:00" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def _shots(turns: Iterable[Stay]) -> list[_Shot]:
    """The scenes of a day in the order in which they first come."""
    shots: dict[tuple[str, str], _Shot] = {}
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for stay in turns:
        span = spans.setdefault(stay.campaign, [])
        if span and stay.begins - span[-1][1] <= _SAME:
            span[-1] = (span[-1][0], stay.ends)
        else:
            span.append((stay.begins, stay.ends))
        name = (stay.campaign, stay.scene)
        shot = shots.setdefault(name, _Shot(*name, stay.begins, stay.emergency, span))
        shot.seconds += stay.seconds
        shot.plays += 1
    return list(shots.values())


class _Book:
    """A programme as one screen has it."""

    def __init__(self, programme: Programme, look: Look) -> None:
        self._look = look
        self._products = {product.sku: product for product in programme.products}
        self._playlists: dict[str, Playlist] = {playlist.playlist: playlist for playlist in programme.playlists}
        self._campaigns = {campaign.campaign: campaign for campaign in programme.campaigns}
        self.contents: dict[str, Content] = {content.content: content for content in programme.contents}
        self.store: Store = store_of(programme, look.store)
        portrait = look.size[1] > look.size[0]
        layout = layout_for(programme.layouts, self.store.store, look.zones, portrait)
        self._regions: tuple[Region, ...] = layout.regions if layout is not None else ()
        self._scenes: dict[str, Scene] = {}

    def items(self, content: Content, language: Language) -> tuple[Item, ...]:
        """The products of a content; what sells best is not known here: the first of the file stand for it."""
        skus = list(self._products)[: content.popular] if content.popular else content.products
        found = [self._products[sku] for sku in skus if sku in self._products]
        return tuple(
            Item(
                id=product.sku,
                title=text(product.name, language),
                price=f"¥{product.yen:,}",
                picture=product.picture,
                link=self.link(self.store.link, product.sku),
            )
            for product in found
        )

    def link(self, link: str, sku: str = "") -> str:
        """A link with store and zone, as the device makes it."""
        zone = self._look.zones[0] if self._look.zones else ""
        return placed(link, store=self.store.store, zone=zone, **({"sku": sku} if sku else {}))

    def turns(self, content: Content) -> list[Turn]:
        return [Turn(scene=scene.scene, seconds=content.seconds) for scene in self._scenes_of(content)]

    def said(self, shot: _Shot) -> str:
        """Whose scene it is, by its name."""
        campaign = self._campaigns.get(shot.campaign)
        named = campaign.name if campaign is not None else shot.campaign
        return " ・ ".join(part for part in (named, self._scene(shot).title) if part)

    def screen(self, easel: Easel, shot: _Shot) -> Surface:
        """The whole screen when the scene is on it for the first time."""
        scene = self._scene(shot)
        if not self._regions or shot.emergency:
            return easel.scene(scene)
        whole = Surface(easel.size)
        whole.fill(easel.theme.paper)
        for region in self._regions:
            place = _place(region.at, easel.size)
            whole.blit(self._part(easel, region, place.size, scene, shot.begins), place)
        return whole

    def _part(self, easel: Easel, region: Region, size: tuple[int, int], main: Scene, at: datetime) -> Surface:
        surface = Surface(size)
        surface.fill(easel.theme.paper)
        named = self._playlists.get(region.playlist or "")
        scenes = [
            scene
            for name in (named.contents if named is not None else ())
            if name in self.contents
            for scene in self._scenes_of(self.contents[name])
        ]
        language = self._look.languages[0]
        match region.shows:
            case "main":
                return easel.scene(main, size)
            case "playlist" if scenes:
                return easel.scene(scenes[0], size)
            case "clock":
                layouts.clock(surface, at, language, easel.typesetter, easel.theme)
            case "ticker" if scenes:
                titles = [scene.title for scene in scenes]
                surface.fill(easel.theme.accent)
                surface.blit(layouts.ticker(titles, size[1], language, easel.typesetter, easel.theme), (0, 0))
        return surface

    def _scene(self, shot: _Shot) -> Scene:
        return self._scenes.get(shot.scene, STANDING)

    def _scenes_of(self, content: Content) -> list[Scene]:
        made = scenes_of(content, self._look.languages, self.items, self.link(content.link))
        self._scenes.update({scene.scene: scene for scene in made})
        return made


def _place(at: tuple[int, int, int, int], size: tuple[int, int]) -> Rect:
    x, y, wide, high = at
    left, right = (round(size[0] * side / 1000) for side in (x, x + wide))
    top, foot = (round(size[1] * side / 1000) for side in (y, y + high))
    return Rect(left, top, max(1, right - left), max(1, foot - top))


def _read(file: Path) -> Scene:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Scene)
    except OSError as error:
        raise BadScene(f"The scene {file} cannot be read: {error.strerror}.", fix="Give the path of a file.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadScene(f"{file} is no scene: {error}.", fix="signage/contract.py describes one.") from error
