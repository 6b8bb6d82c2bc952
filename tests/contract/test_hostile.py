"""Bytes that somebody wants to break us with are refused with a sentence, and nothing else happens."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import Any

import contract_examples as examples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.contract import batches, commands, events, feeds
from central.contract.batches import Batch, Gap, walk
from central.contract.codec import MAX_DEPTH, MAX_PLAIN, MAX_WIRE, Unreadable, decode, encode, pack, unpack
from signage import contract as signage

SHAPES: list[type[Any]] = sorted(
    {type(record) for record in examples.CENTRAL.values()}, key=lambda shape: shape.__name__
)
DEEP = b"[" * 100_000 + b"]" * 100_000
HOSTILE = {
    "nothing": b"",
    "no JSON": b"\x80\x00\xff",
    "cut off": encode(examples.CENTRAL["batch"])[:-1],
    "two values": b"{}{}",
    "deep lists": DEEP,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep in a field nobody knows": b'{"x":' + DEEP + b"}",
    "brackets without partners": b"[" * 1000,
    "very many brackets": zlib.compress(b"[" * (1 << 20)),
    "very many pairs": zlib.compress(b'{"x":[' + b"[]," * (1 << 18) + b"[]]}"),
    "very many strings": zlib.compress(b"[" * 33 + b'""' * 100_000),
    "a string without end": b'"' + b"\\" * 100_001,
    "many quotes": b'"' * 100_001,
    "no UTF-8": b'{"reason":"\xff\xfe","digest":"' + b"0" * 64 + b'"}',
    "half a surrogate": b'{"reason":"\\ud800","digest":"' + b"0" * 64 + b'"}',
    "null": b"null",
    "a number": b"1" * 5000,
    "a huge exponent": b'{"seq":1e400}',
    "a bomb": zlib.compress(b" " * (MAX_PLAIN + 1)),
    "a broken stream": b"x\x9c" + b"\x00" * 50,
    "a stream cut off": zlib.compress(encode(examples.CENTRAL["batch"]))[:-4],
    "a stream with more behind it": zlib.compress(b"{}") + b"{}",
    "too large": b" " * (MAX_WIRE + 1),
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused(name: str, shape: type[Any]) -> None:
    with pytest.raises(Unreadable):
        unpack(HOSTILE[name], shape)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_as_events_and_as_lines(name: str) -> None:
    with pytest.raises(Unreadable):
        events.read(HOSTILE[name])
    for read in (signage.for_player, signage.for_agent):
        with pytest.raises(signage.Garbled):
            read(HOSTILE[name])


@pytest.mark.parametrize(
    "number", [b"-1", b"9223372036854775808", b"1" * 400, b"1.5", b"true", b'"1"', b"1e3", b"null"]
)
def test_a_number_that_no_database_keeps_is_refused(number: bytes) -> None:
    for shape, data in (
        (batches.Ack, encode(examples.CENTRAL["ack"]).replace(b'"seq":15', b'"seq":' + number)),
        (feeds.Pull, encode(examples.CENTRAL["pull"]).replace(b'"after":811', b'"after":' + number)),
        (batches.Batch, encode(examples.CENTRAL["batch"]).replace(b'"last":15', b'"last":' + number)),
        (feeds.Stock, encode(examples.CENTRAL["stock"]).replace(b'"on_hand":12', b'"on_hand":' + number)),
    ):
        assert number in data
        with pytest.raises(Unreadable):
            decode(data, shape)


@pytest.mark.parametrize("text", ["a\\u0000b", "A", "../../etc", "a b", "ä", "", "a" * 65, "a/b", "#", "+"])
def test_an_id_is_only_an_id(text: str) -> None:
    data = encode(examples.CENTRAL["ack"]).replace(b"5f1d0a2b3c4d5e6f", text.encode())
    with pytest.raises(Unreadable):
        decode(data, batches.Ack)


@pytest.mark.parametrize("time", ["2026-11-24T12:00:00", "yesterday", "2026-13-01T00:00:00Z", "1795489200", ""])
def test_a_time_without_its_zone_is_refused(time: str) -> None:
    data = encode(examples.CENTRAL["ack"]).replace(b"2026-11-24T12:00:00.250000+09:00", time.encode())
    with pytest.raises(Unreadable):
        decode(data, batches.Ack)


def test_what_may_be_nested_is_and_what_is_much_deeper_is_not() -> None:
    def page(depth: int) -> bytes:
        body = b"[" * depth + b"]" * depth
        return encode(examples.CENTRAL["page"]).replace(b'"body":null', b'"body":' + body)

    assert decode(page(MAX_DEPTH - 3), feeds.Page)  # The page, its rows, the row are the first three.
    with pytest.raises(Unreadable, match="nested"):
        decode(page(2 * MAX_DEPTH), feeds.Page)


@pytest.mark.parametrize(
    "text",
    ["[[", '"', "\\", '\\"', '\\\\"[', '"]', "{\n}", "é[", '""[""', '\\\\\\"}', "\\u005b["],
    ids=repr,
)
def test_brackets_in_texts_nest_nothing(text: str) -> None:
    many = commands.Status(
        online=True, version="1", epoch="e", boot="b", troubles=(text, *("[" * 40, "]" * 40, "{x" * 40, text * 9))
    )
    assert unpack(pack(many), commands.Status) == many
    deep = encode(many).replace(b'"online"', b'"x":' + b"[" * 40 + b"]" * 40 + b',"online"')
    with pytest.raises(Unreadable, match="nested"):
        decode(deep, commands.Status)


_TEXTS = st.text(alphabet='[]{}"\\\\ae\\n', max_size=12)
_VALUES = st.recursive(_TEXTS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner))


@given(value=_VALUES, around=st.sampled_from((10, 2 * MAX_DEPTH)))
@settings(max_examples=200, deadline=None)
def test_depth_is_that_of_lists_and_objects_whatever_texts_hold(value: Any, around: int) -> None:
    data = b"[" * around + encode(value) + b"]" * around
    if around + depth(value) <= MAX_DEPTH:
        assert decode(data, list[Any])
    elif around > MAX_DEPTH:
        with pytest.raises(Unreadable, match="nested"):
            decode(data, list[Any])


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def test_lists_have_their_bounds() -> None:
    many = encode(examples.CENTRAL["heads"]).replace(b'"heads":{', b'"heads":{"x":1,')
    assert decode(many, feeds.Heads)
    row = encode(feeds.Row(key="a", version=1))
    for count, good in ((feeds.MAX_ROWS, True), (feeds.MAX_ROWS + 1, False)):
        data = encode(examples.CENTRAL["page"]).replace(
            b'"rows":[', b'"rows":[' + b",".join([row] * (count - 2)) + b","
        )
        if good:
            assert len(decode(data, feeds.Page).rows) == count
        else:
            with pytest.raises(Unreadable):
                decode(data, feeds.Page)
    with pytest.raises(Unreadable):
        decode(encode(commands.Reply(command="k-1", ok=True, said="x" * 2001)), commands.Reply)


def _batch(first: int, last: int, events: int, *gaps: tuple[int, int]) -> Batch:
    made = tuple(
        Gap(first=begin, last=end, drop="counts", count=1, cause="outbox_full", chain="0" * 64) for begin, end in gaps
    )
    return Batch(
        epoch="e", first=first, last=last, oldest=1, prev="0" * 64, events=(batches.raw(b"{}"),) * events, gaps=made
    )


@pytest.mark.parametrize(
    "batch",
    [
        _batch(1, 3, 2),
        _batch(1, 3, 4),
        _batch(3, 1, 0),
        _batch(1, 3, 1, (2, 9)),
        _batch(1, 3, 1, (2, 3), (2, 3)),
        _batch(1, 9, 3, (4, 6), (5, 9)),
        _batch(5, 9, 5, (1, 2)),
        _batch(1, 2**63 - 1, 1, (2, 1)),
        _batch(1, 2**63 - 1, 1),
    ],
)
def test_a_batch_whose_seqs_do_not_add_up_is_refused(batch: Batch) -> None:
    with pytest.raises(Unreadable):
        list(walk(batch))


def test_a_gap_of_any_length_costs_nothing() -> None:
    [step] = walk(_batch(1, 2**63 - 1, 0, (1, 2**63 - 1)))
    assert step.seq == 2**63 - 1


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(examples.CENTRAL)), st.data())
def test_a_message_with_bytes_changed_is_read_or_refused(name: str, data: st.DataObject) -> None:
    record = examples.CENTRAL[name]
    changed = bytearray(pack(record))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        assert isinstance(unpack(bytes(changed), type(record)), type(record))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for shape in SHAPES:
        with suppress(Unreadable):
            unpack(data, shape)
    for read in (signage.for_player, signage.for_agent):
        with suppress(signage.Garbled):
            read(data)
