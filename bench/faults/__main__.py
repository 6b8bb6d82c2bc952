"""Breaks agents, players, broker and central in random order from a seed, and checks every event at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from bench.faults import cards
from bench.faults.plan import KINDS
from bench.faults.run import Bench, Wanted


def main() -> int:
    """Print the figures as one line of JSON; 1 where something is not as it must be, 2 where it does not even begin."""
    options = argparse.ArgumentParser(prog="noren bench faults", description=__doc__)
    options.add_argument("--faults", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--agents", type=int, default=3)
    options.add_argument("--players", type=int, default=1, help="headless, each with an agent")
    options.add_argument("--rate", type=float, default=20.0, help="events a second that each agent makes")
    options.add_argument("--without", default="", metavar="KINDS", help=f"of {', '.join(KINDS)}")
    options.add_argument("--json", action="store_true", help="only the line of JSON, without the words on the way")
    options.add_argument("--keep", action="store_true", help="leave the folder, with the journal of all faults")
    options.add_argument("--folder", type=Path, default=None, help="where it makes its own folder")
    given = options.parse_args()
    without = tuple(kind for kind in given.without.split(",") if kind)
    if strange := set(without) - set(KINDS):
        options.error(f"--without: there is no kind {', '.join(sorted(strange))}")
    cards.go_inside([sys.executable, "-m", "bench.faults", *sys.argv[1:]])
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="noren-faults-", dir=given.folder))
    if given.keep or not given.json:
        print(f"The folder of this run: {folder}", file=sys.stderr)
    wanted = Wanted(
        seed=given.seed,
        faults=given.faults,
        agents=given.agents,
        players=min(given.players, given.agents),
        rate=given.rate,
        folder=folder,
        without=without,
    )
    try:
        figures, good = asyncio.run(Bench(wanted).run())
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
