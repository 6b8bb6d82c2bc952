"""Starts the demo's processes so that none outlives it, watches them, and stops them in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from msgspec import DecodeError, json

from central.errors import CentralError

GRACE_S = 10.0
"""How long a process may take to put its things away before it is killed."""
LOOK_S = 0.05
"""Between two looks at a process that is waited for."""
CENTRAL, EDGE, SIGNAGE = ([sys.executable, "-m", name] for name in ("central", "edge", "signage"))
"""The three commands; the demo imports none of what they run."""
PAGE = "page"
"""The name of the store page's process."""
_HERE = {"no_proxy": "127.0.0.1"}
"""Whatever proxy leads out of this machine, what they look for is on it."""
_LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
"""Of util-linux, on every Debian: it asks the kernel to kill what it becomes when its parent dies (prctl(2))."""


class DemoFailed(CentralError):
    """Something that the demo needs does not work; the message has the end of its log."""


class Process:
    """One child: its output goes to a log, and the kernel kills it when the demo dies."""

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self.started = 0.0
        """CLOCK_MONOTONIC."""
        self.highest_rss = 0
        self._arguments = arguments
        self._folder = folder
        self._environment = environment
        self._said_before = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._measured: psutil.Process | None = None

    def start(self) -> None:
        """Run it, or run it again. The demo's main thread must do this: the kernel watches the thread that forked."""
        self.started = time.monotonic()
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*_LEASH, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={**os.environ, **_HERE, "PYTHONUNBUFFERED": "1", **self._environment},
                # A group of its own: Ctrl-C is for the demo, which then stops them in order.
                process_group=0,
            )
        self._measured = psutil.Process(self._child.pid)

    @property
    def pid(self) -> int:
        """Of its last start; 0 before the first."""
        return self._child.pid if self._child else 0

    @property
    def dead(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._child.poll() if self._child else None

    def said(self, key: str) -> dict[str, Any] | None:
        """The first line of its output that is a JSON object with this key; None as long as there is none."""
        for line in self._lines():
            with contextlib.suppress(DecodeError):
                value = json.decode(line)
                if isinstance(value, dict) and key in value:
                    return value
        return None

    def _lines(self) -> list[bytes]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().splitlines()

    def tail(self) -> str:
        """The last words of its log."""
        return b"\n".join(self._lines()[-12:]).decode(errors="replace")

    def measure(self) -> None:
        """Note how much memory it holds now."""
        with contextlib.suppress(psutil.Error):
            if self._measured is not None:
                self.highest_rss = max(self.highest_rss, self._measured.memory_info().rss)

    def ask_to_stop(self) -> None:
        self._send(signal.SIGTERM)

    def await_end(self, until: float) -> bool:
        """Wait till `until` (CLOCK_MONOTONIC), then kill; False where it had to be killed."""
        if self._child is None:
            return True
        try:
            self._child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """End it now, and what it has started itself."""
        if self._child is not None and self.dead is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def _send(self, number: signal.Signals) -> None:
        if self._child is not None and self.dead is None:
            self._child.send_signal(number)


class Troupe:
    """All processes of the demo; leaving it leaves none of them behind."""

    def __init__(self, logs: Path, folder: Path) -> None:
        self._logs = logs
        self._folder = folder
        self.processes: list[Process] = []
        self._measured = 0.0

    def __enter__(self) -> Troupe:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
        process = Process(name, arguments, self._logs / f"{name}.log", self._folder, environment or {})
        process.start()
        self.processes.append(process)
        return process

    def run(self, name: str, arguments: Sequence[str], *, seconds: float = 120.0) -> bytes:
        """Run a command to its end and give its standard output. Raises DemoFailed."""
        return self.run_all({name: arguments}, seconds=seconds)[name]

    def run_all(self, commands: Mapping[str, Sequence[str]], *, seconds: float = 120.0) -> dict[str, bytes]:
        """Run commands at once, each to its end, and give what each wrote (a line or two). Raises DemoFailed."""
        until = time.monotonic() + seconds
        with ExitStack() as undo:
            running = {name: self._begin(name, arguments, undo) for name, arguments in commands.items()}
            return {name: self._result(name, process, until) for name, process in running.items()}

    def _begin(self, name: str, arguments: Sequence[str], undo: ExitStack) -> subprocess.Popen[bytes]:
        log = undo.enter_context((self._logs / f"{name}.log").open("ab"))
        process = undo.enter_context(
            subprocess.Popen(
                [*_LEASH, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                env=os.environ | _HERE,
                process_group=0,
            )
        )
        undo.callback(process.kill)
        return process

    def _result(self, name: str, process: subprocess.Popen[bytes], until: float) -> bytes:
        log = self._logs / f"{name}.log"
        try:
            said, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(f"{name} was not done in time.", fix=f"See {log}.") from error
        if process.returncode != 0:
            words = log.read_text(errors="replace").splitlines()[-12:]
            raise DemoFailed(f"{name} ended with exit code {process.returncode}:\n" + "\n".join(words))
        return said

    def deaths(self) -> list[Process]:
        """Who has ended by itself."""
        return [process for process in self.processes if process.dead is not None]

    def measure(self) -> None:
        """Note what each holds; once a second is enough."""
        if time.monotonic() - self._measured >= 1.0:
            self._measured = time.monotonic()
            for process in self.processes:
                process.measure()

    def await_ready(self, ready: Mapping[Process, Callable[[], bool]], seconds: float) -> None:
        """Wait until all are ready. Raises DemoFailed where one dies or is not ready in time."""
        until = time.monotonic() + seconds
        waiting = dict(ready)
        while waiting:
            for process in [process for process, is_ready in waiting.items() if is_ready()]:
                del waiting[process]
            for process in waiting:
                if process.dead is not None:
                    raise DemoFailed(f"{process.name} ended with exit code {process.dead}:\n{process.tail()}")
                if time.monotonic() > until:
                    raise DemoFailed(f"{process.name} was not ready after {seconds:g} s:\n{process.tail()}")
            time.sleep(LOOK_S)

    def stop(self, processes: Sequence[Process], *, grace: float = GRACE_S) -> list[Process]:
        """Ask these to end, kill what does not, and give those that ended badly."""
        for process in processes:
            process.ask_to_stop()
        until = time.monotonic() + grace
        bad = [process for process in processes if not process.await_end(until) or process.dead != 0]
        self.processes = [process for process in self.processes if process not in processes]
        return bad
