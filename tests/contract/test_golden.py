"""Messages as they were sent once: they must be read for ever, whatever the records become.

A golden file is never changed. A new record gets a new file; a record that goes leaves its reader behind.
"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import contract_examples as examples
import msgspec
import pytest

from central.contract import asks, batches, commands, enrolment, events, feeds, member_code, topics
from central.contract.codec import decode, encode, pack, unpack
from signage import contract as signage

GOLDEN = Path(__file__).parent / "golden"
CENTRAL = sorted(examples.CENTRAL)
SIGNAGE = sorted([*examples.PLAYER, *examples.AGENT])


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def signage_read(data: bytes) -> Any:
    """A line by whoever takes it; the two directions share no kind."""
    return signage.for_player(data) or signage.for_agent(data)


def signage_example(kind: str) -> Any:
    return examples.PLAYER.get(kind) or examples.AGENT[kind]


@pytest.mark.parametrize("name", CENTRAL)
def test_what_was_sent_once_is_still_read_as_it_was_meant(name: str) -> None:
    expected = examples.CENTRAL[name]
    assert encode(decode(golden(f"central/{name}"), type(expected))) == encode(expected)


@pytest.mark.parametrize("name", CENTRAL)
def test_what_is_sent_today_is_read(name: str) -> None:
    record = examples.CENTRAL[name]
    assert encode(unpack(pack(record), type(record))) == encode(record)


@pytest.mark.parametrize("name", CENTRAL)
def test_a_field_from_the_future_is_ignored(name: str) -> None:
    record = examples.CENTRAL[name]
    newer = {**msgspec.json.decode(golden(f"central/{name}")), "from-the-future": {"deep": [1, None]}}
    assert encode(decode(encode(newer), type(record))) == encode(record)


@pytest.mark.parametrize("name", CENTRAL)
def test_a_message_from_before_a_field_came_is_read(name: str) -> None:
    shape = type(examples.CENTRAL[name])
    must = {
        field.name
        for field in dataclasses.fields(shape)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    older = {key: value for key, value in msgspec.json.decode(golden(f"central/{name}")).items() if key in must}
    assert isinstance(decode(encode(older), shape), shape)


def test_a_deflated_batch_is_still_read() -> None:
    batch = unpack((GOLDEN / "central" / "batch.deflated").read_bytes(), batches.Batch)
    steps = list(batches.walk(batch))
    assert [step.seq for step in steps] == list(range(1, 21))
    for step in steps:
        assert step.event is not None
        event, body = events.read(step.event)
        assert (event.kind, body) == ("crowd-counted", examples.BODIES["crowd-counted"])
    assert steps[-1].chain == "829d09dbf7741921eb1a3ca8a3924aabe1e15f69576b16e27fecc66f099cacc1"


@pytest.mark.parametrize("kind", sorted(examples.BODIES))
def test_an_event_is_still_read_with_its_body(kind: str) -> None:
    event, body = events.read(golden(f"central/event-{kind}"))
    assert (event.kind, event.born, body) == (kind, examples.BORN, examples.BODIES[kind])


def test_an_event_of_a_kind_from_the_future_is_kept_as_it_is() -> None:
    data = golden("central/event-crowd-counted").replace(b"crowd-counted", b"robot-greeted")
    event, body = events.read(data)
    assert (event.kind, body) == ("robot-greeted", None)
    assert bytes(event.body) == encode(examples.BODIES["crowd-counted"])


@pytest.mark.parametrize("kind", SIGNAGE)
def test_what_was_said_once_between_agent_and_player_is_still_read(kind: str) -> None:
    expected = signage_example(kind)
    assert signage_read(golden(f"signage/{kind}")) == expected
    assert signage_read(signage.line(expected)) == expected


@pytest.mark.parametrize("kind", SIGNAGE)
def test_a_line_from_the_future_is_read_or_left_alone(kind: str) -> None:
    line = msgspec.json.decode(golden(f"signage/{kind}"))
    newer = {**line, "new": 1, "body": {**line["body"], "from-the-future": [{}]}}
    assert signage_read(encode(newer)) == signage_example(kind)
    unknown = encode({**line, "kind": "hologram"})
    assert signage.for_player(unknown) is None
    assert signage.for_agent(unknown) is None


def records(module: ModuleType) -> set[type[Any]]:
    return {
        shape
        for name, shape in inspect.getmembers(module, dataclasses.is_dataclass)
        if isinstance(shape, type) and shape.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_record_and_every_file_has_its_golden_message() -> None:
    in_memory = {batches.Link}
    nested = {type(one) for one in (*examples.BODIES.values(), *examples.PARTS)}
    shown = {type(one) for one in (*examples.CENTRAL.values(), *examples.PLAYER.values(), *examples.AGENT.values())}
    for module in (asks, batches, commands, enrolment, events, feeds, signage):
        assert records(module) - in_memory - nested <= shown, f"{module.__name__}: a record has no example"
    assert set(examples.BODIES) == set(events.KINDS)
    files = {str(file.relative_to(GOLDEN)) for file in GOLDEN.rglob("*.json")}
    assert files == {f"central/{name}.json" for name in CENTRAL} | {f"signage/{kind}.json" for kind in SIGNAGE}


def test_the_rules_that_both_sides_share_never_give_anything_else() -> None:
    assert topics.shard("ginza") == "8b"
    assert topics.of_agent("ginza", "pi-1", "up") == "noren/v1/8b/ginza/pi-1/up"
    assert topics.heads("ginza") == "noren/v1/8b/ginza/heads"
    assert topics.heads("chain") == "noren/v1/chain/heads"
    key = member_code.store_key(b"chain", "ginza")
    assert key.hex() == "b214c6a6a9fe52c6da4112acdeef6414d8596fba50f67ac08bbfddc6bd40c8ae"
    assert (
        member_code.token(key, "code", "2012345678903")
        == "7b5310e9b716f1a18cc0327c0b1c0553757c501210a1d840eb28d3e44c39e59c"
    )
    assert member_code.check_digit("490123456789") == "4"
    assert batches.link(batches.GENESIS, b"{}") == "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"
    assert batches.digest(b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
