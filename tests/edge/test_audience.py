"""Which campaigns are for who stands there: for each of them, here, now, and nothing sensitive."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from central.contract.feeds import Product, Profile, Stock
from edge.audience import Goods, Offer, Place, offers
from ground.programme.records import Audience, Campaign, Content, DayPart, Playlist, When

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PLACE = Place(store="ginza", zones=("shelf",), zone=ZoneInfo("Asia/Tokyo"))
GOODS = Goods(
    products={
        "tea": Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea"),
        "pill": Product(sku="pill", name={"ja": "薬"}, yen=900, category="care", sensitive=True),
    },
    stock={"tea": Stock(sku="tea", on_hand=1, sold=3), "pill": Stock(sku="pill", on_hand=9, sold=99)},
)
CONTENTS = {
    name: Content(content=name, layout="campaign", title={"ja": name}, **more)  # type: ignore[arg-type]
    for name, more in {
        "plain": {},
        "secret": {"sensitive": True},
        "pills": {"products": ("pill",)},
        "teas": {"products": ("tea", "gone")},
        "gone": {"products": ("gone",)},
        "best": {"popular": 3},
    }.items()
}
MEMBERS = Campaign(campaign="members", name="x", contents=("plain",), audience=Audience(members=True))
GOLD = Campaign(campaign="gold", name="x", contents=("teas",), audience=Audience(segments=("gold", "diamond")))


def person(*segments: str) -> Profile:
    return Profile(customer="c", purposes=("signage",), segments=segments)


def found(*campaigns: Campaign, people: tuple[Profile, ...] = (person(),), at: datetime = NOON) -> list[Offer]:
    playlists = {"p": Playlist(playlist="p", contents=("teas", "nowhere", "plain"))}
    return offers(people, {one.campaign: one for one in campaigns}, playlists, CONTENTS, GOODS, PLACE, at)


def names(*campaigns: Campaign, people: tuple[Profile, ...] = (person(),), at: datetime = NOON) -> list[str]:
    return [offer.content.content for offer in found(*campaigns, people=people, at=at)]


def test_members_and_segments() -> None:
    assert names(MEMBERS, GOLD) == ["plain"]
    assert names(MEMBERS, GOLD, people=(person("gold"),)) == ["teas", "plain"]
    assert names(MEMBERS, GOLD, people=(person("diamond", "x"),)) == ["teas", "plain"]
    both = replace(GOLD, audience=Audience(members=True, segments=("gold",)))
    assert names(both) == []


def test_a_group_sees_only_what_is_for_each_of_them() -> None:
    assert names(MEMBERS, GOLD, people=(person("gold"), person())) == ["plain"]
    assert names(MEMBERS, GOLD, people=(person("gold"), person("diamond"))) == ["teas", "plain"]
    assert names(MEMBERS, people=()) == []


def test_what_is_for_everybody_is_in_the_loop_and_not_here() -> None:
    assert names(replace(MEMBERS, audience=Audience())) == []


def test_only_here_and_now_and_the_important_first() -> None:
    for elsewhere in (replace(MEMBERS, stores=("ueno",)), replace(MEMBERS, zones=("till",))):
        assert names(elsewhere) == []
    assert names(replace(MEMBERS, stores=("ginza",), zones=("door", "shelf"))) == ["plain"]
    lunch = replace(MEMBERS, when=(When(parts=(DayPart(begins="11:00", ends="12:30"),)),))
    assert names(lunch, at=NOON) == ["plain"]
    assert names(lunch, at=NOON.replace(hour=4)) == []
    assert names(MEMBERS, replace(GOLD, priority=1), people=(person("gold"),)) == ["plain", "teas"]


def test_nothing_sensitive_and_nothing_that_is_not_there() -> None:
    for content in ("secret", "pills", "gone", "nowhere"):
        assert names(replace(MEMBERS, contents=(content,))) == []
    assert names(replace(MEMBERS, playlist="p", contents=())) == ["teas", "plain"]
    assert names(replace(MEMBERS, playlist="q", contents=())) == []
    assert [offer.skus for offer in found(replace(MEMBERS, contents=("teas", "best")))] == [("tea",), ("tea",)]
