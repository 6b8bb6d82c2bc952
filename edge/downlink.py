"""Pulls the feeds from central until the replica is what central knows, and says whose consent is still sure."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from central.contract import topics
from central.contract.codec import Id, Unreadable, decode, pack, unpack
from central.contract.feeds import FEEDS, Heads, Page, Pull
from central.contract.topics import CHAIN
from edge.clock import Clock
from edge.errors import EdgeError
from edge.ports import Link
from edge.replica import Replica
from edge.supervise import delays

log = logging.getLogger(__name__)

CONSENT = ("profiles", "tokens")
"""Feeds that say whom we may know; they are pulled first."""
EVERY = 300.0
"""Seconds, about, between two pulls of everything: hints may be lost."""
SWEEP = 60.0
ANSWER = 5.0
"""Seconds within which a page comes; then the feed is asked for again, after the others and later each time."""
SOON = 0.2
"""The part of them after which a hint has us ask again: it says that central is there, and may not have been before."""
CONFIRM = 600.0
"""Seconds, how old the confirmation on disk may be: each costs a write."""
BACK = timedelta(minutes=5)
"""How far the clock may be set back before a confirmation counts as one of another time."""

Part = tuple[str, str]
"""A scope and a feed."""
CaughtUp = Callable[[str, str], None]
"""Is told the scope and the feed that is now what central knew when the pull began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """The body of the command `resync`: take this feed anew, of both scopes."""

    feed: Id


@dataclass(slots=True, kw_only=True)
class _Question:
    """A pull whose page we wait for."""

    part: Part
    pull: bytes
    soon: float
    """Seconds after which it may be asked again."""
    at: float = 0.0
    """When it was last asked, of the loop's clock."""
    again: asyncio.TimerHandle | None = None
    """It is to be asked again."""


