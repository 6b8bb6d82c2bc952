"""The page as a process, and what it says."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

TREE = Path(__file__).parents[2]
WAIT_S = 30.0


class Served:
    """The page as a process, once it says that it serves."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self.wait: Callable[[], int] = process.wait
        self._log: queue.Queue[bytes] = queue.Queue()
        self._errors = process.stderr
        threading.Thread(target=self._read, daemon=True).start()
        said = process.stdout.readline()
        assert said, b"".join(self._log.queue).decode()
        ready = json.loads(said)
        assert ready["ready"] is True
        self.port: int = ready["http"]
        self.url = f"http://127.0.0.1:{self.port}/"

    def await_log(self, says: str) -> None:
        """Wait until the log says something again."""
        while says.encode() not in self._log.get(timeout=WAIT_S):
            pass

    def _read(self) -> None:
        with contextlib.suppress(ValueError):
            for text in self._errors:
                self._log.put(text)


@contextlib.contextmanager
def serving(socket: Path, port: int = 0) -> Iterator[Served]:
    code = "import sys, pathlib; from central.page.app import run; run(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(socket), str(port)],
        cwd=TREE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Served(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
