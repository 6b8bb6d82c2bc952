"""A central of its own with its own broker, and devices that are let in as any are."""

from __future__ import annotations

import base64
import json
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from edge import enrolment
from edge.enrolment import Enrolment

TREE = Path(__file__).parents[2]
WAIT_S = 30.0
_WORK = ("ingest_", "pages_", "renewals_", "asks_answered", "asks_guessing", "asks_refused", "asks_unreadable")
"""Counts, or how they begin, of which each message adds to one."""


class Chain:
    """Processes, while inside `serving`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "chain.yaml"
        self.database = folder / "central" / "central.db"
        self.central = -1
        self._http = 0
        self._key = ""
        self._trust: Path | None = None

    @contextmanager
    def serving(self) -> Iterator[Chain]:
        self._file.write_text(
            f"central:\n  folder: {self._folder / 'central'}\n  key: '{'ab' * 32}'\n"
            "  broker: {kind: embedded, port: 0}\n  http: {port: 0}\n  log: error\n"
        )
        self._key = json.loads(self._run("central", "key", self._file, "monitor", "--may", "health"))["key"]
        command = [sys.executable, "-m", "central", "serve", str(self._file)]
        with subprocess.Popen(command, cwd=TREE, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                self._http = json.loads(process.stdout.readline())["http"]
                self.central = process.pid
                yield self
            finally:
                process.terminate()

    def enrol(self, store: str, agent: str) -> Enrolment:
        """Let a device in, by the two commands."""
        folder = self._folder / agent
        file = self._folder / f"{agent}.yaml"
        file.write_text(f"edge: {{folder: {folder}, zones: [], sensors: [], screens: []}}\n")
        code = json.loads(self._run("central", "enrol", self._file, store, agent))["code"]
        self._run("edge", "enrol", code, file)
        found = enrolment.load(folder)
        self._trust = found.folder / enrolment.TRUST
        return found

    def health(self) -> dict[str, Any]:
        basic = base64.b64encode(f"{self._key}:".encode()).decode()
        request = urllib.request.Request(
            f"https://localhost:{self._http}/health", headers={"Authorization": f"Basic {basic}"}
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self._trust)),
        )
        with opener.open(request, timeout=WAIT_S) as answer:
            read: dict[str, Any] = json.load(answer)
        return read

    def settled(self, at_least: int = 0) -> dict[str, Any]:
        """What health says once everything that came, and so many messages at least, has been worked off."""
        while True:
            health = self.health()
            counts = health["since_start"]
            done = sum(number for name, number in counts.items() if name.startswith(_WORK) or name.endswith("_dropped"))
            lost = counts.get("mqtt_malformed", 0) + counts.get("mqtt_too_large", 0)
            if at_least <= counts["mqtt_received"] == done + lost:
                return health
            time.sleep(0.2)

    def stored(self, agent: str, epoch: str) -> list[bytes]:
        """An agent's events in the order of their seqs. Raises AssertionError where one is missing or there twice."""
        ask = "SELECT seq, data FROM event WHERE agent = ? AND epoch = ? ORDER BY seq"
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(ask, (agent, epoch)).fetchall()
        assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
        return [data.encode() for _, data in rows]

    @property
    def rss_mb(self) -> float:
        """Of central itself."""
        return round(psutil.Process(self.central).memory_info().rss / (1 << 20), 1)

    def _run(self, *command: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)], cwd=TREE, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command[:2]))}: {done.stderr.strip()}")
        return done.stdout
