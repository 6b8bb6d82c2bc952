"""Adds up what the agents made, what central stored and what the judge found, and says whether that is good."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import json
from sqlalchemy import Engine, select

from central.contract.events import Played, Scanned, VisitEnded, VisitStarted, read
from central.demo.figures import not_kept
from central.judge.verdict import Verdict
from central.storage.database import reading
from central.storage.tables import events, quarantine

ZEROS = (
    *("lost", "doubled", "quarantined", "wrong_person", "without_consent", "after_leaving"),
    *("private", "frozen", "unreadable", "refused"),
)
MISSED_OF_SHOULD = 0.01
SHOWS_S = 30.0
"""Past this a shop in which nothing was due to anybody has judged nothing."""
SHOWS_FAULTS_S = 120.0
"""The same where so much was broken that little could be due."""
BLACK_S, BLACK_AFTER_KILL_S = 2.0, 5.0
"""What a screen may be without a picture: while its player lives, and after that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Milliseconds; None where nothing was measured."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    """What `edge status` says of the outbox and of what was sensed."""

    made: int
    waiting: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What central's database holds of all agents."""

    by_agent: dict[str, int]
    """Different events."""
    doubled: int
    quarantined: int
    kinds: dict[str, int]
    scan_to_frame_ms: Quantiles
    sighting_to_frame_ms: Quantiles
    presence_wait_ms: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the demo itself saw of the run."""

    seconds: float
    shoppers: int
    seed: int
    first_frame_s: float | None
    """From the start of a player's process to its first frame, the slowest."""
    first_personal_s: float | None
    """From the end of the set-up to the first personal scene."""
    edge_rss: int
    signage_rss: int
    faults: int
    black_s: float
    """The longest that a screen whose player lived was black, or stood still past its time."""
    black_after_kill_s: float
    recovery_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The last line of the demo."""

    seconds: float
    shoppers: int
    sightings: int
    """Since the agents' last starts."""
    scans: int
    visits: int
    scenes: int
    personal_scenes: int
    wrong_person: int
    without_consent: int
    after_leaving: int
    private: int
    """Scenes with what nobody near may read of somebody: a past purchase, anything sensitive."""
    frozen: int
    unreadable: int
    """Lines of the players' journals that say nothing, though no player was killed then."""
    missed: int
    should: int
    events_made: int
    events_stored: int
    lost: int
    refused: int
    """What happened and the agents could not keep."""
    doubled: int
    quarantined: int
    sighting_to_frame_ms: Quantiles
    scan_to_frame_ms: Quantiles
    presence_wait_ms: Quantiles
    first_frame_s: float | None
    first_personal_s: float | None
    edge_rss_mb: float
    signage_rss_mb: float
    faults: int
    """What was killed, cut or filled, by chance or by a button."""
    worst_black_s: float
    """The longest that any screen was black or stood still; after its player was killed too."""
    worst_black_alive_s: float
    """Of players that lived."""
    worst_recovery_s: float | None
    """From a kill, or the end of a cut, until all was up and all that was made by then at central."""
    seed: int

    def line(self) -> str:
        return json.encode(self).decode()

    def words(self) -> str:
        """The same for a person."""
        scan, sighting = self.scan_to_frame_ms, self.sighting_to_frame_ms
        return "\n".join(
            (
                f"In {self.seconds:.0f} s {self.shoppers} people came; {self.sightings} sightings, {self.scans} scans, "
                f"{self.visits} visits.",
                f"{self.scenes} scenes, {self.personal_scenes} of them personal: "
                f"{self.wrong_person} to the wrong person, "
                f"{self.without_consent} without consent, {self.after_leaving} after leaving; "
                f"{self.missed} of {self.should} missed.",
                f"From a code to its frame {scan.p50} ms (99 of 100 within {scan.p99}), from the decision on a beacon "
                f"{sighting.p50} ms ({sighting.p99}); a player's first frame after {self.first_frame_s} s.",
                f"{self.events_made} events made, {self.events_stored} stored: "
                f"{self.lost} lost, {self.doubled} doubled.",
                *self._faulty(),
                f"At most {self.edge_rss_mb} MB for an agent, {self.signage_rss_mb} MB for a player.",
            )
        )

    def _faulty(self) -> list[str]:
        if not self.faults:
            return []
        return [
            f"{self.faults} faults: all as before after {self.worst_recovery_s} s at most; a screen black "
            f"or still for {self.worst_black_s} s at most, {self.worst_black_alive_s} s where its player lived."
        ]

    def failures(self) -> list[str]:
        """A sentence for each thing that must not be."""
        said = [f"{name} is {count}, and must be 0." for name in ZEROS if (count := getattr(self, name)) != 0]
        if self.missed > self.should * MISSED_OF_SHOULD:
            said.append(f"missed is {self.missed} of {self.should}, and may be 1 % of it.")
        if self.should == 0 and self.shoppers and self.seconds > (SHOWS_FAULTS_S if self.faults else SHOWS_S):
            said.append("should is 0 though people came: nothing was judged.")
        for name, most in (("worst_black_alive_s", BLACK_S), ("worst_black_s", BLACK_AFTER_KILL_S)):
            if getattr(self, name) > most:
                said.append(f"{name} is {getattr(self, name)}, and may be {most:g}.")
        return said


