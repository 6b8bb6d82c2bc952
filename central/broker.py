"""Runs a private mosquitto: writes who may do what, starts it, starts it again when it dies, stops it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.errors import BrokerError, PortTaken

log = logging.getLogger(__name__)

CENTRAL = "Central"
"""Central's own name there: no agent's, whose names have no capital letters."""
_HEADERS = 1024
"""What a packet may have around its payload."""
_TRIES, _TRY_S = 500, 0.02
_PAUSE_S = 0.5
"""Short: who was connected tries again after a second."""
_PATH = f"{os.defpath}:/usr/sbin:/usr/local/sbin"
"""Debian's mosquitto lies where the path of ordinary users does not lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One that may connect: its password as `agents.hashed` gives it, and its lines of the access list."""

    username: str
    secret: str
    rights: tuple[str, ...]

    @property
    def lines(self) -> str:
        return "".join((f"user {self.username}\n", *(f"topic {right}\n" for right in self.rights), "\n"))


def central(secret: str) -> Account:
    return Account(username=CENTRAL, secret=secret, rights=(f"readwrite {topics.ROOT}/#",))


def agent(name: str, store: str, secret: str) -> Account:
    """An agent writes and reads its own topics, and reads the heads of its store and of the chain."""
    writes = (topics.of_agent(store, name, leaf) for leaf in ("up", "pull", "status", "reply"))
    reads = (topics.of_agent(store, name, leaf) for leaf in ("ack", "nack", "page", "command"))
    heads = (topics.heads(store), topics.heads(topics.CHAIN))
    rights = (*(f"write {topic}" for topic in writes), *(f"read {topic}" for topic in (*reads, *heads)))
    return Account(username=name, secret=secret, rights=rights)


class Broker:
    """The child process, while inside `async with`; it ends with central, also when central is killed."""

    def __init__(self, folder: Path, host: str, port: int, itself: Account) -> None:
        self.host = host
        self.port = port or _free_port(host)
        self.restarts = 0
        self._folder = folder.resolve()
        self._itself = itself
        self._process: Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=5)

    async def __aenter__(self) -> Broker:
        _check_port(self.host, self.port)
        _write(self._folder / "mosquitto.conf", self._configuration())
        try:
            await self._start()
        except BrokerError:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def admit(self, accounts: Iterable[Account]) -> None:
        """From now on these may connect and no others; the broker ends the sessions of the rest."""
        everyone = (self._itself, *accounts)
        _write(self._folder / "passwords", "".join(f"{one.username}:{one.secret}\n" for one in everyone))
        _write(self._folder / "access", "".join(one.lines for one in everyone))
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def watch(self) -> None:
        """Start the broker again whenever it ends, until cancelled."""
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self.restarts += 1
            log.error("the broker ended with %d and is started again", code)
            await asyncio.sleep(_PAUSE_S)
            try:
                await self._start()
            except BrokerError as error:
                log.error("%s", error)

    async def _stop(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5.0)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._listener is not None:
            await self._listener

    async def _start(self) -> None:
        programs = [shutil.which(name, path=_PATH) for name in ("setpriv", "mosquitto")]
        setpriv, mosquitto = programs
        if setpriv is None or mosquitto is None:
            raise BrokerError(
                "mosquitto is not installed.", fix="Install it (`apt install mosquitto`), or name a broker that runs."
            )
        # The kernel ends the broker with us, also when we are killed and cannot.
        self._process = process = await asyncio.create_subprocess_exec(
            *(setpriv, "--pdeathsig", "TERM", mosquitto, "-c", str(self._folder / "mosquitto.conf")),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            start_new_session=True,  # Or Ctrl-C would end it before us.
        )
        self._listener = asyncio.create_task(self._listen(process))
        for _ in range(_TRIES):
            if await self._answers(process):
                return
            await asyncio.sleep(_TRY_S)
        raise BrokerError(f"mosquitto did not answer on {self.host}:{self.port}.", fix=self._last_said())

    async def _answers(self, process: Process) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
        except OSError:
            if process.returncode is not None:
                raise BrokerError("mosquitto does not start.", fix=self._last_said()) from None
            return False
        return process.returncode is None

    async def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            said = line.decode(errors="replace").strip()
            self._said.append(said)
            log.warning("mosquitto: %s", said)

    def _last_said(self) -> str:
        return f"It said: {' / '.join(self._said) or 'nothing'}"

    def _configuration(self) -> str:
        lines = [
            f"listener {self.port} {self.host}",
            "allow_anonymous false",
            f"password_file {self._folder / 'passwords'}",
            f"acl_file {self._folder / 'access'}",
            "use_username_as_clientid true",  # Or one agent could end another's session.
            f"max_packet_size {MAX_WIRE + _HEADERS}",
            "persistence false",  # Nothing here is proof of storage: heads and status are told again.
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # Another user could not read these files.
        return "\n".join(lines) + "\n"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.rename(file)


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"The broker cannot listen on {host}:{port}: {error.strerror}.",
                fix="Stop what listens there (another mosquitto?), or choose another central.broker.port.",
            ) from error


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
