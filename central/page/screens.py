"""One screen beside its reason: the picture's address, and in words why it is shown."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from nicegui.element import Element

from central.page.journal import Shown
from central.page.tags import put
from central.page.watch import LiveScreen
from central.page.words import Language, layout_name, say, zone_name

PICTURES = "/screen"
"""Where the pictures are served: this, the screen, and a count that no browser has seen before."""


class ScreenView(Element, component="screen.js"):
    """A dead player's last picture is never shown as if it were live."""

    def __init__(self, live: LiveScreen, language: Language) -> None:
        super().__init__()
        self._live = live
        self._language = language
        name = say(language, "screen_of", zone_name(language, live.screen.zone))
        put(self, screen=live.screen.screen, name=name, lang=language)

    def show(self, seen_online: Mapping[str, str], *, up: bool) -> None:
        """`seen_online`: names of products, by their number, that a guest has just looked at in the web shop."""
        live, language = self._live, self._language
        shown = live.tail.last if live.runs else None
        dead = note = ""
        if live.head is None and up:
            dead = say(language, "no_picture")
        elif live.head is None or not live.runs:
            dead, note = say(language, "player_dead"), say(language, "player_back")
        head = live.head
        put(
            self,
            src=f"{PICTURES}/{live.screen.screen}?n={head.pid}-{head.count}" if head and not dead else None,
            dead=dead or None,
            note=note or None,
            cause=shown.cause if shown else "nothing",
            why=_why(shown, language) if shown else say(language, "dark" if dead else "why_nothing"),
            level=_level(shown, language) if shown else None,
            took=_took(shown, language) if shown else None,
            viewed=_viewed(shown, seen_online, language) if shown else None,
            at=_epoch_ms(shown.at_ns) if shown else None,
        )


def _why(shown: Shown, language: Language) -> str:
    layout = layout_name(language, shown.layout)
    match shown.cause:
        case "beacon":
            return say(language, "beacon_near_1" if shown.people == 1 else "beacon_near", shown.people)
        case "scan":
            return say(language, "scan_read", layout)
        case "override":
            return say(language, "override", layout)
        case _:
            return say(language, "loop", layout)


def _level(shown: Shown, language: Language) -> str:
    if shown.cause not in ("beacon", "scan"):
        return say(language, "level_loop")
    return say(language, f"level_{shown.level}" if shown.level in (0, 1, 2) else "level_0")


def _took(shown: Shown, language: Language) -> str | None:
    took = {"scan": shown.trigger_ms, "beacon": shown.decision_ms}.get(shown.cause)
    return None if took is None else say(language, f"{shown.cause}_took", round(took))


def _viewed(shown: Shown, seen_online: Mapping[str, str], language: Language) -> str | None:
    found: Collection[str] = [seen_online[item] for item in shown.items if item in seen_online]
    return say(language, "viewed_here", *found) if found else None


def _epoch_ms(at_ns: int) -> int:
    # Rounded to a tenth of a second: the two clocks drift, and what has not changed is not to be sent again.
    return round((time.time() - time.monotonic() + at_ns / 1e9) * 10) * 100
