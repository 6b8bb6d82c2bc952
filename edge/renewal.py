"""Asks central for what an agent needs anew: a younger certificate, and at each boot the key that opens its seal."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from central.contract import topics
from central.contract.codec import Unreadable, pack, unpack
from central.contract.enrolment import Renew, Renewed, Unlock, Unlocked
from edge import enrolment
from edge.config import Broker
from edge.enrolment import Enrolment, Papers, Terms
from edge.errors import Broken, EdgeError
from edge.identity import Identity
from edge.ports import Link
from edge.seal import Seal, about
from edge.supervise import delays

log = logging.getLogger(__name__)

RENEW = timedelta(days=30)
"""Age at which a certificate is renewed; it lasts a year, so that a device may be off for eleven months."""
ENDING = timedelta(days=30)
"""What is left of one when it is somebody's trouble that it was not renewed."""
LOOK = 3600.0
"""Seconds between two looks at the certificate's age, and after a renewal that failed."""
ANSWER = 5.0
"""Seconds within which central answers; then it is asked again, later each time."""
PATIENCE = 30.0
"""Seconds that the command `renew` waits for its end."""


class Renewal:
    """Keeps the certificate young. Call `connected` and `refused` as the link is; `on_renewed` takes that topic.

    `now` is the time where it is known. `use` is told which identity the next connection is to be made with.
    """

    def __init__(
        self, own: Enrolment, link: Link, now: Callable[[], datetime | None], use: Callable[[Enrolment], None]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._link = link
        self._now = now
        self._use = use
        self._topic = topics.of_agent(own.store, own.agent, "renew")
        self._newest = self._using = own
        self._before = enrolment.before(own)
        self._works = False
        """Somebody has taken the newest."""
        self._read_times()
        self._key: EllipticCurvePrivateKey | None = None
        """What we have asked a certificate for."""
        self._wanted = False
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()

    @property
    def trouble(self) -> str:
        """What somebody should see to, or nothing."""
        now = self._now()
        if now is None or now < self._until - ENDING:
            return ""
        return f"The certificate ends on {self._until:%Y-%m-%d}, and central has not renewed it."

    def connected(self) -> None:
        """Know that a broker has taken the identity in use."""
        self._works = self._using is self._newest
        self._wake.set()

    def refused(self) -> None:
        """Try the other identity next, where there are two."""
        if self._before is None:
            return
        self.counts["certificates_refused"] += 1
        self._using = self._before if self._using is self._newest else self._newest
        self._use(self._using)

    async def renew(self, _body: bytes) -> str:
        """The command `renew`: renew now. Raises EdgeError where central does not answer, or not well."""
        before = self.counts["renewals"]
        self._wanted = True
        self._answered.clear()
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._answered.wait()
        if self.counts["renewals"] == before:
            raise EdgeError("There is no new certificate.", fix="See what the agent and central say in their logs.")
        return f"a new certificate, until {self._until:%Y-%m-%d}; the next connection uses it"

    async def run(self) -> None:
        """Renew when it is time, until cancelled."""
        while True:
            if self._works and self._before is not None:
                self._before = None
                await asyncio.to_thread(enrolment.forget_before, self._newest)
            if self._wanted or self._due():
                await self._ask()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._wake.wait()
            self._wake.clear()

    async def on_renewed(self, payload: bytes) -> None:
        """Keep the certificate that we have asked for; any other may be an old answer that comes late."""
        try:
            renewed = unpack(payload, Renewed)
        except Unreadable:
            self.counts["renewals_unreadable"] += 1
            return
        if self._key is None:
            self.counts["renewals_ignored"] += 1
            return
        papers = Papers(
            key=self._key,
            certificate=renewed.certificate,
            trust=renewed.trust,
            terms=Terms(
                store=self._newest.store,
                agent=self._newest.agent,
                brokers=tuple(Broker(host=where.host, port=where.port) for where in renewed.brokers),
                assets=renewed.assets,
            ),
            token=enrolment.token(self._newest),
        )
        try:
            enrolment.check(papers)
        except EdgeError as error:  # An old answer that comes late does not end the waiting for ours.
            self.counts["renewals_failed"] += 1
            log.error("an answer is not the new certificate: %s", error)
            return
        try:
            new = await asyncio.to_thread(enrolment.keep, self._newest.folder.parent, papers)
        except EdgeError as error:
            self.counts["renewals_failed"] += 1
            log.error("a new certificate could not be kept: %s", error)
        else:
            self.counts["renewals"] += 1
            # The one in use has worked: it stays until the new one has, too.
            self._before, self._newest, self._using, self._works = self._using, new, new, False
            self._read_times()
            self._use(new)
        self._key = None
        self._wanted = False
        self._answered.set()

    async def _ask(self) -> None:
        waits = delays(ANSWER)
        self._answered.clear()
        while self._link.connected and not self._answered.is_set():
            self._key = self._key or enrolment.made_key()
            self._link.publish(self._topic, pack(Renew(request=enrolment.request(self._key))))
            try:
                async with asyncio.timeout(next(waits)):
                    await self._answered.wait()
            except TimeoutError:
                self.counts["renewals_missed"] += 1

    def _due(self) -> bool:
        now = self._now()
        return now is not None and now - self._since >= RENEW

    def _read_times(self) -> None:
        certificate = enrolment.own(self._newest)
        self._since, self._until = certificate.not_valid_before_utc, certificate.not_valid_after_utc


class Unlocking:
    """Has the seal opened and the store's tokens readable, by what is here or by central.

    Call `connected` at every connection; `on_unlocked` takes that topic. `opened` is called at every connection, once
    the seal is open: before, nothing can be sent or kept. `memory` is a file that no disk holds.
    """

    def __init__(
        self, own: Enrolment, seal: Seal, identity: Identity, link: Link, *, boot: str, memory: Path | None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.opened: list[Callable[[], None]] = []
        self._own = own
        self._seal = seal
        self._identity = identity
        self._link = link
        self._question = pack(Unlock(boot=boot))
        self._topic = topics.of_agent(own.store, own.agent, "unlock")
        self._memory = memory
        self._about = about("token-key", own.store)
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        if not seal.locked:
            self._take_token(None)

    @property
    def trouble(self) -> str:
        """What is not open yet, or nothing."""
        if self._seal.locked:
            return "What this device keeps is sealed until central releases the key."
        if self._identity.locked:
            return "The key to the store's tokens is not here: nobody is known until central sends it."
        return ""

    def connected(self) -> None:
        """Go on at once where the seal is open; ask for what is missing."""
        if not self._seal.locked:
            self._tell()
        self._wake.set()

    async def run(self) -> None:
        """Ask after each connection until there is an answer, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waits = delays(ANSWER)
            while self._link.connected and (self._seal.locked or self._identity.locked):
                self._answered.clear()
                self._link.publish(self._topic, self._question)
                try:
                    async with asyncio.timeout(next(waits)):
                        await self._answered.wait()
                except TimeoutError:
                    self.counts["unlocks_missed"] += 1

    async def on_unlocked(self, payload: bytes) -> None:
        """Take what opens the seal, once."""
        try:
            unlocked = unpack(payload, Unlocked)
        except Unreadable:
            self.counts["unlocks_unreadable"] += 1
            return
        if not (self._seal.locked or self._identity.locked):
            self.counts["unlocks_ignored"] += 1
            return
        was_locked = self._seal.locked
        if was_locked:
            key = bytes.fromhex(unlocked.sealing_key)
            self._seal.unlock(key)
            _remember(self._memory, key)
        self._take_token(bytes.fromhex(unlocked.token_key) if unlocked.token_key else None)
        self.counts["unlocks"] += 1
        self._answered.set()
        if was_locked and self._link.connected:
            self._tell()

    def _tell(self) -> None:
        for opened in self.opened:
            opened()

    def _take_token(self, told: bytes | None) -> None:
        """Open the token key that is here; where there is none that opens, take and keep the one we were told."""
        sealed = enrolment.token(self._own)
        if sealed is not None:
            try:
                return self._identity.unlock(self._seal.open(sealed, self._about))
            except Broken:
                self.counts["token_keys_broken"] += 1
        if told is not None:
            self._identity.unlock(told)
            try:
                enrolment.keep_token(self._own, self._seal.seal(told, self._about))
            except EdgeError as error:  # A full disk: it is asked for again at the next start.
                log.warning("%s", error)
        return None


def memory(agent: str) -> Path | None:
    """Where a released key may lie so that the agent can start again without central, until the machine does.

    systemd's RuntimeDirectory= is in /run, which is no disk.
    """
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder) / f"{agent}.sealing" if folder else None


def remembered(file: Path | None) -> bytes | None:
    """The key that central has released since the machine was started, where it was remembered."""
    try:
        return (file.read_bytes() or None) if file else None
    except OSError:
        return None


def _remember(file: Path | None, key: bytes) -> None:
    if file is None:
        return
    new = file.with_suffix(".new")
    try:
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_bytes(key)
        new.replace(file)
    except OSError as error:
        log.warning("a restart will have to wait for central: %s", error)
