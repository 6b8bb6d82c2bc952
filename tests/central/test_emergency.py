"""An emergency is on every screen until its time by the stores' clocks, and is taken back with nothing left."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from edge_log import NOON
from sqlalchemy import Connection, Engine

from central import catalogue, content, emergency, programme
from central.emergency import Call
from central.errors import CentralError, ProgrammeRefused, Unknown
from central.storage.database import reading, writing
from ground.programme import calendar
from ground.programme.records import Campaign, Content, Store

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
OTHER = (
    Content(content="autumn", layout="campaign", title={"ja": "秋"}),
    Campaign(campaign="dusk", name="夕方", contents=("autumn",)),
)


def call(hours: float = 2, *, stores: tuple[str, ...] = (), **more: Any) -> Call:
    given = {"title": {"ja": "避難してください", "en": "Leave now"}, "text": {}, "until": NOON + timedelta(hours=hours)}
    return Call(stores=stores, **{**given, **more})


@pytest.fixture
def chain(engine: Engine) -> Engine:
    with writing(engine) as connection:
        stores = [Store(store=name, name={"ja": name}) for name in ("ginza", "ueno")]
        catalogue.save_stores(connection, stores)
        content.save(connection, OTHER)
    return engine


def campaigns(connection: Connection) -> list[Campaign]:
    return [one for name, one in content.campaigns(connection).items() if name != "dusk"]


def test_it_is_over_everything_everywhere_and_ends_to_the_minute(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(text={"ja": "係員の指示に従ってください"}), NOON)
        (one,) = campaigns(connection)
        assert (one.campaign, one.emergency, one.priority, one.stores, one.zones) == ("emergency", True, 9, (), ())
        assert one.name == "避難してください"
        shown = content.contents(connection, one.contents)["emergency"]
        assert (shown.layout, shown.title["en"], shown.order) == ("emergency", "Leave now", None)
        assert calendar.is_due(one.when, NOON, TOKYO)
        assert calendar.ends(one.when, NOON, TOKYO) == NOON + timedelta(hours=2)


@pytest.mark.parametrize(
    ("at", "hours"),
    [(NOON, 0.001), (NOON, 12), (NOON, 11.999), (NOON, 36), (NOON, 24 * 7), (NOON.replace(hour=15), 0.5)],
)
@pytest.mark.parametrize("zone", [TOKYO, BERLIN])
def test_it_ends_at_its_minute_also_at_midnight_and_days_later(
    chain: Engine, at: datetime, hours: float, zone: ZoneInfo
) -> None:
    until = at + timedelta(hours=hours)
    with writing(chain) as connection:
        catalogue.save_stores(
            connection, [Store(store=name, name={"ja": name}, timezone=zone.key) for name in ("ginza", "ueno")]
        )
        emergency.begin(connection, call(until=until), at)
        (one,) = campaigns(connection)
    ends = calendar.ends(one.when, at, zone)
    assert ends is not None
    assert until <= ends < until + timedelta(minutes=1)


def test_stores_of_other_clocks_have_their_own(chain: Engine) -> None:
    with writing(chain) as connection:
        catalogue.save_stores(connection, [Store(store="mitte", name={"ja": "b"}, timezone=BERLIN.key)])
        emergency.begin(connection, call(), NOON)
        found = campaigns(connection)
        assert [one.campaign for one in found] == ["emergency-1", "emergency-2"]
        assert [one.stores for one in found] == [("ginza", "ueno"), ("mitte",)]
        for one, zone in zip(found, (TOKYO, BERLIN), strict=True):
            assert calendar.ends(one.when, NOON, zone) == NOON + timedelta(hours=2)
        emergency.begin(connection, call(stores=("mitte",)), NOON)
        assert [one.campaign for one in campaigns(connection)] == ["emergency"], "the others are taken back"
        assert emergency.end(connection)
        assert campaigns(connection) == []


def test_it_is_only_where_it_is_said(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(stores=("ueno",)), NOON)
        assert [one.stores for one in campaigns(connection)] == [("ueno",)]


def test_a_chain_that_has_put_no_store_in_can_call_out_as_well(engine: Engine) -> None:
    with writing(engine) as connection:
        emergency.begin(connection, call(), NOON)
        assert len(campaigns(connection)) == 1


def test_another_takes_its_place_and_the_end_leaves_nothing(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(), NOON)
        emergency.begin(connection, call(5, title={"ja": "解除をお待ちください"}), NOON)
        (one,) = campaigns(connection)
        assert calendar.ends(one.when, NOON, TOKYO) == NOON + timedelta(hours=5)
        assert emergency.end(connection)
        assert not emergency.end(connection)
        left = programme.whole(connection)
        assert (*left.contents, *left.campaigns) == OTHER


def test_a_programme_that_replaces_all_leaves_it_standing(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(), NOON)
        gone = programme.take(connection, programme.of([OTHER[0]]), NOON, alone=True)
        assert gone["withdrawn"] == 1
        assert len(campaigns(connection)) == 1
        assert set(content.contents(connection)) == {"autumn", "emergency"}


@pytest.mark.parametrize("hours", [0, -1, 24 * 7 + 0.1])
def test_a_time_that_cannot_be_is_refused(chain: Engine, hours: float) -> None:
    with writing(chain) as connection, pytest.raises(CentralError, match="Give a time to come, within 7 days"):
        emergency.begin(connection, call(hours), NOON)


def test_what_cannot_be_called_out_leaves_what_is(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(), NOON)
    with pytest.raises(ProgrammeRefused, match="no Japanese text"), writing(chain) as connection:
        emergency.begin(connection, call(title={"en": "Leave"}), NOON)
    with pytest.raises(Unknown, match=r"no store kyoto\. Name some of ginza, ueno"), writing(chain) as connection:
        emergency.begin(connection, call(stores=("kyoto",)), NOON)
    with reading(chain) as connection:
        assert len(campaigns(connection)) == 1


def test_what_no_store_could_read_is_refused(chain: Engine) -> None:
    with writing(chain) as connection, pytest.raises(CentralError, match=r"cannot be sent.*2,000 letters"):
        emergency.begin(connection, call(text={"ja": "火" * 2001}), NOON)
    with reading(chain) as connection:
        assert not campaigns(connection)


def test_a_time_in_any_zone_is_meant(chain: Engine) -> None:
    with writing(chain) as connection:
        until = datetime(2026, 11, 24, 14, 30, tzinfo=timezone(timedelta(hours=9)))
        emergency.begin(connection, call(until=until), NOON)
        assert calendar.ends(campaigns(connection)[0].when, NOON, BERLIN) is not None
        assert calendar.ends(campaigns(connection)[0].when, NOON, TOKYO) == until


def test_a_store_that_only_has_a_device_yet_hears_it_by_its_own_clock(enrolled: Engine) -> None:
    with writing(enrolled) as connection:
        catalogue.save_stores(connection, [Store(store="mitte", name={"ja": "b"}, timezone=BERLIN.key)])
        emergency.begin(connection, call(), NOON)
        found = {one.stores: one for one in campaigns(connection)}
        assert set(found) == {("ginza",), ("mitte",)}
        assert calendar.is_due(found[("ginza",)].when, NOON, TOKYO)
        emergency.begin(connection, call(stores=("ginza",)), NOON)
        assert [one.stores for one in campaigns(connection)] == [("ginza",)]


def test_what_is_written_down_meanwhile_calls_nothing_out_again(chain: Engine) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(), NOON)
        kept = programme.written(connection)
        emergency.end(connection)
        programme.take(connection, kept, NOON, alone=True)
        assert campaigns(connection) == []
        assert (*kept.contents, *kept.campaigns) == OTHER


@pytest.mark.parametrize(
    "part",
    [
        Content(content="emergency", layout="campaign", title={"ja": "訓練"}),
        Campaign(campaign="emergency", name="訓練", contents=("autumn",)),
        Campaign(campaign="emergency-2", name="訓練", contents=("autumn",)),
        Campaign(campaign="drill", name="訓練", contents=("emergency",)),
    ],
)
def test_nothing_else_may_have_its_name(chain: Engine, part: Content | Campaign) -> None:
    with writing(chain) as connection:
        emergency.begin(connection, call(), NOON)
    with pytest.raises(ProgrammeRefused, match="choose another name"), writing(chain) as connection:
        programme.take(connection, programme.of([part]), NOON)
