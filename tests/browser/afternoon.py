"""A lively afternoon on the stage, for whoever works on the page itself: python -m browser.afternoon, in tests/."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from browser.served import serving
from browser.stage import STORES, ZONES, Stage, empty_database

from central.contract.events import CrowdCounted, Played, Scanned, VisitEnded, VisitStarted
from central.page.contract import Person


def _busy(stage: Stage) -> None:
    """A lively afternoon, for whoever looks at the page itself."""
    dice = random.Random(1)
    extra = 0
    for beat in range(10**9):
        store = dice.choice(list(STORES))
        screen, till = f"{store}-shelf", f"{store}-till"
        match beat % 4:
            case 0:
                people = dice.choice((1, 2, 2, 3))
                stage.shown(
                    screen,
                    "recommendation",
                    "beacon",
                    level=1,
                    people=people,
                    items=("bags-017",),
                    took_ms=dice.gauss(46, 9),
                    draws=dice.choice(("shelf-ja", "shelf-en")),
                )
                stage.happened(
                    store,
                    VisitStarted(visit=f"v{beat}", customer="c-1", zone="shelf", means="beacon"),
                    waiting=dice.choice((0, 0, 2)),
                )
            case 1:
                stage.shown(
                    till,
                    "greeting",
                    "scan",
                    level=2,
                    people=1,
                    took_ms=dice.gauss(70, 14),
                    draws=dice.choice(("till-ja", "till-en")),
                )
                stage.happened(
                    store, Scanned(scan=f"s{beat}", reader="till-camera", zone="till", outcome="member", customer="c-1")
                )
            case 2:
                stage.shown(screen, "campaign", "schedule", draws="loop-ja")
                stage.happened(
                    store,
                    Played(
                        play=f"p{beat}",
                        screen=screen,
                        scene="x",
                        layout="recommendation",
                        cause="beacon",
                        level=1,
                        shown_ms=9400,
                        ended="over",
                    ),
                    CrowdCounted(zone="shelf", radios=dice.randrange(3, 30), over_ms=60000),
                )
            case _:
                stage.shown(till, "campaign", "schedule", draws="loop-en")
                stage.happened(
                    store,
                    VisitEnded(visit=f"v{beat}", customer="c-1", zone="shelf", dwell_ms=dice.randrange(5000, 60000)),
                )
        inside = [each for each in stage.state.people if each.store == store and not each.guest]
        if len(inside) < 11:
            extra += 1
            shape = dice.choice([(True, True, True), (True, True, True), (True, True, False), (False, False, False)])
            stage.enter(
                Person(
                    person=f"x{extra}",
                    store=store,
                    zone="entrance",
                    label="",
                    member=shape[0],
                    beacon=shape[0] and dice.random() < 0.8,
                    presence=shape[1],
                    signage=shape[2],
                    guest=False,
                    code=False,
                )
            )
        else:
            one = dice.choice(inside)
            at = ZONES.index(one.zone) + 1
            if at < len(ZONES):
                stage.person(one.person, zone=ZONES[at])
            else:
                stage.go(one.person)
        time.sleep(0.35)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        Stage(empty_database(Path(name)).parent) as stage,
        serving(stage.socket, 8088) as served,
    ):
        stage.person("ginza-さくら", zone="shelf")
        stage.fault("player", "signage-ginza-shelf", took=2.4)
        stage.fault("network", "ginza", took=8.1)
        stage.fault("central", "central", took=3.6)
        stage.say(worst_black_s=2.1)
        sys.stdout.write(f"{served.pid} {served.port} {name}\n")
        sys.stdout.flush()
        _busy(stage)


if __name__ == "__main__":
    main()
