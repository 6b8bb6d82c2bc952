"""Small scenarios and journals for the judge."""

import json
from typing import Any

from central.judge.troubles import Trouble, What
from central.judge.truth import Place
from central.judge.verdict import Verdict, judge
from central.scenario import Beacon, Bearer, Change, Known, Scenario, Shopper, Show, Stay, Store, Truth

START = 1000.0
SCREENS = {
    "ginza-shelf": Place(store="ginza", zone="shelf", use="shelf"),
    "ginza-till": Place(store="ginza", zone="till", use="till"),
}
ALL = ("presence", "signage")
RADIO = Beacon(data="020106", address="C0:00:00:00:00:01", interval_ms=200)


def known(
    nickname: str,
    *purposes: str,
    number: str = "",
    stores: tuple[str, ...] = ("ginza",),
    bought: tuple[str, ...] = (),
) -> Known:
    return Known(number=number, nickname=nickname, language="ja", stores=stores, purposes=purposes, bought=bought)


def visit(
    name: str, *, shelf: tuple[float, float] | None = None, till: tuple[float, float] | None = None, code: str = ""
) -> Shopper:
    stays = [Stay(zone=zone, begin=at[0], end=at[1]) for zone, at in (("shelf", shelf), ("till", till)) if at]
    shows = []
    if till and code:
        # Numbers of members begin with 2, those of goods with 4.
        own = code.startswith("2")
        shows = [Show(reader="till-camera", begin=till[0] + 1, end=till[0] + 3, format="QRCode", content=code, own=own)]
    return Shopper(shopper=name, beacons=(RADIO,), stays=tuple(stays), shows=tuple(shows))


def scenario(*visits: Shopper, bearers: dict[str, Bearer], changes: tuple[Change, ...] = ()) -> Scenario:
    return Scenario(
        name="test",
        seconds=60.0,
        stores={"ginza": Store(shoppers=visits)},
        truth=Truth(
            shoppers=bearers,
            members={
                "c-1": known("さくら", *ALL, number="2000000000015", bought=("tea", "rice")),
                "c-2": known("ハル", *ALL, number="2000000000022"),
                "c-3": known("Ken", "signage", number="2000000000039"),
                "c-4": known("りん", "presence", number="2000000000046"),
                "c-5": known("ゆき", *ALL, number="2000000000053", stores=("ueno",)),
            },
            changes=changes,
            sensitive=("pills",),
        ),
    )


def at(seconds: float) -> int:
    return int((START + seconds) * 1e9)


def scene(
    begin: float,
    end: float | None,
    *texts: str,
    to: tuple[str, ...] = (),
    level: int = 1,
    screen: str = "ginza-shelf",
    cause: str = "beacon",
    layout: str = "recommendation",
    items: tuple[str, ...] = (),
    hold: float | None = None,
) -> list[bytes]:
    name = f"{screen}-{begin}"
    carry: dict[str, Any] = {"customers": list(to), "level": level}
    shown = {"event": "shown", "at_ns": at(begin), "screen": screen, "scene": name, "layout": layout, "cause": cause}
    shown |= {"texts": texts, "items": items, "carry": carry}
    if hold is not None:
        shown["hold_ms"] = round(hold * 1000)
    lines = [json.dumps(shown).encode()]
    if end is not None:
        ended = {"event": "ended", "at_ns": at(end), "screen": screen, "scene": name, "ended": "over"}
        lines.append(json.dumps(ended).encode())
    return lines


def greeting(
    begin: float,
    end: float | None,
    *texts: str,
    to: str,
    level: int = 2,
    items: tuple[str, ...] = (),
    hold: float | None = None,
) -> list[bytes]:
    till = {"screen": "ginza-till", "cause": "scan", "layout": "greeting"}
    return scene(begin, end, *texts, to=(to,), level=level, items=items, hold=hold, **till)


def trouble(what: What, begin: float, end: float, *, store: str = "ginza", screen: str = "") -> Trouble:
    if what in ("broker", "central"):
        store = ""
    if what == "player":
        screen = screen or "ginza-shelf"
    return Trouble(what=what, store=store, screen=screen, begin=begin, end=end)


def judged(
    play: Scenario, *journals: list[bytes], seconds: float = 60.0, troubles: tuple[Trouble, ...] = ()
) -> Verdict:
    return judge(play, SCREENS, journals, start=START, seconds=seconds, troubles=troubles)


def counts(verdict: Verdict) -> dict[str, int]:
    named = ("wrong_person", "without_consent", "after_leaving", "private", "frozen", "missed", "should", "unreadable")
    return {name: getattr(verdict, name) for name in named if getattr(verdict, name)}


ONE = {"s-1": Bearer(role="regular", customer="c-1", beacon=True)}
TWO = ONE | {"s-2": Bearer(role="regular", customer="c-2", beacon=True)}
SHELF = scenario(visit("s-1", shelf=(10, 24)), bearers=ONE)
TILL = scenario(visit("s-1", till=(10, 21), code="2000000000015"), bearers=ONE)
LOOP = scene(0, 3, "本日のおすすめ", cause="schedule", layout="campaign", level=0)
LATER = scene(50, 52, "本日", cause="schedule", layout="campaign", level=0)
WAYS: tuple[What, ...] = ("network", "broker", "central")


def expected(play: Scenario, *troubles: Trouble, lines: list[bytes] = LOOP) -> tuple[int, int]:
    verdict = judged(play, lines, troubles=troubles)
    return verdict.should, verdict.missed
