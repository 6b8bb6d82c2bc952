"""Breaks each thing as its kind says, and heals it as systemd, an operator or time would."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.faults.cards import Card
from bench.faults.history import History
from bench.faults.plan import Fault
from bench.faults.units import Unit, until
from bench.faults.world import Agent, Central, Journal

LATENCY = 0.3
PATIENCE = 240.0
"""Seconds after which something that must come by itself is called stuck."""
STEPS = (-365 * 86400.0, -3600.0, -30.0, 30.0, 3600.0, 365 * 86400.0)
"""Seconds that a clock is stepped by; the long ones are a year."""
FLOOD = 2_400_000
"""Bytes at once, at least: more than the outbox holds."""


class Breaking:
    """What each kind does. `clone` gives an agent on a copied card; `stuck` takes what did not come by itself."""

    def __init__(
        self,
        central: Central,
        agents: Sequence[Agent],
        players: Sequence[Unit],
        folder: Path,
        clone: Callable[[Agent, Card], Agent],
        journal: Journal,
    ) -> None:
        self.forks_made = 0
        self.forks_found = 0
        self.stuck: list[str] = []
        self._central = central
        self._agents = agents
        self._players = players
        self._folder = folder
        self._clone = clone
        self._journal = journal
        self._history = History()

    def touched(self, fault: Fault) -> Sequence[Agent]:
        """The agents that have to recover from it."""
        chain = fault.kind in ("broker_killed", "central_killed", "central_rolled_back")
        return self._agents if chain else [self._agents[fault.agent]]

    async def do(self, fault: Fault) -> None:
        """Break it, and return when it is healed."""
        kind: Callable[[Fault, Agent], Awaitable[None]] = getattr(self, fault.kind)
        await kind(fault, self._agents[fault.agent])

    async def agent_killed(self, fault: Fault, agent: Agent) -> None:
        await self._kill(fault, agent.unit.kill)

    async def player_killed(self, fault: Fault, _: Agent) -> None:
        await self._kill(fault, self._players[fault.agent % len(self._players)].kill)

    async def central_killed(self, fault: Fault, _: Agent) -> None:
        await self._kill(fault, self._central.unit.kill)

    async def broker_killed(self, fault: Fault, _: Agent) -> None:
        await self._kill(fault, self._central.kill_broker)

    async def power_cut(self, fault: Fault, agent: Agent) -> None:
        taken = self._folder / f"power-{fault.number}"
        async with agent.swapping, agent.unit.still():
            await agent.card.copy(taken)
            async with agent.unit.down():
                await agent.card.put_back(taken)
                self._clear(agent)
                agent.boots()

    async def network_cut(self, fault: Fault, agent: Agent) -> None:
        agent.wire.stall()
        await asyncio.sleep(fault.seconds)
        agent.wire.flow(broken=True)

    async def network_slow(self, fault: Fault, agent: Agent) -> None:
        agent.wire.delay += LATENCY
        await asyncio.sleep(2 * fault.seconds)
        agent.wire.delay -= LATENCY

    async def network_stalled(self, fault: Fault, agent: Agent) -> None:
        for _ in range(3):
            agent.wire.stall()
            await asyncio.sleep(fault.seconds / 3)
            agent.wire.flow(broken=False)
            await asyncio.sleep(fault.size / 3)

    async def disk_filled(self, fault: Fault, agent: Agent) -> None:
        async with agent.swapping:
            agent.fills += 1
            await asyncio.to_thread(agent.card.fill)
        await asyncio.sleep(fault.seconds)
        async with agent.swapping:
            agent.fills -= 1
            self._clear(agent)

    async def clock_stepped(self, fault: Fault, agent: Agent) -> None:
        step = STEPS[int(fault.size * len(STEPS))]
        agent.sets_clock(step, synced=fault.number % 2 == 0)
        await asyncio.sleep(fault.seconds)
        agent.sets_clock(0.0, synced=True)

    async def clock_lost(self, fault: Fault, agent: Agent) -> None:
        """It boots where it was switched off days ago, as with fake-hwclock, and NTP answers only later."""
        async with agent.swapping, agent.unit.down():
            agent.boots(step=-fault.size * 30 * 86400.0, synced=False)
        await asyncio.sleep(2.0 + 2 * fault.seconds)
        agent.sets_clock(0.0, synced=True)

    async def outbox_flooded(self, fault: Fault, agent: Agent) -> None:
        agent.wire.stall()
        since = time.monotonic()
        await self._wait(fault, "the agent is there", lambda: agent.stands is not None and agent.stands.at > since)
        agent.flood(int(FLOOD * (1 + fault.size / 2)))
        await asyncio.sleep(2 + fault.seconds)
        agent.wire.flow(broken=True)

    async def card_cloned(self, fault: Fault, agent: Agent) -> None:
        """Two devices of one identity; the copy is ended once it has handed over what it made."""
        card = Card(self._folder / f"clone-{fault.number}", looped=agent.card.looped)
        async with agent.one_history, self._history.edge():
            async with agent.swapping, agent.unit.still():
                epoch, _, _ = agent.kept()
                await agent.card.copy(card.source)
            self._journal(fault, "copied", epoch=epoch)
            clone = self._clone(agent, card)
            await card.mount()
            card.free()
            clone.unit.start()
            try:
                await asyncio.sleep(2 + fault.seconds)
                clone.be_quiet(+1)
                await self._wait(fault, "the clone's outbox drains", lambda: self.drained(clone))
                self._journal(fault, "handed over", clone=clone.name, epoch=clone.stands and clone.stands.epoch)
                self.forks_made += 1
                await self._wait(fault, "the fork is found", lambda: self._parted(agent, clone, epoch))
                self.forks_found += self._parted(agent, clone, epoch)
            finally:
                async with clone.unit.down():
                    await card.throw_away()
                    await clone.unit.stop()

    async def edge_rolled_back(self, fault: Fault, agent: Agent) -> None:
        """A copy of the card is put back; what was made since is at central, and what is made from now on a fork."""
        taken = self._folder / f"back-{fault.number}"
        async with agent.one_history:
            async with agent.swapping, agent.unit.still():
                await agent.card.copy(taken)
            await asyncio.sleep(1 + fault.seconds)
            async with self._history.edge():
                agent.be_quiet(+1)
                back = await self._put_back(fault, agent, taken)
                agent.be_quiet(-1)
                if back is None:
                    return
                epoch, last, reached = back
                self._journal(fault, "put back", epoch=epoch, last=last, reached=reached)
                if reached <= last:
                    return  # Nothing came in between: no fork.
                self.forks_made += 1
                await self._wait(fault, "the fork is found", lambda: self._forked(agent, epoch))
                self.forks_found += self._forked(agent, epoch)

    async def central_rolled_back(self, fault: Fault, _: Agent) -> None:
        taken = self._folder / f"central-{fault.number}.db"
        async with self._history.central():
            await self._wait(fault, "central is copied", lambda: asyncio.to_thread(self._copied, taken))
            self._journal(fault, "copied")
            await asyncio.sleep(1 + fault.seconds)
            async with self._central.unit.down():
                self._central.put_back(taken)
            self._journal(fault, "put back")
            # Until the edges know what central has lost, they may do with it what one does with what central has.
            since = time.monotonic()
            for agent in self._agents:
                await self._wait(fault, f"{agent.name} goes back with central", partial(self._knows, agent, since))

    async def _put_back(self, fault: Fault, agent: Agent, taken: Path) -> tuple[str, int, int] | None:
        """The epoch and last seq of the copy, and the last seq that central has of that epoch."""
        while await self._wait(fault, "what was made is at central", lambda: self.drained(agent)):
            async with agent.swapping, agent.unit.still():
                if not self.drained(agent):
                    continue  # A play has come in between.
                _, reached, _ = agent.kept()
                async with agent.unit.down():
                    await agent.card.put_back(taken)
                    self._clear(agent)
                    epoch, last, _ = agent.kept()
                    return epoch, last, reached
        return None

    def drained(self, agent: Agent) -> bool:
        """Whether all that it has is at central, by its own file and central's."""
        try:
            epoch, last, acked = agent.kept()
        except sqlite3.Error:
            return False
        return last == acked and self._central.cursor(agent.agent, epoch) == last

    def _forked(self, agent: Agent, epoch: str) -> bool:
        try:
            return agent.kept()[0] != epoch
        except sqlite3.Error:
            return False

    def _parted(self, agent: Agent, clone: Agent, epoch: str) -> bool:
        return self._forked(agent, epoch) or self._forked(clone, epoch)

    def _knows(self, agent: Agent, since: float) -> bool:
        """Whether it has heard from central since then, and takes nothing for stored that central has not."""
        stood = agent.stands
        if stood is None or stood.at < since or not stood.connected:
            return False
        reached = self._central.cursor(agent.agent, stood.epoch)
        return reached is not None and stood.acked <= reached

    def _copied(self, to: Path) -> bool:
        try:
            self._central.copy(to)
        except sqlite3.Error:
            return False
        return True

    def _clear(self, agent: Agent) -> None:
        # A copy that was taken of a full card is full as well.
        if not agent.fills:
            agent.card.free()

    async def _kill(self, fault: Fault, kill: Callable[[], bool]) -> None:
        """Kill what is there; what is not just now, some time after it has come back: not always while it starts."""
        end = time.monotonic() + PATIENCE
        while not kill():
            if time.monotonic() > end:
                self.stuck.append(f"{fault.number} {fault.kind}: there is nothing to kill")
                return
            await asyncio.sleep(0.5 + 2 * fault.size)

    async def _wait(self, fault: Fault, what: str, true: Callable[[], bool | Awaitable[bool]]) -> bool:
        if await until(true, PATIENCE, 0.2):
            return True
        self.stuck.append(f"{fault.number} {fault.kind}: {what} is still waited for after {PATIENCE:g} s")
        self._journal(fault, "stuck", what=what)
        return False
