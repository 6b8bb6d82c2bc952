"""Compares what the screens really showed with who really stood before them, and with what they had agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from central.judge.journals import Names, Showing, showings
from central.judge.spans import Spans, both, either, holds, length, longer, outside
from central.judge.truth import Place, Truth
from central.scenario import Scenario, Shopper

What = Literal["wrong_person", "without_consent", "after_leaving", "missed"]

FINDS_S = 6.0
"""Presence needs up to 4 s to be sure of somebody; 2 s more for a busy machine: past that nothing shown is a miss."""
REACTS_S = 5.0
"""A name goes when somebody else steps in: presence's 4 s, and 1 s to clear the screen."""
GREETS_S = 2.0
"""Who holds a card to a reader looks away after about this long."""
LEAVES_S = 16.0
"""A silent beacon is believed for 15 s at most (it may only be shadowed by its bearer); 1 s to clear the screen."""
STANDS_S = 9.0
"""A greeting stands for 8 s, then the player itself takes it off; 1 s to spare."""
ACTS_S = 1.0
"""Who has just shown a code stands at the reader; a slow frame is forgiven, no more."""
PROPAGATES_S = 5.0
"""From the moment that central has taken a consent or its withdrawal to the moment that every store acts on it."""
READ_S = 1.0
"""A code shown for less than this need not be read: cameras give 15 pictures a second, hands shake."""
BORDER_S = 0.1
"""What two clocks and one frame may differ by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that went wrong: when (scenario's seconds), on which screen, and a sentence without a name."""

    what: What
    at: float
    screen: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    scenes: int
    personal_scenes: int
    wrong_person: int
    without_consent: int
    after_leaving: int
    missed: int
    should: int
    unreadable: int
    """Lines of the journals that say nothing: a player was killed while writing."""
    first_personal_s: float | None
    findings: tuple[Finding, ...]


def judge(
    scenario: Scenario,
    screens: Mapping[str, Place],
    journals: Iterable[Sequence[bytes]],
    *,
    start: float,
    seconds: float,
) -> Verdict:
    """Count what was shown to whom, from the players' journals (lines of each).

    `start` is CLOCK_MONOTONIC at the scenario's second 0; scenes that began in its first `seconds` are judged.
    """
    names = Names(scenario.truth.members)
    shown: list[Showing] = []
    unreadable = 0
    for lines in journals:
        read, bad = showings(lines, names, start, seconds)
        shown += [each for each in read if each.screen in screens]
        unreadable += bad + sum(each.screen not in screens for each in read)
    truth = Truth(scenario)
    findings = [finding for each in shown for finding in _faults(truth, each, screens[each.screen])]
    should, missed = _misses(truth, scenario, screens, shown, seconds)
    findings += missed
    personal = [each for each in shown if each.personal]
    return Verdict(
        scenes=len(shown),
        personal_scenes=len(personal),
        wrong_person=_count(findings, "wrong_person"),
        without_consent=_count(findings, "without_consent"),
        after_leaving=_count(findings, "after_leaving"),
        missed=_count(findings, "missed"),
        should=should,
        unreadable=unreadable,
        first_personal_s=min((each.begin for each in personal), default=None),
        findings=tuple(sorted(findings, key=lambda finding: finding.at)),
    )


def _count(findings: Sequence[Finding], what: What) -> int:
    return sum(finding.what == what for finding in findings)


def _faults(truth: Truth, shown: Showing, place: Place) -> Iterator[Finding]:
    """What is wrong with one scene; each kind once, however many people it is for."""
    on = ((shown.begin, shown.end),)

    def finding(what: What, said: str, spans: Spans = on) -> Finding:
        return Finding(what=what, at=round(spans[0][0], 2), screen=shown.screen, said=f"{shown.layout}: {said}")

    if not shown.personal:
        return
    wrong = _wrong(truth, shown, place)
    if wrong:
        yield finding("wrong_person", wrong)
    purposes = ("signage", "presence") if shown.cause == "beacon" else ("signage",)
    for people in shown.people:
        may = [longer(truth.agreed(who, purposes, surely=False), right=PROPAGATES_S + BORDER_S) for who in people]
        against = outside(on, either(may))
        if against:
            yield finding("without_consent", f"stood {length(against):.1f} s against their will", against)
            break
    limit = STANDS_S if shown.cause == "scan" else LEAVES_S
    for people in shown.people:
        near = either([longer(truth.here(who, place), right=limit) for who in people])
        alone = outside(on, near)
        if alone and holds(near, shown.begin):
            yield finding("after_leaving", f"stood {length(alone):.1f} s longer than the {limit:g} s", alone)
            break


