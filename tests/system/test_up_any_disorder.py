"""The way up with the real outbox and the real ingest: any disorder, copied cards, cards set back and broken ones."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import chain_keys
import pytest
from edge_log import NOON, event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from central.contract import codec, topics
from central.contract.batches import Ack, DropClass
from central.ingest.worker import Ingest
from central.mqtt import Message
from central.storage import tables
from central.storage.database import open_database, reading, writing
from edge.ledger import CLASSES
from edge.outbox import Outbox
from edge.seal import Seal
from edge.storage import Storage

SEAL = Seal(bytes(32))
LARGE = 1 << 30
SMALL = 80 * 300


@dataclass
class Central:
    """Its database, what is on its way to it, and what it has answered: all agents' answers reach every copy."""

    file: Path
    air: list[bytes] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = open_database(f"sqlite:///{self.file}")
        with writing(self.engine) as connection:
            chain_keys.known(connection, "ginza", "pi-1")
        self.ingest = Ingest(self.engine, lambda _, answer: self.acks.append(codec.unpack(answer, Ack)), lambda: NOON)

    def take(self, payload: bytes) -> None:
        address = topics.read(topics.of_agent("ginza", "pi-1", "up"))
        assert address is not None
        self.ingest.take([Message(address=address, payload=payload)])

    def stored(self) -> list[bytes]:
        ask = select(tables.events.c.data).order_by(tables.events.c.epoch, tables.events.c.seq)
        with reading(self.engine) as connection:
            return [data.encode() for data in connection.scalars(ask)]

    def missing(self) -> int:
        with reading(self.engine) as connection:
            return sum(connection.scalars(select(tables.gap.c.count)))


class Device:
    """One card with its outbox."""

    def __init__(self, file: Path, budget: int) -> None:
        self.file, self.budget = file, budget
        self.made: dict[bytes, DropClass] = {}
        """What must come to central, unless it is in a gap."""
        self.backup: dict[bytes, DropClass] | None = None

    async def start(self) -> None:
        self.stack = AsyncExitStack()
        self.storage = await self.stack.enter_async_context(Storage.open(self.file))
        self.outbox = Outbox(self.storage, self.budget, SEAL, "pi-1")
        await self.outbox.open()

    async def stop(self) -> None:
        await self.stack.aclose()

    async def put(self, made: dict[bytes, DropClass]) -> None:
        puts = [self.outbox.put(one, drop=drop, now=True) for one, drop in made.items()]
        seqs = await asyncio.gather(*puts, return_exceptions=True)
        self.made |= {one: made[one] for one, seq in zip(made, seqs, strict=True) if isinstance(seq, int)}

    async def heard(self, ack: Ack) -> None:
        if await self.outbox.acknowledged(ack) == "fork":
            await self.outbox.fork()


class World:
    """Central and one card, of which there may be a copy; what happens to them, each a method."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.central = Central(folder / "central.sqlite")
        self.tight = chance.random() < 0.4
        self.devices = [Device(folder / "0.sqlite", SMALL if self.tight else LARGE)]
        self.number = 0
        self.acts: list[Callable[[Device], Awaitable[None]]] = [self.restart, self.back_up, self.set_back, self.copy]
        self.acts += [self.break_it, *[self.put] * 5, *[self.send, self.deliver, self.hear] * 6]
        if chance.random() < 0.4:
            self.acts += [self.declare] * 2

    async def put(self, device: Device) -> None:
        count = self.chance.randint(1, 25)
        await device.put({event(self.number + n): self.chance.choice(CLASSES) for n in range(count)})
        self.number += count

    async def declare(self, device: Device) -> None:
        await device.outbox.declare(self.chance.randint(1, 20), "counts")

    async def send(self, device: Device) -> None:
        if batch := device.outbox.batch(self.chance.choice((3, 30, 1000))):
            self.central.air.append(codec.pack(batch))

    async def deliver(self, _: Device) -> None:
        if self.central.air:
            self.central.take(self.chance.choice(self.central.air))
            del self.central.air[:-6]

    async def hear(self, device: Device) -> None:
        if self.central.acks:
            await device.heard(self.chance.choice(self.central.acks[-4:]))

    async def restart(self, device: Device) -> None:
        await device.stop()
        await device.start()

    async def back_up(self, device: Device) -> None:
        await device.stop()
        shutil.copy(device.file, device.file.with_suffix(".backup"))
        device.backup = dict(device.made)
        await device.start()

    async def set_back(self, device: Device) -> None:
        if device.backup is None:
            return
        await device.stop()
        shutil.copy(device.file.with_suffix(".backup"), device.file)
        # What was made since is gone with the card, but for what central has.
        there = set(self.central.stored())
        device.made = device.backup | {one: drop for one, drop in device.made.items() if one in there}
        await device.start()

    async def copy(self, device: Device) -> None:
        if len(self.devices) > 1:
            return
        await device.stop()
        other = Device(self.folder / "1.sqlite", device.budget)
        shutil.copy(device.file, other.file)
        other.made = dict(device.made)
        self.devices.append(other)
        await device.start()
        await other.start()

    async def break_it(self, device: Device) -> None:
        device.storage.spoil("a test")
        device.backup = None
        await self.restart(device)

    async def settle(self) -> None:
        """All send until nothing waits, in turn: each hears what the others have done."""
        for device in self.devices * 3:
            self.central.acks.clear()
            while batch := device.outbox.batch():
                self.central.take(codec.pack(batch))
                await device.heard(self.central.acks[-1])
        for device in self.devices:
            await device.stop()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
async def test_each_event_is_stored_once_or_lies_in_a_gap(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    world = World(tmp_path_factory.mktemp("up"), chance)
    await world.devices[0].start()
    for _ in range(chance.randint(10, 80)):
        await chance.choice(world.acts)(chance.choice(world.devices))
    await world.settle()
    stored, missing = world.central.stored(), world.central.missing()
    world.central.engine.dispose()
    assert len(stored) == len(set(stored)), "doubled"
    for device in world.devices:
        lost = {one: drop for one, drop in device.made.items() if one not in set(stored)}
        assert not [one for one, drop in lost.items() if drop == "vital"]
        assert not lost or world.tight
        assert len(lost) <= missing
