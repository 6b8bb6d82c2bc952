"""Makes the slots of one screen of contents, playlists and campaigns, and finds its layout."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ground.programme.records import Campaign, Content, Layout, Playlist, Slot, Turn

LOOP = "loop"
"""The slot of what plays when nothing else is due; no campaign may be called so."""
_MOST_TURNS = 500


def slots_for(
    contents: Mapping[str, Content],
    playlists: Mapping[str, Playlist],
    campaigns: Iterable[Campaign],
    *,
    store: str,
    zones: Collection[str],
    turns: Callable[[Content], Sequence[Turn]],
) -> tuple[Slot, ...]:
    """The campaigns of this store and these zones that are for everybody, by name, and the loop.

    `turns` gives the scenes of a content. What names no content that is there is left out.
    """
    found = [
        Slot(
            campaign=campaign.campaign,
            turns=_turns(contents_of(campaign, playlists), contents, turns),
            when=campaign.when,
            priority=campaign.priority,
            share=campaign.share,
            per_hour=campaign.per_hour,
            emergency=campaign.emergency,
        )
        for campaign in sorted(campaigns, key=lambda campaign: campaign.campaign)
        if is_for(campaign, store, zones) and not has_audience(campaign)
    ]
    loop = [content.content for content in in_loop(contents.values())]
    found.append(Slot(campaign=LOOP, turns=_turns(loop, contents, turns), priority=0))
    return tuple(slot for slot in found if slot.turns)


def in_loop(contents: Iterable[Content]) -> list[Content]:
    """The contents that have a place in the loop, in its order."""
    placed = [(content.order, content.content, content) for content in contents if content.order is not None]
    return [content for _, _, content in sorted(placed, key=lambda place: place[:2])]


def contents_of(campaign: Campaign, playlists: Mapping[str, Playlist]) -> tuple[str, ...]:
    """The names of a campaign's contents, in order."""
    if campaign.playlist is None:
        return campaign.contents
    return playlists[campaign.playlist].contents if campaign.playlist in playlists else ()


def has_audience(campaign: Campaign) -> bool:
    """Whether it is for persons, and thus never in the anonymous loop."""
    return campaign.audience.members or bool(campaign.audience.segments)


def is_for(what: Campaign | Layout, store: str, zones: Collection[str]) -> bool:
    """Whether it is for a screen of this store that can be seen from these zones."""
    return (not what.stores or store in what.stores) and (not what.zones or not set(what.zones).isdisjoint(zones))


def layout_for(layouts: Iterable[Layout], store: str, zones: Collection[str], portrait: bool) -> Layout | None:
    """The layout of a screen: the first by name that fits it; None: it is one part."""
    fitting = (layout for layout in layouts if is_for(layout, store, zones) and layout.portrait in (None, portrait))
    return min(fitting, key=lambda layout: layout.layout, default=None)


def _turns(
    names: Sequence[str], contents: Mapping[str, Content], turns: Callable[[Content], Sequence[Turn]]
) -> tuple[Turn, ...]:
    return tuple(turn for name in names if name in contents for turn in turns(contents[name]))[:_MOST_TURNS]
