"""Compares what the screens really showed with who really stood before them, and with what they had agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from central.judge.carries import Carried, Carries, Carry
from central.judge.findings import Finding, What
from central.judge.journals import Names, read
from central.judge.misses import Misses
from central.judge.troubles import Trouble, Troubles
from central.judge.truth import Place, Truth
from central.judge.wrongs import overstay, wrongs
from central.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    scenes: int
    personal_scenes: int
    wrong_person: int
    without_consent: int
    after_leaving: int
    private: int
    """Scenes with something sensitive, or with what somebody bought who had not shown their code."""
    frozen: int
    """Scenes that stood too long on a player that lived."""
    worst_frozen_s: float
    """The longest that one stood past its time, too long or not."""
    missed: int
    should: int
    unreadable: int
    """Lines of the journals that say nothing, or something of a screen that is not there."""
    torn: int
    """Lines that say nothing because a player was killed while writing: one for each kill at most."""
    first_personal_s: float | None
    findings: tuple[Finding, ...]


def judge(
    scenario: Scenario,
    screens: Mapping[str, Place],
    journals: Iterable[Sequence[bytes]],
    *,
    start: float,
    seconds: float,
    troubles: Sequence[Trouble] = (),
    keys: Mapping[str, bytes] | None = None,
) -> Verdict:
    """Count what was shown to whom, from the players' journals (lines of each, one journal a player).

    `start` is CLOCK_MONOTONIC at the scenario's second 0; scenes that began in its first `seconds` are judged.
    `troubles` only excuse what could not be: what may never happen, may not happen in trouble either.
    `keys` open what each store's agent has sealed; a line that none opens counts as unreadable.
    """
    carries = Carries(keys or {})

    def opened(screen: str, carry: Carry) -> Carried:
        return carries.open(carry, screens[screen].store if screen in screens else "")

    names, truth, known = Names(scenario.truth.members), Truth(scenario), Troubles(troubles)
    read_all = [read(lines, names, opened, known, start, seconds) for lines in journals]
    shown = [each for journal in read_all if journal.screen in screens for each in journal.shown]
    torn = [min(journal.unreadable, len(known.deaths(journal.screen))) for journal in read_all]
    unreadable = [
        journal.unreadable - excused + (0 if journal.screen in screens else len(journal.shown))
        for journal, excused in zip(read_all, torn, strict=True)
    ]
    misses = Misses(scenario, truth, known, seconds)
    findings = [finding for each in shown for finding in wrongs(truth, known, each, screens[each.screen])]
    findings += misses.find(screens, shown)
    findings += [
        Finding(what="unreadable", at=0.0, screen=journal.screen, said=f"{lines} lines of its journal say nothing")
        for journal, lines in zip(read_all, unreadable, strict=True)
        if lines
    ]
    personal = [each for each in shown if each.personal]
    return Verdict(
        scenes=len(shown),
        personal_scenes=len(personal),
        wrong_person=_count(findings, "wrong_person"),
        without_consent=_count(findings, "without_consent"),
        after_leaving=_count(findings, "after_leaving"),
        private=_count(findings, "private"),
        frozen=_count(findings, "frozen"),
        worst_frozen_s=round(max(map(overstay, shown), default=0.0), 3),
        missed=_count(findings, "missed"),
        should=misses.should,
        unreadable=sum(unreadable),
        torn=sum(torn),
        first_personal_s=min((each.begin for each in personal), default=None),
        findings=tuple(sorted(findings, key=lambda finding: finding.at)),
    )


def _count(findings: Sequence[Finding], what: What) -> int:
    return sum(finding.what == what for finding in findings)
