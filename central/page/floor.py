"""The floor plan: zones, receivers and screens, and everybody in the store with what they agreed to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from central.page.contract import Person, Shop
from central.page.tags import put
from central.page.words import Language, say, zone_name

OUTSIDE = 0.5
"""How much of the first zone's column is the street."""
_LABEL = 10
"""Letters of a name under its mark."""


def shares(shop: Shop) -> list[float]:
    """How wide each zone is drawn: a zone with a screen is as wide as its picture above."""
    hung = {screen.zone for screen in shop.screens}
    return [2.0 if zone in hung else 1.4 for zone in shop.zones]


class Floor(Element, component="floor.js"):
    """Draws; places only are sent to it, and it moves people there by itself."""

    def __init__(self, shop: Shop, language: Language, choose: Callable[[str], None]) -> None:
        super().__init__()
        self._language = language
        hung = {screen.zone: screen.screen for screen in shop.screens}
        put(
            self,
            zones=[
                {
                    "zone": zone,
                    "name": zone_name(language, zone),
                    "share": share,
                    "screen": zone in hung,
                    "reader": zone == shop.reader,
                }
                for zone, share in zip(shop.zones, shares(shop), strict=True)
            ],
            words={word: say(language, word) for word in ("floor", "outside", "reader")},
            outside=OUTSIDE,
            people=[],
        )
        self.on("choose", lambda event: choose(_one(event)))

    def show(self, people: Sequence[Person], chosen: str) -> None:
        """Everybody of the store; the guests also where they are outside."""
        put(self, people=[self._figure(person, chosen) for person in people if person.zone or person.guest])

    def _figure(self, person: Person, chosen: str) -> dict[str, object]:
        consent = consent_of(person)
        who = person.label or say(self._language, "member" if person.member else "stranger")
        said = [who, say(self._language, consent if consent != "stranger" else "none")]
        said += [say(self._language, "beacon")] if person.beacon else []
        said += [say(self._language, "code")] if person.code else []
        return {
            "id": person.person,
            "zone": person.zone,
            "consent": consent,
            "beacon": person.beacon,
            "guest": person.guest,
            "chosen": person.person == chosen,
            "code": person.code,
            "label": _short(person.label) if person.guest else "",
            "said": " · ".join(said),
        }


def consent_of(person: Person) -> str:
    """Which mark stands for them: both, presence_only, signage_only, none, or stranger."""
    if not person.member:
        return "stranger"
    match person.presence, person.signage:
        case True, True:
            return "both"
        case True, False:
            return "presence_only"
        case False, True:
            return "signage_only"
        case _:
            return "none"


def _short(label: str) -> str:
    """What fits under a mark; a Japanese letter is as wide as two others."""
    width, kept = 0, ""
    for letter in label:
        width += 1 if letter.isascii() else 2
        if width > _LABEL:
            return f"{kept.rstrip()}…"
        kept += letter
    return label


def _one(event: GenericEventArguments) -> str:
    return event.args if isinstance(event.args, str) else ""
