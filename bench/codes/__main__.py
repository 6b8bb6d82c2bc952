"""Reads drawn phone screens and photographs of codes, beside pyzbar and OpenCV, and times the camera's thread."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from bench.codes import hostile, screens, timing
from bench.codes.measuring import Picture, Tally, measure, noren, phones, photographs
from central.contract.signed_code import DIGITS
from edge.errors import SensorError

USUAL = Path("data/codes")
REFERENCE = "noren-0123456789abcdefghijklmnop"
"""The 32 characters of the code that the readers were first compared with."""
SIGNED = ("1" + "2983740156" * 19)[:DIGITS]
"""As many digits as a signed member code has: what they say is nothing to a reader."""
BESIDE = 5
"""Of so many drawn frames the others read one: they take five times as long as ours."""
WIDE = 45 * screens.USUAL
"""Pixels of a signed code with its quiet zone, where two symbols are compared on the same piece of a screen."""


def generated(levels: Sequence[screens.Level], frames: int) -> dict[str, Any]:
    """Phone screens in all conditions, with a short code and a signed one; what everybody knows beside our looks."""
    found: dict[str, Any] = {}
    for name, shown in (
        ("short_3_m", screens.symbol(REFERENCE, 3, "m")),
        ("signed_5_m", screens.symbol(SIGNED, 5, "m")),
    ):
        tallies = measure(phones(shown, levels, frames), beside=min(frames, BESIDE))
        found[name] = _lines(tallies) | {
            "order": "/".join(tallies),
            "by_level": {
                f"{level.name} {level.how}": "/".join(
                    str(tally.exact[level.name, level.how]) for tally in tallies.values()
                )
                for level in levels
            },
        }
    empty = phones(screens.words(), [replace(level, crowded=True) for level in levels], max(1, frames // 10))
    return found | {"without_a_code": {name: tally.line() for name, tally in measure(empty).items()}}


def symbols(levels: Sequence[screens.Level], frames: int) -> dict[str, Any]:
    """A signed code as the smaller symbol and as the one that corrects more, equally wide, far and badly held."""
    hard = [level for level in levels if level.name in ("motion", "glare", "blur", "dim", "tilted")]
    found: dict[str, Any] = {}
    for version, error in ((4, "l"), (5, "m")):
        shown = screens.symbol(SIGNED, version, error)
        # One hand and one lens: so many pixels, whatever they are in modules.
        own = (len(shown.modules) + 8) * screens.USUAL / WIDE
        same = [
            replace(level, module=screens.USUAL / own, blur=level.blur * own, moved=level.moved * own) for level in hard
        ]
        same += [screens.Level(name="far", how=f"{wide} px", module=wide / 45 / own) for wide in (100, 85, 70, 60)]
        tally = measure(phones(shown, same, max(1, frames // 2)), {"noren": noren})["noren"]
        found[shown.name] = tally.line() | {"by_level": {" ".join(key): count for key, count in tally.exact.items()}}
    return found


def photographed(folders: Iterable[Path]) -> dict[str, Any] | None:
    """Photographs at four rotations, set by set; None where there are none."""
    found: dict[str, Any] = {}
    for folder in folders:
        if not folder.is_dir():
            print(
                f"There is no folder {folder}: photographs are skipped. Name a folder that has some.", file=sys.stderr
            )
            continue
        by_set: dict[str, list[Picture]] = {}
        for picture in photographs(folder):
            by_set.setdefault(picture.kind, []).append(picture)
        for kind, pictures in by_set.items():
            found[kind] = _lines(measure(pictures))
    return found or None


def _lines(tallies: dict[str, Tally]) -> dict[str, Any]:
    ours = tallies.get("noren_beside", tallies["noren"]).exact.total()
    return {name: tally.line() for name, tally in tallies.items()} | {
        f"noren_over_{name}": round(ours / max(1, tallies[name].exact.total()), 3) for name in ("pyzbar", "opencv")
    }


def timed(scans: int, looks: int, frames: int) -> dict[str, Any]:
    """What the camera's thread takes at 720p, and how soon it says what it sees."""
    signed = screens.symbol(SIGNED, 5, "m")
    return {
        "with_a_code": timing.looks(timing.waved(signed, 16), looks),
        "without": timing.looks(timing.waved(screens.words(), 16), looks),
        "idle_share_15_fps": timing.idle(looks),
        "in_view_to_scan_15_fps": timing.in_view_to_scan(
            screens.symbol(f"{number:0{DIGITS}}", 5, "m") for number in range(scans)
        ),
        "memory": timing.memory(signed, frames),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="noren bench codes", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", help=f"photographs, a text beside each ({USUAL})")
    parser.add_argument("--frames", type=int, default=20, help="how many of each condition to draw (20)")
    parser.add_argument("--quick", action="store_true", help="a little of everything")
    parser.add_argument("--hostile", type=int, nargs="?", const=10_000, help="only so many hostile codes (10000)")
    options = parser.parse_args()
    # One core: what is compared is not who takes the most of them.
    cv2.setNumThreads(1)
    levels, frames = screens.levels(), options.frames
    if options.quick:
        levels, frames = levels[::5], 1
    result: dict[str, Any]
    try:
        if options.hostile is not None:
            result = {"hostile": hostile.read(options.hostile)}
        else:
            result = {
                "photographs": photographed(options.folders or [USUAL]),
                "screens": generated(levels, frames),
                "signed_code_as": symbols(levels, frames),
                "timing": timed(*((2, 20, 60) if options.quick else (150, 900, 20_000))),
                "hostile": hostile.read(20 if options.quick else 1_000),
            }
    except SensorError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
