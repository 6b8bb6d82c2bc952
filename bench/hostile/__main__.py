"""Measures what an honest agent gets through while another with a good certificate sends everything it should not."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.hostile.attack import attack
from bench.hostile.chain import TREE, Chain
from bench.hostile.device import EVENTS, Device, Log, send
from edge import enrolment

FULL_JUNK, FULL_LARGE = 100_000, 200 << 20


def measure(folder: Path, *, junk: int, large: int, batches: int) -> dict[str, Any]:
    """Alone, then while the other process does its worst."""
    with Chain(folder).serving() as chain:
        honest, rogue = chain.enrol("ginza", "pi-1"), chain.enrol("ginza", "pi-2")
        with Device(honest) as device:
            device.listen(device.topic("ack"))
            send(device, Log("warm"), 20)
            alone = Log("alone")
            begun = time.monotonic()
            send(device, alone, batches)
            alone_s = time.monotonic() - begun
            rss = chain.rss_mb
            with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
                # The attacker runs on this machine too and takes a core: so much of the difference is that.
                begun = time.monotonic()
                send(device, Log("busy"), batches)
                busy_s = time.monotonic() - begun
                busy.kill()
            beside = Log("beside")
            command = [sys.executable, "-m", "bench.hostile", "--attack", str(rogue.folder.parent)]
            command += [str(honest.folder.parent), "--junk", str(junk), "--large", str(large)]
            slowest = 0.0
            with subprocess.Popen(command, cwd=TREE, stdout=subprocess.PIPE) as other:
                begun = time.monotonic()
                while other.poll() is None:
                    before = time.monotonic()
                    send(device, beside, 1)
                    slowest = max(slowest, time.monotonic() - before)
                beside_s = time.monotonic() - begun
                assert other.stdout is not None
                came_of_it = json.loads(other.stdout.read())
        health = chain.settled()
        kept = all(chain.stored("pi-1", log.epoch) == log.made for log in (alone, beside))
        return {
            "junk": junk,
            "large_mb": large >> 20,
            "attack_s": round(beside_s, 1),
            "honest_events_per_s": round(len(alone.made) / alone_s),
            "honest_events_per_s_beside_a_busy_core": round(EVENTS * batches / busy_s),
            "honest_events_per_s_under_attack": round(len(beside.made) / beside_s),
            "slowest_batch_s": round(slowest, 2),
            "honest_in_order": kept,
            "refused": came_of_it,
            "quarantined": health["quarantined"],
            "quarantine": health["quarantine"],
            "counted": health["since_start"],
            "rss_mb_before": rss,
            "rss_mb": chain.rss_mb,
        }


def main() -> None:
    options = argparse.ArgumentParser(prog="noren bench hostile", description=__doc__)
    options.add_argument("--junk", type=int, default=FULL_JUNK)
    options.add_argument("--large", type=int, default=FULL_LARGE, help="bytes of the largest message")
    options.add_argument("--batches", type=int, default=300, help=f"of {EVENTS} events, alone")
    options.add_argument("--attack", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.attack:
        me, other = map(enrolment.load, given.attack)
        print(json.dumps(attack(me, other, messages=given.junk, large=given.large)))
        return
    with tempfile.TemporaryDirectory(prefix="noren-") as folder:
        print(json.dumps(measure(Path(folder), junk=given.junk, large=given.large, batches=given.batches)))


if __name__ == "__main__":
    main()
