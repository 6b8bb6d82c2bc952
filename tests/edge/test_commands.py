"""What central commands is done once, beside everything else, and always answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_wire import Wire, turn, until
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from central.contract import topics
from central.contract.codec import encode, pack
from central.contract.commands import Command, Reply
from edge.clock import Clock
from edge.commands import MOST_KEPT, MOST_WAITING, Commands
from edge.storage import Storage
from ground.errors import NorenError

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Device:
    """An agent that takes commands, and central at the other end of the wire."""

    def __init__(self, storage: Storage, *, synced: bool = True) -> None:
        self.wire = Wire()
        self.wire.connected = True
        clock = Clock(system=lambda: NOON.timestamp(), uptime=lambda: 1000.0, synced=lambda: synced)
        self.storage = storage
        self.commands = Commands(storage, self.wire, clock, "ginza", "pi-1")
        self.done: list[bytes] = []
        self.commands.known |= {"count": self.count, "refuse": self.refuse}

    async def count(self, body: bytes) -> str:
        self.done.append(body)
        return f"{len(self.done)} times"

    async def refuse(self, _body: bytes) -> str:
        raise NorenError("There is no such screen.", fix="Name another.")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.commands.open()
        task = asyncio.create_task(self.commands.run())
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def say(self, name: str, *, command: str = "k1", body: object = None, late: bool = False) -> None:
        expires = NOON + timedelta(minutes=-1 if late else 1)
        sent = Command(command=command, name=name, expires=expires, body=Raw(encode(body)) if body else None)
        await self.commands.on_command(pack(sent))

    async def reply(self, name: str, *, command: str = "k1", body: object = None, late: bool = False) -> Reply:
        await self.say(name, command=command, body=body, late=late)
        await until(lambda: self.wire.sent)
        assert self.wire.sent[0][0] == topics.of_agent("ginza", "pi-1", "reply")
        [reply] = self.wire.take("reply", Reply)
        return reply


async def test_a_command_is_done_once_and_always_answered(storage: Storage) -> None:
    device = Device(storage)
    async with device.running():
        for _ in range(3):
            assert await device.reply("count", body={"n": 1}) == Reply(command="k1", ok=True, said="1 times")
        assert device.done == [b'{"n":1}']
        assert await device.reply("ping", command="k2") == Reply(command="k2", ok=True, said="here")
        assert await device.reply("count", command="k3") == Reply(command="k3", ok=True, said="2 times")
        assert device.done[1] == b"{}"


async def test_what_cannot_be_done_is_answered_with_why(storage: Storage) -> None:
    device = Device(storage)
    async with device.running():
        assert (await device.reply("dance", command="k4")).said == "this agent knows no command dance"
        refused = await device.reply("refuse", command="k5")
        assert (refused.ok, refused.said) == (False, "There is no such screen. Name another.")
        late = await device.reply("count", command="k3", late=True)
        assert (late.ok, late.said) == (False, "it had expired when it came")
        assert not device.done


async def test_an_unsafe_clock_says_nothing_of_expiry(storage: Storage) -> None:
    device = Device(storage, synced=False)
    async with device.running():
        assert (await device.reply("count", late=True)).ok


async def test_done_before_a_restart_is_only_answered_after_it(tmp_path: Path) -> None:
    for said in ("1 times", "1 times"):
        async with Storage.open(tmp_path / "a.sqlite") as storage:
            device = Device(storage)
            async with device.running():
                assert (await device.reply("count")).said == said
    assert device.done == []


async def test_a_long_command_holds_nobody_up_and_is_not_begun_twice(storage: Storage) -> None:
    device = Device(storage)
    go_on, begun = asyncio.Event(), []

    async def long(body: bytes) -> str:
        begun.append(body)
        await go_on.wait()
        return "at last"

    device.commands.known["long"] = long
    async with device.running():
        await device.say("long")
        await until(lambda: begun)
        await device.say("long")
        await device.say("count", command="k2")
        await turn()
        assert device.wire.sent == []
        go_on.set()
        await until(lambda: len(device.wire.sent) == 2)
        assert [reply.said for reply in device.wire.take("reply", Reply)] == ["at last", "1 times"]
    assert len(begun) == 1


async def test_what_waits_is_bounded_and_the_rest_is_sent_again_by_central(storage: Storage) -> None:
    device = Device(storage)
    for n in range(MOST_WAITING + 5):
        await device.commands.open()
        await device.say("count", command=f"k{n}")
    assert device.commands.counts["commands_dropped"] == 5
    async with device.running():
        await until(lambda: len(device.wire.sent) == MOST_WAITING)
        device.wire.sent.clear()
        assert (await device.reply("count", command=f"k{MOST_WAITING}")).said == f"{MOST_WAITING + 1} times"


async def test_replies_are_remembered_within_bounds(storage: Storage) -> None:
    device = Device(storage)
    async with device.running():
        for n in range(MOST_KEPT + 5):
            await device.reply("ping", command=f"k{n}")
    assert storage.read("SELECT count(*) FROM reply") == [(MOST_KEPT,)]


async def test_a_disk_that_keeps_no_reply_stops_no_command(storage: Storage) -> None:
    device = Device(storage)
    async with device.running():
        await storage.write(lambda db: db.execute("PRAGMA query_only = 1"), now=True)
        assert (await device.reply("count")).ok
        assert device.commands.counts["replies_unkept"] == 1
        storage._writer.execute("PRAGMA query_only = 0")


@given(st.binary(max_size=200))
def test_whatever_comes_is_counted_and_survived(payload: bytes) -> None:
    class Nothing(Storage):
        def __init__(self) -> None:
            pass

    async def hear() -> int:
        commands = Commands(Nothing(), Wire(), Clock(), "ginza", "pi-1")
        await commands.on_command(payload)
        return commands.counts["commands_unreadable"]

    assert asyncio.run(hear()) == 1
