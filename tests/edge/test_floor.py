"""One sighting to its frame and its event, through the real stores, with a screen that writes down what it is sent."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from edge_store import BEACON, KEY, NUMBER, SHELF, UUID, Later, Store, store
from edge_wire import until

from central.contract import feeds, member_code
from edge import beacons
from edge.clock import Clock
from edge.config import Ble, Recorded, SensorConfig, SimulatedRadio
from edge.director import FINDS
from edge.floor import TICK
from edge.model import Advert, ScreenId
from ground.programme.records import Audience, Campaign, Content, When
from signage.contract import Clear, Noted, Played, Show


async def test_a_beacon_becomes_a_scene_without_a_name_and_a_visit(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        assert show.scene.layout == "recommendation"
        assert [item.title for item in show.scene.items] == ["お茶"]
        assert show.carry == {"customers": ["c1"], "level": 1}
        assert 0 < show.trigger_ns < show.decided_ns <= time.monotonic_ns()
        assert "はな" not in str(show)
        [(kind, visit)] = await here.events(1)
        assert (kind, visit.customer, visit.zone) == ("visit-started", "c1", "shelf")


async def test_a_code_greets_at_once_and_is_reported(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert show.scene.layout == "greeting"
        assert "はな" in show.scene.title
        [(kind, scan)] = await here.events(1)
        assert (kind, scan.outcome, scan.customer) == ("scanned", "member", "c1")
        assert not here.shelf.sent


RADIOS = (
    Ble(kind="ble", name="r", zone="till"),
    Recorded(kind="recorded", name="r", zone="till", file=Path("/r")),
    SimulatedRadio(kind="simulated-radio", name="r", zone="till", scenario=Path("/s")),
)


@pytest.mark.parametrize("radio", RADIOS)
async def test_where_radios_hear_who_else_is_near_no_name_before_they_have(
    tmp_path: Path, later: Later, radio: SensorConfig
) -> None:
    async with store(tmp_path, sensors=(radio,)) as here:
        await here.member("signage")

        async def title() -> str:
            here.code(NUMBER)
            show = await here.till.next(Show)
            assert (show.scene.layout, bool(show.scene.figures)) == ("greeting", "はな" in show.scene.title)
            text: str = show.scene.title
            return text

        assert "はな" not in await title()
        await later(FINDS + 0.5)
        assert "はな" in await title()
        here.known = False
        await later(0.5)
        assert (await here.till.next(Show)).scene.layout == "notice"
        here.known = True
        await later(0.5)
        assert "はな" not in await title()
        await later(FINDS + 0.5)
        assert "はな" in await title()


async def test_without_consent_nobody_is_known(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        here.beacon()
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert (show.scene.layout, show.carry) == ("notice", {"customers": [], "level": 0})
        [(kind, scan)] = await here.events(1)
        assert (kind, scan.outcome, scan.customer) == ("scanned", "unknown", None)
        assert not here.shelf.sent
        assert here.floor.counts["adverts_unknown"] == 3


async def test_a_product_code_changes_no_screen(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        here.code("4901234567894")
        [(_, scan)] = await here.events(1)
        assert scan.outcome == "other"
        assert not here.till.sent


async def test_a_withdrawn_consent_clears_the_screen_at_once_and_leaves_no_event(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        await here.member("signage")
        assert (await here.shelf.next(Clear)).scene == show.scene.scene
        assert here.outbox.state.last == 1
        here.beacon()
        here.code("4901234567894")
        assert [kind for kind, _ in await here.events(2)] == ["visit-started", "scanned"]


async def test_an_erased_profile_clears_the_greeting(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        await here.feed("profiles", {"c1": None})
        assert (await here.till.next(Clear)).scene == show.scene.scene


async def test_unconfirmed_consent_makes_everyone_anonymous(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.known = False
        here.beacon()
        here.code(NUMBER)
        assert (await here.till.next(Show)).scene.layout == "notice"
        assert not here.shelf.sent


async def test_a_play_is_noted_after_its_commit_and_counts_once(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        played = Played(
            play="p1",
            scene="x",
            layout="notice",
            cause="scan",
            trigger_ns=1_000_000,
            decided_ns=2_000_000,
            first_frame_ns=5_000_000,
            ended_ns=9_000_000,
            carry={"customers": ["c1"], "level": 2},
        )
        for _ in range(2):
            here.floor.played(ScreenId("t"), played)
            assert (await here.till.next(Noted)).play == "p1"
        [(kind, play)] = await here.events(1)
        assert kind == "played"
        assert (play.trigger_ms, play.decision_ms, play.shown_ms) == (4, 3, 4)
        assert (play.customers, play.level) == (("c1",), 2)
        assert here.outbox.state.last == 1


async def test_a_carry_that_is_nonsense_is_still_a_play(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        carry: dict[str, str | int | list[str]] = {"customers": 3, "level": "x"}
        here.floor.played(ScreenId("t"), Played(play="p", scene="x", layout="notice", cause="scan", carry=carry))
        [(_, play)] = await here.events(1)
        assert (play.customers, play.level) == ((), 0)


async def test_a_player_that_comes_back_is_told_again(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.shelf.there = False
        here.beacon()
        await here.events(1)
        assert not here.shelf.sent
        here.shelf.there = True
        here.floor.screen_back(ScreenId("s"))
        assert (await here.shelf.next(Show)).carry["customers"] == ["c1"]


async def test_an_ending_agent_leaves_nothing_of_anybody(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        here.floor.dark()
        assert (await here.shelf.next(Clear)).scene == show.scene.scene
        here.beacon()
        here.code(NUMBER)
        await here.events(2)
        assert not here.till.sent


async def test_a_flood_of_adverts_drops_the_oldest_counts_and_lets_scans_through(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        for number in range(5000):
            data = beacons.ibeacon(UUID, 9, number % 60000, -59)
            here.floor.deliver(Advert(at=0.0, receiver="r", zone=SHELF, address=str(number), rssi=-55, data=data))
        here.code(NUMBER)
        assert [kind for kind, _ in await here.events(1)] == ["scanned"]
        assert here.floor.counts["sensed_dropped"] == 5000 - 4096


def products(count: int) -> dict[str, object | None]:
    kinds = ("tea", "cups", "sweets", "bowls", "books")
    return {
        f"p{n:02}": feeds.Product(sku=f"p{n:02}", name={"ja": f"品{n}"}, yen=100, category=kinds[n % 5])
        for n in range(count)
    }


def sold(*skus: str, on_hand: int = 5) -> dict[str, object | None]:
    """Stock in which what comes first sells best."""
    return {sku: feeds.Stock(sku=sku, on_hand=on_hand, sold=1000 // (place + 1)) for place, sku in enumerate(skus)}


def skus(show: Show) -> list[str]:
    return [item.id for item in show.scene.items]


async def shop(here: Store, count: int = 15) -> None:
    """Products p00, p01, … in stock, the first selling best, and a member."""
    await here.feed("products", products(count), scope="chain")
    await here.feed("stock", {"tea": None, **sold(*products(count))})
    await here.member("presence", "signage")


async def test_who_stays_is_shown_the_next_products_every_ten_seconds(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        here.beacon()
        shown = [await here.shelf.next(Show)]
        assert shown[0].trigger_ns > 0
        for _ in range(3):
            await here.stay(8, later)
            assert not here.shelf.sent
            await here.stay(2, later)
            shown.append(await here.shelf.next(Show))
            assert (shown[-1].trigger_ns, here.shelf.sent) == (0, [])
        first, second, third, again = map(skus, shown)
        assert again == first
        assert len({*first, *second, *third}) == 9
        assert [show.scene.hold_ms for show in shown] == [12_000] * 4


async def test_what_was_looked_at_now_is_on_the_scene_that_stands_at_once(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await here.viewed(("p01", 1), ("p02", 1), ("p03", 1), ("p04", 1))
        here.beacon()
        first = await here.shelf.next(Show)
        assert "p13" not in skus(first)
        await here.stay(11, later)
        await here.shelf.next(Show)
        await here.viewed(("p13", 0), ("p01", 1), ("p02", 1), ("p03", 1), ("p04", 1))
        [show] = here.shelf.sent
        assert isinstance(show, Show)
        assert skus(show)[0] == "p13"
        assert show.trigger_ns == 0
        assert show.decided_ns > first.decided_ns
        assert {item.note for item in show.scene.items} <= {"おすすめ", "当店で人気"}


async def test_a_scene_stands_where_the_first_products_stay_the_same(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await here.viewed(("p01", 1))
        here.beacon()
        await here.shelf.next(Show)
        await here.viewed(("p01", 1), points=99)
        await here.viewed(("p13", 0), customer="c2")
        assert not here.shelf.sent
        assert here.floor.counts["scenes"] == 1


async def test_a_greeting_is_left_alone_by_what_its_reader_looks_at(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        here.code(NUMBER)
        assert "p13" not in skus(await here.till.next(Show))
        await here.viewed(("p13", 0))
        assert not here.till.sent


async def test_what_went_out_of_stock_goes_with_the_next_turn(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await shop(here, 3)
        here.beacon()
        assert sorted(skus(await here.shelf.next(Show))) == ["p00", "p01", "p02"]
        await here.feed("stock", sold("p01", on_hand=0))
        assert not here.shelf.sent
        await here.stay(11, later)
        assert skus(await here.shelf.next(Show)) == ["p00", "p02"]


@pytest.mark.parametrize("by", ["profile", "token"])
async def test_who_withdrew_is_forgotten_and_no_later_leaving_is_told(tmp_path: Path, later: Later, by: str) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        if by == "profile":
            await here.feed("profiles", {"c1": feeds.Profile(customer="c1", purposes=("signage",))})
        else:
            beacon = beacons.parse(BEACON)
            assert beacon is not None
            await here.feed("tokens", {member_code.token(bytes.fromhex(KEY), "beacon", beacon.id): None})
        assert here.shelf.sent == [Clear(scene=show.scene.scene)]
        await later(20.0)
        here.code("4901234567894")
        assert [kind for kind, _ in await here.events(2)] == ["visit-started", "scanned"]
        assert here.floor.counts["visits"] == 1


async def test_who_just_leaves_is_told(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        await here.shelf.next(Show)
        await later(20.0)
        assert [kind for kind, _ in await here.events(2)] == ["visit-started", "visit-ended"]


async def test_a_player_that_comes_back_while_its_scene_stands_is_told_again(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        show = await here.shelf.next(Show)
        here.floor.screen_back(ScreenId("s"))
        [again] = here.shelf.sent
        assert isinstance(again, Show)
        assert (skus(again), again.carry) == (skus(show), show.carry)


async def test_a_scene_for_who_has_long_stood_there_is_decided_now(tmp_path: Path, later: Later) -> None:
    """A player drops a Show whose hold is over since its decision: it must not be the sighting of their arrival."""
    async with store(tmp_path) as here:
        await here.member("presence", "signage")
        here.beacon()
        first = await here.shelf.next(Show)
        await here.stay(15, later)
        here.shelf.sent.clear()
        here.floor.screen_back(ScreenId("s"))
        again = await here.shelf.next(Show)
        now = asyncio.get_running_loop().time()
        assert first.trigger_ns > 0
        assert again.trigger_ns == 0
        assert now - again.decided_ns / 1e9 < 1.0


async def test_plays_that_had_no_room_are_asked_for_again(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path, waiting=5) as here:
        for number in range(7):
            play = Played(play=f"p{number}", scene="x", layout="notice", cause="scan")
            here.floor.played(ScreenId("t"), play)
        await until(lambda: here.outbox.state.last == 5)
        await later(0.5)
        await until(lambda: here.till.asked_again)
        await later(0.5)
        assert (here.till.asked_again, here.shelf.asked_again) == (1, 1)
        assert [message.play for message in here.till.sent if isinstance(message, Noted)] == [
            f"p{number}" for number in range(2, 7)
        ]


def campaign(name: str, *contents: str, **more: Any) -> Campaign:
    return Campaign(campaign=name, name=name, contents=contents, audience=Audience(members=True), **more)


async def offered(here: Store, *campaigns: Campaign) -> None:
    """Contents x and y, and these campaigns with them."""
    contents: dict[str, object | None] = {
        name: Content(content=name, layout="campaign", title={"ja": name}, seconds=6) for name in ("x", "y")
    }
    await here.feed("content", contents, scope="chain")
    await here.feed("campaigns", {one.campaign: one for one in campaigns}, scope="chain")


def told(show: Show, play: str, seconds: float = 3.0) -> Played:
    """What a player says of a scene that has been on for so long."""
    now = int(asyncio.get_running_loop().time() * 1e9)
    return Played(
        play=play,
        scene=show.scene.scene,
        layout=show.scene.layout,
        cause=show.cause,
        first_frame_ns=now - int(seconds * 1e9),
        ended_ns=now,
        content=show.scene.content,
        campaign=show.scene.campaign,
        items=tuple(item.id for item in show.scene.items),
        names=(show.scene.title, *(item.title for item in show.scene.items)),
        late=2,
        carry=show.carry,
    )


def what(show: Show) -> tuple[str | None, list[str]]:
    return show.scene.content, skus(show)


async def test_campaigns_for_members_come_first_and_then_recommendations_in_turn(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, campaign("gold", "x", "y"), campaign("low", "x", priority=1))
        here.beacon()
        shows = [await here.shelf.next(Show)]
        for seconds in (6, 6, 6, 10, 10, 10):
            await here.stay(seconds, later)
            shows.append(await here.shelf.next(Show))
        assert [(show.scene.campaign, show.scene.content) for show in shows[:3]] == [
            ("gold", "x"),
            ("gold", "y"),
            ("low", "x"),
        ]
        assert shows[0].trigger_ns > 0
        assert all(show.trigger_ns == 0 for show in shows[1:])
        assert all(show.scene.layout == "recommendation" for show in shows[3:6])
        assert len({sku for show in shows[3:6] for sku in skus(show)}) == 9
        assert (shows[6].scene.campaign, shows[6].scene.content) == ("gold", "x")


async def test_a_member_sees_a_campaign_as_often_a_day_as_it_says(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, campaign("gold", "x", per_member=2))
        here.beacon()
        first = await here.shelf.next(Show)
        assert first.scene.campaign == "gold"
        for _ in range(3):
            here.floor.played(ScreenId("s"), told(first, "p1"))
        here.floor.screen_back(ScreenId("s"))
        second = await here.shelf.next(Show)
        assert second.scene.campaign == "gold"
        here.floor.played(ScreenId("s"), told(second, "p2"))
        here.floor.screen_back(ScreenId("s"))
        assert (await here.shelf.next(Show)).scene.layout == "recommendation"


async def test_a_campaign_alone_stands_where_there_is_nothing_to_recommend(tmp_path: Path, later: Later) -> None:
    async with store(tmp_path) as here:
        await here.feed("stock", {"tea": None})
        await offered(here, campaign("gold", "x"))
        await here.member("presence", "signage")
        here.beacon()
        assert what(await here.shelf.next(Show)) == ("x", [])
        await here.stay(6, later)
        [again] = here.shelf.sent
        assert isinstance(again, Show)
        assert what(again) == ("x", [])


async def test_a_campaign_that_is_withdrawn_leaves_at_once(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, campaign("gold", "x"))
        here.beacon()
        assert (await here.shelf.next(Show)).scene.campaign == "gold"
        await here.feed("campaigns", {"other": campaign("other", "y")}, scope="chain")
        assert not here.shelf.sent
        await here.feed("campaigns", {"gold": None}, scope="chain")
        assert what(await here.shelf.next(Show))[0] == "y"
        await here.feed("content", {"y": None}, scope="chain")
        [show] = here.shelf.sent
        assert isinstance(show, Show)
        assert show.scene.layout == "recommendation"


async def test_a_campaign_whose_time_is_over_leaves_at_once(tmp_path: Path, later: Later) -> None:
    today = datetime.now(ZoneInfo("Asia/Tokyo")).date()
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, campaign("gold", "x", when=(When(last=today + timedelta(days=1)),)))
        here.beacon()
        assert (await here.shelf.next(Show)).scene.campaign == "gold"
        await later(TICK)
        assert not here.shelf.sent
        here.clock.ahead = timedelta(days=2)
        await later(TICK)
        assert (await here.shelf.next(Show)).scene.layout == "recommendation"


async def test_who_is_greeted_without_coupons_hears_of_a_campaign_and_a_nameless_one_does_not(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await offered(here, campaign("gold", "x"))
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert (show.scene.layout, show.scene.campaign, show.scene.text) == ("greeting", "gold", "x")


async def test_a_play_tells_what_it_is_proof_of_and_no_title_of_a_persons_scene(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        here.code(NUMBER)
        show = await here.till.next(Show)
        here.floor.played(ScreenId("t"), told(show, "p1"))
        plain = Played(
            play="p2",
            scene="autumn-ja",
            layout="campaign",
            cause="schedule",
            names=("秋",),
            content="autumn",
            campaign="loop",
            region="side",
        )
        here.floor.played(ScreenId("t"), plain)
        [_, (_, greeting), (_, loop)] = await here.events(3)
        assert (greeting.names, greeting.zones, greeting.late) == (("お茶",), ("till",), 2)
        assert (loop.names, loop.content, loop.campaign, loop.region) == (("秋",), "autumn", "loop", "side")


async def test_a_coupon_of_a_member_is_in_no_event(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await here.member("signage")
        coupon = feeds.Coupon(coupon="birthday-hana", title={"ja": "お誕生日おめでとうございます"})
        profile = feeds.Profile(customer="c1", purposes=("signage",), nickname="はな", coupons=(coupon,))
        await here.feed("profiles", {"c1": profile})
        here.code(NUMBER)
        show = await here.till.next(Show)
        assert [item.id for item in show.scene.items] == ["birthday-hana"]
        here.floor.played(ScreenId("t"), told(show, "p1"))
        [_, (_, greeting)] = await here.events(2)
        assert (greeting.shown, greeting.names, greeting.customers) == ((), (), ("c1",))


async def test_what_is_no_longer_for_who_stands_there_leaves_at_once(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, replace(campaign("gold", "x"), audience=Audience(segments=("vip",))))
        member = feeds.Profile(customer="c1", purposes=("presence", "signage"), nickname="はな", segments=("vip",))
        await here.feed("profiles", {"c1": member})
        here.beacon()
        assert (await here.shelf.next(Show)).scene.campaign == "gold"
        await here.feed("profiles", {"c1": replace(member, segments=())})
        [show] = here.shelf.sent
        assert isinstance(show, Show)
        assert show.scene.layout == "recommendation"


async def test_a_campaign_leaves_when_its_product_turns_out_to_be_sensitive(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        await shop(here)
        await offered(here, campaign("gold", "x"))
        x = Content(content="x", layout="campaign", title={"ja": "x"}, products=("tea",))
        await here.feed("content", {"x": x}, scope="chain")
        here.beacon()
        assert (await here.shelf.next(Show)).scene.campaign == "gold"
        tea = feeds.Product(sku="tea", name={"ja": "お茶"}, yen=500, category="tea", sensitive=True)
        await here.feed("products", {"tea": tea}, scope="chain")
        show = await here.shelf.next(Show)
        assert (show.scene.campaign, "tea" in skus(show)) == (None, False)


@pytest.mark.parametrize("boot", ["another", "this"])
async def test_a_play_of_another_boot_is_told_by_the_walls_clock(tmp_path: Path, boot: str) -> None:
    async with store(tmp_path) as here:
        now, wall = asyncio.get_running_loop().time(), time.time()
        played = Played(
            play="p",
            scene="x",
            layout="notice",
            cause="schedule",
            boot=Clock().boot if boot == "this" else boot,
            first_frame_ns=int((now - 30) * 1e9),
            ended_ns=int((now - 20) * 1e9),
            wall=wall - 86_410,
        )
        here.floor.played(ScreenId("t"), played)
        [(_, told_)] = await here.events(1)
        assert told_.shown_ms == 10_000
        assert told_.ago_ms // 60_000 == (0 if boot == "this" else 86_400 // 60)


async def test_a_play_says_how_long_ago_it_was_also_from_before_a_restart(tmp_path: Path) -> None:
    async with store(tmp_path) as here:
        now, wall = asyncio.get_running_loop().time(), time.time()
        played = Played(play="p", scene="x", layout="notice", cause="schedule")
        at = int((now - 100) * 1e9)
        here.floor.played(ScreenId("t"), replace(played, play="a", first_frame_ns=at - 10**9, ended_ns=at))
        at = int((now + 5000) * 1e9)
        here.floor.played(
            ScreenId("t"), replace(played, play="b", first_frame_ns=at - 10**9, ended_ns=at, wall=wall - 500)
        )
        here.floor.played(ScreenId("t"), replace(played, play="c", ended_ns=at))
        [(_, here_), (_, before), (_, unknown)] = await here.events(3)
        assert 100_000 <= here_.ago_ms < 160_000
        assert 499_000 <= before.ago_ms < 560_000
        assert unknown.ago_ms == 0
