"""Runs a plan of faults against the real things, heals all, and holds what was made against what is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil

from bench.faults import joining
from bench.faults.breaking import PATIENCE, Breaking
from bench.faults.cards import LOOPED, Card, can_loop
from bench.faults.figures import Notes, figures
from bench.faults.plan import Fault, deal
from bench.faults.units import Unit, until
from bench.faults.wires import Wire
from bench.faults.world import Agent, Central

AT_ONCE = 8
"""Faults that may be there at one time; the next waits."""
LOOK = 2.0
"""Seconds between two looks at the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a run is to be."""

    seed: int
    faults: int
    agents: int
    players: int
    rate: float
    """Events a second that each agent makes."""
    folder: Path
    without: tuple[str, ...] = ()


class Bench:
    """One run."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.notes = Notes()
        self.began = time.monotonic()
        self.agents: list[Agent] = []
        self.clones: list[Agent] = []
        self.players: list[Unit] = []
        self.central = Central(wanted.folder, self._ended)
        self._journal = (wanted.folder / "faults.jsonl").open("ab", buffering=0)
        self._recovering: set[asyncio.Task[None]] = set()

    async def run(self) -> tuple[dict[str, Any], bool]:
        """The figures, and whether all is as it must be. Raises OSError where something does not even start."""
        try:
            left_out = await self._open()
            self._write({"what": "all is up"})
            breaking = Breaking(self.central, self.agents, self.players, self.wanted.folder, self._cloned, self._note)
            await self._break(breaking, left_out)
            self._write({"what": "all is healed"})
            drained = await self._heal(breaking)
            self._write({"what": "all is handed over"})
            begun = {"seed": self.wanted.seed, "agents": self.wanted.agents, "left_out": sorted(left_out)}
            everyone = [*self.agents, *self.clones]
            found, good = figures(begun, self.notes, breaking, self.central, everyone, self.wanted.folder)
            found["seconds"] = round(time.monotonic() - self.began, 1)
            return found, good and drained
        finally:
            await self._close()

    async def _open(self) -> set[str]:
        folder = self.wanted.folder
        cards = folder / "cards"
        await asyncio.to_thread(cards.mkdir)
        looped = await can_loop(cards)
        left_out = {
            *self.wanted.without,
            *(() if looped else LOOPED),
            *(() if self.wanted.players else ("player_killed",)),
        }
        ports = await joining.found(self.central, folder)
        self.agents = [
            self._agent(f"a{number}", Card(cards / f"a{number}", looped=looped), Wire())
            for number in range(self.wanted.agents)
        ]
        await asyncio.gather(*(self._join(number, agent, ports) for number, agent in enumerate(self.agents)))
        for unit in (*(agent.unit for agent in self.agents), *self.players):
            unit.start()
        ready = await until(lambda: bool(self.notes.exits) or all(map(_has_feeds, self.agents)), 60)
        if self.notes.exits or not ready:
            raise OSError(f"an agent does not come up ({dict(self.notes.exits) or 'no feeds'}): --keep leaves its log")
        return left_out

    def _agent(self, name: str, card: Card, wire: Wire) -> Agent:
        folder = self.wanted.folder
        return Agent(name, folder, card, wire, folder / f"{name}.yaml", self.wanted.rate, self._ended)

    async def _join(self, number: int, agent: Agent, ports: Mapping[str, int]) -> None:
        folder = self.wanted.folder
        await agent.card.make()
        laid = await agent.wire.lay(ports)
        player = await joining.join(self.central, agent, number, laid, folder, screen=number < self.wanted.players)
        if player is not None:
            name = f"player-{agent.name}"
            self.players.append(Unit(name, player, folder / f"{name}.log", self._ended))

    async def _break(self, breaking: Breaking, left_out: Collection[str]) -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        looking = asyncio.create_task(self._look())
        plan = deal(self.wanted.seed, self.wanted.faults, self.wanted.agents, left_out)
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                await asyncio.sleep(fault.after)
                await slots.acquire()
                group.create_task(self._one(breaking, fault, slots))
        await asyncio.gather(*self._recovering)
        looking.cancel()

    async def _one(self, breaking: Breaking, fault: Fault, slots: asyncio.Semaphore) -> None:
        self._note(fault, "begins")
        try:
            await breaking.do(fault)
        finally:
            slots.release()
        self._note(fault, "healed")
        self.notes.by_kind[fault.kind] += 1
        task = asyncio.create_task(self._recovers(fault, breaking.touched(fault)))
        self._recovering.add(task)

    async def _recovers(self, fault: Fault, touched: Sequence[Agent]) -> None:
        """Measure until what an agent had made when the fault was over is acknowledged; others may come in between."""
        began = time.monotonic()
        marks = [(agent, stood.epoch, stood.last) for agent in touched if (stood := agent.stands)]

        def recovered() -> bool:
            return all(
                stood is not None
                and stood.at > began
                and stood.connected
                and (stood.acked >= last or (stood.epoch != epoch and stood.acked > 0))
                for agent, epoch, last in marks
                for stood in (agent.stands,)
            )

        if await until(recovered, PATIENCE, 0.05):
            self.notes.recovery.append(time.monotonic() - began)
            self._note(fault, "recovered")
        else:
            self.notes.recovery.append(PATIENCE)
            self._note(fault, "not recovered")

    async def _heal(self, breaking: Breaking) -> bool:
        """Everything is whole; whether all agents hand over what they have."""
        for agent in self.agents:
            agent.be_quiet(+1)
        for player in self.players:
            await self._stop(player)
        drained = await until(lambda: all(breaking.drained(agent) for agent in self.agents), PATIENCE, 0.25)
        for agent in self.agents:
            if not breaking.drained(agent):
                breaking.stuck.append(f"{agent.name} does not hand over what it has")
        for agent in self.agents:
            await self._stop(agent.unit)
        await self._stop(self.central.unit)
        return drained

    async def _stop(self, unit: Unit) -> None:
        code = await unit.stop()
        if code:
            self._ended(unit.name, code)

    def _cloned(self, agent: Agent, card: Card) -> Agent:
        clone = self._agent(f"c{len(self.clones)}", card, agent.wire)
        clone.agent, clone.store = agent.agent, agent.store
        joining.clone(agent, clone)
        self.clones.append(clone)
        return clone

    async def _look(self) -> None:
        while True:
            for name, unit in (
                ("central", self.central.unit),
                *(("agent", agent.unit) for agent in self.agents),
                *(("player", player) for player in self.players),
            ):
                with suppress(psutil.Error, AttributeError):
                    rss = psutil.Process(unit.process.pid).memory_info().rss if unit.process else 0
                    self.notes.rss[name] = max(rss, self.notes.rss.get(name, 0))
            await asyncio.sleep(LOOK)

    def _ended(self, name: str, code: int) -> None:
        kind = "clone" if name.startswith("c") and name != "central" else name
        self.notes.exits[f"{kind}: {code}"] += 1
        self._write({"process": name, "what": "ended by itself", "code": code})

    def _note(self, fault: Fault, what: str, **more: object) -> None:
        agent = self.agents[fault.agent].agent
        self._write({"fault": fault.number, "kind": fault.kind, "agent": agent, "what": what, **more})

    def _write(self, line: dict[str, object]) -> None:
        stamp = {"at": round(time.monotonic() - self.began, 3)}
        self._journal.write(msgspec.json.encode(stamp | line) + b"\n")

    async def _close(self) -> None:
        for unit in (*self.players, *(agent.unit for agent in (*self.agents, *self.clones)), self.central.unit):
            await unit.stop()
        for agent in self.agents:
            await agent.wire.close()
        for agent in (*self.agents, *self.clones):
            with suppress(OSError):
                await agent.card.unmount()
        self._journal.close()


def _has_feeds(agent: Agent) -> bool:
    return agent.stands is not None and agent.stands.confirmed