def _wrong(truth: Truth, shown: Showing, place: Place) -> str:
    """Why this scene should not have been shown to who was there, or nothing."""
    late = ACTS_S if shown.cause == "scan" else LEAVES_S
    for people in shown.people:
        here = either([longer(truth.here(who, place), left=BORDER_S, right=late) for who in people])
        if not holds(here, shown.begin):
            return "somebody it is for was not there"
    if not shown.people:
        return "it is personal, and for nobody"
    if not shown.named:
        return ""
    if shown.cause != "scan":
        return "a name is shown though nobody showed a code"
    if len(shown.people) > 1:
        return "a name is shown on a scene for several"
    for other, spans in truth.heard(place, frozenset().union(*shown.named)).items():
        known = both(spans, longer(truth.agreed(other, ("presence",), surely=True), left=-PROPAGATES_S))
        if both(longer(known, left=-REACTS_S), ((shown.begin, shown.end),)):
            return "a name is shown before somebody else"
    return ""


def _misses(
    truth: Truth,
    scenario: Scenario,
    screens: Mapping[str, Place],
    shown: Sequence[Showing],
    seconds: float,
) -> tuple[int, list[Finding]]:
    """How much should have been shown, and what of it was not."""
    should, missed = 0, []
    for screen, place in screens.items():
        here = [each for each in shown if each.screen == screen]
        expected = _at_shelf if place.use == "shelf" else _at_till
        for shopper in scenario.stores[place.store].shoppers:
            for at, said in expected(truth, shopper, place, here, seconds):
                should += 1
                if said:
                    missed.append(Finding(what="missed", at=at, screen=screen, said=f"{shopper.shopper}: {said}"))
    return should, missed


def _at_shelf(
    truth: Truth, shopper: Shopper, place: Place, shown: Sequence[Showing], seconds: float
) -> Iterator[tuple[float, str]]:
    """From when on this shopper should have seen something for them, and (if so) what was wrong."""
    bearer = truth.bearer(shopper)
    who = bearer.customer
    if who is None or not bearer.beacon or not truth.knows(who, place.store):
        return
    stays: Spans = tuple((stay.begin, min(stay.end, seconds)) for stay in shopper.stays if stay.zone == place.zone)
    agreed = longer(truth.agreed(who, ("presence", "signage"), surely=True), left=-PROPAGATES_S)
    for begin, end in longer(both(stays, agreed), left=-FINDS_S):
        met = [each for each in shown if each.personal and any(who in people for people in each.people)]
        seen = both(either([((each.begin, each.end),) for each in met]), ((begin, end),))
        yield begin, "" if seen else f"stood here {end - begin + FINDS_S:.1f} s and saw nothing for them"


def _at_till(
    truth: Truth, shopper: Shopper, place: Place, shown: Sequence[Showing], seconds: float
) -> Iterator[tuple[float, str]]:
    who = truth.bearer(shopper).customer
    if who is None or not truth.knows(who, place.store):
        return
    for show in shopper.shows:
        answer = (show.begin, show.begin + GREETS_S)
        agreed = longer(truth.agreed(who, ("signage",), surely=True), left=-PROPAGATES_S)
        if (
            show.content != truth.members[who].number
            or show.end - show.begin < READ_S
            or answer[1] > seconds
            or outside((answer,), agreed)
        ):
            continue
        met = [
            each
            for each in shown
            if each.layout == "greeting" and each.cause == "scan" and answer[0] <= each.begin <= answer[1]
            if any(who in people for people in each.people)
        ]
        near = either([longer(spans, right=LEAVES_S) for spans in truth.heard(place, frozenset([who])).values()])
        alone = not both(near, (answer,)) and truth.members[who].nickname != ""
        if not met:
            yield show.begin, "showed a code and was not greeted"
        elif alone and not any(who in names for each in met for names in each.named):
            yield show.begin, "showed a code, was alone, and was not greeted by name"
        else:
            yield show.begin, ""