def stored(engine: Engine) -> Stored:
    """Read every event that central has stored, and measure what the plays say of themselves."""
    seen: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    scan, sighting, waited = [], [], []
    with reading(engine) as connection:
        for agent, kind, data in connection.execute(select(events.c.agent, events.c.kind, events.c.data)):
            raw = data.encode()
            kinds[kind] += 1
            play = read(raw)[1]
            seen[agent, _identity(play, raw)] += 1
            if not isinstance(play, Played) or play.decision_ms is None:
                continue
            if play.cause == "scan" and play.trigger_ms is not None:
                scan.append(play.trigger_ms)
            elif play.cause == "beacon":
                sighting.append(play.decision_ms)
                if play.trigger_ms is not None:
                    waited.append(play.trigger_ms - play.decision_ms)
        set_aside = len(connection.execute(select(quarantine.c.id)).all())
    return Stored(
        by_agent=dict(Counter(agent for agent, _ in seen)),
        doubled=sum(seen.values()) - len(seen),
        quarantined=set_aside,
        kinds=dict(kinds),
        scan_to_frame_ms=quantiles(scan),
        sighting_to_frame_ms=quantiles(sighting),
        presence_wait_ms=quantiles(waited),
    )


def _identity(body: object, raw: bytes) -> str:
    """What makes two events one fact told twice: the id that it was given, or every byte of it."""
    match body:
        case Played(play=play):
            return f"play {play}"
        case Scanned(scan=scan):
            return f"scan {scan}"
        case VisitStarted(visit=visit):
            return f"visit {visit}"
        case VisitEnded(visit=visit):
            return f"end of visit {visit}"
        case _:
            return hashlib.sha256(raw).hexdigest()


def quantiles(values: Sequence[float]) -> Quantiles:
    """The value that half, and that 99 of 100, do not exceed (the nearest rank)."""
    ordered = sorted(values)

    def rank(percent: int) -> float | None:
        return float(ordered[max(0, -(-len(ordered) * percent // 100) - 1)]) if ordered else None

    return Quantiles(p50=rank(50), p99=rank(99))


def lost(made: Mapping[str, AgentStatus], held: Mapping[str, int]) -> int:
    """Events that an agent committed and central does not hold, agent by agent: one's surplus hides no other's loss."""
    return sum(max(0, status.made - held.get(agent, 0)) for agent, status in made.items())


def report(verdict: Verdict, statuses: Mapping[str, AgentStatus], held: Stored, measured: Measured) -> Report:
    """Put the last line together."""

    return Report(
        seconds=round(measured.seconds, 1),
        shoppers=measured.shoppers,
        sightings=sum(status.counts.get("sightings", 0) for status in statuses.values()),
        scans=held.kinds.get("scanned", 0),
        visits=held.kinds.get("visit-started", 0),
        scenes=verdict.scenes,
        personal_scenes=verdict.personal_scenes,
        wrong_person=verdict.wrong_person,
        without_consent=verdict.without_consent,
        after_leaving=verdict.after_leaving,
        private=verdict.private,
        frozen=verdict.frozen,
        unreadable=verdict.unreadable,
        missed=verdict.missed,
        should=verdict.should,
        events_made=sum(status.made for status in statuses.values()),
        events_stored=sum(held.by_agent.values()) + held.doubled,
        lost=lost(statuses, held.by_agent),
        refused=sum(not_kept(status.counts) for status in statuses.values()),
        doubled=held.doubled,
        quarantined=held.quarantined,
        sighting_to_frame_ms=held.sighting_to_frame_ms,
        scan_to_frame_ms=held.scan_to_frame_ms,
        presence_wait_ms=held.presence_wait_ms,
        first_frame_s=_rounded(measured.first_frame_s, 2),
        first_personal_s=_rounded(measured.first_personal_s, 1),
        edge_rss_mb=round(measured.edge_rss / 1e6, 1),
        signage_rss_mb=round(measured.signage_rss / 1e6, 1),
        faults=measured.faults,
        worst_black_s=round(max(measured.black_s, measured.black_after_kill_s), 2),
        worst_black_alive_s=round(measured.black_s, 2),
        worst_recovery_s=_rounded(measured.recovery_s, 2),
        seed=measured.seed,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