class Downlink:
    """The way down. Call `connected` at every connection; `on_…` take those topics' payloads.

    `changed` is told the feed and the keys that have changed. `on_caught_up` may be added to before `run`.
    """

    def __init__(
        self,
        replica: Replica,
        link: Link,
        clock: Clock,
        store: str,
        agent: str,
        changed: Callable[[str, frozenset[str]], None],
        confirm_hours: int = 24,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.on_caught_up: list[CaughtUp] = []
        self._replica = replica
        self._link = link
        self._clock = clock
        self._store = store
        self._pulls = topics.of_agent(store, agent, "pull")
        self._changed = changed
        self._confirm = timedelta(hours=confirm_hours)
        known = [*CONSENT, *(feed for feed, shape in FEEDS.items() if shape and feed not in CONSENT)]
        self._parts: list[Part] = [(scope, feed) for feed in known for scope in (store, CHAIN)]
        self._consent = frozenset(part for part in self._parts if part[1] in CONSENT)
        self._wanted: dict[Part, None] = {}
        """What is to be pulled, in this order."""
        self._targets: dict[Part, tuple[str, int]] = {}
        """Generation and head as a pull that goes on saw them first: there it has caught up."""
        self._fresh: set[Part] = set()
        """Consent that has caught up since it was last confirmed."""
        self._began = self._stale = False
        """There was a connection; there was one since consent was last confirmed."""
        self._unkept: set[Part] = set()
        """Consent that central has told us and the disk has not taken yet."""
        self._anew: set[Part] = set()
        """What is to be taken as a snapshot before it is pulled again."""
        self._confirmed = replica.confirmed_in(clock.boot)
        """When consent was last confirmed in this boot, by a clock that nobody sets: seconds of CLOCK_BOOTTIME."""
        self._kept_at = self._confirmed
        """As it stands on disk."""
        self._kept = replica.confirmed
        """The same by the wall clock, for the next boot."""
        self._question: _Question | None = None
        self._page: Page | None = None
        self._came = asyncio.Event()
        self._wake = asyncio.Event()

    def connected(self) -> None:
        """Pull everything: what central knows of consent may have changed meanwhile."""
        self._began = self._stale = True
        self._fresh.clear()
        self._wanted = dict.fromkeys(self._parts)
        self._page = None
        self._came.set()
        self._wake.set()

    def anew(self) -> None:
        """Take every feed as a snapshot, and know nobody until then: central is not what it was."""
        log.warning("central was set back: every feed is taken anew")
        self._anew = set(self._parts)
        self.connected()

    def repair(self, scope: str, feed: str) -> None:
        """Take one feed as a snapshot: what we hold of it is not as central sent it."""
        if (scope, feed) in self._parts:
            self._anew.add((scope, feed))
            self._want([(scope, feed)])

    def soon(self, *feeds: str) -> None:
        """Pull these feeds of the store before all others: somebody waits for what they bring."""
        self._wanted = dict.fromkeys((self._store, feed) for feed in feeds) | self._wanted
        self._wake.set()

    @property
    def caught_up(self) -> bool:
        """Whether there was a connection and nothing is left to pull over it."""
        return self._began and not self._wanted and not self._stale

    def confirmed(self) -> bool:
        """Whether we know of everybody's consent what central knows, or knew not too long ago."""
        if self._stale or self._unkept:
            return False
        if self._confirmed is not None:
            return self._clock.uptime() - self._confirmed < self._confirm.total_seconds()
        # Of an earlier boot there is only a time of the wall clock, which an unsafe one says nothing about.
        return self._kept is not None and self._clock.safe() and -BACK < self._clock.wall() - self._kept < self._confirm

    async def run(self) -> None:
        """Pull whenever there is a connection and a reason, and delete what has run out, until cancelled."""
        clock = asyncio.get_running_loop().time
        waits = delays(ANSWER)
        pull_at, sweep_at = clock() + _about(EVERY), clock() + SWEEP
        while True:
            if clock() >= sweep_at:
                sweep_at = clock() + SWEEP
                await self._sweep()
            if clock() >= pull_at:
                pull_at = clock() + _about(EVERY)
                self._want(self._parts)
            if not self._wanted or not self._link.connected:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(min(pull_at, sweep_at)):
                        await self._wake.wait()
                self._wake.clear()
            else:
                unkept = self.counts["pages_failed"]
                part = next(iter(self._wanted))
                came = await self._begun(part) and await self._pull(part, next(waits))
                if came or self.counts["pages_failed"] > unkept:  # It is our disk that is full.
                    waits = delays(ANSWER)

    async def on_heads(self, payload: bytes) -> None:
        """Take a hint that a scope's feeds have moved on."""
        try:
            heads = unpack(payload, Heads)
        except Unreadable:
            self.counts["heads_unreadable"] += 1
            return
        parts = [(heads.scope, feed) for feed in heads.heads if (heads.scope, feed) in self._parts]
        self._want([part for part in parts if self._replica.cursor(*part).after != heads.heads[part[1]]])
        question = self._question
        if question is not None and question.again is None:
            again = question.at + question.soon
            question.again = asyncio.get_running_loop().call_at(again, self._ask, question)

    async def on_page(self, payload: bytes) -> None:
        """Apply a page that we wait for: any other may be an old one that comes late."""
        try:
            page = unpack(payload, Page)
        except Unreadable:
            self.counts["pages_unreadable"] += 1
            return
        part = (page.scope, page.feed)
        question = self._question
        if question is None or part != question.part:
            self.counts["pages_ignored"] += 1
            return
        try:
            applied = await self._replica.apply(page)
        except EdgeError as error:  # A full disk: it is asked for again.
            self.counts["pages_failed"] += 1
            # It may be a withdrawal: until we can keep it, we know nobody.
            self._unkept |= self._consent & {part}
            log.warning("a page of %s could not be kept: %s", page.feed, error)
            return
        if applied is None:
            self.counts["pages_ignored"] += 1
            return
        self.counts["pages"] += 1
        if applied.keys:
            self._changed(applied.feed, applied.keys)
        if question is self._question:  # On a slow card another one may have been asked meanwhile.
            self._page = page
            self._came.set()

    async def resync(self, body: bytes) -> str:
        """The command `resync`: take a feed anew, of both scopes. Raises NorenError."""
        feed = decode(body, Resync).feed
        parts = [part for part in self._parts if part[1] == feed]
        if not parts:
            raise EdgeError(f"There is no feed {feed}.")
        for scope, feed in parts:
            await self._replica.restart(scope, feed)
        self._want(parts)
        return f"{feed} is pulled anew"

    def _want(self, parts: Iterable[Part]) -> None:
        self._wanted |= dict.fromkeys(parts)
        self._wake.set()

    async def _begun(self, part: Part) -> bool:
        """Begin a snapshot where one is due; False where the disk does not take that."""
        if part not in self._anew:
            return True
        try:
            await self._replica.restart(*part)
        except EdgeError as error:
            self.counts["pages_failed"] += 1
            log.warning("%s could not be begun anew: %s", part[1], error)
            self._later(part)
            await self._something(None, ANSWER)
            return False
        self._anew.discard(part)
        self._targets.pop(part, None)
        return True

    async def _pull(self, part: Part, seconds: float) -> bool:
        """Ask for the next page and wait until it is applied; False where that did not come about in time."""
        before = self._replica.cursor(*part)
        pull = Pull(scope=part[0], feed=part[1], after=before.after, generation=before.generation)
        question = _Question(part=part, pull=pack(pull), soon=SOON * seconds)
        self._ask(question)
        came = await self._something(question, seconds)
        page = self._page
        if page is None:
            if not came:
                self.counts["pages_missed"] += 1
                self._later(part)
            return came
        generation, target = self._targets.get(part, ("", 0))
        if generation != page.generation:
            target = page.head
            self._targets[part] = (page.generation, target)
        cursor = self._replica.cursor(*part)
        if cursor.after >= target and not cursor.snapshot:
            del self._targets[part]
            self._wanted.pop(part, None)
            await self._caught_up(part)
        elif cursor == before:
            self.counts["pages_empty"] += 1
            self._later(part)
            return await self._something(None, seconds)
        return True

    def _ask(self, question: _Question) -> None:
        question.at, question.again = asyncio.get_running_loop().time(), None
        self._link.publish(self._pulls, question.pull)

    async def _something(self, question: _Question | None, seconds: float) -> bool:
        """Wait until what was asked for is applied or there is a new connection; False where neither comes."""
        self._question, self._page = question, None
        self._came.clear()
        try:
            async with asyncio.timeout(seconds):
                return await self._came.wait()
        except TimeoutError:
            return False
        finally:
            self._question = None
            if question is not None and question.again is not None:
                question.again.cancel()

    def _later(self, part: Part) -> None:
        # After the others: central may be too old to know this feed.
        self._wanted.pop(part, None)
        self._wanted[part] = None

    async def _caught_up(self, part: Part) -> None:
        self._unkept.discard(part)
        for told in self.on_caught_up:
            told(*part)
        self._fresh |= self._consent & {part}
        if self._fresh != self._consent:
            return
        self._fresh.clear()
        self._stale = False
        self._confirmed = up = self._clock.uptime()
        # A wrong time on disk could count for longer, after the next boot, than the confirmation may.
        now = self._clock.wall() if self._clock.safe() else None
        if self._kept_at is None or up - self._kept_at >= CONFIRM or (self._kept is None and now is not None):
            try:
                await self._replica.confirm(now, self._clock.boot, up)
                self._kept_at, self._kept = up, now or self._kept
            except EdgeError:
                self.counts["confirms_failed"] += 1

    async def _sweep(self) -> None:
        if not self._clock.safe():
            return  # By a wrong clock everything may seem to have run out.
        try:
            for swept in await self._replica.sweep(self._clock.wall()):
                self._changed(swept.feed, swept.keys)
        except EdgeError:
            self.counts["sweeps_failed"] += 1


def _about(seconds: float) -> float:
    return random.uniform(0.8, 1.2) * seconds  # noqa: S311 - nobody gains by guessing it.
