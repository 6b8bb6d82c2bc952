"""Holds every event that was made against what central stored: pure, so that a planted mistake must be found."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

OURS = "bench-"
"""How the ids of the bench's own events begin."""
_OURS = re.compile(rb'"(%s[a-z0-9-]+)"' % OURS.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An event whose commit returned, as its maker told it; `order` is that of making.

    None: nobody knows, as it was kept before, and its maker killed before it could tell.
    """

    agent: str
    id: str
    epoch: str
    seq: int
    order: tuple[float, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    agent: str
    epoch: str
    seq: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Seqs that were declared missing."""

    agent: str
    epoch: str
    first: int
    last: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A fork: what stood at `seq` of `epoch` stands at `seq - base` of `to`."""

    agent: str
    epoch: str
    base: int
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Central:
    """What lies in central's database; `cursors` are (agent, epoch, seq), `explained` are places that hold no event
    for a reason that is written down: a fork's event that is held elsewhere, or one in quarantine."""

    stored: Sequence[Stored]
    gaps: Sequence[Gap]
    cursors: Sequence[tuple[str, str, int]]
    explained: frozenset[tuple[str, str, int]] = frozenset()


@dataclass(slots=True, kw_only=True)
class Verdict:
    made: int = 0
    stored: int = 0
    untold: int = 0
    """Stored, and the agent was killed before it could tell that its commit had returned."""
    lost: list[Made] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[Stored] = field(default_factory=list)
    unexplained: list[tuple[str, str, int]] = field(default_factory=list)
    """Places before the cursor that hold nothing, and nothing says why."""
    in_gaps: Counter[str] = field(default_factory=Counter)
    """Events that are not stored and lie in a declared gap, by its cause."""

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.unexplained)


def identity(event: bytes) -> str:
    """What makes an event itself, wherever it stands: the bench's own id, a play's id, else its bytes."""
    ours = _OURS.search(event)
    if ours:
        return ours[1].decode()
    read = json.loads(event)
    if read["kind"] == "played":
        return f"play-{read['body']['play']}"
    return hashlib.sha256(event).hexdigest()


def check(made: Sequence[Made], central: Central, moves: Iterable[Moved] = ()) -> Verdict:
    """Every event made is stored once, in the order of making, or lies in a declared gap."""
    verdict = Verdict(stored=len(central.stored))
    places: dict[str, list[Stored]] = defaultdict(list)
    for row in central.stored:
        places[row.id].append(row)
    verdict.doubled = [name for name, rows in places.items() if len(rows) > 1]
    known = {one.id for one in made}
    verdict.made = len(known)
    order = {one.id: one.order for one in reversed(made) if one.order is not None}
    verdict.untold = sum(name not in known for name in places)
    verdict.out_of_order = _disorder(central.stored, order)
    verdict.unexplained = _holes(central)
    whither = defaultdict(set)
    for move in moves:
        whither[move.agent, move.epoch].add(move)
    gaps = defaultdict(list)
    for gap in central.gaps:
        gaps[gap.agent, gap.epoch].append(gap)
    told = set()
    for one in made:
        if one.id in places or one.id in told:
            continue
        told.add(one.id)
        cause = _cause(one, gaps, whither)
        if cause is None:
            verdict.lost.append(one)
        else:
            verdict.in_gaps[cause] += 1
    return verdict


def _disorder(stored: Sequence[Stored], order: dict[str, tuple[float, int]]) -> list[Stored]:
    wrong = []
    before: dict[tuple[str, str], tuple[float, int]] = {}
    for row in sorted(stored, key=lambda row: (row.agent, row.epoch, row.seq)):
        when = order.get(row.id)
        if when is None:
            continue
        if when < before.get((row.agent, row.epoch), when):
            wrong.append(row)
        before[row.agent, row.epoch] = when
    return wrong


def _holes(central: Central) -> list[tuple[str, str, int]]:
    filled = {(row.agent, row.epoch, row.seq) for row in central.stored} | central.explained
    for gap in central.gaps:
        filled |= {(gap.agent, gap.epoch, seq) for seq in range(gap.first, gap.last + 1)}
    return [
        (agent, epoch, seq)
        for agent, epoch, last in central.cursors
        for seq in range(1, last + 1)
        if (agent, epoch, seq) not in filled
    ]


def _cause(one: Made, gaps: dict[tuple[str, str], list[Gap]], whither: dict[tuple[str, str], set[Moved]]) -> str | None:
    """Why an event is missing: the cause of the gap that it lies in, where it stood first or after a fork."""
    look, seen = [(one.epoch, one.seq)], set()
    while look:
        epoch, seq = look.pop()
        if (epoch, seq) in seen:
            continue
        seen.add((epoch, seq))
        for gap in gaps.get((one.agent, epoch), ()):
            if gap.first <= seq <= gap.last:
                return gap.cause
        look += [(move.to, seq - move.base) for move in whither.get((one.agent, epoch), ()) if seq > move.base]
    return None
