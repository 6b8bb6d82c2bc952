"""Reads the players' journals: which scene stood where, from when to when, for whom, and with whose name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import DecodeError, json

from central.scenario import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One scene from its first flipped frame to its last, in the scenario's seconds."""

    screen: str
    scene: str
    layout: str
    cause: str
    level: int
    begin: float
    end: float
    customers: tuple[str, ...] = ()
    named: tuple[frozenset[str], ...] = ()
    """For each nickname found in its texts, everyone of that name."""

    @property
    def personal(self) -> bool:
        return bool(self.named or self.customers) or (self.cause in ("beacon", "scan") and self.level >= 1)

    @property
    def people(self) -> tuple[frozenset[str], ...]:
        """Whom it is for: one of each set."""
        called = [names & set(self.customers) or names for names in self.named]
        rest = [frozenset([who]) for who in self.customers if not any(who in names for names in called)]
        return (*called, *rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    event: Literal["shown", "ended"]
    at_ns: int
    screen: str
    scene: str
    layout: str = ""
    cause: str = ""
    texts: tuple[str, ...] = ()
    carry: dict[str, str | int | list[str]] = field(default_factory=dict)


class Names:
    """Finds members' nicknames in what was drawn."""

    def __init__(self, members: Mapping[str, Known]) -> None:
        self._who: dict[str, set[str]] = {}
        for customer, known in members.items():
            if known.nickname:
                self._who.setdefault(known.nickname, set()).add(customer)
        # The sample chain has no name that is a part of another or of anything else that a screen says.
        longest = sorted(self._who, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest)) or r"(?!)")

    def find(self, texts: Sequence[str]) -> tuple[frozenset[str], ...]:
        """For each name in the texts, all customers who are called so."""
        found = {match.group() for text in texts for match in self._pattern.finditer(text)}
        return tuple(frozenset(self._who[name]) for name in sorted(found))


def showings(lines: Sequence[bytes], names: Names, start: float, seconds: float) -> tuple[list[Showing], int]:
    """Pair what was shown with its end: its own, the next scene's beginning, or the end of what is judged."""
    done: list[Showing] = []
    on: dict[str, Showing] = {}
    unreadable = 0
    for text in lines:
        try:
            line = json.decode(text, type=_Line)
        except DecodeError:
            unreadable += 1
            continue
        at = line.at_ns / 1e9 - start
        before = on.get(line.screen)
        if before is not None and (line.event == "shown" or line.scene == before.scene):
            del on[line.screen]
            if at >= 0:
                done.append(replace(before, end=min(at, seconds)))
        if line.event == "shown" and at < seconds:
            on[line.screen] = _showing(line, names, max(at, 0.0))
    done += [replace(each, end=seconds) for each in on.values()]
    return done, unreadable


def _showing(line: _Line, names: Names, at: float) -> Showing:
    customers, level = line.carry.get("customers", []), line.carry.get("level", 0)
    return Showing(
        screen=line.screen,
        scene=line.scene,
        layout=line.layout,
        cause=line.cause,
        level=level if isinstance(level, int) else 0,
        begin=at,
        end=at,
        customers=tuple(customers) if isinstance(customers, list) else (),
        named=names.find(line.texts),
    )
