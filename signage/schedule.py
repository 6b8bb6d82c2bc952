"""Tells what would play on a screen, when and why: each turn of a day, or their sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ground.programme.day import Stay, stays, store_of
from ground.programme.file import Programme
from ground.programme.records import Content, Language, Turn
from signage.contract.content import scenes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a campaign has of a day."""

    campaign: str
    plays: int
    seconds: float
    share: float
    """Of all that was shown, 0 to 1."""


def plan(
    programme: Programme, store: str | None, zones: Sequence[str], day: date, languages: Sequence[Language]
) -> list[Stay]:
    """The turns of a day on a screen that can be seen from these zones. Raises NoStore, NoZone."""

    def turns(content: Content) -> list[Turn]:
        scenes = scenes_of(content, languages, lambda *_: ())
        return [Turn(scene=scene.scene, seconds=content.seconds) for scene in scenes]

    return list(stays(programme, store_of(programme, store), zones, day, turns))


def sums(turns: Iterable[Stay]) -> list[Sum]:
    """What each campaign has, the largest part first; the time when nothing is due is one of them, without a name."""
    plays, seconds = dict[str, int](), dict[str, float]()
    for stay in turns:
        plays[stay.campaign] = plays.get(stay.campaign, 0) + 1
        seconds[stay.campaign] = seconds.get(stay.campaign, 0.0) + stay.seconds
    whole = sum(seconds.values())
    made = [
        Sum(campaign=name, plays=plays[name] if name else 0, seconds=had, share=had / whole)
        for name, had in seconds.items()
    ]
    return sorted(made, key=lambda one: (-one.seconds, one.campaign))


def lines(turns: Sequence[Stay]) -> list[str]:
    """The turns as a table."""
    # Where the clocks are changed on this day, the hour alone does not say which.
    changed = len({stay.begins.utcoffset() for stay in turns}) > 1
    wide = max((len(stay.campaign) for stay in turns), default=0)
    long = max((len(stay.scene) for stay in turns), default=0)
    return [
        f"{stay.begins:{'%H:%M:%S%z' if changed else '%H:%M:%S'}}  {stay.seconds:5.0f} s  "
        f"{stay.campaign or '-':{wide}}  {stay.scene or '-':{long}}  {stay.why}"
        for stay in turns
    ]


def table(found: Sequence[Sum]) -> list[str]:
    """The sums as a table."""
    wide = max((len(one.campaign) for one in found), default=0)
    return [
        f"{one.campaign or '-':{wide}}  {one.plays:6,} plays  {one.seconds:7,.0f} s  {one.share:6.1%}" for one in found
    ]
