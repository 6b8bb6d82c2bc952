"""Stretches of time: joined, cut, taken from each other."""

from __future__ import annotations

from collections.abc import Iterable

Spans = tuple[tuple[float, float], ...]
"""Seconds from the scenario's beginning, each stretch from when to when, in order."""
EVER = 1e9


def join(spans: Iterable[tuple[float, float]]) -> Spans:
    """In order, what touches joined, what is empty left out."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


def either(each: Iterable[Spans]) -> Spans:
    return join(span for spans in each for span in spans)


def both(one: Spans, other: Spans) -> Spans:
    return join((max(a, c), min(b, d)) for a, b in one for c, d in other)


def outside(one: Spans, other: Spans) -> Spans:
    """What of `one` is not in `other`."""
    edges = [-EVER * 2, *(edge for span in join(other) for edge in span), EVER * 2]
    return both(one, tuple(zip(edges[::2], edges[1::2], strict=True)))


def longer(spans: Spans, *, left: float = 0.0, right: float = 0.0) -> Spans:
    """Begin earlier, end later; negative: shorter."""
    return join((begin - left, end + right) for begin, end in spans)


def holds(spans: Spans, at: float) -> bool:
    return any(begin <= at <= end for begin, end in spans)


def length(spans: Spans) -> float:
    return sum(end - begin for begin, end in spans)
