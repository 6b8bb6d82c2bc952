"""The tracking specification: what is read of a call, what is refused with its field, and when it really was."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from edge_log import NOON
from hypothesis import given
from hypothesis import strategies as st

from central.api import segment
from central.api.segment import View, moment
from central.contract.codec import Unreadable

VIEWED: dict[str, Any] = {
    "type": "track",
    "userId": "c-1",
    "event": "Product Viewed",
    "properties": {"product_id": "tea-001"},
}


def one(**fields: Any) -> View | None:
    (message,) = segment.track(msgspec.json.encode(VIEWED | fields), NOON).messages
    return message.view


def test_a_view_is_read() -> None:
    assert one() == View(customer="c-1", goods=("tea-001",), at=NOON)
    assert (
        one(anonymousId=None, messageId=None, context={"library": {"name": "x"}}, integrations={"All": True}) == one()
    )


@pytest.mark.parametrize(
    ("properties", "goods"),
    [
        ({"product_id": "p-1", "sku": "tea-001"}, ("p-1", "tea-001")),
        ({"product_id": None, "sku": "tea-001", "price": 18.99}, ("tea-001",)),
        ({"product_id": 507, "sku": "507"}, ("507",)),
    ],
)
def test_a_product_has_the_names_that_the_shop_gives_it(properties: dict[str, Any], goods: tuple[str, ...]) -> None:
    view = one(properties=properties)
    assert view is not None
    assert view.goods == goods


@pytest.mark.parametrize(
    "fields",
    [{"event": "Product Added"}, {"event": "product viewed", "properties": 3}, {"userId": None, "anonymousId": "a"}],
)
def test_what_is_right_and_not_used_yet_is_no_view(fields: dict[str, Any]) -> None:
    assert one(**fields) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"userId": None}, "Give it or anonymousId - at `$.userId`"),
        ({"userId": 7}, "Expected `str | null`, got `int` - at `$.userId`"),
        ({"userId": "x" * 257}, "Expected `str` of length <= 256 - at `$.userId`"),
        ({"event": None}, "Give the name of what happened - at `$.event`"),
        ({"event": ""}, "Expected `str` of length >= 1 - at `$.event`"),
        ({"type": "identify"}, "Expected track, or nothing - at `$.type`"),
        ({"messageId": "x" * 101}, "Expected `str` of length <= 100 - at `$.messageId`"),
        ({"timestamp": "yesterday"}, "Invalid RFC3339 encoded datetime - at `$.timestamp`"),
        ({"timestamp": "2026-11-24T12:00:00"}, "Expected `datetime` with a timezone component - at `$.timestamp`"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "There is no such day - at `$.timestamp`"),
        ({"sentAt": "9999-12-31T23:59:59-14:00", "timestamp": NOON}, "There is no such day - at `$.timestamp`"),
        ({"properties": {}}, "Give it or sku - at `$.properties.product_id`"),
        ({"properties": None}, "Expected `object`, got `null` - at `$.properties`"),
        (
            {"properties": {"product_id": 1.5}},
            "Expected `int | str | null`, got `float` - at `$.properties.product_id`",
        ),
        ({"properties": {"sku": 10**18 * 100}}, "Expected `int` <= 9223372036854775807 - at `$.properties.sku`"),
        ({"properties": {"sku": ["tea"]}}, "Expected `int | str | null`, got `array` - at `$.properties.sku`"),
        ({"context": {"name": "a\0b"}}, "a text holds the character NUL, which no database keeps"),
    ],
)
def test_what_can_never_be_right_is_refused_with_field_and_rule(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        one(**fields)
    assert str(refused.value) == said


def test_one_bad_event_costs_no_other() -> None:
    deep = b"[" * 300 + b"]" * 300
    events = [
        msgspec.json.encode(VIEWED),
        b"3",
        b'{"type":"track","userId":"c-2","event":"x","more":' + deep + b"}",
        b'{"type":"track","userId":"c-3","event":"\xff"}',
        b'{"type":"foo@example.com","userId":"c-4"}',
        msgspec.json.encode(VIEWED | {"event": "x" * segment.MAX_EVENT}),
        b'{"type":"identify","userId":"c-5","traits":{"name":"' + "花".encode() * 9000 + b'"}}',
    ]
    told = segment.batch(b'{"writeKey":"k","batch":[' + b",".join(events) + b"]}", NOON)
    assert told.write_key == "k"
    assert [message.view and message.view.customer for message in told.messages] == ["c-1", None]
    assert len(told.refused) == 5
    assert not any("example.com" in reason for reason in told.refused)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"batch":{}}',
        b'{"batch":[{]}',
        b'{"batch":[]',
        b'{"batch":[],"sentAt":"now"}',
        b'{"batch":[' + b"[" * 200_000,
        b'{"batch":[' + b"1," * segment.MAX_EVENTS + b"1]}",
    ],
)
def test_a_batch_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        segment.batch(body, NOON)


def test_an_empty_batch_says_nothing() -> None:
    assert segment.batch(b'{"batch":[]}', NOON).messages == ()


def test_the_time_is_what_our_clock_would_have_said() -> None:
    ahead = timedelta(hours=7)
    view = one(timestamp=NOON + ahead - timedelta(minutes=3), sentAt=NOON + ahead)
    assert view is not None
    assert view.at == NOON - timedelta(minutes=3)
    told = segment.batch(
        msgspec.json.encode(
            {
                "sentAt": NOON + ahead,
                "batch": [
                    VIEWED | {"originalTimestamp": NOON + ahead - timedelta(minutes=1), "timestamp": NOON},
                    VIEWED | {"timestamp": NOON - ahead, "sentAt": NOON - ahead + timedelta(minutes=2)},
                ],
            }
        ),
        NOON,
    )
    times = [message.view.at for message in told.messages if message.view]
    assert times == [NOON - timedelta(minutes=1), NOON - timedelta(minutes=2)]


def test_without_sent_at_the_time_is_believed_but_for_the_future() -> None:
    assert moment(NOON, None, None) == NOON
    assert moment(NOON, NOON - timedelta(days=2), None) == NOON - timedelta(days=2)
    assert moment(NOON, NOON + timedelta(days=2), None) == NOON
    assert moment(NOON, NOON + timedelta(seconds=1), NOON) == NOON


@given(st.timedeltas(-timedelta(days=20_000), timedelta(days=20_000)), st.integers(0, 10**7))
def test_a_wrong_clock_changes_nothing(wrong: timedelta, waited: int) -> None:
    sent = NOON + wrong
    assert moment(NOON, sent - timedelta(seconds=waited), sent) == NOON - timedelta(seconds=waited)


FIELDS = st.sampled_from(["batch", "type", "userId", "event", "properties", "sku", "timestamp"])
SCALARS = st.none() | st.sampled_from(["track", "Product Viewed"]) | st.text() | st.integers() | st.floats()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner))


@given(st.binary(max_size=300) | VALUES.map(json.dumps).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    for read in (segment.track, segment.batch):
        try:
            read(body, NOON)
        except Unreadable:
            continue
