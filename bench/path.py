"""Measures sighting and scan to first flipped frame in a whole demo, beside the same player driven directly."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TREE = Path(__file__).parent.parent
KEPT = (
    "seconds",
    "scenes",
    "personal_scenes",
    "scan_to_frame_ms",
    "sighting_to_frame_ms",
    "presence_wait_ms",
    "first_frame_s",
    "first_personal_s",
    "edge_rss_mb",
    "signage_rss_mb",
)


def last_line(*command: str) -> dict[str, Any]:
    """Run a module of ours and read its last line."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=TREE, stdout=subprocess.PIPE, check=False)
    lines = done.stdout.decode().splitlines()
    if not lines:
        sys.exit(f"{command[0]} ended with exit code {done.returncode} and printed nothing")
    read: dict[str, Any] = json.loads(lines[-1])
    return read


def main() -> None:
    options = argparse.ArgumentParser(prog="noren bench path", description=__doc__)
    options.add_argument("--for", dest="seconds", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="noren-") as folder:
        demo = last_line(
            "central", "demo", "--headless", "--json", "--for", str(given.seconds), "--seed", str(given.seed),
            "--folder", folder,
        )  # fmt: skip
    player = last_line("bench.screen")
    measured = {name: demo[name] for name in KEPT} | {
        "reference": "the same player, a scene written to its socket, 1920x1080, nothing else running",
        "reference_ms": player["scene_to_frame_ms"],
        "ratio_scan_p50": round(demo["scan_to_frame_ms"]["p50"] / player["scene_to_frame_ms"]["p50"], 2),
        "ratio_sighting_p50": round(demo["sighting_to_frame_ms"]["p50"] / player["scene_to_frame_ms"]["p50"], 2),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
