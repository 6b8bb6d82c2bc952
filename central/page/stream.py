"""The stream of events as they arrive in central, each in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from nicegui.element import Element

from central.contract.events import (
    AgentStarted,
    ClockOffset,
    CrowdCounted,
    Played,
    Scanned,
    VisitEnded,
    VisitStarted,
)
from central.page.stored import Arrived
from central.page.tags import put
from central.page.words import Language, layout_name, say, zone_in_words


class Stream(Element, component="stream.js"):
    """A bounded list, newest first."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self._language = language
        put(self, rows=[], title=say(language, "stream"), empty=say(language, "nothing_arrived"), lang=language)

    def show(self, arrived: Iterable[Arrived]) -> None:
        put(
            self,
            rows=[
                {
                    "id": f"{each.agent}/{each.epoch}/{each.seq}",
                    "kind": each.kind,
                    "words": in_words(each.body, self._language),
                    "at": round(each.received.timestamp() * 1000),
                }
                for each in arrived
            ],
        )


def in_words(body: object, language: Language) -> str:
    """What happened, without anybody's name: an event has none."""
    match body:
        case AgentStarted():
            return say(language, "agent-started")
        case ClockOffset():
            return say(language, "clock-offset", f"{body.offset_ms:+}".replace("-", "−"))
        case VisitStarted():
            how = say(language, "by_beacon" if body.means == "beacon" else "by_code")
            return say(language, "visit-started", zone_in_words(language, body.zone), how)
        case VisitEnded():
            return say(language, "visit-ended", zone_in_words(language, body.zone), round(body.dwell_ms / 1000))
        case Scanned():
            return say(language, "scanned", say(language, f"outcome_{body.outcome}"))
        case Played():
            return say(language, "played", layout_name(language, body.layout), f"{body.shown_ms / 1000:.1f}")
        case CrowdCounted():
            return say(language, "crowd-counted", body.radios)
        case _:
            return say(language, "unknown_kind")
