"""Reads the players' journals: which scene stood where, from when to when, for whom, and with whose name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import DecodeError, json

from central.judge.carries import Carried, Carry, Sealed
from central.judge.troubles import Troubles
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
    items: tuple[str, ...] = ()
    """Products by their sku, coupons by their id."""
    due: float | None = None
    """When its player was to take it off by itself; None: never, or nobody knows."""

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
    items: tuple[str, ...] = ()
    carry: Carry = field(default_factory=dict)
    hold_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What one player wrote."""

    screen: str
    """Nothing where not one line can be read."""
    shown: tuple[Showing, ...]
    unreadable: int


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


def read(
    lines: Sequence[bytes],
    names: Names,
    opened: Callable[[str, Carry], Carried],
    troubles: Troubles,
    start: float,
    seconds: float,
) -> Journal:
    """Pair what was shown with its end: its own, its player's, the next scene's beginning, or the end of everything.

    `opened` reads what the agent has sealed for a screen; it may raise Sealed.
    """
    done: list[Showing] = []
    before: Showing | None = None
    screen = ""
    unreadable = 0
    for text in lines:
        line = _line(text)
        if line is None or line.screen != (screen or line.screen):
            unreadable += 1
            continue
        screen = line.screen
        try:
            carried = opened(screen, line.carry)
        except Sealed:
            unreadable += 1
            continue
        at = line.at_ns / 1e9 - start
        if before is not None and line.event == "ended" and line.scene == before.scene:
            done.append(replace(before, end=at))
            before = None
        elif line.event == "shown":
            # A player that lives ends one scene before it begins the next.
            done += _left_open(before, troubles, at)
            before = _showing(line, carried, names, at)
    done += _left_open(before, troubles, seconds)
    shown = (
        replace(each, begin=max(each.begin, 0.0), end=min(each.end, seconds))
        for each in done
        if each.end >= 0 and each.begin < seconds
    )
    return Journal(screen=screen, shown=tuple(shown), unreadable=unreadable)


def _left_open(showing: Showing | None, troubles: Troubles, until: float) -> list[Showing]:
    if showing is None:
        return []
    death = troubles.death(showing.screen, showing.begin)
    return [replace(showing, end=until if death is None else min(death, until))]


def _line(text: bytes) -> _Line | None:
    try:
        return json.decode(text, type=_Line)
    except (DecodeError, UnicodeDecodeError):
        return None


def _showing(line: _Line, carried: Carried, names: Names, at: float) -> Showing:
    return Showing(
        screen=line.screen,
        scene=line.scene,
        layout=line.layout,
        cause=line.cause,
        level=carried.level,
        begin=at,
        end=at,
        customers=carried.customers,
        named=names.find(line.texts),
        items=line.items,
        due=at + line.hold_ms / 1000 if line.hold_ms else None,
    )
