"""Keeps processes running as systemd would, kills and stops them, and notes which ended unasked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

RESTART = 0.3
"""Seconds after which systemd would start it again (RestartSec=, shorter here)."""
GRACE = 15.0
LEASH = ("setpriv", "--pdeathsig", "KILL", "--")
"""Of util-linux: whatever ends the bench ends what it has started."""
TREE = Path(__file__).parents[2]

Hear = Callable[[bytes], None]


class Unit:
    """One service. `command` gives its arguments at each start; `hear` gets each line that it tells on a pipe."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        log: Path,
        ended: Callable[[str, int], None],
        *,
        hear: Hear | None = None,
        begun: Callable[[], Sequence[bytes]] = tuple,
    ) -> None:
        self.name = name
        self.process: asyncio.subprocess.Process | None = None
        self._command = command
        self._log = log
        self._ended = ended
        self._hear = hear
        self._begun = begun
        self._wanted = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._held = 0
        self._expected = False
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._wanted.set()
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name=self.name)

    def say(self, line: bytes) -> None:
        """Tell it something, if it is there."""
        process = self.process
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.write(line + b"\n")

    def kill(self) -> bool:
        """End it at once; it is started again. False where it is not there."""
        process = self.process
        if process is None or process.returncode is not None:
            return False
        self._expected = True
        with suppress(ProcessLookupError):
            process.kill()
        return True

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Have it stand still in all its threads, then go on; who is not there does not come while inside."""
        self._hold()
        # It may be on its way: then it is killed as soon as it is there.
        await until(lambda: self._gone.is_set() or self.process is not None, GRACE, 0.002)
        process = self.process
        if process is not None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGSTOP)
            await until(lambda: process.returncode is not None or _stands_still(process.pid), GRACE, 0.002)
        try:
            yield
        finally:
            if process is not None and process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
            self._let_go()

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """Have it killed and gone while inside."""
        self._hold()
        try:
            self.kill()
            await self._gone.wait()
            yield
        finally:
            self._let_go()

    async def stop(self) -> int | None:
        """Ask it to end, for good; its exit code."""
        self._wanted.clear()
        self._expected = True
        process = self.process
        if process is not None:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(GRACE):
                    await self._gone.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    process.kill()
                await self._gone.wait()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        return process.returncode if process is not None else None

    def _hold(self) -> None:
        self._held += 1
        self._wanted.clear()

    def _let_go(self) -> None:
        self._held -= 1
        if not self._held:
            self._wanted.set()

    async def _keep(self) -> None:
        while True:
            await self._wanted.wait()
            self._gone.clear()
            try:
                await self._live()
            finally:
                self.process = None
                self._gone.set()
            await asyncio.sleep(RESTART)

    async def _live(self) -> None:
        told, tell = os.pipe()
        self._expected = False
        with self._log.open("ab") as log:
            command = [*LEASH, *self._command(), *(["--tell", str(tell)] if self._hear else [])]
            self.process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=TREE,
                env={**os.environ, "no_proxy": "127.0.0.1", "PYTHONUNBUFFERED": "1", "SDL_VIDEODRIVER": "dummy"},
                process_group=0,
                pass_fds=(tell,),
            )
        os.close(tell)
        if not self._wanted.is_set():  # It was to be down while it was being started.
            self.kill()
        for line in self._begun():
            self.say(line)
        hearing = asyncio.create_task(self._listen(told))
        code = await self.process.wait()
        # What it told before its end has to be heard before the next begins.
        await hearing
        if not self._expected:
            self._ended(self.name, code)

    async def _listen(self, told: int) -> None:
        lines = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(told, "rb")
        )
        while line := await lines.readline():
            if self._hear is not None:
                self._hear(line)
        transport.close()


async def run(log: Path, *command: str) -> bytes:
    """Run a command of ours to its end; its standard output. Raises OSError."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *LEASH, sys.executable, "-m", *command, stdout=asyncio.subprocess.PIPE, stderr=file, cwd=TREE
        )
        said, _ = await process.communicate()
    if process.returncode:
        raise OSError(f"{' '.join(command)} ended with exit code {process.returncode}: see {log}")
    return said


async def until(true: Callable[[], bool | Awaitable[bool]], seconds: float, every: float = 0.1) -> bool:
    """Wait until it is true; False where it is not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return True
        if loop.time() > end:
            return False
        await asyncio.sleep(every)


def _stands_still(pid: int) -> bool:
    try:
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except (OSError, IndexError):
        return False
    return all(state in "TtZX" for state in states)
