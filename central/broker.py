"""Runs a private mosquitto: writes who may do what, starts it again when it dies, ends sessions, stops it."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import signal
import socket
import ssl
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from central.contract import topics
from central.contract.codec import MAX_WIRE
from central.errors import BrokerError, PortTaken
from central.keys import CENTRAL

log = logging.getLogger(__name__)

_HEADERS = 1024
"""What a packet may have around its payload."""
_QUEUE = 64 * MAX_WIRE
"""Bytes that may wait for one slow client."""
_TRIES, _TRY_S = 500, 0.02
_PAUSE_S = 0.5
"""Short: who was connected tries again after a second."""
_TAKES_S = 5.0
_FILES = 1 << 16
_PATH = f"{os.defpath}:/usr/sbin:/usr/local/sbin"
"""Debian's mosquitto lies where the path of ordinary users does not lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who comes in and what they may do, as the texts of the broker's files."""

    access: str
    believed: str
    """Roots and enrolment keys, in PEM."""
    revocations: str
    """A list of each enrolment key, in PEM."""


def access(agents: Iterable[tuple[str, str]]) -> str:
    """Give the access list of central and of agents (name, store): each is told apart by its certificate's name.

    An agent writes and reads its own topics, and reads the heads of its store and of the chain.
    """
    parts = [f"user {CENTRAL}\ntopic readwrite {topics.ROOT}/#\n"]
    for name, store in agents:
        rights = [f"topic write {topics.of_agent(store, name, leaf)}" for leaf in topics.TO_CENTRAL]
        rights += [f"topic read {topics.of_agent(store, name, leaf)}" for leaf in topics.FROM_CENTRAL]
        rights += [f"topic read {topics.heads(scope)}" for scope in (store, topics.CHAIN)]
        parts.append("\n".join((f"user {name}", *rights, "")))
    return "\n".join(parts)


class Broker:
    """The child process, while inside `async with`; it ends with central, also when central is killed."""

    def __init__(self, folder: Path, host: str, port: int, server: Path) -> None:
        """`server` is the file with its key and certificate, which may change until the next `admit`."""
        self.host = host
        self.port = port or _free_port(host)
        self.restarts = 0
        self.tls_errors = 0
        """Handshakes that failed, and connections that were cut without a word."""
        self._folder = folder.resolve()
        self._server = server.resolve()
        self._process: Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._said: deque[str] = deque(maxlen=5)

    async def __aenter__(self) -> Broker:
        _check_port(self.host, self.port)
        _write(self._folder / "mosquitto.conf", self._configuration())
        try:
            await self._start()
        except BrokerError:
            await self._stop()
            raise
        self._watching = asyncio.create_task(self._watch(), name="broker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def here(self) -> str:
        """Where it is reached from this machine."""
        return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    def admit(self, admission: Admission) -> None:
        """From now on these may connect and act, and no others; whose session is on keeps it, without rights."""
        _write(self._folder / "access", admission.access)
        _write(self._folder / "believed.pem", admission.believed)
        _write(self._folder / "revoked.pem", admission.revocations)
        if self._process is not None and self._process.returncode is None:
            # mosquitto 2.0.11 reads all files anew then, its certificate and the revocation lists too (measured).
            self._process.send_signal(signal.SIGHUP)

    def revocations(self) -> str:
        """The lists that it was given last, also before central was started anew."""
        file = self._folder / "revoked.pem"
        return file.read_text(encoding="ascii", errors="replace") if file.exists() else ""

    async def end_session(self, passing: ssl.SSLContext) -> None:
        """End the session of the agent that this context's certificate names, by taking it over for a moment.

        mosquitto 2.0 ends no session by itself when its certificate is revoked. Raises BrokerError.
        """
        try:
            async with asyncio.timeout(_TAKES_S):
                reader, writer = await asyncio.open_connection(
                    self.here, self.port, ssl=passing, server_hostname="localhost"
                )
                try:
                    writer.write(_CONNECT)
                    answer = await reader.readexactly(4)
                    writer.write(_DISCONNECT)
                    await writer.drain()
                finally:
                    writer.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise BrokerError(f"A session could not be taken over: {error!r}.") from error
        if answer[3]:
            raise BrokerError(f"A session could not be taken over: the broker says {answer[3]}.")

    async def _watch(self) -> None:
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
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
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
        setpriv, prlimit, mosquitto = (shutil.which(name, path=_PATH) for name in ("setpriv", "prlimit", "mosquitto"))
        if setpriv is None or prlimit is None or mosquitto is None:
            raise BrokerError(
                "mosquitto is not installed.", fix="Install it (`apt install mosquitto`), or name a broker that runs."
            )
        # The kernel ends the broker with us, also when we are killed and cannot. Each session is an open file, and
        # 1,024 are what a process has that does not ask for more.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self._process = process = await asyncio.create_subprocess_exec(
            *(setpriv, "--pdeathsig", "TERM", prlimit, f"--nofile={min(files, _FILES) if files > 0 else _FILES}:"),
            *(mosquitto, "-c", str(self._folder / "mosquitto.conf")),
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
            _, writer = await asyncio.open_connection(self.here, self.port)
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
            if "OpenSSL Error" in said:  # Anybody who connects can have it said, as often as they like.
                self.tls_errors += 1
            else:
                log.warning("mosquitto: %s", said)

    def _last_said(self) -> str:
        return f"It said: {' / '.join(self._said) or 'nothing'}"

    def _configuration(self) -> str:
        lines = [
            f"listener {self.port} {self.host}",
            "tls_version tlsv1.3",
            f"certfile {self._server}",
            f"keyfile {self._server}",
            f"cafile {self._folder / 'believed.pem'}",
            f"crlfile {self._folder / 'revoked.pem'}",
            "require_certificate true",
            "use_identity_as_username true",
            "use_username_as_clientid true",  # Or one agent could end another's session.
            "allow_anonymous false",
            f"acl_file {self._folder / 'access'}",
            f"max_packet_size {MAX_WIRE + _HEADERS}",
            f"max_queued_bytes {_QUEUE}",
            "persistence false",  # Nothing here is proof of storage: heads and status are told again.
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # Another user could not read these files.
        return "\n".join(lines) + "\n"


_CONNECT = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01-"
"""MQTT 3.1.1, a clean session; the broker takes the certificate's name for the client's."""
_DISCONNECT = b"\xe0\x00"


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
