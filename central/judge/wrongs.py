"""What must not be on a screen: somebody else's, what nobody agreed to, what stood too long."""

from __future__ import annotations

from collections.abc import Iterator

from central.judge.findings import Finding, What
from central.judge.journals import Showing
from central.judge.spans import Spans, both, either, holds, length, longer, outside
from central.judge.troubles import Troubles
from central.judge.truth import Place, Truth

REACTS_S = 5.0
"""A name goes when somebody else steps in: presence's 4 s, and 1 s to clear the screen."""
LEAVES_S = 16.0
"""A silent beacon is believed for 15 s at most (it may only be shadowed by its bearer); 1 s to clear the screen."""
STANDS_S = 9.0
"""A greeting stands for 8 s, then the player itself takes it off; 1 s to spare."""
CLEARS_S = 1.0
"""A player may take this to take off what an agent that was killed has left; until then it stood for its time."""
ACTS_S = 1.0
"""Who has just shown a code stands at the reader; a slow frame is forgiven, no more."""
FROZEN_S = 2.0
"""A scene that stands so much longer than it was to stand is a picture that has frozen."""
BORDER_S = 0.1
"""What two clocks and one frame may differ by."""


def wrongs(truth: Truth, troubles: Troubles, shown: Showing, place: Place) -> Iterator[Finding]:
    """What is wrong with one scene; each kind once, however many people it is for."""

    def finding(what: What, said: str, at: float = shown.begin) -> Finding:
        return Finding(what=what, at=round(at, 2), screen=shown.screen, said=f"{shown.layout}: {said}")

    if (late := overstay(shown)) > FROZEN_S:
        yield finding("frozen", f"stood {late:.1f} s longer than it was to stand", shown.end - late)
    if private := _private(truth, shown):
        yield finding("private", private)
    if not shown.personal:
        return
    if wrong := _wrong_person(truth, troubles, shown, place):
        yield finding("wrong_person", wrong)
    if against := _against(truth, troubles, shown, place):
        yield finding("without_consent", f"stood {length(against):.1f} s against their will", against[0][0])
    if alone := _alone(truth, troubles, shown, place):
        yield finding(
            "after_leaving", f"stood {length(alone):.1f} s longer than it may when they are gone", alone[0][0]
        )


def overstay(shown: Showing) -> float:
    """Seconds that it stood longer than its player was to let it stand; 0 where that is unknown."""
    return max(0.0, shown.end - shown.due) if shown.due is not None else 0.0


def _private(truth: Truth, shown: Showing) -> str:
    if truth.sensitive.intersection(shown.items):
        return "something sensitive is shown"
    if shown.level >= 2 and shown.cause == "scan":
        return ""
    bought = {sku for who in shown.customers if who in truth.members for sku in truth.members[who].bought}
    return "it shows what somebody bought before" if bought.intersection(shown.items) else ""


def _wrong_person(truth: Truth, troubles: Troubles, shown: Showing, place: Place) -> str:
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
        known = both(spans, troubles.surely(place.store, truth.agreed(other, ("presence",), surely=True)))
        if both(longer(known, left=-REACTS_S), ((shown.begin, shown.end),)):
            return "a name is shown before somebody else"
    return ""


def _against(truth: Truth, troubles: Troubles, shown: Showing, place: Place) -> Spans:
    """How long it stood although one of those it is for had not agreed."""
    purposes = ("signage", "presence") if shown.cause == "beacon" else ("signage",)
    for people in shown.people:
        agreed = either([troubles.possibly(place.store, truth.agreed(who, purposes, surely=False)) for who in people])
        if against := outside(((shown.begin, shown.end),), longer(agreed, right=BORDER_S)):
            return against
    return ()


def _alone(truth: Truth, troubles: Troubles, shown: Showing, place: Place) -> Spans:
    """How long it stood although one of those it is for had left too long ago."""
    limit = STANDS_S if shown.cause == "scan" else LEAVES_S
    stands: Spans = ()
    if shown.due is not None and troubles.abandoned(place.store, shown.begin, shown.end):
        stands = ((shown.begin, shown.due + CLEARS_S),)
    for people in shown.people:
        near = either([longer(truth.here(who, place), right=limit) for who in people])
        alone = outside(((shown.begin, shown.end),), either([near, stands]))
        if alone and holds(near, shown.begin):
            return alone
    return ()
