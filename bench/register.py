"""Measures a code from a scanner's serial port to the register's: with an agent that answers, that hangs, and none."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TREE = Path(__file__).parent.parent
AGENT = """
import asyncio, sys
from pathlib import Path
from edge import config
from edge.till import Till

register = config.Register(socket=Path(sys.argv[1]), passes=config.TypedTo(kind="keyboard"))
till = Till(register, {"till": "checkout"}, {"checkout"})
asyncio.run(till.run(lambda scan: till.answer(scan, False, None)))
"""
SETTLE = 1.0
"""Seconds in which an agent connects."""


class Ends:
    """A scanner's and a register's ends of two serial lines."""

    def __init__(self) -> None:
        self.scanner, scanner = os.openpty()
        self.register, register = os.openpty()
        for fd in (scanner, register):
            tty.setraw(fd)
        self.paths = os.ttyname(scanner), os.ttyname(register)

    def scan(self, code: bytes) -> float:
        """Milliseconds until the register has all of it, unchanged."""
        begun = time.perf_counter()
        os.write(self.scanner, code)
        got = b""
        while len(got) < len(code):
            got += os.read(self.register, 4096)
        if got != code:
            sys.exit("a code was changed")
        return (time.perf_counter() - begun) * 1000


def settings(folder: Path, ends: Ends) -> Path:
    scanner = {"kind": "serial", "name": "till", "zone": "checkout", "device": ends.paths[0], "shared": True}
    register = {"socket": str(folder / "s"), "passes": {"kind": "serial", "device": ends.paths[1]}}
    section = {
        "folder": str(folder / "edge"),
        "zones": [{"zone": "checkout"}],
        "sensors": [scanner],
        "screens": [],
        "register": register,
    }
    file = folder / "noren.yaml"
    file.write_text(json.dumps({"edge": section}))
    return file


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, *command], cwd=TREE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def figures(ends: Ends, scans: int) -> dict[str, float]:
    taken = []
    for number in range(scans):
        taken.append(ends.scan(b"49%011d\r" % number))
        # Scanners keep no step with our timers.
        time.sleep(random.uniform(0.005, 0.025))
    taken.sort()
    return {
        "p50_ms": round(taken[scans // 2], 2),
        "p99_ms": round(taken[int(scans * 0.99)], 2),
        "max_ms": round(taken[-1], 2),
        "over_20_ms": sum(one > 20 for one in taken),
    }


def main() -> None:
    options = argparse.ArgumentParser(prog="noren bench register", description=__doc__)
    options.add_argument("--scans", type=int, default=300)
    scans = options.parse_args().scans
    ends = Ends()
    with tempfile.TemporaryDirectory(prefix="noren-") as name:
        folder = Path(name)
        measured: dict[str, object] = {"scans": scans}
        with running("-m", "edge", "register", str(settings(folder, ends))):
            while not (folder / "s").exists():
                time.sleep(0.05)
            time.sleep(SETTLE)
            measured["no_agent"] = figures(ends, scans)
            with running("-c", AGENT, str(folder / "s")) as agent:
                time.sleep(SETTLE)
                measured["agent_answers"] = figures(ends, scans)
                agent.send_signal(signal.SIGSTOP)
                measured["agent_hangs"] = figures(ends, scans)
            measured["agent_killed"] = figures(ends, scans)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
